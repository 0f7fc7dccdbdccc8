"""Which threads there are, what each waits for, and what came out: the index that a checkpointer does not keep."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, Literal, NamedTuple

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput

State = Literal["running", "waiting", "asking", "ended", "failed"]
"""`running`: a run is under way, or was when the process died. `waiting`: parked until its call has ended. `asking`: a
person has to answer. `ended`: the report is there. `failed`: it could not be run; nothing more happens by itself."""

UNFINISHED = ("running", "waiting", "asking")
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS revox_threads (
    thread_id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    call_id TEXT,
    deadline_s REAL,
    question TEXT,
    result TEXT,
    created_s REAL NOT NULL,
    updated_s REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS revox_threads_by_state ON revox_threads (state, created_s);
CREATE INDEX IF NOT EXISTS revox_threads_by_call ON revox_threads (call_id);
CREATE TABLE IF NOT EXISTS revox_registry (version INTEGER NOT NULL);
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


class Registry:
    """The threads of one service, in a file of SQLite's that only one process uses at a time.

    Args:
        path: The file; it may hold the checkpoints as well.

    Raises:
        InvalidInput: The file cannot be used, another process uses it, or a newer release wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._mutex = threading.Lock()
        self._hold = _held(path)
        try:
            # Its callers come from a pool of threads, one at a time.
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_SCHEMA)
            found = self._db.execute("SELECT version FROM revox_registry").fetchone()
            if found is None:
                self._db.execute("INSERT INTO revox_registry VALUES (?)", (_VERSION,))
        except sqlite3.Error as error:
            self._hold.close()
            raise InvalidInput(
                f"The database {path} cannot be used: {error}.",
                next_step="Give a file in a folder that can be written to.",
            ) from None
        if found is not None and found[0] != _VERSION:
            self.close()
            raise InvalidInput(
                f"The database {path} has version {found[0]}; this release knows version {_VERSION}.",
                next_step="Upgrade revox-langchain, or give another file.",
            )

    def close(self) -> None:
        """Close the file, and let another process use it."""
        with self._mutex:
            self._db.close()
            self._hold.close()

    def add(self, thread_id: str, request: JsonObject, now_s: float) -> Row:
        """Note a thread before anything of it runs; one that is known already is returned as it stands."""
        values = (thread_id, json.dumps(request), "running", None, None, None, None, now_s, now_s)
        self._execute("INSERT OR IGNORE INTO revox_threads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
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
        self._execute(
            "UPDATE revox_threads SET state = ?, call_id = coalesce(?, call_id), deadline_s = ?, question = ?, "
            "result = ?, updated_s = ? WHERE thread_id = ?",
            (state, call_id, deadline_s, _text(question), _text(result), now_s, thread_id),
        )

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
        where = "WHERE (? IS NULL OR state = ?) AND (? IS NULL OR created_s < ?) ORDER BY created_s DESC LIMIT ?"
        return self._rows(where, (state, state, before_s, before_s, limit))

    def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        with self._mutex:
            return dict(self._db.execute("SELECT state, count(*) FROM revox_threads GROUP BY state").fetchall())

    def ended_before(self, moment_s: float) -> list[str]:
        """Threads that came to an end before a moment."""
        rows = self._rows("WHERE state IN ('ended', 'failed') AND updated_s < ?", (moment_s,))
        return [row.thread_id for row in rows]

    def forget(self, thread_id: str) -> None:
        """Erase what is known of a thread."""
        self._execute("DELETE FROM revox_threads WHERE thread_id = ?", (thread_id,))

    def _execute(self, sql: str, values: tuple[object, ...]) -> None:
        with self._mutex:
            self._db.execute(sql, values)

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self._mutex:
            found = self._db.execute(f"SELECT {_COLUMNS} FROM revox_threads {where}", values).fetchall()
        return [_row(values) for values in found]


def _row(values: tuple[Any, ...]) -> Row:
    thread_id, request, state, call_id, deadline_s, question, result, created_s, updated_s = values
    asked, out = _json(question), _json(result)
    return Row(thread_id, json.loads(request), state, call_id, deadline_s, asked, out, created_s, updated_s)


def _held(path: Path) -> sqlite3.Connection:
    """Keep other processes away for as long as this one lives, however it ends."""
    beside = path.with_name(f"{path.name}.lock")
    try:
        hold = sqlite3.connect(beside, check_same_thread=False, isolation_level=None, timeout=0)
        hold.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InvalidInput(
                f"Another process uses the database {path}.",
                code="database_in_use",
                next_step="Stop it first, or give another --db; two of them would dial twice.",
            ) from None
        raise InvalidInput(
            f"The database {path} cannot be used: {error}.",
            next_step="Give a file in a folder that can be written to.",
        ) from None
    return hold


def _text(value: JsonObject | None) -> str | None:
    return None if value is None else json.dumps(value)


def _json(text: str | None) -> JsonObject | None:
    return None if text is None else json.loads(text)
