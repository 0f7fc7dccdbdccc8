"""The same wrong call again: shorter and harder the second time, an end to it the third."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from revox_langchain import RevoxToolkit, Risk
from revox_langchain.graph import call_graph_tool
from revox_langchain.operations.assistants import ListAssistants
from revox_langchain.sandbox import Fault, Sandbox
from tests.scripted_model import ScriptedModel, calls

SHORT = {"phone_number": "+1202555", "prompt": "Please say hello to them."}
OTHER = {"phone_number": "+120255", "prompt": "Please say hello to them."}
SAID = HumanMessage("Call +1 202 555 and say hello.")
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])
both_tools = pytest.mark.parametrize("name", ["revox_make_call", "revox_call_and_wait"])


def tools_of(name: str, sandbox: Sandbox | None = None) -> list[BaseTool]:
    sandbox = sandbox or Sandbox()
    if name == "revox_call_and_wait":
        return [call_graph_tool(sandbox.connect())]
    return RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL).get_tools()


def answers(name: str, arguments: list[dict[str, Any]], mode: str = "sync") -> list[ToolMessage]:
    """What an agent's model is told when it calls a tool with each of these arguments in turn."""
    turns = [calls((name, given), start=number) for number, given in enumerate(arguments)]
    agent = create_agent(ScriptedModel(turns=[*turns, AIMessage("Done.")]), tools_of(name))
    asked: Any = {"messages": [SAID]}
    out = agent.invoke(asked) if mode == "sync" else asyncio.run(agent.ainvoke(asked))
    return [message for message in out["messages"] if isinstance(message, ToolMessage)]


@both_modes
@both_tools
def test_the_same_wrong_call_is_told_shorter_then_to_stop(name: str, mode: str) -> None:
    first, second, third, fourth = answers(name, [SHORT] * 4, mode)
    assert {message.status for message in (first, second, third, fourth)} == {"error"}
    assert len(second.content) < len(first.content)
    assert "The same call fails again." in second.content
    assert "phone_number" in second.content
    assert "Stop. Do not call" in third.content
    assert name in third.content
    assert "ask the user" in third.content
    assert fourth.content == third.content
    assert first.artifact["code"] == second.artifact["code"] == third.artifact["code"]


@both_tools
def test_another_call_is_told_in_full(name: str) -> None:
    first, other, second = answers(name, [SHORT, OTHER, SHORT])
    assert other.content == first.content
    assert "fails again" in second.content


def test_once_the_user_has_spoken_it_begins_anew() -> None:
    turns = [calls(("revox_make_call", SHORT)), AIMessage("Which number?"), calls(("revox_make_call", SHORT), start=1)]
    model = ScriptedModel(turns=[*turns, AIMessage("Done.")])
    agent = create_agent(model, tools_of("revox_make_call"), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "again"}}
    agent.invoke({"messages": [SAID]}, config)
    out = agent.invoke({"messages": [("user", "The same number.")]}, config)
    first, second = (message for message in out["messages"] if isinstance(message, ToolMessage))
    assert second.content == first.content


def test_an_id_that_a_model_uses_again_is_not_taken_for_the_call_before() -> None:
    turns = [calls(("revox_make_call", given)) for given in (SHORT, OTHER, SHORT)]
    agent = create_agent(ScriptedModel(turns=[*turns, AIMessage("Done.")]), tools_of("revox_make_call"))
    out = agent.invoke({"messages": [SAID]})
    first, other, second = (message for message in out["messages"] if isinstance(message, ToolMessage))
    assert other.content == first.content
    assert "fails again" in second.content


@both_modes
def test_a_graph_with_a_tool_node_counts_too(mode: str) -> None:
    graph = StateGraph(MessagesState).add_node("tools", ToolNode(tools_of("revox_make_call"))).add_edge(START, "tools")
    turn = calls(("revox_make_call", SHORT))
    failed = ToolMessage("Error", tool_call_id="call-0", name="revox_make_call", status="error")
    asked: Any = {"messages": [SAID, turn, failed, calls(("revox_make_call", SHORT), start=1)]}
    built = graph.compile()
    out = built.invoke(asked) if mode == "sync" else asyncio.run(built.ainvoke(asked))
    assert "The same call fails again." in out["messages"][-1].content


def test_a_tool_that_is_called_alone_says_the_same_each_time() -> None:
    tool = next(tool for tool in tools_of("revox_make_call") if tool.name == "revox_make_call")
    assert len({tool.invoke(SHORT) for _ in range(3)}) == 1


@pytest.mark.slow
def test_a_failure_that_may_pass_is_told_in_full_each_time() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("status", on=ListAssistants, status=429, times=None))
    turns = [calls(("revox_list_assistants", {}), start=number) for number in range(3)]
    agent = create_agent(ScriptedModel(turns=[*turns, AIMessage("Done.")]), tools_of("revox_make_call", sandbox))
    out = agent.invoke({"messages": [SAID]})
    told = [message for message in out["messages"] if isinstance(message, ToolMessage)]
    assert {message.artifact["kind"] for message in told} == {"rate_limited"}
    assert len({message.content for message in told}) == 1
