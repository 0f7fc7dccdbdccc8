"""A budget that all workers of one PostgreSQL database count together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from revox_langchain.dialing.reservations import Amounts, Period, Reservation, Used
from revox_langchain.errors import Unavailable

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

SCHEMA = """
CREATE TABLE IF NOT EXISTS revox_budget (
    intent_id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    orders DOUBLE PRECISION NOT NULL,
    attempts DOUBLE PRECISION NOT NULL,
    minutes DOUBLE PRECISION NOT NULL,
    reserved_at TIMESTAMPTZ NOT NULL,
    lapses_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS revox_budget_by_scope ON revox_budget (scope);
"""
_DIALS_WITHIN_S = 3600
"""No dial takes that long, so what is neither kept nor released by then was reserved by a process that has died."""

_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('revox_langchain budget', 0))"
_COUNTS = "lapses_at > now() AND (%s::float8 IS NULL OR reserved_at > now() - make_interval(secs => %s))"
_OLD = "reserved_at < now() - make_interval(secs => %s)"
_SUM = f"SELECT sum(orders), sum(attempts), sum(minutes) FROM revox_budget WHERE {_COUNTS}"
_RESERVE = """
INSERT INTO revox_budget VALUES (%s, %s, %s, %s, %s, now(), now() + make_interval(secs => %s))
ON CONFLICT (intent_id) DO UPDATE SET scope = excluded.scope, orders = excluded.orders, attempts = excluded.attempts,
    minutes = excluded.minutes, reserved_at = excluded.reserved_at, lapses_at = excluded.lapses_at
"""
_RESERVE_AGAIN = "UPDATE revox_budget SET lapses_at = greatest(lapses_at, now() + make_interval(secs => %s)) "


class PostgresReservations:
    """Reservations in one table, made by one process at a time.

    What a process reserved that died before anyone could know whether it dialed counts for an hour, or until another
    process brings its call request on: an order that is found, or may exist, counts for good.

    Args:
        pool: Connections to the database.
    """

    waits = True

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def add(self, wanted: Reservation, period: Period, check: Callable[[Used], None]) -> bool:
        """Reserve, unless the intent has a reservation that counts."""
        with self._transaction() as db:
            db.execute(_ALONE)
            again = f"{_RESERVE_AGAIN} WHERE intent_id = %s AND {_COUNTS}"
            if db.execute(again, (_DIALS_WITHIN_S, wanted.intent_id, *_seconds(period))).rowcount:
                return False
            check(lambda scope: _sum(db, scope, period))
            db.execute(_RESERVE, (wanted.intent_id, wanted.scope, *wanted.amounts, _DIALS_WITHIN_S))
            return True

    def keep(self, intent_id: str) -> None:
        """Count an intent's reservation for good."""
        with self._transaction() as db:
            db.execute("UPDATE revox_budget SET lapses_at = 'infinity' WHERE intent_id = %s", (intent_id,))

    def release(self, intent_id: str) -> None:
        """Give back what was reserved for an intent."""
        with self._transaction() as db:
            db.execute("DELETE FROM revox_budget WHERE intent_id = %s", (intent_id,))

    def holds(self, intent_id: str) -> bool:
        """Whether something was reserved for an intent, lapsed or not, and not released."""
        with self._transaction() as db:
            return db.execute("SELECT 1 FROM revox_budget WHERE intent_id = %s", (intent_id,)).fetchone() is not None

    def used(self, scope: str | None, period: Period) -> Amounts:
        """How much is reserved in a scope; with None, in all."""
        with self._transaction() as db:
            return _sum(db, scope, period)

    def erase(self, days: float, period_s: float | None) -> None:
        """Forget which threads reserved something so many days ago; what counts still counts."""
        seconds = days * 86_400
        with self._transaction() as db:
            if period_s is None:
                db.execute(f"UPDATE revox_budget SET scope = '' WHERE scope != '' AND {_OLD}", (seconds,))
            else:
                db.execute(f"DELETE FROM revox_budget WHERE {_OLD}", (max(seconds, period_s),))

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        import psycopg

        try:
            with self._pool.connection() as db, db.transaction():
                yield db
        except psycopg.Error as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise Unavailable(
                f"The dialing budget cannot be read: the database has gone ({why}).",
                code="database_unavailable",
                sent=False,
                retry_safe=True,
                next_step="Try again when PostgreSQL runs.",
            ) from error


def _sum(db: Any, scope: str | None, period: Period) -> Amounts:
    sql, values = (_SUM, ()) if scope is None else (f"{_SUM} AND scope = %s", (scope,))
    found = db.execute(sql, (*_seconds(period), *values)).fetchone()
    return Amounts(*(float(amount or 0) for amount in found))


def _seconds(period: Period) -> tuple[float | None, float | None]:
    # The database's clock counts, since those of the machines may disagree.
    return period.seconds, period.seconds


__all__ = ["SCHEMA", "PostgresReservations"]
