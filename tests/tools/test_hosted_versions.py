"""A hosted server that wants another version of MCP's protocol: one sentence says which, whichever way it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.mcp_sdk import McpError, types
from revox_langchain.errors import RevoxToolError, Unavailable, outcome_of
from revox_langchain.operations.operation import Risk
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.mcp import HostedMcp
from revox_langchain.tools.hosted.answers import Failures, RequestState
from revox_langchain.tools.toolkit import RevoxToolkit
from tests.mcp_server.test_server import serving

KEY = "sk-test-1234"
OURS = f"the installed mcp {version('mcp')} speaks 2024-11-05 to {types.LATEST_PROTOCOL_VERSION}."
NEXT = "Use the REST tools"

NEWER = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": ["2026-07-28", "2027-02-01"]}}
WITHOUT_DATA = {"code": -32022, "message": "Unsupported protocol version"}
# Word for word what mcp 2.3 says when its 2026-07-28 entry gets a request of an older client.
NO_ENVELOPE = {
    "code": -32602,
    "message": "params._meta must be an object carrying the required 'io.modelcontextprotocol/protocolVersion' and "
    "'io.modelcontextprotocol/clientCapabilities' envelope keys",
}
IN_WORDS = {"code": -32600, "message": "Bad Request: Unsupported protocol version: 2025-11-25 (want 2026-07-28)"}
ONLY_OURS_IN_WORDS = {"code": -32600, "message": "Bad Request: Unsupported protocol version: 2025-11-25"}


def as_bad_request(error: dict[str, Any], asked: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": asked.get("id"), "error": error}, 400)


def as_bad_request_without_an_id(error: dict[str, Any], asked: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)


def as_json(error: dict[str, Any], asked: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": asked.get("id"), "error": error})


def as_event(error: dict[str, Any], asked: dict[str, Any]) -> Response:
    said = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "error": error})
    return Response(f"event: message\ndata: {said}\n\n", media_type="text/event-stream")


WAYS = [as_bad_request, as_bad_request_without_an_id, as_json, as_event]


@contextmanager
def answering(answer: Callable[[dict[str, Any]], Response]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request in the same way, and the methods it was asked for."""
    asked: list[str] = []

    async def endpoint(request: Request) -> Response:
        body = await request.json()
        asked.append(body["method"])
        return answer(body)

    with serving(Starlette(routes=[Route("/mcp", endpoint, methods=["POST"])])) as url:
        yield f"{url}/mcp", asked


async def refused_by(url: str, transport: Any = "mcp") -> RevoxToolError:
    toolkit = RevoxToolkit(connection=Sandbox(key=KEY).connect(KEY))
    with pytest.raises(RevoxToolError) as refused:
        await toolkit.aget_tools(transport, url=url)
    return refused.value


def assert_names_the_versions(error: RevoxToolError, wanted: str) -> None:
    assert isinstance(error, Unavailable)
    assert error.message == f"The MCP server wants {wanted}, and {OURS}"
    assert error.code == "mcp_version"
    assert NEXT in error.next_step
    assert (error.sent, error.retry_safe) == (False, False)


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("way", [as_bad_request, as_json])
@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (NEWER, "protocol version 2026-07-28 or 2027-02-01"),
        (WITHOUT_DATA, "protocol version 2026-07-28 or newer"),
        (NO_ENVELOPE, "protocol version 2026-07-28 or newer"),
        (IN_WORDS, "protocol version 2026-07-28"),
        (ONLY_OURS_IN_WORDS, "another version of the protocol"),
    ],
)
async def test_a_server_that_refuses_our_version_is_named_as_such(
    way: Callable[..., Response], said: dict[str, Any], wanted: str
) -> None:
    with answering(lambda asked: way(said, asked)) as (url, asked):
        error = await refused_by(url)
    assert_names_the_versions(error, wanted)
    assert asked == ["initialize"]


@pytest.mark.parametrize("spoken", ["2026-07-28", "2019-01-01", "DRAFT-2027"])
async def test_a_server_that_begins_in_a_version_the_client_does_not_know_is_named_as_such(spoken: str) -> None:
    hello = {"protocolVersion": spoken, "capabilities": {}, "serverInfo": {"name": "new", "version": "9"}}
    with answering(lambda asked: JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": hello})) as (url, _):
        error = await refused_by(url, "merged")
    assert_names_the_versions(error, f"protocol version {spoken}")


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("refusing", ["initialize", "tools/call"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_changes_its_version_between_two_calls_places_none(
    way: Callable[..., Response], refusing: str
) -> None:
    sandbox = Sandbox(key=KEY)
    hosted = HostedMcp(sandbox)
    changed = False

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        body = await Request(scope, receive).body()
        if changed and refusing.encode() in body:
            await way(NEWER, json.loads(body))(scope, receive, send)
            return
        messages = [{"type": "http.request", "body": body}]

        async def again() -> Any:
            return messages.pop() if messages else await receive()

        await hosted.route.app(scope, again, send)

    with serving(Starlette(routes=[Route("/mcp", _Asgi(endpoint))], lifespan=hosted.lifespan)) as url:
        toolkit = RevoxToolkit(connection=sandbox.connect(KEY), max_risk=Risk.DIAL)
        tools = {tool.name: tool for tool in await toolkit.aget_tools("mcp", url=f"{url}/mcp")}
        changed = True
        asked = {"phone_number": "+12025550100", "prompt": "Hello"}
        message = await tools["revox_make_call"].ainvoke(
            {"type": "tool_call", "id": "1", "name": "revox_make_call", "args": asked}
        )
    assert message.artifact["code"] == "mcp_version"
    assert "wants protocol version 2026-07-28 or 2027-02-01" in message.text
    assert OURS in message.text
    assert sandbox.dials == []


class _Asgi:
    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


@pytest.mark.a_few(every=2)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"No.",
        b"[]",
        b'{"error": "Bad Request"}',
        b'{"jsonrpc": "2.0", "error": {"code": -32600, "message": "No"}}',
    ],
)
async def test_another_bad_request_is_still_told_by_its_status(body: bytes) -> None:
    with answering(lambda asked: Response(body, 400, media_type="application/json")) as (url, _):
        error = await refused_by(url)
    assert "HTTP 400" in str(error)
    assert error.code != "mcp_version"
    assert "protocol" not in str(error)


@pytest.mark.slow
def test_of_a_call_that_may_have_left_only_the_code_is_believed_and_not_its_words() -> None:
    words = types.ErrorData(code=-32603, message="SIP protocol version 2.0 refused after ringing")
    failures = Failures("http://x", SecretStr(KEY))
    dialed = RequestState("revox_make_call", left=True, dials=True)
    error = failures.known(McpError(words), dialed)
    assert isinstance(error, RevoxToolError)
    assert error.code != "mcp_version"
    assert outcome_of(error) == "unknown"
    by_code = failures.known(McpError(types.ErrorData.model_validate(NEWER)), dialed)
    assert isinstance(by_code, RevoxToolError)
    assert by_code.code == "mcp_version"
    bug = RuntimeError("Unsupported protocol version from the server: 2027-01-01")
    assert failures.known(bug, dialed) is bug
