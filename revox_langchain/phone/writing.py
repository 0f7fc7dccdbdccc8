"""What people, keyboards and spreadsheets put around and between the digits of a phone number."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_BETWEEN_DIGITS = re.compile(r"[ +＋().,/／（）［］\[\]~\-‐-―−－ー·]")
# Most numbers are ASCII, and lists of them are long.
_LETTER = re.compile(r"[A-Za-z]")
_ASCII_BLANK = re.compile(r"[\t-\r\x1c-\x1f]")
_NO_ASCII_DIGIT = re.compile(r"[^0-9]")
_ASCII_NUMBER = re.compile(r"[0-9 +().,/\[\]~\-]*")
_TEL = re.compile(r"\s*tel:", re.IGNORECASE)
_PLUS = ("+", "＋")

# Characters that Unicode lets a renderer leave out, besides the category Cf: nobody sees that they were pasted.
_IGNORABLE = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
)

# Words for an extension that phonenumbers does not know; it knows ext., extension, x, #, anexo, int and доб.
_EXTENSION_WORDS = (
    "poste|post|durchwahl|dw|apparat|app|nebenstelle|klappe|kl|interno|interna|ramal|extensión|extensão|extens[ií]on"
    "|anexo|toestel|tst|wewnętrzny|wewn|wew|linka|klapka|mellék|lokal|lokalnummer|anknytning|ankn|alanumero|dahili"
    "|внутренний|внутр|вн|доп|добавочный|εσωτ|εσωτερικό|内線|分机|分機|转|轉|내선|extn|extno|ext-no|ext no"
)
_WRITTEN_EXTENSION = re.compile(
    rf"(?<=[\d)\s,;.])[\s,;(]*(?:{_EXTENSION_WORDS})\s*[.:\-]?\s*(?:n[o°º]\.?\s*)?(\d{{1,7}})\s*\)?$", re.IGNORECASE
)


class DecimalTail(NamedTuple):
    """A number that ends like a decimal fraction, as a spreadsheet writes it."""

    head: str
    digits: str


def cleaned(raw: str) -> str:
    """Drop what cannot be seen, and write every blank and every written extension in one way."""
    if raw.isascii() and not _LETTER.search(raw):
        return _ASCII_BLANK.sub(" ", raw).strip()
    # The library knows only the common blanks and silently cuts the number off at any other.
    text = "".join(" " if each.isspace() else each for each in raw if not _is_ignorable(each)).strip()
    return _WRITTEN_EXTENSION.sub(r" ext. \1", text)


def digits_of(text: str) -> str:
    """All decimal digits of a text, of whatever script, as ASCII."""
    if text.isascii():
        return _NO_ASCII_DIGIT.sub("", text)
    return "".join(str(unicodedata.decimal(each)) for each in text if unicodedata.category(each) == "Nd")


def groups_of(text: str) -> list[str]:
    """The runs of digits that a text is written in."""
    return re.findall(r"\d+", text)


def is_international(text: str) -> bool:
    """Whether the country is written, with a plus or as a URI's context."""
    return any(sign in text for sign in _PLUS)


def is_uri(text: str) -> bool:
    """Whether it is written as a `tel:` URI."""
    return _TEL.match(text) is not None


def only_digits(text: str, extension: str | None) -> bool:
    """Tell whether nothing but digits and separators stands before the extension."""
    main = before_extension(text, extension)
    if main.isascii():
        return _ASCII_NUMBER.fullmatch(main) is not None
    return all(unicodedata.category(each) == "Nd" or _BETWEEN_DIGITS.match(each) for each in main)


def before_extension(text: str, extension: str | None) -> str:
    """The number proper, without the extension and what announces it."""
    if tel := _TEL.match(text):
        return text[tel.end() :].split(";")[0]
    return _without_last_digits(text, len(extension)) if extension else text


def decimal_tail(text: str) -> DecimalTail | None:
    """The fraction of a text with a single decimal point (or `,0`); with several they are separators."""
    found = re.fullmatch(r"([^.,]*\d)(?:\.(\d+)|,(0))", text)
    return DecimalTail(found[1], found[2] or found[3]) if found else None


def _is_ignorable(character: str) -> bool:
    if character.isascii():
        return False
    point = ord(character)
    return unicodedata.category(character) == "Cf" or any(first <= point <= last for first, last in _IGNORABLE)


def _without_last_digits(text: str, count: int) -> str:
    """Cut the last `count` digits and the word or sign that announced them."""
    places = [at for at, each in enumerate(text) if unicodedata.category(each) == "Nd"]
    return text[: places[-count - 1] + 1] if len(places) > count else text
