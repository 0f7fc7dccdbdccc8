"""Worker processes that are killed are replaced by others, and a sweep from cron needs no worker at all."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.connection.connection import Connection
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.service.registry import Row
from revox_langchain.service.worker import Worker
from tests.processes import patience_s, started

KEY = "sk_test"
REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello, you are an AI.", "language": "en"}
HOUR_S = 3600.0


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(key=KEY)) as still:
        yield still


def environment(server: SandboxServer, dsn: str) -> dict[str, str]:
    return {**os.environ, "REVOX_API_KEY": KEY, "REVOX_BASE_URL": server.base_url, "REVOX_DSN": dsn}


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "revox_langchain", *args]


def invoked(server: SandboxServer, dsn: str, *args: str) -> Result:
    return CliRunner().invoke(app, list(args), env=environment(server, dsn))


def swept(server: SandboxServer, dsn: str, *args: str) -> dict[str, int]:
    done = invoked(server, dsn, "sweep", *args)
    assert done.exit_code == 0, done.output
    counts: dict[str, int] = json.loads(done.stdout)["threads"]
    return counts


async def until(front: Worker, thread_id: str, fits: Callable[[Row], bool], patience: float = 120) -> Row:
    until_s = time.monotonic() + patience_s(patience)
    while not fits(row := await front.threads.row(thread_id)):
        assert time.monotonic() < until_s, row
        await asyncio.sleep(0.1)
    return row


@pytest.mark.slow
async def test_a_worker_that_is_killed_while_it_dials_is_replaced_and_no_phone_rings_twice(
    server: SandboxServer, dsn: str
) -> None:
    server.sandbox.faults.add(Fault("delay", on="revox_make_call", seconds=60))
    work = command("worker", "--interval-s", "1")
    async with Connection(KEY, base_url=server.base_url) as account, Worker(account, dsn) as front:
        await front.threads.start(REQUEST, "t")
        with started(work, env=environment(server, dsn), stderr=subprocess.DEVNULL) as first:
            until_s = time.monotonic() + patience_s()
            while not server.sandbox.dials and time.monotonic() < until_s:
                await asyncio.sleep(0.05)
            assert (await front.threads.row("t")).state == "running"
            first.kill()
            first.wait()
        assert len(server.sandbox.dials) == 1
        server.sandbox.world.advance(HOUR_S)
        with started(work, env=environment(server, dsn), stderr=subprocess.DEVNULL):
            row = await until(front, "t", lambda row: row.state not in ("running", "waiting"))
    assert row.result is not None
    assert row.result["status"] == "completed"
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_whoever_sweeps_that_day_dials_within_one_limit(server: SandboxServer, dsn: str) -> None:
    async def start(name: str, phone_number: str) -> None:
        async with Connection(KEY, base_url=server.base_url) as account, Worker(account, dsn) as front:
            await front.threads.start({**REQUEST, "phone_number": phone_number}, name)

    asyncio.run(start("first", "+12025550111"))
    assert swept(server, dsn, "--max-orders-a-day", "1") == {"waiting": 1}
    asyncio.run(start("second", "+12025550122"))
    assert swept(server, dsn, "--max-orders-a-day", "1") == {"waiting": 1, "ended": 1}
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_a_sweep_now_and_then_is_enough(server: SandboxServer, dsn: str) -> None:
    async def start() -> None:
        async with Connection(KEY, base_url=server.base_url) as account, Worker(account, dsn) as front:
            await front.threads.start(REQUEST, "t")

    asyncio.run(start())
    assert swept(server, dsn) == {"waiting": 1}
    assert swept(server, dsn) == {"waiting": 1}
    server.sandbox.world.advance(HOUR_S)
    assert swept(server, dsn) == {"ended": 1}
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
async def test_a_worker_that_is_asked_to_stop_ends_well(server: SandboxServer, dsn: str) -> None:
    with started(command("worker"), env=environment(server, dsn), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert "Working" in process.stderr.readline()
        await asyncio.sleep(1)
        process.terminate()
        assert process.wait(patience_s()) == 0, process.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["worker", "sweep"])
def test_a_database_that_is_away_is_one_sentence_and_an_exit_code(server: SandboxServer, name: str) -> None:
    done = invoked(server, "postgresql://me:hunter2@127.0.0.1:1/calls", name)
    assert done.exit_code == 5
    assert "The database cannot be reached" in done.stderr
    assert "Traceback" not in done.output
    assert "hunter2" not in done.output
