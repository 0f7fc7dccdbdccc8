"""The result of a call, in a few lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import next_step_for_people
from revox_langchain.cli.live import voice_words
from revox_langchain.cli.screen import Screen, complain, duration, hint, plain
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.render.calls import SANDBOX
from revox_langchain.results.call import CallResult

_STYLES = {"completed": "bold green", "still_running": "bold yellow"}
_DISPOSITIONS = {
    "no_answer": "no answer",
    "ivr": "a phone menu answered",
    "screened": "call screening answered",
    "unknown": "no one spoke",
}


def output_of(order: Mapping[str, Any], *, waited_s: float = 0.0) -> JsonObject:
    """Turn an order that was watched into the call graph's output."""
    result = CallResult.from_call(order)
    error = None
    if not result.ended:
        error = RevoxToolError(
            f"The call is {result.status} after {waited_s:.0f} s of waiting; it continues.",
            code="still_running",
            next_step=f"Continue with `revox-langchain watch {result.call_id}`.",
            retry_safe=True,
        ).as_dict()
    return {
        **result.as_output(),
        "call_id": result.call_id,
        "error": error,
    }


def show_result(output: Mapping[str, Any], screen: Screen, *, sandbox: bool = False) -> None:
    """Show the result of a call: JSON if that was asked for, else words; an error also goes to stderr.

    Args:
        output: As the call graph gives it.
        screen: Where to show it.
        sandbox: Whether it was said already that no phone rings; the call ends with this process.
    """
    screen.answer(output)
    warnings = list(output.get("warnings") or [])
    if output.get("placed_at") and warnings:
        # Said first: what follows would look like the success of a call placed now.
        hint(f"Warning: {warnings.pop(0)}")
    if output.get("sandbox") and not (sandbox or screen.as_json):
        screen.line(SANDBOX, "dim")
    if not screen.as_json and output.get("status") not in ("refused", "unknown", "given_up"):
        _show_facts(output, screen, sandbox)
    error = output.get("error")
    if error and error["code"] == "still_running":
        hint(error["message"] if sandbox else f"{error['message']} {error['next_step']}")
    elif error and error["code"] == "rejected":
        # The graph words this for a model; here it was the reader who said no.
        hint("Nothing was dialed.")
    elif error:
        complain(error["message"], next_step_for_people(error))
    for warning in warnings:
        hint(f"Warning: {warning}")


def _show_facts(output: Mapping[str, Any], screen: Screen, sandbox: bool) -> None:
    screen.line()
    screen.line(Text(_headline(output), style=_STYLES.get(str(output["status"]), "bold red")))
    facts: list[tuple[str, str]] = []
    if output["status"] == "errored":
        facts.append(("Why", "Revox gave no reason. Check the number, the assistant and Revox's dashboard."))
    if output.get("outcome"):
        facts.append(("Outcome", f"{output['outcome']}: {output.get('outcome_summary') or ''}".rstrip(": ")))
    for index, (name, value) in enumerate((output.get("structured_output") or {}).items()):
        facts.append(("Output" if index == 0 else "", f"{name} = {_value(value)}"))
    if output.get("voice"):
        facts.append(("Voice", voice_words(output["voice"], output.get("language"))))
    if output.get("recording_url") and not sandbox:
        facts.append(("Audio", str(output["recording_url"])))
    if not screen.live:
        for name, words in facts:
            screen.line(f"{name:<9}{plain(words)}")
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=7, style="bold")
    table.add_column(overflow="fold")
    for name, words in facts:
        table.add_row(name, Text(plain(words)))
    screen.console.print(table)


def _headline(output: Mapping[str, Any]) -> str:
    attempts = output.get("attempts") or []
    parts = [str(output["status"]).replace("_", " ").capitalize()]
    disposition = output.get("disposition")
    if disposition and output["status"] not in ("cancelled", "errored", "still_running"):
        parts.append(_DISPOSITIONS.get(disposition, disposition))
    if attempts:
        parts.append(f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}")
    talk_s = sum(attempt.get("talk_s") or 0.0 for attempt in attempts)
    if talk_s:
        parts.append(f"{duration(talk_s)} of talk")
    return plain(", ".join(parts)) + "."


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
