"""Workers on one PostgreSQL database bring every call to its report, whoever of them dies, and dial each once."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, NotFound, Refused, Unavailable
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.service.dispatch import Work
from revox_langchain.service.postgres import Postgres
from revox_langchain.service.registry import Row
from revox_langchain.service.worker import Worker
from revox_langchain.waiting.policy import WaitPolicy

REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello, you are an AI.", "language": "en"}
QUEUED = {**REQUEST, "phone_number": "+12025550111"}
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(organization_limit=10_000))


def worker_of(sandbox: Sandbox, dsn: str, **options: Any) -> Worker:
    return Worker(sandbox.connect(), dsn, runs=2, **options)


def rows_of(dsn: str, sql: str, *values: object) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as db:
        found = db.execute(sql.encode(), values)
        return found.fetchall() if found.description else []


async def steps_of(worker: Worker, thread_id: str) -> int:
    config = {"configurable": {"thread_id": thread_id}}
    return len([each async for each in worker.runner.graph.aget_state_history(config)])


async def test_a_call_that_is_started_is_reported(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as worker:
        thread_id = await worker.threads.start(REQUEST)
        assert (await worker.threads.row(thread_id)).state == "running"
        await worker.run(until_idle=True)
        parked = await worker.threads.row(thread_id)
        sandbox.world.advance(HOUR_S)
        await worker.run(until_idle=True)
        row = await worker.threads.row(thread_id)
        assert await worker.threads.counts() == {"ended": 1}
    assert (parked.state, row.state) == ("waiting", "ended")
    assert row.result is not None
    assert row.result["status"] == "completed"
    assert row.result["transcript"]
    assert row.call_id == row.result["call_id"] == parked.call_id
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_the_same_request_under_the_same_name_rings_once(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as one, worker_of(sandbox, dsn) as other:
        for worker in (one, other, one):
            assert await worker.threads.start(REQUEST, "order-17") == "order-17"
        await asyncio.gather(*(worker.runner.run(Work("order-17")) for worker in (one, other)))
        await one.run(until_idle=True)
        await other.threads.start(REQUEST, "order-17")
        with pytest.raises(InvalidInput, match="another request"):
            await other.threads.start({**REQUEST, "prompt": "Say goodbye."}, "order-17")
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_a_second_worker_doubles_nothing(sandbox: Sandbox, dsn: str) -> None:
    policy = DialPolicy(min_gap_s=0)
    async with worker_of(sandbox, dsn, policy=policy) as one, worker_of(sandbox, dsn, policy=policy) as other:
        for at in range(6):
            await one.threads.start({**REQUEST, "intent": f"n{at}"}, f"t{at}")
        await asyncio.gather(one.run(until_idle=True), other.run(until_idle=True))
        sandbox.world.advance(HOUR_S)
        await asyncio.gather(one.run(until_idle=True), other.run(until_idle=True))
        rows = await other.threads.rows("ended")
        steps = {await steps_of(one, row.thread_id) for row in rows}
    assert {row.thread_id for row in rows} == {f"t{at}" for at in range(6)}
    assert len(sandbox.dials) == len({order["id"] for order in sandbox.dials}) == 6
    assert len(steps) == 1


@pytest.mark.slow
async def test_a_call_that_is_heard_of_many_times_is_brought_on_once(sandbox: Sandbox, dsn: str) -> None:
    policy = DialPolicy(min_gap_s=0)
    async with worker_of(sandbox, dsn, policy=policy) as one, worker_of(sandbox, dsn, policy=policy) as other:
        for name in ("once", "often"):
            await one.threads.start({**REQUEST, "intent": name}, name)
            await one.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        once, often = [await one.threads.row(name) for name in ("once", "often")]
        await one.runner.run(Work("once", once.call_id))
        await asyncio.gather(*(worker.runner.run(Work("often", often.call_id)) for worker in (one, other) * 2))
        heard = CallResult.from_call(sandbox.world.orders[often.call_id])
        for _ in range(3):
            await other.threads.heard(heard)
        await asyncio.gather(one.run(until_idle=True), other.run(until_idle=True))
        assert await steps_of(one, "often") == await steps_of(one, "once")
        assert (await one.threads.row("often")).state == "ended"


async def test_what_is_heard_twice_is_enqueued_once(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as worker:
        await worker.threads.start(QUEUED, "t")
        await worker.run(until_idle=True)
        row = await worker.threads.row("t")
        heard = CallResult.from_call(sandbox.world.orders[row.call_id])
        for _ in range(3):
            await worker.threads.heard(heard)
    assert len(rows_of(dsn, "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock LIKE 'resume %%' OR %s", False)) == 1


@pytest.mark.slow
async def test_a_start_that_was_written_down_before_a_crash_is_run_after_it(sandbox: Sandbox, dsn: str) -> None:
    async with Postgres(dsn) as database:
        database.registry.add("t", REQUEST, sandbox.clock.now_s())
    async with worker_of(sandbox, dsn) as worker:
        await worker.run(until_idle=True)
        # It may be about to be handed over.
        assert not sandbox.dials
        sandbox.world.advance(61)
        await worker.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        await worker.run(until_idle=True)
        row = await worker.threads.row("t")
    assert row.state == "ended"
    assert len(sandbox.dials) == 1


async def test_a_wait_that_lasts_too_long_ends_with_still_running(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn, wait=WaitPolicy(max_wait_s=30)) as worker:
        await worker.threads.start(QUEUED, "t")
        await worker.run(until_idle=True)
        due = rows_of(
            dsn, "SELECT extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs WHERE status='todo'"
        )
        assert [0 < seconds <= 30 for (seconds,) in due] == [True]
        # Where the queue has no clock of its own, the sweep ends it.
        rows_of(dsn, "DELETE FROM procrastinate_jobs")
        sandbox.world.advance(31)
        await worker.run(until_idle=True)
        row = await worker.threads.row("t")
    assert row.result is not None
    assert row.result["error"]["code"] == "still_running"


@pytest.mark.slow
async def test_a_dead_workers_job_that_is_enqueued_again_does_not_block_its_thread(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as worker:
        for name in ("doubled", "alone"):
            await worker.threads.start({**REQUEST, "intent": name}, name)
        # Both were taken by a worker that died; one of them was handed over again since.
        rows_of(dsn, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
        await worker.threads.start({**REQUEST, "intent": "doubled"}, "doubled")
        assert await worker.reap() == 2
        jobs = rows_of(dsn, "SELECT lock, status::text FROM procrastinate_jobs ORDER BY lock")
        assert jobs == [("alone", "todo"), ("doubled", "todo")]
        await worker.run(until_idle=True)
        states = [(await worker.threads.row(name)).state for name in ("doubled", "alone")]
    assert "running" not in states


@pytest.mark.slow
async def test_a_question_is_answered_by_whoever_is_asked(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn, approve=True) as worker, worker_of(sandbox, dsn, approve=True) as front:
        await front.threads.start(REQUEST, "t")
        await worker.run(until_idle=True)
        asked = await front.threads.row("t")
        assert asked.question is not None
        assert asked.question["type"] == "revox.approve_call"
        assert not sandbox.dials
        await front.threads.answer("t", True)
        with pytest.raises(Refused, match="asks nothing"):
            await worker.threads.answer("t", True)
        assert not sandbox.dials, "whoever is asked handed it over, and dialed nothing"
        await worker.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        await worker.run(until_idle=True)
        assert (await front.threads.row("t")).state == "ended"
        with pytest.raises(Refused, match="no pending call"):
            await front.threads.cancel("t")
        with pytest.raises(NotFound):
            await front.threads.row("nobody")
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_a_waiting_call_is_cancelled_and_a_question_rejected(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as worker, worker_of(sandbox, dsn, approve=True) as asks:
        await worker.threads.start(QUEUED, "waits")
        await worker.run(until_idle=True)
        await worker.threads.cancel("waits")
        await worker.run(until_idle=True)
        await asks.threads.start(REQUEST, "asks")
        await asks.run(until_idle=True)
        await asks.threads.cancel("asks")
        await asks.run(until_idle=True)
        cancelled, rejected = [await worker.threads.row(name) for name in ("waits", "asks")]
    assert cancelled.result is not None
    assert rejected.result is not None
    assert cancelled.result["status"] == "cancelled"
    assert rejected.result["error"]["code"] == "rejected"


async def test_while_revox_is_away_a_start_is_tried_again_later(sandbox: Sandbox, dsn: str) -> None:
    sandbox.faults.add(Fault("server_error", times=50))
    async with worker_of(sandbox, dsn) as worker:
        await worker.threads.start(REQUEST, "t")
        await worker.run(until_idle=True)
        assert (await worker.threads.row("t")).state in ("running", "ended")
        later = rows_of(dsn, "SELECT args->>'attempt' FROM procrastinate_jobs WHERE status = 'todo'")
    assert later == [("1",)]
    assert not sandbox.dials


@pytest.mark.slow
async def test_setting_up_at_once_is_harmless(empty_dsn: str) -> None:
    async def opened() -> None:
        async with Postgres(empty_dsn, runs=1):
            pass

    await asyncio.gather(*(opened() for _ in range(5)))
    assert rows_of(empty_dsn, "SELECT version FROM revox_registry") == [(1,)]


@pytest.mark.parametrize("where", ["postgresql://me:hunter2@127.0.0.1:1/x", "postgresql:///x?host=/nowhere"])
async def test_a_database_that_is_away_is_one_clear_sentence(sandbox: Sandbox, where: str) -> None:
    with pytest.raises(Unavailable, match=r"^The database cannot be reached: .*\.$") as caught:
        await worker_of(sandbox, where).__aenter__()
    assert "\n" not in caught.value.message
    assert "hunter2" not in str(caught.value.as_dict())


async def test_an_address_that_is_none_and_a_newer_database_are_refused(sandbox: Sandbox, dsn: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        await worker_of(sandbox, "calls.db").__aenter__()
    async with Postgres(dsn):
        rows_of(dsn, "UPDATE revox_registry SET version = 99")
    with pytest.raises(InvalidInput, match="knows version 1"):
        await worker_of(sandbox, dsn).__aenter__()


async def test_of_all_workers_one_is_told_to_sweep(dsn: str) -> None:
    async with Postgres(dsn) as one, Postgres(dsn) as other:
        told = await asyncio.gather(*(asyncio.to_thread(each.registry.may_sweep, 60) for each in (one, other) * 3))
    assert sorted(told) == [False] * 5 + [True]


@pytest.mark.slow
async def test_every_thread_is_reported_before_it_is_listed_as_ended(sandbox: Sandbox, dsn: str) -> None:
    reports: list[tuple[Row, Row]] = []

    async def report(row: Row) -> None:
        reports.append((row, await worker.threads.row(row.thread_id)))

    worker = worker_of(sandbox, dsn, on_report=report)
    async with worker:
        await worker.threads.start(REQUEST, "answers")
        await worker.threads.start({**REQUEST, "phone_number": "+19005551234"}, "refused")
        for _ in range(3):
            await worker.run(until_idle=True)
            sandbox.world.advance(HOUR_S)
    told = {row.thread_id: (row.state, (row.result or {})["status"], listed.state) for row, listed in reports}
    assert told == {"answers": ("ended", "completed", "waiting"), "refused": ("ended", "refused", "running")}
    assert len(reports) == 2


@pytest.mark.slow
async def test_a_report_that_was_cut_off_is_made_by_another_worker(sandbox: Sandbox, dsn: str) -> None:
    tried, told = [], []

    def fails(row: Row) -> None:
        tried.append(row)
        raise OSError("the mail server is away")

    async with worker_of(sandbox, dsn, on_report=fails) as first:
        await first.threads.start(REQUEST, "t")
        await first.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        await first.run(until_idle=True)
        assert (await first.threads.row("t")).state == "running"
    # It has died, and what it had put off with it.
    rows_of(dsn, "DELETE FROM procrastinate_jobs")
    sandbox.world.advance(61)
    async with worker_of(sandbox, dsn, on_report=told.append) as other:
        await other.run(until_idle=True)
        row = await other.threads.row("t")
    assert (len(tried), row.state) == (1, "ended")
    assert [each.result for each in told] == [row.result] == [each.result for each in tried]
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_what_is_old_is_erased_with_what_was_said(sandbox: Sandbox, dsn: str) -> None:
    async with worker_of(sandbox, dsn) as worker:
        for name, number in (("old", REQUEST["phone_number"]), ("waits", QUEUED["phone_number"])):
            await worker.threads.start({**REQUEST, "phone_number": number}, name)
        await worker.run(until_idle=True)
        sandbox.world.advance(HOUR_S)
        await worker.runner.run(Work("old", (await worker.threads.row("old")).call_id))
    sandbox.world.advance(3 * DAY_S)
    async with worker_of(sandbox, dsn, keep_days=4) as worker:
        await worker.run(until_idle=True)
        assert "old" in {row.thread_id for row in await worker.threads.rows()}
    async with worker_of(sandbox, dsn, keep_days=2) as worker:
        await worker._tend()
        assert {row.thread_id for row in await worker.threads.rows()} == {"waits"}
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        found = rows_of(dsn, f"SELECT DISTINCT thread_id FROM {table}")
        assert found == [("waits",)], table
