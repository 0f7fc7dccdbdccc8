"""Look at many orders at once: which of them have ended, and whether a search can be trusted to say so.

Flows about ids; who waits for them is in `watcher`. Bytes follow what ended: orders that go on are counted, not read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import get_args

from revox_langchain.answers import JsonObject
from revox_langchain.errors import AnswerError, InvalidInput, NotFound, Refused
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import GetCall, GetCallHistory
from revox_langchain.operations.fields import CallStatus
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import id_of, objects_of, order_in, status_of, whole_of

MOST_IDS = 100
"""Ids in one search."""
_ENDS = sorted(ENDED)
_MAX_PAGES = 20
_NOT_THERE = (InvalidInput, NotFound, Refused)
"""What a page that does not exist may be answered with."""

Orders = dict[str, JsonObject]


def ended_among(ids: Collection[str], first_page: int) -> Flow[Orders]:
    """Find the orders that have ended, by id.

    Args:
        ids: At most `MOST_IDS`.
        first_page: The number of a search's first page.

    Raises:
        RevoxToolError: The search cannot be read.
    """
    found: Orders = {}
    for page in range(first_page, first_page + _MAX_PAGES):
        try:
            rows, total = yield from _page(
                GetCallHistory(call_ids=sorted(ids), statuses=_ENDS, page_size=MOST_IDS), page
            )
        except _NOT_THERE:
            if page == first_page:
                raise
            return found
        # A filter that is ignored must not end the wait of an order that goes on.
        news = {i: row for i, row in rows.items() if i in ids and i not in found and status_of(row) in ENDED}
        found |= news
        if not news or len(found) >= min(total, len(ids)):
            break
    return found


def missing(ids: Collection[str], first_page: int) -> Flow[list[str]]:
    """Find the ids that a search does not show in any status, by counting halves.

    Where a search counts attempts, more may be counted than asked for; then nothing is said to be missing.

    Raises:
        RevoxToolError: The search cannot be read.
    """
    ids = sorted(ids)
    if not ids:
        return []
    try:
        _, total = yield from _page(GetCallHistory(call_ids=ids, page_size=1), first_page)
    except _NOT_THERE:
        # An id of another form may be refused with the whole search.
        total = 1
    else:
        if total >= len(ids):
            return []
    if total == 0 or len(ids) == 1:
        return ids
    half = len(ids) // 2
    return [*(yield from missing(ids[:half], first_page)), *(yield from missing(ids[half:], first_page))]


def first_page_of_trusted_search(call_id: str) -> Flow[int | None]:
    """Prove with a known order that a search by ids and statuses means what it says.

    Returns:
        The number of the first page; None if the filters cannot be trusted.

    Raises:
        NotFound: There is no such order.
        RevoxToolError: Revox cannot be read.
    """
    # What the order does in the meantime may contradict a good answer once.
    for _ in range(2):
        try:
            order = order_in((yield GetCall(call_id=call_id)))
        except AnswerError:
            order = None
        if order is None or status_of(order) not in get_args(CallStatus):
            return None
        for page in (1, 0):
            if (yield from _proves(order, page)):
                return page
    return None


def _proves(order: Mapping[str, object], page: int) -> Flow[bool]:
    """Whether the order is found by its id, with its status and not with any other."""
    call_id, status = id_of(order), status_of(order)
    others = [other for other in get_args(CallStatus) if other != status]
    alone = GetCallHistory(call_ids=[call_id], page_size=2)
    try:
        shown, _ = yield from _page(alone, page)
        if shown.keys() != {call_id} or status_of(shown[call_id]) != status:
            return False
        with_status, _ = yield from _page(alone.model_copy(update={"statuses": [status]}), page)
        without, total = yield from _page(alone.model_copy(update={"statuses": others}), page)
    except (*_NOT_THERE, AnswerError):
        return False
    return with_status.keys() == {call_id} and not without and total == 0


def _page(wanted: GetCallHistory, page: int) -> Flow[tuple[Orders, int]]:
    answer: Mapping[str, object] = yield wanted.model_copy(update={"page": page})
    rows = {id_of(row): dict(row) for row in objects_of(answer.get("calls")) if id_of(row)}
    return rows, whole_of(answer.get("total_count"), 0)


def over_among(ids: Collection[str]) -> Flow[list[str]]:
    """Look at each order once, and find those that have ended or do not exist; nothing is remembered between two looks.

    Raises:
        RevoxToolError: Revox cannot be read.
    """
    left, over, first_page = sorted(ids), [], None
    while left:
        try:
            first_page = yield from first_page_of_trusted_search(left[0])
            break
        except _NOT_THERE:
            over.append(left.pop(0))
    for at in range(0, len(left), MOST_IDS):
        over += yield from _over_in(left[at : at + MOST_IDS], first_page)
    return over


def _over_in(ids: list[str], first_page: int | None) -> Flow[list[str]]:
    if first_page is not None:
        try:
            hidden = yield from missing(ids, first_page)
            shown = set(ids).difference(hidden)
            ended = (yield from ended_among(shown, first_page)) if shown else {}
            return [*ended, *(yield from _over_singly(hidden))]
        except (InvalidInput, Refused):
            # The most ids that a search takes are not published.
            pass
    return (yield from _over_singly(ids))


def _over_singly(ids: Collection[str]) -> Flow[list[str]]:
    over = []
    for call_id in ids:
        try:
            order = order_in((yield GetCall(call_id=call_id)))
        except AnswerError:
            continue
        except _NOT_THERE:
            over.append(call_id)
            continue
        if order is not None and status_of(order) in ENDED:
            over.append(call_id)
    return over
