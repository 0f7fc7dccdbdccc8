"""The rows of one campaign, wherever they are kept: in a store, or among the graph's state if they are few."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from revox_langchain.answers import JsonObject
from revox_langchain.contacts.row import Columns, Row, RowState, counted, fingerprint, row_of_text, text_of_row
from revox_langchain.contacts.store import Added, Change, ContactStore, Kept
from revox_langchain.errors import NotFound
from revox_langchain.flow import Flow, Work
from revox_langchain.graph.campaign.progress import ENDED_ROW, LAUNCHED, rows_in

READY = "ready"
"""State of a contact that may be called and has not been launched."""
REFUSED = "refused"
"""State of a contact that must not be called; its result says why."""
LEFT_OUT = "left_out"
"""State of a contact that was to be called when a person approved, and was not launched after all."""
MEMBERS = (READY, LAUNCHED, ENDED_ROW)
"""States of the contacts that belong to a campaign of Revox's."""


class RowsInState:
    """Keeps the rows of one campaign in memory, and gives them back as plain JSON for a graph's state.

    Args:
        kept: What `as_state` gave; nothing for a campaign that begins.
    """

    def __init__(self, kept: Mapping[str, object] | None = None) -> None:
        state: JsonObject = dict(kept or {})
        names, *places = state.get("columns") or [None]
        self._columns = None if names is None else Columns(tuple(names), *places)
        self._rows = [
            Kept(place, row_of_text(content), row_state, json.loads(result) if result else None)
            for place, (row_state, result, content) in enumerate(state.get("rows") or [], 1)
        ]

    def as_state(self) -> JsonObject:
        """Everything, as plain JSON."""
        columns = self._columns
        return {
            "columns": columns and [list(columns.names), columns.number, columns.language, columns.key],
            "rows": [
                [kept.state, kept.result and json.dumps(kept.result, ensure_ascii=False), text_of_row(kept.row)]
                for kept in self._rows
            ],
        }

    def add(self, campaign: str, columns: Columns, rows: Iterable[Row]) -> Added:
        """See `ContactStore.add`; rows are added once, at the beginning."""
        self._columns = self._columns or columns
        prints = {kept.row.mark: fingerprint(self._columns, kept.row.cells) for kept in self._rows}
        states: Counter[RowState] = Counter()
        for row in rows:
            if row.mark in prints:
                same = prints[row.mark] == fingerprint(columns, row.cells)
                states["unchanged" if same else "row_conflict"] += 1
                continue
            states[row.state] += 1
            self._rows.append(Kept(len(self._rows) + 1, row, row.state, None))
        return Added(counted(states), ())

    def columns(self, campaign: str) -> Columns | None:
        """See `ContactStore.columns`."""
        return self._columns

    def batch(
        self, campaign: str, *, states: Sequence[str] = (), after: int = 0, limit: int = 1000
    ) -> tuple[Kept, ...]:
        """See `ContactStore.batch`."""
        return tuple(kept for kept in self._rows[after:] if not states or kept.state in states)[:limit]

    def find(self, campaign: str, numbers: Sequence[str]) -> tuple[Kept, ...]:
        """See `ContactStore.find`."""
        wanted = set(numbers)
        contacts = (kept for kept in self._rows if kept.row.state == READY)
        return tuple(kept for kept in contacts if kept.row.phone and kept.row.phone.e164 in wanted)

    def record(self, campaign: str, changes: Iterable[Change]) -> None:
        """See `ContactStore.record`."""
        places = {kept.row.mark: place for place, kept in enumerate(self._rows)}
        for change in changes:
            place = places.get(change.mark)
            if place is None:
                raise NotFound(
                    f"The campaign has no row {change.mark!r}.",
                    next_step="Give marks that a batch of this campaign has.",
                )
            kept = self._rows[place]
            result = kept.result if change.result is None else change.result
            self._rows[place] = kept._replace(state=change.state or kept.state, result=result)

    def counts(self, campaign: str) -> dict[str, int]:
        """See `ContactStore.counts`."""
        return dict(Counter(kept.state for kept in self._rows))


def why_not(code: str, reason: str) -> JsonObject:
    """What is kept of a contact that is not called."""
    return {"code": code, "reason": reason}


def set_aside(rows: Iterable[Kept], state: str, code: str, reason: str) -> list[Change]:
    """The changes that take rows out of the campaign."""
    return [Change(kept.row.mark, state, why_not(code, reason)) for kept in rows]


def number_of(kept: Kept) -> str:
    """The number of a contact, E.164."""
    assert kept.row.phone is not None
    return kept.row.phone.e164


def counts_of(rows: ContactStore, campaign: str) -> Flow[dict[str, int]]:
    """How many rows are in each state, read beside the event loop."""
    counts: dict[str, int] = yield Work(partial(rows.counts, campaign))
    return counts


def batches(rows: Iterable[Kept], size: int = 1000) -> Iterator[list[Kept]]:
    """Rows in groups that can be worked on at once."""
    some: list[Kept] = []
    for kept in rows:
        some.append(kept)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def reasons(rows: ContactStore, campaign: str) -> Counter[str]:
    """Why rows are not called, by the code that says so; what is still ready counts under its state."""
    counted_by: Counter[str] = Counter()
    for kept in rows_in(rows, campaign, ()):
        if kept.state in (LAUNCHED, ENDED_ROW):
            continue
        said = (kept.result or {}).get("code") or next((each.code for each in kept.row.problems), kept.state)
        counted_by[str(said)] += 1
    return counted_by
