"""Flows are driven alike in both modes: the same steps, answers and errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import NotFound, RevoxToolError
from revox_langchain.flow import Event, Flow, Pause, Recent, Tick, arun, run
from revox_langchain.operations.calls import GetCall
from revox_langchain.operations.voices import ListVoices
from revox_langchain.sandbox import Sandbox


def drive(flow: Flow[Any], connection: Connection, mode: str, **options: Any) -> Any:
    if mode == "sync":
        return run(flow, connection, **options)
    return asyncio.run(arun(flow, connection, **options))


both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@both_modes
def test_an_operation_is_answered_with_its_json(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[int]:
        return len((yield ListVoices())["voices"])

    assert drive(flow(), sandbox.connect(), mode) > 8


@both_modes
def test_an_error_is_thrown_into_the_flow_and_may_be_handled_there(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[str]:
        try:
            yield GetCall(call_id="nobody")
        except NotFound as error:
            return error.code
        return "found"

    assert drive(flow(), sandbox.connect(), mode) == "not_found"


@both_modes
def test_an_error_the_flow_does_not_handle_comes_out(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[None]:
        yield GetCall(call_id="nobody")

    with pytest.raises(NotFound):
        drive(flow(), sandbox.connect(), mode)


@both_modes
def test_a_pause_lets_the_sandbox_clock_run_and_tells_the_time(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[tuple[Tick, Tick]]:
        return (yield Pause(0)), (yield Pause(90))

    before, after = drive(flow(), sandbox.connect(), mode)
    assert after.now_s - before.now_s == 90
    assert not after.stop_requested


@both_modes
def test_a_stop_request_is_told_at_the_next_pause(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[bool]:
        return (yield Pause(1)).stop_requested

    assert drive(flow(), sandbox.connect(), mode, stop=lambda: True)


@both_modes
def test_a_recent_read_is_sent_once_while_it_is_fresh(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[None]:
        yield Recent(ListVoices(), max_age_s=60)
        yield Recent(ListVoices(), max_age_s=60)
        yield Pause(61)
        yield Recent(ListVoices(), max_age_s=60)

    drive(flow(), sandbox.connect(), mode)
    assert len(sandbox.requests) == 2


@both_modes
def test_events_reach_whoever_watches(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[None]:
        yield Event({"type": "one"})
        yield Event({"type": "two"})

    seen: list[dict[str, Any]] = []
    drive(flow(), sandbox.connect(), mode, emit=seen.append)
    assert [event["type"] for event in seen] == ["one", "two"]
    drive(flow(), sandbox.connect(), mode)


def test_cancelling_an_async_run_closes_the_flow(sandbox: Sandbox) -> None:
    closed: list[str] = []

    def flow() -> Flow[None]:
        try:
            while True:
                yield Pause(1)
        finally:
            closed.append("closed")

    async def cancelled() -> None:
        task = asyncio.create_task(arun(flow(), sandbox.connect()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert closed == ["closed"]


@both_modes
def test_a_bug_in_a_flow_comes_out_as_itself(sandbox: Sandbox, mode: str) -> None:
    def flow() -> Flow[None]:
        yield Pause(0)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        drive(flow(), sandbox.connect(), mode)


@pytest.mark.slow
def test_the_error_of_a_flow_is_the_one_it_raised(sandbox: Sandbox) -> None:
    def flow() -> Flow[None]:
        try:
            yield GetCall(call_id="nobody")
        except RevoxToolError as error:
            raise RevoxToolError("mine", code="mine") from error

    with pytest.raises(RevoxToolError, match="mine") as caught:
        run(flow(), sandbox.connect())
    assert caught.value.code == "mine"
