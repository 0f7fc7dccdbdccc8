"""What a strict client holds our tools to: a title, hints, and answers that fit the schema they are declared with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcp_sdk import jsonschema, types
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.dialing.guard import Guard
from revox_langchain.mcp_server.http import http_app
from revox_langchain.mcp_server.server import make_server, server_for, tool_of
from revox_langchain.operations.operation import Operation, Request, Risk, Wire, operation
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.toolkit import RevoxToolkit
from tests.examples import example
from tests.mcp_server.test_server import KEY, serving, session

UNDONE_BY_NOTHING = {
    "revox_cancel_call",
    "revox_cancel_campaign",
    "revox_delete_assistant",
    "revox_delete_campaign",
    "revox_delete_phone_number",
    "revox_delete_voice",
    "revox_update_assistant",
    "revox_update_campaign",
    "revox_update_phone_number",
}
RINGS = {"revox_make_call", "revox_resume_call", "revox_launch_campaign", "revox_resume_campaign"}
EVERY_TOOL = pytest.mark.parametrize("request_type", REQUESTS, ids=lambda request: request.spec.name)

_SHARED: list[tuple[Sandbox, str]] = []


@operation("GET /auth-status", risk=Risk.READ, answer="never", render=str)
class Broken(Operation):
    """Break."""

    def wire(self) -> Wire:
        raise LookupError("no such thing")


@pytest.fixture(scope="module", autouse=True)
def shared() -> Iterator[None]:
    """One server with every tool, and one that always breaks."""
    sandbox = Sandbox(key=KEY)
    server = make_server(sandbox.connect(KEY), [*REQUESTS, Broken], Guard())
    with serving(http_app(server)) as url:
        _SHARED.append((sandbox, f"{url}/mcp"))
        yield
        _SHARED.clear()


async def asked(tool: str, arguments: dict[str, Any]) -> tuple[types.Tool, types.CallToolResult]:
    """The tool as it is listed, and its answer; the client itself refuses a success that does not fit."""
    async with session(_SHARED[0][1]) as client:
        listed = {each.name: each for each in (await client.list_tools()).tools}
        return listed[tool], await client.call_tool(tool, arguments)


def assert_fits(result: types.CallToolResult, schema: dict[str, Any] | None) -> None:
    assert schema is not None
    assert schema["type"] == "object"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(result.structuredContent, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.a_few(every=13)
@EVERY_TOOL
async def test_an_answer_fits_the_schema_its_tool_declares(request_type: type[Request]) -> None:
    sandbox, _ = _SHARED[0]
    sandbox.reset()
    arguments = await asyncio.to_thread(example, request_type, sandbox.connect(KEY))
    tool, result = await asked(request_type.spec.name, arguments)
    assert not result.isError, result.content
    if request_type.spec.binary:
        assert tool.outputSchema is None
        assert result.structuredContent is None
        assert [block.type for block in result.content] == ["audio"]
        return
    assert_fits(result, tool.outputSchema)
    assert result.structuredContent is not None
    assert set((tool.outputSchema or {}).get("properties", {})) <= set(result.structuredContent)


@pytest.mark.a_few(every=12)
@EVERY_TOOL
async def test_an_error_fits_the_schema_of_an_answer_since_some_clients_check_both(request_type: type[Request]) -> None:
    sandbox, _ = _SHARED[0]
    sandbox.reset()
    tool, result = await asked(request_type.spec.name, {"no_such_argument": 1})
    assert result.isError
    assert result.structuredContent is not None
    assert result.structuredContent["code"] == "invalid"
    if not request_type.spec.binary:
        assert_fits(result, tool.outputSchema)


async def test_a_bug_fits_it_too() -> None:
    tool, result = await asked("revox_broken", {})
    assert result.isError
    assert_fits(result, tool.outputSchema)
    assert result.structuredContent is not None
    assert result.structuredContent["code"] == "internal"
    assert result.structuredContent["retry_safe"] is False


async def test_a_server_without_structured_content_declares_no_schema() -> None:
    server = make_server(Sandbox(key=KEY).connect(KEY), REQUESTS, Guard(), structured=False)
    with serving(http_app(server)) as url:
        async with session(f"{url}/mcp") as client:
            listed = (await client.list_tools()).tools
            answer = await client.call_tool("revox_auth_status", {})
    assert {tool.outputSchema for tool in listed} == {None}
    assert answer.structuredContent is None
    assert not answer.isError


@pytest.mark.slow
@pytest.mark.parametrize("fields", ["lean", "full"])
async def test_every_tool_has_a_title_a_person_can_read_and_hints_that_do_not_contradict(fields: Any) -> None:
    toolkit = RevoxToolkit(connection=Sandbox(key=KEY).connect(KEY), max_risk=Risk.DELETE, fields=fields)
    with serving(http_app(server_for(toolkit))) as url:
        async with session(f"{url}/mcp") as client:
            listed = (await client.list_tools()).tools
    assert len(listed) == len(toolkit.requests())
    for tool in listed:
        hints = tool.annotations
        assert hints is not None
        assert tool.title
        assert tool.title == hints.title
        assert " " in tool.title
        assert len(tool.title) < 90
        assert not tool.title.startswith("revox_")
        assert not (hints.readOnlyHint and hints.destructiveHint)


@pytest.mark.slow
def test_what_cannot_be_undone_is_destructive() -> None:
    names = {request.spec.name for request in REQUESTS}
    assert names >= UNDONE_BY_NOTHING | RINGS
    destructive = {
        request.spec.name
        for request in REQUESTS
        if (hints := tool_of(request).annotations) is not None and hints.destructiveHint
    }
    assert destructive == UNDONE_BY_NOTHING | RINGS
