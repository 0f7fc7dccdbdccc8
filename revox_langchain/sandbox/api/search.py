"""Finding call orders: the filters of a search, its pages, and its results as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.api.handlers import Rejected
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.timeline import as_seconds
from revox_langchain.sandbox.world.world import World

_SORTABLE = (
    "created_at",
    "updated_at",
    "scheduled_at",
    "status",
    "outcome",
    "to_phone_number",
    "from_phone_number",
    "calls_count",
)
_COLUMNS = (
    "id",
    "status",
    "direction",
    "to_phone_number",
    "from_phone_number",
    "calls_count",
    "result",
    "outcome",
    "outcome_summary",
    "created_at",
    "updated_at",
    "recording_url",
    "transcript",
)


class Filter:
    """The filters that searches and campaign launches share.

    Args:
        fields: The filters, by field of the API; an empty list filters nothing.
    """

    def __init__(self, fields: JsonObject) -> None:
        names = (
            *("statuses", "outcomes", "results", "directions", "assignee_ids"),
            *("from_phone_numbers", "assistant_ids", "campaign_ids"),
        )
        self._wanted = {name: frozenset(fields[name]) for name in names if fields.get(name)}
        self._query = (fields.get("query") or "").casefold()

    def meets(self, order: Order) -> bool:
        """Whether an order meets every one of them."""
        return all(_VALUES[name](order) in wanted for name, wanted in self._wanted.items()) and (
            not self._query or self._query in _text(order.call).casefold()
        )


def matching(world: World, fields: JsonObject) -> list[JsonObject]:
    """Orders that meet every filter, in the requested order; newest first by default."""
    lag_s, wanted = world.switches.search_lag_s, Filter(fields)
    visible = _candidates(world, fields)
    if lag_s > 0:
        visible = [o for o in visible if world.moment_s - as_seconds(o.call["created_at"]) >= lag_s]
    return _sorted([order.call for order in visible if wanted.meets(order)], fields, world.switches)


def page_of(hits: Sequence[JsonObject], fields: JsonObject, switches: Switches) -> list[JsonObject]:
    """One page of the hits.

    Raises:
        Rejected: The switches refuse this page number, or so large a page.
    """
    size, number = fields["page_size"], fields["page"] - switches.page_base
    if switches.largest_page is not None and size > switches.largest_page:
        raise Rejected(switches.invalid_status, f"page_size: must be less than or equal to {switches.largest_page}.")
    if number < 0:
        if switches.refuse_page_zero:
            raise Rejected(switches.invalid_status, "page: must be greater than or equal to 1.")
        number = 0
    start = number * size
    if switches.refuse_page_past_end and number > 0 and start >= len(hits):
        raise Rejected(400, "page: out of range.")
    return list(hits[start : start + size])


def as_csv(rows: Iterable[JsonObject], columns: Sequence[str]) -> str:
    """Rows as CSV with a header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_of_calls(calls: Sequence[JsonObject], *, metadata: bool, structured: bool) -> str:
    """Orders as CSV. Revox does not document its columns; these are made up here."""
    rows = [call_row(call) for call in calls]
    columns = list(_COLUMNS)
    for wanted, prefix, name in ((metadata, "metadata", "metadata"), (structured, "output", "structured_output")):
        if wanted:
            for call, row in zip(calls, rows, strict=True):
                values = call["metadata"] if name == "metadata" else (call["last_call_attempt"] or {}).get(name)
                row.update({f"{prefix}.{key}": value for key, value in (values or {}).items()})
            columns += sorted({key for row in rows for key in row if key.startswith(f"{prefix}.")})
    return as_csv(rows, columns)


def call_row(call: JsonObject) -> JsonObject:
    """One order as a flat row."""
    attempt = call["last_call_attempt"] or {}
    turns = attempt.get("transcript") or []
    return {
        **{name: call[name] for name in _COLUMNS if name in call},
        "result": attempt.get("result"),
        "recording_url": attempt.get("recording_url"),
        "transcript": " | ".join(f"{turn['role']}: {turn['content']}" for turn in turns),
    }


_VALUES: Mapping[str, Callable[[Order], object]] = {
    "statuses": lambda order: order.call["status"],
    "outcomes": lambda order: order.call["outcome"] or "none",
    "results": lambda order: (order.call["last_call_attempt"] or {}).get("result") or "none",
    "directions": lambda order: order.call["direction"],
    "assignee_ids": lambda order: (order.call["assignee"] or {}).get("id"),
    "from_phone_numbers": lambda order: order.call["from_phone_number"],
    "assistant_ids": lambda order: order.stored_assistant,
    "campaign_ids": lambda order: order.campaign_id,
}


def _candidates(world: World, fields: JsonObject) -> Iterable[Order]:
    """The orders that may be meant, without looking at all of them where ids or a number are given."""
    number, ids = fields.get("to_phone_number"), fields.get("call_ids")
    if ids:
        named = (world.book[each] for each in dict.fromkeys(ids) if each in world.book)
        return [order for order in named if number in (None, order.call["to_phone_number"])]
    return world.book.values() if number is None else world.orders_to(number)


def _text(call: JsonObject) -> str:
    words = [call["id"], call["to_phone_number"], call["from_phone_number"], call["outcome_summary"]]
    for mapping in (call["contact"], call["metadata"], call["prompt_variables"]):
        words += list((mapping or {}).values())
    return " ".join(str(word) for word in words if word)


def _sorted(hits: list[JsonObject], fields: JsonObject, switches: Switches) -> list[JsonObject]:
    by = fields.get("sort_by") or "created_at"
    if by not in _SORTABLE:
        if switches.unknown_sort_by == "refuse":
            raise Rejected(switches.invalid_status, f"sort_by: calls cannot be sorted by {by}.")
        by = "created_at"
    if switches.ignore_sort_by:
        by, fields = "created_at", {}
    # Orders are stored oldest first; the sort is stable, so equal ones stay in the order of their creation.
    falling = fields.get("sort_direction", "desc") == "desc"
    return sorted(reversed(hits) if falling else hits, key=lambda call: _key(call[by]), reverse=falling)


def _key(value: object) -> tuple[bool, float, str]:
    if isinstance(value, (int, float)):
        return True, float(value), ""
    return value is not None, 0.0, str(value or "")
