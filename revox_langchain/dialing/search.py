"""Read a search of calls to its end, whichever number its first page has and whatever its total counts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, NotFound, Refused, RevoxToolError, Unavailable
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.results.order import id_of

PAGE_SIZE = 100
MAX_PAGES = 1000

Calls = dict[str, JsonObject]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search showed.

    Attributes:
        calls: By id, in the order they came.
        complete: Whether everything the search counted is among them.
        enough: Whether it stopped because later pages do not matter.
        nameless: How many rows had no id.
        total: What the search counted.
    """

    calls: Calls
    complete: bool
    enough: bool = field(default=False, compare=False)
    nameless: int = field(default=0, compare=False)
    total: int = field(default=0, compare=False)


def search_all(
    wanted: GetCallHistory,
    *,
    seen_enough: Callable[[Calls], bool] = lambda _seen: False,
    sure: Callable[[Calls], bool] = lambda _seen: False,
    kept: Callable[[JsonObject], JsonObject] = lambda call: call,
) -> Flow[Found]:
    """Ask for page after page.

    Revox does not say whether pages start at 0 or 1. That something is not there is believed only once everything the
    search counted was seen, or page 0 was asked for as well. Nor does it say whether it counts orders or attempts.

    Args:
        wanted: The filters; page and page size are set here.
        seen_enough: Given the calls so far in the order they came, says that later pages do not matter.
        sure: Given all calls so far, says that nothing further can matter.
        kept: What is kept of each call, so that thousands of them fit into memory; `calls_count` has to be among it.

    Raises:
        RevoxToolError: The search cannot be read, on any page.
    """
    seen = _Seen(kept)
    enough = False
    refused: RevoxToolError | None = None
    for page in range(1, MAX_PAGES + 1):
        try:
            news = seen.add((yield from _page(wanted, page)))
        except (InvalidInput, NotFound, Refused) as error:
            # A page past the end may be refused instead of empty; only the first one says something.
            refused = error if page == 1 else None
            break
        enough = seen_enough(seen.calls)
        # A server that ignores the page number would otherwise be asked for the same page a thousand times.
        if not news or enough or sure(seen.calls) or (seen.last_rows < PAGE_SIZE and len(seen.calls) >= seen.total):
            break
        if (yield from _counted_by_attempts(seen, wanted)):
            return seen.found(complete=True)
    if not sure(seen.calls) and (refused is not None or len(seen.calls) != seen.total):
        try:
            seen.add((yield from _page(wanted, 0)))
        except (InvalidInput, NotFound, Refused) as error:
            # Refusing page 0 is what an API that counts from 1 does, once it has taken page 1.
            if refused is not None:
                raise refused from error
    complete = len(seen.calls) >= seen.total or (yield from _counted_by_attempts(seen, wanted))
    return seen.found(complete=complete, enough=enough)


def counts_attempts(call: Mapping[str, object], wanted: GetCallHistory | None = None) -> Flow[bool | None]:
    """Learn from an order with several attempts whether a search's total counts orders or attempts.

    Args:
        call: An order that was dialed more than once.
        wanted: The filters of the search that showed it.

    Returns:
        Whether attempts are counted; None if this order does not tell.
    """
    call_id = str(call["id"])
    alone = (wanted or GetCallHistory()).model_copy(update={"call_ids": [call_id]})
    try:
        rows, total, _ = yield from _page(alone, 1)
    except (InvalidInput, NotFound, Refused):
        return None
    if attempts_of(call) < 2 or rows.keys() - {call_id}:
        return None
    # It may have been dialed once more in the meantime.
    most = max(attempts_of(call), attempts_of(rows.get(call_id, {})))
    return {1: False, attempts_of(call): True, most: True}.get(total)


def attempts_of(call: Mapping[str, object]) -> int:
    """How often an order was dialed."""
    count, attempts = call.get("calls_count"), call.get("call_attempts")
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    return len(attempts) if isinstance(attempts, list) else 0


class _Seen:
    """The rows of a search as its pages come in."""

    def __init__(self, kept: Callable[[JsonObject], JsonObject]) -> None:
        self.kept = kept
        self.calls: Calls = {}
        self.total = 0
        self.last_rows = 0
        self.nameless = 0

    def add(self, page: tuple[Calls, int, int]) -> bool:
        """Add a page; says whether it held anything new."""
        rows, self.total, nameless = page
        news = bool(rows.keys() - self.calls.keys())
        self.calls |= {call_id: self.kept(call) for call_id, call in rows.items()}
        self.last_rows = len(rows) + nameless
        self.nameless += nameless
        return news

    def found(self, *, complete: bool, enough: bool = False) -> Found:
        return Found(self.calls, complete and not self.nameless, enough, self.nameless, self.total)


def _counted_by_attempts(seen: _Seen, wanted: GetCallHistory) -> Flow[bool]:
    """Whether every order was seen although there are fewer than the total, since that counts attempts."""
    if seen.last_rows >= PAGE_SIZE or not seen.calls or sum(map(attempts_of, seen.calls.values())) != seen.total:
        return False
    # Equal sums may be a coincidence, and the missing rows real ones: one order alone tells.
    most = max(seen.calls.values(), key=attempts_of)
    return attempts_of(most) > 1 and (yield from counts_attempts(most, wanted)) is True


def _page(wanted: GetCallHistory, page: int) -> Flow[tuple[Calls, int, int]]:
    """One page: calls by id, the total, and how many rows had no id."""
    answer: Mapping[str, object] = yield wanted.model_copy(update={"page": page, "page_size": PAGE_SIZE})
    rows, total = answer.get("calls"), answer.get("total_count")
    if isinstance(total, str) and re.fullmatch(r"\d{1,15}", total):
        total = int(total)
    if not isinstance(rows, list) or not isinstance(total, (int, float)) or not math.isfinite(total):
        raise Unavailable(
            "Revox answered a search without calls and their number.", next_step="Look with revox_get_call_history."
        )
    calls = {id_of(call): call for call in rows if isinstance(call, dict) and id_of(call)}
    nameless = sum(not (isinstance(call, dict) and id_of(call)) for call in rows)
    return calls, int(total), nameless
