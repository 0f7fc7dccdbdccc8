"""A conversation with a person: what they say comes from outside, and the assistant goes on as it always does."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from itertools import pairwise

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.extraction import Config, label_for
from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook
from revox_langchain.sandbox.people.plan import Brief, Ending, Heard, PersonTurn, Said, Step

PATIENT_FOR_S = 120.0
"""How long the assistant waits for what a person says; longer than on the phone, since they type it."""

_LONGEST_SUMMARY = 200
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})")


def person_script(brief: Brief, phrases: Phrasebook, hello: str) -> Generator[Step, Heard | None, Ending]:
    """The conversation: the assistant's sentences as in any other, and what the person says after each."""
    scene = phrases.scenes["rings_in" if brief.inbound else "agrees"]
    lines = [text for role, text in scene if role == "assistant"]
    questions = [phrases.question.replace("{label}", label) for label, _ in brief.answers]
    if brief.person_first and not (yield from person_says()):
        return gone_silent()
    for text in (hello, *lines, *questions):
        yield "assistant", text
        if not (yield from person_says()):
            return gone_silent()
    yield "assistant", brief.goodbye or phrases.goodbye
    return Ending("human", "agent", "tool_end_call", 0.5)


def person_says() -> Generator[Step, Heard | None, str]:
    """What the person says when it is their turn; empty if they say nothing for too long."""
    heard = yield PersonTurn()
    words = "" if heard is None or heard.failed else heard.output
    if words:
        yield "user", words
    return words


def gone_silent() -> Ending:
    """How a call ends in which the person says nothing more."""
    return Ending("human", "agent", "user_inactive", 0.0)


def summary_of_person(said: Sequence[Said]) -> str | None:
    """What the person said, in their own words; None if they said nothing."""
    words = " ".join(each.content for each in said if each.role == "user")
    return f"“{words if len(words) <= _LONGEST_SUMMARY else words[:_LONGEST_SUMMARY] + '…'}”" if words else None


def understood(config: Config | None, said: Sequence[Said], phrases: Phrasebook) -> JsonObject:
    """Values of a structured output, from what was answered to its questions, where the words say it plainly."""
    answered = {asked.content: reply.content for asked, reply in pairwise(said) if reply.role == "user"}
    values: JsonObject = {}
    for field in config or ():
        words = answered.get(phrases.question.replace("{label}", label_for(field)))
        value = None if words is None else _value_in(words, field, phrases)
        if value is not None:
            values[field["name"]] = value
    return values


def _value_in(words: str, field: JsonObject, phrases: Phrasebook) -> object:
    kind, plain = field["type"], words.casefold()
    if kind == "boolean":
        said = [word for word in (phrases.yes, phrases.no) if plain.startswith(word.casefold())]
        return said[0] == phrases.yes if said else None
    if kind == "enum":
        return next((option for option in field.get("enum_options") or () if option.casefold() in plain), None)
    if kind == "number":
        number = _NUMBER.search(words)
        return float(number.group().replace(",", ".")) if number else None
    if kind in ("date", "datetime"):
        moment = (_DAY if kind == "date" else _MOMENT).search(words)
        return moment.group() if moment else None
    return words
