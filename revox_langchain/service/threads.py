"""Threads of the call graph that any process may bring on, one at a time each, wherever their state is kept."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, NotFound, Refused, RevoxToolError
from revox_langchain.flow import arun
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.parking import WAITING
from revox_langchain.graph.waking import awake
from revox_langchain.operations.calls import CancelCall
from revox_langchain.results.call import CallResult
from revox_langchain.service.dispatch import Dispatcher, ThreadIndex, Work
from revox_langchain.service.registry import Row, State
from revox_langchain.waiting.sweep import over_among

logger = logging.getLogger("revox_langchain")

Hold = Callable[[str, str], AbstractAsyncContextManager[None]]
"""Keeps everybody else away from a thread and from a number, in every process."""

_AGAIN_AFTER_S = (2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0)
_FINAL = ("invalid", "auth", "refused", "not_found")
_LEFT_BEHIND_S = 60.0
"""A run that was under way for so long is handed over again; if it goes on, that waits for it and does nothing."""


class Threads:
    """Starts threads, and brings each on when it is its turn.

    Args:
        connection: The account.
        graph: The call graph, with `wait_mode="park"` and a checkpointer that all processes share.
        index: Which threads there are.
        dispatcher: Where work is handed over.
        hold: Keeps other runs away.
    """

    def __init__(
        self, connection: Connection, graph: Any, index: ThreadIndex, dispatcher: Dispatcher, hold: Hold
    ) -> None:
        self.connection = connection
        self._graph = graph
        self._index = index
        self._dispatcher = dispatcher
        self._hold = hold

    async def start(self, request: Mapping[str, object], thread_id: str | None = None) -> str:
        """Start a call request; returns once it is written down and handed over.

        Args:
            request: Input of the call graph.
            thread_id: Name of the request: starting it again with the same input does nothing. Left out, a new one.

        Returns:
            The thread.

        Raises:
            InvalidInput: The request does not fit, or the thread was started with another one.
        """
        given = CallInput.parse(request).model_dump(mode="json", exclude_none=True)
        name = thread_id or str(uuid.uuid4())
        row = await asyncio.to_thread(self._index.add, name, given, self._now_s())
        if row.request != given:
            raise InvalidInput(
                f"The thread {name} was started with another request.",
                code="thread_in_use",
                next_step="Give the new request another thread_id.",
            )
        if row.state == "running":
            await self._dispatcher.send(Work(name))
        return name

    async def row(self, thread_id: str) -> Row:
        """Where a thread stands.

        Raises:
            NotFound: There is no such thread.
        """
        row = await asyncio.to_thread(self._index.row, thread_id)
        if row is None:
            raise NotFound(f"There is no thread {thread_id}.", next_step="List the threads.")
        return row

    async def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first; those started before a moment, if one is given."""
        return await asyncio.to_thread(self._index.rows, state, limit=limit, before_s=before_s)

    async def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        return await asyncio.to_thread(self._index.counts)

    async def answer(self, thread_id: str, given: object) -> None:
        """Answer what a thread asks: an approval, or an unknown outcome. It runs here, until it parks or ends.

        Raises:
            NotFound: There is no such thread.
            Refused: It asks nothing.
        """
        row = await self.row(thread_id)
        async with self._held(row):
            row = await self.row(thread_id)
            if row.state != "asking" or row.question is None:
                raise Refused(f"The thread {thread_id} asks nothing.", code="nothing_asked", next_step="Read it first.")
            # If this process dies, a sweep finds the thread half-way; if nothing came of it, it asks again.
            await asyncio.to_thread(self._index.put, thread_id, "running", self._now_s())
            await self._invoke(thread_id, Command(resume={row.question["interrupt_id"]: given}))

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
        await self._dispatcher.send(Work(thread_id, row.call_id))

    async def heard(self, result: CallResult) -> None:
        """Have the threads resumed that wait for a call which has ended; the callback of `Webhooks`."""
        for row in await asyncio.to_thread(self._index.waiting_for, result.call_id):
            await self._dispatcher.send(Work(row.thread_id, result.call_id))

    async def run(self, work: Work) -> None:
        """Do what was handed over, unless it was done meanwhile; the only way in for a queue's workers."""
        row = await asyncio.to_thread(self._index.row, work.thread_id)
        if row is None:
            return
        async with self._held(row):
            row = await self.row(work.thread_id)
            if row.state not in ("running", "waiting"):
                return
            try:
                if work.call_id is not None:
                    await self._resume(work, work.call_id)
                elif row.state == "running":
                    await self._continue(row)
            except RevoxToolError as error:
                await self._again_or_never(work, error)

    async def sweep(self) -> int:
        """Hand over whatever nobody else will: calls that have ended, waits that are over, runs that were cut off.

        Returns:
            How many threads were handed over.

        Raises:
            RevoxToolError: Revox cannot be read.
        """
        now_s = self._now_s()
        rows = await asyncio.to_thread(self._index.unfinished)
        works = [Work(row.thread_id) for row in rows if _left_behind(row, now_s)]
        waiting = [(row, row.call_id) for row in rows if row.state == "waiting" and row.call_id is not None]
        works += [Work(row.thread_id, call_id, timeout=True) for row, call_id in waiting if _is_due(row, now_s)]
        # What needs no answer from Revox does not wait for one.
        for work in works:
            await self._dispatcher.send(work)
        over = set(await arun(over_among({call_id for _, call_id in waiting}), self.connection)) if waiting else set()
        ended = [Work(row.thread_id, call_id) for row, call_id in waiting if call_id in over]
        for work in ended:
            await self._dispatcher.send(work)
        return len(works) + len(ended)

    async def _resume(self, work: Work, call_id: str) -> None:
        await awake(
            self._graph,
            _thread(work.thread_id),
            call_id,
            reason="timeout" if work.timeout else "ended",
            durability="sync",
        )
        # Only after the run has returned: a crash before this line has the thread looked at again.
        await self._note(work.thread_id)

    async def _continue(self, row: Row) -> None:
        snapshot = await self._graph.aget_state(_thread(row.thread_id))
        # A crash right after the input leaves no next node, and a task all the same.
        half_way = bool(snapshot.next or snapshot.tasks)
        begun = half_way or bool(snapshot.values)
        if begun and (snapshot.interrupts or not half_way):
            await self._note(row.thread_id)
        else:
            await self._invoke(row.thread_id, None if begun else row.request)

    async def _invoke(self, thread_id: str, given: object) -> None:
        await self._graph.ainvoke(given, _thread(thread_id), durability="sync")
        await self._note(thread_id)

    async def _note(self, thread_id: str) -> None:
        """Write down where a thread stands, and have its wait ended in time if it waits."""
        snapshot = await self._graph.aget_state(_thread(thread_id))
        call_id = snapshot.values.get("call_id")
        state: State = "running" if snapshot.next or snapshot.tasks else "ended"
        deadline_s, question, result = None, None, None
        for asked in snapshot.interrupts[:1]:
            if isinstance(asked.value, Mapping) and asked.value.get("type") == WAITING:
                state, deadline_s = "waiting", datetime.fromisoformat(asked.value["deadline_at"]).timestamp()
            else:
                state, question = "asking", {**asked.value, "interrupt_id": asked.id}
        if state == "ended":
            names = (await asyncio.to_thread(self._graph.get_output_jsonschema))["properties"]
            result = {name: snapshot.values.get(name) for name in names}
        await asyncio.to_thread(
            self._index.put,
            thread_id,
            state,
            self._now_s(),
            call_id=call_id,
            deadline_s=deadline_s,
            question=question,
            result=result,
        )
        if deadline_s is not None:
            await self._dispatcher.send(Work(thread_id, call_id, timeout=True), max(0.0, deadline_s - self._now_s()))

    async def _again_or_never(self, work: Work, error: RevoxToolError) -> None:
        logger.warning("Thread %s: %s", work.thread_id, error.message)
        tried_enough = work.attempt >= len(_AGAIN_AFTER_S)
        if not tried_enough and (work.call_id is not None or error.kind not in _FINAL):
            await self._dispatcher.send(work._replace(attempt=work.attempt + 1), _AGAIN_AFTER_S[work.attempt])
        elif work.call_id is None:
            result = {"error": error.as_dict()}
            await asyncio.to_thread(self._index.put, work.thread_id, "failed", self._now_s(), result=result)

    def _held(self, row: Row) -> AbstractAsyncContextManager[None]:
        number = "".join(filter(str.isdecimal, str(row.request.get("phone_number"))))
        return self._hold(f"thread {row.thread_id}", f"number {number}")

    def _now_s(self) -> float:
        return self.connection.clock.now_s()


def _left_behind(row: Row, now_s: float) -> bool:
    return row.state == "running" and row.updated_s <= now_s - _LEFT_BEHIND_S


def _is_due(row: Row, now_s: float) -> bool:
    return row.deadline_s is not None and row.deadline_s <= now_s


def _thread(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


__all__ = ["Threads"]
