"""What an attempt is made of: what is known of it before, what is said, what is asked outside, how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.lines.phrasebook import Turns


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation; times are in seconds since the callee picked up."""

    role: str
    content: str
    start_s: float
    stop_s: float
    cut: bool = False
    tool_arguments: JsonObject | None = None
    tool_output: str = "ok"
    tool_is_error: bool = False

    def as_turn(self) -> JsonObject:
        """The turn as an item of a transcript."""
        if self.role != "tool":
            return {"role": self.role, "content": self.content}
        return {
            "role": "tool",
            "content": "",
            "tool_name": self.content,
            "tool_arguments": self.tool_arguments or {},
            "tool_output": self.tool_output,
            "tool_is_error": self.tool_is_error,
        }


@dataclass(frozen=True, slots=True)
class Brief:
    """What an attempt needs to know of the order and its assistant.

    Attributes:
        language: One of Revox's eight.
        first_sentence: What the assistant says first, variables filled; None for the language's own.
        person_first: Whether the callee speaks first.
        delay_s: Pause before the first sentence.
        goodbye: What the assistant ends with; None for the language's own.
        voicemail_message: What is left on a voicemail; None hangs up.
        navigates_menus: Whether the assistant can navigate a phone menu.
        max_s: Maximum length of the conversation.
        max_end_message: What the assistant says when it is reached.
        answers: Questions the assistant asks for its structured output, and the spoken answers.
        tools: The assistant's custom tools.
        number: The callee's number.
        now_s: Unix time of the world when the attempt begins.
        inbound: Whether the person called.
        prompt: Prompt of the custom model that talks, variables filled; None if the assistant talks as scripted.
        generated: Whether that model composes the first sentence itself.
        transfers: Whether it can transfer the call.
        callee_is_model: Whether another model plays the callee.
    """

    language: str = "en"
    first_sentence: str | None = None
    person_first: bool = False
    delay_s: float = 0.4
    goodbye: str | None = None
    voicemail_message: str | None = None
    navigates_menus: bool = False
    max_s: float = 1800.0
    max_end_message: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    tools: tuple[JsonObject, ...] = ()
    number: str = ""
    now_s: float = 0.0
    inbound: bool = False
    prompt: str | None = None
    generated: bool = False
    transfers: bool = False
    callee_is_model: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A custom tool that the assistant uses during the conversation.

    Attributes:
        tool: The tool, as the assistant has it.
        arguments: What it is given.
        takes_s: How long the answer takes at least, in seconds of the world.
        lost: Whether the first answer is lost on its way back.
        meanwhile: What is said until it comes.
    """

    tool: JsonObject
    arguments: JsonObject
    takes_s: float = 0.0
    lost: bool = False
    meanwhile: Turns = ()


@dataclass(frozen=True, slots=True)
class UsedTool:
    """A tool that a model uses, in OpenAI's terms; the arguments are JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """A turn of the assistant that its custom model is asked for.

    Attributes:
        messages: The talk so far, in OpenAI's form.
        tools: What the model can use, in OpenAI's form.
    """

    messages: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class CalleeTurn:
    """A turn of the callee that another model is asked for, after all that was spoken."""

    spoken: Turns


@dataclass(frozen=True, slots=True)
class PersonTurn:
    """A turn of a callee who is a person, at the sandbox's page or given in code."""


Asked = ToolUse | ModelTurn | CalleeTurn | PersonTurn
"""What has to be asked outside."""

Step = tuple[str, str] | Asked
"""Who says what, or what has to be asked before the next one can be said."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of something that was asked outside, after how many seconds of the world.

    Attributes:
        output: What a tool or a model answered.
        failed: Whether it failed.
        took_s: How long it took.
        tools: The tools that a model uses.
    """

    output: str
    failed: bool
    took_s: float
    tools: tuple[UsedTool, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation ends: what Revox calls the result, who hangs up, why, and after how much silence."""

    result: str
    ended_by: str | None
    end_reason: str | None
    trailing_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An attempt from dialing to hanging up, or to where something has to be asked outside first.

    Attributes:
        ring_s: Seconds it rings.
        said: All that is said; empty if the call is not answered.
        talk_s: Seconds from picking up to the end, or to what is asked; None if the call is not answered.
        dial_error: Why the call was not answered, in Revox's terms.
        result: Who or what answered, in Revox's terms.
        ended_by: Who hung up.
        end_reason: Why.
        asks: What has to be asked outside; how the attempt goes on depends on what comes of it.
    """

    ring_s: float
    said: tuple[Said, ...] = ()
    talk_s: float | None = None
    dial_error: str | None = None
    result: str | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    asks: Asked | None = None
