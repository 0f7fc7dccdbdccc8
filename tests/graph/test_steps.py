"""A node made from a flow: its events stream, it chooses the next node, and an abort is followed by the undo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from revox_langchain.errors import Unavailable
from revox_langchain.flow import Event, Flow, Pause, Turn
from revox_langchain.graph.steps import GOTO, Steps, Update, thread_id
from revox_langchain.operations.calls import CancelCall
from revox_langchain.sandbox import Sandbox


class State(TypedDict, total=False):
    seen: str


NodeFlow = Callable[[State, RunnableConfig], Flow[Update]]


def graph_of(steps: Steps, flow: NodeFlow) -> Any:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("first", steps.node("first", flow), destinations=("second", "third"))
    graph.add_node("second", lambda _: {"seen": "second"})
    graph.add_node("third", lambda _: {"seen": "third"})
    graph.add_edge(START, "first")
    graph.add_edge("second", END)
    graph.add_edge("third", END)
    return graph.compile()


def ordered_then(end: BaseException) -> NodeFlow:
    def flow(state: State, config: RunnableConfig) -> Flow[Update]:
        yield Event({"type": "ordered", "call_id": "call-1"})
        raise end

    return flow


def cancelling(sandbox: Sandbox, noted: list[Any]) -> Steps:
    def undo(state: object, events: list[dict[str, Any]]) -> CancelCall:
        noted.extend(events)
        return CancelCall(call_id=events[-1]["call_id"])

    return Steps(sandbox.connect(), noted=frozenset({"ordered"}), undo=undo)


def test_a_flow_chooses_the_next_node_and_knows_its_thread() -> None:
    def flow(state: State, config: RunnableConfig) -> Flow[Update]:
        yield Pause(0)
        return {"seen": thread_id(config), GOTO: "third"}

    graph = graph_of(Steps(Sandbox().connect()), flow)
    config: Any = {"configurable": {"thread_id": 7}}

    assert graph.invoke({}, config) == asyncio.run(graph.ainvoke({}, config)) == {"seen": "third"}
    updates = [update for update in graph.stream({}, config, stream_mode="updates") if "first" in update]
    assert updates == [{"first": {"seen": "7"}}]


def test_events_stream_except_the_noted_ones() -> None:
    def flow(state: State, config: RunnableConfig) -> Flow[Update]:
        yield Event({"type": "ordered", "call_id": "x"})
        yield Event({"type": "shown"})
        return {GOTO: "second"}

    graph = graph_of(cancelling(Sandbox(), []), flow)

    assert list(graph.stream({}, stream_mode="custom")) == [{"type": "shown"}]


def test_ctrl_c_sends_the_undo_even_if_it_fails() -> None:
    sandbox = Sandbox()
    noted: list[Any] = []
    with pytest.raises(KeyboardInterrupt):
        graph_of(cancelling(sandbox, noted), ordered_then(KeyboardInterrupt())).invoke({})
    assert [event["call_id"] for event in noted] == ["call-1"]
    assert sandbox.counts["revox_cancel_call"] == 1


async def test_a_cancelled_task_sends_the_undo() -> None:
    sandbox = Sandbox()
    noted: list[Any] = []
    started = asyncio.Event()

    def flow(state: State, config: RunnableConfig) -> Flow[Update]:
        yield Event({"type": "ordered", "call_id": "call-1"})
        started.set()
        yield Turn(Future(), Unavailable("It never comes."))
        return {}

    task = asyncio.create_task(graph_of(cancelling(sandbox, noted), flow).ainvoke({}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [event["call_id"] for event in noted] == ["call-1"]
    assert sandbox.counts["revox_cancel_call"] == 1


@pytest.mark.slow
def test_without_an_undo_an_abort_sends_nothing() -> None:
    sandbox = Sandbox()
    with pytest.raises(KeyboardInterrupt):
        graph_of(Steps(sandbox.connect()), ordered_then(KeyboardInterrupt())).invoke({})
    assert not sandbox.counts
