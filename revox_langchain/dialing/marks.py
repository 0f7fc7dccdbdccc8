"""Look for the mark that an intent leaves in an order's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.intent import MARK
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.search import search_all
from revox_langchain.errors import PlacementUnknown, RevoxToolError
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.results.order import unix_s

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class FoundOrders:
    """What a look showed: orders with the mark, and others to the same number, newest first."""

    marked: list[JsonObject]
    others: list[JsonObject]


def settle(intent_id: str, phone_number: str, policy: DialPolicy) -> Flow[FoundOrders]:
    """Keep looking, with growing pauses, until the mark shows up or `settle_s` is over."""
    # A new order takes a moment to show up in search, so one search without it proves nothing.
    found = FoundOrders([], [])
    failed: RevoxToolError | None = None
    for pause_s in (0.0, *pauses_s(policy.settle_s)):
        yield Pause(pause_s)
        try:
            found, failed = (yield from look(intent_id, phone_number, policy)), None
        except RevoxToolError as error:
            failed = error
            continue
        if found.marked:
            return found
    if failed is not None:
        raise unknown(intent_id, phone_number, f"Revox could not be searched ({failed.code}).")
    return found


def look(intent_id: str, phone_number: str, policy: DialPolicy) -> Flow[FoundOrders]:
    """Search the orders to this number, back to `look_back_days`, for the mark."""
    now_s = (yield Pause(0)).now_s
    oldest_s = now_s - policy.look_back_days * _DAY_S
    found = yield from search_all(
        GetCallHistory(to_phone_number=phone_number),
        # Only where the newest come first, which Revox does not promise, do old ones end the list.
        seen_enough=lambda rows: _newest_first(rows) and all(_older(call, oldest_s) for call in rows.values()),
        sure=lambda seen: bool(_marked(seen, intent_id)),
    )
    marked = _marked(found.calls, intent_id)
    ours = {call["id"] for call in marked}
    return FoundOrders(marked, [call for call in found.calls.values() if call["id"] not in ours])


def _marked(seen: Mapping[str, JsonObject], intent_id: str) -> list[JsonObject]:
    return [call for call in seen.values() if mark_of(call) == intent_id]


def mark_of(call: Mapping[str, object]) -> str | None:
    """The intent id that an order carries; None if it carries none."""
    metadata = call.get("metadata")
    # In which form Revox returns metadata is not documented; missing a mark in a JSON text would dial again.
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return None
    return metadata.get(MARK) if isinstance(metadata, Mapping) else None


def unknown(intent_id: str, phone_number: str, why: str) -> PlacementUnknown:
    """The error for an order that may or may not exist."""
    return PlacementUnknown(
        f"It is not known whether the call was placed. {why}",
        intent_id=intent_id,
        phone_number=phone_number,
    )


def _older(call: Mapping[str, object], oldest_s: float) -> bool:
    created_s = unix_s(call.get("created_at"))
    return created_s is not None and created_s < oldest_s


def _newest_first(rows: Mapping[str, JsonObject]) -> bool:
    moments = [unix_s(call.get("created_at")) or 0.0 for call in rows.values()]
    return len(moments) < 2 or moments[0] >= moments[-1]


def pauses_s(settle_s: float) -> list[float]:
    """Growing pauses that add up to `settle_s`."""
    pauses: list[float] = []
    pause_s = 1.0
    while (left := settle_s - sum(pauses)) > 0:
        pauses.append(min(pause_s, left))
        pause_s *= 2
    return pauses
