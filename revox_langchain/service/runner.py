"""Brings a thread on when it is its turn: the only way in for whoever noticed that there is something to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StateSnapshot

from revox_langchain.answers import JsonObject
from revox_langchain.errors import RevoxToolError
from revox_langchain.graph.call.parking import WAITING
from revox_langchain.graph.waking import awake
from revox_langchain.service.dispatch import Work
from revox_langchain.service.registry import Row, State
from revox_langchain.service.threads import Threads
from revox_langchain.webhooks.callbacks import called

logger = logging.getLogger("revox_langchain")

OnReport = Callable[[Row], Awaitable[None] | None]

_AGAIN_AFTER_S = (2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0)
_FINAL = ("invalid", "auth", "refused", "not_found")
_DAY_S = 86_400.0


class Hold(Protocol):
    """Keeps everybody else away from some names, in every process, until it is left."""

    def __call__(self, *names: str) -> AbstractAsyncContextManager[None]:
        """Wait until nobody holds any of them."""


class Runner:
    """Does what `Threads` have handed over.

    Args:
        threads: What is known of the threads.
        graph: The call graph, with `wait_mode="park"` and a checkpointer that all processes share.
        hold: Keeps other processes away from a thread, and from the number that it calls.
        on_report: Called with every thread that has come to its end, before it is listed as ended or failed; sync (in a
            thread) or async. At least once per thread: after a crash, or an error of its own, it is called again.
    """

    def __init__(self, threads: Threads, graph: Any, hold: Hold, on_report: OnReport | None = None) -> None:
        self._hold = hold
        self.graph = graph
        self._threads = threads
        self._registry = threads.registry
        self._on_report = on_report

    async def run(self, work: Work) -> None:
        """Do what was handed over, unless it was done meanwhile."""
        row = await asyncio.to_thread(self._registry.row, work.thread_id)
        if row is None:
            return
        runs = self._threads.runs
        async with self._alone(row), runs.one():
            row = await asyncio.to_thread(self._registry.row, work.thread_id)
            if row is None or runs.stopping or not _is_for(work, row):
                return
            try:
                await self._do(work, row)
            except RevoxToolError as error:
                logger.warning("Thread %s: %s", work.thread_id, error.message)
                await self._again_or_never(work, error)

    async def erase(self, keep_days: float) -> int:
        """Erase threads that came to their end so many days ago, with all that was said.

        Returns:
            How many they were.
        """
        before_s = self._threads.now_s() - keep_days * _DAY_S
        old = await asyncio.to_thread(self._registry.ended_before, before_s)
        for thread_id in old:
            await self.graph.checkpointer.adelete_thread(thread_id)
            await asyncio.to_thread(self._registry.forget, thread_id)
        return len(old)

    async def _do(self, work: Work, row: Row) -> None:
        if work.call_id is not None:
            reason: Literal["ended", "timeout"] = "timeout" if work.timeout else "ended"
            control = self._threads.runs.control
            await awake(self.graph, _thread(work.thread_id), work.call_id, reason=reason, control=control)
        else:
            await self._go_on(work, row)
        # Only after the run has returned: a crash before this line has the thread looked at again.
        await self._note(work)

    async def _go_on(self, work: Work, row: Row) -> None:
        """Run a thread from its start, its question or its last checkpoint, whichever it stands at."""
        snapshot = await self.graph.aget_state(_thread(work.thread_id))
        # A crash right after the input leaves no next node, and a task all the same.
        half_way = bool(snapshot.next or snapshot.tasks)
        given: object
        if snapshot.interrupts:
            asked = {interrupt.id for interrupt in snapshot.interrupts}
            if work.answer is None or not asked & work.answer.keys():
                return
            given = Command(resume=work.answer)
        elif half_way:
            given = None
        elif snapshot.values:
            return
        else:
            given = row.request
        await self.graph.ainvoke(given, _thread(work.thread_id), **self._how())

    async def _note(self, work: Work) -> None:
        """Write down where a thread stands, and have its wait ended in time if it waits."""
        snapshot: StateSnapshot = await self.graph.aget_state(_thread(work.thread_id))
        call_id = snapshot.values.get("call_id")
        if not (snapshot.next or snapshot.tasks):
            await self._end(work, "ended", await asyncio.to_thread(_output, self.graph, snapshot.values), call_id)
            return
        state: State = "running"
        deadline_s, question = None, None
        for asked in snapshot.interrupts[:1]:
            if isinstance(asked.value, Mapping) and asked.value.get("type") == WAITING:
                state, deadline_s = "waiting", datetime.fromisoformat(asked.value["deadline_at"]).timestamp()
            else:
                state, question = "asking", {**asked.value, "interrupt_id": asked.id}
        await self._put(work, state, call_id=call_id, deadline_s=deadline_s, question=question)
        if state == "waiting" and call_id is not None:
            await self._threads.wait_for(work.thread_id, call_id, deadline_s)

    async def _end(self, work: Work, state: State, result: JsonObject, call_id: str | None = None) -> None:
        """Report a thread, then write down its end: in this order a crash reports it twice rather than never."""
        if self._on_report is not None:
            row = await self._threads.row(work.thread_id)
            over = row._replace(state=state, call_id=call_id or row.call_id, deadline_s=None, question=None)
            try:
                await called(self._on_report, over._replace(result=result, updated_s=self._threads.now_s()))
            except Exception:
                logger.exception("Thread %s was not reported; it is reported again.", work.thread_id)
                await self._put(work, "running", call_id=call_id)
                await self._send_again(Work(work.thread_id, attempt=work.attempt))
                return
        await self._put(work, state, call_id=call_id, result=result)

    async def _again_or_never(self, work: Work, error: RevoxToolError) -> None:
        if work.call_id is not None or (error.kind not in _FINAL and work.attempt < len(_AGAIN_AFTER_S)):
            await self._send_again(work)
        elif work.answer is not None:
            # It may ask again.
            await self._threads.dispatcher.send(Work(work.thread_id))
        else:
            await self._end(work, "failed", {"error": error.as_dict()})

    async def _send_again(self, work: Work) -> None:
        pause_s = _AGAIN_AFTER_S[min(work.attempt, len(_AGAIN_AFTER_S) - 1)]
        await self._threads.dispatcher.send(work._replace(attempt=work.attempt + 1), pause_s)

    async def _put(self, work: Work, state: State, **known: Any) -> None:
        await asyncio.to_thread(self._registry.put, work.thread_id, state, self._threads.now_s(), **known)

    def _alone(self, row: Row) -> AbstractAsyncContextManager[None]:
        number = "".join(filter(str.isdecimal, str(row.request.get("phone_number"))))
        return self._hold(f"thread {row.thread_id}", f"number {number}")

    def _how(self) -> dict[str, Any]:
        return {"durability": "sync", "control": self._threads.runs.control}


def _is_for(work: Work, row: Row) -> bool:
    if work.answer is not None:
        return row.state in ("running", "asking")
    return row.state == "running" or (row.state == "waiting" and work.call_id is not None)


def _thread(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


def _output(graph: Any, values: Mapping[str, Any]) -> JsonObject:
    names = cast(JsonObject, graph.get_output_jsonschema())["properties"]
    return {name: values.get(name) for name in names}


__all__ = ["Hold", "OnReport", "Runner"]
