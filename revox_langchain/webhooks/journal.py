"""What is written down before Revox is answered: which orders have yet to be reported, and what tools have said."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from revox_langchain.errors import InvalidInput
from revox_langchain.webhooks.ownership import owned

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ended_calls (call_id TEXT PRIMARY KEY, reported INTEGER NOT NULL, at_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tool_answers (key TEXT PRIMARY KEY, answer TEXT, until_s REAL NOT NULL);
"""


class Journal:
    """Ids of orders that are said to have ended and whether they were reported; answers of tools that run once.

    Args:
        path: A file of SQLite's, which outlives the process; left out, the memory of this one. Of a machine that loses
            its power the last moments may be missing.

    Raises:
        InvalidInput: The file cannot be used, or another process uses it.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock = threading.Lock()
        self._path = None if path is None else Path(path)
        self._hold: sqlite3.Connection | None = None
        self.claim()
        try:
            # Its callers come from a pool of threads, one at a time.
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise InvalidInput(
                    f"The journal {path} has version {version}; this release knows version {_VERSION}.",
                    next_step="Upgrade revox-langchain, or give another file.",
                )
            self._db.execute("PRAGMA journal_mode=WAL")
            # What is written outlives the process all the same; waiting for the disk takes longer than an answer may.
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_VERSION}")
        except sqlite3.Error as error:
            raise InvalidInput(
                f"The journal {path} cannot be used: {error}.",
                next_step="Give a file in a folder that can be written to.",
            ) from None

    def add(self, call_id: str, now_s: float) -> bool:
        """Note that an order is said to have ended; says whether it has yet to be reported."""
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO ended_calls VALUES (?, 0, ?)", (call_id, now_s))
            row = self._db.execute("SELECT reported FROM ended_calls WHERE call_id = ?", (call_id,)).fetchone()
        return not row[0]

    def reported(self, call_id: str) -> None:
        """Note that an order was reported; it is never reported again."""
        with self._lock:
            self._db.execute("UPDATE ended_calls SET reported = 1 WHERE call_id = ?", (call_id,))

    def drop(self, call_id: str) -> None:
        """Forget an order that has not ended after all, or that there is not."""
        with self._lock:
            self._db.execute("DELETE FROM ended_calls WHERE call_id = ? AND NOT reported", (call_id,))

    def pending(self) -> list[str]:
        """The orders that have yet to be reported, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT call_id FROM ended_calls WHERE NOT reported ORDER BY at_s, call_id")
            return [row[0] for row in rows]

    def forget_before(self, moment_s: float, now_s: float) -> None:
        """Forget reported orders that were noted before a moment, and answers of tools whose time is over."""
        with self._lock:
            self._db.execute("DELETE FROM ended_calls WHERE reported AND at_s < ?", (moment_s,))
            self._db.execute("DELETE FROM tool_answers WHERE until_s < ?", (now_s,))

    def begin_tool(self, key: str, now_s: float, until_s: float) -> tuple[bool, str | None]:
        """Note that a tool is about to run; says whether it is the first time, and else what it answered.

        An earlier run that has no answer was cut off: nobody knows how far it came.
        """
        with self._lock:
            self._db.execute("DELETE FROM tool_answers WHERE key = ? AND until_s < ?", (key, now_s))
            row = (key, None, until_s)
            if self._db.execute("INSERT OR IGNORE INTO tool_answers VALUES (?, ?, ?)", row).rowcount:
                return True, None
            found = self._db.execute("SELECT answer FROM tool_answers WHERE key = ?", (key,)).fetchone()
        return False, found[0]

    def tool_answered(self, key: str, answer: str | None) -> None:
        """Remember what a tool answered; None if it did nothing, so that it may run again."""
        with self._lock:
            if answer is None:
                self._db.execute("DELETE FROM tool_answers WHERE key = ?", (key,))
            else:
                self._db.execute("UPDATE tool_answers SET answer = ? WHERE key = ?", (answer, key))

    def claim(self) -> None:
        """Keep other processes away, which would report the same orders; needed again after `release`.

        Raises:
            InvalidInput: Another process uses the file.
        """
        if self._path is not None and self._hold is None:
            self._hold = owned(self._path, "journal", "give this one a journal of its own")

    def release(self) -> None:
        """Let another process use the file."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.close()

    def close(self) -> None:
        """Close the file, and let another process use it."""
        with self._lock:
            self._db.close()
        self.release()
