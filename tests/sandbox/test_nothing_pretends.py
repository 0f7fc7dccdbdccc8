"""What comes from a sandbox says so, in process and over a port; what does not, does not."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain import CallResult, Connection, RecoverCall, Risk, WaitForCall, act, run
from revox_langchain.dialing.guard import Guard
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.operations.account import AuthStatus
from revox_langchain.operations.calls import GetCall, GetCallHistory, MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.tools.toolkit import RevoxToolkit
from tests.mcp_versions import needs_mcp_1

NUMBER = "+12025550100"
CALL = {"phone_number": NUMBER, "prompt": "Say hello, I am an AI."}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(speed=2000)) as running:
        yield running


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


_OPEN: list[Connection] = []


def over_a_port(server: SandboxServer) -> Connection:
    _OPEN.append(Connection("any key", base_url=server.base_url))
    return _OPEN[-1]


def as_revox(sandbox: Sandbox) -> Connection:
    """The same answers as a real service gives them: without the header."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = sandbox(request)
        return httpx.Response(response.status_code, json=response.json())

    return Connection("any key", transport=httpx.MockTransport(answer), clock=sandbox.clock)


def test_a_connection_in_process_knows_before_anything_is_asked() -> None:
    assert Sandbox().connect().sandbox


def test_a_connection_over_a_port_learns_it_from_any_answer(server: SandboxServer) -> None:
    connection = over_a_port(server)
    assert not connection.sandbox
    connection.send(AuthStatus())
    assert connection.sandbox
    other = over_a_port(server)

    async def ask() -> None:
        async with other:
            await other.asend(AuthStatus())

    asyncio.run(ask())
    assert other.sandbox


def test_a_connection_learns_it_from_an_error_as_well() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("status", status=500))
    connection = Connection("any key", transport=httpx.MockTransport(sandbox), clock=sandbox.clock, read_retries=0)
    with pytest.raises(Exception, match="500"):
        connection.send(AuthStatus())
    assert connection.sandbox


@pytest.mark.slow
def test_orders_and_results_say_it(server: SandboxServer) -> None:
    for connection in (Sandbox().connect(), over_a_port(server)):
        made = run(act(MakeCall(**CALL), Guard()), connection)
        assert (made["sandbox"], made["call"]["sandbox"]) == (True, True)
        order = connection.send(GetCall(call_id=made["call"]["id"]))["call"]
        assert CallResult.from_call(order).sandbox
        row = connection.send(GetCallHistory())["calls"][0]
        assert CallResult.from_call(row).as_output()["sandbox"] is True
        waited = run(act(WaitForCall(call_id=made["call"]["id"]), Guard()), connection)
        assert waited["sandbox"] is True
        lost = run(
            act(RecoverCall(intent_id="5d9b3a3e-0a53-4e0b-9c39-2f6a0c6f7a11", phone_number="+12025550131"), Guard()),
            connection,
        )
        assert (lost["found"], lost["sandbox"]) == (False, True)


@pytest.mark.slow
def test_the_graph_says_it_of_a_call_and_of_a_refusal(server: SandboxServer) -> None:
    for connection in (Sandbox().connect(), over_a_port(server)):
        graph = call_graph(connection)
        assert graph.invoke({**CALL, "phone_number": "+12025550132"})["sandbox"] is True
        refused = graph.invoke({**CALL, "phone_number": "911"})
        assert (refused["status"], refused["sandbox"]) == ("refused", True)


@pytest.mark.parametrize("name", ["revox_make_call", "revox_call_and_wait"])
def test_a_tool_says_it_to_the_model_and_in_the_artifact(name: str) -> None:
    connection = Sandbox().connect()
    toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL)
    tools = {tool.name: tool for tool in (*toolkit.get_tools(), call_graph_tool(connection))}
    message = tools[name].invoke({"type": "tool_call", "id": "1", "name": name, "args": CALL})
    assert message.artifact["sandbox"] is True
    assert "Sandbox: no real phone rings." in message.content
    call_id = message.artifact.get("call_id") or message.artifact["call"]["id"]
    for reads in ("revox_get_call", "revox_wait_for_call"):
        read = tools[reads].invoke({"type": "tool_call", "id": "2", "name": reads, "args": {"call_id": call_id}})
        assert read.artifact["sandbox"] is True
        assert "Sandbox: no real phone rings." in read.content


FAILING: list[tuple[str, dict[str, Any], str]] = [
    ("revox_make_call", {**CALL, "phone_number": "911"}, "emergency_number"),
    ("revox_get_call", {"call_id": "nope"}, "not_found"),
    ("revox_get_call", {}, "invalid"),
    ("revox_call_and_wait", {**CALL, "phone_number": "911"}, "emergency_number"),
    ("revox_call_and_wait", {"phone_number": NUMBER}, "invalid"),
]


def failed(connection: Connection, name: str, args: dict[str, Any]) -> Any:
    toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL)
    tools = {tool.name: tool for tool in (*toolkit.get_tools(), call_graph_tool(connection))}
    message = tools[name].invoke({"type": "tool_call", "id": "1", "name": name, "args": args})
    assert message.status == "error"
    return message.artifact


@pytest.mark.parametrize(("name", "args", "code"), FAILING, ids=str)
def test_a_tool_that_fails_says_it_too(name: str, args: dict[str, Any], code: str) -> None:
    artifact = failed(Sandbox().connect(), name, args)
    assert (artifact["code"], artifact["sandbox"]) == (code, True)
    assert not failed(as_revox(Sandbox()), name, args).get("sandbox")


