"""Run a graph to its end, with what it says on the screen and the answers of whoever sits before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph

_RECURSION_LIMIT = 1_000_000
"""One step of the graph per slice of waiting: a week of it must not end with an error."""


class Live(Protocol):
    """What is shown while the graph runs."""

    def __enter__(self) -> Any: ...

    def __exit__(self, *of_an_error: Any) -> Any: ...

    def see(self, event: Mapping[str, Any]) -> None:
        """Take one of the graph's events."""


def run_to_its_end(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    given: JsonObject,
    live: Live,
    connection: Connection,
    answer: Callable[[Any], object],
) -> JsonObject:
    """Run a graph until it has ended, and return its state.

    Args:
        graph: What runs.
        given: Its input.
        live: Shows its events.
        connection: The account it uses.
        answer: Answers its questions, given what it asks.
    """
    from langgraph.types import Command

    # A thread's id is part of the intent: with one, `--intent NAME` would name another call in each run.
    config: RunnableConfig = {"recursion_limit": _RECURSION_LIMIT, "configurable": {"thread_id": None}}

    async def run(to: JsonObject | Command[Any]) -> JsonObject:
        state: JsonObject = {}
        async with connection:
            stream: Any = graph.astream(to, config, stream_mode=["custom", "values"])
            async for mode, payload in stream:
                if mode == "custom":
                    live.see(payload)
                else:
                    state = payload
        return state

    # Async, because Ctrl-C then ends a pause at once; a sync graph would finish its slice of waiting first.
    with live:
        state = asyncio.run(run(given))
    while questions := state.get("__interrupt__"):
        # Between two event loops: asyncio keeps Ctrl-C to itself, and a prompt inside would not see it.
        answered = answer(questions[0].value)
        with live:
            state = asyncio.run(run(Command(resume=answered)))
    return state
