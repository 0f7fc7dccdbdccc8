"""From a file, its bytes or a list of dicts to rows under named columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

from revox_langchain.contacts.cells import read_number
from revox_langchain.contacts.columns import ColumnChoice, find_columns, no_header, no_number_column
from revox_langchain.contacts.delimited import read_delimited
from revox_langchain.contacts.records import Records, of_objects, read_json, read_json_lines
from revox_langchain.contacts.row import Columns, RawRow
from revox_langchain.contacts.workbook import is_workbook, read_workbook
from revox_langchain.contacts.written import OWN_PREFIX, unquoted
from revox_langchain.errors import InvalidInput

Source = str | PathLike[str] | bytes | Iterable[Mapping[str, object]]
"""A path, a file's content, or dicts."""

MAX_BYTES = 50 << 20
"""How large a file may be, unless `max_bytes` says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a source is to be read; what is left out is found out.

    Attributes:
        number_column: Name of the column with the numbers.
        language_column: Name of the column with the languages; False: none.
        key_column: Name of the column with the references; False: none.
        default_country: Two-letter country of national numbers; without it they are refused.
        encoding: As Python calls it.
        delimiter: What stands between the cells of a CSV file.
        sheet: Name of a workbook's sheet.
        max_bytes: Size from which on a file is refused.
    """

    number_column: str | None = None
    language_column: ColumnChoice = None
    key_column: ColumnChoice = None
    default_country: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    max_bytes: int = MAX_BYTES


class Table(NamedTuple):
    """Rows under their columns.

    Attributes:
        columns: The columns, without those that this package has added to a file.
        rows: The rows after the header, to be read once; blank ones have no cells.
        notes: What a person should know about the reading.
    """

    columns: Columns
    rows: Iterator[RawRow]
    notes: tuple[str, ...]


def read_table(source: Source, options: Options) -> Table:
    """Open a source and find its columns.

    Raises:
        InvalidInput: It cannot be read, is empty or too large, or has no column of numbers.
    """
    if not isinstance(source, (str, bytes, bytearray, PathLike)):
        return _of_records(_of_dicts(source), options)
    name = "" if isinstance(source, (bytes, bytearray)) else fspath(source)
    data = bytes(source) if isinstance(source, (bytes, bytearray)) else _content(Path(name), options.max_bytes)
    _refuse_size(len(data), options.max_bytes)
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise _empty("The file is empty.")
    if is_workbook(data):
        rows, notes = read_workbook(data, options.sheet)
        return _of_rows(rows, notes, options)
    kind = _kind(name, data)
    if kind != "csv":
        return _of_records((read_json if kind == "json" else read_json_lines)(data, options.encoding), options)
    rows, notes = read_delimited(data, options.encoding, options.delimiter or _TAB.get(Path(name).suffix.lower()))
    return _of_rows(rows, notes, options)


_TAB = {".tsv": "\t", ".tab": "\t"}
_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "lines",
    ".ndjson": "lines",
}
_LOOKED_AT = 20
_LIKE_NUMBER = re.compile(r"'?\+?(?:[\s().\-/]*\d){8,15}")
_OBJECTS = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")


def _kind(name: str, data: bytes) -> str:
    if kind := _KINDS.get(Path(name).suffix.lower()):
        return kind
    start = data.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:4096]
    if start[:1] == b"<":
        raise InvalidInput(
            "The file is a web page or XML, not a table.",
            code="unreadable_table",
            next_step="Open it in a spreadsheet program and save it as XLSX or CSV.",
        )
    if start[:1] == b"{" and _OBJECTS.match(data[: 1 << 20]):
        return "lines"
    return "json" if re.match(rb"\{|\[\s*[\[{\]]", start) else "csv"


def _content(path: Path, max_bytes: int) -> bytes:
    try:
        _refuse_size(path.stat().st_size, max_bytes)
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"The file {path.name!r} cannot be read: {error.strerror or error}.",
            code="unreadable_file",
            next_step="Give the path of a CSV, TSV, JSON, JSONL or XLSX file, or the file's content as bytes.",
        ) from None


