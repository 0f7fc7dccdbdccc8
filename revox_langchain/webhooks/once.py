"""A request that comes again within a call, because its answer was lost, runs its tool once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from revox_langchain.answers import JsonObject, digest
from revox_langchain.flow import Clock
from revox_langchain.webhooks.journal import Journal
from revox_langchain.webhooks.said import Said, said_of_unclear

KEPT_S = 7 * 86_400.0
"""How long an answer is remembered where the call is known: an order may take days."""

KEPT_WITHOUT_CALL_S = 120.0
"""How long it is remembered where Revox does not say which call it is: the next caller may ask for the same."""

_LONGEST_S = 60.0


class Once:
    """Runs, and what they answered."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._running: dict[str, asyncio.Task[Said]] = {}

    async def said(
        self, tool: str, arguments: JsonObject, call: str | None, run: Callable[[], Awaitable[Said]]
    ) -> Said:
        """Run a tool, or hear what the same request was answered; whoever waits may stop, and the run goes on."""
        key = digest([tool, arguments, call])
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._first(key, KEPT_WITHOUT_CALL_S if call is None else KEPT_S, run))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)

    async def aclose(self, patience_s: float) -> None:
        """Wait for what runs; what takes longer is cut off, and known to be."""
        running = list(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _first(self, key: str, kept_s: float, run: Callable[[], Awaitable[Said]]) -> Said:
        now_s = self._clock.now_s()
        first, answer = await asyncio.to_thread(self._journal.begin_tool, key, now_s, now_s + kept_s)
        if not first:
            return said_of_unclear() if answer is None else Said.loads(answer)
        try:
            async with asyncio.timeout(_LONGEST_S):
                said = await run()
        except TimeoutError:
            return said_of_unclear()
        # What failed may have been done all the same; only a refusal is sure to have done nothing.
        remembered = said if said.ok else said_of_unclear()
        nothing_done = said.outcome == "refused"
        await asyncio.to_thread(self._journal.tool_answered, key, None if nothing_done else remembered.dumps())
        return said
