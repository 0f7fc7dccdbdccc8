"""One PostgreSQL database for everything that many machines share: checkpoints, threads, the queue, and locks."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, RevoxToolError, Unavailable
from revox_langchain.service.registry import UNFINISHED, Row, State
from revox_langchain.service.reservations import SCHEMA as BUDGET
from revox_langchain.service.reservations import PostgresReservations

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import ConnectionPool

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS revox_threads (
    thread_id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    call_id TEXT,
    deadline_s DOUBLE PRECISION,
    question TEXT,
    result TEXT,
    created_s DOUBLE PRECISION NOT NULL,
    updated_s DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS revox_threads_by_state ON revox_threads (state, created_s);
CREATE INDEX IF NOT EXISTS revox_threads_by_call ON revox_threads (call_id);
CREATE TABLE IF NOT EXISTS revox_registry (
    version INTEGER NOT NULL,
    swept_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
);
"""
_COLUMNS = "thread_id, request, state, call_id, deadline_s, question, result, created_s, updated_s"
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_LOOKS_EVERY_S = 0.05
_OPENS_WITHIN_S = 10


class PostgresRegistry:
    """The threads of all workers, in one table; the methods are those of `Registry`."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def add(self, thread_id: str, request: JsonObject, now_s: float) -> Row:
        """Note a thread before anything of it runs; one that is known already is returned as it stands."""
        self._execute(
            "INSERT INTO revox_threads (thread_id, request, state, created_s, updated_s) "
            "VALUES (%s, %s, 'running', %s, %s) ON CONFLICT DO NOTHING",
            (thread_id, json.dumps(request), now_s, now_s),
        )
        row = self.row(thread_id)
        assert row is not None
        return row

    def put(
        self,
        thread_id: str,
        state: State,
        now_s: float,
        *,
        call_id: str | None = None,
        deadline_s: float | None = None,
        question: JsonObject | None = None,
        result: JsonObject | None = None,
    ) -> None:
        """Note where a thread stands."""
        self._execute(
            "UPDATE revox_threads SET state = %s, call_id = coalesce(%s, call_id), deadline_s = %s, question = %s, "
            "result = %s, updated_s = %s WHERE thread_id = %s",
            (state, call_id, deadline_s, _text(question), _text(result), now_s, thread_id),
        )

    def row(self, thread_id: str) -> Row | None:
        """One thread."""
        rows = self._rows("WHERE thread_id = %s", (thread_id,))
        return rows[0] if rows else None

    def waiting_for(self, call_id: str) -> list[Row]:
        """The threads that wait for an order."""
        return self._rows("WHERE call_id = %s AND state IN ('running', 'waiting')", (call_id,))

    def unfinished(self) -> list[Row]:
        """Every thread that has not come to an end, oldest first."""
        return self._rows("WHERE state = ANY(%s) ORDER BY created_s", (list(UNFINISHED),))

    def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first."""
        where = (
            "WHERE (%s::text IS NULL OR state = %s) AND (%s::float8 IS NULL OR created_s < %s) "
            "ORDER BY created_s DESC LIMIT %s"
        )
        return self._rows(where, (state, state, before_s, before_s, limit))

    def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""
        return dict(self._fetch("SELECT state, count(*) FROM revox_threads GROUP BY state", ()))

    def ended_before(self, moment_s: float) -> list[str]:
        """Threads that came to an end before a moment."""
        rows = self._rows("WHERE state IN ('ended', 'failed') AND updated_s < %s", (moment_s,))
        return [row.thread_id for row in rows]

    def forget(self, thread_id: str) -> None:
        """Erase what is known of a thread."""
        self._execute("DELETE FROM revox_threads WHERE thread_id = %s", (thread_id,))

    def may_sweep(self, interval_s: float) -> bool:
        """Whether it is time for a sweep again; of all who ask, one is told so."""
        sql = (
            "UPDATE revox_registry SET swept_at = now() WHERE swept_at <= now() - make_interval(secs => %s) RETURNING 1"
        )
        return bool(self._fetch(sql, (interval_s,)))

    def _execute(self, sql: str, values: tuple[object, ...]) -> None:
        with self._pool.connection() as db:
            db.execute(sql, values)

    def _fetch(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._pool.connection() as db:
            found: list[Any] = db.execute(sql, values).fetchall()
        return found

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        return [_row(*found) for found in self._fetch(f"SELECT {_COLUMNS} FROM revox_threads {where}", values)]


class Postgres:
    """An open database, set up on first use; any number of processes open it at once.

    Args:
        dsn: Where it is, as libpq takes it: `postgresql://user:password@host/name`.
        runs: How many threads this process brings on at the same time. It opens up to `2 * runs + 8` connections.

    Raises:
        InvalidInput: The address is not one, a package is missing, or a newer release wrote the database.
        Unavailable: The database cannot be reached.
    """

    def __init__(self, dsn: str, *, runs: int = 8) -> None:
        self.dsn = dsn
        self._runs = runs
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        _require_packages()
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import AsyncConnectionPool, ConnectionPool

        await self._set_up()
        options = {"autocommit": True, "prepare_threshold": None}
        try:
            states: Any = AsyncConnectionPool(
                self.dsn, min_size=1, max_size=self._runs + 2, kwargs={**options, "row_factory": dict_row}, open=False
            )
            # Its own pool: whoever holds a lock needs a connection for the state as well.
            self._holds: Any = AsyncConnectionPool(
                self.dsn, min_size=1, max_size=self._runs, timeout=3600, kwargs=options, open=False
            )
            for pool in (states, self._holds):
                await self._stack.enter_async_context(pool)
            index: Any = ConnectionPool(self.dsn, min_size=1, max_size=2, kwargs=options, open=False)
            await asyncio.to_thread(index.open)
            self._stack.push_async_callback(asyncio.to_thread, index.close)
        except BaseException:
            await self._stack.aclose()
            raise
        self.saver = AsyncPostgresSaver(states)
        self.registry = PostgresRegistry(index)
        self.reservations = PostgresReservations(index)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def hold(self, *names: str) -> AsyncIterator[None]:
        """Keep every other process and task away from these names; a process that dies lets go of them."""
        async with self._holds.connection() as db:
            try:
                for name in names:
                    await _lock(db, f"revox_langchain {name}")
                yield
            finally:
                await db.execute("SELECT pg_advisory_unlock_all()")

    async def _set_up(self) -> None:
        import psycopg
        from psycopg.rows import dict_row

        try:
            db: Any = await psycopg.AsyncConnection.connect(
                self.dsn, autocommit=True, prepare_threshold=None, row_factory=dict_row, connect_timeout=_OPENS_WITHIN_S
            )
        except psycopg.OperationalError as error:
            raise Unavailable(
                f"The database cannot be reached: {_first_line(error)}.",
                code="database_unavailable",
                sent=False,
                next_step="Check the address and that PostgreSQL runs there.",
            ) from None
        except psycopg.Error as error:
            raise _not_usable(error) from None
        async with db:
            try:
                await _lock(db, "revox_langchain setup")
                await _create(db)
            except psycopg.Error as error:
                raise _not_usable(error) from None


async def _create(db: AsyncConnection[Any]) -> None:
    """Create what is not there; two of these at once would collide, so a lock is held."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from procrastinate.schema import SchemaManager

    await AsyncPostgresSaver(db).setup()
    await db.execute(f"{_SCHEMA}{BUDGET}".encode())
    known = await (await db.execute("SELECT version FROM revox_registry")).fetchone()
    if known is None:
        await db.execute("INSERT INTO revox_registry (version) VALUES (%s)", (_VERSION,))
    elif known["version"] != _VERSION:
        raise InvalidInput(
            f"The database has version {known['version']}; this release knows version {_VERSION}.",
            next_step="Upgrade revox-langchain, or give another database.",
        )
    queue = await (await db.execute("SELECT to_regclass('procrastinate_jobs') AS found")).fetchone()
    if queue is None or queue["found"] is None:
        await db.execute(SchemaManager.get_schema())


async def _lock(db: AsyncConnection[Any], name: str) -> None:
    # Asked over and over, not waited for: a statement that waits keeps indexes from being created concurrently.
    while True:
        found: Any = await (await db.execute(_TRY_LOCK, (name,))).fetchone()
        if next(iter(found.values())) if isinstance(found, dict) else found[0]:
            return
        await asyncio.sleep(_LOOKS_EVERY_S)


def _require_packages() -> None:
    for name in ("psycopg", "psycopg_pool", "langgraph.checkpoint.postgres", "procrastinate"):
        try:
            importlib.import_module(name)
        except ImportError:
            raise InvalidInput(
                f"Workers share their calls in PostgreSQL, and {name} cannot be imported.",
                next_step="pip install 'revox-langchain[postgres]'",
            ) from None


def lost(error: Exception) -> Unavailable:
    """What to say of a database that was there and has gone."""
    return Unavailable(
        f"The database has gone: {_first_line(error)}.",
        code="database_unavailable",
        next_step="Start again when PostgreSQL runs; nothing is lost.",
    )


def _not_usable(error: Exception) -> RevoxToolError:
    return InvalidInput(
        f"The database cannot be used: {_first_line(error)}.",
        next_step="Give a database whose user may create tables, as postgresql://user:password@host/name.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _row(
    thread_id: str,
    request: str,
    state: State,
    call_id: str | None,
    deadline_s: float | None,
    question: str | None,
    result: str | None,
    created_s: float,
    updated_s: float,
) -> Row:
    asked, out = _json(question), _json(result)
    return Row(thread_id, json.loads(request), state, call_id, deadline_s, asked, out, created_s, updated_s)


def _text(value: JsonObject | None) -> str | None:
    return None if value is None else json.dumps(value)


def _json(text: str | None) -> JsonObject | None:
    return None if text is None else json.loads(text)


__all__ = ["Postgres", "PostgresRegistry", "lost"]
