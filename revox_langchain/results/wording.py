"""What is told of a call in words, for pages, notebooks and Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from revox_langchain.errors import RevoxToolError
from revox_langchain.phone import parse_phone
from revox_langchain.results.facts import Attempt, CallFacts, Conclusion, Disposition, Turn
from revox_langchain.results.order import unix_s
from revox_langchain.results.talk import Response

UNKNOWN = "not reported"

DISPOSITIONS: dict[Disposition, str] = {
    "answered": "answered",
    "voicemail": "voicemail",
    "no_answer": "no answer",
    "busy": "busy",
    "screened": "call screening answered",
    "ivr": "a phone menu answered",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": UNKNOWN,
}
CONCLUSIONS: dict[Conclusion, str] = {
    "pending": "not over yet",
    "completed": "completed",
    "interested": "interested",
    "not_interested": "not interested",
    "requested_callback_later": "asked to be called back later",
    "talked": "talked, no verdict",
    "not_reached": "not reached",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": UNKNOWN,
}
ROLES = {"assistant": "Assistant", "user": "Callee", "human_agent": "Human agent", "tool": "Tool"}
SOMEONE_CALLED = "inbound"
"""The direction of a call that came in, in which the person is the caller."""

# They would order the letters around them anew, or could not stand in a page at all.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def person(facts: CallFacts) -> str:
    """What the person on the other end is."""
    return "caller" if facts.direction == SOMEONE_CALLED else "callee"


def number(facts: CallFacts) -> str:
    """The person's number."""
    found = facts.from_phone_number if facts.direction == SOMEONE_CALLED else facts.phone_number
    return found or UNKNOWN


def title(facts: CallFacts) -> str:
    """Who was called, or who called."""
    return f"Call {'from' if facts.direction == SOMEONE_CALLED else 'to'} {number(facts)}"


def role(turn: Turn, facts: CallFacts) -> str:
    """Who said a turn."""
    return person(facts).capitalize() if turn.role == "user" else ROLES.get(turn.role, turn.role)


def harmless(text: object) -> str:
    """Text in which what could reorder or hide other text stands as its code, such as `[U+202E]`."""
    return _CONTROL.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text).replace("\r\n", "\n"))


def moment(text: str | None, zones: Sequence[str] = ()) -> str:
    """A moment with its offset, in the callee's zone where there is one: `Tue 6 Jan 2026, 05:00:03 −05:00`.

    Args:
        text: As Revox gives it; what is no moment is shown as it is.
        zones: Where the callee may be.
    """
    at_s = unix_s(text)
    if text is None or at_s is None:
        return UNKNOWN if not text else harmless(text)
    try:
        at = datetime.fromtimestamp(at_s, UTC)
        at = at.astimezone(_zone(zones))
    except (OverflowError, ValueError, OSError):
        return harmless(text)
    offset = at.strftime("%z")
    written = f"{offset[:3]}:{offset[3:5]}".replace("-", "\u2212")
    return f"{at:%a} {at.day} {at:%b} {at.year:04}, {at:%H:%M:%S} {written}"


def zones_of(facts: CallFacts) -> tuple[str, ...]:
    """The zones the person may be in; none if their number is not known or is none."""
    try:
        return parse_phone(number(facts)).time_zones
    except RevoxToolError:
        return ()


def zone_words(zones: Sequence[str], who: str) -> str:
    """Where the clock of the callee or caller is."""
    if len(zones) == 1:
        return f"{zones[0]}, the {who}'s zone"
    return f"UTC; the {who} may be in any of {len(zones)} zones" if zones else f"UTC; the {who}'s zone is not known"


def duration(seconds: float | None) -> str:
    """A duration as `0:07`, `12:30` or `2:00:05`."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def minutes(facts: CallFacts) -> str:
    """Minutes used against the most that it could be."""
    ceiling = (
        f"of at most {facts.minutes_ceiling:g}" if facts.minutes_ceiling is not None else f"used, ceiling {UNKNOWN}"
    )
    return f"{facts.minutes_used:.1f} {ceiling}"


def dials(facts: CallFacts) -> str:
    """How often the phone was dialed against the most that it could be."""
    ceiling = "" if facts.attempts_ceiling is None else f" of at most {facts.attempts_ceiling}"
    return f"{len(facts.attempts)}{ceiling}"


def outcome(facts: CallFacts) -> str:
    """Revox's verdict, in words."""
    return harmless(facts.outcome).replace("_", " ") if facts.outcome else UNKNOWN


def share(facts: CallFacts) -> str:
    """Who spoke how much."""
    if facts.talk_share is None:
        return UNKNOWN
    assistant = round(facts.talk_share * 100)
    return f"assistant {assistant} %, {person(facts)} {100 - assistant} %"


def waits(facts: CallFacts) -> str:
    """How long the callee waited for answers: the middle and the longest."""
    from statistics import median

    latencies = [response.latency_s for response in facts.responses]
    if not latencies:
        return UNKNOWN
    return f"{median(latencies):.1f} s in the middle, {max(latencies):.1f} s at most"


def parts_of(response: Response) -> tuple[float | None, float | None, float | None]:
    """What an answer waited for, in order: transcription, model, voice."""
    return response.transcription_s, response.model_s, response.voice_s


def wait(response: Response) -> str:
    """How long an answer took, and on what: `0.92 s: transcription 0.16, model 0.33, voice 0.15`."""
    names = ("transcription", "model", "voice")
    parts = [
        f"{name} {UNKNOWN if part is None else f'{part:.2f}'}"
        for name, part in zip(names, parts_of(response), strict=True)
    ]
    return f"{response.latency_s:.2f} s: {', '.join(parts)}"


def reason(attempt: Attempt, facts: CallFacts) -> str:
    """Why an attempt ended as it did, in the words Revox has for it."""
    ended_by = {"agent": "assistant", "user": person(facts)}
    said = [
        f"dial error: {attempt.dial_error}" if attempt.dial_error else "",
        f"ended by the {ended_by.get(attempt.ended_by, attempt.ended_by)}" if attempt.ended_by else "",
        attempt.end_reason or "",
    ]
    return harmless(", ".join(part.replace("_", " ") for part in said if part)) or UNKNOWN


def remarks(facts: CallFacts) -> list[str]:
    """What a reader should know before trusting the rest."""
    found = [f"Structured output does not fit its configuration: {harmless(each)}." for each in facts.misfits]
    if facts.structured_output and facts.disposition not in ("answered", "unknown"):
        found.append("Values were extracted although no one was reached.")
    if not facts.ended:
        stood = f"its status was {UNKNOWN if facts.status == 'unknown' else harmless(facts.status)}"
        found.append(f"The call had not ended when this was written: {stood}.")
    if facts.minutes_ceiling is not None and facts.minutes_used > facts.minutes_ceiling:
        found.append("It used more minutes than its ceiling.")
    return found


def _zone(zones: Sequence[str]) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(zones[0]) if len(zones) == 1 else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
