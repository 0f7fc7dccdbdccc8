"""`calls`: which calls there are and what becomes of them; lists as tables, JSON or Markdown."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from revox_langchain.cli.app import app, run
from revox_langchain.cli.screen import Screen
from revox_langchain.operations.calls import CancelCall, MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer

ANSI = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\r")
KEY, ANSWERS, BUSY = "key-that-no-one-may-see", "+12025550100", "+12025550101"


@pytest.fixture(scope="module")
def served() -> Iterator[SandboxServer]:
    """A sandbox on a port, whose time stands still unless it is pushed."""
    with SandboxServer(Sandbox(key=KEY)) as server:
        yield server


@pytest.fixture
def sandbox(served: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Three calls: one an hour ago that was cancelled, one that has ended, and one just placed."""
    served.sandbox.reset()
    monkeypatch.setenv("REVOX_API_KEY", KEY)
    monkeypatch.setenv("REVOX_BASE_URL", served.base_url)
    return served.sandbox


def place(sandbox: Sandbox, number: str) -> str:
    return str(sandbox.connect(KEY).send(MakeCall(phone_number=number, prompt="Say hello."))["call"]["id"])


@pytest.fixture
def ids(sandbox: Sandbox) -> list[str]:
    cancelled = place(sandbox, BUSY)
    sandbox.connect(KEY).send(CancelCall(call_id=cancelled))
    sandbox.world.advance(1800)
    ended = place(sandbox, ANSWERS)
    sandbox.world.advance(1800)
    return [cancelled, ended, place(sandbox, ANSWERS)]


def calls(*args: str) -> Any:
    return CliRunner().invoke(app, ["calls", *args])


def listed(*args: str) -> list[str]:
    return [row["call_id"] for row in json.loads(calls("--json", *args).stdout)["calls"]]


def test_calls_are_listed_newest_first_with_masked_numbers(ids: list[str]) -> None:
    answer = json.loads(calls("--output", "json").stdout)
    assert [row["call_id"] for row in answer["calls"]] == ids[::-1]
    assert (answer["more"], answer["sandbox"]) == (False, True)
    assert answer["calls"][1]["disposition"] == "answered"
    assert answer["calls"][1]["phone_number"] == "+1202•••••00"
    assert ANSWERS in calls("--show-numbers").stdout


@pytest.mark.slow
def test_filters_choose_by_status_number_campaign_and_time(ids: list[str]) -> None:
    assert listed("--status", "cancelled") == [ids[0]]
    assert listed("--status", "cancelled", "--status", "COMPLETED") == [ids[1], ids[0]]
    assert listed("--number", "202-555-0101", "--country", "us") == [ids[0]]
    assert listed("--campaign", "no-such-campaign") == []
    assert listed("--limit", "2") == ids[:0:-1]
    assert listed("--since", "2000-01-01") == ids[::-1]
    assert listed("--since", "2100-01-01T00:00+00:00") == []


def test_that_there_are_more_than_were_asked_for_is_said(ids: list[str]) -> None:
    result = calls("--limit", "1")
    assert len(result.stdout.splitlines()) == 2
    assert "--limit" in result.stderr


@pytest.mark.parametrize("wrong", [("--since", "yesterday"), ("--status", "happy"), ("--number", "12")])
def test_a_filter_that_cannot_be_read_is_one_sentence(sandbox: Sandbox, wrong: tuple[str, str]) -> None:
    result = calls(*wrong)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stdout == ""


def test_an_error_is_json_where_json_was_asked_for_by_format(sandbox: Sandbox) -> None:
    assert json.loads(calls("--output", "json", "--since", "yesterday").stdout)["error"]["code"] == "usage"
    assert json.loads(calls("--output=json", "--since", "yesterday").stdout)["error"]["code"] == "usage"
    assert calls("--json", "--output", "table").exit_code == 2


def test_in_a_pipe_a_call_is_a_line_of_cells(ids: list[str]) -> None:
    heading, *rows = calls().stdout.splitlines()
    assert heading.split("\t")[:2] == ["call_id", "status"]
    assert [row.split("\t")[0] for row in rows] == ids[::-1]


