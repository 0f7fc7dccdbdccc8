"""Orders that are said to have ended: looked at, told to whoever waits, and reported at least once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import NotFound
from revox_langchain.flow import arun
from revox_langchain.operations.secrets import TOKEN_FOLLOWS
from revox_langchain.results.call import CallResult
from revox_langchain.waiting.watcher import Ended, hub_of
from revox_langchain.webhooks.call_ended import NotRead, call_id_in, ended_order
from revox_langchain.webhooks.callbacks import called
from revox_langchain.webhooks.journal import Journal
from revox_langchain.webhooks.routes import Asked, WebhookRoute, answered

if TYPE_CHECKING:
    from starlette.responses import Response

logger = logging.getLogger("revox_langchain")

OnCallEnded = Callable[[CallResult], Awaitable[None] | None]
Wake = Callable[[str], Awaitable[object]]
_UNKNOWN_S = 60.0
_MOST_UNKNOWN = 10_000
_KEPT_S = 30 * 86_400.0
_AGAIN_AFTER_S = (1.0, 5.0, 30.0, 120.0, 600.0)


class Doorbell:
    """The queue behind the doorbell. Arguments as for `Webhooks`."""

    def __init__(
        self,
        connection: Connection,
        journal: Journal,
        *,
        on_call_ended: OnCallEnded | None,
        wake: Wake | None,
        queue: int,
        workers: int,
    ) -> None:
        self._connection = connection
        self._on_call_ended = on_call_ended
        self._wake = wake
        self._journal = journal
        self._most_waiting = queue
        self._workers = workers
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._in_hand: set[str] = set()
        self._rung_again: set[str] = set()
        self._tries: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_hand(self) -> int:
        """How many orders have yet to be reported."""
        return len(self._in_hand)

    def route(self, token: SecretStr) -> WebhookRoute:
        """The route that Revox posts to."""
        return WebhookRoute(name=TOKEN_FOLLOWS, path=f"/{TOKEN_FOLLOWS}/{{token}}", token=token, handler=self.rung)

    async def rung(self, asked: Asked) -> Response:
        """Take a post, once it is written down."""
        try:
            call_id = call_id_in(json.loads(asked.body))
        except (ValueError, RecursionError):
            return answered(400, error="the body is not JSON")
        if call_id is None:
            return answered(422, error="the body names no call: call_order_id or call_id is missing")
        asked.noted["call_id"] = call_id
        await self.start()
        if not await self._take(call_id):
            return answered(503, error="too many calls wait to be looked at")
        return answered(202, heard=True)

    async def joined(self) -> None:
        """Wait until all that was heard has been looked at."""
        await self._queue.join()

    async def start(self) -> None:
        """Start the work in this event loop, and take up what an earlier process left behind."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._journal.claim()
        # Mounted in another app, whose lifespan does not reach this one, the first request starts the work.
        self._loop, self._queue, self._in_hand, self._tries = loop, asyncio.Queue(), set(), {}
        self._tasks = {asyncio.create_task(self._work()) for _ in range(self._workers)}
        now_s = self._connection.clock.now_s()
        await asyncio.to_thread(self._journal.forget_before, now_s - _KEPT_S, now_s)
        for call_id in await asyncio.to_thread(self._journal.pending):
            self._put(call_id)

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
        hub = hub_of(self._connection)
        hub.ends.keep(call_id, order, self._connection.clock.now_s())
        hub.tell(Ended(call_id, order))
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
