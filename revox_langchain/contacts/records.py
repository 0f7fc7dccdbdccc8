"""JSON, JSON lines and lists of dicts as rows: each value becomes the text that was written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from revox_langchain.contacts.encodings import encoding_of
from revox_langchain.contacts.row import RawRow
from revox_langchain.errors import InvalidInput

MOST_COLUMNS = 1000


class Records(NamedTuple):
    """Rows made of objects.

    Attributes:
        names: Every name that an object has, in the order of first appearance.
        rows: One row for each object, blank ones without cells.
        notes: What a person should know about the reading.
    """

    names: tuple[str, ...]
    rows: Iterator[RawRow]
    notes: tuple[str, ...] = ()


def read_json(data: bytes, encoding: str | None = None) -> Records:
    """Read a list of objects, or an object that holds one list.

    Raises:
        InvalidInput: With code `unreadable_json`.
    """
    found = encoding_of(data, encoding)
    try:
        value = json.loads(data.decode(found.name), parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"The file is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
            code="unreadable_json",
            next_step='Write a list of objects, such as [{"phone": "+12025550100"}], or one object on each line.',
        ) from None
    except RecursionError:
        raise _no_list() from None
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list)]
        value = lists[0] if len(lists) == 1 else [value] if not lists else None
    if not isinstance(value, list):
        raise _no_list()
    return of_objects(value, (found.note,) if found.note else ())


def read_json_lines(data: bytes, encoding: str | None = None) -> Records:
    """Read one object from each line; a line that holds none is a row with damage."""
    found = encoding_of(data, encoding)
    lines = data.decode(found.name).split("\n")
    return _records(map(_of_line, lines), (found.note,) if found.note else ())


def of_objects(objects: Iterable[object], notes: tuple[str, ...] = ()) -> Records:
    """Make rows of dicts; their places count from 1."""
    return _records(objects, notes)


class _Damaged(NamedTuple):
    code: str
    text: str


def _of_line(line: str) -> Any:
    if not line.strip():
        return {}
    try:
        return json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (json.JSONDecodeError, RecursionError):
        return _Damaged("bad_json", line.strip())


def _records(objects: Iterable[object], notes: tuple[str, ...]) -> Records:
    names: dict[str, int] = {}
    rows = [_row(place, each, names) for place, each in enumerate(objects, 1)]
    width = len(names)
    filled = (
        row if row.damage or not row.cells else row._replace(cells=row.cells + ("",) * (width - len(row.cells)))
        for row in rows
    )
    return Records(tuple(names), filled, notes)


def _row(place: int, value: object, names: dict[str, int]) -> RawRow:
    if isinstance(value, _Damaged):
        return RawRow(place, (value.text,), value.code)
    if not isinstance(value, Mapping):
        return RawRow(place, (_text(value),), "not_an_object")
    texts = {str(name): _text(item) for name, item in value.items()}
    for name in texts:
        names.setdefault(name, len(names))
    if len(names) > MOST_COLUMNS:
        raise InvalidInput(
            f"The objects up to number {place} have more than {MOST_COLUMNS} different names.",
            code="too_many_columns",
            next_step="Give every object the same names: one for the number, one for each variable.",
        )
    cells = tuple(texts.get(name, "") for name in names)
    return RawRow(place, cells if any(map(str.strip, cells)) else ())


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bool, Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _no_list() -> InvalidInput:
    return InvalidInput(
        "The JSON holds no list of contacts.",
        code="unreadable_json",
        next_step='Write a list of objects, such as [{"phone": "+12025550100"}], or one object on each line.',
    )
