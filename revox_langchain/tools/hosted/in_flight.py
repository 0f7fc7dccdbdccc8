"""A tool call on its way: whether it may have left, and whether its answer can still come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import httpx

from revox_langchain.errors import AnswerError

T = TypeVar("T")


class InFlight:
    """One `tools/call` request.

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


IN_FLIGHT: ContextVar[InFlight | None] = ContextVar("revox_mcp_in_flight", default=None)


async def on_request(request: httpx.Request) -> None:
    """Note that the call may have left; a hook of the HTTP client."""
    if (call := IN_FLIGHT.get()) is not None and _is_call(request):
        call.sent = True


async def on_response(response: httpx.Response) -> None:
    """Watch the stream that the answer comes in; a hook of the HTTP client."""
    call = IN_FLIGHT.get()
    if call is None or not _is_call(response.request):
        return
    if response.has_redirect_location:
        # The client would follow it and send the call a second time.
        raise AnswerError(f"The MCP server answered {call.tool} with a redirect (HTTP {response.status_code}).")
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _WatchedStream(response.stream, call)


@contextmanager
def setting(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Set a context variable while the block lasts."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


class _WatchedStream(httpx.AsyncByteStream):
    """The stream an answer comes in; says when it is over."""

    def __init__(self, stream: httpx.AsyncByteStream, call: InFlight) -> None:
        self._stream = stream
        self._call = call
        self._resumable = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tail = b"\n"
        async for chunk in self._stream:
            # What is looked for may be cut in two by the end of a chunk.
            seen = tail + chunk
            # An event with an id is one the client may ask for again over a new connection.
            self._resumable = self._resumable or b"\nid:" in seen
            self._call.answered = self._call.answered or b'"result":' in seen or b'"error":' in seen
            tail = seen[-16:]
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
        if not self._resumable:
            self._call.over.set()


def _is_call(request: httpx.Request) -> bool:
    return request.method == "POST" and b'"tools/call"' in request.content