def _refuse_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise InvalidInput(
            f"The file has {size:,} bytes, more than the {max_bytes:,} that are read.",
            code="too_large",
            next_step="Split it, each part with the header, or give a larger max_bytes.",
        )


def _empty(message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="empty_file",
        next_step="Give a header such as phone,name and a row for each contact, or objects with such names.",
    )


def _of_dicts(source: object) -> Records:
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise InvalidInput(
            f"Contacts are given as {type(source).__name__}.",
            code="unreadable_table",
            next_step='Give a list of dicts, such as [{"phone": "+12025550100"}], a path, or the bytes of a file.',
        )
    return of_objects(source)


def _of_records(records: Records, options: Options) -> Table:
    if not records.names:
        raise _empty("There are no objects with names and values.")
    return _under(records.names, records.rows, records.notes, options)


def _of_rows(rows: Iterator[RawRow], notes: tuple[str, ...], options: Options) -> Table:
    header = next((row for row in rows if row.cells), None)
    if header is None:
        raise _empty("The file has no rows.")
    names = tuple(name.strip() for name in header.cells)
    return _under(names, rows, notes, options)


def _under(names: Sequence[str], rows: Iterator[RawRow], notes: tuple[str, ...], options: Options) -> Table:
    kept = _Kept.of(names)
    theirs = tuple(names[place] for place in kept.places)
    try:
        columns = find_columns(theirs, options.number_column, options.language_column, options.key_column)
    except InvalidInput as error:
        if error.code != "no_number_column":
            raise
        if any(_is_number(name, options.default_country) for name in theirs):
            raise no_header(theirs) from None
        raise no_number_column(theirs, _like_numbers(theirs, map(kept.row, islice(rows, _LOOKED_AT)))) from None
    return Table(columns, map(kept.row, rows), notes)


def _is_number(name: str, default_country: str | None) -> bool:
    return sum(map(str.isdigit, name)) >= 7 and read_number(name, default_country).phone is not None


def _like_numbers(names: Sequence[str], rows: Iterable[RawRow]) -> str | None:
    """The only column whose cells look like phone numbers, if there is one."""
    whole = (row.cells for row in rows if row.cells and not row.damage)
    filled = [[cell for cell in column if cell.strip()] for column in zip(*whole, strict=False)]
    like = [
        name
        for name, cells in zip(names, filled, strict=False)
        if cells and sum(bool(_LIKE_NUMBER.fullmatch(cell.strip())) for cell in cells) * 5 >= len(cells) * 4
    ]
    return like[0] if len(like) == 1 else None


@dataclass(frozen=True, slots=True)
class _Kept:
    """Which columns of a file are not our own additions, and how a row is cut to them."""

    places: tuple[int, ...]
    own: dict[str, int] = field(default_factory=dict)
    extra: tuple[int, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str]) -> _Kept:
        own = {name: place for place, name in enumerate(names) if name.startswith(OWN_PREFIX)}
        extra = tuple(place for name, place in own.items() if name.startswith(f"{OWN_PREFIX}extra"))
        return cls(tuple(place for place, name in enumerate(names) if name not in own), own, extra)

    def row(self, row: RawRow) -> RawRow:
        if not row.cells or row.damage:
            return row
        width = len(self.places) + len(self.own)
        cells = row.cells + ("",) * (width - len(row.cells))
        beyond = tuple(cell for cell in (*(cells[place] for place in self.extra), *cells[width:]) if cell.strip())
        if not self.own:
            theirs = cells[:width]
            return RawRow(row.line, theirs + beyond, "too_many_cells" if beyond else None)
        theirs = tuple(unquoted(cells[place]) for place in self.places)
        if not any(map(str.strip, theirs)):
            return RawRow(row.line, ())
        mark = self.own.get(f"{OWN_PREFIX}id")
        origin = cells[mark] or None if mark is not None else None
        return RawRow(row.line, theirs + beyond, "too_many_cells" if beyond else None, origin)
