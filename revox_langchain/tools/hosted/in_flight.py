"""A tool call on its way: whether it may have left, and whether its answer can still come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TypeVar

import httpx

from revox_langchain.errors import AnswerError

T = TypeVar("T")


class InFlight:
    """One `tools/call` request, or another one whose answer is waited for.

    Attributes:
        tool: What is called.
        sent: Whether it may have left.
        answered: Whether an answer was seen in the stream.
        over: Set when nothing more can come.
        refused: Why its answer was not taken. The client keeps what its streams raise to itself.
    """

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.sent = False
        self.answered = False
        self.over = asyncio.Event()
        self.refused: AnswerError | None = None


IN_FLIGHT: ContextVar[InFlight | None] = ContextVar("revox_mcp_in_flight", default=None)


async def on_request(request: httpx.Request) -> None:
    """Note that the call may have left; a hook of the HTTP client."""
    if (call := IN_FLIGHT.get()) is not None and _is_call(request):
        call.sent = True


async def on_response(response: httpx.Response) -> None:
    """Watch the stream that the answer comes in; a hook of the HTTP client."""
    call = IN_FLIGHT.get()
    if call is None:
        return
    if _is_call(response.request) and response.has_redirect_location:
        # The client would follow it and send the call a second time.
        call.refused = AnswerError(
            f"The MCP server answered {call.tool} with a redirect (HTTP {response.status_code})."
        )
        raise call.refused
    if response.status_code == httpx.codes.BAD_REQUEST:
        await _read_refusal(response, call)
        return
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _WatchedStream(response.stream, call, is_last=_is_call(response.request))


@contextmanager
def setting(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Set a context variable while the block lasts."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


async def _read_refusal(response: httpx.Response, call: InFlight) -> None:
    # The client raises the status without the body, which says what is refused. Cut short, the status has to do.
    with suppress(httpx.HTTPError, AnswerError):
        await response.aread()
    if _is_call(response.request):
        call.over.set()


class _WatchedStream(httpx.AsyncByteStream):
    """The stream an answer comes in; says when it is over."""

    def __init__(self, stream: httpx.AsyncByteStream, call: InFlight, *, is_last: bool) -> None:
        self._stream = stream
        self._call = call
        self._is_last = is_last
        self._resumable = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tail = b"\n"
        async for chunk in self._taken():
            # What is looked for may be cut in two by the end of a chunk.
            seen = tail + chunk
            # An event with an id is one the client may ask for again over a new connection.
            self._resumable = self._resumable or b"\nid:" in seen
            if self._is_last:
                self._call.answered = self._call.answered or b'"result":' in seen or b'"error":' in seen
            tail = seen[-16:]
            yield chunk

    async def _taken(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except AnswerError as error:
            self._call.refused = error
            if self._is_last:
                self._call.over.set()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()
        if self._is_last and not self._resumable:
            self._call.over.set()


def _is_call(request: httpx.Request) -> bool:
    return request.method == "POST" and b'"tools/call"' in request.content
