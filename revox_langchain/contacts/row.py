"""A row of contacts as it was read and checked: exactly one state, and nothing lost or changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from revox_langchain.answers import digest
from revox_langchain.contacts.problems import Problem
from revox_langchain.phone import Phone

RowState = Literal["ready", "rejected", "duplicate", "row_conflict", "unchanged"]
"""`ready`: a contact. `rejected`: something is wrong. `duplicate`: its number is called for an earlier row.
`row_conflict`: its key stands for other data. `unchanged`: the store has it already."""

ROW_STATES: tuple[RowState, ...] = get_args(RowState)


class RawRow(NamedTuple):
    """A row before it is checked.

    Attributes:
        line: The row's number, see `Problem.line`.
        cells: Its texts, one for each column and more if the row has more.
        damage: Code of what is wrong with the row itself, if anything.
        origin: Which row of an earlier reading it corrects.
    """

    line: int
    cells: tuple[str, ...]
    damage: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table, and which of them say something to us.

    Attributes:
        names: As the file has them.
        number: Place of the phone number.
        language: Place of the language, None if no column has it.
        key: Place of the reference, None if the number is the key.
    """

    names: tuple[str, ...]
    number: int
    language: int | None = None
    key: int | None = None

    @property
    def unique(self) -> tuple[str, ...]:
        """The names, each once: empty ones are called by their letter, repeated ones are counted."""
        return _unique(self.names)


@dataclass(frozen=True, slots=True)
class Row:
    """One row, checked.

    Attributes:
        line: The row's number, see `Problem.line`.
        cells: Its texts as the file has them, in the order of the columns.
        state: What became of it.
        key: Identifies the contact within the campaign: the reference, else the number. None if there is neither.
        phone: The number, if it could be read.
        language: BCP-47 tag of the row's own language, None if it names none.
        problems: What is wrong with it.
        read_as: How the number was read where it was not written as it should be, such as `national_number`.
        mark: Identifies the row within the campaign, also if it is no contact.
        origin: Mark of the row of an earlier reading that it corrects.
    """

    line: int
    cells: tuple[str, ...]
    state: RowState
    key: str | None
    phone: Phone | None
    language: str | None = None
    problems: tuple[Problem, ...] = ()
    read_as: tuple[str, ...] = ()
    mark: str = ""
    origin: str | None = None

    def fields(self, columns: Columns) -> dict[str, str]:
        """The cells by the columns' names."""
        return dict(zip(columns.unique, self.cells, strict=False))

    def variables(self, columns: Columns) -> dict[str, str]:
        """What the prompt may use of it: all cells that are filled, except number and key."""
        own = {columns.number, columns.key}
        named = enumerate(zip(columns.unique, self.cells, strict=False))
        return {name: text for at, (name, text) in named if text and at not in own}


def fingerprint(columns: Columns, cells: Sequence[str]) -> str:
    """Hash what a row says; order of the columns and empty cells make no difference."""
    return digest({name: text for name, text in zip(columns.unique, cells, strict=False) if text})


def text_of_row(row: Row) -> str:
    """A row as one text, to be kept and read with `row_of_text`."""
    phone = asdict(row.phone) if row.phone else None
    problems = [asdict(each) for each in row.problems]
    parts = [row.line, row.cells, row.state, row.key, phone, row.language, problems, row.read_as, row.mark, row.origin]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def row_of_text(text: str) -> Row:
    """The row that `text_of_row` has written."""
    line, cells, state, key, phone, language, problems, read_as, mark, origin = json.loads(text)
    number: Any = Phone(**phone) if phone else None
    found = tuple(Problem(**each) for each in problems)
    return Row(line, tuple(cells), state, key, number, language, found, tuple(read_as), mark, origin)


def counted(states: Mapping[RowState, int]) -> dict[RowState, int]:
    """How many rows are in each state, the states without any included."""
    return {state: states.get(state, 0) for state in ROW_STATES}


def column_letter(place: int) -> str:
    """What a spreadsheet calls a column: A, B, … Z, AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@lru_cache(maxsize=64)
def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    taken: dict[str, int] = {}
    unique = []
    for place, name in enumerate(names):
        base = name or f"column {column_letter(place)}"
        count = taken[base] = taken.get(base, 0) + 1
        unique.append(base if count == 1 else f"{base} ({count})")
    return tuple(unique)
