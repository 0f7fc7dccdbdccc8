"""What a callee wants of an assistant's custom tool: the arguments, and how they are said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.extraction import in_words, label_for, value_for
from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook
from revox_langchain.sandbox.people.plan import Brief
from revox_langchain.sandbox.people.stories import Act

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ABOUT_TIME = re.compile(r"(^|[_\W])(slot|date|day|time|when|start)s?([_\W]|$)", re.IGNORECASE)
_LONGEST_LABEL = 120
_LONGEST_SPOKEN = 300


class Wish(NamedTuple):
    """One argument: its name and value, how the assistant asks for it, and what the callee says."""

    name: str
    value: bool | int | str
    label: str
    words: str


def wished(tool: JsonObject, act: Act, phrases: Phrasebook, brief: Brief, answers: Sequence[str]) -> list[Wish]:
    """What the callee says to the arguments that a tool requires.

    Args:
        tool: The tool, as the assistant has it.
        act: How the callee behaves.
        phrases: The callee's language.
        brief: What is known of the call.
        answers: What the tools before have answered: the callee chooses the first day or slot that was offered.
    """
    wishes = []
    for field in tool["input_schema"]:
        value = _value(field, act, phrases, brief, answers) if field["required"] else None
        if value is not None:
            wishes.append(Wish(field["name"], value, label_for(field), in_words(value, phrases)))
    return wishes


def label_of(description: str) -> str:
    """The first sentence of a tool's description, short enough to be said."""
    first = re.split(r"[.!?。？！\n]", description.strip(), maxsplit=1)[0]
    return first[:_LONGEST_LABEL].strip() or description.strip()[:_LONGEST_LABEL]


def spoken(output: str) -> str:
    """What a tool answered, as an assistant says it: the text itself, or the words and numbers of its JSON."""
    try:
        told = ", ".join(_scalars(json.loads(output)))
    except ValueError:
        told = output.strip()
    return told[:_LONGEST_SPOKEN] or "-"


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif value is not None and not isinstance(value, bool):
        yield value if isinstance(value, str) else json.dumps(value)


def _value(
    field: JsonObject, act: Act, phrases: Phrasebook, brief: Brief, answers: Sequence[str]
) -> bool | int | str | None:
    kind = field["type"]
    if kind == "string" and _ABOUT_TIME.search(f"{field['name']} {field.get('description') or ''}"):
        return (
            _offered(answers, _MOMENT)
            or _offered(answers, _DAY)
            or value_for({**field, "type": "datetime"}, act, phrases, brief.number, brief.now_s)
        )
    offered = _offered(answers, {"datetime": _MOMENT, "date": _DAY}.get(kind))
    return offered or value_for(field, act, phrases, brief.number, brief.now_s)


def _offered(answers: Sequence[str], pattern: re.Pattern[str] | None) -> str | None:
    found = (pattern.search(answer) for answer in reversed(answers)) if pattern else ()
    return next((match[0] for match in found if match), None)
