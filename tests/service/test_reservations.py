"""Workers on one database dial within one budget, whoever of them dies and whatever becomes of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from revox_langchain.dialing.budget import Budget, Cost
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Intent, Order
from revox_langchain.dialing.placing import Earlier, place
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused, Unavailable
from revox_langchain.flow import run
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.service.reservations import SCHEMA, PostgresReservations
from revox_langchain.service.worker import Worker

REQUEST = {"prompt": "Say hello, you are an AI.", "language": "en"}
DAY_S = 86_400.0


class Shared:
    """The budget's table, and two machines that use it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        options = {"autocommit": True, "prepare_threshold": None}
        self.pools = [ConnectionPool(dsn, min_size=1, max_size=2, kwargs=options, open=True) for _ in range(2)]
        self.execute(SCHEMA)

    def execute(self, sql: str) -> list[Any]:
        with psycopg.connect(self.dsn, autocommit=True) as db:
            found = db.execute(sql.encode())
            return found.fetchall() if found.description else []

    def budgets(self, **limits: Any) -> list[Budget]:
        return [Budget(**limits).kept_in(PostgresReservations(pool)) for pool in self.pools]


@pytest.fixture
def shared(dsn: str) -> Iterator[Shared]:
    still = Shared(dsn)
    yield still
    for pool in still.pools:
        pool.close()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(organization_limit=1000))


def order(intent_id: str) -> Order:
    request = MakeCall(phone_number="+12025550111", prompt="You are an AI. Say hello.")
    return Order(request, Intent(intent_id, durable=True), "thread", "thread")


def guard_with(budget: Budget) -> Guard:
    return Guard(DialPolicy(min_gap_s=0, settle_s=0), budget)


@pytest.mark.a_few(every=5)
@pytest.mark.parametrize(
    ("limits", "fits"),
    [({"orders": 5}, 5), ({"attempts": 7}, 2), ({"minutes": 100}, 1), ({"orders_per_thread": 4}, 4), ({}, 16)],
)
def test_machines_that_reserve_at_once_stay_within_each_limit(shared: Shared, limits: Any, fits: int) -> None:
    budgets = shared.budgets(**limits)

    def reserves(at: int) -> bool:
        try:
            return budgets[at % 2].reserve(f"n{at}", "t", Cost())
        except Refused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reserves, range(16))) == fits
    assert [budget.reserved()["orders"] for budget in budgets] == [fits] * 2


def test_an_intent_counts_once_and_a_thread_has_its_own_share(shared: Shared) -> None:
    one, other = shared.budgets(orders_per_thread=1)
    assert one.reserve("a", "t", Cost())
    assert not other.reserve("a", "t", Cost())
    assert other.reserve("b", "u", Cost())
    with pytest.raises(Refused, match="in this thread"):
        one.reserve("c", "u", Cost())
    other.release("b")
    assert one.reserve("c", "u", Cost())
    assert (one.holds("b"), other.holds("c")) == (False, True)


def test_a_day_later_there_is_room_again(shared: Shared) -> None:
    one, other = shared.budgets(orders=1, period_s=DAY_S)
    one.reserve("a", "t", Cost())
    one.keep("a")
    with pytest.raises(Refused):
        other.reserve("b", "t", Cost())
    shared.execute("UPDATE revox_budget SET reserved_at = reserved_at - interval '1 day'")
    assert other.reserve("b", "t", Cost())
    assert other.reserved()["orders"] == 1


def test_what_a_dead_worker_reserved_lapses_and_what_it_may_have_placed_does_not(shared: Shared) -> None:
    one, other = shared.budgets(orders=2)
    for name in ("died before it knew", "placed"):
        one.reserve(name, "t", Cost())
    one.keep("placed")
    with pytest.raises(Refused):
        other.reserve("more", "u", Cost())
    shared.execute("UPDATE revox_budget SET lapses_at = lapses_at - interval '1 hour'")
    assert other.reserve("more", "u", Cost())
    with pytest.raises(Refused):
        # Its turn came back too late: it must fit like any other.
        other.reserve("died before it knew", "t", Cost())
    assert other.holds("died before it knew"), "whoever brings it on must look first"


