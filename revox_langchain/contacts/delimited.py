"""CSV and its kin: the separator is found, and rows are numbered as a spreadsheet numbers them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from revox_langchain.contacts.encodings import encoding_of
from revox_langchain.contacts.row import RawRow
from revox_langchain.errors import InvalidInput


class Delimited(NamedTuple):
    """The rows of a text file, and how they were told apart.

    Attributes:
        rows: All rows, the header included.
        notes: What a person should know about the reading.
    """

    rows: Iterator[RawRow]
    notes: tuple[str, ...]


def read_delimited(data: bytes, encoding: str | None = None, delimiter: str | None = None) -> Delimited:
    """Read the rows of a CSV or TSV file; blank ones come without cells.

    Raises:
        InvalidInput: The encoding is not known, or, while reading, with code `unclosed_quote`.
    """
    found = encoding_of(data, encoding)
    declared, skipped = _declared(data, found.name)
    delimiter = delimiter or declared or _separator(_stream(data, found.name, 0))
    rows = _rows(_stream(data, found.name, skipped), delimiter)
    return Delimited(rows, (found.note,) if found.note else ())


_SEPARATORS = ",;\t|"
_LOOKED_AT = 50
_SEP_LINE = re.compile(r"\ufeff?sep=(.)\r?\n?$", re.IGNORECASE)


def _stream(data: bytes, encoding: str, skipped: int) -> Iterator[str]:
    return islice(io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline=""), skipped, None)


def _declared(data: bytes, encoding: str) -> tuple[str | None, int]:
    """Read the separator that Excel's first line `sep=;` declares; Excel shows no row for it."""
    found = _SEP_LINE.match(next(_stream(data, encoding, 0), ""))
    return (found[1], 1) if found else (None, 0)


def _separator(lines: Iterator[str]) -> str:
    """Choose the separator that cuts the first rows into the same number of cells, more than one."""
    sample = list(islice(lines, _LOOKED_AT))
    return max(_SEPARATORS, key=lambda each: (_agreement(sample, each), -_SEPARATORS.index(each)))


def _agreement(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter) if any(cells)]
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (sum(width == widths[0] for width in widths) / len(widths), widths[0])


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[RawRow]:
    taken: list[str] = []
    reader = csv.reader(_kept(lines, taken), delimiter=delimiter, strict=True)
    for number in range(1, 10**9):
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # Anything else than a wrong mark inside a row has swallowed the rows after it.
            if "expected after" not in str(error):
                raise _unclosed(number) from None
            yield RawRow(number, ("".join(taken).rstrip("\r\n"),), "broken_quotes")
            continue
        swallowed = len(taken) > 1 and _holds_rows(cells, delimiter)
        yield RawRow(number, tuple(cells) if any(map(str.strip, cells)) else (), "broken_quotes" if swallowed else None)


def _kept(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _holds_rows(cells: Sequence[str], delimiter: str) -> bool:
    """Whether a cell of several lines looks as if a mark that was not closed had made it of rows."""
    most = max(len(cells) - 1, 1)
    lines = (line for cell in cells for line in cell.splitlines()[1:])
    return any(line.count(delimiter) >= most for line in lines)


def _unclosed(number: int) -> InvalidInput:
    return InvalidInput(
        f"A quotation mark opened in row {number} is not closed, so that the rows after it cannot be told apart.",
        code="unclosed_quote",
        next_step=f'Close it in row {number}, or write "" for a quotation mark inside a cell.',
        details={"row": number},
    )
