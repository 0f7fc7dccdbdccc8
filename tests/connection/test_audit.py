"""The audit: two lines per act, nothing sent without the first, and no number in either."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import Audit, Connection, RevoxToolkit, Risk
from revox_langchain.connection.audit import aacting, acting, hash_of
from revox_langchain.errors import InvalidInput, PlacementUnknown, Refused, RevoxToolError
from revox_langchain.graph import call_graph, campaign_graph
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer

NUMBER = "+12025550100"
ASK = "Ask {{name}} whether Tuesday at 3 pm suits them. You are an AI."
HELLO = {"phone_number": NUMBER, "prompt": "Please greet them."}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


class Lines(list[dict[str, Any]]):
    """An audit in memory, which fails while it is told to."""

    full = False

    def __call__(self, line: dict[str, Any]) -> None:
        if self.full and line["risk"] == "dial":
            raise OSError(28, f"No space left for {NUMBER}")
        self.append(line)

    def told(self, operation: str = "revox_make_call") -> list[tuple[str, str | None]]:
        return [(line["phase"], line.get("outcome")) for line in self if line["operation"] == operation]


def send(connection: Connection, operation: Operation, mode: str) -> Any:
    return connection.send(operation) if mode == "sync" else asyncio.run(connection.asend(operation))


def dial(connection: Connection, mode: str = "sync", **given: Any) -> dict[str, Any]:
    graph = call_graph(connection, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    asked = {**HELLO, **given}
    return dict(graph.invoke(asked, config) if mode == "sync" else asyncio.run(graph.ainvoke(asked, config)))


@both_modes
def test_a_call_leaves_a_line_before_it_is_placed_and_one_after(mode: str, tmp_path: Path) -> None:
    sandbox, file = Sandbox(), tmp_path / "audit.jsonl"
    out = dial(sandbox.connect(audit=file), mode)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    before, after = (line for line in lines if line["operation"] == "revox_make_call")
    assert (before["phase"], after["phase"]) == ("before", "after")
    assert before["act_id"] == after["act_id"]
    assert before["intent_id"] == after["intent_id"] == out["intent_id"]
    assert (after["outcome"], after["call_id"]) == ("done", out["call_id"])
    assert before["phone_number"] == "+1202•••••00"
    assert {line["risk"] for line in lines} == {"write", "dial"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_neither_the_number_nor_the_key_nor_a_word_of_the_prompt_stands_in_it() -> None:
    lines = Lines()
    dial(Sandbox().connect("rvx_a_long_secret_key", audit=lines), prompt="Say that the cat of +1 202 555 0142 is ill.")
    text = json.dumps(lines)
    for secret in (NUMBER, "0142", "cat", "rvx_a_long_secret_key"):
        assert secret not in text


def test_numbers_stand_in_full_where_that_is_asked_for() -> None:
    lines = Lines()
    dial(Sandbox().connect(audit=Audit(lines, show_numbers=True)))
    assert {line["phone_number"] for line in lines if line["risk"] == "dial"} == {NUMBER}


def test_a_read_leaves_no_line() -> None:
    lines = Lines()
    Sandbox().connect(audit=lines).send(GetCallHistory())
    assert lines == []


@both_modes
def test_an_audit_that_cannot_be_written_refuses_to_dial(mode: str) -> None:
    lines, sandbox = Lines(), Sandbox()
    lines.full = True
    with pytest.raises(Refused, match="audit cannot be written") as caught:
        send(sandbox.connect(audit=lines), MakeCall(phone_number=NUMBER, assistant_id="a"), mode)
    assert caught.value.code == "audit_unwritable"
    assert sandbox.dials == []


def test_a_call_refused_for_the_audit_is_placed_once_it_can_be_written() -> None:
    lines, sandbox = Lines(), Sandbox()
    lines.full = True
    connection = sandbox.connect(audit=lines)
    refused = dial(connection)
    assert (refused["status"], refused["error"]["code"]) == ("refused", "audit_unwritable")
    lines.full = False
    assert dial(connection)["status"] == "completed"
    assert len(sandbox.dials) == 1


@both_modes
def test_a_second_line_that_is_lost_does_not_lose_the_answer(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox()

    def first_only(line: dict[str, Any]) -> None:
        if line["phase"] == "after":
            raise OSError(28, "No space left on device")

    assert dial(sandbox.connect(audit=first_only), mode)["status"] == "completed"
    assert len(sandbox.dials) == 1
    assert "does not say how revox_make_call ended" in caplog.text


def test_an_answer_that_was_lost_reads_as_unknown() -> None:
    lines, sandbox = Lines(), Sandbox()
    sandbox.faults.add(Fault("lose_after", on="revox_make_call"))
    assert dial(sandbox.connect(audit=lines))["status"] == "completed"
    assert lines.told() == [("before", None), ("after", "unknown")]


def test_a_refusal_of_revox_reads_as_refused() -> None:
    lines, sandbox = Lines(), Sandbox()
    sandbox.faults.add(Fault("status", on="revox_make_call", status=418))
    dial(sandbox.connect(audit=lines))
    assert lines.told() == [("before", None), ("after", "refused")]
    assert lines[-1]["http_status"] == 418


async def test_a_dial_that_is_cancelled_on_the_way_reads_as_unknown() -> None:
    lines = Lines()
    begun = asyncio.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    act = Sandbox().connect(audit=lines).act("revox_make_call", Risk.DIAL, {"phone_number": NUMBER})
    running = asyncio.ensure_future(aacting(act, never))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.get_running_loop().shutdown_default_executor()
    assert [(line["phase"], line.get("code")) for line in lines] == [("before", None), ("after", "CancelledError")]


def test_tools_leave_lines_too() -> None:
    lines, sandbox = Lines(), Sandbox()
    toolkit = RevoxToolkit(connection=sandbox.connect(audit=lines), max_risk="dial")
    [tool] = [tool for tool in toolkit.get_tools() if tool.name == "revox_make_call"]
    tool.invoke(HELLO)
    assert lines.told() == [("before", None), ("after", "done")]


def test_a_campaign_leaves_lines_without_its_contacts() -> None:
    lines, sandbox = Lines(), Sandbox()
    graph = campaign_graph(sandbox.connect(audit=lines), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "spring"}}
    graph.invoke({"contacts": [{"phone": NUMBER, "name": "Ada Fairweather"}], "prompt": ASK}, config)
    assert lines.told("revox_launch_campaign") == []
    out = graph.invoke(Command(resume=True), config)
    assert out["status"] == "completed"
    assert lines.told("revox_launch_campaign") == [("before", None), ("after", "done")]
    assert all(line["campaign_id"] for line in lines if line["operation"] == "revox_launch_campaign")
    assert not any(secret in json.dumps(lines) for secret in (NUMBER, "Fairweather"))


def test_the_hash_is_that_of_the_arguments_without_our_marks() -> None:
    plain = {"phone_number": NUMBER, "metadata": {"case": "7"}}
    marked = {**plain, "metadata": {"case": "7", "revox_langchain_intent": "i", "revox_langchain_content": "c"}}
    assert hash_of(plain) == hash_of(marked) == hash_of({**plain, "prompt": None})
    assert hash_of(plain) != hash_of({**plain, "metadata": {"case": "8"}})


@pytest.mark.slow
def test_threads_and_processes_share_a_file_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    program = (
        "import sys; from revox_langchain.connection.audit import Audit\n"
        "audit = Audit(sys.argv[1])\n"
        "for each in range(200): audit.write({'of': 'process', 'long': 'x' * 300})"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(file)])
    audit = Audit(file)
    threads = [
        threading.Thread(target=lambda: [audit.write({"of": "thread", "long": "y" * 300}) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.wait() == 0
    kept = [json.loads(line)["of"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert sorted(kept) == ["process"] * 200 + ["thread"] * 200


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_refuses_to_dial() -> None:
    sandbox = Sandbox()
    with pytest.raises(Refused, match="No space left") as caught:
        dial(sandbox.connect(audit="/dev/full"))
    assert caught.value.code == "audit_unwritable"
    assert sandbox.dials == []


def test_a_file_that_was_rotated_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    audit = Audit(file)
    audit.write({"line": 1})
    file.rename(tmp_path / "audit.1.jsonl")
    audit.write({"line": 2}, durable=True)
    assert json.loads(file.read_text(encoding="utf-8")) == {"line": 2}


def test_an_async_function_is_refused_because_no_one_would_await_it() -> None:
    async def keep(line: dict[str, Any]) -> None: ...

    with pytest.raises(InvalidInput, match="async"):
        Sandbox().connect(audit=keep)


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOX_API_KEY", "rvx_key")
    monkeypatch.setenv("REVOX_AUDIT", str(tmp_path / "audit.jsonl"))
    sandbox = Sandbox()
    connection = Connection.from_env(transport=httpx.MockTransport(sandbox), clock=sandbox.clock)
    assert dial(connection)["status"] == "completed"
    assert (tmp_path / "audit.jsonl").read_text(encoding="utf-8").count('"revox_make_call"') == 2


@pytest.mark.parametrize("error", [PlacementUnknown("?"), RevoxToolError("?"), KeyboardInterrupt(), ValueError("?")])
def test_an_end_that_nobody_saw_reads_as_unknown(error: BaseException) -> None:
    lines = Lines()

    def stopped() -> None:
        raise error

    with pytest.raises(type(error)):
        acting(Sandbox().connect(audit=lines).act("revox_make_call", Risk.DIAL, {}), stopped)
    assert lines.told() == [("before", None), ("after", "unknown")]


@pytest.mark.slow
def test_what_goes_over_mcp_leaves_its_lines_once() -> None:
    from revox_langchain.sandbox.mcp import HostedMcp

    lines, sandbox = Lines(), Sandbox(speed=1000)
    hosted = HostedMcp(sandbox)
    with SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as server:
        connection = Connection("sk_any_long_enough", base_url=server.base_url, audit=lines)
        toolkit = RevoxToolkit(connection=connection, max_risk="dial")

        async def dialed() -> None:
            tools = {tool.name: tool for tool in await toolkit.aget_tools(transport="mcp")}
            await tools["revox_make_call"].ainvoke(HELLO)
            lines.full = True
            args = {**HELLO, "phone_number": "+12025550101"}
            ask = {"type": "tool_call", "id": "1", "name": "revox_make_call", "args": args}
            refused = await tools["revox_make_call"].ainvoke(ask)
            await connection.aclose()
            assert refused.artifact["code"] == "audit_unwritable"

        asyncio.run(dialed())
    assert lines.told() == [("before", None), ("after", "done")]
    assert len(sandbox.dials) == 1
    assert NUMBER not in json.dumps(lines)
