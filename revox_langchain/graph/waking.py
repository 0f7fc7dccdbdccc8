"""Wake threads that wait for a call: the only way in, with the checks that a lost or doubled wake-up needs.

A wake-up may come twice, late, or for a thread that crashed on the way. So the thread is looked at first, and resumed
by the id of the interrupt that waits for this very call: a bare resume would answer whatever is asked by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.types import Command, Interrupt, StateSnapshot

from revox_langchain.errors import InvalidInput
from revox_langchain.graph.call.parking import WAITING, wake_value
from revox_langchain.graph.handles import CompiledHandle
from revox_langchain.graph.steps import patient

Woken = Literal["resumed", "continued", "nothing"]
"""`resumed`: it waited for the call and was woken. `continued`: it had stopped half-way and was run on. `nothing`: it
neither waited for the call nor was half-way."""

_INTERRUPT = "__interrupt__"
"""The channel under which LangGraph writes what a thread waits for."""


class Parked(NamedTuple):
    """One interrupt that waits for a call.

    Attributes:
        interrupt_id: What to resume by.
        call_id: The call it waits for.
        deadline_at: When to stop waiting, ISO 8601 in UTC.
    """

    interrupt_id: str
    call_id: str
    deadline_at: str | None


def parked_in(snapshot: StateSnapshot) -> list[Parked]:
    """The waits that a thread stands in, those of subgraphs included."""
    return list(_parked(snapshot.interrupts))


def wake(
    graph: Any, config: RunnableConfig, call_id: str, *, reason: Literal["ended", "timeout"] = "ended", **options: Any
) -> Woken:
    """Wake a thread that waits for a call.

    Runs the thread until it ends or stops again. Two of these must not run on one thread at the same time: LangGraph
    does not lock threads, and both would run what comes after the wait.

    Args:
        graph: The compiled graph, whose own or whose subgraph's thread waits.
        config: Names the thread.
        call_id: The call that has ended.
        reason: `timeout` ends the waiting with status `still_running`.
        options: Further arguments of `graph.invoke`. Left to itself, a call graph writes down what comes of a wake-up
            once, when it stops; cut off before, it waits as it did.

    Returns:
        What was done.

    Raises:
        InvalidInput: The config names no thread.
    """
    _check_names_thread(config)
    saver = _own_saver(graph, config)
    command, did = _waiting(saver.get_tuple(config) if saver else None, call_id, reason)
    if did == "nothing":
        command, did = _next(graph.get_state(config), call_id, reason)
    if did != "nothing":
        graph.invoke(command, patient(config), **_lasting(graph, did, options))
    return did


async def awake(
    graph: Any, config: RunnableConfig, call_id: str, *, reason: Literal["ended", "timeout"] = "ended", **options: Any
) -> Woken:
    """Wake a thread that waits for a call; as `wake`."""
    _check_names_thread(config)
    saver = _own_saver(graph, config)
    command, did = _waiting(await saver.aget_tuple(config) if saver else None, call_id, reason)
    if did == "nothing":
        command, did = _next(await graph.aget_state(config), call_id, reason)
    if did != "nothing":
        await graph.ainvoke(command, patient(config), **_lasting(graph, did, options))
    return did


def _check_names_thread(config: RunnableConfig) -> None:
    if not config.get("configurable", {}).get("thread_id"):
        raise InvalidInput(
            "The config names no thread to wake.", next_step='Give {"configurable": {"thread_id": …}}, as to invoke.'
        )


def _next(snapshot: StateSnapshot, call_id: str, reason: str) -> tuple[Command[Any] | None, Woken]:
    command, did = _resumed(snapshot.interrupts, call_id, reason)
    # A crash right after the input leaves no next node, and a task all the same.
    if did == "nothing" and (snapshot.next or snapshot.tasks) and not snapshot.interrupts:
        return None, "continued"
    return command, did


def _resumed(asked: Iterable[Interrupt], call_id: str, reason: str) -> tuple[Command[Any] | None, Woken]:
    mine = [parked for parked in _parked(asked) if parked.call_id == call_id]
    if not mine:
        return None, "nothing"
    return Command(resume={parked.interrupt_id: wake_value(call_id, reason) for parked in mine}), "resumed"


def _own_saver(graph: object, config: RunnableConfig) -> BaseCheckpointSaver[Any] | None:
    """What keeps the threads of a call graph that is no subgraph.

    Its last checkpoint holds what it waits for, without the state around it, which takes as long to make as the rest
    of a wake-up.
    """
    if not isinstance(graph, CompiledHandle) or config["configurable"].keys() != {"thread_id"}:
        return None
    return graph.checkpointer if isinstance(graph.checkpointer, BaseCheckpointSaver) else None


def _waiting(saved: CheckpointTuple | None, call_id: str, reason: str) -> tuple[Command[Any] | None, Woken]:
    writes = (saved.pending_writes if saved else None) or ()
    return _resumed(
        [asked for _, channel, written in writes if channel == _INTERRUPT for asked in written], call_id, reason
    )


def _parked(interrupts: Iterable[Interrupt]) -> Iterator[Parked]:
    for asked in interrupts:
        value = asked.value
        if isinstance(value, Mapping) and value.get("type") == WAITING:
            yield Parked(asked.id, str(value.get("call_id")), value.get("deadline_at"))


def _lasting(graph: object, did: Woken, options: Mapping[str, Any]) -> dict[str, Any]:
    """When to write checkpoints."""
    if not isinstance(graph, CompiledHandle):
        # What else a parent graph does after the wait is its own.
        return dict(options)
    # From its wait a call graph only reads. One that was cut off elsewhere may be about to dial.
    return {"durability": "exit" if did == "resumed" else "sync", **options}
