"""Which threads there are, what each waits for, and what came out: the index that a checkpointer does not keep."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, Literal, NamedTuple

from revox_langchain.answers import JsonObject

State = Literal["running", "waiting", "asking", "ended", "failed"]
"""`running`: a run is under way, or was when the process died. `waiting`: parked until its call has ended. `asking`: a
person has to answer. `ended`: the report is there. `failed`: it could not be run; nothing more happens by itself."""

UNFINISHED = ("running", "waiting", "asking")
VERSION = 1
THREADS_TABLE = """
CREATE TABLE IF NOT EXISTS revox_threads (
    thread_id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    call_id TEXT,
    deadline_s DOUBLE PRECISION,
    question TEXT,
    result TEXT,
    created_s DOUBLE PRECISION NOT NULL,
    updated_s DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS revox_threads_by_state ON revox_threads (state, created_s);
CREATE INDEX IF NOT EXISTS revox_threads_by_call ON revox_threads (call_id);
"""
_COLUMNS = "thread_id, request, state, call_id, deadline_s, question, result, created_s, updated_s"


class Row(NamedTuple):
    """What is known of one thread.

    Attributes:
        thread_id: The thread.
        request: The call request it was started with.
        state: Where it stands.
        call_id: The order it waits for, or that it placed.
        deadline_s: When it stops waiting, in seconds since the epoch.
        question: What a person is asked, with the interrupt's id.
        result: The graph's output, or the error of a thread that failed.
        created_s: When it was started, in seconds since the epoch.
        updated_s: When this was written, in seconds since the epoch.
    """

    thread_id: str
    request: JsonObject
    state: State
    call_id: str | None
    deadline_s: float | None
    question: JsonObject | None
    result: JsonObject | None
    created_s: float
    updated_s: float


class Registry(ABC):
    """Which threads there are, over SQL that any database understands, with `?` where values go."""

    @abstractmethod
    def fetch(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """The rows that a statement selects."""

    @abstractmethod
    def change(self, sql: str, values: tuple[object, ...] = ()) -> int:
        """Run a statement and commit it; how many rows it has changed."""

    def add(self, thread_id: str, request: JsonObject, now_s: float) -> Row:
        """Note a thread before anything of it runs; one that is known already is returned as it stands."""
        self.change(
            "INSERT INTO revox_threads (thread_id, request, state, created_s, updated_s) "
            "VALUES (?, ?, 'running', ?, ?) ON CONFLICT DO NOTHING",
            (thread_id, json.dumps(request), now_s, now_s),
        )
        row = self.row(thread_id)
        assert row is not None
        return row

    def put(
        self,
        thread_id: str,
        state: State,
        now_s: float,
        *,
        call_id: str | None = None,
        deadline_s: float | None = None,
        question: JsonObject | None = None,
        result: JsonObject | None = None,
    ) -> None:
        """Note where a thread stands."""
        self.change(
            "UPDATE revox_threads SET state = ?, call_id = coalesce(?, call_id), deadline_s = ?, question = ?, "
            "result = ?, updated_s = ? WHERE thread_id = ?",
            (state, call_id, deadline_s, _text(question), _text(result), now_s, thread_id),
        )

    def take_question(self, thread_id: str, now_s: float) -> bool:
        """Note that a thread's question is being answered; of all who do, one is told that it is theirs to answer."""
        # A thread that asks is left alone; if the answer is lost, this one is looked at, and asks again.
        sql = "UPDATE revox_threads SET state = 'running', updated_s = ? WHERE thread_id = ? AND state = 'asking'"
        return self.change(sql, (now_s, thread_id)) > 0

    def row(self, thread_id: str) -> Row | None:
        """One thread."""
        rows = self._rows("WHERE thread_id = ?", (thread_id,))
        return rows[0] if rows else None

    def waiting_for(self, call_id: str) -> list[Row]:
        """The threads that wait for an order."""
        return self._rows("WHERE call_id = ? AND state IN ('running', 'waiting')", (call_id,))

    def unfinished(self) -> list[Row]:
        """Every thread that has not come to an end, oldest first."""
        return self._rows(f"WHERE state IN {UNFINISHED} ORDER BY created_s", ())

    def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first."""
        where = (
            "WHERE (CAST(? AS TEXT) IS NULL OR state = ?) AND (CAST(? AS DOUBLE PRECISION) IS NULL OR created_s < ?) "
            "ORDER BY created_s DESC LIMIT ?"
        )
        return self._rows(where, (state, state, before_s, before_s, limit))

    def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        return dict(self.fetch("SELECT state, count(*) FROM revox_threads GROUP BY state"))

    def ended_before(self, moment_s: float) -> list[str]:
        """Threads that came to an end before a moment."""
        sql = "SELECT thread_id FROM revox_threads WHERE state IN ('ended', 'failed') AND updated_s < ?"
        return [thread_id for (thread_id,) in self.fetch(sql, (moment_s,))]

    def forget(self, thread_id: str) -> None:
        """Erase what is known of a thread."""
        self.change("DELETE FROM revox_threads WHERE thread_id = ?", (thread_id,))

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        return [_row(*found) for found in self.fetch(f"SELECT {_COLUMNS} FROM revox_threads {where}", values)]


def _row(
    thread_id: str,
    request: str,
    state: State,
    call_id: str | None,
    deadline_s: float | None,
    question: str | None,
    result: str | None,
    created_s: float,
    updated_s: float,
) -> Row:
    asked, out = _json(question), _json(result)
    return Row(thread_id, json.loads(request), state, call_id, deadline_s, asked, out, created_s, updated_s)


def _text(value: JsonObject | None) -> str | None:
    return None if value is None else json.dumps(value)


def _json(text: str | None) -> JsonObject | None:
    return None if text is None else json.loads(text)


__all__ = ["THREADS_TABLE", "UNFINISHED", "VERSION", "Registry", "Row", "State"]