def test_a_failure_over_a_port_says_it_from_the_first_answer_on(server: SandboxServer) -> None:
    assert failed(over_a_port(server), "revox_get_call", {"call_id": "nope"})["sandbox"] is True


@needs_mcp_1
async def test_a_failure_over_mcp_says_it() -> None:
    from mcp.shared.memory import create_connected_server_and_client_session as client_of

    from revox_langchain.mcp_server.server import server_for

    for connection, marked in ((Sandbox().connect(), True), (as_revox(Sandbox()), None)):
        async with client_of(server_for(RevoxToolkit(connection=connection))) as client:
            answer = await client.call_tool("revox_get_call", {"call_id": "nope"})
        assert answer.isError
        assert (answer.structuredContent or {}).get("sandbox") is marked


@pytest.mark.slow
@needs_mcp_1
@pytest.mark.parametrize("in_process", [True, False])
async def test_what_the_hosted_server_of_a_sandbox_answers_says_it(in_process: bool) -> None:
    from revox_langchain.sandbox.mcp import HostedMcp
    from revox_langchain.tools.hosted.background import in_background
    from revox_langchain.tools.hosted.session import PATH

    sandbox = Sandbox(speed=2000)
    hosted = HostedMcp(sandbox)
    with SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as running:
        connection = sandbox.connect() if in_process else over_a_port(running)
        toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL)
        balance = "revox_get_billing_balance"
        listed = await toolkit.aget_tools(
            transport="mcp", url=f"{running.base_url}{PATH}", rest=False, hosted_risks={balance: "read"}
        )
        tools = {tool.name: tool for tool in listed}

        async def artifact(name: str, **args: Any) -> Any:
            message = await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": args})
            return message.artifact

        assert (await artifact(balance)) == {"balance": {"amount": 120.5, "currency": "EUR"}, "sandbox": True}
        made = await artifact("revox_make_call", **CALL)
        assert (made["sandbox"], made["call"]["sandbox"]) == (True, True)
        for name in ("revox_get_call", "revox_wait_for_call"):
            read = await artifact(name, call_id=made["call"]["id"])
            assert (read["sandbox"], read["call"]["sandbox"]) == (True, True)
        assert (await artifact("revox_get_call", call_id="nope"))["sandbox"] is True
        await connection.aclose()
        in_background(connection.aclose())


def question(connection: Connection, given: dict[str, Any], **options: Any) -> Any:
    graph = call_graph(connection, checkpointer=InMemorySaver(), **options)
    [asked] = graph.invoke(given, {"configurable": {"thread_id": "t"}})["__interrupt__"]
    return asked.value


@pytest.mark.slow
def test_the_questions_of_the_graph_say_it(server: SandboxServer) -> None:
    for connection in (Sandbox().connect(), over_a_port(server)):
        assert question(connection, {**CALL, "phone_number": "+12025550150"}, approve=True)["sandbox"] is True
    assert "sandbox" not in question(as_revox(Sandbox()), CALL, approve=True)
    for connect, marked in ((Sandbox.connect, True), (as_revox, None)):
        sandbox = Sandbox()
        sandbox.faults.add(Fault("lose_before", on="revox_make_call"))
        asked = question(connect(sandbox), CALL)
        assert asked["type"] == "revox.placement_unknown"
        assert asked.get("sandbox") is marked


@pytest.mark.slow
def test_a_real_service_is_never_called_a_sandbox() -> None:
    connection = as_revox(Sandbox())
    made = run(act(MakeCall(**CALL), Guard()), connection)
    assert "sandbox" not in made
    assert not CallResult.from_call(made["call"]).sandbox
    out = call_graph(connection).invoke({**CALL, "phone_number": "+12025550133"})
    assert (out["status"], out["sandbox"]) == ("completed", False)
    tool = call_graph_tool(connection)
    said = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {**CALL, "phone_number": NUMBER}})
    assert "Sandbox" not in said.content


def cli(server: SandboxServer, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "REVOX_API_KEY": "any key", "REVOX_BASE_URL": server.base_url}
    command = [sys.executable, "-m", "revox_langchain", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_the_command_line_says_it(server: SandboxServer) -> None:
    number = iter(range(140, 150))

    def call(*more: str) -> subprocess.CompletedProcess[str]:
        return cli(server, "call", f"+1202555{next(number):04}", "--prompt", "Say hello, I am an AI.", "--yes", *more)

    placed: dict[str, Any] = json.loads(call("--json").stdout)
    assert placed["sandbox"] is True
    assert "Sandbox: no real phone rings." in call().stdout
    watched = cli(server, "watch", placed["call_id"], "--json")
    assert json.loads(watched.stdout)["sandbox"] is True
    recovered = cli(server, "recover", placed["intent_id"], "+12025550140", "--json")
    assert json.loads(recovered.stdout)["sandbox"] is True
    assert json.loads(cli(server, "voices", "--json").stdout)["sandbox"] is True
    found = cli(server, "doctor", "--json")
    assert json.loads(found.stdout)["sandbox"] is True
    assert "no real phone rings" in cli(server, "doctor").stdout


@pytest.mark.slow
def test_every_page_and_answer_of_the_port_carries_the_header(server: SandboxServer) -> None:
    def header(path: str, **more: Any) -> str | None:
        return httpx.get(f"{server.url}{path}", **more).headers.get("x-revox-langchain-sandbox")

    paths: tuple[str, ...] = ("/", "/sandbox/state", "/api/auth-status", "/api/nothing")
    assert [header(path) for path in paths] == ["true"] * len(paths)
    assert "sandbox" in httpx.get(f"{server.url}/").text.casefold()
    assert httpx.get(f"{server.url}/sandbox/state").json()["sandbox"] is True
