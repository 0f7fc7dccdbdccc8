"""One process per file: whoever owns it keeps others away for as long as it lives, however it ends."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from revox_langchain.errors import InvalidInput


def owned(path: Path, what: str, otherwise: str) -> sqlite3.Connection:
    """Keep other processes away from a file until what is returned is closed, or this process has died.

    Args:
        path: The file. A lock is put beside it, since SQLite's own would keep readers away.
        what: What it is to people, such as "database".
        otherwise: What else they can do if another process has it.

    Raises:
        InvalidInput: Another process owns it (code `database_in_use`), or its folder cannot be written to.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        hold = sqlite3.connect(beside, check_same_thread=False, isolation_level=None, timeout=0)
        hold.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InvalidInput(
                f"Another process uses the {what} {path}, or this one does already.",
                code="database_in_use",
                next_step=f"Stop it first, or {otherwise}.",
            ) from None
        raise InvalidInput(
            f"The {what} {path} cannot be used: {error}.",
            next_step="Give a file in a folder that can be written to.",
        ) from None
    return hold


__all__ = ["owned"]
