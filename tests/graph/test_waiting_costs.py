"""What a run that waits writes to its checkpoints, and how little a parked one leaves in memory."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.waiting.policy import WaitPolicy

PROMPT = "Ask in a friendly way whether Tuesday at 3 pm suits them; if not, find out which day does. "


def written(saver: SqliteSaver) -> int:
    """Bytes in all checkpoints."""
    sizes = (
        "SELECT sum(length(checkpoint) + length(metadata)) FROM checkpoints",
        "SELECT sum(length(value)) FROM writes",
    )
    return sum(saver.conn.execute(size).fetchone()[0] for size in sizes)


def written_after(waited_s: float) -> int:
    sandbox = Sandbox()
    far = datetime.fromtimestamp(sandbox.clock.now_s() + 6 * 86_400, UTC).isoformat()
    given = {"phone_number": "+12025550100", "prompt": PROMPT * 20, "scheduled_at": far}
    # Only slices are written, however often it looks.
    wait = WaitPolicy(max_wait_s=waited_s, idle_s=600, longest_s=3600)
    with SqliteSaver.from_conn_string(":memory:") as saver:
        graph = call_graph(sandbox.connect(), checkpointer=saver, inline=True, wait=wait)
        config: Any = {"configurable": {"thread_id": "t"}}
        assert graph.invoke(given, config)["status"] == "still_running"
        return written(saver)


@pytest.mark.parametrize("waited_s", [600, 3600, 3 * 3600, 3 * 86_400])
def test_a_minute_of_waiting_writes_at_most_300_bytes(waited_s: float) -> None:
    assert written_after(waited_s) - written_after(1) <= 300 * waited_s / 60


@pytest.mark.slow
def test_waiting_writes_so_little_because_its_slices_are_long() -> None:
    assert written_after(3 * 86_400) > written_after(600)


def alive(of: set[str]) -> int:
    """How many objects of LangGraph's loops and of tasks there are."""
    gc.collect()
    return sum(type(each).__name__ in of for each in gc.get_objects())


@pytest.mark.slow
def test_a_parked_run_leaves_nothing_in_memory() -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=1000))
    later = datetime.fromtimestamp(sandbox.clock.now_s() + 86_400, UTC).isoformat()
    kinds = {"Task", "AsyncPregelLoop", "CallInput", "Seen", "Party", "Future", "LastValue"}

    async def grown() -> list[int]:
        async with AsyncSqliteSaver.from_conn_string(":memory:") as saver:
            graph = call_graph(sandbox.connect(), wait_mode="park", checkpointer=saver, inline=True)
            counts = []
            for at in range(4):
                request = {"phone_number": "+12025550100", "prompt": PROMPT, "scheduled_at": later}
                out = await graph.ainvoke(
                    {**request, "intent": f"number {at}"}, {"configurable": {"thread_id": str(at)}}
                )
                assert out.pop("__interrupt__")
                sandbox.world.advance(61)
                counts.append(alive(kinds))
            return counts

    _, first, *_, last = asyncio.run(grown())
    assert last == first
