"""`read_contacts`: from a file to contacts and to all that is wrong with the others, every row accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from revox_langchain.contacts.checking import Checker
from revox_langchain.contacts.columns import ColumnChoice
from revox_langchain.contacts.problems import Problem
from revox_langchain.contacts.row import ROW_STATES, Columns, RawRow, Row, RowState, column_letter
from revox_langchain.contacts.table import MAX_BYTES, Options, Source, read_table
from revox_langchain.errors import InvalidInput
from revox_langchain.phone import parse_phone

MOST_SHOWN = 3
"""How many problems a model is shown."""


@dataclass(frozen=True, slots=True)
class ContactStream:
    """The rows of a source, checked one by one as they are asked for.

    Attributes:
        columns: The columns, and which of them are used.
        rows: The rows, to be gone through once.
        notes: What a person should know about the reading, such as a guessed encoding.
    """

    columns: Columns
    rows: Iterator[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactList:
    """All rows of a source.

    Attributes:
        columns: The columns, and which of them are used.
        rows: Every row that is not blank, in the source's order.
        notes: What a person should know about the reading, such as a guessed encoding.
        source: Name of the file, empty if there is none.
        default_country: In which country national numbers were read.
    """

    columns: Columns
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    default_country: str | None = None

    @property
    def contacts(self) -> tuple[Row, ...]:
        """The rows that are contacts, each number once."""
        return tuple(row for row in self.rows if row.state == "ready")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that a person has to look at, in the order of the rows."""
        return tuple(problem for row in self.rows for problem in row.problems)

    @property
    def counts(self) -> dict[RowState, int]:
        """How many rows are in each state; they add up to the rows."""
        states = Counter(row.state for row in self.rows)
        return {state: states[state] for state in ROW_STATES}

    @property
    def read_as(self) -> dict[str, int]:
        """How many numbers were read although they were not written as they should be, by the way they were not."""
        return dict(Counter(way for row in self.rows for way in row.read_as))

    def for_model(self) -> str:
        """What a model reads of it: counts and at most three problems, nothing that a cell or a header says."""
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        lines = [f"{len(self.rows)} rows: {counts}."]
        lines += [f"{count} numbers were read as {way}." for way, count in self.read_as.items()]
        problems = self.problems
        lines += [self._shown(problem) for problem in problems[:MOST_SHOWN]]
        if len(problems) > MOST_SHOWN:
            lines.append(f"{len(problems) - MOST_SHOWN} more problems are in the list of errors.")
        return "\n".join(lines)

    def _shown(self, problem: Problem) -> str:
        names = self.columns.unique
        place = f", column {column_letter(names.index(problem.column))}" if problem.column in names else ""
        return f"Row {problem.line}{place} ({problem.code}): {problem.message} {problem.suggestion}"


def read_contacts(
    source: Source,
    *,
    number_column: str | None = None,
    language_column: ColumnChoice = None,
    key_column: ColumnChoice = None,
    default_country: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> ContactList:
    """Read contacts from a CSV, TSV, JSON, JSONL or spreadsheet file.

    Every row that is not blank comes back in exactly one state: a contact, or with what is wrong with it. The same
    number twice is one contact. Columns that begin with `revox_` are ours and are left out.

    Args:
        source: A path, a file's content, or a list of dicts.
        number_column: Name of the column with the numbers; found by its name in many languages if left out.
        language_column: Name of the column with the spoken language (a tag, a locale or a name); found if left out;
            False: there is none.
        key_column: Name of the column that identifies a contact; found if left out; False, or if there is none: the
            number does.
        default_country: Two-letter country of national numbers. Without it they are refused, since no guess is right
            for all.
        encoding: As Python calls it; found out if left out.
        delimiter: What stands between the cells of a CSV file; found out if left out.
        sheet: Name of a workbook's sheet, else the first one that holds anything.
        max_bytes: Size from which on a file is refused.

    Raises:
        InvalidInput: The source as a whole cannot be used; its code and next step say why and what to change.
    """
    options = Options(
        number_column=number_column,
        language_column=language_column,
        key_column=key_column,
        default_country=default_country,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        max_bytes=max_bytes,
    )
    stream = stream_contacts(source, options)
    name = Path(fspath(source)).name if isinstance(source, (str, PathLike)) else ""
    return ContactList(stream.columns, tuple(stream.rows), stream.notes, name, default_country)


def stream_contacts(source: Source, options: Options | None = None) -> ContactStream:
    """Read contacts row by row, for a store that takes them in batches.

    Raises:
        InvalidInput: As `read_contacts`; a quotation mark that is never closed is found only while reading.
    """
    options = options or Options()
    country = _country(options.default_country)
    table = read_table(source, options)
    return ContactStream(table.columns, _checked(table.rows, Checker(table.columns, country)), table.notes)


def _checked(rows: Iterator[RawRow], checker: Checker) -> Iterator[Row]:
    found = False
    for raw in rows:
        if raw.cells:
            found = True
            yield checker.check(raw)
    if not found:
        raise InvalidInput(
            "There is a header, but no row with a contact.",
            code="empty_file",
            next_step="Put one contact into each row after the header.",
        )


def _country(default_country: str | None) -> str | None:
    if default_country is None:
        return None
    try:
        parse_phone("+12025550100", default_country)
    except InvalidInput:
        raise InvalidInput(
            f"default_country={default_country!r} is not a country.",
            code="unknown_region",
            next_step='Give its two-letter code, such as default_country="FR" (Britain is "GB").',
        ) from None
    return default_country.strip().upper()
