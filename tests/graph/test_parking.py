"""A parked thread costs nothing while its call is pending, believes nobody, and always comes to an end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolCall
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command

from revox_langchain.errors import InvalidInput
from revox_langchain.graph import awake, call_graph, call_graph_tool, parked_in, wake
from revox_langchain.graph.call.parking import wake_value
from revox_langchain.operations.calls import CancelCall, PauseCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.waiting.policy import WaitPolicy
from tests.scripted_model import ScriptedModel

NUMBER = "+12025550100"
WAITS_IN_THE_QUEUE = "+12025550111"
REQUEST = {"phone_number": NUMBER, "prompt": "Say hello, you are an AI."}
THREAD: Any = {"configurable": {"thread_id": "t"}}
WEEK_S = 7 * 86_400
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def graph_of(sandbox: Sandbox, saver: Any = None, **options: Any) -> Any:
    return call_graph(sandbox.connect(), wait_mode="park", checkpointer=saver or InMemorySaver(), **options)


def invoke(graph: Any, given: Any, mode: str = "sync") -> Any:
    return graph.invoke(given, THREAD) if mode == "sync" else asyncio.run(graph.ainvoke(given, THREAD))


def woken(graph: Any, call_id: str, mode: str = "sync", **options: Any) -> str:
    if mode == "sync":
        return wake(graph, THREAD, call_id, **options)
    return asyncio.run(awake(graph, THREAD, call_id, **options))


def waiting(out: dict[str, Any]) -> dict[str, Any]:
    [asked] = out["__interrupt__"]
    shown: dict[str, Any] = asked.value
    assert shown["type"] == "revox.waiting"
    return shown


def values(graph: Any) -> dict[str, Any]:
    found: dict[str, Any] = graph.get_state(THREAD).values
    return found


@both_modes
def test_a_parked_thread_runs_nothing_until_it_is_woken_and_then_reports(sandbox: Sandbox, mode: str) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, REQUEST, mode))
    asked = len(sandbox.requests)
    sandbox.world.advance(600)
    assert len(sandbox.requests) == asked
    assert woken(graph, shown["call_id"], mode) == "resumed"
    assert values(graph)["status"] == "completed"
    assert values(graph)["transcript"]
    assert len(sandbox.dials) == 1


@both_modes
@pytest.mark.parametrize("said", [True, "completed", {"status": "completed"}, {"type": "revox.wake", "call_id": "x"}])
def test_whatever_it_is_told_it_reads_the_call_itself_and_parks_again(sandbox: Sandbox, mode: str, said: Any) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}, mode))
    again = waiting(invoke(graph, Command(resume=said), mode))
    assert again["call_id"] == shown["call_id"]
    assert again["deadline_at"] == shown["deadline_at"]
    # Once it has ended, any answer at all finds that out.
    sandbox.connect().send(CancelCall(call_id=shown["call_id"]))
    assert invoke(graph, Command(resume=said), mode)["status"] == "cancelled"


def test_being_woken_too_early_does_no_harm(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}))
    for _ in range(3):
        assert woken(graph, shown["call_id"]) == "resumed"
    [parked] = parked_in(graph.get_state(THREAD))
    assert (parked.call_id, parked.deadline_at) == (shown["call_id"], shown["deadline_at"])
    assert len(sandbox.dials) == 1


@both_modes
def test_a_late_wake_up_for_another_call_answers_nothing(sandbox: Sandbox, mode: str) -> None:
    graph = graph_of(sandbox)
    first = waiting(invoke(graph, REQUEST, mode))
    sandbox.world.advance(600)
    woken(graph, first["call_id"], mode)
    second = waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}, mode))
    assert woken(graph, first["call_id"], mode) == "nothing"
    assert [parked.call_id for parked in parked_in(graph.get_state(THREAD))] == [second["call_id"]]


def test_a_second_wake_up_for_a_thread_that_is_done_does_nothing(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, REQUEST))
    sandbox.world.advance(600)
    assert [woken(graph, shown["call_id"]) for _ in range(2)] == ["resumed", "nothing"]


@both_modes
def test_the_deadline_ends_a_wait_that_would_last_for_ever(sandbox: Sandbox, mode: str) -> None:
    graph = graph_of(sandbox, wait=WaitPolicy(max_wait_s=WEEK_S))
    began_s = sandbox.clock.now_s()
    shown = waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}, mode))
    sandbox.connect().send(PauseCall(call_id=shown["call_id"]))
    sandbox.world.advance(WEEK_S + 60)
    assert woken(graph, shown["call_id"], mode) == "resumed"
    out = values(graph)
    assert (out["status"], out["error"]["code"]) == ("still_running", "still_running")
    assert f"{sandbox.clock.now_s() - began_s:.0f} s of waiting" in out["error"]["message"]


def test_whoever_keeps_the_time_may_end_the_wait_although_clocks_disagree(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}))
    woken(graph, shown["call_id"], reason="timeout")
    assert values(graph)["status"] == "still_running"


def test_a_timeout_for_another_call_ends_nothing(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    waiting(invoke(graph, {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}))
    waiting(invoke(graph, Command(resume=wake_value("another", "timeout"))))


def test_a_timeout_that_comes_after_the_end_still_reports_the_end(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, REQUEST))
    sandbox.world.advance(600)
    woken(graph, shown["call_id"], reason="timeout")
    assert values(graph)["status"] == "completed"


def test_a_failed_look_parks_again(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    shown = waiting(invoke(graph, REQUEST))
    sandbox.world.advance(600)
    sandbox.faults.add(Fault("server_error", on="revox_get_call", times=3))
    assert woken(graph, shown["call_id"]) == "resumed"
    assert len(parked_in(graph.get_state(THREAD))) == 1
    assert woken(graph, shown["call_id"]) == "resumed"
    assert values(graph)["status"] == "completed"


def test_a_parked_thread_is_woken_by_another_process(sandbox: Sandbox, tmp_path: Any) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "calls.db")) as saver:
        shown = waiting(invoke(graph_of(sandbox, saver), REQUEST))
    sandbox.world.advance(600)
    with SqliteSaver.from_conn_string(str(tmp_path / "calls.db")) as saver:
        graph = graph_of(sandbox, saver)
        assert woken(graph, shown["call_id"]) == "resumed"
        assert values(graph)["status"] == "completed"


@both_modes
def test_a_run_that_was_cut_off_before_it_parked_is_run_on(sandbox: Sandbox, mode: str) -> None:
    saver = InMemorySaver()
    graph = graph_of(sandbox, saver)
    assert graph.invoke(REQUEST, THREAD, interrupt_before=["wait"])["call_id"]
    call_id = values(graph)["call_id"]
    assert woken(graph, call_id, mode) == "continued"
    [parked] = parked_in(graph.get_state(THREAD))
    assert parked.call_id == call_id
    assert len(sandbox.dials) == 1


@both_modes
def test_it_parks_as_a_subgraph(sandbox: Sandbox, mode: str) -> None:
    calls = call_graph(sandbox.connect(), wait_mode="park")
    parent: Any = StateGraph(dict)

    def ring(state: dict[str, Any]) -> dict[str, Any]:
        return {"out": calls.invoke(REQUEST)}

    async def aring(state: dict[str, Any]) -> dict[str, Any]:
        return {"out": await calls.ainvoke(REQUEST)}

    parent.add_node("ring", ring if mode == "sync" else aring)
    parent.add_edge(START, "ring")
    parent.add_edge("ring", END)
    graph = parent.compile(checkpointer=InMemorySaver())
    shown = waiting(invoke(graph, {"a": 1}, mode))
    sandbox.world.advance(600)
    assert woken(graph, shown["call_id"], mode) == "resumed"
    assert values(graph)["out"]["status"] == "completed"
    assert len(sandbox.dials) == 1


@both_modes
def test_two_calls_of_one_agent_park_and_each_is_woken_by_its_own_id(sandbox: Sandbox, mode: str) -> None:
    tool = call_graph_tool(sandbox.connect(), wait_mode="park")
    numbers = [WAITS_IN_THE_QUEUE, NUMBER]
    turn = AIMessage(
        "",
        tool_calls=[
            ToolCall(name=tool.name, args={"phone_number": number, "prompt": "Say hello."}, id=f"c{at}")
            for at, number in enumerate(numbers)
        ],
    )
    agent: Any = create_agent(ScriptedModel(turns=[turn, AIMessage("Done.")]), [tool], checkpointer=InMemorySaver())
    asked: MessagesState = {"messages": [("user", f"Call {' and '.join(numbers)}.")]}  # type: ignore[typeddict-item]
    invoke(agent, asked, mode)
    parked = {each.call_id for each in parked_in(agent.get_state(THREAD))}
    assert len(parked) == 2
    sandbox.world.advance(600)
    ended = {order["id"] for order in sandbox.dials if order["status"] == "completed"}
    [mine] = parked & ended
    assert woken(agent, mine, mode) == "resumed"
    [other] = parked_in(agent.get_state(THREAD))
    assert other.call_id == (parked - {mine}).pop()
    sandbox.connect().send(CancelCall(call_id=other.call_id))
    assert woken(agent, other.call_id, mode) == "resumed"
    messages = values(agent)["messages"]
    assert messages[-1].text == "Done."
    assert {message.status for message in messages if message.type == "tool"} <= {"success", "error"}
    assert len(sandbox.dials) == 2


@both_modes
def test_a_run_that_nobody_could_go_on_with_is_refused_before_the_dial(sandbox: Sandbox, mode: str) -> None:
    with pytest.raises(InvalidInput, match="needs a checkpointer"):
        invoke(call_graph(sandbox.connect(), wait_mode="park"), REQUEST, mode)
    assert sandbox.dials == []


@pytest.mark.parametrize("options", [{"wait_mode": "parked"}, {"on_unknown": "dail"}])
def test_a_mode_that_does_not_exist_is_refused_where_the_graph_is_built(
    sandbox: Sandbox, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="give one of"):
        call_graph(sandbox.connect(), **options)


@pytest.mark.a_few(every=3)
@both_modes
@pytest.mark.parametrize("config", [{}, {"configurable": {}}, {"configurable": {"thread_id": ""}}])
def test_waking_without_naming_a_thread_is_said_in_a_sentence(sandbox: Sandbox, mode: str, config: Any) -> None:
    graph = graph_of(sandbox)
    with pytest.raises(InvalidInput, match="names no thread"):
        wake(graph, config, "x") if mode == "sync" else asyncio.run(awake(graph, config, "x"))
