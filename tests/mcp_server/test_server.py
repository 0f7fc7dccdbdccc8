"""Both MCP servers, ours and the sandbox's, as the official Python client sees them."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from tests.mcp_sdk import (
    ClientSession,
    McpError,
    StdioServerParameters,
    stdio_client,
    streamable_http_client,
    types,
)
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.dialing.decided import NOTHING
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput
from revox_langchain.mcp_server.http import http_app, run_http
from revox_langchain.mcp_server.server import make_server, tool_of
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.operation import Operation, Risk, Wire, operation
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.mcp import INVENTED, PATH, HostedMcp
from revox_langchain.sandbox.server import SandboxServer

KEY = "sk-test-1234"
IN_THE_QUEUE = "+12025550111"
ON_THE_PAGE = {
    "revox_make_call",
    "revox_get_call",
    "revox_wait_for_call",
    "revox_get_call_history",
    "revox_list_assistants",
    "revox_get_assistant",
    "revox_create_assistant",
    "revox_update_assistant",
    "revox_auth_status",
    "revox_list_voices",
    "revox_create_campaign",
    "revox_list_phone_numbers",
}


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an ASGI app on a thread, at the address that is yielded."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)


@contextmanager
def serving_ours(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    connection = sandbox.connect(KEY)
    server = make_server(connection, REQUESTS, Guard(), scope="test")
    with serving(http_app(server, token=KEY), port) as url:
        yield f"{url}/mcp"


@contextmanager
def serving_theirs(sandbox: Sandbox, port: int = 0, **options: Any) -> Iterator[str]:
    hosted = HostedMcp(sandbox, **options)
    with SandboxServer(sandbox, port=port, mounts=[hosted.route], lifespan=hosted.lifespan) as server:
        yield f"{server.url}{PATH}"


BOTH = pytest.mark.parametrize("serve", [serving_ours, serving_theirs])
_SHARED: dict[Any, tuple[Sandbox, str]] = {}


@pytest.fixture(scope="module", autouse=True)
def shared() -> Iterator[None]:
    """One server of each kind, for all tests that want nothing special of theirs."""
    with ExitStack() as stack:
        for serve in (serving_ours, serving_theirs):
            sandbox = Sandbox(key=KEY)
            _SHARED[serve] = sandbox, stack.enter_context(serve(sandbox))
        yield
        _SHARED.clear()


def fresh(serve: Any) -> tuple[Sandbox, str]:
    """The shared server of a kind, with an empty world behind it."""
    sandbox, url = _SHARED[serve]
    sandbox.reset()
    return sandbox, url


@asynccontextmanager
async def session(url: str, heard: list[Any] | None = None, key: str = KEY) -> AsyncIterator[ClientSession]:
    async def hear(params: types.LoggingMessageNotificationParams) -> None:
        if heard is not None:
            heard.append(params)

    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client,
        streamable_http_client(url, http_client=client) as (read, write, _),
        ClientSession(read, write, logging_callback=hear, read_timeout_seconds=timedelta(seconds=10)) as opened,
    ):
        await opened.initialize()
        yield opened


def text_of(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


@BOTH
async def test_a_client_is_told_who_serves_and_gets_the_tools_of_the_vendors_page(serve: Any) -> None:
    _, url = fresh(serve)
    async with session(url) as client:
        listed = (await client.list_tools()).tools
        capabilities = client.get_server_capabilities()
    assert capabilities is not None
    assert capabilities.logging is not None
    assert {tool.name for tool in listed} >= ON_THE_PAGE
    assert all(tool.inputSchema["type"] == "object" and tool.description for tool in listed)


def test_our_tools_say_how_dangerous_they_are_and_keep_the_lean_schema() -> None:
    for request in REQUESTS:
        tool = tool_of(request)
        hints = tool.annotations
        assert hints is not None
        assert hints.readOnlyHint is (request.spec.risk is Risk.READ)
        assert hints.destructiveHint is (request.spec.risk >= Risk.DIAL or request.spec.overwrites)
        assert hints.openWorldHint is request.spec.dials
        assert hints.title == request.spec.title
        assert tool.description == request.spec.doc
        assert tool.inputSchema["properties"] == request.model_json_schema().get("properties", {})
        assert "description" not in tool.inputSchema


async def test_our_answer_is_a_few_lines_for_the_model_and_the_whole_json_for_the_program() -> None:
    sandbox, url = fresh(serving_ours)
    async with session(url) as client:
        everything = await client.call_tool("revox_list_voices", {})
        result = await client.call_tool("revox_list_voices", {"language": "French"})
    assert not result.isError
    assert "a249eaff-1e96-4d2c-b23b-12efa4f66f41" in text_of(result)
    assert len(text_of(result)) <= 1500
    assert result.structuredContent is not None
    assert {voice["language"] for voice in result.structuredContent["voices"]} == {"fr"}
    assert everything.structuredContent is not None
    assert len(everything.structuredContent["voices"]) == len(sandbox.world.voices)


async def test_audio_comes_as_audio() -> None:
    _, url = fresh(serving_ours)
    async with session(url) as client:
        asked = {"voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41", "voice_provider": "cartesia"}
        result = await client.call_tool("revox_preview_voice", asked)
    sound = result.content[0]
    assert isinstance(sound, types.AudioContent)
    assert sound.mimeType == "audio/mpeg"
    assert base64.b64decode(sound.data).startswith(b"\xff\xfb")


async def test_our_known_failures_are_results_with_a_sentence_and_what_a_program_wants_to_know() -> None:
    _, url = fresh(serving_ours)
    async with session(url) as client:
        missing = await client.call_tool("revox_get_call", {"call_id": "nope"})
        wrong = await client.call_tool("revox_make_call", {"phone_number": "112", "prompt": "Hi", "when": "now"})
        unknown = await client.call_tool("revox_make_cal", {})
    assert missing.isError
    assert missing.structuredContent is not None
    assert missing.structuredContent["code"] == "not_found"
    assert text_of(missing).startswith("Error (not_found): ")
    assert wrong.isError
    assert "phone_number: " in text_of(wrong)
    assert "when: " in text_of(wrong)
    assert "did you mean 'revox_make_call'" in text_of(unknown)


async def test_the_same_wrong_call_is_answered_harder_each_time_within_a_session() -> None:
    wrong = {"phone_number": "+1202555", "prompt": "Say hello."}
    _, url = fresh(serving_ours)
    async with session(url) as client, session(url) as another:
        said = [text_of(await client.call_tool("revox_make_call", wrong)) for _ in range(3)]
        elsewhere = text_of(await another.call_tool("revox_make_call", wrong))
        await client.call_tool("revox_list_voices", {})
        afresh = text_of(await client.call_tool("revox_make_call", wrong))
    assert "The same call fails again" in said[1]
    assert "Stop. Do not call revox_make_call again" in said[2]
    assert said[0] == elsewhere == afresh
    assert len(said[1]) < len(said[0])


async def test_a_bug_of_ours_is_reported_by_its_kind_and_logged_without_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @operation("GET /auth-status", risk=Risk.READ, render=str)
    class Broken(Operation):
        """Break."""

        def wire(self) -> Wire:
            raise LookupError(f"no such thing: {KEY}")

    server = make_server(Sandbox().connect(KEY), [Broken], Guard())
    with serving(http_app(server)) as url, caplog.at_level(logging.ERROR, "revox_langchain"):
        async with session(f"{url}/mcp") as client:
            result = await client.call_tool("revox_broken", {})
    assert result.isError
    assert "LookupError" in text_of(result)
    assert KEY not in text_of(result)
    assert "LookupError: no such thing: [redacted]" in caplog.text
    assert KEY not in caplog.text


async def test_the_same_call_asked_for_twice_over_mcp_rings_once() -> None:
    sandbox, url = fresh(serving_ours)
    asked = {"phone_number": "+1 202 555 0100", "prompt": "Ask whether the parcel arrived."}
    async with session(url) as client:
        first = await client.call_tool("revox_make_call", asked)
    async with session(url) as client:
        second = await client.call_tool("revox_make_call", asked)
    assert first.structuredContent is not None
    assert second.structuredContent is not None
    assert second.structuredContent["adopted"] is True
    assert first.structuredContent["call"]["id"] == second.structuredContent["call"]["id"]
    assert len(sandbox.dials) == 1


async def test_the_budget_counts_for_all_clients_of_one_server_together() -> None:
    sandbox = Sandbox()
    server = make_server(sandbox.connect(), [MakeCall], Guard(DialPolicy(max_orders=1)))
    results = []
    with serving(http_app(server)) as url:
        for number in ("+12025550100", "+12025550101"):
            async with session(f"{url}/mcp") as client:
                results.append(await client.call_tool("revox_make_call", {"phone_number": number, "prompt": "Hello"}))
    assert not results[0].isError
    assert results[1].structuredContent is not None
    assert results[1].structuredContent["code"] == "budget_exceeded"
    assert len(sandbox.dials) == 1


@BOTH
async def test_waiting_reports_every_status_as_a_message_and_as_progress(serve: Any) -> None:
    sandbox, url = fresh(serve)
    call_id = sandbox.connect(KEY).send(MakeCall(phone_number="+12025550100", prompt="Hello"))["call"]["id"]
    heard: list[Any] = []
    progress: list[float] = []

    async def progressed(amount: float, total: float | None, message: str | None) -> None:
        progress.append(amount)

    async with session(url, heard) as client:
        result = await client.call_tool("revox_wait_for_call", {"call_id": call_id}, progress_callback=progressed)
    statuses = [message.data["status"] for message in heard if "status" in message.data]
    assert statuses[0] == "initializing"
    assert statuses[-1] == "completed"
    assert {(message.level, message.logger) for message in heard} == {("info", "revox")}
    assert progress == sorted(progress)
    assert len(progress) == len(heard)
    assert '"completed"' in text_of(result) or "is completed" in text_of(result)


@BOTH
async def test_a_client_that_wants_only_warnings_hears_nothing_of_a_wait(serve: Any) -> None:
    sandbox, url = fresh(serve)
    call_id = sandbox.connect(KEY).send(MakeCall(phone_number="+12025550100", prompt="Hello"))["call"]["id"]
    heard: list[Any] = []
    async with session(url, heard) as client:
        await client.set_logging_level("warning")
        await client.call_tool("revox_wait_for_call", {"call_id": call_id})
    assert heard == []


@pytest.mark.slow
@BOTH
async def test_cancelling_a_wait_stops_the_looking_and_leaves_the_call_alone(serve: Any) -> None:
    sandbox = Sandbox(speed=10)
    call_id = sandbox.connect(KEY).send(MakeCall(phone_number=IN_THE_QUEUE, prompt="Hello"))["call"]["id"]
    heard: list[Any] = []
    interval = "interval_s" if serve is serving_ours else "interval_seconds"
    with serve(sandbox) as url:
        async with session(url, heard) as client:
            arguments = {"call_id": call_id, interval: 0.5}
            waiting = asyncio.create_task(client.call_tool("revox_wait_for_call", arguments))
            while not heard:
                await asyncio.sleep(0.01)
            cancelled = types.CancelledNotification(params=types.CancelledNotificationParams(requestId=1))
            await client.send_notification(types.ClientNotification(cancelled))
            with pytest.raises(McpError, match="cancelled"):
                await waiting
            looks = sandbox.counts["revox_get_call"]
            await asyncio.sleep(0.2)
            assert sandbox.counts["revox_get_call"] <= looks + 1
            assert not (await client.call_tool("revox_auth_status", {})).isError
    assert sandbox.world.orders[call_id]["status"] == "queued_for_calling"


@BOTH
async def test_every_request_must_carry_the_key(serve: Any) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}
    _, url = fresh(serve)
    async with session(url), httpx.AsyncClient(headers=accept) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
            for method in ("POST", "GET", "DELETE"):
                answer = await client.request(
                    method,
                    url,
                    json=hello if method == "POST" else None,
                    headers={**headers, "Mcp-Session-Id": "x"},
                )
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.slow
@BOTH
async def test_after_a_restart_an_old_session_is_refused_and_a_new_one_works(serve: Any) -> None:
    sandbox = Sandbox()
    with serve(sandbox) as url:
        port = int(url.split(":")[2].split("/")[0])
        async with session(url) as client:
            assert not (await client.call_tool("revox_auth_status", {})).isError
            held = await held_session(url)
    with serve(sandbox, port) as url:
        old = httpx.post(url, json={"jsonrpc": "2.0", "id": 9, "method": "tools/list"}, headers=held)
        assert old.status_code == 404
        async with session(url) as client:
            assert not (await client.call_tool("revox_auth_status", {})).isError


async def held_session(url: str) -> dict[str, str]:
    """Headers of a session that is not ended."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json, text/event-stream"}
    params = {
        "protocolVersion": types.LATEST_PROTOCOL_VERSION,
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"},
    }
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    async with httpx.AsyncClient(headers=headers) as client:
        answer = await client.post(url, json=hello)
    return {**headers, "Mcp-Session-Id": answer.headers["mcp-session-id"]}


