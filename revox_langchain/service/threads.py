"""Threads of the call graph: started, answered and cancelled from any process, and handed over to whoever runs them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, NotFound, Refused
from revox_langchain.flow import arun
from revox_langchain.graph.call.input import CallInput
from revox_langchain.operations.calls import CancelCall
from revox_langchain.results.call import CallResult
from revox_langchain.service.dispatch import Dispatcher, Work
from revox_langchain.service.draining import Runs
from revox_langchain.service.registry import Registry, Row
from revox_langchain.waiting.sweep import over_among

_LEFT_BEHIND_S = 60.0
"""A run that was under way for so long is handed over again; if it goes on, that waits for it and does nothing."""


class Threads:
    """Starts threads, tells where they stand, and hands over what is to be done for them.

    Args:
        connection: The account.
        registry: Which threads there are.
        dispatcher: Where work is handed over; its workers give it to a `Runner`.
        at_once: How many runs go on in this process at one time.
    """

    def __init__(
        self, connection: Connection, registry: Registry, dispatcher: Dispatcher, *, at_once: int = 50
    ) -> None:
        self.connection = connection
        self.registry = registry
        self.dispatcher = dispatcher
        self.runs = Runs(at_once)

    async def start(self, request: Mapping[str, object], thread_id: str | None = None) -> str:
        """Start a call request; returns once it is written down and handed over.

        Args:
            request: Input of the call graph.
            thread_id: Name of the request: starting it again with the same input does nothing. Left out, a new one.

        Returns:
            The thread.

        Raises:
            InvalidInput: The request does not fit, or the thread was started with another one.
            Refused: With code `stopping`.
        """
        self.runs.check_goes_on()
        given = CallInput.parse(request).model_dump(mode="json", exclude_none=True)
        name = thread_id or str(uuid.uuid4())
        row = await asyncio.to_thread(self.registry.add, name, given, self.now_s())
        if row.request != given:
            raise InvalidInput(
                f"The thread {name} was started with another request.",
                code="thread_in_use",
                next_step="Give the new request another thread_id.",
            )
        if row.state == "running":
            await self.dispatcher.send(Work(name))
        return name

    async def row(self, thread_id: str) -> Row:
        """Where a thread stands.

        Raises:
            NotFound: There is no such thread.
        """
        row = await asyncio.to_thread(self.registry.row, thread_id)
        if row is None:
            raise NotFound(f"There is no thread {thread_id}.", next_step="List the threads.")
        return row

    async def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first; those started before a moment, if one is given."""
        return await asyncio.to_thread(self.registry.rows, state, limit=limit, before_s=before_s)

    async def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        return await asyncio.to_thread(self.registry.counts)

    async def answer(self, thread_id: str, given: object) -> None:
        """Answer what a thread asks: an approval, or an unknown outcome. It runs on as soon as it is its turn.

        Args:
            thread_id: The thread.
            given: The answer, as JSON.

        Raises:
            NotFound: There is no such thread.
            Refused: It asks nothing, or the service is stopping.
        """
        self.runs.check_goes_on()
        question = (await self.row(thread_id)).question
        if question is None or not await asyncio.to_thread(self.registry.take_question, thread_id, self.now_s()):
            raise Refused(f"The thread {thread_id} asks nothing.", code="nothing_asked", next_step="Read it first.")
        await self.dispatcher.send(Work(thread_id, answer={question["interrupt_id"]: given}))

    async def cancel(self, thread_id: str) -> None:
        """Cancel a thread's call, or reject it if it waits to be approved.

        Raises:
            NotFound: There is no such thread.
            Refused: There is no call to cancel; or Revox says no.
        """
        row = await self.row(thread_id)
        if row.state == "asking" and row.call_id is None and (row.question or {}).get("type") == "revox.approve_call":
            await self.answer(thread_id, {"decision": "reject", "reason": "cancelled"})
            return
        if row.state != "waiting" or row.call_id is None:
            raise Refused(
                f"The thread {thread_id} is {row.state}; there is no pending call of it.",
                code="nothing_to_cancel",
                next_step="Read the thread.",
            )
        await self.connection.asend(CancelCall(call_id=row.call_id))
        await self.dispatcher.send(Work(thread_id, row.call_id))

    async def heard(self, result: CallResult) -> None:
        """Have the threads resumed that wait for a call which has ended; the callback of `Webhooks`."""
        for row in await asyncio.to_thread(self.registry.waiting_for, result.call_id):
            await self.dispatcher.send(Work(row.thread_id, result.call_id))

    async def take_up(self) -> None:
        """Hand over all that is unfinished: for the only process there is, when it starts."""
        for row in await asyncio.to_thread(self.registry.unfinished):
            if row.state == "running":
                await self.dispatcher.send(Work(row.thread_id))
            elif row.state == "waiting" and row.call_id is not None:
                await self.wait_for(row.thread_id, row.call_id, row.deadline_s)

    async def wait_for(self, thread_id: str, call_id: str, deadline_s: float | None) -> None:
        """Have a thread resumed when its wait is over."""
        left_s = (deadline_s or float("inf")) - self.now_s()
        await self.dispatcher.send(Work(thread_id, call_id, timeout=True), max(0.0, left_s))

    async def sweep(self) -> int:
        """Hand over whatever nobody else will: calls that have ended, waits that are over, runs that were cut off.

        Returns:
            How many threads were handed over.

        Raises:
            RevoxToolError: Revox cannot be read.
        """
        now_s = self.now_s()
        rows = await asyncio.to_thread(self.registry.unfinished)
        works = [Work(row.thread_id) for row in rows if _left_behind(row, now_s)]
        waiting = [(row, row.call_id) for row in rows if row.state == "waiting" and row.call_id is not None]
        works += [Work(row.thread_id, call_id, timeout=True) for row, call_id in waiting if _is_due(row, now_s)]
        # What needs no answer from Revox does not wait for one.
        for work in works:
            await self.dispatcher.send(work)
        over = set(await arun(over_among({call_id for _, call_id in waiting}), self.connection)) if waiting else set()
        ended = [Work(row.thread_id, call_id) for row, call_id in waiting if call_id in over]
        for work in ended:
            await self.dispatcher.send(work)
        return len(works) + len(ended)

    def now_s(self) -> float:
        """The time, in seconds since the epoch."""
        return self.connection.clock.now_s()


def _left_behind(row: Row, now_s: float) -> bool:
    return row.state == "running" and row.updated_s <= now_s - _LEFT_BEHIND_S


def _is_due(row: Row, now_s: float) -> bool:
    return row.deadline_s is not None and row.deadline_s <= now_s


__all__ = ["Threads"]
