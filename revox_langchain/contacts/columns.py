"""Which column holds the number, the language and the reference, whatever language the header is written in."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from revox_langchain.contacts.row import Columns, column_letter
from revox_langchain.errors import InvalidInput, near
from revox_langchain.speech.names import fold

Role = Literal["number", "language", "key"]

ColumnChoice = str | Literal[False] | None
"""A column's name; None: find it; False: there is none."""


def find_columns(
    header: Sequence[str],
    number_column: str | None = None,
    language_column: ColumnChoice = None,
    key_column: ColumnChoice = None,
) -> Columns:
    """Find the columns by their names.

    Args:
        header: The names as the file has them.
        number_column: Name of the column with the numbers.
        language_column: Name of the column with the languages; False: none.
        key_column: Name of the column with the references; False: none.

    Raises:
        InvalidInput: With code `no_number_column`, `ambiguous_column` or `unknown_column`.
    """
    number = _place(header, "number", number_column)
    if number is None:
        raise no_number_column(header)
    language = _place(header, "language", language_column)
    return Columns(tuple(header), number, language, _place(header, "key", key_column))


def recognized(name: str) -> bool:
    """Whether a header names a column of ours, in any of the languages we know."""
    return any(_rank(name, role) for role in _roles())


def no_number_column(header: Sequence[str], likely: str | None = None) -> InvalidInput:
    """The error for a table without a column of numbers; `likely` names one that looks like it."""
    which = f"number_column={likely!r} (its cells look like numbers)" if likely else "number_column='…'"
    return InvalidInput(
        f"No column is recognized as the one with the phone numbers; the columns are {_listed(header)}.",
        code="no_number_column",
        next_step=f"Name it: {which}, or call it phone in the first row of the file.",
        details={"columns": list(header[:50])},
    )


def no_header(header: Sequence[str]) -> InvalidInput:
    """The error for a table whose first row is a contact already."""
    return InvalidInput(
        "The first row has a phone number where the names of the columns belong.",
        code="no_header",
        next_step="Put a row with the columns' names first, such as " + ",".join(_invented(len(header))) + ".",
    )


_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-Z])")


def _place(header: Sequence[str], role: Role, chosen: ColumnChoice) -> int | None:
    if chosen is False:
        return None
    return _named(header, role, chosen) if chosen is not None else _found(header, role)


def _named(header: Sequence[str], role: Role, chosen: str) -> int:
    exact = [place for place, name in enumerate(header) if name == chosen.strip()]
    places = exact or [place for place, name in enumerate(header) if fold(name) == fold(chosen)]
    if not places:
        raise InvalidInput(
            f"There is no column {chosen!r}{near(chosen, header)} The columns are {_listed(header)}.",
            code="unknown_column",
            next_step=f"Give {role}_column as the first row of the file has it.",
            details={"columns": list(header[:50])},
        )
    if len(places) > 1:
        raise _ambiguous(header, role, places)
    return places[0]


def _found(header: Sequence[str], role: Role) -> int | None:
    ranks = [_rank(name, role) for name in header]
    best = max(ranks, default=0)
    places = [place for place, rank in enumerate(ranks) if rank == best and rank]
    if len(places) > 1:
        raise _ambiguous(header, role, places)
    return places[0] if places else None


@cache
def _rank(name: str, role: Role) -> int:
    """How surely a header names a role: 3 by its whole name, 2 by a word of it, 1 if nothing better is there."""
    known = _roles()[role]
    whole = fold(name)
    forms = {whole, fold(_CAMEL.sub(" ", name))}
    if forms & known["names"]:
        return 3
    words = {word for form in forms for word in form.split()}
    if words & known["not"]:
        return 0
    if words & known["words"] or any(part in whole for part in known["parts"]):
        return 2
    return 1 if forms & known["last"] else 0


@cache
def _roles() -> dict[Role, dict[str, frozenset[str]]]:
    path = files("revox_langchain") / "contacts" / "data" / "column_names.json"
    data: dict[Role, dict[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return {role: {kind: frozenset(map(fold, names)) for kind, names in kinds.items()} for role, kinds in data.items()}


def _ambiguous(header: Sequence[str], role: Role, places: Sequence[int]) -> InvalidInput:
    what = {"number": "phone number", "language": "language", "key": "reference"}[role]
    named = ", ".join(f"{header[place]!r} ({column_letter(place)})" for place in places[:5])
    none = "" if role == "number" else f", or {role}_column=False for none"
    again = len({header[place] for place in places}) < len(places)
    return InvalidInput(
        f"Several columns may hold the {what}: {named}.",
        code="ambiguous_column",
        next_step="Give columns of the same name different names in the file."
        if again
        else f"Say which one: {role}_column={header[places[0]]!r}{none}.",
        details={"columns": [header[place] for place in places]},
    )


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in header[:10])
    return shown + (f" and {len(header) - 10} more" if len(header) > 10 else "")


def _invented(width: int) -> list[str]:
    return ["phone", "name", "language"][:width] or ["phone"]
