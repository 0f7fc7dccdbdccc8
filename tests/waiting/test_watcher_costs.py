"""What a thousand waits cost in requests and bytes, counted in a sandbox whose clock is pushed."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from revox_langchain.connection.connection import Connection
from revox_langchain.flow import arun
from revox_langchain.operations.calls import MakeCall
from revox_langchain.results.order import unix_s
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Seen, watch
from revox_langchain.waiting.watcher import Watcher

ANSWERS = "+12025550100"
CALLS = 1000
INTERVAL_S = 10.0
OVER_S = 300.0


def placed(sandbox: Sandbox) -> list[str]:
    """Orders that end one after the other, one in five a minute."""
    connection, begun_s = sandbox.connect(), sandbox.clock.now_s()
    ids = []
    for at in range(CALLS):
        begins = datetime.fromtimestamp(begun_s + at * OVER_S / CALLS, UTC).isoformat()
        call = MakeCall(phone_number=ANSWERS, prompt="Say hello.", scheduled_at=begins)
        ids.append(str(connection.send(call)["call"]["id"]))
    return ids


async def watched(connection: Connection, ids: list[str]) -> list[Any]:
    async with Watcher(connection, interval_s=INTERVAL_S) as watcher:
        return [ended.checked() async for ended in watcher.as_completed(ids)]


async def flowing(connection: Connection, ids: list[str]) -> list[Any]:
    policy = WaitPolicy(sweep_s=INTERVAL_S)
    flows = (arun(watch(Seen(call_id=call_id, exists=True), policy), connection) for call_id in ids)
    return [seen.answer for seen in await asyncio.gather(*flows)]


@pytest.mark.slow
@pytest.mark.parametrize("wait", [watched, flowing])
def test_a_thousand_waits_cost_an_eightieth_of_the_requests_and_the_bytes_of_what_ended(wait: Any) -> None:
    # The jitter of a sweep is drawn from here.
    random.seed(20)
    sandbox = Sandbox(switches=Switches(organization_limit=10 * CALLS))
    ids = placed(sandbox)
    requests = bytes_read = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal requests, bytes_read
        response = sandbox(request)
        requests, bytes_read = requests + 1, bytes_read + len(response.content)
        return response

    begun_s = sandbox.clock.now_s()
    orders = asyncio.run(wait(sandbox.connect(transport=httpx.MockTransport(answer)), ids))

    assert sorted(order["id"] for order in orders) == sorted(ids)
    assert {order["status"] for order in orders} == {"completed"}
    lasted_s = [(unix_s(order["updated_at"]) or 0.0) - begun_s for order in orders]
    assert max(lasted_s) > OVER_S
    reads_of_one_by_one = sum(1 + seconds // INTERVAL_S for seconds in lasted_s)
    assert requests <= reads_of_one_by_one / 80
    each_once = sum(len(json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()) for order in orders)
    assert bytes_read <= 1.2 * each_once
