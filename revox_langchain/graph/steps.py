"""A LangGraph node made from a flow: thought out once, run by `invoke` and `ainvoke`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.runtime import get_runtime
from langgraph.types import Command

from revox_langchain.answers import JsonObject
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Channel, Flow, arun, run
from revox_langchain.operations.operation import Operation
from revox_langchain.tracing import note_step

GOTO = "goto"
"""The key of an update that names the next node; without it the graph's edges decide."""

RECURSION_LIMIT = 10_000
"""One superstep per slice of waiting: 10,000 slices of an hour are a year."""

Update = dict[str, object]
Outcome = Update | Command[str]
StateT = TypeVar("StateT")
Undo = Callable[[Mapping[str, object], list[JsonObject]], Operation | None]


class Node(Runnable[StateT, Outcome]):
    """What LangGraph runs as a node.

    A `RunnableLambda` would set up callbacks and a config of its own inside those of the node, which every run that
    waits keeps in memory.

    Args:
        name: Of the node.
        call: Runs it for `invoke`.
        acall: Runs it for `ainvoke`.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[StateT, RunnableConfig], Outcome],
        acall: Callable[[StateT, RunnableConfig], Awaitable[Outcome]],
    ) -> None:
        self.name = name
        self._call = call
        self._acall = acall

    def invoke(self, input: StateT, config: RunnableConfig | None = None, **_: Any) -> Outcome:
        """Run the node."""
        return self._call(input, config or RunnableConfig())

    async def ainvoke(self, input: StateT, config: RunnableConfig | None = None, **_: Any) -> Outcome:
        """Run the node."""
        return await self._acall(input, config or RunnableConfig())


@dataclass(frozen=True)
class Steps:
    """Runs flows as the nodes of one graph.

    Attributes:
        channel: The account the flows talk to.
        noted: Types of events that are kept for `undo` and not streamed.
        undo: What to send when the run is aborted, given the node's state and the noted events.
    """

    channel: Channel
    noted: frozenset[str] = frozenset()
    undo: Undo | None = None

    def node(self, name: str, flow: Callable[[StateT, RunnableConfig], Flow[Update]]) -> Node[StateT]:
        """Make a node from a flow of the state and the run's config."""

        def call(state: StateT, config: RunnableConfig) -> Outcome:
            return _noted(self.run(flow(state, config), state), config)

        async def acall(state: StateT, config: RunnableConfig) -> Outcome:
            return _noted(await self.arun(flow(state, config), state), config)

        return Node(name, call, acall)

    def run(self, flow: Flow[Update], state: object) -> Outcome:
        """Drive a node's flow; Ctrl-C sends the undo before it goes on."""
        notes: list[JsonObject] = []
        try:
            return _outcome(run(flow, self.channel, emit=self._emit(notes), stop=_drain_requested))
        except KeyboardInterrupt:
            operation = self._undo(state, notes)
            if operation is not None:
                # What cannot be undone stays; that the run was stopped is true either way.
                with suppress(RevoxToolError):
                    self.channel.send(operation)
            raise

    async def arun(self, flow: Flow[Update], state: object) -> Outcome:
        """Drive a node's flow; cancelling the task sends the undo before it ends."""
        notes: list[JsonObject] = []
        try:
            return _outcome(await arun(flow, self.channel, emit=self._emit(notes), stop=_drain_requested))
        except asyncio.CancelledError:
            operation = self._undo(state, notes)
            if operation is not None:
                with suppress(RevoxToolError):
                    await asyncio.shield(self.channel.asend(operation))
            raise

    def _emit(self, notes: list[JsonObject]) -> Callable[[JsonObject], None]:
        write = get_stream_writer()

        def emit(event: JsonObject) -> None:
            if event.get("type") in self.noted:
                notes.append(event)
            else:
                write(event)

        return emit

    def _undo(self, state: object, notes: list[JsonObject]) -> Operation | None:
        return self.undo(state if isinstance(state, dict) else {}, notes) if self.undo is not None else None


def patient(config: RunnableConfig) -> RunnableConfig:
    """A config whose run may take as many steps as our graphs do: a tool's own says 25, which two hours use up."""
    return {**config, "recursion_limit": max(RECURSION_LIMIT, config.get("recursion_limit") or 0)}


def thread_id(config: RunnableConfig) -> str | None:
    """The thread a run belongs to, if it has one."""
    thread = (config.get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)


def _outcome(update: Update) -> Outcome:
    goto = update.pop(GOTO, None)
    return update if goto is None else Command(update=update, goto=str(goto))


def _noted(outcome: Outcome, config: RunnableConfig) -> Outcome:
    """The same, with what it says of the call put into the trace of the step and of its graph."""
    update = outcome.update if isinstance(outcome, Command) else outcome
    if isinstance(update, dict):
        spoken = update.get("spoken")
        note_step(config, {**(spoken if isinstance(spoken, dict) else {}), **update})
    return outcome


def _drain_requested() -> bool:
    return bool(get_runtime().drain_requested)
