"""The cell of a number: what spreadsheets put around it is taken off and told, what they broke is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from revox_langchain.errors import InvalidInput
from revox_langchain.phone import Phone, parse_phone
from revox_langchain.speech.names import fold


class Reading(NamedTuple):
    """What a number's cell says.

    Attributes:
        phone: The number, None if there is a problem.
        read_as: In which ways it was not written as it should be.
        code: What is wrong, empty if nothing.
        proposal: What may be meant.
    """

    phone: Phone | None
    read_as: tuple[str, ...] = ()
    code: str = ""
    proposal: str = ""


def read_number(cell: str, default_country: str | None = None) -> Reading:
    """Read the cell of a phone number.

    Args:
        cell: What the file has.
        default_country: Two-letter country of national numbers.
    """
    text, read_as = _bare(cell)
    if code := _damage(text):
        return Reading(None, read_as, code, _candidates(text) if code == "several_numbers" else "")
    try:
        phone = parse_phone(text, default_country)
    except InvalidInput as error:
        code = "not_a_number" if error.code not in _NUMBER_CODES else error.code
        return Reading(None, read_as, code, _with_plus(text) if error.code == "missing_country" else "")
    if phone.extension:
        return Reading(None, read_as, "extension", phone.e164)
    return Reading(phone, read_as + _written(text, phone))


_NUMBER_CODES = frozenset(
    (
        "missing_country",
        "too_short",
        "too_long",
        "invalid_number",
        "not_a_number",
        "ambiguous_number",
        "emergency_number",
        "short_number",
    )
)
_TEXT_FORMULA = re.compile(r'=\s*"([^"]*)"')
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*[eE]\s*[+-]?\s*\d{1,3}")
_SHEET_ERROR = re.compile(
    r"#+|#(?:N/?A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|NV|WERT!|BEZUG!|VALEUR!|¡VALOR!|ЗНАЧ!|Н/Д)"
)
_APOSTROPHES = "'\u2018\u2019`\u00b4"
_WORDS_FOR_NOTHING = ("n/a", "na", "none", "null", "nil", "unknown", "no phone", "keine", "k.A.", "aucun", "inconnu")
_NOTHING = frozenset(map(fold, (*_WORDS_FOR_NOTHING, "ninguno", "нет", "无", "-", "--", "?")))
# What stands between two numbers; a slash also stands inside one, after an area code.
_BETWEEN = re.compile(
    r"[;|,/\n\r&]|(?<=\d)\s+(?:or|and|und|oder|ou|et|y|o|e|или|и|或|和)\s+(?=[\d+(])|\s+(?=\+)|(?<=\d)(?=\+)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_FEWEST_DIGITS = 7


def _bare(cell: str) -> tuple[str, tuple[str, ...]]:
    text, read_as = cell.strip(), ()
    if text[:1] and text[0] in _APOSTROPHES:
        return text[1:].strip(), ("leading_apostrophe",)
    if found := _TEXT_FORMULA.fullmatch(text):
        return found[1].strip(), ("text_formula",)
    return text, read_as


def _damage(text: str) -> str:
    """Code of what is wrong before anything is parsed, empty if nothing."""
    if text.isascii() and text.lstrip("+").isdigit():
        return ""
    if text.startswith(("=", "@")):
        return "formula"
    if _SCIENTIFIC.fullmatch(text):
        return "scientific_notation"
    if _SHEET_ERROR.fullmatch(text):
        return "spreadsheet_error"
    if fold(text) in _NOTHING:
        return "no_number"
    return "several_numbers" if len(_parts(text)) > 1 else ""


def _parts(text: str) -> Sequence[str]:
    """The pieces of a cell that are long enough to be numbers of their own."""
    return [part.strip() for part in _BETWEEN.split(text) if part and len(_DIGIT.findall(part)) >= _FEWEST_DIGITS]


def _candidates(text: str) -> str:
    return " or ".join(_parts(text))[:200]


def _with_plus(text: str) -> str:
    digits = "".join(_DIGIT.findall(text))
    try:
        return parse_phone(f"+{digits.removeprefix('00')}").e164
    except InvalidInput:
        return ""


def _written(text: str, phone: Phone) -> tuple[str, ...]:
    """In which ways a number was not written as E.164, and what makes a valid one suspicious."""
    if text == phone.e164:
        return ()
    read_as: tuple[str, ...] = ()
    if not any(sign in text for sign in "+＋"):
        lost = "".join(_DIGIT.findall(text)) == phone.e164[1:]
        read_as = ("lost_plus",) if lost else ("national_number",)
    return read_as
