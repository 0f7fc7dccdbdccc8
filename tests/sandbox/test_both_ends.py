"""The sandbox at one end of the line and `Webhooks` at the other, whatever Revox may do between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, tool

from revox_langchain import Connection
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.webhooks import CallTools, Webhooks

HERE = "https://hooks.example.com/revox"
ASKS, LOST = "+12025550126", "+12025550128"

ASSUMPTIONS: list[dict[str, Any]] = [
    {},
    {"tool_values": "typed"},
    {"tool_values": "raw"},
    {"tool_missing": "null"},
    {"tool_missing": "kept"},
    {"tool_call_id": "variable"},
    {"tool_call_id": "header"},
    {"tool_values": "typed", "tool_missing": "null", "tool_call_id": "header", "tool_retries": 2},
]


class Diary:
    """Tools that note what they are used for."""

    def __init__(self) -> None:
        self.looked_up: list[tuple[date, int, str]] = []
        self.booked: list[datetime] = []

    def tools(self) -> list[BaseTool]:
        @tool
        def check_calendar(day: date, guests: int, note: str = "none") -> str:
            """Look up a free slot."""
            self.looked_up.append((day, guests, note))
            return "2026-01-12T15:30:00+00:00 is free."

        @tool
        def book(slot: datetime) -> str:
            """Book a slot."""
            self.booked.append(slot)
            return f"Booked number {len(self.booked)}."

        return [check_calendar, book]


class Under:
    """The webhooks below a path, as a proxy would serve them."""

    def __init__(self, app: Webhooks) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app({**scope, "path": scope["path"].removeprefix("/revox")}, receive, send)


def sandbox_before(make: Callable[[Connection], Webhooks], **options: Any) -> tuple[Sandbox, Connection, Webhooks]:
    """A sandbox that asks these webhooks."""
    apps: list[Under] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await apps[0](scope, receive, send)

    sandbox = Sandbox(outside=httpx.ASGITransport(app), allowed_hosts=["hooks.example.com"], **options)
    connection = sandbox.connect()
    webhooks = make(connection)
    apps.append(Under(webhooks))
    return sandbox, connection, webhooks


def used_in(sandbox: Sandbox, connection: Connection, number: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    placed = connection.send(MakeCall(phone_number=number, prompt="You book slots.", settings=settings))
    sandbox.world.advance(3600)
    call = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    return [turn for turn in call["last_call_attempt"]["transcript"] if turn["role"] == "tool"]


def talk(diary: Diary, number: str, **switches: Any) -> list[dict[str, Any]]:
    """The tool turns of a call whose assistant has the diary's tools."""
    line = CallTools(diary.tools(), once=["check_calendar", "book"])
    options = {"switches": Switches(**switches)}
    sandbox, connection, _ = sandbox_before(lambda connection: Webhooks(connection, call_tools=line), **options)
    return used_in(sandbox, connection, number, {"custom_tools": line.custom_tools(connection, HERE)})


@pytest.mark.parametrize("switches", ASSUMPTIONS, ids=str)
def test_tools_are_understood_however_revox_fills_them_in(switches: dict[str, Any]) -> None:
    diary = Diary()
    looked_up, booked = talk(diary, ASKS, **switches)
    assert diary.looked_up == [(date(2026, 1, 9), 4, "none")]
    assert diary.booked == [datetime.fromisoformat("2026-01-12T15:30:00+00:00")]
    assert "2026-01-12T15:30:00+00:00 is free." in looked_up["tool_output"]
    assert "Booked number 1." in booked["tool_output"]
    assert (looked_up["tool_is_error"], booked["tool_is_error"]) == (False, False)


@pytest.mark.parametrize(
    ("switches", "runs", "failed"),
    [
        ({"tool_retries": 0}, 1, True),
        ({"tool_retries": 1, "tool_call_id": "header"}, 1, False),
        ({"tool_retries": 1, "tool_call_id": "none"}, 1, False),
    ],
    ids=str,
)
def test_a_tool_whose_answer_is_lost_runs_once(switches: dict[str, Any], runs: int, failed: bool) -> None:
    diary = Diary()
    looked_up, _ = talk(diary, LOST, **switches)
    assert (len(diary.looked_up), looked_up["tool_is_error"]) == (runs, failed)


@pytest.mark.parametrize("comes", ["none", "header", "metadata"])
def test_a_chat_model_of_ours_talks(comes: Any) -> None:
    def reply(messages: list[BaseMessage]) -> BaseMessage:
        return AIMessage(f"Number {sum(message.type == 'human' for message in messages)}.")

    sandbox, connection, webhooks = sandbox_before(
        lambda connection: Webhooks(connection, model=RunnableLambda(reply)), switches=Switches(model_call_id=comes)
    )
    settings = {"llm_model": webhooks.llm_model(HERE), "first_sentence": "Hello.", "first_sentence_mode": "static"}
    assert used_in(sandbox, connection, "+12025550100", settings) == []
    [order] = sandbox.world.orders.values()
    said = [turn["content"] for turn in order["last_call_attempt"]["transcript"] if turn["role"] == "assistant"]
    assert said == ["Hello.", "Number 1.", "Number 2.", "Number 3."]
    assert {each["answered"] for each in sandbox.asked} == {200}
