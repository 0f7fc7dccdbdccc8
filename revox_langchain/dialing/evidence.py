"""How many orders carry the mark of one order's intent, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from revox_langchain.dialing.marks import mark_of
from revox_langchain.dialing.search import Found, search_all
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.results.order import id_of, text_of


class Evidence(NamedTuple):
    """What a search for an intent's mark showed.

    Attributes:
        marked: How many orders carry it; None if no one could look.
        doubt: Why there may be more, as the end of a sentence; None if everything was seen.
    """

    marked: int | None
    doubt: str | None = None


def evidence_of(order: Mapping[str, object]) -> Flow[Evidence]:
    """Look through all orders to the same number for the mark of this one; dials nothing."""
    mark, number = mark_of(order), text_of(order.get("to_phone_number"))
    if mark is None or number is None:
        return Evidence(None)
    try:
        found = yield from search_all(GetCallHistory.parse({"to_phone_number": number}))
    except RevoxToolError as error:
        return Evidence(None, f"Revox could not be searched ({error.code})")
    marked = {call_id for call_id, call in found.calls.items() if mark_of(call) == mark}
    return Evidence(len(marked | {id_of(order)}), _doubt(found, id_of(order)))


def _doubt(found: Found, own_id: str) -> str | None:
    if found.nameless:
        return f"{found.nameless} of the orders it showed came without an id"
    if not found.complete:
        return f"it counted {found.total} orders and showed {len(found.calls)}"
    return None if own_id in found.calls else "this order did not show up in it"
