"""A few runs go on at a time, and a drain waits for them."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.errors import GraphDrained

from revox_langchain.errors import Refused
from revox_langchain.service.draining import Runs


async def test_only_so_many_runs_go_on_at_one_time() -> None:
    runs, going, most = Runs(at_once=3), 0, 0

    async def run() -> None:
        nonlocal going, most
        async with runs.one():
            going += 1
            most = max(most, going)
            await asyncio.sleep(0)
            going -= 1

    await asyncio.gather(*(run() for _ in range(20)))
    assert most == 3


async def test_a_drain_waits_for_the_runs_that_go_on_and_refuses_new_ones() -> None:
    runs, begun, steps = Runs(), asyncio.Event(), []

    async def run() -> None:
        async with runs.one():
            begun.set()
            while not runs.control.drain_requested:
                await asyncio.sleep(0)
            steps.append("finished")
            raise GraphDrained

    running = asyncio.create_task(run())
    await begun.wait()
    await runs.drain(patience_s=60)
    assert steps == ["finished"]
    await running
    with pytest.raises(Refused, match="stopping"):
        runs.check_goes_on()


@pytest.mark.slow
async def test_a_drain_does_not_wait_for_ever() -> None:
    runs = Runs()
    async with runs.one():
        await runs.drain(patience_s=0)
    assert runs.stopping
