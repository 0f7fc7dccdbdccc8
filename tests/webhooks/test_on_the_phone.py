"""Tools on the line during a talk: the sandbox plays Revox's part, in each of the ways that Revox may play it."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal, get_args, get_type_hints

import httpx
import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool

from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.webhooks import CallTools, Webhooks

ASKS, LOST = "+12025550126", "+12025550128"
HERE = "http://127.0.0.1:9"
REQUEST = {"prompt": "You are an AI. Ask when they want to come, and book the table.", "language": "en"}
HINTS = get_type_hints(Switches)
WAYS = [
    {"tool_values": values, "tool_missing": missing, "tool_call_id": named}
    for values, missing, named in product(
        *(get_args(HINTS[name]) for name in ("tool_values", "tool_missing", "tool_call_id"))
    )
]


class Desk:
    """A desk with a calendar: what it was asked and has booked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str | None]] = []
        self.booked: list[tuple[str, Any]] = []

    def tools(self) -> list[BaseTool]:
        @tool
        async def check_calendar(kind: Literal["table", "room"], people: int, note: str | None = None) -> str:
            """Look which times are free."""
            self.asked.append((kind, people, note))
            return "Free at 2026-01-12T15:30:00Z."

        @tool
        async def book(slot: str, config: RunnableConfig) -> str:
            """Book a time."""
            self.booked.append((slot, config["configurable"]["revox_call"]))
            return f"Booked, number {len(self.booked)}."

        return [check_calendar, book]


def called(desk: Desk, tools: CallTools, number: str = ASKS, **assumed: Any) -> dict[str, Any]:
    """The output of a graph whose assistant has the tools."""
    ends: list[Webhooks] = []

    async def there(scope: Any, receive: Any, send: Any) -> None:
        await ends[0](scope, receive, send)

    sandbox = Sandbox(outside=httpx.ASGITransport(there), switches=Switches(**assumed))
    connection = sandbox.connect()
    ends.append(Webhooks(connection, call_tools=tools))
    graph = call_graph(connection, call_tools=tools, public_url=HERE)
    out = graph.invoke({**REQUEST, "phone_number": number})
    assert out["status"] == "completed"
    [order] = sandbox.world.orders.values()
    turns = order["last_call_attempt"]["transcript"]
    return {**out, "used": [turn for turn in turns if turn["role"] == "tool"]}


@pytest.mark.a_few(every=6)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way.values()))
def test_an_assistant_asks_and_books_however_revox_sends_it(way: dict[str, Any]) -> None:
    desk = Desk()
    out = called(desk, CallTools(desk.tools(), once=["book"]), **way)
    assert [(turn["tool_name"], turn["tool_is_error"]) for turn in out["used"]] == [
        ("check_calendar", False),
        ("book", False),
    ]
    [(kind, people, note)] = desk.asked
    assert kind in ("table", "room")
    assert (type(people), note) == (int, None)
    [(slot, call)] = desk.booked
    assert slot.startswith("2026-01-12T15:30")
    assert call == out["intent_id"]
    assert "Booked, number 1." in out["used"][1]["tool_output"]


@pytest.mark.slow
@pytest.mark.parametrize("way", [{}, {"tool_call_id": "header"}, {"tool_call_id": "variable"}], ids=str)
def test_a_booking_whose_answer_was_lost_is_made_once(way: dict[str, Any]) -> None:
    desk = Desk()
    only = CallTools(desk.tools()[1:], once=["book"])
    out = called(desk, only, LOST, tool_retries=2, **way)
    assert len(desk.booked) == 1
    [turn] = out["used"]
    assert not turn["tool_is_error"]
    assert "Booked, number 1." in turn["tool_output"]
    again = Desk()
    called(again, CallTools(again.tools()[1:]), LOST, tool_retries=2, **way)
    assert len(again.booked) > 1


@pytest.mark.slow
def test_a_tool_that_fails_is_no_failed_request_that_revox_would_repeat() -> None:
    desk = Desk()

    @tool
    async def broken(kind: str) -> str:
        """Look something up."""
        desk.asked.append((kind, 0, None))
        raise RuntimeError("no")

    out = called(desk, CallTools([broken]), tool_retries=5)
    assert len(desk.asked) == 1
    assert "does not work right now" in out["used"][0]["tool_output"]