@pytest.mark.parametrize("period_s", [None, DAY_S, 3 * DAY_S])
def test_erasing_forgets_the_threads_and_not_what_counts(shared: Shared, period_s: float | None) -> None:
    one, other = shared.budgets(orders=3, orders_per_thread=1, period_s=period_s)
    for name in ("old", "new"):
        one.reserve(name, f"thread of {name}", Cost())
        one.keep(name)
    shared.execute("UPDATE revox_budget SET reserved_at = now() - interval '2 days' WHERE intent_id = 'old'")
    PostgresReservations(shared.pools[0]).erase(days=1, period_s=period_s)
    scopes = shared.execute("SELECT scope FROM revox_budget ORDER BY intent_id")
    assert (
        scopes
        == {
            None: [("thread of new",), ("",)],
            DAY_S: [("thread of new",)],
            3 * DAY_S: [("thread of new",), ("thread of old",)],
        }[period_s]
    )
    assert other.reserved()["orders"] == (1 if period_s == DAY_S else 2)


@pytest.mark.parametrize("dies", ["before Revox acted", "after Revox acted"])
def test_a_worker_that_dies_while_it_dials_leaves_one_order_in_the_count(
    shared: Shared, sandbox: Sandbox, dies: str
) -> None:
    one, other = shared.budgets(orders=1)
    connection = sandbox.connect()
    with pytest.raises(KeyboardInterrupt):
        run(place(order("visit"), guard_with(one)), Dying(sandbox, acts=dies == "after Revox acted"))
    placed = run(place(order("visit"), guard_with(other), earlier=Earlier.DECIDED), connection)
    assert placed.adopted == (dies == "after Revox acted")
    assert len(sandbox.dials) == 1
    # It counts for good.
    shared.execute("UPDATE revox_budget SET lapses_at = lapses_at - interval '1 day'")
    assert other.reserved()["orders"] == 1
    with pytest.raises(Refused, match="1 of 1 orders reserved"):
        run(place(order("next"), guard_with(one)), connection)


class Dying:
    """A connection whose process dies as it dials."""

    def __init__(self, sandbox: Sandbox, *, acts: bool) -> None:
        self._connection = sandbox.connect()
        self._acts = acts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, operation: Any) -> Any:
        if not isinstance(operation, MakeCall):
            return self._connection.send(operation)
        if self._acts:
            self._connection.send(operation)
        raise KeyboardInterrupt


@pytest.mark.slow
def test_a_database_that_goes_away_means_that_nothing_is_dialed(shared: Shared, sandbox: Sandbox) -> None:
    (budget, _), ((name,),) = shared.budgets(), shared.execute("SELECT current_database()")
    others = psycopg.connect(shared.dsn.replace(f"/{name}?", "/postgres?"), autocommit=True)
    with others:
        others.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        others.execute(b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        with pytest.raises(Unavailable) as caught:
            run(place(order("visit"), guard_with(budget)), sandbox.connect())
        others.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    assert caught.value.message.startswith("The dialing budget cannot be read: the database has gone (")
    assert caught.value.message.endswith("). No call was placed.")
    assert "\n" not in caught.value.message
    assert caught.value.code == "database_unavailable"
    assert not sandbox.dials
    run(place(order("visit"), guard_with(budget)), sandbox.connect())
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_workers_share_the_budget_they_are_given(sandbox: Sandbox, dsn: str) -> None:
    def worker() -> Worker:
        return Worker(sandbox.connect(), dsn, runs=3, budget=Budget(orders=2))

    async with worker() as one, worker() as other:
        for at in range(6):
            await one.threads.start({**REQUEST, "phone_number": f"+120255501{at:02}"}, f"t{at}")
        await asyncio.gather(one.run(until_idle=True), other.run(until_idle=True))
        ended = await one.threads.rows("ended")
    async with worker() as later:
        await later.threads.start({**REQUEST, "phone_number": "+12025550120"}, "late")
        await later.run(until_idle=True)
        ended.append(await later.threads.row("late"))
    assert len(sandbox.dials) == 2
    assert [(row.result or {})["error"]["code"] for row in ended] == ["budget_exceeded"] * 5
