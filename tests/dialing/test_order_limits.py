"""How many orders: per thread, per run of the graph without one, and never by default for bare tools and code."""

from __future__ import annotations

from typing import Any

import pytest

from revox_langchain import Budget, DialPolicy, Refused, Risk, act, run
from revox_langchain.dialing.guard import Guard
from revox_langchain.graph import call_graph
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.toolkit import RevoxToolkit

PROMPT = "Say hello, I am an AI."
NUMBERS = [f"+1202555{n:04}" for n in range(150, 170)]


def graph_outcomes(graph: Any, count: int, **config: Any) -> list[str]:
    given = [{"phone_number": NUMBERS[n], "prompt": PROMPT, "intent": f"occasion-{n}"} for n in range(count)]
    return [
        out["error"]["message"] if out["error"] else out["status"] for out in (graph.invoke(g, config) for g in given)
    ]


@pytest.mark.slow
def test_a_worker_with_intents_and_no_thread_places_its_twelfth_call() -> None:
    sandbox = Sandbox()
    assert graph_outcomes(call_graph(sandbox.connect()), 12) == ["completed"] * 12
    assert len(sandbox.dials) == 12


@pytest.mark.slow
def test_the_default_counts_within_a_thread_and_says_so() -> None:
    thread = {"configurable": {"thread_id": "t"}}
    *placed, refused = graph_outcomes(call_graph(Sandbox().connect()), 11, **thread)
    assert placed == ["completed"] * 10
    assert "10 of 10 orders reserved, 1 more wanted in this thread" in refused


@pytest.mark.slow
def test_without_a_thread_a_given_limit_counts_within_each_run() -> None:
    graph = call_graph(Sandbox().connect(), policy=DialPolicy(max_orders=1))
    assert graph_outcomes(graph, 3) == ["completed"] * 3
    none = call_graph(Sandbox().connect(), policy=DialPolicy(max_orders=0))
    assert "in this run" in graph_outcomes(none, 1)[0]


def tool_codes(policy: DialPolicy, count: int, **config: Any) -> list[str]:
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DIAL, include=("make_call",), policy=policy)
    (tool,) = toolkit.get_tools()
    codes = []
    for number in NUMBERS[:count]:
        call: Any = {"type": "tool_call", "id": "1", "name": tool.name}
        message = tool.invoke({**call, "args": {"phone_number": number, "prompt": PROMPT}}, config)
        codes.append(f"{message.artifact.get('code', 'placed')} {message.content if message.status == 'error' else ''}")
    return codes


def test_for_bare_tools_the_limit_is_off_unless_it_is_given() -> None:
    assert tool_codes(DialPolicy(), 12) == ["placed "] * 12
    codes = tool_codes(DialPolicy(max_orders=2), 3)
    assert codes[:2] == ["placed "] * 2
    assert codes[2].startswith("budget_exceeded")
    assert "in this toolkit" in codes[2]


def test_for_tools_in_a_thread_the_default_holds() -> None:
    codes = tool_codes(DialPolicy(), 11, configurable={"thread_id": "t"})
    assert codes[:10] == ["placed "] * 10
    assert codes[10].startswith("budget_exceeded")
    assert "in this thread" in codes[10]


@pytest.mark.slow
def test_for_code_the_limit_is_off_unless_it_is_given_and_a_budget_holds() -> None:
    connection, guard = Sandbox().connect(), Guard()
    for number in NUMBERS[:12]:
        run(act(MakeCall(phone_number=number, prompt=PROMPT), guard), connection)
    for limited in (Guard(DialPolicy(max_orders=0)), Guard(budget=Budget(orders=0))):
        with pytest.raises(Refused) as refused:
            run(act(MakeCall(phone_number=NUMBERS[15], prompt=PROMPT), limited), connection)
        assert refused.value.code == "budget_exceeded"
        assert "thread" not in refused.value.message
