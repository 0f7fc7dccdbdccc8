"""What a callee and an assistant say on the phone, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from revox_langchain.sandbox.people.stories import Scene

Turns = tuple[tuple[str, str], ...]
"""Turns of a conversation: who (`user`, `assistant`, `human_agent`, `tool`) and what."""


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """All a callee and an assistant say in one language.

    Attributes:
        first_name: First name of whoever answers.
        last_name: Last name of whoever answers.
        company: Company of whoever answers.
        hello: What the assistant opens with if it was given no first sentence.
        pick_up: What the callee says on picking up.
        goodbye: What the assistant ends with.
        yes: The word for yes.
        no: The word for no.
        question: How the assistant asks for one value; `{label}` is its name or description.
        scenes: Each conversation, from after the first sentence to before the goodbye.
        request: How the callee asks for what a tool does; `{tool}` is its description.
        moment: What the assistant says before it uses a tool.
        still_there: What the callee says when that takes long.
        patience: What the assistant answers.
        sorry: What it says if the tool failed.
        thanks: How the callee thanks for the answer.
        trouble: What the assistant says if it has no model to talk with.
        welcome: What it opens with when it is called, if it was given no first sentence.
        filler: Turns that a talkative callee and the assistant repeat.
        voicemail: The greeting before the beep.
        screening: What call screening says.
        menu: What a phone menu says.
        phrase: Value of a text field whose meaning is unknown.
        note: Value of a text field that holds a note, a reason or a summary.
        summaries: One-sentence summary per scene; `long` is the fallback.
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
    scenes: dict[Scene, Turns]
    request: str
    moment: str
    still_there: str
    patience: str
    sorry: str
    thanks: str
    trouble: str
    welcome: str
    filler: Turns
    voicemail: str
    screening: str
    menu: str
    phrase: str
    note: str
    summaries: dict[Scene, str]
    full_stop: str = "."


@cache
def phrasebook(language: str) -> Phrasebook:
    """The phrasebook of one of Revox's eight languages."""
    # By name: most processes need one language, and each module holds a whole set of conversations.
    spoken: Phrasebook = import_module(f"revox_langchain.sandbox.people.lines.{language}").PHRASEBOOK
    return spoken
