"""Read a search of calls to its end, whichever number its first page has."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    """

    calls: Calls
    complete: bool


def search_all(
    wanted: GetCallHistory,
    *,
    seen_enough: Callable[[Calls], bool] = lambda _rows: False,
    sure: Callable[[Calls], bool] = lambda _seen: False,
) -> Flow[Found]:
    """Ask for page after page.

    Revox does not say whether pages start at 0 or 1. That something is not there is believed only once everything the
    search counted was seen, or page 0 was asked for as well.

    Args:
        wanted: The filters; page and page size are set here.
        seen_enough: Given one page's calls, says that later pages do not matter.
        sure: Given all calls so far, says that nothing further can matter.

    Raises:
        RevoxToolError: The search cannot be read, on any page.
    """
    seen: Calls = {}
    refused: RevoxToolError | None = None
    total = 0
    for page in range(1, MAX_PAGES + 1):
        try:
            rows, total = yield from _page(wanted, page)
        except (InvalidInput, NotFound, Refused) as error:
            # A page past the end may be refused instead of empty; only the first one says something.
            refused = error if page == 1 else None
            break
        # A server that ignores the page number would otherwise be asked for the same page a thousand times.
        news = bool(rows.keys() - seen.keys())
        seen |= rows
        if not news or len(seen) >= total or sure(seen) or seen_enough(rows):
            break
    if not sure(seen) and (refused is not None or len(seen) < total):
        try:
            rows, total = yield from _page(wanted, 0)
            seen |= rows
        except (InvalidInput, NotFound, Refused) as error:
            # Refusing page 0 is what an API that counts from 1 does, once it has taken page 1.
            if refused is not None:
                raise refused from error
    return Found(seen, complete=len(seen) >= total)


def _page(wanted: GetCallHistory, page: int) -> Flow[tuple[Calls, int]]:
    answer: Mapping[str, object] = yield wanted.model_copy(update={"page": page, "page_size": PAGE_SIZE})
    rows, total = answer.get("calls"), answer.get("total_count")
    if isinstance(total, str) and re.fullmatch(r"\d{1,15}", total):
        total = int(total)
    if not isinstance(rows, list) or not isinstance(total, (int, float)) or not math.isfinite(total):
        raise Unavailable("Revox answered a search without calls and their number.", next_step="Look again.")
    return {id_of(call): call for call in rows if isinstance(call, dict) and id_of(call)}, int(total)
