"""`campaign`: contacts of a file are called once each, whatever happens to the process."""

from __future__ import annotations

import csv
import json
import signal
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.operations.campaigns import ListCampaigns
from revox_langchain.report.campaign import campaign_page_in
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.cli.test_cli import KEY, at_a_terminal, type_after
from tests.processes import patience_s

PROMPT = "You are an AI assistant. Confirm the appointment on Tuesday with {{name}}."
FILE = """phone,language,name
+12025550100,en,Ada
+12025550114,en,Bob
+33199000001,fr,Zoé
12,fr,Bad
+12025550109,en,Dan
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def campaign(file: Path, *args: str, env: dict[str, str] | None = None) -> Any:
    folder = ("-o", str(file.parent), "--db", str(file.parent / "rows.db"))
    return CliRunner().invoke(app, ["campaign", str(file), *folder, *args], env=env)


def in_sandbox(file: Path, *args: str) -> Any:
    return campaign(file, "--prompt", PROMPT, "--sandbox", "--speed", "0", *args)


def test_a_dry_run_says_who_would_be_called_and_sends_nothing(file: Path) -> None:
    done = campaign(file, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "5 rows: 4 ready, 1 rejected." in done.output
    assert "By language: 3 en, 1 fr." in done.output
    assert "Row 5 (short_number)" in done.output
    assert "12,fr,Bad" in (file.parent / "errors.csv").read_text(encoding="utf-8-sig")
    said = json.loads(campaign(file, "--dry-run", "--json").stdout)
    assert (said["rows"], said["languages"]) == (5, {"en": 3, "fr": 1})
    assert not (file.parent / "rows.db").exists()


def test_a_dry_run_needs_a_language_for_every_contact(file: Path) -> None:
    file.write_text("phone\n+12025550100\n+33199000001\n", encoding="utf-8")
    assert "2 without a language" in campaign(file, "--dry-run").output
    assert "2 en" in campaign(file, "--dry-run", "--language", "en").output
    assert "1 en, 1 fr" in campaign(file, "--dry-run", "--language-by-country").output


@pytest.mark.slow
def test_each_contact_is_called_and_its_result_stands_beside_its_row(file: Path) -> None:
    done = in_sandbox(file, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["status"], said["sandbox"]) == ("completed", True)
    assert said["not_called"] == {"short_number": 1, "do_not_contact": 1}
    with Path(said["results_csv"]).open(encoding="utf-8-sig", newline="") as results:
        rows = list(csv.DictReader(results))
    assert [row["name"] for row in rows] == ["Ada", "Bob", "Zoé", "Bad", "Dan"]
    assert [row["revox_conclusion"] for row in rows] == ["completed", "not_interested", "completed", "", ""]
    assert Path(said["errors_csv"]).exists()


@pytest.mark.slow
def test_the_page_of_a_campaign_is_written_at_the_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    assert in_sandbox(file, "--open").exit_code == 0
    page = campaign_page_in((file.parent / "campaign.html").read_text(encoding="utf-8"))
    assert [(each.language, each.status) for each in page.campaigns] == [("en", "completed"), ("fr", "completed")]
    assert len(page.contacts) == 3


@pytest.mark.slow
def test_lines_say_how_far_it_has_come_where_there_is_no_terminal(file: Path) -> None:
    done = in_sandbox(file)
    assert "Sandbox: no real phone rings." in done.output
    assert "3 of 3 ended: dialed 3, reached 3, interested 0." in done.output
    assert "en: completed 1, not interested 1" in done.output


@pytest.mark.slow
def test_a_campaign_stopped_by_a_rule_says_why_and_exits_with_eight(file: Path) -> None:
    people = "\n".join(f"+3319900{number:04},fr,Zoé" for number in range(30))
    file.write_text(f"phone,language,name\n{people}\n", encoding="utf-8")
    limits = ("--stop-calls", "3", "--max-concurrent-calls", "1", "--interval-s", "5")
    done = in_sandbox(file, *limits)
    assert done.exit_code == 8, done.output
    assert "contacts were called, and 3 are the limit" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--prompt", "Hi.", "--prompt-file", "p.md", "--sandbox"), "were both given"),
        (("--prompt-file", "no-such-file", "--sandbox"), "cannot be read"),
        (("--sandbox",), "Neither prompt"),
        (("--prompt", "Hi."), "no terminal to confirm on"),
    ],
)
def test_a_command_line_that_cannot_be_right_calls_no_one(file: Path, args: tuple[str, ...], said: str) -> None:
    done = campaign(file, *args)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert done.stderr.count("Error: ") == 1


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A sandbox on a port, whose time stands still unless it is pushed."""
    with SandboxServer(Sandbox(key=KEY)) as server:
        yield server


def account(server: SandboxServer) -> dict[str, str]:
    return {"REVOX_API_KEY": KEY, "REVOX_BASE_URL": server.base_url}


def launched(server: SandboxServer) -> int:
    return server.sandbox.counts["revox_launch_campaign"]


def called_from(file: Path, *more: str) -> tuple[str, ...]:
    """`campaign --json` with the contacts of a file, and what it writes beside them."""
    files = ("-o", str(file.parent), "--db", str(file.parent / "rows.db"))
    return ("campaign", str(file), "--prompt", PROMPT, "--json", "--interval-s", "0.2", *files, *more)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "status"), [("y", "paused"), ("n", "running")])
def test_ctrl_c_asks_whether_to_pause_or_only_to_leave_and_resuming_launches_no_one_twice(
    server: SandboxServer, file: Path, answer: str, status: str
) -> None:
    with at_a_terminal(server, *called_from(file, "--resume", "spring")) as (process, terminal):
        type_after(terminal, "Call 3 contacts now? [y/N]: ", "y\n")
        type_after(terminal, "0 of 3 ended", "")
        process.send_signal(signal.SIGINT)
        type_after(terminal, "Otherwise it goes on. [y/N]: ", f"{answer}\n")
        said, _ = process.communicate(timeout=patience_s())
    assert process.returncode == 130
    assert json.loads(said)["status"] == ("paused" if answer == "y" else "still_running")
    with server.sandbox.connect(KEY) as connection:
        campaigns = connection.send(ListCampaigns())["campaigns"]
    assert [each["status"] for each in campaigns] == [status] * 2
    assert sorted(json.loads(said)["campaign_ids"]) == sorted(each["id"] for each in campaigns)
    if status == "running":
        before = launched(server)
        server.sandbox.world.advance(3600)
        more = ("--prompt", PROMPT, "--yes", "--json", "--resume", "spring")
        again = campaign(file, *more, env=account(server))
        assert again.exit_code == 0, again.output
        assert json.loads(again.stdout)["funnel"]["ended"] == 3
        assert launched(server) == before == 2
        assert len(campaigns) == 2


@pytest.mark.slow
def test_a_person_who_does_not_say_yes_calls_no_one(server: SandboxServer, file: Path) -> None:
    with at_a_terminal(server, *called_from(file)) as (process, terminal):
        shown = type_after(terminal, "Call 3 contacts now? [y/N]: ", "\n")
        said, _ = process.communicate(timeout=patience_s())
    assert process.returncode == 3
    assert json.loads(said)["status"] == "rejected"
    assert "1 (do_not_contact)" in shown
    assert "At most" in shown
    assert launched(server) == 0
