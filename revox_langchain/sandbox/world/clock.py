"""The sandbox's time as a clock that a connection can use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from revox_langchain.sandbox.world.timeline import Timeline


class WorldClock:
    """The world's time as the clock of a `Connection`: sleeping advances it.

    In a world without a speed, each sleeper advances the time to the moment at which it wakes up. Several sleepers
    therefore wait at the same time and not one after another.
    """

    def __init__(self, world: Callable[[], Timeline]) -> None:
        self._of = world

    @property
    def slice_s(self) -> float | None:
        """Length of the pieces that a long pause is cut into; None where a pause takes no real time."""
        pace = self._world.pace
        return None if pace is None else 0.25 * pace

    def now_s(self) -> float:
        """Unix time of the world in seconds."""
        return self._world.now_s

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the world pass."""
        pace = self._world.pace
        if pace is None:
            self._world.advance_to(self._world.now_s + seconds)
        else:
            time.sleep(seconds / pace)

    async def asleep(self, seconds: float) -> None:
        """Let `seconds` of the world pass; other tasks run in the meantime."""
        pace = self._world.pace
        if pace is None:
            wake_s = self._world.now_s + seconds
            await asyncio.sleep(0)
            if self._world.reaches_out:
                # What is asked may be answered by this very loop.
                await asyncio.to_thread(self._world.advance_to, wake_s)
            else:
                self._world.advance_to(wake_s)
        else:
            await asyncio.sleep(seconds / pace)

    @property
    def _world(self) -> Timeline:
        # Looked up each time, since a reset gives the sandbox another world.
        return self._of()
