"""A graph behind `Webhooks` talks on the sandbox's calls, in each way that Revox may play its part."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from starlette.applications import Starlette

from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.webhooks import TalkingModel, Webhooks
from tests.webhooks.test_model import SORRY, Speaks, agent, uses

HERE = "http://127.0.0.1/revox"


def books(messages: list[BaseMessage]) -> list[Any]:
    """Opens, looks the slots up, and says goodbye at the callee's second word."""
    heard = [message.text for message in messages if isinstance(message, HumanMessage)]
    if isinstance(messages[-1], ToolMessage):
        return [f"{messages[-1].content} ", "is free."]
    if heard == ["(The call begins.)"]:
        return ["Hello, ", "this is an AI assistant."]
    if len(heard) == 1:
        return ["Let me look. ", uses("slots")]
    return [uses("hang_up", '{"goodbye": "Thank you, goodbye."}')]


def call(model: Any, **switches: Any) -> tuple[dict[str, Any], str]:
    """What became of a call on which a model talks, and its id."""
    app = Starlette()
    sandbox = Sandbox(outside=httpx.ASGITransport(app), switches=Switches(**switches))
    connection = sandbox.connect()
    webhooks = Webhooks(connection, model=model)
    app.mount("/revox", webhooks)
    settings = {"llm_model": webhooks.llm_model(HERE), "first_sentence_mode": "generated"}
    placed = connection.send(MakeCall(phone_number="+12025550100", prompt="You book.", settings=settings))
    sandbox.world.advance(18_000)
    done = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    assert done["status"] == "completed"
    return done["last_call_attempt"], placed["call"]["id"]


def said(attempt: dict[str, Any]) -> list[str]:
    return [turn["content"] for turn in attempt["transcript"] if turn["role"] == "assistant"]


@pytest.mark.parametrize("how", ["none", "header", "metadata"])
def test_an_agent_opens_looks_something_up_says_goodbye_and_the_line_is_closed(how: Any) -> None:
    model = Speaks(script=books, heard=[])
    graph = agent(model, saver=InMemorySaver())
    attempt, call_id = call(graph, model_call_id=how)
    assert said(attempt) == [
        "Hello, this is an AI assistant.",
        "Let me look. Tuesday at three is free.",
        "Thank you, goodbye.",
    ]
    assert (attempt["ended_by"], attempt["end_reason"]) == ("agent", "tool_end_call")
    kept = [checkpoint.config["configurable"]["thread_id"] for checkpoint in graph.checkpointer.list(None)]
    assert set(kept) == (set() if how == "none" else {call_id})
    remembered = any(isinstance(message, ToolMessage) for message in model.heard[-1])
    assert remembered == (how != "none")


@pytest.mark.slow
def test_a_model_that_fails_says_sorry_on_the_line_and_the_talk_goes_on() -> None:
    def fails_once(messages: list[BaseMessage]) -> list[Any]:
        heard = [message.text for message in messages if isinstance(message, HumanMessage)]
        if len(heard) == 1 and heard != ["(The call begins.)"]:
            return ["It is ", RuntimeError("password hunter2")]
        return books(messages)

    attempt, _ = call(TalkingModel(agent(Speaks(script=fails_once))))
    assert said(attempt) == [
        "Hello, this is an AI assistant.",
        f"It is {SORRY}",
        "Thank you, goodbye.",
    ]
