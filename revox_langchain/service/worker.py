"""Any number of workers on any number of machines: one PostgreSQL database, and procrastinate's queue in it."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self, Unpack

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.errors import RevoxToolError
from revox_langchain.graph.call.build import call_graph
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.service.dispatch import Work
from revox_langchain.service.engine import Engine
from revox_langchain.service.postgres import ANSWERS_WITHIN_S, Postgres, lost
from revox_langchain.service.runner import OnReport, Runner
from revox_langchain.service.threads import Threads

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.tasks import Task

logger = logging.getLogger("revox_langchain")

_QUEUE = "revox_langchain"
_HEARTBEAT_S = 5.0
_STALLED_AFTER_S = 15.0
_PATIENCE_S = 20.0
_DAY_S = 86_400.0


class QueueDispatcher:
    """Hands work to procrastinate.

    Args:
        task: The task that does it.
    """

    def __init__(self, task: Task[Any, Any, Any]) -> None:
        self._task = task

    async def send(self, work: Work, after_s: float = 0.0) -> None:
        """Have it run once, by any worker; in so many seconds, if given."""
        from procrastinate.exceptions import AlreadyEnqueued

        later = after_s > 0
        deferrer = self._task.configure(
            # A job that is not due yet would keep later ones of the same lock from running.
            lock=None if later else work.thread_id,
            queueing_lock=f"{'later ' if later else ''}{_kind(work)} {work.thread_id} {work.call_id or ''}",
            schedule_in={"seconds": math.ceil(after_s)} if later else None,
        )
        try:
            await deferrer.defer_async(**work._asdict())
        except AlreadyEnqueued:
            logger.debug("Thread %s is handed over already.", work.thread_id)


def _kind(work: Work) -> str:
    if work.answer is not None:
        return f"answer {' '.join(work.answer)}"
    return "start" if work.call_id is None else "timeout" if work.timeout else "resume"


class Worker(Engine):
    """Takes part in bringing all calls of a database to their reports.

        async with Worker(connection, "postgresql://localhost/calls") as worker:
            await worker.threads.start({"phone_number": "+12025550100", "prompt": "Say hello."})
            await worker.run()

    What a worker was doing when it died, another one takes up about 20 seconds later. What comes after a call, the
    report among it, may run twice then; the order is placed once. One that is open and does not `run` hands calls over
    to those that do.

    Args:
        connection: The account.
        dsn: The database, as libpq takes it.
        runs: How many threads to bring on at the same time.
        interval_s: Seconds between two looks at all pending calls, whoever of the workers takes them.
        keep_days: Erase threads this long after their end, transcripts included; None keeps them.
        on_report: As for `Runner`.
        options: As for `create_call_graph`, but for `wait_mode`. All workers need the same. A `budget` is kept in the
            database: what all of them dial counts together, for good or for its `period_s`.

    Raises:
        InvalidInput: The database cannot be used.
        Unavailable: It cannot be reached.
    """

    def __init__(
        self,
        connection: Connection,
        dsn: str,
        *,
        runs: int = 8,
        interval_s: float = 10.0,
        keep_days: float | None = None,
        on_report: OnReport | None = None,
        **options: Unpack[CallGraphOptions],
    ) -> None:
        super().__init__(connection)
        self._runs = runs
        self._interval_s = interval_s
        self._keep_days = keep_days
        self._erased_s = float("-inf")
        self._on_report = on_report
        self._options = options
        self._budget = options.get("budget") or Budget()
        self._database = Postgres(dsn, runs=runs)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            database = await self._stack.enter_async_context(self._database)
            self._app = _app(database.dsn)
            await self._stack.enter_async_context(self._app.open_async())
            task = self._app.task(name="revox_langchain.run", queue=_QUEUE)(self._do)
            budget = self._budget.kept_in(database.reservations)
            options: CallGraphOptions = {**self._options, "wait_mode": "park", "budget": budget}
            graph = call_graph(self.connection, checkpointer=database.saver, **options)
            dispatcher = QueueDispatcher(task)
            self.threads = Threads(self.connection, database.registry, dispatcher, at_once=self._runs)
            self.runner = Runner(self.threads, graph, database.hold, self._on_report)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until the process is asked to stop, or until there is nothing to do.

        Args:
            until_idle: Look once at every pending call, do what is due, and return.

        Raises:
            Unavailable: The database has gone.
        """
        try:
            if until_idle:
                await self._tend()
            await self._work(until_idle)
        except Exception as error:
            if said := self.explained(error):
                raise said from error
            raise

    def explained(self, error: Exception) -> RevoxToolError | None:
        """What to say of an error of PostgreSQL's; None if it is not one."""
        import psycopg
        from procrastinate.exceptions import ConnectorException

        return lost(error) if isinstance(error, psycopg.Error | ConnectorException) else None

    async def _work(self, until_idle: bool) -> None:
        tending = None if until_idle else asyncio.create_task(self._tend_forever())
        try:
            await self._app.run_worker_async(
                queues=[_QUEUE],
                concurrency=self._runs,
                wait=not until_idle,
                delete_jobs="successful",
                update_heartbeat_interval=_HEARTBEAT_S,
                stalled_worker_timeout=_STALLED_AFTER_S,
                shutdown_graceful_timeout=_PATIENCE_S,
            )
        finally:
            if tending is not None:
                tending.cancel()
                await asyncio.gather(tending, return_exceptions=True)

    async def reap(self) -> int:
        """Hand over anew what workers were doing that have died.

        Returns:
            How many jobs that were.
        """
        from procrastinate.exceptions import UniqueViolation
        from procrastinate.jobs import Status

        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=_STALLED_AFTER_S))
        for job in stalled:
            try:
                await manager.retry_job(job)
            except UniqueViolation:
                # The same is enqueued already; left as it is, the dead job would block its thread for ever.
                await manager.finish_job(job, Status.FAILED, delete_job=True)
        await manager.prune_stalled_workers(_STALLED_AFTER_S)
        return len(stalled)

    async def _do(self, **work: Any) -> None:
        try:
            await self.runner.run(Work(**work))
        except Exception as error:
            if said := self.explained(error):
                logger.warning("%s", said.message)
            else:
                logger.exception("Thread %s was not brought on; a sweep hands it over again.", work["thread_id"])
            raise

    async def _tend_forever(self) -> None:
        while True:
            try:
                # Some time before the next sweep is due, so that it is not missed by a moment.
                if await asyncio.to_thread(self._database.registry.may_sweep, self._interval_s * 0.9):
                    await self._tend()
            except Exception as error:
                said = self.explained(error)
                if said is None:
                    raise
                logger.warning("%s The next sweep tries again.", said.message)
            await asyncio.sleep(self._interval_s / 2)

    async def _tend(self) -> None:
        await self.reap()
        try:
            await self.threads.sweep()
        except RevoxToolError as error:
            logger.warning("The sweep could not look at the calls: %s", error.message)
        now_s = time.monotonic()
        if self._keep_days is not None and now_s - self._erased_s >= min(3600.0, self._keep_days * _DAY_S / 2):
            self._erased_s = now_s
            await self._erase(self._keep_days)

    async def _erase(self, keep_days: float) -> None:
        await self.runner.erase(keep_days)
        await asyncio.to_thread(self._database.reservations.erase, keep_days, self._budget.period_s)
        # Jobs that failed keep their arguments, an answer of a person among them.
        await self._app.job_manager.delete_old_jobs(
            math.ceil(keep_days * 24), queue=_QUEUE, include_failed=True, include_cancelled=True, include_aborted=True
        )


def _app(dsn: str) -> App:
    from procrastinate import App, PsycopgConnector

    return App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=4, timeout=ANSWERS_WITHIN_S))


__all__ = ["QueueDispatcher", "Worker"]
