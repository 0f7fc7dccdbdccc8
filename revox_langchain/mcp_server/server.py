"""Our requests as MCP tools, guard included, for any MCP client: over stdio or over streamable HTTP.

    server = make_server(connection, toolkit.requests(), toolkit.guard())
    asyncio.run(serve_stdio(server))

The sandbox plays Revox's own MCP server with the same parts.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from revox_langchain.actions.requests import perform_and_render
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import InvalidInput, RevoxToolError, near
from revox_langchain.flow import Emit, arun
from revox_langchain.mcp_server.http import BearerGate, StreamableHttp, http_app, serve_http
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.operation import Request

if TYPE_CHECKING:
    from mcp import types
    from mcp.server.lowlevel import Server

logger = logging.getLogger("revox_langchain.mcp")

_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Offer(Protocol):
    """What can be served: a `RevoxToolkit` is one."""

    @property
    def connection(self) -> Connection:
        """The account."""

    def requests(self) -> list[type[Request]]:
        """What is offered."""

    def guard(self) -> Guard:
        """What may be dialed."""

    def instructions(self) -> str:
        """The order of steps and the rules of safety, for the client's model."""


def run_stdio(toolkit: Offer) -> None:
    """Serve `toolkit` to the program that started this process, until it closes stdin."""
    asyncio.run(serve_stdio(_server_for(toolkit)))


def run_http(
    toolkit: Offer,
    host: str = "127.0.0.1",
    port: int = 8788,
    token: str | None = None,
    *,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve `toolkit` at `http://host:port/mcp` until Ctrl-C.

    Args:
        toolkit: What is served.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        token: Bearer token that every request must carry; None asks for none.
        on_start: Called with the URL once the port is taken.

    Raises:
        InvalidInput: The host can be reached by others, and there is no token.
        OSError: The port is taken already.
    """
    asyncio.run(serve_http(_server_for(toolkit), host, port, token=token, on_start=on_start))


def make_server(
    connection: Connection,
    requests: Iterable[type[Request]],
    guard: Guard,
    *,
    name: str = "revox",
    scope: str | None = None,
    instructions: str | None = None,
    structured: bool = True,
) -> Server[Any, Any]:
    """Make requests the tools of an MCP server.

    Args:
        connection: Whom they talk to.
        requests: What is offered.
        guard: What may be dialed, and how much by all clients of this server together.
        name: Name of the server.
        scope: Part of every call's intent, and whose budget counts: within one scope the same arguments never ring
            twice. Default is a new one per server; give a name to make the promise outlive the process.
        instructions: What clients tell their model about the server.
        structured: Whether the full JSON goes along as structured content.

    Returns:
        A server for `serve_stdio`, `http_app` or any other transport of the official SDK.
    """
    from mcp import types
    from mcp.server.lowlevel import Server

    offered = {request.spec.name: request for request in requests}
    tools = [tool_of(request) for request in offered.values()]
    scope = scope or f"mcp {uuid.uuid4()}"
    server: Server[Any, Any] = Server(name, version=version("revox-langchain"), instructions=instructions)
    report = Reports(server)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def list_tools() -> list[types.Tool]:
        return tools

    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def call_tool(tool: str, arguments: dict[str, Any]) -> types.CallToolResult:
        async with report.emitting() as emit:
            try:
                request = offered.get(tool)
                if request is None:
                    raise InvalidInput(f"There is no tool {tool!r}{near(tool, offered)}", code="unknown_tool")
                text, answer = await arun(
                    perform_and_render(request, arguments, guard, scope=scope, toolkit=scope), connection, emit=emit
                )
            except RevoxToolError as error:
                return result(f"Error ({error.code}): {error}", error.as_dict(), failed=True)
            except Exception as error:
                trace = traceback.format_exc().replace(connection.api_key.get_secret_value(), REDACTED)
                logger.error("%s failed\n%s", tool, trace)
                return result(
                    f"{tool} failed inside this server ({type(error).__name__}); its log has more.", failed=True
                )
        if isinstance(answer, bytes):
            sound = types.AudioContent(type="audio", data=base64.b64encode(answer).decode(), mimeType="audio/mpeg")
            return types.CallToolResult(content=[sound])
        return result(text, answer if structured else None)

    return server


def tool_of(request: type[Request]) -> types.Tool:
    """Describe a request to MCP clients: its name, what a model reads, its arguments and its danger."""
    from mcp import types

    spec = request.spec
    schema = request.model_json_schema()
    schema.pop("description", None)
    return types.Tool(
        name=spec.name,
        description=spec.doc,
        inputSchema=schema,
        annotations=types.ToolAnnotations(**spec.annotations),
    )


def result(text: str, structured: dict[str, Any] | None = None, *, failed: bool = False) -> types.CallToolResult:
    """A tool's result: text for the model, JSON for the program."""
    from mcp import types

    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structuredContent=structured, isError=failed
    )


class Reports:
    """Tells the client of a request what happens meanwhile: as log messages and, if it asked, as progress.

    Args:
        server: Whose requests; it learns to take the client's wish for a log level.
    """

    def __init__(self, server: Server[Any, Any]) -> None:
        from weakref import WeakKeyDictionary

        self._server = server
        self._levels: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

        @server.set_logging_level()  # type: ignore[no-untyped-call, untyped-decorator]
        async def set_level(level: str) -> None:
            self._levels[server.request_context.session] = level

    @asynccontextmanager
    async def emitting(self) -> AsyncIterator[Emit]:
        """Take events from code that cannot await, and send them in order; all are out when the block ends."""
        waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

        async def send() -> None:
            number = 0
            while (payload := await waiting.get()) is not None:
                number += 1
                await self._send(payload, number)

        sending = asyncio.create_task(send())
        try:
            yield waiting.put_nowait
            waiting.put_nowait(None)
            await sending
        finally:
            sending.cancel()

    async def _send(self, payload: dict[str, Any], number: int) -> None:
        context = self._server.request_context
        # Without the id of the request the message would wait for a listening stream that few clients open.
        of_request = str(context.request_id)
        if _LEVELS.index(self._levels.get(context.session, "info")) <= _LEVELS.index("info"):
            await context.session.send_log_message("info", payload, logger="revox", related_request_id=of_request)
        token = context.meta.progressToken if context.meta is not None else None
        if token is not None:
            words = str(payload.get("status") or payload.get("type") or "")
            await context.session.send_progress_notification(
                token, float(number), message=words, related_request_id=of_request
            )


async def serve_stdio(server: Server[Any, Any]) -> None:
    """Serve over stdin and stdout until stdin is closed."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _server_for(toolkit: Offer) -> Server[Any, Any]:
    requests = toolkit.requests()
    return make_server(toolkit.connection, requests, toolkit.guard(), instructions=toolkit.instructions())


__all__ = [
    "BearerGate", "Offer", "Reports", "StreamableHttp", "http_app", "make_server", "result", "run_http", "run_stdio",
    "serve_http", "serve_stdio", "tool_of",
]  # fmt: skip
