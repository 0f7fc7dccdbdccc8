"""An end without loose ends: nothing new begins, and the steps that are under way are waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl

from revox_langchain.errors import Refused

logger = logging.getLogger("revox_langchain")


class Runs:
    """What a service has in hand: a few runs at a time, so that a crash leaves few calls of which nobody knows.

    Args:
        at_once: How many runs go on at one time; with thousands started, the first ones are through early.

    Attributes:
        control: For every run of a graph; once draining, a run stops after the step it is in.
        stopping: Whether nothing new may begin.
    """

    def __init__(self, at_once: int = 50) -> None:
        self.control = RunControl()
        self.stopping = False
        self._running = 0
        self._places = asyncio.Semaphore(at_once)
        self._idle = asyncio.Event()

    def check_goes_on(self) -> None:
        """Refuse what comes after the stop.

        Raises:
            Refused: With code `stopping`.
        """
        if self.stopping:
            raise Refused("The service is stopping.", code="stopping", next_step="Try again when it runs.")

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Take a place and count a run; one that the drain stops half-way ends here, for the next start to run on."""
        async with self._places:
            self._running += 1
            try:
                with suppress(GraphDrained):
                    yield
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()

    async def drain(self, patience_s: float) -> None:
        """Let nothing new begin, and wait for the steps that are under way."""
        self.stopping = True
        self.control.request_drain()
        if not self._running:
            return
        self._idle.clear()
        try:
            await asyncio.wait_for(self._idle.wait(), patience_s)
        except TimeoutError:
            logger.warning("%d threads are cut off; they are run on at the next start.", self._running)


__all__ = ["Runs"]
