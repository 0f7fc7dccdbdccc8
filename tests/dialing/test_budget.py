"""A budget counts where it is kept: what was placed or may have been stays, what was refused is given back."""

from __future__ import annotations

from typing import Any

import pytest

from revox_langchain.dialing.budget import Budget, Cost
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Intent, Order
from revox_langchain.dialing.placing import Earlier, place
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.reservations import ProcessReservations
from revox_langchain.errors import AuthError, PlacementUnknown, Refused, Unavailable
from revox_langchain.flow import Work, arun, run
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Fault, Sandbox

DAY_S = 86_400.0
NUMBER = "+12025550111"


class Elsewhere(ProcessReservations):
    """Reservations that take time to reach, keep apart what is certain, and may be away."""

    waits = True

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []
        self.away: set[str] = set()

    def keep(self, intent_id: str) -> None:
        self._reach("keep")
        self.kept.append(intent_id)

    def release(self, intent_id: str) -> None:
        self._reach("release")
        super().release(intent_id)

    def holds(self, intent_id: str) -> bool:
        self._reach("holds")
        return super().holds(intent_id)

    def add(self, *args: Any) -> bool:
        self._reach("add")
        return super().add(*args)

    def _reach(self, what: str) -> None:
        if what in self.away:
            raise Unavailable("The budget is away.", sent=False)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def order(intent_id: str = "visit") -> Order:
    request = MakeCall(phone_number=NUMBER, prompt="You are an AI. Say hello.")
    return Order(request, Intent(intent_id, durable=True), "thread", "thread")


def guard_of(kept: Elsewhere) -> Guard:
    return Guard(DialPolicy(min_gap_s=0, settle_s=0), Budget(orders=5).kept_in(kept))


def test_what_was_reserved_a_period_ago_counts_no_longer() -> None:
    budget = Budget(orders=2, period_s=DAY_S)
    budget.reserve("a", "t", Cost(), now_s=0)
    budget.reserve("b", "t", Cost(), now_s=DAY_S / 2)
    with pytest.raises(Refused, match="2 of 2 orders reserved"):
        budget.reserve("c", "t", Cost(), now_s=DAY_S - 1)
    assert budget.reserve("c", "t", Cost(), now_s=DAY_S)
    assert budget.reserved(DAY_S)["orders"] == 2
    assert budget.reserved(3 * DAY_S)["orders"] == 0


@pytest.mark.parametrize("period_s", [0, -1.0, float("nan")])
def test_a_period_in_which_nothing_would_count_is_refused(period_s: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Budget(orders=1, period_s=period_s)


def test_an_intent_that_is_dialed_anew_in_another_period_counts_anew() -> None:
    budget = Budget(orders=1, period_s=DAY_S)
    assert budget.reserve("a", "t", Cost(), now_s=0)
    assert not budget.reserve("a", "t", Cost(), now_s=1)
    assert budget.reserve("a", "t", Cost(), now_s=DAY_S)
    with pytest.raises(Refused):
        budget.reserve("b", "t", Cost(), now_s=DAY_S + 1)


def test_the_period_goes_by_the_clock_of_the_connection(sandbox: Sandbox) -> None:
    guard = Guard(DialPolicy(min_gap_s=0), Budget(orders=1, period_s=DAY_S))
    run(place(order("one"), guard), sandbox.connect())
    sandbox.world.advance(DAY_S - 60)
    with pytest.raises(Refused, match="budget is used up"):
        run(place(order("two"), guard), sandbox.connect())
    sandbox.world.advance(120)
    run(place(order("two"), guard), sandbox.connect())
    assert len(sandbox.dials) == 2


def test_budgets_that_are_kept_in_one_place_count_together() -> None:
    shared = Elsewhere()
    one, other = (Budget(orders=1).kept_in(shared) for _ in range(2))
    one.reserve("a", "t", Cost())
    with pytest.raises(Refused):
        other.reserve("b", "u", Cost())
    assert other.reserved()["orders"] == 1


def test_a_placed_order_is_kept_and_a_refused_one_given_back(sandbox: Sandbox) -> None:
    kept = Elsewhere()
    run(place(order("placed"), guard_of(kept)), sandbox.connect())
    assert kept.kept == ["placed"]
    sandbox.faults.add(Fault("status", status=403, on="revox_make_call"))
    with pytest.raises(AuthError):
        run(place(order("refused"), guard_of(kept)), sandbox.connect())
    assert kept.kept == ["placed"]
    assert not kept.holds("refused")


def test_an_unknown_outcome_is_kept(sandbox: Sandbox) -> None:
    kept = Elsewhere()
    sandbox.faults.add(Fault("lose_before", on="revox_make_call"))
    with pytest.raises(PlacementUnknown):
        run(place(order(), guard_of(kept)), sandbox.connect())
    assert kept.kept == ["visit"]


@pytest.mark.parametrize("placed", [True, False])
def test_what_a_dead_process_reserved_is_kept_by_whoever_brings_the_request_on(sandbox: Sandbox, placed: bool) -> None:
    kept = Elsewhere()
    connection = sandbox.connect()
    guard_of(kept).budget.reserve("visit", "thread", Cost())
    if placed:
        run(place(order(), Guard(DialPolicy(settle_s=0))), connection)
        assert run(place(order(), guard_of(kept), earlier=Earlier.POSSIBLE), connection).adopted
    else:
        with pytest.raises(PlacementUnknown):
            run(place(order(), guard_of(kept), earlier=Earlier.POSSIBLE), connection)
    assert kept.kept == ["visit"]
    assert guard_of(kept).budget.reserved()["orders"] == 1


@pytest.mark.parametrize("what", ["holds", "add"])
def test_a_budget_that_is_away_dials_nothing_and_says_so(sandbox: Sandbox, what: str) -> None:
    kept = Elsewhere()
    kept.away = {what}
    with pytest.raises(Unavailable, match=r"The budget is away\. No call was placed\."):
        run(place(order(), guard_of(kept)), sandbox.connect())
    assert not sandbox.dials


def test_what_happened_is_said_also_if_the_budget_has_gone_meanwhile(sandbox: Sandbox) -> None:
    kept = Elsewhere()
    kept.away = {"keep", "release"}
    assert run(place(order("placed"), guard_of(kept)), sandbox.connect()).call_id
    sandbox.faults.add(Fault("status", status=403, on="revox_make_call"))
    with pytest.raises(AuthError):
        run(place(order("refused"), guard_of(kept)), sandbox.connect())


@pytest.mark.slow
async def test_a_budget_that_takes_time_holds_up_no_event_loop(sandbox: Sandbox) -> None:
    steps = []
    flow = guard_of(Elsewhere()).budget.asked(lambda: "answer")
    steps.append(next(flow))
    assert isinstance(steps[0], Work)
    assert list(Budget().asked(lambda: "answer")) == []
    assert (await arun(place(order(), guard_of(Elsewhere())), sandbox.connect())).call_id
