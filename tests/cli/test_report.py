"""`report` and `call --open`: a call's page, in a file and in a browser."""

from __future__ import annotations

import io
import json
import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app, run
from revox_langchain.dialing.intent import MARK
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.results.page import page_in
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer

pytest.importorskip("jinja2", reason="this environment is older than the dependency: run make install")

KEY, NUMBER, INTENT = "key-that-no-one-may-see", "+12025550100", "b7e1f2c4-3d7b-5a1e-9c55-6f0f5f2f9a10"


@pytest.fixture(scope="module")
def served() -> Iterator[SandboxServer]:
    """A sandbox on a port, whose time stands still unless it is pushed."""
    with SandboxServer(Sandbox(key=KEY)) as server:
        yield server


@pytest.fixture
def server(served: SandboxServer) -> SandboxServer:
    served.sandbox.reset()
    return served


@pytest.fixture
def call_id(server: SandboxServer) -> str:
    """A call that has ended."""
    connection = server.sandbox.connect(KEY)
    placed = connection.send(MakeCall(phone_number=NUMBER, prompt="Say hello.", metadata={MARK: INTENT}))["call"]
    server.sandbox.world.advance(3600)
    return str(placed["id"])


@pytest.fixture
def account(server: SandboxServer) -> dict[str, str]:
    return {"REVOX_API_KEY": KEY, "REVOX_BASE_URL": server.base_url}


def report(*args: str, env: dict[str, str]) -> Any:
    return CliRunner().invoke(app, ["report", *args], env=env)


