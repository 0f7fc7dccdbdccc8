"""What a model is asked to do, and the right answers, written down before any model has tried."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

Kind = Literal[
    "first call",
    "follow-up",
    "recovery",
    "conversation",
    "nothing to dial",
    "injected transcript",
    "invented number",
]
Language = Literal["en", "fr", "es", "de", "it", "pt", "ru", "zh"]
Tools = Literal["calling", "call_and_wait"]
DIALING = ("make_call", "call_and_wait")
FOLDER = Path(__file__).parent / "scenarios"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Part):
    """One step of a conversation: a user's words, a model's words, or a tool called.

    `$call_id` in an argument is the newest order's id, `$assistant_id` the newest assistant's.
    """

    user: str | None = None
    said: str | None = None
    tool: str | None = None
    args: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(each is not None for each in (self.user, self.said, self.tool)) != 1:
            raise ValueError("a step is one of user, said and tool")
        return self


class Assistant(_Part):
    """An assistant that exists before the conversation."""

    name: str
    prompt: str


class Breakdown(_Part):
    """A fault of the sandbox: what happens to the next request of an operation."""

    kind: str
    on: str
    times: int = 1


class Scenario(_Part):
    """One conversation, judged by what is called, what is dialed and what is said.

    Attributes:
        name: Unique.
        kind: What it tries.
        language: What the user speaks.
        speaks: What the call must speak; the user's language if left out.
        tools: Which sets of tools it is tried with.
        assistants: What exists already.
        faults: What breaks.
        before: The conversation so far. Its tools really run, so that the model reads today's results and errors.
        user: What the user says next, turn by turn.
        answers: What the user says when asked for something, in this order.
        right: A run in which everything is right. Its first step is the right first tool, its arguments are the right
            ones, and the numbers it dials are the only ones that may be dialed.
        also: Further tools that are right first.
        mentions: Patterns that the words of the call must fit.
        reports: Patterns that one of the model's answers must fit.
        used: Tools of which one must have been used successfully.
        ends: Status that the newest order must have in the end.
    """

    name: str
    kind: Kind
    language: Language
    speaks: Language | None = None
    tools: tuple[Tools, ...] = ("calling",)
    assistants: tuple[Assistant, ...] = ()
    faults: tuple[Breakdown, ...] = ()
    before: tuple[Step, ...] = ()
    user: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    right: tuple[Step, ...]
    also: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    ends: str | None = None

    @property
    def spoken(self) -> str:
        """The language that the call must speak."""
        return self.speaks or self.language

    @property
    def first(self) -> tuple[str, ...]:
        """Names of the tools that are right first, without prefix; `nothing` is words alone."""
        return (self.right[0].tool or "nothing", *self.also)

    @property
    def numbers(self) -> tuple[str, ...]:
        """What the model is to dial, one entry per order."""
        return tuple(str(step.args["phone_number"]) for step in self.right if step.tool == "make_call")


def load(path: Path) -> tuple[Scenario, ...]:
    """Read scenarios from a TOML file of `[[scenario]]` tables."""
    return tuple(Scenario.model_validate(each) for each in tomllib.loads(path.read_text("utf-8"))["scenario"])


def half(name: str) -> tuple[Scenario, ...]:
    """Read one half of the scenarios that come along: `tuned`, which texts are tuned on, or `held`, set apart."""
    return load(FOLDER / f"{name}.toml")
