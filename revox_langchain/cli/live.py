"""A call while it happens: a live status line, and a transcript that grows above it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from revox_langchain.cli.screen import Screen, duration, plain
from revox_langchain.connection.connection import Connection
from revox_langchain.speech.language import language_name

_ROLES = {"assistant": "assistant", "user": "callee", "human_agent": "agent", "tool": "tool"}
_STYLES = {"assistant": "cyan", "user": "green", "human_agent": "magenta", "tool": "dim"}
_WORDS = {
    "initializing": "placing the call",
    "queued_for_calling": "in the queue",
    "calling": "dialing",
    "post_processing": "hung up; Revox is working out the result",
    "scheduled": "waiting to dial",
    "paused": "paused",
    "not_launched": "waiting for its campaign",
}
_LONG_IN_QUEUE_S = 60.0


class LiveCall:
    """Shows a call's events as they come; give `see` each of them.

    On a terminal the last line says where the call stands and for how long; elsewhere there are only plain lines.
    May be entered again: a question to the person interrupts the view.

    Args:
        screen: Where to write.
        connection: Its clock tells the time: a sandbox's runs at its own speed.
        first_words: What the status line says before the first event.
        tell_voice: Whether to write a line about the voice.
        looks_s: How long an earlier call of a named intent is looked for before this one is placed; 0 for no name.
        for_window: Whether an order that waits to be dialed can only wait for its calling window.

    Attributes:
        call_id: Id of the order, once it is known.
        intent_id: Its mark.
        dialing: Whether the order may have been sent and not been answered.
    """

    def __init__(
        self,
        screen: Screen,
        connection: Connection,
        *,
        first_words: str = "getting ready",
        tell_voice: bool = True,
        looks_s: float = 0.0,
        for_window: bool = False,
    ) -> None:
        self.call_id: str | None = None
        self.intent_id: str | None = None
        self.phone_number: str | None = None
        self.dialing = False
        self._screen = screen
        self._connection = connection
        self._start_s = connection.clock.now_s()
        self._words = first_words
        self._tell_voice = tell_voice
        self._looks_s = looks_s
        self._for_window = for_window
        self._existed = False
        self._status: str | None = None
        self._attempt = 0
        self._said_waiting = False
        self._planned: object = None
        self._begun: object = None
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            console=screen.console,
            get_renderable=self._status_line,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        if self._screen.live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._screen.live:
            self._live.stop()

    def follow_existing(self, call_id: str) -> None:
        """Show a call that was placed before: what was said in it carries the time it was said."""
        self.call_id = call_id
        self._existed = True

    def see(self, event: Mapping[str, Any]) -> None:
        """Show one event; unknown types are ignored."""
        match event.get("type"):
            case "revox.voice":
                self._voice(event)
            case "revox.dialing":
                self._dialing(event)
            case "revox.looking":
                self._looking()
            case "revox.placed":
                self._placed(event)
            case "revox.status":
                self._changed(event)
            case "revox.turn":
                self._turn(event)
            case "revox.heartbeat":
                self._heartbeat(event)

    def _voice(self, event: Mapping[str, Any]) -> None:
        if self._tell_voice:
            self._fact("Voice", voice_words(event.get("voice"), event.get("language")))
        self._words = "preparing the assistant"

    def _dialing(self, event: Mapping[str, Any]) -> None:
        self.dialing = True
        self.intent_id = str(event.get("intent_id"))
        self.phone_number = str(event.get("phone_number"))
        self._words = "placing the call"
        if self._looks_s:
            self._words = (
                f"looking for an earlier call of this intent for up to {self._looks_s:g} s, before placing one"
            )
            if not self._screen.live:
                self._screen.line(f"{self._words[0].upper()}{self._words[1:]}.", "dim")

    def _looking(self) -> None:
        self._words = "looking for the order"
        self._note("Revox's answer was lost; looking for the order instead of placing a second one.")

    def _placed(self, event: Mapping[str, Any]) -> None:
        self.dialing = False
        self.call_id = str(event.get("call_id"))
        self.intent_id = str(event.get("intent_id"))
        self._start_s = self._connection.clock.now_s()
        self._existed = bool(event.get("adopted"))
        already = " (placed earlier; nothing was dialed again)" if event.get("adopted") else ""
        self._fact("Call", self.call_id + already)

    def _changed(self, event: Mapping[str, Any]) -> None:
        status, attempt = str(event.get("status")), int(event.get("attempt") or 0)
        self.call_id = self.call_id or str(event.get("call_id"))
        known = attempt == self._attempt or self._status is None
        tries_again = attempt > 0 and (status == "scheduled" or (status == "queued_for_calling" and known))
        self._status, self._attempt = status, attempt
        self._planned = event.get("scheduled_at")
        if status == "calling":
            self._begun = self._planned
        self._words = self._status_words(event)
        if tries_again:
            self._words = f"next attempt{self._when()}"
            self._note(f"Attempt {attempt} did not reach the callee; {self._words}. Revox dials by itself.")
        elif status == "scheduled":
            self._waits()
        elif status == "paused":
            self._note(f"Paused in the dashboard; it continues when call {self.call_id} is resumed.")
        elif not self._screen.live and status in ("queued_for_calling", "calling"):
            self._row(event, "", self._words, "dim")

    def _status_words(self, event: Mapping[str, Any]) -> str:
        words = _WORDS.get(str(self._status), plain(self._status))
        if self._status != "calling":
            return words
        if event.get("attempt_status") == "ringing":
            words = "ringing"
        return f"{words}, attempt {self._attempt}" if self._attempt > 1 else words

    def _turn(self, event: Mapping[str, Any]) -> None:
        role = str(event.get("role"))
        if self._status == "calling":
            self._words = "talking" + (f", attempt {self._attempt}" if self._attempt > 1 else "")
        content = plain(event.get("content") or ("(used a tool)" if role == "tool" else ""))
        moment = _clock_time(event.get("said_at")) if self._existed else None
        self._row(event, _ROLES.get(role, plain(role)), content, _STYLES.get(role, ""), moment)

    def _heartbeat(self, event: Mapping[str, Any]) -> None:
        long = float(event.get("elapsed_s") or 0.0) > _LONG_IN_QUEUE_S
        if event.get("status") == "queued_for_calling" and long and not (self._said_waiting or self._attempt):
            self._waits()

    def _waits(self) -> None:
        self._said_waiting = True
        when = self._when()
        reason = "Waiting for the calling window" if self._for_window or not when else "Scheduled"
        self._note(f"{reason}: Revox will dial{when or ' by itself'}. Ctrl-C does not cancel the call.")

    def _when(self) -> str:
        """Say when it is dialed next, if that is known and still to come."""
        try:
            moment = datetime.fromisoformat(str(self._planned))
        except ValueError:
            return ""
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        said = f" at {moment:%a %d %b %H:%M %Z}"
        if not self._connection.keeps_time:
            # How long that is cannot be told; what was dialed at that moment already is past.
            return said if self._planned != self._begun else ""
        left_s = moment.timestamp() - self._connection.clock.now_s()
        return f"{said}, in {_about(left_s)}" if left_s > 0 else ""

    def _fact(self, name: str, words: str) -> None:
        self._screen.line(Text.assemble((f"{name:<9}", "bold"), words))

    def _note(self, words: str) -> None:
        self._screen.line(Text(words, style="yellow"))

    def _row(self, event: Mapping[str, Any], who: str, words: str, style: str, moment: str | None = None) -> None:
        passed = moment or duration(float(event.get("elapsed_s") or 0.0))
        if not self._screen.live:
            self._screen.line(f"{passed:>7}  {who:<9}  {words}".rstrip() if who else f"{passed:>7}  {words}")
            return
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(min_width=5, justify="right", style="dim", no_wrap=True)
        row.add_column(width=9, style=f"bold {style}")
        row.add_column(overflow="fold")
        row.add_row(passed, who, Text(words))
        self._screen.console.print(row)

    def _status_line(self) -> Padding:
        passed = duration(self._connection.clock.now_s() - self._start_s)
        self._spinner.update(text=Text.assemble((passed, "bold"), "  ", (self._words, "bold cyan")))
        return Padding(self._spinner, (1, 0, 0, 0))


def voice_words(voice: Mapping[str, Any] | None, language: str | None = None) -> str:
    """A voice in a few words."""
    if not voice:
        return "the assistant's own"
    spoken = language or voice.get("language")
    about = [language_name(str(spoken))] if spoken else []
    accent = str(voice.get("accent") or "")
    about += [f"{accent} accent"] if accent and accent.casefold() not in "".join(about).casefold() else []
    about += [str(voice["gender"])] if voice.get("gender") else []
    about.append(str(voice.get("provider")))
    return plain(f"{voice.get('name') or voice.get('id')} ({', '.join(about)})")


def _clock_time(moment: object) -> str | None:
    """A moment as the clock on the wall shows it."""
    try:
        return f"{datetime.fromisoformat(str(moment)).astimezone():%H:%M:%S}"
    except ValueError:
        return None


def _about(seconds: float) -> str:
    """A long time in round words."""
    for unit_s, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"
