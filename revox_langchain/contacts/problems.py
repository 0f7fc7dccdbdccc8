"""What can be wrong with a row: where, a stable code, and what to write instead; never what the cell holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from revox_langchain.speech.names import LANGUAGE_NAMES


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one row that a person has to look at.

    Attributes:
        line: The row as a spreadsheet numbers it, the header being row 1; in JSON, the place in the list; in JSON
            lines, the line.
        column: The column's name, None if it is about the whole row.
        code: Stable name.
        message: What is wrong, in one sentence without the cell's content, which others wrote.
        suggestion: What to do about it.
        proposal: What the cell may be meant to say, for a person to confirm; never used by itself.
    """

    line: int
    column: str | None
    code: str
    message: str
    suggestion: str
    proposal: str = ""

    @property
    def where(self) -> str:
        """The row and the column: `row 3, column 'phone'`."""
        return f"row {self.line}" + (f", column {self.column!r}" if self.column is not None else "")

    def __str__(self) -> str:
        return f"{self.where}: {self.message} {self.suggestion}"


class Said(NamedTuple):
    """The two sentences of a code."""

    message: str
    suggestion: str


_AGAIN = "Format the column as text in the spreadsheet, enter the number again and export it anew."
_WHOLE = "Write the whole number: a +, the country code, the number."
_VOICES = ", ".join(f"{name} ({code})" for code, name in LANGUAGE_NAMES.items())

SENTENCES: dict[str, Said] = {
    "no_number": Said("There is no phone number.", _WHOLE),
    "several_numbers": Said("The cell has several phone numbers.", "Leave the one that is to be called."),
    "scientific_notation": Said("The spreadsheet has rounded the number, so that digits are lost.", _AGAIN),
    "formula": Said("The cell has a formula, not a number.", "Put the number in its place, as text."),
    "spreadsheet_error": Said("The spreadsheet shows an error in place of the number.", _AGAIN),
    "missing_country": Said(
        "The phone number does not say its country.",
        "Write it with a + and the country code; if all national numbers are of one country, give default_country.",
    ),
    "too_short": Said("The phone number is too short.", _WHOLE),
    "too_long": Said("The phone number is too long.", "Leave one number only: a +, the country code, the number."),
    "invalid_number": Said("No such number is in service.", "Check the digits, the area code and the country."),
    "not_a_number": Said("This is not a phone number.", _WHOLE),
    "ambiguous_number": Said(
        "The number can be read in two ways: as a national one, or as an international one whose + was lost.", _WHOLE
    ),
    "emergency_number": Said("This reaches an emergency service and is never dialed.", "Remove the row."),
    "short_number": Said("This is a short service number, which is never dialed.", _WHOLE),
    "extension": Said("Revox cannot dial an extension.", "Leave the extension out."),
    "unknown_language": Said("This names no language.", f"Write one of {_VOICES}, or leave the cell empty."),
    "unsupported_language": Said(
        "No Revox voice speaks this language.", f"Write one of {_VOICES}, or leave the row out."
    ),
    "no_language": Said(
        "The row does not say which language to speak.", "Fill the language column, or give a language for all such."
    ),
    "duplicate_row": Said("The row is the same as row {first}.", "Remove it; the number is called once."),
    "duplicate_number": Said(
        "The number is also in row {first}, which has other data.",
        "It is called once, with the data of that row; remove the one that is not wanted.",
    ),
    "row_conflict": Said(
        "Row {first} has the same reference and another number.",
        "That row counts; give each person one reference, or remove this row.",
    ),
    "broken_quotes": Said(
        "The quotation marks do not fit, so that cells or rows run together.",
        'Close each quotation mark, and write "" for one inside a cell.',
    ),
    "too_many_cells": Said(
        "The row has more cells than the header.", "Put quotation marks around a cell that has the separator in it."
    ),
    "bad_json": Said("The line is not JSON.", 'Write one object on each line, such as {{"phone": "+12025550100"}}.'),
    "not_an_object": Said("This is not an object.", 'Write an object such as {{"phone": "+12025550100"}}.'),
}
"""What each code says; `row_conflict` against a store says it in the store's own words."""


def problem(
    code: str, line: int, column: str | None = None, *, proposal: str = "", first: int | None = None
) -> Problem:
    """Make the problem of a code.

    Args:
        code: One of `SENTENCES`, or another one of phone numbers.
        line: The row.
        column: The column's name.
        proposal: What may be meant.
        first: The row it is compared with.
    """
    said = SENTENCES.get(code, SENTENCES["not_a_number"])
    return Problem(line, column, code, said.message.format(first=first), said.suggestion.format(first=first), proposal)
