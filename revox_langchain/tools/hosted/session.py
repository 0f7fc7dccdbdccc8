"""One tool call over MCP: in a session of its own, sent once, and failing with errors that say the next step.

What the official client leaves to its callers is done here: exceptions come unwrapped, an answer that is lost is
noticed when its stream ends and not when patience does, and no redirect is followed that would send a call twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

import httpx
from langchain_core.tools import StructuredTool
from langchain_mcp_adapters.callbacks import CallbackContext, Callbacks, LoggingMessageNotificationParams
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
from mcp.types import CallToolResult

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import AnswerError, NotFound, RevoxToolError, TimedOut, Unavailable
from revox_langchain.flow import Emit
from revox_langchain.tools.hosted.answers import Failures, Sent, answer_of

T = TypeVar("T")
Handler = Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]

PATH = "/mcp-servers/generic/mcp"
"""Where Revox serves MCP, below the API's base URL."""

_SERVER = "revox"
_GRACE_S = 0.1
_CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf a tool is called.

    Attributes:
        emit: Gets what the server reports meanwhile.
        thread: The LangGraph thread.
        reads: Whether it may be asked again.
        dials: Whether a failure may have made a phone ring.
        view: Arguments that are ours and not the server's.
    """

    emit: Emit | None = None
    thread: str | None = None
    reads: bool = False
    dials: bool = False
    view: dict[str, Any] = field(default_factory=dict)


_ERRAND: ContextVar[Errand | None] = ContextVar("revox_mcp_errand", default=None)
_WIRE: ContextVar[_Wire | None] = ContextVar("revox_mcp_wire", default=None)


def current_errand() -> Errand:
    """The errand of the tool call this happens in."""
    return _ERRAND.get() or Errand()


class Link:
    """An MCP server, as a set of tools to call.

    Args:
        connection: Whose key is sent, and below whose base URL the server is.
        url: The server's address, if it is another one.
        timeout_s: How long any answer may take; needed, since the client has no limit of its own that works.
        interceptors: What a call goes through before it is sent.
    """

    def __init__(
        self,
        connection: Connection,
        url: str | None = None,
        *,
        timeout_s: float = 60.0,
        interceptors: Sequence[Any] = (),
    ) -> None:
        self.url = url or f"{connection.base_url}{PATH}"
        self._failures = Failures(self.url, connection.api_key)
        self._ssl: Any = None
        self._tools: dict[str, StructuredTool] = {}
        self._client = MultiServerMCPClient(
            {
                _SERVER: {
                    "transport": "streamable_http",
                    "url": self.url,
                    "headers": {"Authorization": f"Bearer {connection.api_key.get_secret_value()}"},
                    "timeout": timedelta(seconds=min(timeout_s, 15.0)),
                    # When this one runs out first, the client waits for ever.
                    "sse_read_timeout": timedelta(seconds=timeout_s + 30.0),
                    "session_kwargs": {"read_timeout_seconds": timedelta(seconds=timeout_s)},
                    "httpx_client_factory": self._http_client,
                }
            },
            callbacks=Callbacks(on_logging_message=_on_message, on_progress=_on_progress),
            tool_interceptors=[*interceptors, self._carried],
        )

    async def list_tools(self) -> dict[str, StructuredTool]:
        """Ask the server for its tools, by name.

        Raises:
            RevoxToolError: It cannot be reached, refuses the key or does not speak MCP.
        """
        if self._ssl is None:
            # 22 ms of blocking work that every session would repeat (measured).
            self._ssl = await asyncio.to_thread(httpx.create_ssl_context)

        async def listed() -> list[Any]:
            try:
                return list(await self._client.get_tools())
            except Exception as error:
                known = self._failures.known(error, Sent("the list of tools", left=False, reads=True))
            # Outside the handler: no error of the client, whose request holds the key, hangs on ours.
            raise known

        self._tools = {tool.name: tool for tool in await _again_if_safe(listed)}
        return self._tools

    @property
    def names(self) -> set[str]:
        """Names of the server's tools, as last listed."""
        return set(self._tools)

    def schema(self, name: str) -> dict[str, Any]:
        """The schema of a tool's arguments, as the server gave it; empty if it has no such tool."""
        tool = self._tools.get(name)
        return cast("dict[str, Any]", tool.args_schema) if tool is not None else {}

    async def call(self, name: str, arguments: dict[str, Any], errand: Errand) -> dict[str, Any]:
        """Call a tool.

        Returns:
            Its answer as JSON, without the secrets that Revox echoes.

        Raises:
            RevoxToolError: What went wrong; only what reads has been asked twice.
        """
        if name not in self._tools:
            raise NotFound(f"The MCP server has no tool {name!r}.", next_step="Use REST for it.")
        tool = self._tools[name]

        async def called() -> dict[str, Any]:
            with _set(_ERRAND, errand):
                _, artifact = await cast("Any", tool.coroutine)(**arguments)
            return cast("dict[str, Any]", artifact["structured_content"])

        return await (_again_if_safe(called) if errand.reads else called())

    async def _carried(self, request: MCPToolCallRequest, handler: Handler) -> CallToolResult:
        """Send a call and wait for its answer, or for the end of the stream it should have come in."""
        wire, errand = _Wire(request.name), current_errand()
        with _set(_WIRE, wire):
            answering = asyncio.ensure_future(handler(request))
        # Looked at, so that what goes wrong after we have given up is not complained about.
        answering.add_done_callback(lambda done: done.cancelled() or done.exception())
        ending = asyncio.ensure_future(wire.over.wait())
        try:
            await asyncio.wait({answering, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                await asyncio.wait({answering}, timeout=None if wire.answered else _GRACE_S)
            if not answering.done() or answering.cancelled():
                raise self._failures.lost(wire.state(errand))
            answer = answering.result()
        except RevoxToolError:
            raise
        except Exception as error:
            known = self._failures.known(error, wire.state(errand))
        else:
            assert isinstance(answer, CallToolResult)
            if not answer.isError:
                return CallToolResult(content=[], structuredContent=answer_of(answer))
            known = self._failures.reported(answer, wire.state(errand))
        finally:
            ending.cancel()
            if not answering.done():
                answering.cancel()
                # Closing the session tells the server to stop; a server that is gone must not hold us up.
                await asyncio.wait({answering}, timeout=_CLOSING_S)
        raise known

    def _http_client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient:
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [_on_request], "response": [_on_response]}
        return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=self._ssl, event_hooks=hooks)


