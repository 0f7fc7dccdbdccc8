"""Each row is checked once, in order, and gets exactly one state."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from revox_langchain.answers import digest
from revox_langchain.contacts.cells import Reading, read_number
from revox_langchain.contacts.problems import Problem, problem
from revox_langchain.contacts.row import Columns, RawRow, Row, RowState, fingerprint
from revox_langchain.errors import InvalidInput
from revox_langchain.phone import Phone
from revox_langchain.speech.language import parse_language


class Checker:
    """Checks the rows of one reading; it remembers which numbers and keys came before.

    Args:
        columns: The columns of the rows.
        default_country: Two-letter country of national numbers.
    """

    def __init__(self, columns: Columns, default_country: str | None = None) -> None:
        self.columns = columns
        self.default_country = default_country
        self._by_number: dict[str, _First] = {}
        self._by_key: dict[str, _First] = {}
        self._marks: dict[str, int] = {}

    def check(self, raw: RawRow) -> Row:
        """Check a row that is not blank."""
        if raw.damage:
            return self._set_aside(raw, "rejected", (problem(raw.damage, raw.line),))
        number = read_number(raw.cells[self.columns.number], self.default_country)
        language, wrong = self._language(raw)
        problems = (*self._number_problems(raw, number), *wrong)
        if problems or number.phone is None:
            return self._set_aside(raw, "rejected", problems, number.phone)
        return self._among_others(raw, number.phone, language, number.read_as)

    def _among_others(self, raw: RawRow, phone: Phone, language: str | None, read_as: tuple[str, ...]) -> Row:
        key = self._key(raw) or phone.e164
        this = _First(raw.line, phone.e164, hash(raw.cells))
        if same := self._by_number.get(phone.e164):
            code = "duplicate_row" if same.cells == this.cells else "duplicate_number"
            found = problem(code, raw.line, self._name(self.columns.number), first=same.line)
            return self._set_aside(raw, "duplicate", (found,), phone)
        if other := self._by_key.get(key):
            found = problem("row_conflict", raw.line, self._name(self.columns.key), first=other.line)
            return self._set_aside(raw, "row_conflict", (found,), phone)
        self._by_number[phone.e164] = self._by_key[key] = this
        return Row(raw.line, raw.cells, "ready", key, phone, language, (), read_as, key, raw.origin)

    def _number_problems(self, raw: RawRow, number: Reading) -> tuple[Problem, ...]:
        if not number.code:
            return ()
        return (problem(number.code, raw.line, self._name(self.columns.number), proposal=number.proposal),)

    def _language(self, raw: RawRow) -> tuple[str | None, tuple[Problem, ...]]:
        if self.columns.language is None:
            return None, ()
        tag, code = _tag(raw.cells[self.columns.language].strip())
        return tag, (problem(code, raw.line, self._name(self.columns.language)),) if code else ()

    def _key(self, raw: RawRow) -> str | None:
        return raw.cells[self.columns.key].strip() or None if self.columns.key is not None else None

    def _name(self, place: int | None) -> str | None:
        return self.columns.unique[place] if place is not None else None

    def _set_aside(
        self, raw: RawRow, state: RowState, problems: tuple[Problem, ...], phone: Phone | None = None
    ) -> Row:
        """Keep a row that is no contact under a mark of its own, the same whenever the file is read."""
        beyond = raw.cells[len(self.columns.names) :]
        content = digest([fingerprint(self.columns, raw.cells), beyond])[:16]
        place = self._marks[content] = self._marks.get(content, 0) + 1
        mark = f"row:{content}:{place}"
        key = self._key(raw) if not raw.damage else None
        return Row(raw.line, raw.cells, state, key, phone, None, problems, (), mark, raw.origin)


class _First(NamedTuple):
    """What is remembered of a contact, to compare later rows with."""

    line: int
    e164: str
    cells: int


@lru_cache(maxsize=4096)
def _tag(name: str) -> tuple[str | None, str]:
    """The tag of a language's name, and a code if it has none that a voice speaks."""
    if not name:
        return None, ""
    try:
        return parse_language(name).tag, ""
    except InvalidInput as error:
        return None, "unsupported_language" if error.code == "unsupported_language" else "unknown_language"
