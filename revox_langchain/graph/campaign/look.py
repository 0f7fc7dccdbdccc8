"""Which calls of some campaigns have ended since the last look, at about one request per hundred of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, NotFound, Refused
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.fields import CallStatus
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import id_of, objects_of, part_of, status_of, text_of, whole_of

PAGE = 100
"""Rows in one search."""
_ENDS: tuple[CallStatus, ...] = ("cancelled", "completed", "errored")
_LIVE: tuple[CallStatus, ...] = ("calling", "post_processing")
_NOT_THERE = (InvalidInput, NotFound, Refused)
"""What a page that does not exist, or a column that cannot be sorted by, may be answered with."""


class News(NamedTuple):
    """What a look found.

    Attributes:
        orders: Those that have ended and were not known, by id.
        pages: How many requests that took.
        needed: How many it would have taken if the newest came first.
    """

    orders: dict[str, JsonObject]
    pages: int
    needed: int


class _Page(NamedTuple):
    rows: Sequence[Mapping[str, object]]
    total: int

    def falls(self) -> bool:
        """Whether the rows prove that those that changed last come first."""
        moments = [text_of(row.get("updated_at")) or "" for row in self.rows]
        return all(one >= other for one, other in pairwise(moments)) and len(set(moments)) > 1


@dataclass
class Look:
    """Looks again and again at the same campaigns, and remembers what it has learned of the search.

    How Revox numbers pages and whether it sorts by the time of a change is not published. So a look ends when it knows
    as many calls as the search counts, and goes by the order of rows only where these prove it.

    Attributes:
        campaigns: Ids of the campaigns.
        known: Ids of the calls whose end is known.
    """

    campaigns: Sequence[str]
    known: set[str]
    _sorts: bool = True
    _base: int | None = None

    def news(self) -> Flow[News]:
        """Find the calls that have ended since; they are known from then on only if the caller says so.

        Raises:
            RevoxToolError: The search cannot be read.
        """
        found: dict[str, JsonObject] = {}
        number, pages, rows_seen = 1 if self._base is None else self._base, 0, 0
        while True:
            page = yield from self._page(number)
            pages, rows_seen = pages + 1, rows_seen + len(page.rows)
            fresh = self._fresh(page, found)
            found |= fresh
            if self._knows_all(found, page.total) or not page.rows or rows_seen >= page.total:
                break
            if not fresh and page.falls():
                break
            number += 1
        if self._base is None and page.total:
            if not self._knows_all(found, page.total):
                pages += 1
                found |= yield from self._page_zero(found)
            self._base = 1 if self._base is None else self._base
        return News(found, pages, max(1, -(-len(found) // PAGE)))

    def under_way(self) -> Flow[bool]:
        """Whether a conversation is going on in one of the campaigns.

        Raises:
            RevoxToolError: The search cannot be read.
        """
        answer = yield GetCallHistory(campaign_ids=list(self.campaigns), statuses=list(_LIVE), page_size=1)
        return whole_of(answer.get("total_count"), 0) > 0

    def _knows_all(self, found: Mapping[str, JsonObject], total: int) -> bool:
        return len(self.known) + len(found) >= total

    def _page_zero(self, found: Mapping[str, JsonObject]) -> Flow[dict[str, JsonObject]]:
        """Read what comes before page 1 where pages are counted from 0."""
        try:
            page = yield from self._page(0)
        except _NOT_THERE:
            return {}
        fresh = self._fresh(page, found)
        if fresh:
            self._base = 0
        return fresh

    def _page(self, number: int) -> Flow[_Page]:
        wanted = GetCallHistory(campaign_ids=list(self.campaigns), statuses=list(_ENDS), page_size=PAGE, page=number)
        if self._sorts:
            try:
                answer = yield wanted.model_copy(update={"sort_by": "updated_at", "sort_direction": "desc"})
            except _NOT_THERE:
                answer = yield wanted
                self._sorts = False
        else:
            answer = yield wanted
        return _Page(objects_of(answer.get("calls")), whole_of(answer.get("total_count"), 0))

    def _fresh(self, page: _Page, found: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
        rows = {id_of(row): dict(row) for row in page.rows if self._is_ours(row)}
        return {call_id: row for call_id, row in rows.items() if call_id not in self.known and call_id not in found}

    def _is_ours(self, row: Mapping[str, object]) -> bool:
        # A filter that is ignored must not count the calls of others.
        campaign = text_of(part_of(row, "campaign").get("id"))
        return bool(id_of(row)) and status_of(row) in ENDED and (campaign is None or campaign in self.campaigns)
