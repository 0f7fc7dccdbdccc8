"""The page's pieces as they change, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from revox_langchain.sandbox.page.pieces import pieces_of
from revox_langchain.sandbox.sandbox import Sandbox

_TICK_S = 0.25
_SIGN_OF_LIFE_S = 15.0


class Events:
    """The endpoint that a page listens to; each listener gets everything first, and then what changes.

    Attributes:
        over: Whether the server is about to stop: a stream that goes on would hold it up.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.over: Callable[[], bool] = lambda: False

    async def __call__(self, request: Request) -> Response:
        """Answer with the stream."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=headers)

    async def _stream(self) -> AsyncIterator[str]:
        sent: dict[str, str] = {}
        quiet_s = 0.0
        yield "retry: 1000\n\n"
        while not self.over():
            # In a thread, since a long `advance` holds the world's lock.
            pieces = await run_in_threadpool(pieces_of, self._sandbox)
            changed = {name: text for name, text in pieces.items() if sent.get(name) != text}
            gone = [name for name in sent if name not in pieces]
            if changed or gone:
                yield _message(changed, gone, whole=not sent)
                quiet_s = 0.0
            elif quiet_s > _SIGN_OF_LIFE_S:
                yield ": still here\n\n"
                quiet_s = 0.0
            sent = pieces
            await asyncio.sleep(_TICK_S)
            quiet_s += _TICK_S


def _message(changed: dict[str, str], gone: list[str], *, whole: bool) -> str:
    # The pieces are JSON already, on one line.
    pieces = ",".join(f"{json.dumps(name)}:{text}" for name, text in changed.items())
    return f'data: {{"whole":{json.dumps(whole)},"gone":{json.dumps(gone)},"changed":{{{pieces}}}}}\n\n'
