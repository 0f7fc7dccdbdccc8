"""Whether a body has the shape that the SDK's types say; they are read from the SDK, so they cannot agree with us."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from revox._utils import PropertyInfo

from revox_langchain.answers import JsonObject

Shape = type[Any]
"""A TypedDict: the SDK's type of what an operation takes."""

Place = tuple[int | str, ...]

_KNOWN: dict[Shape, tuple[TypeAdapter[Any], Mapping[str, str]]] = {}
_MOST_NAMED = 4
_NO_FORM = "matches none of the documented forms"


class Misshapen(Exception):
    """A body is not of its type.

    Args:
        words: Each field that is wrong, in the API's own names, and why.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def shaped(shape: Shape, given: JsonObject, *, unknown_keys: bool, texts: bool = False) -> JsonObject:
    """What was sent, if it has this shape; keys that the shape does not have are left out.

    Args:
        shape: The SDK's type of it.
        given: What was sent, under the names it has on the wire.
        unknown_keys: Whether keys that the shape does not have are allowed.
        texts: Whether every value comes as text, as in a query.

    Raises:
        Misshapen: Naming the fields that are wrong.
    """
    adapter, wire = _known(shape)
    read = {name: key for key, name in wire.items()}
    renamed = {read.get(key, key): value for key, value in given.items() if key not in wire}
    try:
        checked = _read(adapter.validate_python(renamed, strict=not texts), ())
    except ValidationError as error:
        raise Misshapen(_told(error, (), renamed, wire)) from error
    except _Late as late:
        raise Misshapen(_told(late.error, late.place, renamed, wire)) from late.error
    sent = {wire.get(name, name): value for name, value in checked.items()}
    if not unknown_keys and (strange := list(_unknown(given, sent, ()))):
        raise Misshapen("; ".join(f"{_dotted(place)}: there is no such field" for place in strange[:_MOST_NAMED]))
    return sent


class _Late(Exception):
    """An item of a list is wrong, which pydantic finds only when it is read."""

    def __init__(self, error: ValidationError, place: Place) -> None:
        super().__init__(str(error))
        self.error = error
        self.place = place


def _known(shape: Shape) -> tuple[TypeAdapter[Any], Mapping[str, str]]:
    """What checks a shape, built once, and its names on the wire."""
    if shape not in _KNOWN:
        _KNOWN[shape] = TypeAdapter(shape), _wire_names(shape)
    return _KNOWN[shape]


def _wire_names(shape: Shape) -> Mapping[str, str]:
    """Names on the wire by the SDK's names, where they differ."""
    names: dict[str, str] = {}
    for name, hint in typing.get_type_hints(shape, include_extras=True).items():
        for note in _notes(hint):
            if note.alias:
                names[name] = note.alias
    return names


def _notes(hint: object) -> Iterator[PropertyInfo]:
    yield from (note for note in getattr(hint, "__metadata__", ()) if isinstance(note, PropertyInfo))
    for inner in typing.get_args(hint):
        yield from _notes(inner)


def _read(value: Any, place: Place) -> Any:
    """Validated data as plain JSON: pydantic validates the items of an `Iterable` only when they are iterated."""
    if isinstance(value, Mapping):
        return {key: _read(item, (*place, key)) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    items: list[Any] = []
    try:
        for item in value:
            items.append(_read(item, (*place, len(items))))
    except ValidationError as error:
        raise _Late(error, place) from error
    return items


def _told(error: ValidationError, place: Place, given: JsonObject, wire: Mapping[str, str]) -> str:
    problems: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False):
        named, whole = _named((*place, *item["loc"]), given)
        where = _dotted((wire.get(str(named[0]), named[0]), *named[1:])) if named else "body"
        problems[where] = item["msg"] if whole else _NO_FORM
    shown = [f"{where}: {words}" for where, words in problems.items()]
    return "; ".join([*shown[:_MOST_NAMED], *(["and more"] if len(shown) > _MOST_NAMED else [])])


def _named(place: Place, given: Any) -> tuple[Place, bool]:
    """The part of a place that the sender knows: pydantic also names the members of unions."""
    for depth, part in enumerate(place):
        last = depth == len(place) - 1
        if isinstance(given, Mapping) and (part in given or last):
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int) and part < len(given):
            given = given[part]
        else:
            return place[:depth], False
    return place, True


def _unknown(given: Any, known: Any, place: Place) -> Iterator[Place]:
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for key, value in given.items():
            if key in known:
                yield from _unknown(value, known[key], (*place, key))
            else:
                yield (*place, key)
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _unknown(one, other, (*place, number))


def _dotted(place: Place) -> str:
    return ".".join(str(part)[:80] for part in place)
