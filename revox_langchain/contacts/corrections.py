"""What was wrong goes to a file that people correct; read again, its rows take the places of the wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike

from revox_langchain.contacts.checking import Checker
from revox_langchain.contacts.reading import ContactList
from revox_langchain.contacts.row import Columns, RawRow, Row
from revox_langchain.contacts.written import OWN_PREFIX, write_csv
from revox_langchain.errors import InvalidInput

ERROR_COLUMNS = tuple(
    OWN_PREFIX + name for name in ("row", "column", "code", "problem", "suggestion", "proposal", "id")
)


def write_errors(contacts: ContactList, path: str | PathLike[str]) -> int:
    """Write the rows with problems to a CSV file: what is wrong, and the columns as they are, to be corrected there.

    Args:
        contacts: What was read.
        path: Where to, such as `errors.csv`.

    Returns:
        How many rows were written.
    """
    rows = [row for row in contacts.rows if row.problems]
    width = len(contacts.columns.names)
    extra = max([len(row.cells) - width for row in rows] + [0])
    header = [*ERROR_COLUMNS, *contacts.columns.names, *(f"{OWN_PREFIX}extra_{n}" for n in range(1, extra + 1))]
    padded = ([*_said(row), *row.cells, *[""] * (width + extra - len(row.cells))] for row in rows)
    write_csv(path, header, padded, for_editing=True)
    return len(rows)


def corrected(contacts: ContactList, corrections: ContactList) -> ContactList:
    """Put corrected rows in the places of the wrong ones, and check everything anew.

    Rows that were not corrected stay as they were; rows that the file of errors did not have come last.

    Args:
        contacts: What was read first.
        corrections: What was read from the corrected file of errors.

    Raises:
        InvalidInput: With code `other_columns`.
    """
    places = aligned(contacts.columns, corrections.columns)
    given = {row.origin: row for row in corrections.rows if row.origin}
    news = [row for row in corrections.rows if row.origin is None]
    checker = Checker(contacts.columns, contacts.default_country)
    rows = tuple(map(checker.check, _raw(contacts, given, news, places)))
    return replace(contacts, rows=rows)


def aligned(columns: Columns, others: Columns) -> tuple[int, ...]:
    """Tell where each column stands in another table.

    Raises:
        InvalidInput: With code `other_columns`: it is not there, or there are others.
    """
    if sorted(columns.unique) != sorted(others.unique):
        missing = [name for name in columns.unique if name not in others.unique]
        added = [name for name in others.unique if name not in columns.unique]
        raise InvalidInput(
            "The columns are not those of the first file: "
            + "; ".join(
                f"{what} {', '.join(map(repr, names[:5]))}"
                for what, names in (("missing", missing), ("new", added))
                if names
            )
            + ".",
            code="other_columns",
            next_step="Keep the columns of the first file, in any order, or start another campaign.",
        )
    return tuple(others.unique.index(name) for name in columns.unique)


def realigned(cells: tuple[str, ...], places: tuple[int, ...]) -> tuple[str, ...]:
    """The cells in the order of the first table, what is beyond its columns at the end."""
    if len(cells) < len(places):
        return cells
    return tuple(cells[place] for place in places) + cells[len(places) :]


def _raw(contacts: ContactList, given: dict[str, Row], news: list[Row], places: tuple[int, ...]) -> Iterator[RawRow]:
    for row in contacts.rows:
        correction = given.get(row.mark) if row.problems else None
        if correction is None:
            yield RawRow(row.line, row.cells, damage_of(row), row.origin)
        else:
            yield RawRow(row.line, realigned(correction.cells, places), damage_of(correction), row.mark)
    last = max((row.line for row in contacts.rows), default=0)
    for line, row in enumerate(news, last + 1):
        yield RawRow(line, realigned(row.cells, places), damage_of(row))


def damage_of(row: Row) -> str | None:
    """The damage that a row was rejected for, if it was for one."""
    whole = [problem.code for problem in row.problems if problem.column is None]
    return whole[0] if whole else None


def _said(row: Row) -> list[str]:
    problems = row.problems
    columns = "; ".join(problem.column for problem in problems if problem.column is not None)
    codes = "; ".join(problem.code for problem in problems)
    sentences = " ".join(problem.message for problem in problems)
    suggestions = " ".join(problem.suggestion for problem in problems)
    proposals = "; ".join(problem.proposal for problem in problems if problem.proposal)
    return [str(row.line), columns, codes, sentences, suggestions, proposals, row.mark]
