"""The package's own list of who must not be called: Revox has one, but no way to write to it."""

from __future__ import annotations

import csv
import io
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from revox_langchain.contacts.reading import read_contacts
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
    """A CSV file with a number in each row: the first column, or the one whose name says so.

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
        content = self._content()
        if not content.strip():
            return frozenset()
        added = _missing_header(content)
        contacts = read_contacts(
            added + content, key_column=False, language_column=False, default_country=self._country
        )
        wrong = [problem for problem in contacts.problems if not problem.code.startswith("duplicate")]
        if wrong:
            row = wrong[0].line - bool(added)
            raise InvalidInput(
                f"Row {row} of the opt-out list {self._path.name!r} cannot be read: {wrong[0].message}",
                code="unreadable_opt_out",
                next_step=f"Correct it, so that no one is called who must not be. {wrong[0].suggestion}",
                details={"rows": [problem.line for problem in wrong[:50]]},
            )
        return frozenset(row.phone.e164 for row in contacts.contacts if row.phone)

    def add(self, people: Sequence[OptOut]) -> None:
        """See `OptOutList.add`."""
        with self._mutex:
            known = set(self.numbers())
            content = self._content()
            lines = io.StringIO()
            writer = csv.writer(lines, lineterminator="\n")
            if not content.strip():
                writer.writerow(("phone", "at", "call_id", "words"))
            for person in people:
                if person.number not in known:
                    known.add(person.number)
                    writer.writerow(map(quoted, person))
            self._append(lines.getvalue(), content)

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise InvalidInput(
                f"The opt-out list {self._path.name!r} cannot be read: {error.strerror or error}.",
                code="unreadable_opt_out",
                next_step="Give the path of a CSV file that exists; an empty one will do.",
            ) from None

    def _append(self, text: str, content: bytes) -> None:
        if text:
            joint = "\n" if content and not content.endswith((b"\n", b"\r")) else ""
            # One write to a file opened for appending, so that writers in other processes do not cut it in two.
            with self._path.open("ab", buffering=0) as file:
                file.write((joint + text).encode())
                os.fsync(file.fileno())


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


def _missing_header(content: bytes) -> bytes:
    """The header of a file that begins with a number at once, empty if it has one."""
    first = content.splitlines()[0]
    if not re.search(rb"\d{4}", first):
        return b""
    separator = next((each for each in (b";", b"\t", b",") if each in first), b",")
    return separator.join([b"phone", *(b"x%d" % place for place in range(first.count(separator)))]) + b"\n"
