"""Spreadsheet files, read by calamine: the values that the spreadsheet holds, row by row."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from typing import Any, NamedTuple

from revox_langchain.contacts.encodings import EXTRA
from revox_langchain.contacts.row import RawRow
from revox_langchain.errors import InvalidInput, near

MOST_UNPACKED = 1 << 29
"""How large a workbook may be once it is unpacked, in bytes."""


class Workbook(NamedTuple):
    """The rows of one sheet.

    Attributes:
        rows: All rows, numbered as the spreadsheet numbers them, the header included.
        notes: What a person should know about the reading.
    """

    rows: Iterator[RawRow]
    notes: tuple[str, ...]


def is_workbook(data: bytes) -> bool:
    """Whether these are the bytes of an XLSX, ODS or old XLS file."""
    return data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def read_workbook(data: bytes, sheet: str | None = None) -> Workbook:
    """Read a sheet: the one that is named, else the first one that holds anything.

    Raises:
        InvalidInput: With code `missing_extra`, `unreadable_workbook`, `too_large`, `unknown_sheet` or `empty_file`.
    """
    opened = _opened(data)
    names: list[str] = [each.name for each in opened.sheets_metadata]
    hidden = {each.name for each in opened.sheets_metadata if str(each.visible).rpartition(".")[2] != "Visible"}
    if sheet is not None and sheet not in names:
        raise InvalidInput(
            f"There is no sheet {sheet!r}{near(sheet, names)}",
            code="unknown_sheet",
            next_step=f"Give one of {', '.join(map(repr, names[:10]))} as sheet, or leave it out for the first.",
        )
    shown = [sheet] if sheet is not None else [name for name in names if name not in hidden]
    while shown and not (chosen := opened.get_sheet_by_name(shown[0])).height:
        shown.pop(0)
    if not shown:
        raise InvalidInput(
            "No visible sheet of the workbook holds anything.",
            code="empty_file",
            next_step="Put a header such as phone,name into the first row, and one contact into each row after it.",
        )
    others = ", ".join(map(repr, shown[1:6]))
    notes = (f"Only the sheet {shown[0]!r} was read, not {others}; give sheet='…' for another.",) if others else ()
    return Workbook(_rows(chosen), notes)


def _opened(data: bytes) -> Any:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise InvalidInput(
            "Reading a spreadsheet file needs python-calamine.",
            code="missing_extra",
            next_step=f'Run pip install "{EXTRA}", or save the sheet as CSV.',
        ) from None
    _refuse_too_large(data)
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    # Its errors have no base class of their own below Exception in all releases.
    except Exception as error:
        raise _unreadable(str(error)) from None


def _refuse_too_large(data: bytes) -> None:
    if not data.startswith(b"PK"):
        return
    try:
        size = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except zipfile.BadZipFile as error:
        raise _unreadable(str(error)) from None
    if size > MOST_UNPACKED:
        raise InvalidInput(
            f"The workbook is {size >> 20} MiB once unpacked, more than the {MOST_UNPACKED >> 20} MiB that are read.",
            code="too_large",
            next_step="Remove sheets, pictures and empty rows that are formatted, or save the sheet as CSV.",
        )


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(
        f"The file is no workbook that can be read: {why[:200]}.",
        code="unreadable_workbook",
        next_step="Open it in a spreadsheet program and save it as XLSX or CSV, without a password.",
    )


def _rows(sheet: Any) -> Iterator[RawRow]:
    values: Iterable[list[Any]] = sheet.iter_rows()
    start: tuple[int, int] | None = sheet.start
    # Rows before the first filled one come with it, columns before it do not.
    before = ("",) * (start[1] if start else 0)
    for number, row in enumerate(values, 1):
        cells = before + tuple(map(_text, row))
        yield RawRow(number, cells if any(map(str.strip, cells)) else ())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (date, time)):  # A datetime is a date.
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)
