"""One PostgreSQL database for everything that many machines share: checkpoints, threads, the queue, and locks."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from revox_langchain.errors import InvalidInput, RevoxToolError, Unavailable
from revox_langchain.service.registry import THREADS_TABLE, VERSION, Registry
from revox_langchain.service.reservations import SCHEMA as BUDGET
from revox_langchain.service.reservations import PostgresReservations

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import ConnectionPool

_SCHEMA = f"""{THREADS_TABLE}CREATE TABLE IF NOT EXISTS revox_registry (
    version INTEGER NOT NULL,
    swept_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
);
"""
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_LOOKS_EVERY_S = 0.05
_OPENS_WITHIN_S = 10
ANSWERS_WITHIN_S = 5.0
"""How long to wait for a connection of a database that has gone."""


class PostgresRegistry(Registry):
    """The threads of all workers, in one table."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def fetch(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        """The rows that a statement selects."""
        with self._pool.connection() as db:
            found: list[Any] = db.execute(sql.replace("?", "%s").encode(), values).fetchall()
        return found

    def change(self, sql: str, values: tuple[object, ...] = ()) -> int:
        """Run a statement; how many rows it has changed."""
        with self._pool.connection() as db:
            changed: int = db.execute(sql.replace("?", "%s").encode(), values).rowcount
        return changed

    def may_sweep(self, interval_s: float) -> bool:
        """Whether it is time for a sweep again; of all who ask, one is told so."""
        sql = "UPDATE revox_registry SET swept_at = now() WHERE swept_at <= now() - make_interval(secs => ?)"
        return self.change(sql, (interval_s,)) > 0


class Postgres:
    """An open database, set up on first use; any number of processes open it at once.

    Args:
        dsn: Where it is, as libpq takes it: `postgresql://user:password@host/name`.
        runs: How many threads this process brings on at the same time. A worker opens up to `2 * runs + 9`
            connections.

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
        # Looked at before they are used: after a restart of PostgreSQL the connections of before are of no use.
        shared: Any = {"min_size": 1, "check": AsyncConnectionPool.check_connection, "open": False}
        try:
            states: Any = AsyncConnectionPool(
                self.dsn,
                max_size=self._runs + 2,
                timeout=2 * ANSWERS_WITHIN_S,
                kwargs={**options, "row_factory": dict_row},
                **shared,
            )
            # Its own pool: whoever holds a lock needs a connection for the state as well.
            self._holds: Any = AsyncConnectionPool(
                self.dsn, max_size=self._runs, timeout=3600, kwargs=options, **shared
            )
            for pool in (states, self._holds):
                await self._stack.enter_async_context(pool)
            checked = ConnectionPool.check_connection
            index: Any = ConnectionPool(
                self.dsn, min_size=1, max_size=2, timeout=ANSWERS_WITHIN_S, kwargs=options, check=checked, open=False
            )
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
        await db.execute("INSERT INTO revox_registry (version) VALUES (%s)", (VERSION,))
    elif known["version"] != VERSION:
        raise InvalidInput(
            f"The database has version {known['version']}; this release knows version {VERSION}.",
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
        next_step="Try again when PostgreSQL runs; nothing is lost.",
    )


def _not_usable(error: Exception) -> RevoxToolError:
    return InvalidInput(
        f"The database cannot be used: {_first_line(error)}.",
        next_step="Give a database whose user may create tables, as postgresql://user:password@host/name.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


__all__ = ["ANSWERS_WITHIN_S", "Postgres", "PostgresRegistry", "lost"]
