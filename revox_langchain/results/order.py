"""The one reader of Revox's orders: whatever an answer holds, each of these returns something of its type.

Watching, results, texts for models and the search for marks all read orders through these functions, because an error
while reading the answer to a dial would hide a call that has been placed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from revox_langchain.answers import JsonObject, safe_json, safe_text

TURNS = ("post_call_transcript", "transcript")
"""Where an attempt holds what was said: made from the recording, which is better, and made during the call."""

MARK = "revox_langchain_intent"
"""The key in an order's metadata that holds the id of its intent."""

# A number beyond this counts milliseconds: as seconds it would be the year 5138.
_IN_SECONDS = 1e11
_YEAR_9999_S = 253_402_300_799.0
_SPEAKER = re.compile(r"\s*(assistant|user|human_agent|tool)\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


class Said(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


def text_of(value: object) -> str | None:
    """A value as text; None if there is none. Lists and objects become JSON."""
    if value is None or isinstance(value, str):
        return None if value is None else safe_text(value)
    return json.dumps(safe_json(value), ensure_ascii=False)


def object_of(value: object) -> JsonObject:
    """A JSON object, made safe; empty if it is something else."""
    return safe_json(value) if isinstance(value, Mapping) else {}


def part_of(order: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object inside an order, as it came; empty if it is something else."""
    value = order.get(name)
    return value if isinstance(value, Mapping) else {}


def objects_of(value: object) -> list[Mapping[str, object]]:
    """The JSON objects in a list; none of anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def whole_of(value: object, otherwise: int) -> int:
    """A number without its fraction; `otherwise` for anything that is not a number."""
    number = safe_json(value) if _is_number(value) else None
    return otherwise if number is None else int(number)


def order_in(answer: object) -> JsonObject | None:
    """The order that an answer carries under `call`; None if it carries none that can be named by its id."""
    order = answer.get("call") if isinstance(answer, Mapping) else None
    return order if isinstance(order, dict) and id_of(order) else None


def id_of(order: Mapping[str, object]) -> str:
    """The id of an order; empty if it has none."""
    found = order.get("id")
    return safe_text(found) if isinstance(found, str) else (text_of(found) or "") if _is_number(found) else ""


def sandbox_of(order: Mapping[str, object]) -> JsonObject:
    """The mark of a sandbox's order, for whatever is made of it; empty for an order of Revox."""
    return {"sandbox": True} if order.get("sandbox") is True else {}


def status_of(order: Mapping[str, object]) -> str:
    """Where an order or an attempt stands; `unknown` if it does not say."""
    return text_of(order.get("status")) or "unknown"


def attempts_of(order: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The attempts of an order, oldest first; Revox lists the newest first."""
    return list(reversed(objects_of(order.get("call_attempts")) or objects_of([order.get("last_call_attempt")])))


def turns_of(attempt: Mapping[str, object], names: Sequence[str] = TURNS) -> list[Said]:
    """What was said in an attempt, read from the first of `names` that holds something."""
    return [said for said, _ in whole_turns_of(attempt, names)]


def whole_turns_of(
    attempt: Mapping[str, object], names: Sequence[str] = TURNS
) -> list[tuple[Said, Mapping[str, object]]]:
    """What was said in an attempt, each turn with all that Revox says of it, such as a tool's arguments."""
    return next((turns for name in names if (turns := _turns(attempt.get(name)))), [])


def unix_s(moment: object) -> float | None:
    """Seconds since the epoch of a number or of an ISO 8601 text; None for anything else.

    A text without a zone is read as UTC, which Revox writes.
    """
    if isinstance(moment, str):
        if re.fullmatch(r"\d{9,14}(\.\d{1,9})?", moment):
            return unix_s(float(moment))
        try:
            parsed = datetime.fromisoformat(moment)
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    number = safe_json(moment) if _is_number(moment) else None
    if number is None:
        return None
    seconds = number / 1000 if number > _IN_SECONDS else float(number)
    return seconds if abs(seconds) <= _YEAR_9999_S else None


def metadata_of(order: Mapping[str, object]) -> Mapping[str, object]:
    """An order's metadata; empty if it has none, or none that can be read."""
    metadata = decoded(order.get("metadata"))
    return metadata if isinstance(metadata, Mapping) else {}


def decoded(metadata: object) -> object:
    """Metadata as JSON, also where it comes as a text; anything that is no JSON text as it is."""
    # In which form Revox returns metadata is not documented; missing a mark in a JSON text would dial again.
    if not isinstance(metadata, str):
        return metadata
    try:
        read: object = json.loads(metadata)
    except (ValueError, RecursionError):
        return metadata
    return read


def number_of(value: object) -> float | None:
    """A finite number; None for anything else."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def has_output(order: Mapping[str, object]) -> bool:
    """Whether structured output has come."""
    return any(attempt.get("structured_output") for attempt in attempts_of(order))


def reached_someone(order: Mapping[str, object]) -> bool:
    """Whether an attempt was answered, and not by a machine."""
    talked = (None, "human", "unknown")
    return any(attempt.get("answered_at") and attempt.get("result") in talked for attempt in attempts_of(order))


def _turns(value: object) -> list[tuple[Said, Mapping[str, object]]]:
    if isinstance(value, str):
        return [(_spoken_line(line), {}) for line in safe_text(value).splitlines() if line.strip()]
    return [_turn(item) for item in value if item is not None] if isinstance(value, (list, tuple)) else []


def _turn(item: object) -> tuple[Said, Mapping[str, object]]:
    if not isinstance(item, Mapping):
        return _spoken_line(text_of(item) or ""), {}
    words = text_of(item.get("content") or item.get("tool_name")) or ""
    return Said(text_of(item.get("role")) or "unknown", words), item


def _spoken_line(line: str) -> Said:
    found = _SPEAKER.fullmatch(line)
    return Said(found[1].lower(), found[2]) if found else Said("unknown", line)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
