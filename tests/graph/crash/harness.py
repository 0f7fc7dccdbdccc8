"""Starts processes that run a graph, kills them, starts others, and counts the orders."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from revox_langchain.dialing.intent import MARK
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.processes import patience_s, started

PHONE = "+12025550100"
REQUEST = {"phone_number": PHONE, "prompt": "Confirm the appointment on Tuesday at three.", "language": "en"}
SPEED = 400.0
SETTLE_S = 1.6
"""By the children's clock, which makes four seconds out of one."""

POST_CALL = ("POST", "/api/call")
SEARCH = ("POST", "/api/call/search")
CREATE_ASSISTANT = ("POST", "/api/assistants")
CREATE_CAMPAIGN = ("POST", "/api/campaigns")
LAUNCH = ("POST", "/api/campaigns/*/launch-calls")


class Hold:
    """A request that the server keeps waiting, so that a process can be killed in the meantime.

    Args:
        request: Method and path of the request; a `*` stands for an id.
        moment: Whether it waits before Revox acts on it or after.
        nth: Which of these requests waits.
        once_placed: Whether only requests after the first order count.
    """

    def __init__(self, request: tuple[str, str], moment: str, nth: int = 1, *, once_placed: bool = False) -> None:
        self.request = request
        self.moment = moment
        self.nth = nth
        self.once_placed = once_placed
        self.arrived = threading.Event()
        self._go_on = threading.Event()
        self._lost = False

    def wait_for_it(self) -> None:
        assert self.arrived.wait(patience_s()), f"{self.request} never came"

    def release(self, *, lost: bool = False) -> None:
        """Let it go on; a lost one never takes effect if it waits before that."""
        self._lost = lost
        self._go_on.set()

    def stand(self, request: httpx.Request) -> None:
        self.arrived.set()
        self._go_on.wait(patience_s())
        if self._lost and self.moment == "before":
            raise httpx.ReadError("the connection broke before the request took effect", request=request)


class HeldSandbox(Sandbox):
    """A sandbox that can keep a request waiting."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.holds: list[Hold] = []

    def hold(self, request: tuple[str, str], moment: str, nth: int = 1, *, once_placed: bool = False) -> Hold:
        hold = Hold(request, moment, nth, once_placed=once_placed)
        self.holds.append(hold)
        return hold

    def answer(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        hold = self._strikes(request)
        if hold is not None and hold.moment == "before":
            hold.stand(request)
        answer = super().answer(request)
        if hold is not None and hold.moment == "after":
            hold.stand(request)
        return answer

    def _strikes(self, request: httpx.Request) -> Hold | None:
        with self._lock:
            for hold in self.holds:
                method, path = hold.request
                same = method == request.method and fnmatchcase(request.url.path, path)
                if same and (self.dials or not hold.once_placed):
                    hold.nth -= 1
                    if hold.nth == 0:
                        return hold
        return None


@dataclass
class Report:
    """What a process had to say until it ended."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    @property
    def was_killed(self) -> bool:
        return not self.of("end") and not self.of("failed")

    @property
    def error(self) -> dict[str, Any] | None:
        failed = self.of("failed")
        return failed[0] if failed else None

    @property
    def values(self) -> dict[str, Any]:
        assert self.error is None, self.error["traceback"]
        assert self.of("end"), "the process was killed"
        return self.of("end")[0]["values"]

    @property
    def question(self) -> dict[str, Any] | None:
        asks = self.of("end")[0]["asks"] if self.of("end") else []
        return asks[0] if asks else None