def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code, also where an event loop runs already, as in a notebook."""
    future = asyncio.run_coroutine_threadsafe(work, _background_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


class _Wire:
    """One `tools/call` on its way.

    Attributes:
        tool: What is called.
        sent: Whether it may have left.
        answered: Whether an answer was seen in the stream.
        over: Set when nothing more can come.
    """

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.sent = False
        self.answered = False
        self.over = asyncio.Event()

    def state(self, errand: Errand) -> Sent:
        """What its failure is to be judged by."""
        return Sent(self.tool, self.sent, errand.reads, errand.dials)


class _Watched(httpx.AsyncByteStream):
    """The stream an answer comes in; says when it is over."""

    def __init__(self, stream: httpx.AsyncByteStream, wire: _Wire) -> None:
        self._stream = stream
        self._wire = wire
        self._resumable = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tail = b"\n"
        async for chunk in self._stream:
            seen = tail + chunk
            # An event with an id is one the client may ask for again over a new connection.
            self._resumable = self._resumable or b"\nid:" in seen
            self._wire.answered = self._wire.answered or b'"result":' in seen or b'"error":' in seen
            tail = seen[-16:]
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
        if not self._resumable:
            self._wire.over.set()


async def _on_request(request: httpx.Request) -> None:
    if (wire := _WIRE.get()) is not None and _is_call(request):
        wire.sent = True


async def _on_response(response: httpx.Response) -> None:
    wire = _WIRE.get()
    if wire is None or not _is_call(response.request):
        return
    if response.has_redirect_location:
        # The client would follow it and send the call a second time.
        raise AnswerError(f"The MCP server answered {wire.tool} with a redirect (HTTP {response.status_code}).")
    response.stream = _Watched(cast("httpx.AsyncByteStream", response.stream), wire)


def _is_call(request: httpx.Request) -> bool:
    return request.method == "POST" and b'"tools/call"' in request.content


async def _on_message(params: LoggingMessageNotificationParams, context: CallbackContext) -> None:
    data = params.data
    if isinstance(data, dict) and "status" in data and "type" not in data:
        data = {"type": "revox.status", **data}
    if not (isinstance(data, dict) and str(data.get("type")).startswith("revox.")):
        data = {"type": "revox.message", "level": params.level, "data": data}
    if (emit := current_errand().emit) is not None:
        emit(data)


async def _on_progress(progress: float, total: float | None, message: str | None, context: CallbackContext) -> None:
    if (emit := current_errand().emit) is not None:
        emit({"type": "revox.progress", "progress": progress, "total": total, "message": message})


async def _again_if_safe(ask: Callable[[], Awaitable[T]]) -> T:
    try:
        return await ask()
    except Unavailable as error:
        if isinstance(error, TimedOut) or not error.retry_safe or (error.http_status == 404 and not error.sent):
            raise
    await asyncio.sleep(0.2)
    return await ask()


@contextmanager
def _set(variable: ContextVar[Any], value: Any) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


_LOCK = threading.Lock()
_LOOPS: list[asyncio.AbstractEventLoop] = []


def _background_loop() -> asyncio.AbstractEventLoop:
    with _LOCK:
        if not _LOOPS:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="revox-mcp", daemon=True).start()
            _LOOPS.append(loop)
        return _LOOPS[0]


__all__ = ["PATH", "Errand", "Link", "current_errand", "in_background"]