async def test_our_server_answers_only_under_names_of_this_machine() -> None:
    server = make_server(Sandbox().connect(), [GetCall], Guard())
    with serving(http_app(server)) as url:
        async with httpx.AsyncClient(headers={"Accept": "application/json, text/event-stream"}) as client:
            hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            by_name = await client.post(f"{url}/mcp", json=hello, headers={"Host": "evil.example"})
            by_page = await client.post(f"{url}/mcp", json=hello, headers={"Origin": "https://evil.example"})
    assert by_name.status_code == 421
    assert by_page.status_code == 403


def test_our_server_is_not_opened_to_other_machines_without_a_token() -> None:
    class Toolkit:
        connection = Sandbox().connect()
        decided = NOTHING

        def requests(self) -> list[Any]:
            return [MakeCall]

        def guard(self) -> Guard:
            return Guard()

        def instructions(self) -> str:
            return ""

    began: list[str] = []
    with pytest.raises(InvalidInput, match="Whoever reaches"):
        run_http(Toolkit(), "0.0.0.0", on_start=began.append)
    assert began == []
    with pytest.raises(InvalidInput, match="needs a token"):
        http_app(make_server(Sandbox().connect(), [MakeCall], Guard()), any_host=True)


@pytest.mark.slow
async def test_our_server_speaks_over_stdio_to_the_program_that_starts_it() -> None:
    code = (
        "from revox_langchain import RevoxToolkit; from revox_langchain.mcp_server.stdio import run_stdio;"
        "run_stdio(RevoxToolkit.sandbox(toolsets=('voices',)))"
    )
    parameters = StdioServerParameters(command=sys.executable, args=["-c", code])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
        about = await client.initialize()
        names = [tool.name for tool in (await client.list_tools()).tools]
        voices = await client.call_tool("revox_list_voices", {"language": "de", "gender": "male"})
    assert "revox_wait_for_call" in (about.instructions or "")
    assert names == ["revox_list_voices", "revox_get_voice"]
    assert "Jonas" in text_of(voices)


