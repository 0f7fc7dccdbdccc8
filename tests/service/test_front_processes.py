"""A front and its workers as processes: a webhook comes to the one, and another one reports the call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import pytest

from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.processes import patience_s, started
from tests.service.crash.process import free_port, until

ROOT = Path(__file__).parents[2]
REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello, you are an AI.", "language": "en", "intent": "hello"}
TOKEN, APPROVAL, HOOK = "the-token-for-using-it", "the-token-for-approving", "the-token-of-the-hook"
USES = {"Authorization": f"Bearer {TOKEN}"}


class Placed:
    """A sandbox, a front and a folder with a function for reports that dies on its first call."""

    def __init__(self, server: SandboxServer, dsn: str, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "reports.py").write_text(_REPORTS)
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("REVOX_")},
            "REVOX_API_KEY": "sk_any",
            "REVOX_BASE_URL": server.base_url,
            "REVOX_DSN": dsn,
            "REVOX_SERVICE_TOKEN": TOKEN,
            "REVOX_APPROVAL_TOKEN": APPROVAL,
            "REVOX_WEBHOOK_TOKEN": HOOK,
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *args: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """A command of ours as a process, in the folder."""
        command = [sys.executable, "-m", "revox_langchain", *args]
        return started(command, cwd=self.folder, env=self._env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def front(self) -> AbstractContextManager[subprocess.Popen[str]]:
        return self.run("serve", "--port", self.url.rpartition(":")[2], "--public-url", self.url)

    def worker(self, interval_s: str) -> AbstractContextManager[subprocess.Popen[str]]:
        shared = ["--public-url", self.url, "--on-report", "reports:told"]
        return self.run("worker", "--interval-s", interval_s, *shared)

    def reports(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []


_REPORTS = """
import os
import signal

def told(row):
    first = not os.path.exists("told")
    with open("told", "a") as file:
        file.write(f"{row.thread_id} {row.result['status']}\\n")
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_webhook_reaches_the_front_and_a_worker_that_dies_as_it_reports_is_replaced(dsn: str, tmp_path: Path) -> None:
    with SandboxServer(Sandbox(speed=60)) as server:
        placed = Placed(server, dsn, tmp_path)
        away = httpx.Client(base_url=placed.url, headers=USES, trust_env=False)
        with placed.front() as front, away as client:
            until(lambda: _answers(client), "the front did not start")
            begun = client.post("/calls", json={"request": REQUEST, "thread_id": "t"})
            # Nobody looks for ten minutes: only a webhook can end the call's wait.
            with placed.worker("600") as first:
                until(lambda: first.poll() is not None, "the worker did not report", 120)
            assert placed.reports() == ["t completed"]
            assert client.get("/calls/t").json()["state"] in ("waiting", "running")
            with placed.worker("1"):
                until(lambda: client.get("/calls/t").json()["state"] == "ended", "nobody took it up", 180)
            shown = client.get("/calls/t").json()
            front.send_signal(signal.SIGTERM)
            assert front.wait(patience_s()) == 0
            assert front.stderr is not None
            said = front.stderr.read()
        dials = len(server.sandbox.dials)
    assert begun.status_code == 202
    assert placed.reports() == ["t completed"] * 2
    assert (shown["result"]["status"], dials) == ("completed", 1)
    assert HOOK not in said
    assert "Traceback" not in said


def _answers(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/healthz").status_code == 200
    return False