def test_markdown_is_a_table_whose_cells_break_nothing(ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    heading, rule, *rows = calls("--output", "markdown").stdout.splitlines()
    assert heading.count("|") == rule.count("|") == rows[0].count("|")
    assert len(rows) == 3
    Screen(markdown=True).table(("a",), [("x | <b> [y](z)",)])
    assert capsys.readouterr().out.splitlines()[-1] == r"| x \| \<b\> \[y\](z) |"


@pytest.mark.slow
def test_following_shows_each_change_once(ids: list[str], sandbox: Sandbox) -> None:
    def push() -> None:
        while not sandbox.counts["revox_get_call_history"]:
            time.sleep(0.01)
        sandbox.world.advance(1800)

    pushing = threading.Thread(target=push)
    pushing.start()
    result = calls("--follow", "--json", "--interval-s", "0.05", "--max-wait-s", "1")
    pushing.join()
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [row["call_id"] for row in rows[:3]] == ids
    assert {row["call_id"] for row in rows[3:]} == {ids[2]}
    assert rows[-1]["status"] == "completed"


@pytest.mark.slow
def test_following_goes_on_where_revox_fails_for_a_while(ids: list[str], sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", on="revox_get_call_history", status=503, skip=1, times=3))
    result = calls("--follow", "--interval-s", "0.05", "--max-wait-s", "0.1")
    assert result.exit_code == 0
    assert "Trying again." in result.stderr


def test_on_a_terminal_of_60_columns_no_line_is_broken(ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines = [ANSI.sub("", line).rstrip() for line in calls().stdout.splitlines() if line.strip()]
    assert all(len(line) <= 60 for line in lines)
    assert sum(call_id in line for line in lines for call_id in ids) == 3
    assert any(line.strip().startswith("completed, answered") for line in lines)


@pytest.mark.parametrize("command", ["", *typer.main.get_command(app).commands])  # type: ignore[attr-defined]
def test_help_at_60_columns_cuts_nothing_off(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    run([*command.split(), "--help"])
    told = capsys.readouterr().out
    assert "--help" in told
    assert [line for line in told.splitlines() if len(line) > 60 or re.search(r"\w{3}(…|\.\.\.)( |$)", line)] == []


@pytest.mark.parametrize("command", ["voices --sandbox", "tools"])
def test_other_lists_take_a_format_too(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--output", "markdown"])
    lines = result.stdout.splitlines()
    assert lines[1].startswith("| --- |")
    assert len({line.count(" | ") for line in lines}) == 1


def test_a_shell_completes_commands() -> None:
    words = {"_REVOX_LANGCHAIN_COMPLETE": "complete_bash", "COMP_WORDS": "revox-langchain ca", "COMP_CWORD": "1"}
    result = CliRunner().invoke(app, [], env={**os.environ, **words}, prog_name="revox-langchain")
    assert result.stdout.split() == ["call", "calls", "campaign"]


@pytest.mark.slow
def test_the_environment_has_a_call_written_down(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REVOX_AUDIT", str(tmp_path / "audit.jsonl"))
    args = [ANSWERS, "--prompt", "Say hello.", "--language", "en", "--yes", "--json", "--settle-s", "0"]
    result = CliRunner().invoke(app, ["call", *args, "--max-wait-s", "0.1", "--interval-s", "0.05"])
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["phase"] for line in lines if line["operation"] == "revox_make_call"] == ["before", "after"]
    assert lines[-1]["call_id"] == json.loads(result.stdout)["call_id"]
    monkeypatch.setenv("REVOX_AUDIT", str(tmp_path / "no folder" / "audit.jsonl"))
    refused = CliRunner().invoke(app, ["call", "+12025550110", *args[1:]])
    assert (refused.exit_code, len(sandbox.dials)) == (3, 1)
    assert json.loads(refused.stdout)["error"]["code"] == "audit_unwritable"
