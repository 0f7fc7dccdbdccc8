"""The token of call tools is on the assistant that Revox keeps, and nobody who reads an assistant reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tools import tool
from typer.testing import CliRunner

from tests.mcp_sdk import create_connected_server_and_client_session
from revox_langchain import RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.cli.app import app
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.graph import call_graph
from revox_langchain.mcp_server.server import make_server
from revox_langchain.operations.assistants import ListAssistants
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.webhooks import CallTools

SECRET = "what-the-token-is-made-of"
READS = sorted(
    request.spec.name
    for request in REQUESTS
    if request.spec.risk is Risk.READ
    and {name for name, field in request.model_fields.items() if field.is_required()} <= {"assistant_id", "call_id"}
)


@tool
def check_calendar(day: str) -> str:
    """Look which times are free on a day."""
    return "All of them."


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """An account whose assistant has call tools, which has called somebody and answers a number."""
    sandbox = Sandbox()
    connection = sandbox.connect()
    tools = CallTools([check_calendar], token=SECRET)
    graph = call_graph(connection, call_tools=tools, public_url="https://us.example.com/revox")
    ended = graph.invoke({"phone_number": "+12025550100", "prompt": "Ask for a table."})
    assert ended["status"] == "completed"
    [number, *_] = connection.send(ListPhoneNumbers())["phone_numbers"]
    assistant_id = connection.send(ListAssistants())["assistants"][0]["id"]
    connection.send(UpdatePhoneNumber(phone_number_id=number["id"], inbound_assistant_id=assistant_id))
    return sandbox


@pytest.fixture(scope="module")
def token(sandbox: Sandbox) -> str:
    token = CallTools([check_calendar], token=SECRET).token(sandbox.connect()).get_secret_value()
    held = json.dumps(list(sandbox.world.assistants.values()), default=str)
    assert token in held, "Revox has to know the token"
    return token


@pytest.fixture(scope="module")
def ids(sandbox: Sandbox) -> dict[str, str]:
    connection = sandbox.connect()
    return {
        "assistant_id": connection.send(ListAssistants())["assistants"][0]["id"],
        "call_id": connection.send(GetCallHistory())["calls"][0]["id"],
    }


def arguments(name: str, ids: dict[str, str]) -> dict[str, Any]:
    [request] = [each for each in REQUESTS if each.spec.name == name]
    return {field: ids[field] for field in request.model_fields if field in ids}


@pytest.mark.parametrize("name", READS)
def test_no_tool_shows_it_to_a_model_or_a_program(name: str, sandbox: Sandbox, ids: dict[str, str], token: str) -> None:
    toolkit = RevoxToolkit(connection=sandbox.connect(), max_risk=Risk.READ)
    [found] = [each for each in toolkit.get_tools() if each.name == name] or [None]
    if found is None:
        pytest.skip("only code reads this")
    message = found.invoke({"type": "tool_call", "id": "1", "name": name, "args": arguments(name, ids)})
    assert message.status == "success", message.content
    assert token not in f"{message.content}{json.dumps(message.artifact, default=str)}"


@pytest.mark.a_few(every=12)
@pytest.mark.parametrize("name", READS)
async def test_no_mcp_client_reads_it(name: str, sandbox: Sandbox, ids: dict[str, str], token: str) -> None:
    server = make_server(sandbox.connect(), REQUESTS, Guard())
    async with create_connected_server_and_client_session(server) as client:
        if name not in {each.name for each in (await client.list_tools()).tools}:
            pytest.skip("only code reads this")
        result = await client.call_tool(name, arguments(name, ids))
    assert not result.isError, result.content
    assert token not in result.model_dump_json()


@pytest.fixture(scope="module")
def served(sandbox: Sandbox) -> Iterator[Connection]:
    with SandboxServer(sandbox) as server, Connection("any key", base_url=server.base_url) as connection:
        yield connection


@pytest.mark.slow
@pytest.mark.parametrize("command", [["inbound"], ["inbound", "--json"], ["watch"], ["report"]], ids=" ".join)
def test_no_command_shows_it(
    command: list[str], served: Connection, ids: dict[str, str], token: str, tmp_path: Any
) -> None:
    more = {"watch": [ids["call_id"]], "report": [ids["call_id"], "-o", str(tmp_path / "call.html")]}
    env = {"REVOX_API_KEY": "any key", "REVOX_BASE_URL": served.base_url}
    done = CliRunner().invoke(app, [*command, *more.get(command[0], [])], env=env)
    assert done.exit_code == 0, done.output
    written = "".join(file.read_text(encoding="utf-8") for file in tmp_path.iterdir())
    assert token not in done.output + written
