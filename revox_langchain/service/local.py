"""Work that is done in this process: tasks of its event loop, locks of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import RevoxToolError
from revox_langchain.service.dispatch import Work
from revox_langchain.waiting.watcher import Watcher

logger = logging.getLogger("revox_langchain")


class LocalDispatcher:
    """Runs work in tasks; a wait that is to end at a time is watched until then, together with all others.

    Args:
        connection: Whose calls are watched, and whose clock says when it is time.
        run: What does the work.
        interval_s: Seconds between two looks at a pending call.
    """

    def __init__(
        self, connection: Connection, run: Callable[[Work], Awaitable[None]], *, interval_s: float = 10.0
    ) -> None:
        self._clock = connection.clock
        self._watcher = Watcher(connection, interval_s=interval_s)
        self._run = run
        self._interval_s = interval_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._waits: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def send(self, work: Work, after_s: float = 0.0) -> None:
        """Have it run, in so many seconds if given; a wait as soon as its call has ended."""
        if work.timeout and work.call_id is not None and after_s > 0:
            self._watch(work, work.call_id, after_s)
        else:
            self.spawn(self._later(work, after_s))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside everything else, until this is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def aclose(self) -> None:
        """Cut off whatever still goes on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _later(self, work: Work, after_s: float) -> None:
        if after_s:
            await self._clock.asleep(after_s)
        await self._run(work)

    def _watch(self, work: Work, call_id: str, after_s: float) -> None:
        key = (work.thread_id, call_id)
        going = self._waits.get(key)
        again = going is asyncio.current_task()
        # Woken from elsewhere, the thread may park again while its wait goes on.
        if going is None or again:
            # What ended for the watcher and not for the thread is not looked at in a hurry.
            task = self.spawn(self._wait(work, call_id, after_s, self._interval_s if again else 0.0))
            self._waits[key] = task
            task.add_done_callback(lambda done: self._waits.pop(key) if self._waits.get(key) is done else None)

    async def _wait(self, work: Work, call_id: str, after_s: float, pause_s: float) -> None:
        await self._clock.asleep(pause_s)
        timed_out = False
        try:
            await self._watcher.lasting(after_s).wait(call_id)
        except RevoxToolError as error:
            # Whatever cannot be waited for, the thread finds out itself, and ends with it.
            timed_out = error.code == "still_running"
        await self._run(work._replace(timeout=timed_out))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("A thread was not brought on; the next start takes it up.", exc_info=task.exception())


class LocalLocks:
    """Locks of one process and event loop, by name."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, *names: str) -> AsyncIterator[None]:
        """Keep others away from the first name, a thread; in one process a number is held while it is dialed."""
        # LangGraph does not lock threads: two resumes at once run what follows the wait twice.
        lock = self._locks.setdefault(names[0], asyncio.Lock())
        async with lock:
            yield


__all__ = ["LocalDispatcher", "LocalLocks"]
