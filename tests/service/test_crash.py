"""Whenever the service dies, no order is lost, none is placed twice, and each reaches its report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from revox_langchain.sandbox.server import SandboxServer
from tests.graph.crash.harness import POST_CALL, HeldSandbox
from tests.service.crash.harness import SPEED, WHILE, Cuts, body_of, run
from tests.service.crash.process import ServiceProcess, name, service_process, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
    pytest.mark.xdist_group("service crash"),
]


def test_killed_six_times_it_loses_no_order_doubles_none_and_reports_each(tmp_path: Path) -> None:
    figures = run(tmp_path, 40)
    assert figures.kills == 6
    figures.check()


def test_where_nothing_dies_each_call_is_reported_once(tmp_path: Path) -> None:
    figures = run(tmp_path, 20, Cuts())
    assert figures.kills == 0
    figures.check()


@pytest.mark.parametrize("when", WHILE)
def test_one_of_two_workers_dies_for_good_and_the_other_brings_every_call_to_its_report(
    tmp_path: Path, dsn: str, when: str
) -> None:
    figures = run(tmp_path, 20, WHILE[when], dsn=dsn)
    assert figures.kills == 1
    figures.check()


def test_where_no_worker_dies_each_call_is_reported_once(tmp_path: Path, dsn: str) -> None:
    figures = run(tmp_path, 12, Cuts(), dsn=dsn)
    assert figures.kills == 0
    figures.check()


@pytest.fixture
def sandbox() -> HeldSandbox:
    return HeldSandbox(speed=SPEED)


def test_asked_to_stop_while_it_places_calls_it_finishes_those_steps_and_the_next_start_goes_on(
    sandbox: HeldSandbox, tmp_path: Path
) -> None:
    with SandboxServer(sandbox) as server, service_process(server.base_url, tmp_path) as service:
        hold = sandbox.hold(POST_CALL, "after")
        started_calls(service, 6)
        hold.wait_for_it()
        service.ask_to_stop()
        until(lambda: not service.listens(), "it still took calls")
        hold.release()
        assert service.stopped() == 0

        service.start()
        until(lambda: service.counts()["ended"] == 6, "the next start did not go on")
        results = [thread["result"] for thread in service.threads(6)]
        assert [result["status"] for result in results] == ["completed"] * 6
        assert not any(result["adopted"] for result in results), "a step was cut off, and its order looked for"
        assert len(sandbox.dials) == 6
        assert sorted(report["thread_id"] for report in service.reports()) == sorted(map(name, range(6)))


def test_asked_to_stop_it_does_not_wait_for_ever_for_an_answer_of_revox(sandbox: HeldSandbox, tmp_path: Path) -> None:
    with SandboxServer(sandbox) as server, service_process(server.base_url, tmp_path) as service:
        hold = sandbox.hold(POST_CALL, "after")
        started_calls(service, 1)
        hold.wait_for_it()
        service.ask_to_stop()
        assert service.stopped() == 0
        hold.release()

        service.start()
        until(lambda: service.counts()["ended"] == 1, "the next start did not go on")
        assert len(sandbox.dials) == 1


def started_calls(service: ServiceProcess, count: int) -> None:
    for at in range(count):
        assert service.asked("POST", "/calls", json=body_of(at)).status_code == 202