def test_a_call_becomes_a_page_with_the_evidence_that_one_order_was_placed(
    call_id: str, account: dict[str, str], server: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "call.html"
    dialed = len(server.sandbox.dials)
    done = report(call_id, "-o", str(file), env=account)
    assert done.exit_code == 0, done.output
    html = file.read_text(encoding="utf-8")
    assert "found it in this one only" in html
    assert (page_in(html).call.call_id, page_in(html).marked) == (call_id, 1)
    assert NUMBER not in html
    assert KEY not in html
    assert len(server.sandbox.dials) == dialed


def test_numbers_stand_whole_where_they_are_asked_for(call_id: str, account: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "call.html"
    assert report(call_id, "-o", str(file), "--show-numbers", env=account).exit_code == 0
    assert NUMBER in file.read_text(encoding="utf-8")


def test_a_search_that_cannot_be_read_leaves_the_evidence_open(
    call_id: str, account: dict[str, str], server: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "call.html"
    server.sandbox.faults.add(Fault("status", on=GetCallHistory, status=403, times=None))
    done = report(call_id, "-o", str(file), env=account)
    assert done.exit_code == 0, done.output
    assert "could not be searched" in file.read_text(encoding="utf-8")


def test_an_unknown_id_is_a_clear_sentence_and_no_file(account: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "call.html"
    for unknown in ("6e726551-8ffa-5020-aaca-7bcfd7e77e8c", "../../etc/passwd"):
        done = report(unknown, "-o", str(file), env=account)
        assert done.exit_code == 2, done.output
        assert done.stderr.count("Error: ") == 1
        assert "Traceback" not in done.output
    assert not file.exists()


def test_a_file_that_exists_is_not_overwritten_unless_that_is_said(
    call_id: str, account: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "call.html"
    file.write_text("mine")
    done = report(call_id, "-o", str(file), env=account)
    assert done.exit_code == 2
    assert "exists already. Pass --force to overwrite it" in " ".join(done.stderr.split())
    assert file.read_text() == "mine"
    assert report(call_id, "-o", str(file), "--force", env=account).exit_code == 0
    assert "<!doctype html>" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("answer", "code", "kept"), [("n", 2, True), ("y", 0, False)])
def test_a_person_at_a_terminal_is_asked_before_a_file_is_overwritten(
    call_id: str,
    account: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    kept: bool,
) -> None:
    file = tmp_path / "call.html"
    file.write_text("mine")
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    terminal, other_end = os.openpty()
    with os.fdopen(other_end, "r+b", buffering=0) as raw, io.TextIOWrapper(raw, write_through=True) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys, "stderr", typed)
        os.write(terminal, f"{answer}\n".encode())
        assert run(["report", call_id, "-o", str(file)]) == code
        said = os.read(terminal, 10_000).decode()
        os.close(terminal)
    assert "exists. Overwrite it?" in said
    assert (file.read_text(encoding="utf-8") == "mine") is kept


@pytest.mark.parametrize(
    ("where", "said"),
    [("no/such/folder/call.html", "There is no folder"), (".", "is a folder"), ("/dev/full", "No space left")],
)
def test_where_nothing_can_be_written_a_sentence_says_so(
    call_id: str, account: dict[str, str], where: str, said: str
) -> None:
    done = report(call_id, "-o", where, "--force", env=account)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert done.stderr.count("Error: ") == 1


def test_a_page_can_go_to_stdout_and_its_summary_as_json(call_id: str, account: dict[str, str], tmp_path: Path) -> None:
    piped = report(call_id, "-o", "-", env=account)
    assert piped.stdout.startswith("<!doctype html>")
    assert page_in(piped.stdout).call.call_id == call_id
    file = str(tmp_path / "call.html")
    summed = json.loads(report(call_id, "-o", file, "--json", env=account).stdout)
    assert summed == {"file": file, "call_id": call_id, "conclusion": "completed"}
    assert report(call_id, "-o", "-", "--json", env=account).exit_code == 2


def test_a_page_of_an_earlier_day_is_drawn_anew_without_an_account(
    call_id: str, account: dict[str, str], tmp_path: Path
) -> None:
    old, new = tmp_path / "old.html", tmp_path / "new.html"
    assert report(call_id, "-o", str(old), env=account).exit_code == 0
    assert report(str(old), "-o", str(new), env={}).exit_code == 0
    assert new.read_text(encoding="utf-8") == old.read_text(encoding="utf-8")
    assert report(str(old), "-o", str(new), "--force", "--show-numbers", env={}).exit_code == 2
    old.write_text("<html>")
    assert "not a page of a call" in report(str(old), "-o", str(new), "--force", env={}).stderr


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that keeps the address it is given in the file beside it."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    # The library reads it once in a process.
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    return tmp_path / "opened"


def in_sandbox(*args: str) -> Any:
    call = ["call", NUMBER, "--prompt", "Confirm the appointment.", "--language", "en", "--sandbox", "--speed", "0"]
    return CliRunner().invoke(app, [*call, "--interval-s", "10", *args])


def test_a_call_can_open_its_page_at_the_end(browser: Path) -> None:
    done = in_sandbox("--open", "--json")
    assert done.exit_code == 0, done.output
    page = Path(browser.read_text().strip().removeprefix("file://"))
    shown = page_in(page.read_text(encoding="utf-8"))
    assert shown.call.call_id == json.loads(done.stdout)["call_id"]
    assert shown.marked == 1
    assert shown.notes
    assert page.stat().st_mode & 0o077 == 0


def test_the_demo_and_a_call_that_is_watched_can_open_their_pages_too(
    browser: Path, call_id: str, account: dict[str, str]
) -> None:
    for args, env in ((["demo", "--speed", "0", "--open"], {}), (["watch", call_id, "--open"], account)):
        browser.unlink(missing_ok=True)
        done = CliRunner().invoke(app, args, env=env)
        assert done.exit_code == 0, done.output
        assert browser.read_text().startswith("file://")


def test_a_browser_that_is_gone_is_a_clear_sentence_and_the_call_ends_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "/no/such/browser")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    done = in_sandbox("--open")
    assert done.exit_code == 0, done.output
    assert "No browser could be opened. The page is " in " ".join(done.stderr.split())
    page = Path(" ".join(done.stderr.split()).rpartition("The page is ")[2])
    assert "<!doctype html>" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_report_can_be_opened_too(call_id: str, account: dict[str, str], browser: Path, tmp_path: Path) -> None:
    done = report(call_id, "-o", str(tmp_path / "call.html"), "--open", env=account)
    assert done.exit_code == 0, done.output
    assert browser.read_text().strip().endswith("/call.html")


def test_a_call_that_was_not_placed_has_no_page(browser: Path) -> None:
    done = CliRunner().invoke(app, ["call", "+19005550100", "--prompt", "Hi there.", "--sandbox", "--open"])
    assert done.exit_code in (2, 3), done.output
    assert not browser.exists()


@pytest.mark.slow
def test_a_service_elsewhere_opens_nothing_here() -> None:
    done = CliRunner().invoke(app, ["call", NUMBER, "--prompt", "Hi.", "--via", "http://127.0.0.1:1", "--open"])
    assert done.exit_code == 2
    assert "--open" in done.stderr
