"""A forked child starts over with what it must not share: another order's answer, a turn no one gives back."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from revox_langchain.sandbox.server import SandboxServer
from tests.processes import patience_s

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")

PREAMBLE = """
import asyncio, os, signal, sys
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Intent, Order
from revox_langchain.dialing.placing import place
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.flow import Event, Pause, Tick, run
from revox_langchain.operations.calls import GetCall, GetCallHistory, MakeCall
from tests.processes import patience_s

signal.alarm(60)
connection = Connection("sk_any", base_url=sys.argv[1])


def forked(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        try:
            work()
        except BaseException as error:
            print("child:", repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid


def wait_for(*pids):
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)

"""


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


def in_a_process(server: SandboxServer, script: str) -> None:
    """Run a script in a process without threads: forking beside threads is a risk of its own, and a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", PREAMBLE + textwrap.dedent(script), server.base_url],
        capture_output=True,
        text=True,
        timeout=patience_s(),
        env={**os.environ, "NO_PROXY": "*"},
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_no_process_reads_the_answer_of_another(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        ids = [
            connection.send(MakeCall(phone_number=f"+1202555010{n}", prompt="Hi"))["call"]["id"] for n in range(5)
        ]

        def read(mine):
            for _ in range(60):
                assert connection.send(GetCall(call_id=mine))["call"]["id"] == mine

        children = [forked(lambda mine=mine: read(mine)) for mine in ids[1:]]
        read(ids[0])
        wait_for(*children)
        """,
    )


@pytest.mark.slow
def test_async_clients_are_not_shared_either(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        ids = [
            connection.send(MakeCall(phone_number=f"+1202555010{n}", prompt="Hi"))["call"]["id"] for n in range(4)
        ]

        async def read(mine):
            for _ in range(40):
                assert (await connection.asend(GetCall(call_id=mine)))["call"]["id"] == mine

        loop = asyncio.new_event_loop()
        loop.run_until_complete(read(ids[0]))
        children = [forked(lambda mine=mine: asyncio.run(read(mine))) for mine in ids[1:]]
        loop.run_until_complete(read(ids[0]))
        wait_for(*children)
        """,
    )


@pytest.mark.slow
def test_a_child_dials_a_number_that_its_parent_held(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        def order(name):
            return Order(MakeCall(phone_number="+12025550100", prompt="Hi"), Intent(name, durable=True))

        held = place(order("parent"), Guard())
        step = next(held)
        while isinstance(step, (Pause, Event)):
            step = held.send(Tick(0.0) if isinstance(step, Pause) else None)
        assert isinstance(step, GetCallHistory)

        def dial():
            placed = run(place(order("child"), Guard(DialPolicy(min_gap_s=0))), connection)
            assert not placed.adopted
            held.close()

        wait_for(forked(dial))
        """,
    )
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_what_a_parent_has_armed_is_not_fresh_in_its_child(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        from revox_langchain.graph.call.arming import FreshTokens

        tokens = FreshTokens()
        tokens.add("token")

        def look():
            assert not tokens.take("token")
            tokens.add("own")
            assert tokens.take("own")

        wait_for(forked(look))
        assert tokens.take("token")
        """,
    )


@pytest.mark.slow
def test_a_child_has_a_hosted_loop_of_its_own(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        import warnings
        from revox_langchain.tools.hosted.background import in_background

        # The loop runs in a thread, which is what Python 3.12 warns of.
        warnings.simplefilter("ignore", DeprecationWarning)

        async def answer():
            return os.getpid()

        assert in_background(answer()) == os.getpid()

        def ask():
            assert in_background(answer()) == os.getpid()

        wait_for(forked(ask))
        """,
    )


@pytest.mark.slow
def test_locks_that_a_thread_held_at_the_fork_are_free_in_the_child(server: SandboxServer) -> None:
    in_a_process(
        server,
        """
        import threading, warnings
        from revox_langchain.dialing.budget import Budget, Cost
        from revox_langchain.dialing import locks

        warnings.simplefilter("ignore", DeprecationWarning)
        budget = Budget(orders=2)
        budget.reserve("first", "scope", Cost())
        held, go_on = threading.Event(), threading.Event()

        def hold():
            with budget._kept._lock, connection._lock, locks._LOCK:
                held.set()
                go_on.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()

        def use():
            assert budget.reserve("second", "scope", Cost())
            assert budget.reserved()["orders"] == 2
            connection.send(GetCallHistory())
            assert list(locks.holding("name", lambda: iter(()))) == []

        child = forked(use)
        go_on.set()
        thread.join()
        wait_for(child)
        """,
    )
