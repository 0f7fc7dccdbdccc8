"""Real time; a sandbox brings a clock that can be pushed."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Real time."""

    slice_s: float | None = 0.25

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Let this much time pass without blocking the event loop."""
        await asyncio.sleep(seconds)
