"""Drive a campaign from the command line: a bar and a funnel while it goes on, and a choice on Ctrl-C."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from revox_langchain.answers import JsonObject
from revox_langchain.cli.campaign_page import read_campaign_page
from revox_langchain.cli.exits import Exit, exit_of_error, interrupted
from revox_langchain.cli.pages import open_in_browser, write_page
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.cli.thread import run_to_its_end
from revox_langchain.connection.connection import Connection
from revox_langchain.contacts import SqliteContacts
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import run
from revox_langchain.report.campaign import draw_campaign

_EXITS = {
    "completed": Exit.DONE,
    "stopped": Exit.NOT_COMPLETED,
    "still_running": Exit.STILL_RUNNING,
    "unknown": Exit.UNKNOWN,
}


class LiveCampaign:
    """Shows a campaign's events as they come: a bar on a terminal, lines elsewhere.

    Args:
        screen: Where to write.

    Attributes:
        campaigns: Ids of Revox's campaigns, as far as they are known.
    """

    def __init__(self, screen: Screen) -> None:
        self.campaigns: list[str] = []
        self._screen = screen
        self._said = ""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=screen.console, transient=True, redirect_stdout=False)
        self._task = self._bar.add_task("getting ready", total=None)

    def __enter__(self) -> Self:
        if self._screen.live:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._screen.live:
            self._bar.stop()

    def see(self, event: Mapping[str, Any]) -> None:
        """Show an event."""
        match event.get("type"):
            case "revox.campaign_created" | "revox.campaign_launched":
                if event.get("campaign_id") and event["campaign_id"] not in self.campaigns:
                    self.campaigns.append(str(event["campaign_id"]))
                    self._say(f"Campaign {event['campaign_id']} ({event.get('language')})")
            case "revox.campaign":
                self._progress(event)
            case "revox.campaign_stopped":
                self._say(f"Paused: {event['reason']}")
            case "revox.campaign_note":
                self._say(str(event["note"]))

    def _progress(self, event: Mapping[str, Any]) -> None:
        funnel = event["funnel"]
        words = f"dialed {funnel['called']}, reached {funnel['reached']}, interested {funnel['interested']}"
        self._bar.update(self._task, description=words, completed=funnel["ended"], total=funnel["contacts"])
        if not self._screen.live:
            self._say(f"{funnel['ended']} of {funnel['contacts']} ended: {words}.")

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._screen.line(words, "dim")


class CampaignRun:
    """One run of the campaign graph, shown as it goes on.

    Args:
        connection: The account, or a sandbox's.
        screen: Where to show it.
        policy: What may be dialed.
        db: File with the rows.
        folder: Where the file of contacts is.
        output: Folder for results.
        opt_out: Who must not be called.
        interval_s: Seconds between looks.
        approve: Ask the person at the terminal before anything is created.
        sandbox: Whether the calls end with this process.
        page: Write the campaign's page at the end and open it.
    """

    def __init__(
        self,
        connection: Connection,
        screen: Screen,
        policy: DialPolicy,
        *,
        db: Path,
        folder: Path,
        output: Path,
        opt_out: Path | None,
        interval_s: float,
        approve: bool,
        sandbox: bool,
        page: bool = False,
    ) -> None:
        self._connection = connection
        self._screen = screen
        self._policy = policy
        self._db = db
        self._folder = folder
        self._output = output
        self._opt_out = opt_out
        self._interval_s = interval_s
        self._approve = approve
        self._sandbox = sandbox
        self._page = page

    def follow(self, request: JsonObject) -> Exit:
        """Create, launch and watch the campaign.

        Args:
            request: The graph's input.
        """
        live, name = LiveCampaign(self._screen), str(request["intent"])
        if not self._sandbox:
            hint(f"This campaign's ID is {name}. To go on after an interruption: the same command with --resume {name}")
        try:
            # A sandbox's campaigns end with this process, and so do their rows.
            with SqliteContacts(":memory:" if self._sandbox else self._db) as store:
                output = self._run(request, store, live)
        except (KeyboardInterrupt, typer.Abort):
            return self._interrupted(live, name)
        return self._shown({"id": name, **output})

    def _run(self, request: JsonObject, store: SqliteContacts, live: LiveCampaign) -> JsonObject:
        from langgraph.checkpoint.memory import InMemorySaver

        from revox_langchain.graph import CampaignOutput, campaign_graph
        from revox_langchain.graph.campaign.input import CampaignInput
        from revox_langchain.graph.campaign.watch import Pace

        CampaignInput.parse(request)
        graph = campaign_graph(
            self._connection,
            # Only to hold the question: what survives this process are the rows and the marks in Revox.
            checkpointer=InMemorySaver() if self._approve else None,
            policy=self._policy,
            pace=Pace(interval_s=self._interval_s),
            approve=self._approve,
            on_unknown="report",
            store=store,
            contacts_dir=self._folder,
            results_dir=self._output,
            opt_out=self._opt_out,
        )
        state = run_to_its_end(graph, request, live, self._connection, lambda question: _asked(question, self._screen))
        return {name: state.get(name) for name in CampaignOutput.model_fields}

    def _shown(self, output: JsonObject) -> Exit:
        self._screen.answer(output)
        if not self._screen.as_json:
            self._screen.line(
                f"{str(output['status']).replace('_', ' ').capitalize()}. {output['reason'] or ''}".strip()
            )
            for language, counts in (output["conclusions"] or {}).items():
                words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
                self._screen.line(f"{language}: {words}")
            for code, count in (output["not_called"] or {}).items():
                self._screen.line(f"Not called: {count} ({code})")
            for name in ("results_csv", "errors_csv"):
                if output[name]:
                    self._screen.line(f"Written: {output[name]}")
        made = [each for each in output["campaigns"] or [] if each.get("campaign_id")]
        if self._page and made:
            self._open({str(each["campaign_id"]): str(each["language"]) for each in made})
        error = output["error"]
        for warning in output["warnings"] or []:
            hint(str(warning), name="Warning")
        if output["status"] in _EXITS:
            return _EXITS[output["status"]]
        return exit_of_error(error or {})

    def _open(self, languages: dict[str, str]) -> None:
        """Open the campaign's page; what stands in the way is said, and the campaign's end stays as it is."""
        path = str(self._output / "campaign.html")
        try:
            page = read_campaign_page(tuple(languages), self._connection, languages=languages)
            write_page(draw_campaign(page), path)
        except RevoxToolError as error:
            hint(f"The page could not be written: {error}")
        else:
            open_in_browser(path)

    def _interrupted(self, live: LiveCampaign, name: str) -> Exit:
        """After Ctrl-C: pause the campaigns if a person says so, or only leave."""
        status, said, step = "refused", "Stopped before anything was launched.", ""
        if self._sandbox:
            said = "Stopped; the sandbox's calls ended with it."
        elif live.campaigns:
            status, said = "still_running", "The campaign goes on without being watched."
            step = f"To watch it again: the same command with --resume {name}"
            if self._wants_paused():
                status, said, step = self._paused(live, step)
        hint(f"{said} {step}".strip())
        answer = {"status": status, "id": name, "campaign_ids": live.campaigns, "error": interrupted(said, step)}
        self._screen.answer({**answer, "sandbox": self._connection.sandbox})
        return Exit.INTERRUPTED

    def _wants_paused(self) -> bool:
        try:
            return self._screen.can_ask() and self._screen.ask("\nPause the campaign? Otherwise it goes on.")
        except (KeyboardInterrupt, typer.Abort):
            return False

    def _paused(self, live: LiveCampaign, step: str) -> tuple[str, str, str]:
        from revox_langchain.graph.campaign.control import pause

        try:
            run(pause(live.campaigns), self._connection)
        except RevoxToolError as error:
            return "still_running", f"The campaign could not be paused: {error.message}", step
        return "paused", "The campaign is paused; calls under way end normally.", f"Resume it in Revox first. {step}"


def _asked(question: Mapping[str, Any], screen: Screen) -> JsonObject:
    """Show what would be created and launched, and ask for a yes; the hash ties the answer to it."""
    arguments = question["arguments"]
    hint("This dials real phones and costs money.")
    for group in arguments["groups"]:
        voice = (group["voice"] or {}).get("name") or "the assistant's own voice"
        hint(f"{group['contacts']} contacts, {voice}", name=str(group["language"]))
    for sample in arguments["first_sentences"]:
        hint(str(sample["first_sentence"]), name="First")
    for code, count in arguments["not_called"].items():
        hint(f"{count} ({code})", name="Skipped")
    hint(f"{arguments['max_attempts']} attempts, {arguments['max_minutes']:g} minutes of talk", name="At most")
    for warning in question["warnings"]:
        hint(str(warning), name="Warning")
    decision = "approve" if screen.ask(f"Call {arguments['contacts']} contacts now?") else "reject"
    return {"decision": decision, "arguments_hash": question["arguments_hash"]}
