"""When each turn of a conversation was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from revox_langchain.results.order import Said, objects_of, text_of, unix_s

_SPEAKERS = {"assistant": "agent", "user": "user", "human_agent": "agent"}


def said_at(attempt: Mapping[str, object], turns: Sequence[Said]) -> list[str | None]:
    """The moment each turn began, in ISO 8601 UTC; None where Revox does not say.

    Speech events carry words and milliseconds since the call was answered; a turn is the next event with its words.
    """
    answered_s = unix_s(attempt.get("answered_at"))
    events = objects_of(attempt.get("speech_events"))
    moments: list[str | None] = []
    next_event = 0
    for turn in turns:
        found = next((at for at in range(next_event, len(events)) if _is(events[at], turn)), None)
        moments.append(None if found is None or answered_s is None else _moment(answered_s, events[found]))
        next_event = next_event if found is None else found + 1
    return moments


def _is(event: Mapping[str, object], turn: Said) -> bool:
    return _SPEAKERS.get(turn.role) == event.get("speaker") and text_of(event.get("transcript")) == turn.content


def _moment(answered_s: float, event: Mapping[str, object]) -> str | None:
    begun_ms = event.get("started_speaking_at_ms")
    if isinstance(begun_ms, bool) or not isinstance(begun_ms, (int, float)) or not 0 <= begun_ms < 1e9:
        return None
    return datetime.fromtimestamp(answered_s + begun_ms / 1000, UTC).isoformat(timespec="seconds")
