"""Look for the mark that an intent leaves in an order's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.intent import MARK, Intent
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.search import Found, search_all
from revox_langchain.errors import PlacementUnknown, RevoxToolError
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.results.order import decoded, metadata_of, unix_s

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class FoundOrders:
    """What a look showed: orders with the mark, and others to the same number, newest first.

    Attributes:
        marked: Orders of the intent.
        others: The other orders to the number.
        doubt: Why an order of the intent may be missing, as the end of a sentence; None if everything was seen.
    """

    marked: list[JsonObject]
    others: list[JsonObject]
    doubt: str | None = None


def settle(
    intent: Intent,
    phone_number: str,
    policy: DialPolicy,
    *,
    enough: Callable[[FoundOrders], bool] = lambda _found: False,
    sent: bool = True,
) -> Flow[FoundOrders]:
    """Keep looking, with growing pauses, until the mark shows up or `settle_s` is over.

    Args:
        intent: What to look for.
        phone_number: E.164.
        policy: How long and how far back to look.
        enough: Says that a look without the mark will do.
        sent: Whether the intent may have been sent, so that a search that fails leaves its outcome unknown.

    Raises:
        PlacementUnknown: It may have been sent, and the last search failed.
        RevoxToolError: It was not sent, and the last search failed.
    """
    # A new order takes a moment to show up in search, so one search without it proves nothing.
    found = FoundOrders([], [])
    failed: RevoxToolError | None = None
    for pause_s in (0.0, *pauses_s(policy.settle_s)):
        yield Pause(pause_s)
        try:
            found, failed = (yield from look(intent, phone_number, policy)), None
        except RevoxToolError as error:
            failed = error
            continue
        if found.marked or enough(found):
            return found
    if failed is not None:
        if not sent:
            raise failed
        raise unknown(intent.intent_id, phone_number, f"Revox could not be searched ({failed.code}).")
    return found


def look(intent: Intent, phone_number: str, policy: DialPolicy) -> Flow[FoundOrders]:
    """Search the orders to this number, back to `look_back_days`, for the mark."""
    now_s = (yield Pause(0)).now_s
    oldest_s = now_s - policy.look_back_days * _DAY_S
    found = yield from search_all(
        GetCallHistory(to_phone_number=phone_number),
        # Only where the newest come first, which Revox does not promise, do old ones end the list.
        seen_enough=lambda seen: _newest_first(seen) and _older(list(seen.values())[-1], oldest_s),
        sure=lambda seen: bool(_marked(seen, intent)),
    )
    marked = _marked(found.calls, intent)
    ours = {call["id"] for call in marked}
    others = [call for call in found.calls.values() if call["id"] not in ours]
    return FoundOrders(marked, others, None if marked else _doubt(found, oldest_s))


def _marked(seen: Mapping[str, JsonObject], intent: Intent) -> list[JsonObject]:
    return [call for call in seen.values() if mark_of(call) in intent.marks]


def _doubt(found: Found, oldest_s: float) -> str | None:
    if found.nameless:
        return f"{found.nameless} of the calls it showed came without an id"
    if not found.complete and not found.enough:
        return f"it counted {found.total} calls to this number and showed {len(found.calls)}"
    unread = sum(_may_be_marked(call) and not _older(call, oldest_s) for call in found.calls.values())
    return f"{unread} of the calls it showed came without their metadata" if unread else None


def mark_of(call: Mapping[str, object]) -> str | None:
    """The intent id that an order carries; None if it carries none."""
    mark = metadata_of(call).get(MARK)
    return None if mark is None else str(mark)


def _may_be_marked(call: Mapping[str, object]) -> bool:
    """Whether an order's metadata was left out or cannot be read; null says that there is none."""
    if call.get("direction") == "inbound" or call.get("campaign"):
        return False
    metadata = decoded(call.get("metadata"))
    return "metadata" not in call or (bool(metadata) and not isinstance(metadata, Mapping))


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
    moments = [unix_s(call.get("created_at")) for call in rows.values()]
    known = [moment for moment in moments if moment is not None]
    return bool(known) and len(known) == len(moments) and known == sorted(known, reverse=True)


def pauses_s(settle_s: float) -> list[float]:
    """Growing pauses that add up to `settle_s`."""
    pauses: list[float] = []
    pause_s = 1.0
    while (left := settle_s - sum(pauses)) > 0:
        pauses.append(min(pause_s, left))
        pause_s *= 2
    return pauses
