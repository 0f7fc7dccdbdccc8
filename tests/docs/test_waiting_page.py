"""The page on waiting is true: its Python runs, its figures are the code's, and what it calls missing is missing."""

from __future__ import annotations

import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from langchain_core.messages import AIMessage

from revox_langchain import WaitPolicy
from revox_langchain.cli.app import app
from revox_langchain.service.agent_server import TOKEN_VARIABLE
from revox_langchain.waiting.sweep import MOST_IDS
from revox_langchain.waiting.watcher import FEW
from tests.blocks import FENCE, blocks_of, run, titled
from tests.scripted_model import ScriptedModel, calls

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "waiting.md").read_text(encoding="utf-8")
THERE, NOT_THERE = PAGE.split("## Not there yet")
COMMAND = re.compile(r"`revox-langchain (\w+)")
RUNS = blocks_of(PAGE, "python")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.a_few(every=8)
@pytest.mark.parametrize("block", RUNS, ids=titled)
def test_a_block_runs_without_a_key(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(block)
    said = capsys.readouterr().out
    assert "completed" in said or "resumed" in said or "confirmed" in said


def block_with(word: str) -> str:
    [block] = [block for block in RUNS if word in block]
    return block


def test_the_lock_lets_one_of_two_wake_ups_through(capsys: pytest.CaptureFixture[str]) -> None:
    run(block_with("def wake_alone"))
    assert capsys.readouterr().out.strip() == "['nothing', 'resumed']"


def test_a_webhook_wakes_the_parked_thread(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(block_with("Webhooks("))
    said = capsys.readouterr().out
    assert "202" in said
    assert "resumed" in said
    thread = {"configurable": {"thread_id": "appointment-4711"}}
    assert names["graph"].get_state(thread).values["status"] == "completed"


@pytest.mark.slow
def test_an_order_that_does_not_exist_leaves_the_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    run(block_with("no-such-call"))
    said = capsys.readouterr().out
    assert "no-such-call not_found" in said
    assert said.count("completed") >= 3


def test_the_call_of_an_agent_parks_and_is_woken(capsys: pytest.CaptureFixture[str]) -> None:
    call = {"phone_number": "+12025550100", "prompt": "Ask whether Tuesday at 3 pm suits them."}
    [block] = blocks_of(PAGE, "python", "model")
    run(block, ScriptedModel(turns=[calls(("revox_call_and_wait", call)), AIMessage("They said yes.")]))
    assert capsys.readouterr().out == "They said yes.\n"


def test_the_app_that_a_server_is_told_to_open_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = blocks_of(PAGE, "json")
    module, _, name = json.loads(block)["http"]["app"].partition(":")
    monkeypatch.setenv("REVOX_API_KEY", "rvx_key")
    monkeypatch.setenv(TOKEN_VARIABLE, "a-token-of-the-tests")
    [mounted] = getattr(import_module(module), name).routes
    assert f"`{mounted.path}/call-ended/<{TOKEN_VARIABLE}>`" in PAGE
    monkeypatch.delitem(vars(import_module(module)), name)


def test_every_python_block_is_run() -> None:
    assert {match["how"] for match in FENCE.finditer(PAGE) if match["language"] == "python"} == {None, "model"}


def test_its_figures_are_those_of_the_code() -> None:
    policy = WaitPolicy()
    assert ("Up to three flows" in PAGE, FEW) == (True, 3)
    assert f"one search per {MOST_IDS} orders, every {policy.sweep_s:g} s" in PAGE
    assert ("a week\nif you say nothing" in PAGE, policy.max_wait_s) == (True, 7 * 86_400)


def test_the_commands_it_names_exist_and_those_it_calls_missing_do_not() -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert set(COMMAND.findall(THERE)) <= commands
    assert not set(COMMAND.findall(NOT_THERE)) & commands


def test_the_options_it_names_exist() -> None:
    command: Any = typer.main.get_command(app)
    lines = [line for block in blocks_of(PAGE, "bash") for line in block.splitlines() if line.startswith("revox-")]
    for name, *given in (shlex.split(line)[1:] for line in lines):
        known = {option for param in command.commands[name].params for option in param.opts}
        assert [option for option in given if option.startswith("--") and option not in known] == []
    serve = {option for param in command.commands["serve"].params for option in (*param.opts, param.envvar)}
    assert {"--public-url", "REVOX_SERVICE_TOKEN", "REVOX_APPROVAL_TOKEN"} <= serve


@pytest.mark.slow
def test_the_pages_and_headings_it_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, heading = link.partition("#")
        page = (DOCS / path).read_text(encoding="utf-8") if path else PAGE
        headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, link
