"""The package's own list of who must not be called: Revox has one, but no way to write to it."""

from __future__ import annotations

import csv
import io
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from revox_langchain.contacts.cells import read_number
from revox_langchain.contacts.columns import find_columns
from revox_langchain.contacts.delimited import read_delimited
from revox_langchain.contacts.encodings import encoding_of
from revox_langchain.contacts.problems import problem
from revox_langchain.contacts.row import RawRow
from revox_langchain.contacts.written import quoted
from revox_langchain.errors import InvalidInput
from revox_langchain.phone import parse_phone


class OptOut(NamedTuple):
    """Someone who is not to be called again.

    Attributes:
        number: E.164.
        at: When that was said, ISO 8601.
        call_id: On which call.
        words: In which words.
    """

    number: str
    at: str = ""
    call_id: str = ""
    words: str = ""


@runtime_checkable
class OptOutList(Protocol):
    """Who must not be called, whoever keeps it."""

    def numbers(self) -> frozenset[str]:
        """Read all numbers anew, E.164.

        Raises:
            InvalidInput: It cannot be read, or an entry cannot; then no one may be called.
        """

    def add(self, people: Sequence[OptOut]) -> None:
        """Write people down for good; who is there already stays there once."""


OptOutSource = str | PathLike[str] | OptOutList | Callable[[Sequence[OptOut]], Iterable[str]]
"""A file, a list of one's own, or a function: it is given whom to add, often no one, and returns all numbers."""


def opt_out_list(source: OptOutSource, default_country: str | None = None) -> OptOutList:
    """Make a list of what `opt_out=` takes.

    Args:
        source: A file, a list, or a function.
        default_country: Two-letter country of national numbers.
    """
    if isinstance(source, OptOutList):
        return source
    if callable(source):
        return _Function(source, default_country)
    return OptOutFile(source, default_country)


class OptOutFile:
    """A CSV file with a number in each row: in the first column, or in the one whose name says so.

    Who is added comes under the columns that the file has; what is known of them under `at`, `call_id` and `words`.

    It has to exist, if empty, so that a name with a slip in it is not taken for a list of no one.

    Args:
        path: The file.
        default_country: Two-letter country of national numbers.
    """

    def __init__(self, path: str | PathLike[str], default_country: str | None = None) -> None:
        self._path = Path(path)
        self._country = default_country
        self._mutex = threading.Lock()

    def numbers(self) -> frozenset[str]:
        """See `OptOutList.numbers`."""
        return self._read(self._content())

    def add(self, people: Sequence[OptOut]) -> None:
        """See `OptOutList.add`."""
        with self._mutex:
            content = self._content()
            known = set(self._read(content))
            layout = _Layout.of(content)
            lines = io.StringIO()
            writer = csv.writer(lines, delimiter=layout.delimiter, lineterminator="\n")
            if not content.strip():
                writer.writerow(layout.header)
            for person in people:
                if person.number not in known:
                    known.add(person.number)
                    writer.writerow(layout.row(person))
            self._append(lines.getvalue(), content, layout.encoding)

    def _read(self, content: bytes) -> frozenset[str]:
        layout = _Layout.of(content)
        found: set[str] = set()
        for row in layout.rows(content):
            reading = read_number(row.cells[layout.place] if layout.place < len(row.cells) else "", self._country)
            if row.damage or reading.phone is None:
                wrong = problem(row.damage or reading.code, row.line)
                raise InvalidInput(
                    f"Row {row.line} of the opt-out list {self._path.name!r} cannot be read: {wrong.message}",
                    code="unreadable_opt_out",
                    next_step=f"Correct it, so that no one is called who must not be. {wrong.suggestion}",
                    details={"row": row.line},
                )
            found.add(reading.phone.e164)
        return frozenset(found)

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise InvalidInput(
                f"The opt-out list {self._path.name!r} cannot be read: {error.strerror or error}.",
                code="unreadable_opt_out",
                next_step="Give the path of a CSV file that exists; an empty one will do.",
            ) from None

    def _append(self, text: str, content: bytes, encoding: str) -> None:
        if text:
            joint = "\n" if content and not content.rstrip(b"\0").endswith((b"\n", b"\r")) else ""
            # One write to a file opened for appending, so that writers in other processes do not cut it in two.
            with self._path.open("ab", buffering=0) as file:
                file.write((joint + text).encode(encoding, "replace"))
                os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is written, so that what is added fits."""

    header: tuple[str, ...]
    place: int
    width: int
    delimiter: str
    encoding: str

    @classmethod
    def of(cls, content: bytes) -> _Layout:
        if not content.strip():
            return cls(("phone", "at", "call_id", "words"), 0, 4, ",", "utf-8")
        encoding = encoding_of(content).name
        first = next((line for line in content.decode(encoding).splitlines() if line.strip()), "")
        delimiter = max(",;\t", key=first.count)
        cells = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter)))
        encoding = encoding.removesuffix("-sig").removesuffix("_sig")
        if encoding == "utf-16":
            encoding += "-le" if content.startswith(b"\xff\xfe") else "-be"
        if re.search(r"\d{4}|\d\d \d\d", first):
            return cls((), 0, len(cells), delimiter, encoding)
        number = find_columns(cells, language_column=False, key_column=False).number
        return cls(cells, number, len(cells), delimiter, encoding)

    def rows(self, content: bytes) -> Iterator[RawRow]:
        """The rows with entries; two writers of an empty file may both have written its header."""
        rows = read_delimited(content, delimiter=self.delimiter).rows
        filled = (row for row in rows if row.cells)
        return (row for row in filled if not self.header or tuple(map(str.strip, row.cells)) != self.header)

    def row(self, person: OptOut) -> list[str]:
        """The cells of someone, each under its name if the file has it."""
        said = person._asdict()
        cells = [quoted(said.get(name, "")) for name in self.header] or [""] * self.width
        cells[self.place] = person.number
        return cells


class _Function:
    def __init__(self, function: Callable[[Sequence[OptOut]], Iterable[str]], default_country: str | None) -> None:
        self._function = function
        self._country = default_country

    def numbers(self) -> frozenset[str]:
        return self._all(())

    def add(self, people: Sequence[OptOut]) -> None:
        missing = {person.number for person in people} - self._all(people)
        if missing:
            raise InvalidInput(
                f"The function of opt_out was given {len(people)} people and has not kept {len(missing)} of them.",
                code="unwritten_opt_out",
                next_step="Have it keep whom it is given, and return all numbers.",
            )

    def _all(self, people: Sequence[OptOut]) -> frozenset[str]:
        try:
            return frozenset(parse_phone(number, self._country).e164 for number in self._function(tuple(people)))
        except InvalidInput as error:
            raise InvalidInput(
                f"The function of opt_out returned what is no phone number: {error.message}",
                code="unreadable_opt_out",
                next_step="Have it return numbers in E.164: a +, the country code, the number.",
            ) from None
