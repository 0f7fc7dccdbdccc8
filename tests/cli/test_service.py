"""`serve` and `call --via`, as programs that people start and kill."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from revox_langchain.cli.app import run
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.processes import patience_s, started

TOKEN, APPROVAL = "the-token-for-using-it", "the-token-for-approving"
USES, APPROVES = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"Bearer {APPROVAL}"}
COMMAND = [sys.executable, "-m", "revox_langchain"]


class Served:
    """A `serve` process: its address, and what it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.url = ""
        threading.Thread(target=self._listen, daemon=True).start()
        until_s = time.monotonic() + patience_s()
        while not self.url:
            assert process.poll() is None or time.monotonic() < until_s, self.said
            time.sleep(0.01)
        while True:
            try:
                httpx.get(f"{self.url}/healthz").raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < until_s, self.said
                time.sleep(0.02)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://[\d.]+:\d+", line):
                self.url = self.url or found[0]

    def ended(self, thread_id: str) -> dict[str, Any]:
        until_s = time.monotonic() + patience_s()
        while True:
            shown: dict[str, Any] = httpx.get(f"{self.url}/calls/{thread_id}", headers=USES).json()
            if shown["state"] in ("ended", "failed") or time.monotonic() > until_s:
                return shown
            time.sleep(0.05)


@contextmanager
def serving(db: Path, *more: str, env: dict[str, str] | None = None, sandbox: bool = True) -> Iterator[Served]:
    command = [*COMMAND, "serve", "--db", str(db), "--port", "0", "--interval-s", "0.5", *more]
    command += ["--sandbox", "--speed", "60"] if sandbox else []
    tokens = {"REVOX_SERVICE_TOKEN": TOKEN, "REVOX_APPROVAL_TOKEN": APPROVAL}
    whole = _env({**tokens, **(env or {})})
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=whole) as process:
        yield Served(process)


def _env(more: dict[str, str]) -> dict[str, str]:
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith("REVOX_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_call_goes_through_a_service_and_its_result_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVOX_SERVICE_TOKEN", TOKEN)
    with serving(tmp_path / "calls.db") as served:
        call = ["call", "+12025550100", "--prompt", "Say hello, you are an AI.", "--via", served.url, "--yes", "--json"]
        assert run([*call, "--intent", "greeting-17"]) == 0
        first = json.loads(capsys.readouterr().out)
        assert run([*call, "--intent", "greeting-17"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert run(["call", "+19005551234", "--prompt", "Hi, I am an AI.", "--via", served.url, "--yes", "--json"]) == 3
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "premium_number"
        monkeypatch.setenv("REVOX_SERVICE_TOKEN", "the-wrong-token-of-it")
        assert run(call) == 4
        assert "--token" in capsys.readouterr().err
    assert first["status"] == "completed"
    assert first["call_id"] == again["call_id"]
    assert "Ctrl-C" in served.said[0]


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_service_that_is_killed_goes_on_where_it_was_and_dials_nobody_twice(tmp_path: Path) -> None:
    sandbox = Sandbox(speed=20)
    body = {"request": {"phone_number": "+12025550102", "prompt": "Say hello, you are an AI."}, "thread_id": "t"}
    with SandboxServer(sandbox) as server:
        env = {"REVOX_API_KEY": "sk_any", "REVOX_BASE_URL": server.base_url}
        hooked = {**env, "REVOX_WEBHOOK_TOKEN": "the-token-of-the-hook"}
        with serving(
            tmp_path / "calls.db", "--public-url", "https://us.example.com", env=hooked, sandbox=False
        ) as served:
            assert httpx.post(f"{served.url}/calls", json=body, headers=USES).status_code == 202
            until_s = time.monotonic() + patience_s()
            while not sandbox.dials and time.monotonic() < until_s:
                time.sleep(0.01)
            served.process.kill()
            served.process.wait()
        with serving(tmp_path / "calls.db", env=env, sandbox=False) as served:
            assert httpx.post(f"{served.url}/calls", json=body, headers=USES).status_code == 202
            sandbox.world.advance(3 * 3600)
            shown = served.ended("t")
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(patience_s()) == 0
    assert shown["result"]["status"] == "completed"
    assert len(sandbox.dials) == 1
    [posted] = sandbox.outbox
    assert posted["url"] == "https://us.example.com/call-ended/the-token-of-the-hook"
    assert "the-token-of-the-hook" not in json.dumps(shown)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_what_stands_in_the_way_of_serving_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "calls.db"
    serve = ["serve", "--sandbox", "--port", "0", "--db"]
    with serving(db) as served:
        assert run([*serve, str(db)]) == 2
        assert "Another process uses" in capsys.readouterr().err
        port = served.url.rpartition(":")[2]
        assert run(["serve", "--sandbox", "--port", port, "--db", str(tmp_path / "other.db")]) == 2
        assert "Cannot listen" in capsys.readouterr().err
    assert run([*serve, str(tmp_path / "no folder" / "calls.db")]) == 2
    assert "can be written to" in capsys.readouterr().err
    assert run([*serve, str(db), "--token", "short"]) == 2
    assert "too short" in capsys.readouterr().err
    assert run([*serve, str(db), "--token", TOKEN, "--approval-token", TOKEN]) == 2
    assert "the same as the other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--approve"], "--approve does not go with it"),
        (["--keep-days", "3", "--db", "calls.db"], "--db, --keep-days does not go"),
        (["--sandbox"], "--sandbox does not go with it"),
        (["--public-url", "https://us.example.com"], "REVOX_WEBHOOK_TOKEN"),
    ],
)
def test_what_the_workers_decide_is_not_given_to_their_front(
    args: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVOX_API_KEY", "sk_any")
    assert run(["serve", "--port", "0", "--dsn", "postgresql://127.0.0.1:1/calls", *args]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.enable_socket
def test_a_database_of_workers_that_is_away_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVOX_API_KEY", "sk_any")
    monkeypatch.setenv("REVOX_DSN", "postgresql://me:hunter2@127.0.0.1:1/calls")
    assert run(["serve", "--port", "0"]) == 5
    said = capsys.readouterr().err
    assert "The database cannot be reached" in said
    assert "hunter2" not in said


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("command", ["serve", "worker", "sweep"])
@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("reports", "module:function"),
        (":told", "module:function"),
        ("no_such_module:told", "cannot be imported (ModuleNotFoundError"),
        ("broken_reports:told", "cannot be imported (ZeroDivisionError"),
        ("my_reports:missing", "names nothing"),
        ("my_reports:number", "is not a function"),
    ],
)
def test_a_function_for_reports_that_cannot_be_found_is_one_sentence(
    command: str,
    named: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "my_reports.py").write_text("number = 1\n")
    (tmp_path / "broken_reports.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVOX_API_KEY", "sk_any")
    more = ["--port", "0"] if command == "serve" else ["--dsn", "postgresql://127.0.0.1:1/calls"]
    assert run([command, *more, "--on-report", named]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_service_that_is_not_there_is_told_and_nothing_is_dialed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    call = ["call", "+12025550100", "--prompt", "Hi, I am an AI.", "--via", url, "--yes"]
    assert run(call) == 2
    assert "REVOX_SERVICE_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("REVOX_SERVICE_TOKEN", TOKEN)
    assert run(call) == 5
    assert "no answer from a service" in capsys.readouterr().err
    assert run([*call, "--sandbox"]) == 2
