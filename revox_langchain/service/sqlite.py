"""Threads in a file of SQLite's, which one process uses at a time."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from revox_langchain.errors import InvalidInput
from revox_langchain.service.registry import THREADS_TABLE, VERSION, Registry
from revox_langchain.webhooks.ownership import owned

_SCHEMA = f"{THREADS_TABLE}CREATE TABLE IF NOT EXISTS revox_registry (version INTEGER NOT NULL);"


class SqliteRegistry(Registry):
    """The threads of one service.

    Args:
        path: The file; it may hold the checkpoints as well.

    Raises:
        InvalidInput: The file cannot be used, another process uses it, or a newer release wrote it.
    """

    def __init__(self, path: str | Path) -> None:
        self._mutex = threading.Lock()
        self._hold = owned(Path(path), "database", "give another --db; two of them would dial twice")
        try:
            # Its callers come from a pool of threads, one at a time.
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_SCHEMA)
            found = self._db.execute("SELECT version FROM revox_registry").fetchone()
            if found is None:
                self._db.execute("INSERT INTO revox_registry VALUES (?)", (VERSION,))
        except sqlite3.Error as error:
            self._hold.close()
            raise InvalidInput(
                f"The database {path} cannot be used: {error}.",
                next_step="Give a file in a folder that can be written to.",
            ) from None
        if found is not None and found[0] != VERSION:
            self.close()
            raise InvalidInput(
                f"The database {path} has version {found[0]}; this release knows version {VERSION}.",
                next_step="Upgrade revox-langchain, or give another file.",
            )

    def close(self) -> None:
        """Close the file, and let another process use it."""
        with self._mutex:
            self._db.close()
            self._hold.close()

    def fetch(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """The rows that a statement selects."""
        with self._mutex:
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, values: tuple[object, ...] = ()) -> int:
        """Run a statement; how many rows it has changed."""
        with self._mutex:
            return self._db.execute(sql, values).rowcount


__all__ = ["SqliteRegistry"]
