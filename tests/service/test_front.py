"""The same HTTP front before any number of workers: it hands over, they place; PostgreSQL may go away in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest

from revox_langchain.errors import Unavailable
from revox_langchain.sandbox import Sandbox
from revox_langchain.service.app import Tokens, service_app
from revox_langchain.service.worker import Worker
from revox_langchain.webhooks import Webhooks
from tests.processes import patience_s

REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello, you are an AI."}
QUEUED = {**REQUEST, "phone_number": "+12025550111"}
TOKEN, APPROVAL, HOOK = "the-token-for-using-it", "the-token-for-approving", "the-token-of-the-hook"
USES, APPROVES = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"Bearer {APPROVAL}"}
HOUR_S = 3600.0


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@asynccontextmanager
async def front_of(sandbox: Sandbox, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    front = Worker(sandbox.connect(), dsn, runs=2)
    webhooks = Webhooks(front.connection, on_call_ended=front.heard, token=HOOK)
    app = service_app(front, Tokens(TOKEN, APPROVAL), webhooks=webhooks)
    transport = httpx.ASGITransport(app)
    async with (
        front,
        webhooks,
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=USES) as client,
    ):
        yield client


async def shown(client: httpx.AsyncClient, thread_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"/calls/{thread_id}")).json()
    return answer


@pytest.mark.slow
async def test_a_front_hands_calls_over_and_a_worker_places_them(sandbox: Sandbox, dsn: str) -> None:
    async with front_of(sandbox, dsn) as client, Worker(sandbox.connect(), dsn, runs=2) as worker:
        body = {"request": REQUEST, "thread_id": "t"}
        for _ in range(3):
            assert (await client.post("/calls", json=body)).status_code == 202
        assert (await shown(client, "t"))["state"] == "running"
        assert not sandbox.dials, "the front works itself"
        await worker.run(until_idle=True)
        waiting = await shown(client, "t")
        sandbox.world.advance(HOUR_S)
        heard = await client.post(f"/call-ended/{HOOK}", json={"call_order_id": waiting["call_id"]})
        await asyncio.wait_for(_handed_over(dsn, "resume"), patience_s())
        await worker.run(until_idle=True)
        ended, listed = await shown(client, "t"), (await client.get("/calls?state=ended")).json()["calls"]
        counts = (await client.get("/status")).json()["threads"]
    assert (waiting["state"], heard.status_code, ended["state"]) == ("waiting", 202, "ended")
    assert ended["result"]["status"] == "completed"
    assert [each["thread_id"] for each in listed] == ["t"]
    assert counts == {"running": 0, "waiting": 0, "asking": 0, "ended": 1, "failed": 0}
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_a_question_of_a_worker_is_answered_through_the_front(sandbox: Sandbox, dsn: str) -> None:
    worker = Worker(sandbox.connect(), dsn, runs=2, approve=True)
    async with front_of(sandbox, dsn) as client, worker:
        await client.post("/calls", json={"request": QUEUED, "thread_id": "t"})
        await worker.run(until_idle=True)
        question = (await shown(client, "t"))["question"]
        answer = {"answer": question["answers"]["approve"]}
        assert (await client.post("/calls/t/answer", json=answer)).status_code == 401
        assert (await client.post("/calls/t/answer", json=answer, headers=APPROVES)).status_code == 200
        assert (await client.post("/calls/t/answer", json=answer, headers=APPROVES)).status_code == 409
        assert not sandbox.dials
        await worker.run(until_idle=True)
        assert (await shown(client, "t"))["state"] == "waiting"
        assert (await client.post("/calls/t/cancel")).status_code == 200
        await worker.run(until_idle=True)
        ended = await shown(client, "t")
    assert ended["result"]["status"] == "cancelled"
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_while_the_database_is_away_it_says_so_and_nothing_is_lost_or_dialed(sandbox: Sandbox, dsn: str) -> None:
    body = {"request": REQUEST, "thread_id": "t"}
    async with front_of(sandbox, dsn) as client, Worker(sandbox.connect(), dsn, runs=2) as worker:
        assert (await client.post("/calls", json=body)).status_code == 202
        _take_away(dsn)
        asked = [
            client.post("/calls", json={**body, "thread_id": "u"}),
            client.get("/calls/t"),
            client.get("/status"),
            client.post("/calls/t/cancel"),
            client.post("/calls/t/answer", json={"answer": True}, headers=APPROVES),
        ]
        answers = await asyncio.gather(*asked)
        assert (await client.get("/healthz")).status_code == 200
        _give_back(dsn)
        again = await client.post("/calls", json={**body, "thread_id": "u"})
        await worker.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        await worker.run(until_idle=True)
        states = [(await shown(client, name))["state"] for name in ("t", "u")]
    assert [answer.status_code for answer in answers] == [503] * 5
    for answer in answers:
        error = answer.json()["error"]
        assert error["code"] == "database_unavailable"
        assert error["message"].startswith("The database has gone: ")
        assert "PostgreSQL" in error["next_step"]
    assert again.status_code == 202
    assert states == ["ended", "ended"]
    assert 1 <= len(sandbox.dials) <= 2


async def _handed_over(dsn: str, kind: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        sql = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock LIKE %s"
        while not db.execute(sql, (f"{kind} %",)).fetchall():
            await asyncio.sleep(0.01)


def _take_away(dsn: str) -> None:
    """As a server that was stopped: connections are gone, and new ones are refused."""
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def _give_back(dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


@pytest.mark.slow
async def test_a_worker_says_that_the_database_has_gone_and_another_goes_on(sandbox: Sandbox, dsn: str) -> None:
    async with front_of(sandbox, dsn) as client:
        await client.post("/calls", json={"request": REQUEST, "thread_id": "t"})
        async with Worker(sandbox.connect(), dsn, runs=2) as worker:
            working = asyncio.create_task(worker.run())
            while not sandbox.dials:
                await asyncio.sleep(0.01)
            _take_away(dsn)
            with pytest.raises(Unavailable, match=r"^The database has gone: [^\n]*\.$") as gone:
                await asyncio.wait_for(working, patience_s())
        _give_back(dsn)
        sandbox.world.advance(HOUR_S)
        async with Worker(sandbox.connect(), dsn, runs=2) as other:
            for _ in range(3):
                await other.run(until_idle=True)
                sandbox.world.advance(HOUR_S)
        assert (await shown(client, "t"))["state"] == "ended"
    assert "nothing is lost" in gone.value.next_step
    assert len(sandbox.dials) == 1
