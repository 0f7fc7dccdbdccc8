"""CSV that we write: no cell can act as a formula, and nothing in it is lost when it is read again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

OWN_PREFIX = "revox_"
"""How the columns begin that we add to a file; they are left out when it is read again."""


def write_csv(
    path: str | PathLike[str], header: Sequence[str], rows: Iterable[Sequence[str]], *, for_editing: bool = False
) -> None:
    """Write a CSV file as spreadsheet programs like it: UTF-8 with a mark.

    Args:
        path: Where to; what is there is replaced once everything is written.
        header: Names of the columns.
        rows: The cells.
        for_editing: Whether people open it in a spreadsheet and save it again, which turns a number with a sign
            into one like 3.31427E+10 unless it is text.
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([quoted(name) for name in header])
        writer.writerows([quoted(cell, numbers=for_editing) for cell in row] for row in rows)
    unfinished.replace(path)


def quoted(cell: str, *, numbers: bool = False) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula.

    Args:
        cell: The text.
        numbers: Whether a number with a sign is quoted too.
    """
    if _ACTS.match(cell) and (numbers or not _NUMBER.fullmatch(cell)):
        return f"'{cell}"
    return cell


def unquoted(cell: str) -> str:
    """Take off what `quoted` has put on."""
    return cell[1:] if cell.startswith("'") and _ACTS.match(cell[1:]) else cell


# What begins a formula in one of the spreadsheet programs, also behind blanks and behind an apostrophe of the user's.
_ACTS = re.compile(r"'*[\s\ufeff]*[=+\-@＝＋－＠\t\r\n]")
_NUMBER = re.compile(r"[+-][\d ().\-/]+")
