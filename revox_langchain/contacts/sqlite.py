"""Contacts in a file of SQLite's."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from os import PathLike, fspath
from types import TracebackType
from typing import Self

from revox_langchain.contacts.corrections import aligned, realigned
from revox_langchain.contacts.problems import Problem, problem
from revox_langchain.contacts.row import Columns, Row, RowState, counted, fingerprint, row_of_text, text_of_row
from revox_langchain.contacts.store import Added, Change, Kept
from revox_langchain.errors import InvalidInput, NotFound


class SqliteContacts:
    """A store of contacts in a file, which several threads and processes may use.

    Args:
        path: The file; it may hold other tables as well.

    Raises:
        InvalidInput: With code `unreadable_file`.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._mutex = threading.Lock()
        try:
            self._db = sqlite3.connect(fspath(path), check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise InvalidInput(
                f"The file of contacts cannot be used: {error}.",
                code="unreadable_file",
                next_step="Give the path of a file of SQLite's in a folder that exists, or of a new one.",
            ) from None

    def add(self, campaign: str, columns: Columns, rows: Iterable[Row]) -> Added:
        """See `ContactStore.add`."""
        states: Counter[RowState] = Counter()
        problems: list[Problem] = []
        reading = iter(rows)
        # Rows are checked while they are asked for, which must not hold the file.
        while batch := tuple(islice(reading, _MOST_ADDED)):
            with self._writing():
                first = self._first_columns(campaign, columns)
                places = aligned(first, columns)
                adding = _Adding(self._db, campaign, first)
                for row in batch:
                    state, problem = adding.add(replace(row, cells=realigned(row.cells, places)))
                    states[state] += 1
                    problems += [problem] if problem else []
        return Added(counted(states), tuple(problems))

    def columns(self, campaign: str) -> Columns | None:
        """See `ContactStore.columns`."""
        with self._mutex:
            return self._columns(campaign)

    def batch(
        self, campaign: str, *, states: Sequence[str] = (), after: int = 0, limit: int = 1000
    ) -> tuple[Kept, ...]:
        """See `ContactStore.batch`."""
        among = f"AND state IN ({_marks(states)})" if states else ""
        return self._kept(
            f"WHERE campaign = ? AND place > ? {among} ORDER BY place LIMIT ?", (campaign, after, *states, limit)
        )

    def find(self, campaign: str, numbers: Sequence[str]) -> tuple[Kept, ...]:
        """See `ContactStore.find`."""
        found: list[Kept] = []
        for start in range(0, len(numbers), _MOST_AT_ONCE):
            some = numbers[start : start + _MOST_AT_ONCE]
            found += self._kept(
                f"WHERE campaign = ? AND contact = 1 AND number IN ({_marks(some)}) ORDER BY place", (campaign, *some)
            )
        return tuple(found)

    def record(self, campaign: str, changes: Iterable[Change]) -> None:
        """See `ContactStore.record`."""
        with self._writing():
            for change in changes:
                result = None if change.result is None else _json(change.result)
                done = self._db.execute(
                    "UPDATE revox_contacts SET state = coalesce(?, state), result = coalesce(?, result)"
                    " WHERE campaign = ? AND mark = ?",
                    (change.state, result, campaign, change.mark),
                )
                if not done.rowcount:
                    raise NotFound(
                        f"The campaign {campaign!r} has no row {change.mark!r}.",
                        next_step="Give marks that a batch of this campaign has.",
                    )

    def counts(self, campaign: str) -> dict[str, int]:
        """See `ContactStore.counts`."""
        with self._mutex:
            found = self._db.execute(
                "SELECT state, count(*) FROM revox_contacts WHERE campaign = ? GROUP BY state", (campaign,)
            )
            return dict(found.fetchall())

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._mutex:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _first_columns(self, campaign: str, columns: Columns) -> Columns:
        kept = self._columns(campaign)
        if kept is None:
            written = _json([columns.names, columns.number, columns.language, columns.key])
            self._db.execute("INSERT INTO revox_contact_columns VALUES (?, ?)", (campaign, written))
        return kept or columns

    def _columns(self, campaign: str) -> Columns | None:
        found = self._db.execute("SELECT columns FROM revox_contact_columns WHERE campaign = ?", (campaign,)).fetchone()
        if found is None:
            return None
        names, *places = json.loads(found[0])
        return Columns(tuple(names), *places)

    def _kept(self, where: str, values: Sequence[object]) -> tuple[Kept, ...]:
        with self._mutex:
            found = self._db.execute(f"SELECT place, state, result, content FROM revox_contacts {where}", values)
            return tuple(
                Kept(place, row_of_text(content), state, json.loads(result) if result else None)
                for place, state, result, content in found.fetchall()
            )


class _Adding:
    """One reading's rows, each compared with what the campaign has."""

    def __init__(self, db: sqlite3.Connection, campaign: str, columns: Columns) -> None:
        self._db, self._campaign, self._columns = db, campaign, columns
        last = db.execute("SELECT max(place) FROM revox_contacts WHERE campaign = ?", (campaign,)).fetchone()[0]
        self._last = last or 0

    def add(self, row: Row) -> tuple[RowState, Problem | None]:
        print_ = fingerprint(self._columns, row.cells)
        if known := self._seen(row.mark):
            if known[1] == print_:
                return "unchanged", None
            return "row_conflict", _changed(row, self._line(known[0]))
        if row.state == "ready" and row.phone and (line := self._contact(row.phone.e164)) is not None:
            found = problem("duplicate_number", row.line, self._columns.unique[self._columns.number], first=line)
            row = replace(row, state="duplicate", problems=(found,))
        place = self._replaced(row) or self._next()
        self._db.execute(
            "INSERT OR REPLACE INTO revox_contacts VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                self._campaign,
                place,
                row.mark,
                row.key,
                row.phone.e164 if row.phone else None,
                row.state == "ready",
                row.state,
                text_of_row(row),
            ),
        )
        marked = (self._campaign, row.mark, place, print_)
        self._db.execute("INSERT INTO revox_contact_marks VALUES (?, ?, ?, ?)", marked)
        return row.state, None

    def _seen(self, mark: str) -> tuple[int, str] | None:
        """Place and fingerprint of what has come under this mark, also if it has been corrected since."""
        found: tuple[int, str] | None = self._db.execute(
            "SELECT place, fingerprint FROM revox_contact_marks WHERE campaign = ? AND mark = ?", (self._campaign, mark)
        ).fetchone()
        return found

    def _contact(self, number: str) -> int | None:
        """In which row the campaign has this number as a contact."""
        found = self._db.execute(
            "SELECT content FROM revox_contacts WHERE campaign = ? AND number = ? AND contact = 1",
            (self._campaign, number),
        ).fetchone()
        return row_of_text(found[0]).line if found else None

    def _line(self, place: int) -> int:
        found = self._db.execute(
            "SELECT content FROM revox_contacts WHERE campaign = ? AND place = ?", (self._campaign, place)
        ).fetchone()
        return row_of_text(found[0]).line

    def _replaced(self, row: Row) -> int | None:
        """The place of the row that this one corrects: the one it names, or a rejected one of its reference."""
        if row.origin is not None and (place := self._set_aside("mark = ?", row.origin)):
            return place
        return self._set_aside("key = ? AND state = 'rejected'", row.key) if row.state == "ready" else None

    def _set_aside(self, which: str, value: str | None) -> int | None:
        # One condition at a time: for two alternatives SQLite would go through the whole campaign.
        found = self._db.execute(
            f"SELECT place FROM revox_contacts WHERE campaign = ? AND {which} AND contact = 0", (self._campaign, value)
        ).fetchone()
        return found[0] if found else None

    def _next(self) -> int:
        self._last += 1
        return self._last


