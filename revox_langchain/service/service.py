"""Many calls in one process that may die at any moment: started once, watched together, each brought to its report."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, Unpack

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, RevoxToolError, Unavailable
from revox_langchain.graph.call.build import call_graph
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.service.dispatch import Work
from revox_langchain.service.engine import Engine
from revox_langchain.service.local import LocalDispatcher, LocalLocks
from revox_langchain.service.runner import OnReport, Runner
from revox_langchain.service.sqlite import SqliteRegistry
from revox_langchain.service.threads import Threads

_DAY_S = 86_400.0


class Service(Engine):
    """Places calls and reports them, over any number of restarts, from one SQLite file.

        async with Service(connection, "calls.db") as service:
            thread_id = await service.threads.start({"phone_number": "+12025550100", "prompt": "Say hello."})

    Every call request is a thread of the call graph, which parks while its call is pending. What was started is written
    down first; after a crash it is run on from its last checkpoint, so that no order is lost and none is placed twice.
    What comes after the call, the report among it, may run again for a thread that was being woken when the process
    died. One process per file; a second one is refused.

    Args:
        connection: The account.
        db: File of SQLite's for checkpoints and registry.
        interval_s: Seconds between two looks at a pending call.
        keep_days: Erase threads this long after their end, transcripts included; None keeps them.
        on_report: As for `Runner`.
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
        super().__init__(connection)
        self._path = Path(db)
        self._interval_s = interval_s
        self._keep_days = keep_days
        self._on_report = on_report
        self._options = options
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        saver_type = _saver()
        registry = SqliteRegistry(self._path)
        self._stack.callback(registry.close)
        try:
            saver = await self._stack.enter_async_context(saver_type.from_conn_string(str(self._path)))
            await saver.setup()
            options: CallGraphOptions = {**self._options, "wait_mode": "park"}
            graph = call_graph(self.connection, checkpointer=saver, **options)
            self._dispatcher = LocalDispatcher(self.connection, self._run, interval_s=self._interval_s)
            self.threads = Threads(self.connection, registry, self._dispatcher)
            self.runner = Runner(self.threads, graph, LocalLocks().hold, self._on_report)
            await self.threads.take_up()
        except BaseException:
            await self._stack.aclose()
            raise
        if self._keep_days is not None:
            self._dispatcher.spawn(self._erase_what_is_old(self._keep_days))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self, *, patience_s: float = 20.0) -> None:
        """Take nothing new, finish the steps that are under way, and leave the rest to the next start."""
        await self.threads.runs.drain(patience_s)
        await self._dispatcher.aclose()
        await self._stack.aclose()

    def explained(self, error: Exception) -> RevoxToolError | None:
        """What to say of an error of SQLite's; None if it is not one."""
        if not isinstance(error, sqlite3.Error):
            return None
        return Unavailable(
            f"The database {self._path} cannot be used: {error}.",
            code="database_unavailable",
            next_step="Look at the disk, then try again; nothing is lost.",
        )

    async def _run(self, work: Work) -> None:
        await self.runner.run(work)

    async def _erase_what_is_old(self, keep_days: float) -> None:
        while True:
            await self.runner.erase(keep_days)
            await asyncio.sleep(min(3600.0, keep_days * _DAY_S / 2))


def _saver() -> Any:
    try:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    except ImportError:
        raise InvalidInput(
            "The service keeps its calls in SQLite, and langgraph-checkpoint-sqlite is not installed.",
            next_step="pip install 'revox-langchain[sqlite]'",
        ) from None
    return AsyncSqliteSaver


__all__ = ["Service"]
