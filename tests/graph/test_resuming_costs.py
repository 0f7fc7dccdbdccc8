"""What it costs to wake parked threads, counted: reads of Revox, and what is written to the checkpoints."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import awake, call_graph, parked_in
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.waiting.watcher import Watcher

CALLS = 12
REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello, you are an AI."}


class Counting(InMemorySaver):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Counter[str] = Counter()
        self.alive = True

    async def aput(self, *given: Any) -> Any:
        if not self.alive:
            raise Died
        return await super().aput(*given)

    def put(self, *given: Any) -> Any:
        self.written["checkpoints"] += 1
        return super().put(*given)

    def put_writes(self, config: Any, writes: Any, *more: Any) -> None:
        self.written["writes"] += len(writes)
        super().put_writes(config, writes, *more)


class Died(BaseException):
    """The process ended here."""


def thread(at: int) -> Any:
    return {"configurable": {"thread_id": str(at)}}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(organization_limit=1000))


@pytest.fixture
def saver() -> Counting:
    return Counting()


def graph_of(connection: Connection, saver: Any) -> Any:
    return call_graph(connection, wait_mode="park", checkpointer=saver, inline=True)


async def parked(graph: Any, sandbox: Sandbox, calls: int = CALLS) -> dict[str, int]:
    """The threads by the ids of their calls, which have ended since."""
    ids = {}
    later = datetime.fromtimestamp(sandbox.clock.now_s() + 3600, UTC).isoformat()
    for at in range(calls):
        out = await graph.ainvoke({**REQUEST, "intent": f"number {at}", "scheduled_at": later}, thread(at))
        # A second call to one number at once is refused.
        sandbox.world.advance(61)
        ids[out["__interrupt__"][0].value["call_id"]] = at
    sandbox.world.advance(7200)
    sandbox.counts.clear()
    return ids


async def statuses(graph: Any, calls: int = CALLS) -> set[str]:
    return {(await graph.aget_state(thread(at))).values["status"] for at in range(calls)}


@pytest.mark.slow
def test_a_thread_that_is_woken_reads_its_order_once_and_writes_once(sandbox: Sandbox, saver: Counting) -> None:
    async def wake_all() -> set[str]:
        graph = graph_of(sandbox.connect(), saver)
        ids = await parked(graph, sandbox)
        saver.written.clear()
        for call_id, at in ids.items():
            assert await awake(graph, thread(at), call_id) == "resumed"
        return await statuses(graph)

    assert asyncio.run(wake_all()) == {"completed"}
    assert dict(sandbox.counts) == {"revox_get_call": CALLS}
    assert dict(saver.written) == {"checkpoints": CALLS}


def test_threads_whose_end_a_sweep_of_this_process_has_read_hardly_read_again(
    sandbox: Sandbox, saver: Counting
) -> None:
    async def wake_all() -> set[str]:
        connection = sandbox.connect()
        graph = graph_of(connection, saver)
        ids = await parked(graph, sandbox)
        async with Watcher(connection) as watcher:
            async for ended in watcher.as_completed(ids):
                assert await awake(graph, thread(ids[ended.call_id]), ended.call_id) == "resumed"
        return await statuses(graph)

    assert asyncio.run(wake_all()) == {"completed"}
    # One that searches are proven with, and one that shows that their rows are whole orders.
    assert sandbox.counts["revox_get_call"] == 2


@pytest.mark.parametrize("where", ["wait", "report", None])
def test_a_process_that_dies_while_it_wakes_a_thread_leaves_it_waiting(
    sandbox: Sandbox, saver: Counting, where: str | None
) -> None:
    async def wake_twice() -> set[str]:
        connection = sandbox.connect()
        graph = graph_of(connection, saver)
        [call_id] = await parked(graph, sandbox, 1)
        if where is not None:
            graph.nodes[where].bound.ainvoke = saver.aput
        saver.alive = False
        with pytest.raises(Died):
            await awake(graph, thread(0), call_id)
        saver.alive = True
        graph = graph_of(connection, saver)
        [waits] = parked_in(await graph.aget_state(thread(0)))
        assert waits.call_id == call_id
        assert await awake(graph, thread(0), call_id) == "resumed"
        return await statuses(graph, 1)

    assert asyncio.run(wake_twice()) == {"completed"}
    assert len(sandbox.dials) == 1


@pytest.mark.slow
def test_a_run_that_was_cut_off_before_its_dial_still_writes_down_each_step(sandbox: Sandbox, saver: Counting) -> None:
    async def go_on() -> str:
        graph = graph_of(sandbox.connect(), saver)
        await graph.ainvoke(REQUEST, thread(0), interrupt_before=["arm"])
        saver.written.clear()
        return await awake(graph, thread(0), "the call it does not have yet")

    assert asyncio.run(go_on()) == "continued"
    assert saver.written["checkpoints"] >= 3
    assert len(sandbox.dials) == 1
