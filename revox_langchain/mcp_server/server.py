"""Our requests as MCP tools, guard included, for any MCP client.

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
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from revox_langchain.actions.failing import said_again
from revox_langchain.actions.offer import Offer
from revox_langchain.actions.requests import perform_and_render
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.connection.privacy import mask_the_mcp_log
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import InvalidInput, RevoxToolError, near
from revox_langchain.flow import Emit, arun, error_from
from revox_langchain.mcp_server.versions import check_versions
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.operation import Request

if TYPE_CHECKING:
    from mcp import types
    from mcp.server.lowlevel import Server
    from mcp.server.session import ServerSession

logger = logging.getLogger("revox_langchain.mcp")

_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


def make_server(
    connection: Connection,
    requests: Iterable[type[Request]],
    guard: Guard,
    *,
    name: str = "revox",
    scope: str | None = None,
    instructions: str | None = None,
    structured: bool = True,
    decided: Decided = NOTHING,
) -> Server:
    """Make requests the tools of an MCP server.

    Args:
        connection: The account to use.
        requests: What is offered.
        guard: What may be dialed, and how much by all clients of this server together.
        name: Name of the server.
        scope: Part of every call's intent, and whose budget counts: within one scope the same arguments never ring
            twice. Default is a new one per server; give a name to make the promise outlive the process.
        instructions: What clients tell their model about the server.
        structured: Whether the full JSON goes along as structured content.
        decided: What code decided of the assistants that requests make.

    Returns:
        A server for `serve_stdio`, `http_app` or any other transport of the official SDK.
    """
    check_versions()
    mask_the_mcp_log()
    from mcp.server.lowlevel import Server

    tools = _Tools(
        connection=connection,
        offered={request.spec.name: request for request in requests},
        guard=guard,
        scope=scope or f"mcp {uuid.uuid4()}",
        structured=structured,
        decided=decided,
    )
    server: Server = Server(name, version=version("revox-langchain"), instructions=instructions)
    reports = Reports(server)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def list_tools() -> list[types.Tool]:
        return [tool_of(request, structured=structured) for request in tools.offered.values()]

    # The flow validates, so that wrong arguments are answered in our words, like every other known failure.
    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def call_tool(tool: str, arguments: JsonObject) -> types.CallToolResult:
        async with reports.emitting() as emit:
            return await tools.call(tool, arguments, emit, server.request_context.session)

    return server


def server_for(offer: Offer) -> Server:
    """Make a server of all that is on offer."""
    return make_server(
        offer.connection, offer.requests(), offer.guard(), instructions=offer.instructions(), decided=offer.decided
    )


def tool_of(request: type[Request], *, structured: bool = False) -> types.Tool:
    """Describe a request to MCP clients: its name, what a model reads, its arguments, its answer and its danger.

    Args:
        request: What the tool does.
        structured: Whether every answer comes as structured content too.
    """
    from mcp import types

    spec = request.spec
    schema = request.model_json_schema()
    schema.pop("description", None)
    return types.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.doc,
        inputSchema=schema,
        outputSchema=_answer_schema(request) if structured and not spec.binary else None,
        annotations=types.ToolAnnotations(**spec.annotations),
    )


def _answer_schema(request: type[Request]) -> JsonObject:
    # Revox adds fields to its answers, so only the one that every answer has is named.
    key = request.spec.answer
    return {"type": "object", **({"properties": {key: {}}} if key else {})}


def result(text: str, structured: JsonObject | None = None, *, failed: bool = False) -> types.CallToolResult:
    """A tool's result: text for the model, JSON for the program."""
    from mcp import types

    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structuredContent=structured, isError=failed
    )


class Reports:
    """Tells the client of a request what happens meanwhile: as log messages and, if it asked, as progress.

    Args:
        server: Whose requests; from now on it lets clients set their log level.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._levels: WeakKeyDictionary[ServerSession, str] = WeakKeyDictionary()

        @server.set_logging_level()  # type: ignore[no-untyped-call, untyped-decorator]
        async def set_level(level: str) -> None:
            self._levels[server.request_context.session] = level

    @asynccontextmanager
    async def emitting(self) -> AsyncIterator[Emit]:
        """Take events from code that cannot await, and send them in order; all are out when the block ends."""
        waiting: asyncio.Queue[JsonObject | None] = asyncio.Queue()

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

    async def _send(self, payload: JsonObject, number: int) -> None:
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


@dataclass(frozen=True, slots=True)
class _Tools:
    """The tools of one server, by name, and on whose behalf they are called."""

    connection: Connection
    offered: Mapping[str, type[Request]]
    guard: Guard
    scope: str
    structured: bool
    decided: Decided
    failing: WeakKeyDictionary[ServerSession, tuple[str, JsonObject, int]] = field(default_factory=WeakKeyDictionary)
    """The latest call of each session if it failed, and how often in a row."""

    async def call(self, tool: str, arguments: JsonObject, emit: Emit, session: ServerSession) -> types.CallToolResult:
        """Call a tool; whatever goes wrong is a result; the log gets what the client must not see."""
        last = self.failing.pop(session, None)
        before = last[2] if last is not None and last[:2] == (tool, arguments) else 0
        try:
            return await self._answer(tool, arguments, emit)
        except RevoxToolError as error:
            self.failing[session] = (tool, arguments, before + 1)
            told = error_from(error, self.connection)
            words = said_again(f"Error ({error.code}): {error.for_model}", told, tool, before)
            return result(words, told, failed=True)
        except Exception as error:
            trace = traceback.format_exc().replace(self.connection.api_key.get_secret_value(), REDACTED)
            logger.error("%s failed\n%s", tool, trace)
            words = f"{tool} failed inside this server ({type(error).__name__}); its log has more."
            # Some clients want structured content of errors as well, once a tool declares its shape.
            return result(words, {"code": "internal", "message": words, "retry_safe": False}, failed=True)

    async def _answer(self, tool: str, arguments: JsonObject, emit: Emit) -> types.CallToolResult:
        from mcp import types

        request = self.offered.get(tool)
        if request is None:
            raise InvalidInput(f"There is no tool {tool!r}{near(tool, self.offered)}", code="unknown_tool")
        flow = perform_and_render(
            request, arguments, self.guard, scope=self.scope, toolkit=self.scope, decided=self.decided
        )
        text, answer = await arun(flow, self.connection, emit=emit)
        if isinstance(answer, bytes):
            sound = types.AudioContent(type="audio", data=base64.b64encode(answer).decode(), mimeType="audio/mpeg")
            return types.CallToolResult(content=[sound])
        return result(text, answer if self.structured else None)


__all__ = ["Reports", "make_server", "result", "server_for", "tool_of"]