class Child:
    """A process that runs a graph once."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._rest = b""
        self._report = Report()
        self._open = True
        self._read_until(lambda: bool(self._report.events))
        self.pid = int(self._report.events[0]["pid"])

    def kill(self) -> Report:
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> Report:
        self._read_until(lambda: False)
        return self._report

    def wait_for(self, event: str, **fields: Any) -> None:
        """Wait until the process says so."""
        wanted = {"event": event, **fields}
        self._read_until(lambda: any(wanted.items() <= each.items() for each in self._report.events))
        assert self._open, f"the process ended without {wanted}"

    def _read_until(self, seen: Any) -> None:
        give_up_s = time.monotonic() + patience_s()
        while self._open and not seen():
            ready, _, _ = select.select([self._pipe], [], [], max(0.0, give_up_s - time.monotonic()))
            assert ready, f"the process said nothing more after {self._report.events[-3:]}"
            data = os.read(self._pipe, 1 << 16)
            if not data:
                os.close(self._pipe)
                self._open = False
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._report.events += [json.loads(line) for line in lines]


class Template:
    """The warm process that children are forked from: a cold one spends 1.5 s on imports alone."""

    def __init__(self) -> None:
        self._jobs, theirs = socket.socketpair()
        env = {name: value for name, value in os.environ.items() if not name.startswith("REVOX_")}
        program = Path(__file__).with_name("child.py")
        command = [sys.executable, "-W", "error", str(program), str(theirs.fileno())]
        with theirs, ExitStack() as stack:
            stack.callback(self._jobs.close)
            self._process = stack.enter_context(started(command, pass_fds=[theirs.fileno()], env=env))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._jobs.close()
        with self._stack:
            # It ends by itself; children that a failed test left behind do not.
            self._process.wait(patience_s())

    def start(self, job: dict[str, Any]) -> Child:
        ours, theirs = os.pipe()
        socket.send_fds(self._jobs, [json.dumps(job).encode()], [theirs])
        os.close(theirs)
        return Child(ours)


class Stage:
    """One sandbox on a socket, and the processes that call through it.

    Attributes:
        sandbox: Who counts the orders.
        base_url: Where it listens.
    """

    def __init__(self, sandbox: HeldSandbox, base_url: str, template: Template) -> None:
        self.sandbox = sandbox
        self.base_url = base_url
        self._template = template
        self._directory = Path()
        self._state = 0
        self._threads = 0
        self._thread_id = ""

    @contextmanager
    def set(self, directory: Path, **switches: Any) -> Iterator[Self]:
        """Begin a scenario in a world of its own, with a new thread and no state."""
        self.sandbox.reset()
        self.sandbox.switches = self.sandbox.switches.changed({"search_lag_s": 0.0, **switches})
        self.sandbox.holds.clear()
        self._directory, self._state = directory, 0
        self._threads += 1
        self._thread_id = f"thread {self._threads}"
        yield self
        for hold in self.sandbox.holds:
            hold.release(lost=True)

    def let_it_ring(self) -> None:
        """Lift a limit of no calls at a time, under which orders wait however slow this machine is."""
        self.sandbox.switches = self.sandbox.switches.changed({"organization_limit": 100})

    def show_everything(self) -> None:
        """Let the search show every order at once."""
        self.sandbox.switches = self.sandbox.switches.changed({"search_lag_s": 0.0})

    def lose_state(self) -> None:
        """Whatever was saved is gone: the next process finds a new database."""
        self._state += 1

    def start(self, mode: str = "invoke", durability: str = "sync", **job: Any) -> Child:
        """Start a process. It goes on where the state says, or submits the request where there is no state."""
        return self._template.start(
            {
                "base_url": self.base_url,
                "db": str(self._directory / f"state{self._state}.sqlite"),
                "async": mode == "ainvoke",
                "durability": durability,
                "thread_id": self._thread_id,
                "request": REQUEST,
                "resubmit": False,
                "nested": False,
                "die": None,
                "timeout_s": 10.0,
                "graph": {},
                **job,
                "policy": {"settle_s": SETTLE_S, "min_gap_s": 0},
            }
        )

    def run(self, mode: str = "invoke", durability: str = "sync", **job: Any) -> Report:
        """Run a process to its end."""
        return self.start(mode, durability, **job).wait()

    @property
    def orders(self) -> list[dict[str, Any]]:
        """All orders ever placed, by any process."""
        return list(self.sandbox.dials)

    @property
    def intents(self) -> set[str]:
        """The marks they carry."""
        return {order["metadata"][MARK] for order in self.orders}

    @property
    def assistants(self) -> int:
        """How many assistants were created."""
        return len(self.sandbox.world.assistants)


@contextmanager
def stage() -> Iterator[Stage]:
    """Put up a sandbox on a socket and a warm template process."""
    with SandboxServer(HeldSandbox(speed=SPEED)) as server, Template() as template:
        assert isinstance(server.sandbox, HeldSandbox)
        yield Stage(server.sandbox, server.base_url, template)
