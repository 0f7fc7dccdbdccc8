"""Many calls in one process that may die at any moment: started once, watched together, each brought to its report."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, Unpack

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, NotFound, Refused, RevoxToolError
from revox_langchain.graph.call.build import call_graph
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.parking import WAITING
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.graph.waking import awake
from revox_langchain.operations.calls import CancelCall
from revox_langchain.results.call import CallResult
from revox_langchain.service.draining import Work
from revox_langchain.service.registry import Registry, Row, State
from revox_langchain.waiting.watcher import Watcher
from revox_langchain.webhooks.callbacks import called

logger = logging.getLogger("revox_langchain")

OnReport = Callable[[Row], Awaitable[None] | None]
_AGAIN_AFTER_S = (2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0)
_DAY_S = 86_400.0


class Service:
    """Places calls and reports them, over any number of restarts, from one SQLite file.

        async with Service(connection, "calls.db") as service:
            thread_id = await service.start({"phone_number": "+12025550100", "prompt": "Say hello."})

    Every call request is a thread of the call graph, which parks while its call is pending. What was started is written
    down first; after a crash it is run on from its last checkpoint, so that no order is lost and none is placed twice.
    What comes after the call, the report among it, may run again for a thread that was being woken when the process
    died. One process per file; a second one is refused.

    Args:
        connection: The account.
        db: File of SQLite's for checkpoints and registry.
        interval_s: Seconds between two looks at a pending call.
        keep_days: Erase threads this long after their end, transcripts included; None keeps them.
        on_report: Called with every thread that has come to its end, before it is listed as ended or failed; sync (in a
            thread) or async. At least once per thread: a crash, or an error of its own, has it called again after the
            next start.
        options: As for `create_call_graph`, but for `wait_mode`.

    Raises:
        InvalidInput: The file cannot be used, or another process uses it.
    """

    def __init__(
        self,
        connection: Connection,
        db: str | Path,
        *,
        interval_s: float = 10.0,
        keep_days: float | None = None,
        on_report: OnReport | None = None,
        **options: Unpack[CallGraphOptions],
    ) -> None:
        self.connection = connection
        self._path = Path(db)
        self._interval_s = interval_s
        self._watcher = Watcher(connection, interval_s=interval_s)
        self._keep_days = keep_days
        self._on_report = on_report
        self._options = options
        self._stack = AsyncExitStack()
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waits: dict[str, asyncio.Task[Any]] = {}
        self._work = Work()

    async def __aenter__(self) -> Self:
        saver_type = _saver()
        self._registry = Registry(self._path)
        self._stack.callback(self._registry.close)
        try:
            self._saver = await self._stack.enter_async_context(saver_type.from_conn_string(str(self._path)))
            await self._saver.setup()
            options: CallGraphOptions = {**self._options, "wait_mode": "park"}
            self._graph: Any = call_graph(self.connection, checkpointer=self._saver, **options)
            for row in await asyncio.to_thread(self._registry.unfinished):
                self._take_up(row)
        except BaseException:
            await self._stack.aclose()
            raise
        if self._keep_days is not None:
            self._spawn(self._erase_what_is_old(self._keep_days))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self, *, patience_s: float = 20.0) -> None:
        """Take nothing new, finish the steps that are under way, and leave the rest to the next start."""
        await self._work.drain(patience_s)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def start(self, request: Mapping[str, object], thread_id: str | None = None) -> str:
        """Start a call request; returns once it is written down.

        Args:
            request: Input of the call graph.
            thread_id: Name of the request: starting it again with the same input does nothing. Left out, a new one.

        Returns:
            The thread.

        Raises:
            InvalidInput: The request does not fit, or the thread was started with another one.
            Refused: With code `stopping`.
        """
        self._work.check_goes_on()
        given = CallInput.parse(request).model_dump(mode="json", exclude_none=True)
        name = thread_id or str(uuid.uuid4())
        row = await asyncio.to_thread(self._registry.row, name)
        if row is None:
            row = await asyncio.to_thread(self._registry.add, name, given, self._now_s())
            if row.request == given:
                self._take_up(row)
        if row.request != given:
            raise InvalidInput(
                f"The thread {name} was started with another request.",
                code="thread_in_use",
                next_step="Give the new request another thread_id.",
            )
        return name

    async def row(self, thread_id: str) -> Row:
        """Where a thread stands.

        Raises:
            NotFound: There is no such thread.
        """
        row = await asyncio.to_thread(self._registry.row, thread_id)
        if row is None:
            raise NotFound(f"There is no thread {thread_id}.", next_step="List the threads.")
        return row

    async def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first; those started before a moment, if one is given."""
        return await asyncio.to_thread(self._registry.rows, state, limit=limit, before_s=before_s)

    async def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        return await asyncio.to_thread(self._registry.counts)

    async def answer(self, thread_id: str, given: object) -> None:
        """Answer what a thread asks: an approval, or an unknown outcome.

        Raises:
            NotFound: There is no such thread.
            Refused: It asks nothing, or the service is stopping.
        """
        async with self._lock(thread_id):
            row = await self.row(thread_id)
            if row.state != "asking" or row.question is None:
                raise Refused(f"The thread {thread_id} asks nothing.", code="nothing_asked", next_step="Read it first.")
            self._work.check_goes_on()
            # A thread that asks is left alone after a crash; this one must be looked at again.
            await asyncio.to_thread(self._registry.put, thread_id, "running", self._now_s())
            try:
                await self._run(thread_id, Command(resume={row.question["interrupt_id"]: given}))
            except Exception:
                self._take_up(await self.row(thread_id))
                raise

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
        await self.resume(thread_id, row.call_id)

    async def heard(self, result: CallResult) -> None:
        """Wake the threads that wait for a call which has ended; the callback of `Webhooks`."""
        for row in await asyncio.to_thread(self._registry.waiting_for, result.call_id):
            await self.resume(row.thread_id, result.call_id)

    async def resume(self, thread_id: str, call_id: str, *, timeout: bool = False) -> None:
        """Bring a thread on whose call has ended; the only way in, whoever noticed it.

        Args:
            thread_id: The thread.
            call_id: The call that has ended.
            timeout: Whether it has not, and the wait is over all the same.
        """
        async with self._lock(thread_id):
            row = await asyncio.to_thread(self._registry.row, thread_id)
            if row is None or row.state in ("ended", "failed", "asking") or self._work.stopping:
                return
            reason: Literal["ended", "timeout"] = "timeout" if timeout else "ended"
            async with self._work.run():
                config = _thread(thread_id)
                await awake(self._graph, config, call_id, reason=reason, durability="sync", control=self._work.control)
                # Only after the run has returned: a crash before this line has the thread looked at again.
                await self._note(thread_id)

    def _take_up(self, row: Row) -> None:
        if row.state == "waiting" and row.call_id is not None:
            waits = self._waits.get(row.thread_id)
            again = waits is asyncio.current_task()
            # Woken from elsewhere, the thread may park again while its wait goes on.
            if waits is None or waits.done() or again:
                self._waits[row.thread_id] = self._spawn(self._wait(row, self._interval_s if again else 0.0))
        elif row.state == "running":
            self._spawn(self._continue(row))

    async def _continue(self, row: Row) -> None:
        """Run a thread from its start or its last checkpoint until it parks, asks or ends; over and over if it must."""
        for pause_s in (*_AGAIN_AFTER_S, None):
            try:
                async with self._lock(row.thread_id):
                    await self._run_on(row.thread_id)
                return
            except RevoxToolError as error:
                logger.warning("Thread %s: %s", row.thread_id, error.message)
                if pause_s is None or error.kind in ("invalid", "auth", "refused", "not_found"):
                    await self._finish(row.thread_id, "failed", {"error": error.as_dict()})
                    return
                await self.connection.clock.asleep(pause_s)

    async def _run_on(self, thread_id: str) -> None:
        row = await asyncio.to_thread(self._registry.row, thread_id)
        if row is None or row.state != "running" or self._work.stopping:
            return
        snapshot = await self._graph.aget_state(_thread(thread_id))
        # A crash right after the input leaves no next node, and a task all the same.
        begun = snapshot.next or snapshot.tasks or snapshot.values
        if begun and (snapshot.interrupts or not (snapshot.next or snapshot.tasks)):
            await self._note(thread_id)
        else:
            await self._run(thread_id, None if begun else row.request)

    async def _run(self, thread_id: str, given: object) -> None:
        async with self._work.run():
            await self._graph.ainvoke(given, _thread(thread_id), durability="sync", control=self._work.control)
            await self._note(thread_id)

    async def _note(self, thread_id: str) -> None:
        """Write down where a thread stands, and wait for its call if it does."""
        snapshot = await self._graph.aget_state(_thread(thread_id))
        values, now_s = snapshot.values, self._now_s()
        call_id = values.get("call_id")
        for asked in snapshot.interrupts:
            waits = isinstance(asked.value, Mapping) and asked.value.get("type") == WAITING
            deadline_s = datetime.fromisoformat(asked.value["deadline_at"]).timestamp() if waits else None
            question = None if waits else {**asked.value, "interrupt_id": asked.id}
            state: State = "waiting" if waits else "asking"
            await asyncio.to_thread(
                self._registry.put, thread_id, state, now_s, call_id=call_id, deadline_s=deadline_s, question=question
            )
            row = await asyncio.to_thread(self._registry.row, thread_id)
            if waits and row is not None:
                self._take_up(row)
            return
        if not (snapshot.next or snapshot.tasks):
            await self._finish(thread_id, "ended", await asyncio.to_thread(_output, self._graph, values), call_id)

    async def _finish(self, thread_id: str, state: State, result: JsonObject, call_id: str | None = None) -> None:
        """Report a thread, then write down its end: in this order a crash reports it twice rather than never."""
        row, now_s = await self.row(thread_id), self._now_s()
        if self._on_report is not None:
            over = row._replace(state=state, call_id=call_id or row.call_id, result=result, updated_s=now_s)
            over = over._replace(deadline_s=None, question=None)
            try:
                await called(self._on_report, over)
            except Exception:
                logger.exception("Thread %s was not reported; it is reported after the next start.", thread_id)
                return
        await asyncio.to_thread(self._registry.put, thread_id, state, now_s, call_id=call_id, result=result)

    async def _wait(self, row: Row, pause_s: float) -> None:
        """Wait in the shared sweep until a thread's call has ended or its time is up, then bring the thread on."""
        assert row.call_id is not None
        await self.connection.clock.asleep(pause_s)
        left_s = (row.deadline_s or float("inf")) - self._now_s()
        timed_out = left_s <= 0
        if not timed_out:
            watcher = self._watcher.lasting(left_s)
            try:
                await watcher.wait(row.call_id)
            except RevoxToolError as error:
                # Whatever cannot be waited for, the thread finds out itself, and ends with it.
                timed_out = error.code == "still_running"
        for next_s in (*_AGAIN_AFTER_S, None):
            if self._work.stopping:
                return
            try:
                await self.resume(row.thread_id, row.call_id, timeout=timed_out)
                return
            except RevoxToolError as error:
                logger.warning("Thread %s: %s", row.thread_id, error.message)
                if next_s is not None:
                    await self.connection.clock.asleep(next_s)

    async def _erase_what_is_old(self, keep_days: float) -> None:
        while True:
            old = await asyncio.to_thread(self._registry.ended_before, self._now_s() - keep_days * _DAY_S)
            for thread_id in old:
                await self._saver.adelete_thread(thread_id)
                await asyncio.to_thread(self._registry.forget, thread_id)
            await asyncio.sleep(min(3600.0, keep_days * _DAY_S / 2))

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("A thread was not brought on; the next start takes it up.", exc_info=task.exception())

    def _lock(self, thread_id: str) -> asyncio.Lock:
        # LangGraph does not lock threads: two resumes at once run what follows the wait twice.
        return self._locks.setdefault(thread_id, asyncio.Lock())

    def _now_s(self) -> float:
        return self.connection.clock.now_s()


def _thread(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


def _output(graph: Any, values: Mapping[str, Any]) -> JsonObject:
    names = graph.get_output_jsonschema()["properties"]
    return {name: values.get(name) for name in names}


def _saver() -> Any:
    try:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    except ImportError:
        raise InvalidInput(
            "The service keeps its calls in SQLite, and langgraph-checkpoint-sqlite is not installed.",
            next_step="pip install 'revox-langchain[sqlite]'",
        ) from None
    return AsyncSqliteSaver


__all__ = ["Row", "Service"]
