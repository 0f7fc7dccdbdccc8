"""A person approves what will ring: the assistant as the order will use it, and nothing that came after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.sandbox import Sandbox

NUMBER = "+12025550100"
REQUEST = {
    "phone_number": NUMBER,
    "prompt": "Confirmez le rendez-vous de mardi à quinze heures, vous êtes une IA.",
    "first_sentence": "Bonjour, ici l'assistante virtuelle du cabinet.",
}
THREAD: Any = {"configurable": {"thread_id": "t"}}
FIFTY = {
    "allowed_days": ["monday", "tuesday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 60}
    ],
    "max_retry_attempts": 50,
}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def invoke(graph: Any, given: Any, mode: str = "sync") -> Any:
    return graph.invoke(given, THREAD) if mode == "sync" else asyncio.run(graph.ainvoke(given, THREAD))


def graph_of(sandbox: Sandbox, **options: Any) -> Any:
    return call_graph(sandbox.connect(), approve=True, checkpointer=InMemorySaver(), **options)


def question(out: dict[str, Any]) -> dict[str, Any]:
    [asked] = out["__interrupt__"]
    shown: dict[str, Any] = asked.value
    return shown


def yes(shown: dict[str, Any]) -> Command[Any]:
    return Command(resume={"decision": "approve", "arguments_hash": shown["arguments_hash"]})


def stored(sandbox: Sandbox, **fields: Any) -> str:
    answer = sandbox.connect().send(
        CreateAssistant(name="Stored", prompt="Say hello, I am an AI.", first_sentence="Hello, I am an AI.")
    )
    sandbox.world.assistants[answer["assistant"]["id"]].update(fields)
    return str(answer["assistant"]["id"])


@both_modes
def test_a_prompt_that_is_approved_goes_inside_the_call_and_a_no_leaves_nothing_behind(mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    shown = question(invoke(graph, REQUEST, mode))
    assert not sandbox.world.assistants
    out = invoke(graph, yes(shown), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1
    assert not sandbox.world.assistants


@both_modes
def test_the_question_shows_what_only_revox_knows_of_a_stored_assistant(mode: str) -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox, call_retry_config=FIFTY, max_call_duration_secs=600)
    graph = graph_of(sandbox)
    shown = question(invoke(graph, {"phone_number": NUMBER, "assistant_id": assistant_id}, mode))
    assert shown["arguments"]["prompt"] == "Say hello, I am an AI."
    assert shown["arguments"]["first_sentence"] == "Hello, I am an AI."
    assert shown["arguments"]["max_attempts"] == 50
    assert shown["arguments"]["max_minutes"] == 500
    assert "50 attempts" in shown["message"]


@both_modes
@pytest.mark.parametrize("kind", ["given", "kept"])
def test_an_assistant_edited_while_the_question_is_open_is_asked_about_again(kind: str, mode: str) -> None:
    sandbox = Sandbox()
    if kind == "given":
        request: dict[str, Any] = {"phone_number": NUMBER, "assistant_id": stored(sandbox)}
        graph = graph_of(sandbox)
    else:
        request, graph = REQUEST, graph_of(sandbox, inline=False)
    first = question(invoke(graph, request, mode))
    [assistant] = sandbox.world.assistants.values()
    assistant["call_retry_config"] = FIFTY

    again = question(invoke(graph, yes(first), mode))
    assert not sandbox.dials
    assert again["arguments_hash"] != first["arguments_hash"]
    assert again["arguments"]["max_attempts"] == 50
    assert any("no longer the one that was approved" in warning for warning in again["warnings"])

    # The same yes, delivered a second time, is no answer to the new question.
    repeated = question(invoke(graph, yes(first), mode))
    assert repeated["arguments_hash"] == again["arguments_hash"]
    assert not sandbox.dials

    out = invoke(graph, yes(again), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_a_kept_assistant_that_was_edited_to_ring_more_often_is_not_taken_for_the_same() -> None:
    sandbox = Sandbox()
    first = call_graph(sandbox.connect())
    first.invoke(REQUEST)
    [assistant] = sandbox.world.assistants.values()
    assistant["call_retry_config"] = FIFTY
    sandbox.world.advance(120)
    graph = graph_of(sandbox, inline=False)
    shown = question(invoke(graph, REQUEST))
    assert shown["arguments"]["max_attempts"] == 3
    assert len(sandbox.world.assistants) == 2


def test_an_edit_of_the_question_is_read_again_before_it_dials() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    shown = question(invoke(graph, REQUEST))
    edit = {"decision": "edit", "arguments_hash": shown["arguments_hash"], "edits": {"max_attempts": 1}}
    out = invoke(graph, Command(resume=edit))
    assert out["status"] == "completed"
    [order] = sandbox.dials
    assert order["call_retry_config"]["max_retry_attempts"] == 1
