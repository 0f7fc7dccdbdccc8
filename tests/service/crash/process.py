"""A service in a process of its own, or workers in several: started, killed, and asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.processes import patience_s, started

TOKEN, APPROVAL = "the-token-for-using-it", "the-token-for-approving"
USES = {"Authorization": f"Bearer {TOKEN}"}
APPROVES = {"Authorization": f"Bearer {APPROVAL}"}


class ServiceProcess:
    """The process, and a client of it that survives it.

    Attributes:
        killed: Ids of the processes that were killed.
    """

    def __init__(self, base_url: str, folder: Path, dsn: str | None = None, orders: int | None = None) -> None:
        self.folder = folder
        self.killed: list[int] = []
        self._port = free_port()
        self._stack = ExitStack()
        self._client = self._stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=patience_s(), trust_env=False)
        )
        self._settings = {
            "base_url": base_url,
            "folder": str(folder),
            "port": self._port,
            "token": TOKEN,
            "approval_token": APPROVAL,
            "dsn": dsn,
            "orders": orders,
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = self._started("serve", self._settings)
        until(self._answers, "the service did not start")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._killed(self._process)

    def power_cut(self) -> None:
        """Kill it, and start it again."""
        self.kill()
        self.start()

    def ask_to_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def stopped(self) -> int:
        """Wait until it has ended by itself; how it did."""
        assert self._process is not None
        return self._process.wait(patience_s(90))

    def listens(self) -> bool:
        """Whether it still takes connections."""
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{self._port}/healthz", trust_env=False)
            return True
        return False

    def close(self) -> None:
        self._stack.close()

    def asked(self, method: str, path: str, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
        """Ask until there is an answer: a client that hears nothing says the same again."""
        give_up_s = time.monotonic() + patience_s(120)
        while True:
            with suppress(httpx.TransportError):
                answer = self._client.request(method, path, headers=headers or USES, **given)
                if answer.status_code != 503:
                    return answer
            assert time.monotonic() < give_up_s, f"{method} {path} was never answered"
            time.sleep(0.05)

    def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        counts: dict[str, int] = self.asked("GET", "/status").json()["threads"]
        return counts

    def threads(self, count: int) -> list[dict[str, Any]]:
        """Every thread, with its result."""
        return [self.asked("GET", f"/calls/{name(at)}").json() for at in range(count)]

    def reports(self) -> list[dict[str, Any]]:
        """What was reported so far, by whichever process."""
        path = self.folder / "reports.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _started(self, role: str, settings: dict[str, Any]) -> subprocess.Popen[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("REVOX_")}
        command = [sys.executable, "-m", "tests.service.crash.child", role, json.dumps(settings)]
        return self._stack.enter_context(started(command, env=env))

    def _killed(self, process: subprocess.Popen[str]) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.killed.append(process.pid)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the service ended as it started"
        with suppress(httpx.TransportError):
            return self._client.get("/healthz").status_code == 200
        return False


class WorkerProcesses(ServiceProcess):
    """Two workers on one database, of which one dies for good, and a front that hands calls to them."""

    def __init__(self, base_url: str, folder: Path, dsn: str, orders: int | None = None) -> None:
        super().__init__(base_url, folder, dsn, orders)
        self._workers: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        super().start()
        settings = {name: value for name, value in self._settings.items() if name != "approval_token"}
        self._workers = [self._started("work", settings) for _ in range(2)]

    def power_cut(self) -> None:
        """Kill a worker; no other one takes its place."""
        assert len(self._workers) > 1, "nobody would be left"
        self._killed(self._workers.pop(0))

    def ask_to_stop(self) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        super().ask_to_stop()

    def stopped(self) -> int:
        """Wait until all have ended by themselves; how they did."""
        return max(super().stopped(), *(worker.wait(patience_s(90)) for worker in self._workers))


@contextmanager
def service_process(
    base_url: str, folder: Path, dsn: str | None = None, orders: int | None = None
) -> Iterator[ServiceProcess]:
    """A service that runs, or workers if there is a database, with a budget; afterwards they are gone."""
    if dsn is None:
        process = ServiceProcess(base_url, folder, orders=orders)
    else:
        process = WorkerProcesses(base_url, folder, dsn, orders)
    try:
        process.start()
        yield process
    finally:
        process.close()


def name(at: int) -> str:
    """Name of a thread."""
    return f"thread-{at}"


def until(holds: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> None:
    """Wait for something that other processes do."""
    give_up_s = time.monotonic() + patience_s(seconds)
    while not holds():
        assert time.monotonic() < give_up_s, otherwise
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
