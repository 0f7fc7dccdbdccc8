"""From the bytes of a text file to its encoding; doubt is said, and a byte that does not fit is an error."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import NamedTuple

from revox_langchain.contacts.columns import recognized
from revox_langchain.errors import InvalidInput

EXTRA = "revox-langchain[campaigns]"


class Encoding(NamedTuple):
    """How a file's bytes become text.

    Attributes:
        name: As Python calls it.
        note: What a person should know about the choice, empty if there is no doubt.
    """

    name: str
    note: str = ""


def encoding_of(data: bytes, given: str | None = None) -> Encoding:
    """Find out a file's encoding.

    UTF-8 and UTF-16 are told by what they are made of. Of the older ones, the header decides if it names a column in
    one of them, else charset-normalizer.

    Raises:
        InvalidInput: With code `unknown_encoding`, `wrong_encoding` or `missing_extra`.
    """
    if given is not None:
        return _given(data, given)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _given(data, name)
    if b"\0" in data[:_SAMPLE]:
        return _given(data, _utf16_without_mark(data))
    if _misfit(data, "utf-8") is None:
        return Encoding("utf-8")
    return _old(data)


# UTF-32's little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The order decides between those that fit equally well.
_OLD = (
    "cp1252",
    "cp1251",
    "gb18030",
    "cp1250",
    "cp932",
    "big5",
    "cp949",
    "cp1254",
    "cp1253",
    "koi8_r",
    "cp1255",
    "cp1256",
)
_SAMPLE = 1 << 16
_CHUNK = 1 << 20
# Letters of two scripts in one word: the bytes of one character were taken for those of another.
_MIXED = re.compile("[A-Za-z][\u0250-\U0010ffff]|[\u0250-\U0010ffff][A-Za-z]")


def _given(data: bytes, name: str) -> Encoding:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        raise InvalidInput(
            f"There is no encoding {name!r}.",
            code="unknown_encoding",
            next_step='Give encoding="utf-8", "utf-16", "cp1252", "cp1251", "gb18030" or another that Python knows.',
        ) from None
    place = _misfit(data, known)
    if place is not None:
        raise InvalidInput(
            f"Line {place} of the file is not written in {known}.",
            code="wrong_encoding",
            next_step="Save the file as UTF-8, or give the encoding it has: encoding='…'.",
        )
    return Encoding(known)


def _misfit(data: bytes, name: str) -> int | None:
    """Number of the first line that cannot be decoded, None if all can."""
    decoder = codecs.getincrementaldecoder(name)()
    lines = 1
    for start in range(0, max(len(data), 1), _CHUNK):
        try:
            lines += decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data)).count("\n")
        except UnicodeDecodeError as error:
            return lines + error.object[: error.start].count(b"\n")
    return None


def _utf16_without_mark(data: bytes) -> str:
    sample = data[:_SAMPLE]
    return "utf-16-le" if sample[1::2].count(0) >= sample[0::2].count(0) else "utf-16-be"


def _old(data: bytes) -> Encoding:
    _refuse_mixture(data)
    header = next((line for line in data.splitlines() if line.strip()), b"")
    by_header = [name for name in _OLD if not header.isascii() and _names_columns(header, name)]
    fitting = [name for name in by_header or _OLD if _misfit(data, name) is None]
    telling = b"\n".join(_telling(data.splitlines()))
    best = fitting[0] if len(fitting) == 1 else _likeliest(telling, fitting)
    if best is None:
        raise InvalidInput(
            f"Line {_misfit(data, 'utf-8')} is not UTF-8, and no other encoding fits the whole file.",
            code="wrong_encoding",
            next_step="Save the file as UTF-8, or give the encoding it has: encoding='cp1252'.",
        )
    return Encoding(best, f"The file is not UTF-8; it was read as {best}. If names look wrong, give encoding='…'.")


def _refuse_mixture(data: bytes) -> None:
    """Refuse a file of UTF-8 into which lines of another encoding were put: as either, a part of it is garbled."""
    foreign = [line for line in data.splitlines() if not line.isascii()]
    if sum(_misfit(line, "utf-8") is None for line in foreign) * 2 >= len(foreign):
        raise InvalidInput(
            f"Line {_misfit(data, 'utf-8')} of the file is not UTF-8, although other lines are.",
            code="wrong_encoding",
            next_step="Correct that line and save the file as UTF-8, or give the encoding that all of it has.",
        )


def _names_columns(header: bytes, name: str) -> bool:
    try:
        cells = re.split(r"[,;\t|]", header.decode(name))
    except UnicodeDecodeError:
        return False
    return any(not cell.isascii() and recognized(cell.strip(' "')) for cell in cells)


def _telling(lines: Iterable[bytes]) -> list[bytes]:
    """Lines that are not ASCII, up to a size: the rest says nothing about the encoding."""
    telling, size = [], 0
    for line in lines:
        if not line.isascii():
            telling.append(line)
            size += len(line)
        if size > _SAMPLE:
            break
    return telling


def _likeliest(telling: bytes, fitting: list[str]) -> str | None:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise InvalidInput(
            "The file is not UTF-8, and telling its encoding needs charset-normalizer.",
            code="missing_extra",
            next_step=f'Run pip install "{EXTRA}", save the file as UTF-8, or give its encoding, such as "cp1252".',
        ) from None
    if not fitting:
        return None
    matches = from_bytes(telling, cp_isolation=fitting)
    # An encoding that gives the same text as another one stands with that one.
    messy = {name: match.chaos for match in matches for name in match.could_be_from_charset}
    least = min(messy.values(), default=0.0)
    close = [name for name in fitting if messy.get(name, 1.0) <= least + 0.05] or fitting
    ranked = sorted(close, key=lambda name: (-_plausible(telling.decode(name)), fitting.index(name)))
    return ranked[0]


def _plausible(text: str) -> float:
    """Share of letters in what is not ASCII, less what stands in a word of another script."""
    foreign = [character for character in text if not character.isascii()]
    letters = sum(character.isalpha() for character in foreign)
    return (letters - len(_MIXED.findall(text))) / max(len(foreign), 1)
