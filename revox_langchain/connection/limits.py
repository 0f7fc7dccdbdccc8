"""What of a server's answer is taken: only so much, only from where it was asked.

    httpx.Client(headers=ACCEPTED, event_hooks={"response": [limits.check]})

A few hundred kilobytes of gzip can hold a gigabyte, and httpx unpacks each piece it receives as a whole. So only gzip
is asked for, and it is unpacked here in small steps that are counted: no more than the limit is ever in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from revox_langchain.errors import AnswerError

ACCEPTED = {"accept-encoding": "gzip"}
"""Headers of a client whose answers are unpacked here."""

_STEP_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class AnswerLimits:
    """Hooks for HTTP clients that bound their answers and keep their redirects on one host.

    Args:
        max_bytes: The largest answer, unpacked; of a stream of events, the largest event.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def check(self, response: httpx.Response) -> None:
        """Take over an answer before its body is read; a hook of a sync client.

        Raises:
            AnswerError: It leads to another host, is too large, or packed in a way that was not asked for.
        """
        self._check_head(response)
        if not response.is_stream_consumed:
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _BoundedStream(response.stream, self._body_of(response))

    async def acheck(self, response: httpx.Response) -> None:
        """Take over an answer before its body is read; a hook of an async client.

        Raises:
            AnswerError: It leads to another host, is too large, or packed in a way that was not asked for.
        """
        self._check_head(response)
        if not response.is_stream_consumed:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            response.stream = _AsyncBoundedStream(response.stream, self._body_of(response))

    def _check_head(self, response: httpx.Response) -> None:
        if response.has_redirect_location:
            _check_redirect(response)
        if response.is_stream_consumed:
            # A mock transport hands over answers that have been read.
            size = len(response.content)
        else:
            length = response.headers.get("content-length", "")
            size = int(length) if length.isdecimal() and len(length) < 20 else 0
        if size > self._max_bytes:
            raise too_large(self._max_bytes)

    def _body_of(self, response: httpx.Response) -> _Body:
        encoding = response.headers.get("content-encoding", "identity").strip().casefold()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise AnswerError(f"The answer is packed as {encoding[:20]!r}, which was not asked for.")
        # httpx looks at this header when it begins to read, and would unpack a second time.
        response.headers.pop("content-encoding", None)
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        return _Body(self._max_bytes, packed="gzip" in encoding, events=events)


def too_large(max_bytes: int) -> AnswerError:
    """The error for an answer that is larger than it may be."""
    return AnswerError(
        f"The answer is larger than {max_bytes:,} bytes.",
        next_step="Read less at a time: rows of a campaign page by page with revox_get_call_history and campaign_ids. "
        "Or raise Connection(max_answer_bytes=…).",
    )


class _Body:
    """Unpacks what arrives, in small steps, and counts it."""

    def __init__(self, max_bytes: int, *, packed: bool, events: bool) -> None:
        self._max_bytes = max_bytes
        self._inflate = zlib.decompressobj(_GZIP) if packed else None
        self._events = events
        self._taken = 0

    def taken(self, chunk: bytes) -> Iterator[bytes]:
        for piece in self._unpacked(chunk):
            self._count(piece)
            yield piece

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield chunk
            return
        while not self._inflate.eof:
            try:
                piece = self._inflate.decompress(chunk, _STEP_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(f"not valid gzip: {error}") from None
            chunk = self._inflate.unconsumed_tail
            yield piece
            # A full step may have left some of its output behind, even when all input was taken.
            if not chunk and len(piece) < _STEP_BYTES:
                break

    def _count(self, piece: bytes) -> None:
        # A stream of events may go on for hours; what a client keeps of it is one event at a time.
        end = max(piece.rfind(b"\n\n"), piece.rfind(b"\r\n\r\n")) if self._events else -1
        self._taken = len(piece) - end if end >= 0 else self._taken + len(piece)
        if self._taken > self._max_bytes:
            raise too_large(self._max_bytes)


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, body: _Body) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield from self._body.taken(chunk)

    def close(self) -> None:
        self._stream.close()


class _AsyncBoundedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, body: _Body) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for piece in self._body.taken(chunk):
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _check_redirect(response: httpx.Response) -> None:
    asked = response.request.url
    try:
        target = asked.join(response.headers["location"])
    except httpx.InvalidURL:
        raise AnswerError(
            f"The answer is a redirect to an address that is not valid (HTTP {response.status_code})."
        ) from None
    if target.host == asked.host and (target.port, target.scheme) == (asked.port, asked.scheme):
        return
    if target.host == asked.host and (asked.scheme, target.scheme) == ("http", "https"):
        return
    raise AnswerError(
        f"{asked.host} redirects to {target.host or 'no host'}, which is not followed (HTTP {response.status_code}).",
        next_step="Give the address it leads to as the base URL (REVOX_BASE_URL), if it is Revox.",
    )
