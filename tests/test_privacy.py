"""What is logged, by us and by what we use, holds no phone number in full and no word of a call."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain import RevoxToolkit
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import RevoxToolError
from revox_langchain.graph import call_graph
from revox_langchain.operations import OPERATIONS
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.examples import arguments_of

NUMBER = "+12025550100"
PROMPT = "Please greet them, and say that the cat of Mrs Fairweather is ill."


def logged(caplog: pytest.LogCaptureFixture) -> str:
    lines = [f"{each.name}: {each.getMessage()} {each.exc_text or ''}" for each in caplog.records]
    return "\n".join(lines)


def check(text: str, spoken: list[str]) -> None:
    for secret in (NUMBER, NUMBER[1:], "%2B12025550100", "Fairweather", *spoken):
        assert secret not in text, next(line for line in text.splitlines() if secret in line)[:300]


def call(connection: Connection, mode: str, **given: Any) -> dict[str, Any]:
    graph = call_graph(connection, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    asked = {"phone_number": NUMBER, "prompt": PROMPT, **given}
    return dict(graph.invoke(asked, config) if mode == "sync" else asyncio.run(graph.ainvoke(asked, config)))


def spoken_in(out: dict[str, Any]) -> list[str]:
    words = [turn["content"] for turn in out["transcript"] if len(turn["content"]) > 12]
    assert len(words) > 2
    return words


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_call_with_what_goes_wrong_logs_nobody_at_debug(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_after", on="revox_make_call"), Fault("server_error", on="revox_get_call"))
    out = call(sandbox.connect(), mode)
    assert caplog.records
    check(logged(caplog), spoken_in(out))


@pytest.mark.slow
def test_no_operation_logs_a_number_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = Sandbox().connect()
    for operation in OPERATIONS:
        arguments = arguments_of(operation)
        given = {name: NUMBER if name.endswith("phone_number") else value for name, value in arguments.items()}
        try:
            connection.send(operation.parse(given))
        except RevoxToolError:
            continue
    check(logged(caplog), [])


@pytest.mark.slow
def test_tools_over_mcp_and_a_port_log_nobody_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    from revox_langchain.sandbox.mcp import HostedMcp

    caplog.set_level(logging.DEBUG)
    sandbox = Sandbox(speed=1000)
    hosted = HostedMcp(sandbox)
    with SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as server:
        connection = Connection("sk_any_long_enough", base_url=server.base_url)
        toolkit = RevoxToolkit(connection=connection, max_risk="dial")

        async def ask(tool: BaseTool, args: dict[str, Any]) -> Any:
            answer = await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": args})
            return answer.artifact["call"]

        async def calls() -> list[str]:
            tools = {tool.name: tool for tool in await toolkit.aget_tools(transport="mcp")}
            made = await ask(tools["revox_make_call"], {"phone_number": NUMBER, "prompt": PROMPT})
            whole = await ask(tools["revox_wait_for_call"], {"call_id": made["id"], "transcript": "full"})
            await connection.aclose()
            return [turn.content for turn in CallResult.from_call(whole).transcript if len(turn.content) > 12]

        spoken = asyncio.run(calls())
        assert len(spoken) > 2
    check(logged(caplog), spoken)
