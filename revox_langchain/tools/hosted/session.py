"""One tool call over MCP: in a session of its own, sent once, and failing with errors that say the next step.

What the official client leaves to its callers is done here: exceptions come unwrapped, an answer that is lost is
noticed when its stream ends and not when the timeout does, and no redirect is followed that would send a call twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import TypeVar

import httpx
from langchain_core.tools import BaseTool, StructuredTool
from mcp.types import CallToolResult

from revox_langchain.answers import JsonObject
from revox_langchain.connection.address import check_url
from revox_langchain.connection.audit import aacting
from revox_langchain.connection.connection import Connection
from revox_langchain.connection.limits import ACCEPTED, AnswerLimits
from revox_langchain.connection.privacy import cleaned, mask_the_mcp_log
from revox_langchain.connection.sandboxed import marked
from revox_langchain.dialing.given import Given
from revox_langchain.errors import NotFound, RevoxToolError, TimedOut, Unavailable
from revox_langchain.flow import Emit
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.operation import Risk
from revox_langchain.tools.hosted.adapters import (
    CallbackContext,
    LoggingMessageNotificationParams,
    MCPToolCallRequest,
    MCPToolCallResult,
    ToolCallInterceptor,
    client_of,
)
from revox_langchain.tools.hosted.answers import Failures, RequestState, answer_of
from revox_langchain.tools.hosted.in_flight import IN_FLIGHT, InFlight, on_request, on_response, setting

T = TypeVar("T")
Handler = Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]

PATH = "/mcp-servers/generic/mcp"
"""Where Revox serves MCP, below the API's base URL."""

_GRACE_S = 0.1
_RISKS = {operation.spec.name: operation.spec.risk for operation in OPERATIONS}
_CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class CallContext:
    """On whose behalf a tool is called.

    Attributes:
        emit: Gets what the server reports meanwhile.
        thread: The LangGraph thread.
        reads: Whether it may be asked again.
        dials: Whether a failure may have made a phone ring.
        view: Arguments that are ours and not the server's.
        given: What may have given the numbers; None where that is not visible.
    """

    emit: Emit | None = None
    thread: str | None = None
    reads: bool = False
    dials: bool = False
    view: JsonObject = field(default_factory=dict)
    given: Given | None = None


_CONTEXT: ContextVar[CallContext | None] = ContextVar("revox_mcp_context", default=None)


def current_context() -> CallContext:
    """The context of the tool call this happens in."""
    return _CONTEXT.get() or CallContext()


