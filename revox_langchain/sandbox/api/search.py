"""Finding call orders: the filters of a search, its pages, and its results as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from revox_langchain.answers import JsonObject
from revox_langchain.operations.calls import CallFilters
from revox_langchain.operations.campaigns import LaunchCampaign
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


def matching(world: World, filters: CallFilters) -> list[JsonObject]:
    """Orders that meet every filter, in the requested order; newest first by default."""
    lag_s = world.switches.search_lag_s
    visible: Iterable[Order] = world.book.values()
    if filters.call_ids:
        visible = [world.book[i] for i in filters.call_ids if i in world.book]
    if lag_s > 0:
        visible = [o for o in visible if world.moment_s - as_seconds(o.call["created_at"]) >= lag_s]
    hits = [order.call for order in visible if _meets(order, filters)]
    return _sorted(hits, filters, world.switches)


def page_of(hits: Sequence[JsonObject], filters: CallFilters, switches: Switches) -> list[JsonObject]:
    """One page of the hits.

    Raises:
        Rejected: The switches refuse this page number.
    """
    number = filters.page - switches.page_base
    if number < 0:
        if switches.refuse_page_zero:
            raise Rejected(switches.invalid_status, "page: must be greater than or equal to 1.")
        number = 0
    start = number * filters.page_size
    if switches.refuse_page_past_end and number > 0 and start >= len(hits):
        raise Rejected(400, "page: out of range.")
    return list(hits[start : start + filters.page_size])


def chosen(order: Order, filters: CallFilters | LaunchCampaign) -> bool:
    """Whether an order meets the filters that searches and campaign launches share."""
    call = order.call
    attempt = call["last_call_attempt"] or {}
    return (
        _in(call["status"], filters.statuses)
        and _in(call["outcome"] or "none", filters.outcomes)
        and _in(attempt.get("result") or "none", filters.results)
        and _in(call["direction"], filters.directions)
        and _in((call["assignee"] or {}).get("id"), filters.assignee_ids)
        and (not filters.query or filters.query.casefold() in _text(call).casefold())
    )


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


def _meets(order: Order, filters: CallFilters) -> bool:
    call = order.call
    return (
        chosen(order, filters)
        and (filters.to_phone_number is None or call["to_phone_number"] == filters.to_phone_number)
        and _in(call["from_phone_number"], filters.from_phone_numbers)
        and _in(order.stored_assistant, filters.assistant_ids)
        and _in(order.campaign_id, filters.campaign_ids)
    )


def _in(value: object, wanted: Sequence[object]) -> bool:
    return not wanted or value in wanted


def _text(call: JsonObject) -> str:
    words = [call["id"], call["to_phone_number"], call["from_phone_number"], call["outcome_summary"]]
    for mapping in (call["contact"], call["metadata"], call["prompt_variables"]):
        words += list((mapping or {}).values())
    return " ".join(str(word) for word in words if word)


def _sorted(hits: list[JsonObject], filters: CallFilters, switches: Switches) -> list[JsonObject]:
    by = filters.sort_by or "created_at"
    if by not in _SORTABLE:
        raise Rejected(switches.invalid_status, f"sort_by: calls cannot be sorted by {by}.")
    # Orders are stored oldest first; the sort is stable, so equal ones stay in the order of their creation.
    falling = (filters.sort_direction or "desc") == "desc"
    return sorted(reversed(hits) if falling else hits, key=lambda call: _key(call[by]), reverse=falling)


def _key(value: object) -> tuple[bool, float, str]:
    if isinstance(value, (int, float)):
        return True, float(value), ""
    return value is not None, 0.0, str(value or "")
