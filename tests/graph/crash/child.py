"""A process to be killed: one warm template that forks a child per job, each of which runs a graph once.

Run as a program, with the number of a socket to read jobs from. A job is JSON, sent along with the writing end of a
pipe; the child writes a line of JSON to it for everything that happens. The pipe ends when the child does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from revox_langchain.connection.clock import SystemClock
from revox_langchain.connection.connection import Connection
from revox_langchain.contacts import SqliteContacts
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.graph import Pace, call_graph, campaign_graph, create_call_graph, create_campaign_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.waiting.policy import WaitPolicy

MODES = ["tasks", "updates", "custom"]
Tell = Callable[[dict[str, Any]], None]


class Outer(TypedDict, total=False):
    """The state of a graph in which a call is one step."""

    phone_number: str
    prompt: str
    language: str
    status: str
    call_id: str | None
    intent_id: str | None
    adopted: bool
    warnings: list[str]
    error: dict[str, Any] | None


class HastyClock(SystemClock):
    """Every pause takes a quarter of its time."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 4)

    async def asleep(self, seconds: float) -> None:
        await super().asleep(seconds / 4)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _warm()
    with socket.socket(fileno=int(sys.argv[1])) as jobs:
        while True:
            data, pipes, _, _ = socket.recv_fds(jobs, 1 << 16, 1)
            if not data:
                return
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _work(json.loads(data), pipes[0])
            os.close(pipes[0])


def _warm() -> None:
    """Run one call, so that whatever is imported late is there in every fork."""
    request = {"phone_number": "+12025550100", "prompt": "Confirm the appointment.", "language": "en"}
    graph = call_graph(Sandbox().connect(), checkpointer=InMemorySaver())
    graph.invoke(request, {"configurable": {"thread_id": "warm"}})
    asyncio.run(graph.ainvoke(request, {"configurable": {"thread_id": "warm too"}}))
    contacts = [{"phone": request["phone_number"], "language": "en"}]
    campaign_graph(Sandbox().connect(), approve=False).invoke({"contacts": contacts, "prompt": "Say hello."})


def _work(job: dict[str, Any], pipe: int) -> None:
    def tell(event: dict[str, Any]) -> None:
        os.write(pipe, json.dumps(event, default=str).encode() + b"\n")

    tell({"event": "born", "pid": os.getpid()})
    try:
        if job["async"]:
            asyncio.run(_arun(job, tell))
        else:
            _run(job, tell)
    except BaseException as error:
        shown = {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}
        details = {name: getattr(error, name, None) for name in ("intent_id", "phone_number", "code")}
        tell({"event": "failed", **shown, **details})
    finally:
        os._exit(0)


def _run(job: dict[str, Any], tell: Tell) -> None:
    config = {"configurable": {"thread_id": job["thread_id"]}}
    graph = _graph(job)
    if job["db"] is None:
        for event in graph.compile().stream(job["request"], config, stream_mode=MODES):
            _notice(event, job, tell)
        return
    with SqliteSaver.from_conn_string(job["db"]) as saver:
        compiled = graph.compile(checkpointer=saver)
        given, todo = _given(job, compiled.get_state(config))
        if todo:
            for event in compiled.stream(given, config, stream_mode=MODES, durability=job["durability"]):
                _notice(event, job, tell)
        tell(_end(compiled.get_state(config)))


async def _arun(job: dict[str, Any], tell: Tell) -> None:
    config = {"configurable": {"thread_id": job["thread_id"]}}
    graph = _graph(job)
    if job["db"] is None:
        async for event in graph.compile().astream(job["request"], config, stream_mode=MODES):
            _notice(event, job, tell)
        return
    async with AsyncSqliteSaver.from_conn_string(job["db"]) as saver:
        compiled = graph.compile(checkpointer=saver)
        given, todo = _given(job, await compiled.aget_state(config))
        if todo:
            async for event in compiled.astream(given, config, stream_mode=MODES, durability=job["durability"]):
                _notice(event, job, tell)
        tell(_end(await compiled.aget_state(config)))


def _graph(job: dict[str, Any]) -> Any:
    connection = Connection("any key", base_url=job["base_url"], timeout_s=job["timeout_s"], clock=HastyClock())
    policy, wait = DialPolicy(**job["policy"]), WaitPolicy.every(0.1)
    if job.get("campaign"):
        store = SqliteContacts(job["store"]) if job["store"] else None
        pace = Pace(interval_s=0.2, check_s=2)
        return create_campaign_graph(connection, policy=policy, pace=pace, store=store, **job["graph"])
    graph = create_call_graph(connection, policy=policy, wait=wait, **job["graph"])
    if not job["nested"]:
        return graph
    outer: StateGraph[Any] = StateGraph(Outer)
    outer.add_node("call", graph.compile())
    outer.add_edge(START, "call")
    outer.add_edge("call", END)
    return outer


def _given(job: dict[str, Any], state: Any) -> tuple[Any, bool]:
    """What to start the graph with, and whether there is anything to do."""
    if "answer" in job:
        return Command(resume=job["answer"]), True
    if job["resubmit"] or not state.values:
        return job["request"], True
    # Not `next`: it is empty when a step's result was saved and the checkpoint after it was not.
    return None, bool(state.tasks)


def _notice(event: tuple[str, Any], job: dict[str, Any], tell: Tell) -> None:
    mode, payload = event
    if mode == "custom":
        tell({"event": "custom", **payload})
    elif mode == "tasks":
        step, moment = payload["name"], "after" if "result" in payload else "before"
        if moment == "after" and payload.get("interrupts"):
            return
        tell({"event": moment, "step": step})
        if job["die"] == [moment, step]:
            os.kill(os.getpid(), signal.SIGKILL)


def _end(state: Any) -> dict[str, Any]:
    shown = ("status", "call_id", "adopted", "intent_id", "error", "warnings", "notes", "token", "states", "campaigns")
    return {
        "event": "end",
        "next": list(state.next),
        "asks": [interrupt.value for interrupt in state.interrupts],
        "values": {name: state.values.get(name) for name in shown},
    }


if __name__ == "__main__":
    main()