class HostedServer:
    """An MCP server, as a set of tools to call, each call in a session of its own.

    Args:
        connection: Whose key is sent, and below whose base URL the server is.
        url: The server's address, if it is another one.
        timeout_s: How long any answer may take; needed, since the client has no limit of its own that works.
        interceptors: What a call goes through before it is sent.

    Attributes:
        url: The server's address.
        connection: Says whether the server is a sandbox.
    """

    def __init__(
        self,
        connection: Connection,
        url: str | None = None,
        *,
        timeout_s: float = 60.0,
        interceptors: Sequence[ToolCallInterceptor] = (),
    ) -> None:
        self.url = url or f"{connection.base_url}{PATH}"
        check_url(self.url, "MCP address", f"https://www.getrevox.com/api{PATH}")
        mask_the_mcp_log()
        self.connection = connection
        self._key = connection.api_key
        self._limits = AnswerLimits(connection.max_answer_bytes)
        self._failures = Failures(self.url, connection.api_key)
        self._ssl: SSLContext | None = None
        self._tools: dict[str, StructuredTool] = {}
        self._client = client_of(
            self.url,
            {"Authorization": f"Bearer {connection.api_key.get_secret_value()}"},
            timeout_s=timeout_s,
            http_client=self._http_client,
            on_message=self._on_message,
            on_progress=self._on_progress,
            interceptors=[*interceptors, self._send],
        )

    async def list_tools(self) -> dict[str, StructuredTool]:
        """Ask the server for its tools, by name.

        Raises:
            RevoxToolError: It cannot be reached, refuses the key or does not speak MCP.
        """
        if self._ssl is None:
            # 22 ms of blocking work that every session would repeat (measured).
            self._ssl = await asyncio.to_thread(httpx.create_ssl_context)

        async def listed() -> list[BaseTool]:
            call = InFlight("tools/list")
            try:
                with setting(IN_FLIGHT, call):
                    return list(await self._client.get_tools())
            except Exception as error:
                known = call.refused or self._failures.known(
                    error, RequestState("the list of tools", left=False, reads=True)
                )
            # Outside the handler: no error of the client, whose request holds the key, hangs on ours.
            raise known

        tools = await _again_if_safe(listed)
        self._tools = {tool.name: tool for tool in tools if isinstance(tool, StructuredTool)}
        return self._tools

    @property
    def names(self) -> set[str]:
        """Names of the server's tools, as last listed."""
        return set(self._tools)

    def schema(self, name: str) -> JsonObject:
        """The schema of a tool's arguments, as the server gave it; empty if it has no such tool."""
        tool = self._tools.get(name)
        return dict(tool.args_schema) if tool is not None and isinstance(tool.args_schema, dict) else {}

    def properties(self, name: str) -> JsonObject:
        """The arguments a tool takes, by name, each with its schema."""
        return dict(self.schema(name).get("properties", {}))

    async def call(self, name: str, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Call a tool.

        Returns:
            Its answer as JSON, without the secrets that Revox echoes.

        Raises:
            RevoxToolError: What went wrong; only what reads has been asked twice.
        """
        if name not in self._tools:
            raise NotFound(f"The MCP server has no tool {name!r}.", next_step="Use REST for it.")
        coroutine = self._tools[name].coroutine
        assert coroutine is not None

        async def called() -> JsonObject:
            with setting(_CONTEXT, context):
                _, artifact = await coroutine(**arguments)
            answer: JsonObject = artifact["structured_content"]
            return answer

        return await (_again_if_safe(called) if context.reads else called())

    async def _send(self, request: MCPToolCallRequest, handler: Handler) -> CallToolResult:
        """Send a call and wait for its answer, with the lines that the connection's audit wants."""
        context = current_context()
        risk = Risk.READ if context.reads else _RISKS.get(request.name, Risk.DIAL)
        act = self.connection.act(request.name, risk, request.args)
        answer = await aacting(act, lambda: self._answered(request, handler))
        return CallToolResult(content=[], structuredContent=answer)

    async def _answered(self, request: MCPToolCallRequest, handler: Handler) -> JsonObject:
        """Send a call and wait for its answer, or for the end of the stream it should have come in."""
        call, context = InFlight(request.name), current_context()

        def state() -> RequestState:
            return RequestState(call.tool, call.sent, context.reads, context.dials)

        try:
            answer = await self._answer_to(call, request, handler, state)
        except RevoxToolError:
            raise
        except Exception as error:
            known = call.refused or self._failures.known(error, state())
        else:
            assert isinstance(answer, CallToolResult)
            if not answer.isError:
                said = answer_of(answer, self._key)
                return marked(said) if self.connection.sandbox else said
            known = self._failures.reported(answer, state())
        raise known

    async def _answer_to(
        self, call: InFlight, request: MCPToolCallRequest, handler: Handler, state: Callable[[], RequestState]
    ) -> MCPToolCallResult:
        with setting(IN_FLIGHT, call):
            answering = asyncio.ensure_future(handler(request))
        # Looked at, so that what goes wrong after we have given up is not complained about.
        answering.add_done_callback(lambda done: done.cancelled() or done.exception())
        ending = asyncio.ensure_future(call.over.wait())
        try:
            await asyncio.wait({answering, ending}, return_when=asyncio.FIRST_COMPLETED)
            # The stream ends a moment before the client has decoded what came in it.
            if not answering.done():
                await asyncio.wait({answering}, timeout=None if call.answered and not call.refused else _GRACE_S)
            if not answering.done() or answering.cancelled():
                raise call.refused or self._failures.lost(state())
            return answering.result()
        finally:
            ending.cancel()
            if not answering.done():
                answering.cancel()
                # Closing the session tells the server to stop; a server that is gone must not hold us up.
                await asyncio.wait({answering}, timeout=_CLOSING_S)

    def _http_client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={**(headers or {}), **ACCEPTED},
            timeout=timeout,
            auth=auth,
            verify=True if self._ssl is None else self._ssl,
            # The limits before what watches the stream, which looks at what was unpacked.
            event_hooks={"request": [on_request], "response": [self._learn, self._limits.acheck, on_response]},
        )

    async def _learn(self, response: httpx.Response) -> None:
        # A server elsewhere says nothing about who answers at the base URL.
        if self.url.startswith(f"{self.connection.base_url}/"):
            self.connection.learn(response)

    async def _on_message(self, params: LoggingMessageNotificationParams, context: CallbackContext) -> None:
        data = cleaned(params.data, self._key)
        if isinstance(data, dict) and "status" in data and "type" not in data:
            data = {"type": "revox.status", **data}
        if not (isinstance(data, dict) and str(data.get("type")).startswith("revox.")):
            data = {"type": "revox.message", "level": params.level, "data": data}
        if (emit := current_context().emit) is not None:
            emit(data)

    async def _on_progress(
        self, progress: float, total: float | None, message: str | None, context: CallbackContext
    ) -> None:
        words = cleaned(message, self._key)
        if (emit := current_context().emit) is not None:
            emit({"type": "revox.progress", "progress": progress, "total": total, "message": words})


async def _again_if_safe(ask: Callable[[], Awaitable[T]]) -> T:
    try:
        return await ask()
    except Unavailable as error:
        # A 404 on a request that never left means that there is no server at this address.
        if isinstance(error, TimedOut) or not error.retry_safe or (error.http_status == 404 and not error.sent):
            raise
    await asyncio.sleep(0.2)
    return await ask()


__all__ = ["PATH", "CallContext", "Handler", "HostedServer", "current_context"]