@pytest.mark.slow
def test_importing_the_tools_and_the_server_loads_no_mcp_and_no_graph_library() -> None:
    code = (
        "import sys, revox_langchain.tools.toolkit, revox_langchain.mcp_server.http, revox_langchain.sandbox.mcp;"
        "print([m for m in ('mcp', 'langchain_mcp_adapters', 'langgraph') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_revoxs_answers_are_whole_json_in_revoxs_wrappers() -> None:
    _, url = fresh(serving_theirs)
    async with session(url) as client:
        asked = {"phone_number": "+12025550100", "prompt": "Hello", "metadata": {"order": "7"}}
        placed = json.loads(text_of(await client.call_tool("revox_make_call", asked)))
        read = json.loads(text_of(await client.call_tool("revox_get_call", {"call_id": placed["call"]["id"]})))
        gone = await client.call_tool("revox_get_call", {"call_id": "nope"})
        wrong = await client.call_tool("revox_get_call", {"id": "x"})
    assert placed["call"]["metadata"] == {"order": "7"}
    assert read["call"]["id"] == placed["call"]["id"]
    assert gone.isError
    assert json.loads(text_of(gone))["status"] == 404
    assert wrong.isError
    assert text_of(wrong).startswith("Input validation error")


@pytest.mark.slow
@pytest.mark.parametrize("call_metadata", [True, False])
async def test_whether_revox_takes_metadata_over_mcp_is_a_switch(call_metadata: bool) -> None:
    sandbox = Sandbox()
    with serving_theirs(sandbox, call_metadata=call_metadata) as url:
        async with session(url) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            asked = {"phone_number": "+12025550100", "prompt": "Hello", "metadata": {"a": "b"}}
            result = await client.call_tool("revox_make_call", asked)
    assert ("metadata" in tools["revox_make_call"].inputSchema["properties"]) is call_metadata
    assert result.isError is not call_metadata
    assert len(sandbox.dials) == int(call_metadata)


async def test_the_long_tail_of_an_assistants_fields_is_flat_at_revox() -> None:
    sandbox, url = fresh(serving_theirs)
    async with session(url) as client:
        asked = {"name": "Ada", "prompt": "Help.", "max_duration_end_message": "Time is up."}
        result = await client.call_tool("revox_create_assistant", asked)
        wrong = await client.call_tool("revox_create_assistant", {**asked, "mood": "good"})
    assert json.loads(text_of(result))["assistant"]["max_duration_end_message"] == "Time is up."
    assert wrong.isError
    assert len(sandbox.world.assistants) == 1


@pytest.mark.slow
async def test_revoxs_wait_comes_back_with_the_call_as_it_is_when_time_is_up() -> None:
    sandbox, url = fresh(serving_theirs)
    call_id = sandbox.connect(KEY).send(MakeCall(phone_number=IN_THE_QUEUE, prompt="Hello"))["call"]["id"]
    async with session(url) as client:
        result = await client.call_tool("revox_wait_for_call", {"call_id": call_id, "timeout_seconds": 20})
    assert json.loads(text_of(result))["call"]["status"] == "queued_for_calling"
    assert sandbox.counts["revox_get_call"] == 5


@pytest.mark.slow
async def test_the_invented_tools_answer_and_say_that_they_are_invented() -> None:
    with serving_theirs(Sandbox(), structured=True) as url:
        async with session(url) as client:
            described = {tool.name: tool.description for tool in (await client.list_tools()).tools}
            balance = await client.call_tool("revox_get_billing_balance", {})
    assert all("Invented" in (described[name] or "") for name in INVENTED)
    assert balance.structuredContent == json.loads(text_of(balance))
