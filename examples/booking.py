"""A table is booked by phone: the assistant asks the calendar while it talks, and books; the graph reports the slot.

It runs as it stands, in a sandbox that rings no phone: `python examples/booking.py`. On the way the answer to the
booking is lost, so that it is asked for twice, and the desk is killed while they talk. There is one order and one
booking all the same. The desk is a process of its own; with `Connection.from_env()` and an address that Revox can reach
it is a real one.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import uvicorn
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import awake, call_graph
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.webhooks import CallTools, Webhooks

# Yours are secrets; the tokens of the call tools are made from the API key.
KEY, TOKEN = "a-key-of-the-example", "a-webhook-token-of-the-example"
WANTS_A_TABLE = "+12025550126"
PROMPT = "You are an AI assistant of the restaurant Chez Anna. Ask when the guest wants to come, and book the table."
THREAD: RunnableConfig = {"configurable": {"thread_id": "table-4711"}}


class Calendar:
    """Which slots are free, and what is booked, in a file."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS bookings (call TEXT, slot TEXT)")

    def booked(self, call: str | None = None) -> list[str]:
        """The slots that were booked: all, or those of one call."""
        rows = self._db.execute("SELECT slot FROM bookings WHERE ? IS NULL OR call = ?", (call, call))
        return [row[0] for row in rows]

    def tools(self) -> list[BaseTool]:
        """What an assistant can do with it while it talks."""

        @tool
        def check_calendar(guests: int) -> str:
            """Look which slots are free. Use it before booking."""
            return f"For {guests}: free at 2030-01-12T19:30:00Z and 2030-01-12T21:00:00Z."

        @tool
        def book(slot: str, config: RunnableConfig) -> str:
            """Book a slot."""
            # Nothing here keeps a second booking away: that is what `once` is for.
            call = config["configurable"]["revox_call"]
            self._db.execute("INSERT INTO bookings VALUES (?, ?)", (call, slot))
            return f"Booked: {slot}."

        return [check_calendar, book]


class Booking(TypedDict, total=False):
    """A thread of the desk: the call request, what came of the call, and the booked slot."""

    phone_number: str
    prompt: str
    intent_id: str | None
    status: str
    slot: str | None


def booking_graph(calendar: Calendar, call: Any, checkpointer: Any) -> Any:
    """A graph that calls, parks until the call has ended, and reports what was booked on it."""

    def report(state: Booking) -> Booking:
        [slot] = calendar.booked(state["intent_id"]) or [None]
        return {"slot": slot}

    graph = StateGraph(Booking)
    graph.add_node("call", call)
    graph.add_node("report", report)
    graph.add_edge(START, "call")
    graph.add_edge("call", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)


async def desk(base_url: str, port: int, folder: Path) -> None:
    """Serve Revox, place the call unless it was placed, and stop when the graph has reported."""
    here, connection = f"http://127.0.0.1:{port}", Connection(KEY, base_url=base_url)
    calendar, reported = Calendar(folder / "calendar.db"), asyncio.Event()
    line = CallTools(calendar.tools(), once=["book"])
    async with AsyncSqliteSaver.from_conn_string(str(folder / "threads.db")) as saver:

        async def wake(call_id: str) -> None:
            await awake(graph, THREAD, call_id)
            values = (await graph.aget_state(THREAD)).values
            print(f"The call is {values['status']}; booked is {values['slot']}.", flush=True)
            reported.set()

        async with Webhooks(
            connection, wake=wake, call_tools=line, token=TOKEN, journal=folder / "journal.db"
        ) as webhooks:
            call = call_graph(
                connection,
                wait_mode="park",
                call_tools=line,
                public_url=here,
                webhook_url=webhooks.url(here),
            )
            graph = booking_graph(calendar, call, saver)
            server = uvicorn.Server(uvicorn.Config(webhooks, log_level="warning", access_log=False, lifespan="off"))
            serving = asyncio.create_task(server.serve([socket.create_server(("127.0.0.1", port))]))
            if not (await graph.aget_state(THREAD)).values:
                await graph.ainvoke({"phone_number": WANTS_A_TABLE, "prompt": PROMPT}, THREAD)
            print("The thread is parked.", flush=True)
            await reported.wait()
            server.should_exit = True
            await serving


@contextmanager
def desk_process(base_url: str, port: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The desk as a process of its own, until it has parked."""
    command = [sys.executable, __file__, "desk", base_url, str(port), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit("The desk did not start.")
            yield process
        finally:
            process.kill()


def main(folder: Path) -> None:
    """Play Revox, lose an answer, and kill the desk."""
    sandbox = Sandbox(switches=Switches(tool_retries=1))
    # The second request to a tool is the booking.
    sandbox.faults.add(Fault("tool_lost", skip=1))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with SandboxServer(sandbox) as server:
        with desk_process(server.base_url, port, folder):
            while len(tool_turns(sandbox)) < 2:
                sandbox.world.advance(5)
            if sandbox.faults.pending:
                raise SystemExit("No answer was lost.")
            print("The table is booked; the answer was lost once. The desk is killed while they go on talking.")
        with desk_process(server.base_url, port, folder) as process:
            sandbox.world.advance(3600)
            assert process.stdout is not None
            print(process.stdout.readline(), end="")
    for turn in tool_turns(sandbox):
        print(f"{turn['tool_name']}: {turn['tool_output']}")
    bookings = Calendar(folder / "calendar.db").booked()
    print(f"Orders: {len(sandbox.dials)}. Bookings: {len(bookings)}.")


def tool_turns(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The tools that the assistant has used in the only call, with what they answered."""
    [order] = sandbox.world.orders.values()
    attempt = order["last_call_attempt"] or {}
    return [turn for turn in attempt.get("transcript") or [] if turn["role"] == "tool"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["desk"]:
        asyncio.run(desk(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
