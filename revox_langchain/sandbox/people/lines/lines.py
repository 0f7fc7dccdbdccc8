"""What people say on the phone, one set of lines per language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from revox_langchain.sandbox.people.stories import Scene

Exchange = tuple[tuple[str, str], ...]
"""Turns of a conversation: who (`user`, `assistant`, `human_agent`, `tool`) and what."""


@dataclass(frozen=True, slots=True)
class Lines:
    """All a callee and an assistant say in one language.

    Attributes:
        first_name: First name of whoever answers.
        last_name: Last name of whoever answers.
        company: Company of whoever answers.
        hello: What the assistant says first, if it was given no first sentence.
        pick_up: What the callee says on picking up.
        goodbye: What the assistant ends with.
        yes: The word.
        no: The word.
        question: How the assistant asks for one value; `{label}` is its name or description.
        scenes: Each conversation, from after the first sentence to before the goodbye.
        filler: Turns a talkative callee and the assistant go through again and again.
        voicemail: What the machine says before the beep.
        screening: What call screening says.
        menu: What a phone menu says.
        phrase: Value of a text nothing is known about.
        note: Value of a text that is a note, a reason or a summary.
        summaries: One-sentence summary per scene; `agrees` is the fallback.
        full_stop: How a sentence ends.
    """

    first_name: str
    last_name: str
    company: str
    hello: str
    pick_up: str
    goodbye: str
    yes: str
    no: str
    question: str
    scenes: dict[Scene, Exchange]
    filler: Exchange
    voicemail: str
    screening: str
    menu: str
    phrase: str
    note: str
    summaries: dict[Scene, str]
    full_stop: str = "."


@cache
def lines_in(language: str) -> Lines:
    """The lines of one of Revox's eight languages."""
    module = import_module(f"revox_langchain.sandbox.people.lines.{language}")
    return cast("Lines", module.LINES)
