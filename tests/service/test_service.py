"""The service brings every call it was given to its report, over any number of restarts, and dials each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, NotFound, Refused
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.service.registry import Row
from revox_langchain.service.service import Service
from revox_langchain.service.sqlite import SqliteRegistry
from revox_langchain.waiting.policy import WaitPolicy
from tests.processes import patience_s

ANSWERS = "+12025550100"
WAITS_IN_THE_QUEUE = "+12025550111"
REQUEST = {"phone_number": ANSWERS, "prompt": "Say hello, you are an AI."}
QUEUED = {**REQUEST, "phone_number": WAITS_IN_THE_QUEUE}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(organization_limit=10_000))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


def service_of(sandbox: Sandbox, db: Path, **options: Any) -> Service:
    return Service(sandbox.connect(), db, **options)


async def until(service: Service, thread_id: str, fits: Callable[[Row], bool]) -> Row:
    """Let the service work until a thread stands as wanted."""

    async def look() -> Row:
        while not fits(row := await service.threads.row(thread_id)):
            await asyncio.sleep(0.001)
        return row

    return await asyncio.wait_for(look(), patience_s())


def ended(row: Row) -> bool:
    return row.state == "ended"


def waiting(row: Row) -> bool:
    return row.state == "waiting"


async def test_a_call_that_is_started_is_reported(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db) as service:
        thread_id = await service.threads.start(REQUEST)
        row = await until(service, thread_id, ended)
    assert row.result is not None
    assert row.result["status"] == "completed"
    assert row.result["transcript"]
    assert row.call_id == row.result["call_id"]
    assert len(sandbox.dials) == 1


async def test_the_same_request_under_the_same_name_rings_once(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db) as service:
        names = [await service.threads.start(REQUEST, "order-17") for _ in range(3)]
        await until(service, "order-17", ended)
        await service.threads.start(REQUEST, "order-17")
        with pytest.raises(InvalidInput, match="another request"):
            await service.threads.start({**REQUEST, "prompt": "Say goodbye."}, "order-17")
    assert names == ["order-17"] * 3
    assert len(sandbox.dials) == 1


@pytest.mark.parametrize("state", ["running", "waiting"])
async def test_whatever_was_started_before_a_crash_is_finished_after_it(sandbox: Sandbox, db: Path, state: str) -> None:
    first = service_of(sandbox, db)
    await first.__aenter__()
    if state == "running":
        # Written down, and killed before anything of it ran.
        first.threads.registry.add("t", QUEUED, sandbox.clock.now_s())
    else:
        await first.threads.start(QUEUED, "t")
        await until(first, "t", waiting)
    await _killed(first)
    async with service_of(sandbox, db) as second:
        row = await until(second, "t", ended)
    assert row.result is not None
    assert row.result["status"] in ("completed", "cancelled")
    assert len(sandbox.dials) == 1


async def _killed(service: Service) -> None:
    """Leave a service as `kill -9` would: nothing is written any more."""
    await service._dispatcher.aclose()
    await service.runner.graph.checkpointer.conn.close()
    service.threads.registry.close()


async def test_an_end_is_heard_of_from_a_webhook_before_the_sweep_sees_it(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db, interval_s=86_400) as service:
        thread_id = await service.threads.start(REQUEST)
        row = await until(service, thread_id, lambda row: row.state in ("waiting", "ended"))
        sandbox.world.advance(600)
        order = next(order for order in sandbox.dials if order["id"] == row.call_id)
        heard = CallResult.from_call(sandbox.world.orders[order["id"]])
        await asyncio.gather(*(service.heard(heard) for _ in range(3)))
        row = await until(service, thread_id, ended)
    assert row.result is not None
    assert row.result["status"] == "completed"


async def test_a_wait_that_lasts_too_long_ends_with_still_running(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db, wait=WaitPolicy(max_wait_s=30)) as service:
        thread_id = await service.threads.start(QUEUED)
        row = await until(service, thread_id, ended)
    assert row.result is not None
    assert row.result["status"] == "still_running"
    assert row.result["error"]["code"] == "still_running"


async def test_a_question_waits_for_its_answer_over_a_restart(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db, approve=True) as service:
        thread_id = await service.threads.start(REQUEST)
        asked = await until(service, thread_id, lambda row: row.state == "asking")
    assert asked.question is not None
    assert asked.question["type"] == "revox.approve_call"
    assert not sandbox.dials
    async with service_of(sandbox, db, approve=True) as service:
        await service.threads.answer(thread_id, True)
        await until(service, thread_id, ended)
        with pytest.raises(Refused, match="asks nothing"):
            await service.threads.answer(thread_id, True)
    assert len(sandbox.dials) == 1


async def test_a_call_is_cancelled_while_it_waits_and_a_question_is_rejected(sandbox: Sandbox, db: Path) -> None:
    # Nothing dials, so that the call cannot have ended before it is cancelled.
    sandbox.switches = replace(sandbox.switches, organization_limit=0)
    async with service_of(sandbox, db, interval_s=86_400 * 30, wait=WaitPolicy(max_wait_s=86_400 * 300)) as service:
        thread_id = await service.threads.start(QUEUED)
        await until(service, thread_id, waiting)
        await service.threads.cancel(thread_id)
        row = await until(service, thread_id, ended)
        assert row.result is not None
        assert row.result["status"] == "cancelled"
        with pytest.raises(Refused, match="no pending call"):
            await service.threads.cancel(thread_id)
    async with service_of(sandbox, db.with_name("asks.db"), approve=True) as service:
        thread_id = await service.threads.start(REQUEST)
        await until(service, thread_id, lambda row: row.state == "asking")
        await service.threads.cancel(thread_id)
        row = await until(service, thread_id, ended)
    assert row.result is not None
    assert row.result["error"]["code"] == "rejected"


async def test_a_request_that_does_not_fit_is_refused_and_not_written_down(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db) as service:
        for wrong in ({}, {"phone_number": ANSWERS}, {**REQUEST, "voice": "x"}):
            with pytest.raises(InvalidInput):
                await service.threads.start(wrong)
        assert await service.threads.rows() == []
        with pytest.raises(NotFound):
            await service.threads.row("nobody")


async def test_a_refused_number_is_a_report(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db) as service:
        row = await until(service, await service.threads.start({**REQUEST, "phone_number": "+19005551234"}), ended)
    assert row.result is not None
    assert (row.result["status"], row.result["error"]["code"]) == ("refused", "premium_number")
    assert not sandbox.dials


async def test_while_revox_is_away_a_start_is_not_lost(sandbox: Sandbox, db: Path) -> None:
    sandbox.faults.add(Fault("server_error", on="revox_list_voices", times=9))
    async with service_of(sandbox, db) as service:
        row = await until(service, await service.threads.start(REQUEST), ended)
    assert row.result is not None
    assert row.result["status"] == "completed"
    assert len(sandbox.dials) == 1


async def test_a_wrong_key_is_told_and_ends_the_thread(db: Path) -> None:
    sandbox = Sandbox(key="sk_right")
    async with Service(sandbox.connect("sk_wrong"), db) as service:
        row = await until(service, await service.threads.start(REQUEST), lambda row: row.state in ("failed", "ended"))
    assert row.result is not None
    assert row.result["error"]["kind"] == "auth"
    assert not sandbox.dials


async def test_a_second_service_on_one_file_is_refused_until_the_first_has_gone(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db):
        with pytest.raises(InvalidInput, match="Another process uses"):
            await service_of(sandbox, db).__aenter__()
    async with service_of(sandbox, db):
        pass


async def test_a_database_that_cannot_be_used_says_so(sandbox: Sandbox, db: Path) -> None:
    with pytest.raises(InvalidInput, match="can be written to"):
        await service_of(sandbox, db.parent / "no folder" / "calls.db").__aenter__()
    db.write_text("this is not a database, and long enough to be none")
    with pytest.raises(InvalidInput, match="cannot be used"):
        await service_of(sandbox, db).__aenter__()
    newer = db.with_name("newer.db")
    registry = SqliteRegistry(newer)
    registry.change("UPDATE revox_registry SET version = 99")
    registry.close()
    with pytest.raises(InvalidInput, match="Upgrade revox-langchain"):
        await service_of(sandbox, newer).__aenter__()


async def test_what_is_old_is_erased_with_what_was_said(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db) as service:
        thread_id = await service.threads.start(REQUEST)
        await until(service, thread_id, ended)
    sandbox.world.advance(3 * 86_400)
    async with service_of(sandbox, db, keep_days=2) as service:
        while await service.threads.rows():
            await asyncio.sleep(0.001)
        assert (await service.runner.graph.aget_state({"configurable": {"thread_id": thread_id}})).values == {}


async def test_a_service_that_stops_takes_nothing_new(sandbox: Sandbox, db: Path) -> None:
    service = service_of(sandbox, db)
    await service.__aenter__()
    service.threads.runs.stopping = True
    with pytest.raises(Refused, match="stopping"):
        await service.threads.start(REQUEST)
    await service.aclose()


@pytest.mark.slow
async def test_hundreds_of_calls_share_the_sweep_and_are_each_reported_once(sandbox: Sandbox, db: Path) -> None:
    async with service_of(sandbox, db, policy=DialPolicy(min_gap_s=0)) as service:
        ids = [await service.threads.start({**REQUEST, "intent": f"n{at}"}, f"t{at}") for at in range(60)]
        rows = [await until(service, thread_id, ended) for thread_id in ids]
    assert {row.result["status"] for row in rows if row.result} == {"completed"}
    assert len(sandbox.dials) == len({order["id"] for order in sandbox.dials}) == 60


async def test_every_thread_is_reported_once_before_it_is_listed_as_ended(sandbox: Sandbox, db: Path) -> None:
    reports: list[tuple[Row, Row]] = []

    async def report(row: Row) -> None:
        reports.append((row, await service.threads.row(row.thread_id)))

    service = service_of(sandbox, db, on_report=report)
    async with service:
        await service.threads.start(REQUEST, "answers")
        await service.threads.start({**REQUEST, "phone_number": "+19005551234"}, "refused")
        for thread_id in ("answers", "refused"):
            await until(service, thread_id, ended)
        result = reports[0][0].result
        assert result is not None
        await service.heard(CallResult.from_call(sandbox.world.orders[sandbox.dials[0]["id"]]))
    async with service_of(sandbox, db, on_report=report):
        pass
    assert sorted(row.thread_id for row, _ in reports) == ["answers", "refused"]
    assert {row.state for row, _ in reports} == {"ended"}
    assert {listed.state for _, listed in reports} <= {"running", "waiting"}
    told = {row.thread_id: row.result["status"] for row, _ in reports if row.result}
    assert told == {"answers": "completed", "refused": "refused"}


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_report_that_fails_is_made_again(sandbox: Sandbox, db: Path, is_async: bool) -> None:
    told: list[Row] = []

    def report(row: Row) -> None:
        told.append(row)
        if len(told) == 1:
            raise OSError("the mail server is away")

    async def report_async(row: Row) -> None:
        report(row)

    async with service_of(sandbox, db, on_report=report_async if is_async else report) as service:
        await service.threads.start(REQUEST, "t")
        row = await until(service, "t", ended)
    assert [each.result for each in told] == [row.result] * 2
    assert len(sandbox.dials) == 1


async def test_a_report_that_failed_until_a_crash_is_made_after_it(sandbox: Sandbox, db: Path) -> None:
    tried, told = asyncio.Event(), []

    async def fails(row: Row) -> None:
        tried.set()
        raise OSError("the mail server is away")

    first = service_of(sandbox, db, on_report=fails)
    await first.__aenter__()
    await first.threads.start(REQUEST, "t")
    await tried.wait()
    await _killed(first)
    async with service_of(sandbox, db, on_report=told.append) as second:
        row = await until(second, "t", ended)
    assert [each.result for each in told] == [row.result]
    assert len(sandbox.dials) == 1


async def test_a_thread_that_fails_is_reported_with_its_error(db: Path) -> None:
    told: list[Row] = []
    sandbox = Sandbox(key="sk_right")
    async with Service(sandbox.connect("sk_wrong"), db, on_report=told.append) as service:
        row = await until(service, await service.threads.start(REQUEST), lambda row: row.state in ("failed", "ended"))
    assert [each.result for each in told] == [row.result]


async def test_one_name_started_by_several_at_once_is_reported_once(sandbox: Sandbox, db: Path) -> None:
    told: list[Row] = []
    async with service_of(sandbox, db, on_report=told.append) as service:
        refused = {**REQUEST, "phone_number": "+19005551234"}
        await asyncio.gather(*(service.threads.start(refused, "t") for _ in range(5)))
        await until(service, "t", ended)
        await asyncio.gather(*service._dispatcher._tasks)
    assert len(told) == 1


@pytest.mark.slow
async def test_an_answer_that_a_crash_cut_off_is_not_forgotten(sandbox: Sandbox, db: Path) -> None:
    first = service_of(sandbox, db, approve=True)
    await first.__aenter__()
    await first.threads.start(REQUEST, "t")
    await until(first, "t", lambda row: row.state == "asking")
    listed: list[str] = []
    answer = sandbox.answer

    def looks(request: httpx.Request) -> tuple[httpx.Response, float]:
        if (request.method, request.url.path) == ("POST", "/api/call"):
            row = first.threads.registry.row("t")
            listed.append(row.state if row else "")
        return answer(request)

    sandbox.answer = looks  # type: ignore[method-assign]
    await first.threads.answer("t", True)
    while not listed:
        await asyncio.sleep(0.001)
    await _killed(first)
    assert listed == ["running"], "a crash during the answer would have left a question nobody is asked"


@pytest.mark.slow
async def test_an_answer_that_a_crash_lost_is_asked_for_again(sandbox: Sandbox, db: Path) -> None:
    first = service_of(sandbox, db, approve=True)
    await first.__aenter__()
    await first.threads.start(REQUEST, "t")
    await until(first, "t", lambda row: row.state == "asking")
    await first.threads.answer("t", True)
    await _killed(first)
    assert not sandbox.dials
    async with service_of(sandbox, db, approve=True) as second:
        await until(second, "t", lambda row: row.state == "asking")
        await second.threads.answer("t", True)
        await until(second, "t", ended)
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_a_stop_lets_a_run_finish_the_step_it_is_in_and_the_next_start_goes_on(
    sandbox: Sandbox, db: Path
) -> None:
    service = service_of(sandbox, db)
    await service.__aenter__()
    answer, posted = sandbox.answer, asyncio.Event()

    def stops(request: httpx.Request) -> tuple[httpx.Response, float]:
        if (request.method, request.url.path) == ("POST", "/api/call"):
            posted.set()
        return answer(request)

    sandbox.answer = stops  # type: ignore[method-assign]
    await service.threads.start(REQUEST, "t")
    await posted.wait()
    await service.aclose()
    assert len(sandbox.dials) == 1
    async with service_of(sandbox, db) as again:
        row = await until(again, "t", lambda row: row.state in ("asking", "ended"))
    assert row.result is not None
    assert row.result["adopted"] is False, "the step was cut off, and its order had to be looked for"
    assert len(sandbox.dials) == 1
