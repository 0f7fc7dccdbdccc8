"""OpenAI's chat completions, which Revox speaks with a custom model: a turn is asked for, and answered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from langchain_core.messages import BaseMessage, SystemMessage, convert_to_messages

from revox_langchain.answers import JsonObject
from revox_langchain.results.order import object_of, objects_of

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDelta

Finish = Literal["stop", "tool_calls"]

_THREAD_LINE = re.compile(r"^[ \t]*revox-thread:[ \t]*([\w.:+@-]{1,100})[ \t]*\n?", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(r"[\w.:-]{1,100}")
# Revox documents no place for the id of the call, so that the likely ones are looked through.
_ID_FIELDS = ("call_order_id", "call_id")
_ID_HEADERS = ("x-revox-call-order-id", "x-revox-call-id", "x-call-order-id", "x-call-id")


class Unreadable(ValueError):
    """A request that is none; its text says why."""


@dataclass(frozen=True)
class Turn:
    """What is asked for when it is the assistant's turn to speak.

    Attributes:
        messages: The talk so far, as Revox heard it.
        tools: Revox's own tools on this call, as OpenAI writes them.
        streams: Whether the answer is to come piece by piece.
        counts: Whether the tokens are to be counted at the end.
        name: The model's name.
        call_id: Which call it is, or which thread its prompt names; None if nothing says it.
    """

    messages: tuple[BaseMessage, ...]
    tools: tuple[JsonObject, ...] = ()
    streams: bool = False
    counts: bool = False
    name: str = ""
    call_id: str | None = None

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of Revox's tools."""
        return tuple(str(object_of(tool.get("function")).get("name")) for tool in self.tools)


@dataclass(frozen=True)
class ToolCall:
    """A tool of Revox's that is to be used: the end of the call, a transfer."""

    name: str
    arguments: str
    id: str


def read_turn(body: bytes, headers: Mapping[str, str]) -> Turn:
    """Read a request. What is not needed here, such as a temperature, is let be.

    Raises:
        Unreadable: It is no chat completion.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON.") from None
    raw = asked.get("messages") if isinstance(asked, dict) else None
    if not isinstance(raw, list) or not raw or not all(isinstance(message, dict) for message in raw):
        raise Unreadable("messages is missing, empty, or not a list of objects.")
    try:
        messages = convert_to_messages(raw)
    except (ValueError, TypeError, KeyError, NotImplementedError, AttributeError):
        raise Unreadable("messages holds one of an unknown role or shape.") from None
    thread, messages = _thread_of(messages)
    return Turn(
        messages=tuple(messages),
        tools=tuple(dict(tool) for tool in objects_of(asked.get("tools")) if object_of(tool.get("function"))),
        streams=asked.get("stream") is True,
        counts=object_of(asked.get("stream_options")).get("include_usage") is True,
        name=str(asked.get("model") or ""),
        call_id=thread or _call_of(asked, headers),
    )


def _thread_of(messages: list[BaseMessage]) -> tuple[str | None, list[BaseMessage]]:
    """The thread that the prompt names in a line of its own, and the messages without that line."""
    for at, message in enumerate(messages):
        if not isinstance(message, SystemMessage) or not isinstance(message.content, str):
            continue
        if found := _THREAD_LINE.search(message.content):
            rest = message.model_copy(update={"content": _THREAD_LINE.sub("", message.content)})
            return found[1], [*messages[:at], rest, *messages[at + 1 :]]
    return None, messages


def _call_of(asked: JsonObject, headers: Mapping[str, str]) -> str | None:
    metadata = object_of(asked.get("metadata"))
    named = (
        *(headers.get(name) for name in _ID_HEADERS),
        *(place.get(name) for place in (metadata, asked) for name in _ID_FIELDS),
    )
    return next((value for value in named if isinstance(value, str) and _ID.fullmatch(value)), None)


class Written:
    """An answer as it is written, in OpenAI's own types.

    Args:
        name: The model's name, which is repeated.
    """

    def __init__(self, name: str) -> None:
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())
        self._name = name
        self._begun = False

    def text(self, words: str) -> bytes:
        """A piece of what is said."""
        from openai.types.chat.chat_completion_chunk import ChoiceDelta

        return self._event(self._begin(ChoiceDelta(content=words)))

    def end(self, calls: Iterable[ToolCall], *, counted: Mapping[str, int] | None = None) -> Iterator[bytes]:
        """Which tools are to be used, why it ends, how much it was, and the end."""
        from openai.types.chat.chat_completion_chunk import (
            ChoiceDelta,
            ChoiceDeltaToolCall,
            ChoiceDeltaToolCallFunction,
        )
        from openai.types.completion_usage import CompletionUsage

        used = [
            ChoiceDeltaToolCall(
                index=at,
                id=call.id,
                type="function",
                function=ChoiceDeltaToolCallFunction(name=call.name, arguments=call.arguments),
            )
            for at, call in enumerate(calls)
        ]
        if used:
            yield self._event(self._begin(ChoiceDelta(tool_calls=used)))
        yield self._event(self._chunk(ChoiceDelta(), "tool_calls" if used else "stop"))
        if counted is not None:
            last = self._chunk(ChoiceDelta(), None)
            yield self._event(last.model_copy(update={"choices": [], "usage": CompletionUsage(**counted)}))
        yield b"data: [DONE]\n\n"

    def whole(self, words: str, calls: Iterable[ToolCall], counted: Mapping[str, int]) -> ChatCompletion:
        """All of it at once."""
        from openai.types.chat import ChatCompletion

        used = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
        message = {"role": "assistant", "content": words or None, **({"tool_calls": used} if used else {})}
        choice = {"index": 0, "finish_reason": "tool_calls" if used else "stop", "message": message, "logprobs": None}
        return ChatCompletion.model_validate(
            {
                "id": self._id,
                "object": "chat.completion",
                "created": self._created,
                "model": self._name,
                "choices": [choice],
                "usage": counted,
            }
        )

    def _begin(self, delta: ChoiceDelta) -> ChatCompletionChunk:
        if not self._begun:
            delta.role, self._begun = "assistant", True
        return self._chunk(delta, None)

    def _chunk(self, delta: ChoiceDelta, why: Finish | None) -> ChatCompletionChunk:
        from openai.types.chat import ChatCompletionChunk
        from openai.types.chat.chat_completion_chunk import Choice

        return ChatCompletionChunk(
            id=self._id,
            object="chat.completion.chunk",
            created=self._created,
            model=self._name,
            choices=[Choice(index=0, delta=delta, finish_reason=why)],
        )

    @staticmethod
    def _event(chunk: ChatCompletionChunk) -> bytes:
        return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n".encode()