_MOST_AT_ONCE = 500
_MOST_ADDED = 1000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS revox_contact_columns (campaign TEXT PRIMARY KEY, columns TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revox_contacts (
    campaign TEXT NOT NULL,
    place INTEGER NOT NULL,
    mark TEXT NOT NULL,
    key TEXT,
    number TEXT,
    contact INTEGER NOT NULL,
    state TEXT NOT NULL,
    result TEXT,
    content TEXT NOT NULL,
    PRIMARY KEY (campaign, place)
);
CREATE UNIQUE INDEX IF NOT EXISTS revox_contacts_by_mark ON revox_contacts (campaign, mark);
CREATE INDEX IF NOT EXISTS revox_contacts_by_key ON revox_contacts (campaign, key, state);
CREATE INDEX IF NOT EXISTS revox_contacts_by_number ON revox_contacts (campaign, number);
CREATE INDEX IF NOT EXISTS revox_contacts_by_state ON revox_contacts (campaign, state, place);
CREATE TABLE IF NOT EXISTS revox_contact_marks (
    campaign TEXT NOT NULL,
    mark TEXT NOT NULL,
    place INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (campaign, mark)
) WITHOUT ROWID;
"""


def _changed(row: Row, line: int) -> Problem:
    return Problem(
        row.line,
        None,
        "row_conflict",
        f"The campaign has other data under this row's key, from row {line}.",
        "Nothing was changed: restore the row as it was, or start another campaign for the new data.",
    )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
