"""When each turn of a conversation was said."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from revox_langchain.results.order import Said, objects_of, text_of, unix_s
from revox_langchain.results.talk import moment_s

_SPEAKERS = {"assistant": "agent", "user": "user", "human_agent": "agent"}


def said_at(attempt: Mapping[str, object], turns: Sequence[Said]) -> list[str | None]:
    """The moment each turn began, in ISO 8601 UTC; None where Revox does not say."""
    answered_s = unix_s(attempt.get("answered_at"))
    return [
        None if answered_s is None or begun_s is None else _moment(answered_s + begun_s)
        for begun_s in begun_at_s(attempt, turns)
    ]


def begun_at_s(attempt: Mapping[str, object], turns: Sequence[Said]) -> list[float | None]:
    """When each turn began, in seconds since the conversation did; None where Revox does not say.

    Speech events carry words and milliseconds since the call was answered; a turn is the next event with its words.
    The transcript made from the recording may word them differently: then turns count as the events in their order,
    if as many were said by the same speakers.
    """
    events = objects_of(attempt.get("speech_events"))
    real = [event for event in events if event.get("is_real_turn") is not False]
    spoken = [at for at, turn in enumerate(turns) if turn.role in _SPEAKERS]
    moments: list[float | None] = [None] * len(turns)
    if [_SPEAKERS[turns[at].role] for at in spoken] == [event.get("speaker") for event in real]:
        found: Sequence[Mapping[str, object] | None] = real
    else:
        found = _by_words(events, [turns[at] for at in spoken])
    for at, event in zip(spoken, found, strict=True):
        moments[at] = None if event is None else moment_s(event.get("started_speaking_at_ms"))
    return moments


def _by_words(events: Sequence[Mapping[str, object]], turns: Sequence[Said]) -> list[Mapping[str, object] | None]:
    """The event of each turn: the next one that has its speaker and its words."""
    places: dict[tuple[object, str | None], deque[int]] = defaultdict(deque)
    for at, event in enumerate(events):
        speaker = event.get("speaker")
        places[speaker if isinstance(speaker, str) else None, text_of(event.get("transcript"))].append(at)
    found: list[Mapping[str, object] | None] = []
    next_event = 0
    for turn in turns:
        left = places.get((_SPEAKERS[turn.role], turn.content), deque())
        while left and left[0] < next_event:
            left.popleft()
        found.append(events[left[0]] if left else None)
        next_event = left[0] + 1 if left else next_event
    return found


def _moment(at_s: float) -> str | None:
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
