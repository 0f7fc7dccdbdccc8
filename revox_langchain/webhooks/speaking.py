"""What a chat model or a graph says on its turn, piece by piece, and which of Revox's tools it wants used."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langchain_core.runnables import Runnable, RunnableConfig

from revox_langchain.webhooks.chat import ToolCall, Turn
from revox_langchain.webhooks.goodbye import hang_up

_ALL = "__remove_all__"
"""What LangGraph's reducer takes for all earlier messages."""
_OPENING = HumanMessage("(The call begins.)", id="revox-opening")
"""What is answered before the callee has said a word: many models answer nobody else than a user."""
_SILENT = "tools"
"""The node of tools in LangGraph's agents: models and agents that a tool asks do not speak to the callee."""


@dataclass(frozen=True)
class Goodbye:
    """The agent ends the call, with these last words."""

    words: str


Spoken = str | ToolCall | Goodbye


def is_graph(model: object) -> bool:
    """Whether it is a compiled LangGraph graph."""
    return isinstance(model, Runnable) and hasattr(model, "aget_state") and hasattr(model, "channels")


async def spoken_by(
    model: Runnable[Any, Any], turn: Turn, *, speaks: Collection[str] | None = None
) -> AsyncGenerator[Spoken]:
    """Let it speak.

    Args:
        model: A graph with `messages`, a chat model, or a chain that ends in one.
        turn: The talk so far.
        speaks: The graph's nodes that the callee hears; left out, all but `tools`.
    """
    if not any(isinstance(message, HumanMessage) for message in turn.messages):
        turn = replace(turn, messages=(*turn.messages, _OPENING))
    pieces = _of_graph(model, turn, speaks) if is_graph(model) else _of_model(model, turn)
    calls = _Calls(turn.offered)
    async with aclosing(pieces):
        async for message in pieces:
            if isinstance(message, ToolMessage):
                yield Goodbye(str(message.text))
                continue
            calls.heard(message)
            if words := str(message.text):
                yield words
    for call in calls.whole():
        yield call


async def _of_model(model: Runnable[Any, Any], turn: Turn) -> AsyncGenerator[AIMessage | ToolMessage]:
    if turn.tools and isinstance(model, BaseChatModel):
        with suppress(NotImplementedError):
            model = model.bind_tools(list(turn.tools))
    async for piece in model.astream(list(turn.messages)):
        yield AIMessageChunk(content=piece) if isinstance(piece, str) else piece


async def _of_graph(graph: Any, turn: Turn, speaks: Collection[str] | None) -> AsyncGenerator[AIMessage | ToolMessage]:
    saver = graph.checkpointer if hasattr(graph.checkpointer, "adelete_thread") else None
    thread = turn.call_id or f"revox-{uuid4().hex}"
    named = {"call_id": turn.call_id, "revox_tools": list(turn.tools)}
    config: RunnableConfig = {"configurable": {"thread_id": thread, **named}, "metadata": {"call_id": turn.call_id}}
    messages: list[BaseMessage] = list(identified(turn.messages))
    if saver is not None and turn.call_id:
        kept = (await graph.aget_state(config)).values.get("messages", [])
        messages = [RemoveMessage(id=_ALL), *merged(messages, kept)]
    stream = graph.astream({"messages": messages}, config, stream_mode="messages", subgraphs=True)
    try:
        async with aclosing(stream):
            async for inside, (message, where) in stream:
                path = (*(part.partition(":")[0] for part in inside), str(where.get("langgraph_node")))
                if isinstance(message, ToolMessage):
                    if message.name == hang_up.name:
                        yield message
                elif isinstance(message, AIMessage) and _is_heard(path, speaks):
                    yield message
    finally:
        if saver is not None and not turn.call_id:
            # Nothing says which call it was, so that no one could find the thread again.
            await saver.adelete_thread(thread)


def _is_heard(path: Sequence[str], speaks: Collection[str] | None) -> bool:
    """Whether a node speaks to the callee, by the names of the nodes it lies in and its own."""
    if _SILENT in path:
        return speaks is not None and _SILENT in speaks
    return speaks is None or any(name in speaks for name in path)


def identified(messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Messages with an id each, without which LangGraph takes those it was given for new ones."""
    for at, message in enumerate(messages):
        yield message if message.id else message.model_copy(update={"id": f"revox-{at}"})


def merged(heard: Sequence[BaseMessage], kept: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The talk as Revox heard it, with what the graph looked up in between as its thread kept it.

    Revox knows what was really said, where the callee cut in for instance, and asks for a turn again that it lost. What
    tools answered only the thread knows.
    """
    looked_up = [_exchange(turn) for turn in _turns(kept)]
    last = max((at for at, message in enumerate(heard) if isinstance(message, HumanMessage)), default=-1)
    talk: list[BaseMessage] = []
    nth = 0
    for at, message in enumerate(heard):
        talk.append(message)
        if not isinstance(message, HumanMessage):
            continue
        if at < last and nth < len(looked_up) and looked_up[nth][0] == message.text:
            talk += looked_up[nth][1]
        nth += 1
    return talk


def _turns(messages: Sequence[BaseMessage]) -> list[list[BaseMessage]]:
    turns: list[list[BaseMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append([message])
        elif turns:
            turns[-1].append(message)
    return turns


def _exchange(turn: list[BaseMessage]) -> tuple[str, list[BaseMessage]]:
    """What the callee said, and the tools that were used for the answer: those that have answered."""
    answered = {message.tool_call_id for message in turn if isinstance(message, ToolMessage)}
    exchange = [
        _without_text(message) if isinstance(message, AIMessage) else message
        for message in turn
        if isinstance(message, ToolMessage)
        or (isinstance(message, AIMessage) and message.tool_calls and {c["id"] for c in message.tool_calls} <= answered)
    ]
    called = {call["id"] for message in exchange if isinstance(message, AIMessage) for call in message.tool_calls}
    return str(turn[0].text), [m for m in exchange if not isinstance(m, ToolMessage) or m.tool_call_id in called]


def _without_text(message: AIMessage) -> AIMessage:
    """A message that uses tools, without words: they stand in what Revox heard."""
    content = message.content
    silent = "" if isinstance(content, str) else [p for p in content if isinstance(p, dict) and p.get("type") != "text"]
    return message.model_copy(update={"content": silent})


class _Calls:
    """The tools of Revox's that a model wants used; those of the graph's own are none of Revox's business."""

    def __init__(self, offered: Collection[str]) -> None:
        self._offered = offered
        self._said: dict[str | None, AIMessage] = {}

    def heard(self, message: AIMessage) -> None:
        if isinstance(message, AIMessageChunk):
            if message.tool_call_chunks:
                before = self._said.get(message.id)
                whole = message if before is None else cast(BaseMessageChunk, before) + message
                self._said[message.id] = cast(AIMessage, whole)
        elif message.tool_calls:
            self._said[message.id] = message

    def whole(self) -> Iterator[ToolCall]:
        for message in self._said.values():
            for call in message.tool_calls:
                if call["name"] in self._offered:
                    yield ToolCall(call["name"], json.dumps(call["args"]), call["id"] or f"call_{uuid4().hex[:24]}")
