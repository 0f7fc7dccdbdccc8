"""The README and the pages it was made of are true: their Python runs, their commands exist, their tables are fresh."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain import Connection, DialPolicy, RevoxToolkit, Risk, errors
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.mcp import HostedMcp
from revox_langchain.sandbox.server import SandboxServer
from tests.blocks import FENCE, blocks_of, run, titled
from tests.processes import patience_s
from tests.scripted_model import ScriptedModel, calls

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("index", "tools", "graph", "policies", "outcomes", "cli", "sandbox", "mcp")
}
TEXT = "\n".join([README, *PAGES.values()])


def blocks(language: str, how: str | None = None) -> list[str]:
    return blocks_of(TEXT, language, how)


def test_it_has_at_most_two_hundred_lines() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("block", blocks_of(README, "python"), ids=titled)
def test_a_block_runs_without_a_key(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(block)
    assert capsys.readouterr().out.strip()


@pytest.fixture(scope="module")
def revox() -> Iterator[SandboxServer]:
    sandbox = Sandbox(speed=1000)
    hosted = HostedMcp(sandbox)
    with SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python", "key"), ids=titled)
def test_a_block_runs_with_a_key(block: str, revox: SandboxServer) -> None:
    environment = {**os.environ, "REVOX_API_KEY": "rvx_key", "REVOX_BASE_URL": revox.base_url}
    before = len(revox.sandbox.dials)
    done = subprocess.run(
        [sys.executable, "-c", block],
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if "invoke" in block:
        assert len(revox.sandbox.dials) == before + 1
        assert done.stdout.startswith("completed")


def scripted_desk() -> ScriptedModel:
    """A model that lists voices, calls, waits, and repeats what the call came to."""
    prompt = "Confirmez le rendez-vous de mardi à quinze heures, vous êtes une IA."
    call = {"phone_number": "+33142685300", "prompt": prompt}

    def wait(messages: list[BaseMessage]) -> AIMessage:
        placed = next((m for m in messages if isinstance(m, ToolMessage) and m.name == "revox_make_call"), None)
        if placed is None or placed.status == "error":
            return AIMessage("I was told not to call.")
        return calls(("revox_wait_for_call", {"call_id": placed.artifact["call"]["id"], "timeout_s": 3600}), start=2)

    def report(messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(f"They said: {messages[-1].content}")

    listing = calls(("revox_list_voices", {"language": "fr"}))
    return ScriptedModel(turns=[listing, calls(("revox_make_call", call), start=1), wait, report])


def test_the_agent_example_asks_calls_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(blocks("python", "model")[0], scripted_desk())
    asked, *told = capsys.readouterr().out.splitlines()
    assert "was chosen for French" in asked
    assert "+33142685300" in asked
    assert told[0].startswith("They said:")
    assert "completed" in "\n".join(told)
    assert names["questions"] is None
    assert "revox_wait_for_call" in [getattr(m, "name", None) for m in names["result"]["messages"]]


@pytest.mark.slow
@pytest.mark.parametrize(("said", "orders"), [("y", 1), ("n", 0)])
def test_the_same_with_a_key_calls_only_after_a_person_has_said_yes(
    said: str, orders: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with SandboxServer(Sandbox(speed=1000)) as server:
        monkeypatch.setenv("REVOX_API_KEY", "rvx_key")
        monkeypatch.setenv("REVOX_BASE_URL", server.base_url)
        asked: list[str] = []
        monkeypatch.setattr("builtins.input", lambda prompt: (asked.append(prompt), said)[1])
        run(blocks("python", "model")[1], scripted_desk())["toolkit"].connection.close()
        assert len(server.sandbox.dials) == orders
    assert len(asked) == 1
    assert "+33142685300" in asked[0]
    assert ("completed" in capsys.readouterr().out) == bool(orders)


def test_every_python_block_is_tested_one_way_or_another() -> None:
    assert {match["how"] for match in FENCE.finditer(TEXT) if match["language"] == "python"} == {None, "key", "model"}


def test_the_commands_it_names_exist() -> None:
    from revox_langchain.cli.app import app

    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    named = {shlex.split(line, comments=True)[1] for line in lines("revox-langchain ")}
    named |= set(re.findall(r"`revox-langchain (\w+)", TEXT))
    assert named <= commands
    # Whoever reads the list of commands sees all of them.
    assert commands <= named


@pytest.mark.a_few(every=12)
@pytest.mark.parametrize("options", [line for line in blocks_of(PAGES["cli"], "bash")[0].splitlines() if "--" in line])
def test_the_options_it_names_exist(options: str) -> None:
    command, *given = shlex.split(options, comments=True)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "revox_langchain", command, "--help"],
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=True,
    )
    assert [option for option in given if option.startswith("--") and option not in done.stdout] == []


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert (
        set(re.findall(r"make ([a-z]+(?:-[a-z]+)*)", " ".join([*lines("make "), *re.findall(r"`(make .*?)`", TEXT)])))
        <= targets
    )
    assert {"demo", "test"} <= targets


def test_generated_parts_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_module("scripts.generate_doc_tables").main(["--check"]) == 0, "run `make docs`"


GOOD = {"phone_number": "+12025550100", "prompt": "Say hello, I am an AI."}
SILENT = Fault("connect_error", times=1000)
LOST = Fault("lose_before", on="revox_make_call", times=2)
WRONG: dict[str, tuple[dict[str, str], Fault | None, str]] = {
    "**A refusal**": ({**GOOD, "phone_number": "+33899123456"}, None, "right"),
    "**A bad number**": ({**GOOD, "phone_number": "12345"}, None, "right"),
    "**A bad input**": ({**GOOD, "prompt": ""}, None, "right"),
    "The key is missing or wrong": (GOOD, None, "wrong"),
    "Revox cannot be reached, before the dial": (GOOD, SILENT, "right"),
    "It is not known whether a call was placed": (GOOD, LOST, "right"),
}
"""By the beginning of each row of the table: what is asked for, what goes wrong, and with which key."""


def outcome_rows() -> dict[str, list[str]]:
    table = PAGES["outcomes"].split("## What comes back, and what raises")[1].split("\n\n")[1]
    rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.splitlines()[2:]]
    return {row[0].partition(":")[0]: row[1:] for row in rows}


def test_every_row_of_what_comes_back_is_tested() -> None:
    assert set(outcome_rows()) == set(WRONG)


@pytest.fixture(params=WRONG)
def row(request: pytest.FixtureRequest) -> tuple[str, list[str], dict[str, str], Connection]:
    given, fault, key = WRONG[request.param]
    sandbox = Sandbox(key="right")
    if fault is not None:
        sandbox.faults.add(fault)
    connection = Connection(key, transport=httpx.MockTransport(sandbox), clock=sandbox.clock)
    return request.param, outcome_rows()[request.param], given, connection


def test_what_goes_wrong_in_the_graph_ends_as_the_table_says(
    row: tuple[str, list[str], dict[str, str], Connection],
) -> None:
    _, (in_graph, *_), given, connection = row
    named = [getattr(errors, name) for name in re.findall(r"`([A-Z]\w+)`", in_graph)]
    if in_graph.startswith("a result"):
        out = call_graph(connection).invoke(given)
        assert f'status="{out["status"]}"' in in_graph
        assert out["error"]["code"]
        return
    with pytest.raises(tuple(named)) as raised:
        call_graph(connection).invoke(given)
    assert str(raised.value).endswith(raised.value.next_step)
    if in_graph.startswith("a question"):
        graph = call_graph(connection, checkpointer=InMemorySaver())
        [asked] = graph.invoke({**given, "phone_number": "+12025550150"}, {"configurable": {"thread_id": "t"}})[
            "__interrupt__"
        ]
        assert asked.value["type"] == "revox.placement_unknown"


def test_a_missing_key_raises_as_a_wrong_one_does() -> None:
    with pytest.raises(errors.AuthError):
        call_graph()


def test_what_goes_wrong_in_a_tool_ends_as_the_table_says(
    row: tuple[str, list[str], dict[str, str], Connection],
) -> None:
    _, (_, in_tool, _), given, connection = row
    assert in_tool == "a result with status `error`"
    tools = {tool.name: tool for tool in RevoxToolkit(connection=connection, max_risk=Risk.DIAL).get_tools()}
    message = tools["revox_make_call"].invoke({"type": "tool_call", "id": "1", "name": "x", "args": given})
    assert message.status == "error"
    assert message.artifact.keys() >= {"code", "message", "next_step"}


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_on_the_command_line_ends_as_the_table_says(name: str) -> None:
    given, fault, key = WRONG[name]
    sandbox = Sandbox(key="right")
    args = ["call", given["phone_number"], "--prompt", given["prompt"], "--yes", "--settle-s", "0.1"]
    with SandboxServer(sandbox) as server:
        base_url = server.base_url
        if fault is LOST:
            sandbox.faults.add(fault)
        if fault is not SILENT:
            assert outcome_rows()[name][2] == f"exit code {cli_exit(args, key, base_url)}"
    if fault is SILENT:
        # The server is gone by now.
        assert outcome_rows()[name][2] == f"exit code {cli_exit(args, key, base_url)}"


def cli_exit(args: list[str], key: str, base_url: str) -> int:
    from typer.testing import CliRunner

    from revox_langchain.cli.app import app

    return CliRunner().invoke(app, args, env={"REVOX_API_KEY": key, "REVOX_BASE_URL": base_url}).exit_code


def test_it_lists_every_tool_once() -> None:
    from revox_langchain.actions.requests import REQUESTS

    table = import_module("scripts.generate_doc_tables").tools()
    assert [table.count(f"| `{request.spec.name}` |") for request in REQUESTS] == [1] * len(REQUESTS)


@pytest.mark.slow
def test_it_promises_no_more_than_it_keeps() -> None:
    assert "exactly once" not in TEXT.lower()
    assert f"`settle_s` ({DialPolicy().settle_s:g} s)" in README
    for page in (README, PAGES["outcomes"]):
        promise = page[page.index("## The promise") :]
        for limit in ("settle_s", "processes", "It may have rung", "max_attempts", "thread_id"):
            assert limit in promise, limit


def lines(start: str) -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if line.startswith(start)]
