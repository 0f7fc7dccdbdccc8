"""One ASGI app for what Revox posts to us.

webhooks = Webhooks(connection, on_call_ended=report)
app.mount("/revox", webhooks)                        # Starlette, FastAPI; or serve it alone
assistant = CreateAssistant(..., webhook_url=webhooks.url("https://example.com/revox"))
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import SecretStr

from revox_langchain.connection.address import check_url
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, NotFound
from revox_langchain.flow import arun
from revox_langchain.operations.secrets import TOKEN_FOLLOWS
from revox_langchain.results.call import CallResult
from revox_langchain.waiting.watcher import Ended, hub_of
from revox_langchain.webhooks.call_ended import NotRead, call_id_in, ended_order
from revox_langchain.webhooks.callbacks import called
from revox_langchain.webhooks.journal import Journal

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

logger = logging.getLogger("revox_langchain")

OnCallEnded = Callable[[CallResult], Awaitable[None] | None]
Wake = Callable[[str], Awaitable[object]]
_MAX_BODY_BYTES = 256 * 1024
_UNKNOWN_S = 60.0
_MOST_UNKNOWN = 10_000
_KEPT_S = 30 * 86_400.0
_AGAIN_AFTER_S = (1.0, 5.0, 30.0, 120.0, 600.0)


class Webhooks:
    """Hears that calls have ended, looks, and tells whoever waits.

    The address holds a secret token. A post is answered at once and believed in nothing: the order is read from Revox.
    If it has ended, waits of this connection end (`Watcher`, graphs, tools), and `on_call_ended` is called at least
    once per order: with a journal also across a crash, so that it must bear being called again for the same order.
    Orders that were placed elsewhere, inbound calls and those of campaigns are reported as well.

    Args:
        connection: Whose orders.
        on_call_ended: Called with the result of each order that has ended; sync (in a thread) or async. If it raises,
            it is called again later.
        wake: Awaited with the id of each order that has ended, before `on_call_ended`: what wakes threads that are
            parked elsewhere. If it raises, it is called again later, as it may be for an order that was reported.
        token: The secret in the address, at least 16 characters; left out, a new one, which ends with the process.
        journal: A file for the orders that have yet to be reported; left out, a crash loses those that Revox does not
            post again.
        queue: Orders that may wait to be looked at; further posts are answered 503.
        workers: Orders that are looked at at one time.

    Raises:
        InvalidInput: The token is short, or the journal cannot be used.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        on_call_ended: OnCallEnded | None = None,
        wake: Wake | None = None,
        token: str | SecretStr | None = None,
        journal: str | Path | None = None,
        queue: int = 1000,
        workers: int = 50,
    ) -> None:
        given = token.get_secret_value() if isinstance(token, SecretStr) else token
        if given is not None and (len(given) < 16 or not given.isascii() or not given.isprintable()):
            raise InvalidInput(
                "The webhook token is too short or has characters that no URL takes.",
                next_step="Give at least 16 letters and digits, such as secrets.token_urlsafe(32) makes.",
            )
        self._token = SecretStr(given or secrets.token_urlsafe(32))
        self._connection = connection
        self._on_call_ended = on_call_ended
        self._wake = wake
        self._journal = Journal(journal)
        self._most_waiting = queue
        self._workers = workers
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._in_hand: set[str] = set()
        self._rung_again: set[str] = set()
        self._tries: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._app = self._routes()

    def __repr__(self) -> str:
        return "Webhooks()"

    def url(self, public_url: str) -> str:
        """The address to give to an assistant as `webhook_url`. It holds the token: keep it out of logs.

        Args:
            public_url: Where this app answers from outside, without a slash at the end.

        Raises:
            InvalidInput: It is not an http or https URL.
        """
        check_url(public_url, "public URL", "the https address under which Revox reaches this app")
        return f"{public_url.rstrip('/')}/{TOKEN_FOLLOWS}/{quote(self._token.get_secret_value(), safe='')}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI app."""
        await self._app(scope, receive, send)

    async def __aenter__(self) -> Webhooks:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self, *, patience_s: float = 10.0) -> None:
        """Finish what is in hand; what takes longer stays in the journal."""
        try:
            await asyncio.wait_for(self._queue.join(), patience_s)
        except TimeoutError:
            logger.warning("Webhooks stop with %d calls not reported; the journal keeps them.", len(self._in_hand))
        tasks, self._tasks, self._loop = list(self._tasks), set(), None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _routes(self) -> Any:
        from starlette.applications import Starlette
        from starlette.routing import Route

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self:
                yield

        route = Route(f"/{TOKEN_FOLLOWS}/{{token}}", self._rung, methods=["POST"])
        return Starlette(routes=[route], lifespan=lifespan)

    async def _rung(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        def answer(status: int, **words: object) -> Response:
            return JSONResponse(words, status)

        token = self._token.get_secret_value()
        if not hmac.compare_digest(request.path_params["token"].encode(), token.encode()):
            return answer(404, error="not found")
        body = await _bounded(request)
        if body is None:
            return answer(413, error=f"the body is larger than {_MAX_BODY_BYTES} bytes")
        try:
            call_id = call_id_in(json.loads(body))
        except (ValueError, RecursionError):
            return answer(400, error="the body is not JSON")
        if call_id is None:
            return answer(422, error="the body names no call: call_order_id or call_id is missing")
        await self._start()
        if not await self._take(call_id):
            return answer(503, error="too many calls wait to be looked at")
        return answer(202, heard=True)

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        # Mounted in another app, whose lifespan does not reach this one, the first request starts the work.
        self._loop, self._queue, self._in_hand, self._tries = loop, asyncio.Queue(), set(), {}
        self._tasks = {asyncio.create_task(self._work()) for _ in range(self._workers)}
        now_s = self._connection.clock.now_s()
        await asyncio.to_thread(self._journal.forget_before, now_s - _KEPT_S)
        for call_id in await asyncio.to_thread(self._journal.pending):
            self._put(call_id)

    async def _take(self, call_id: str) -> bool:
        """Write down that an order is to be looked at, before Revox is told that it was heard."""
        now_s = self._connection.clock.now_s()
        if call_id in self._in_hand:
            self._rung_again.add(call_id)
            return True
        if self._unknown.get(call_id, float("-inf")) > now_s - _UNKNOWN_S:
            return True
        if self._queue.qsize() >= self._most_waiting:
            return False
        if await asyncio.to_thread(self._journal.add, call_id, now_s):
            self._put(call_id)
        return True

    def _put(self, call_id: str) -> None:
        if call_id not in self._in_hand:
            self._in_hand.add(call_id)
            self._queue.put_nowait(call_id)

    async def _work(self) -> None:
        while True:
            call_id = await self._queue.get()
            try:
                await self._report(call_id)
            except Exception:
                logger.exception("Call %s was not reported", call_id)
                self._later(call_id)
            finally:
                self._queue.task_done()

    async def _report(self, call_id: str) -> None:
        self._rung_again.discard(call_id)
        try:
            order = await arun(ended_order(call_id), self._connection)
        except NotFound:
            self._remember_unknown(call_id)
            await self._drop(call_id)
            return
        except NotRead:
            self._later(call_id)
            return
        if order is None:
            if call_id in self._rung_again:
                self._queue.put_nowait(call_id)
            else:
                await self._drop(call_id)
            return
        hub_of(self._connection).tell(Ended(call_id, order))
        if self._wake is not None:
            await self._wake(call_id)
        if self._on_call_ended is not None:
            await called(self._on_call_ended, CallResult.from_call(order))
        await asyncio.to_thread(self._journal.reported, call_id)
        self._over(call_id)

    def _later(self, call_id: str) -> None:
        """Try again after a while, without keeping a worker from other calls."""
        tried = self._tries.get(call_id, 0)
        if tried >= len(_AGAIN_AFTER_S):
            logger.error("Call %s was not reported; it is tried again when this app starts the next time.", call_id)
            self._over(call_id)
            return
        self._tries[call_id] = tried + 1
        task = asyncio.create_task(self._put_after(_AGAIN_AFTER_S[tried], call_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _put_after(self, pause_s: float, call_id: str) -> None:
        await self._connection.clock.asleep(pause_s)
        self._queue.put_nowait(call_id)

    async def _drop(self, call_id: str) -> None:
        await asyncio.to_thread(self._journal.drop, call_id)
        self._over(call_id)

    def _over(self, call_id: str) -> None:
        self._in_hand.discard(call_id)
        self._tries.pop(call_id, None)

    def _remember_unknown(self, call_id: str) -> None:
        self._unknown[call_id] = self._connection.clock.now_s()
        while len(self._unknown) > _MOST_UNKNOWN:
            self._unknown.popitem(last=False)


async def _bounded(request: Request) -> bytes | None:
    """The body; None if it is too large, in whatever pieces it comes."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            return None
    return bytes(body)


__all__ = ["OnCallEnded", "Wake", "Webhooks"]
