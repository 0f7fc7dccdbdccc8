"""At most one order per intent: every fault, times every way it can be looked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import DEFAULT_RETRIES, Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import MARK, Intent, Order, Placed, make_intent
from revox_langchain.dialing.placing import Earlier, place, recover
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
    outcome_of,
)
from revox_langchain.flow import Event, Flow, Pause, Tick, arun, run
from revox_langchain.operations.calls import CancelCall, GetCallHistory, GetPhoneHistory, MakeCall
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.sandbox import Fault, Sandbox

NUMBER = "+12025550100"
INTENT = Intent("5b0d3d7e-0000-5000-8000-000000000001", durable=True)
REQUEST = MakeCall(phone_number=NUMBER, prompt="Say hello.")
ORDER = Order(REQUEST, INTENT)
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture(autouse=True)
def _no_number_stays_taken() -> Iterator[None]:
    """A flow that a failed test leaves half-way would make every later one wait for its number."""
    yield
    for flow in ByHand.begun:
        flow.close()
    ByHand.begun.clear()


def drive(flow: Flow[Any], connection: Connection, mode: str = "sync") -> Any:
    return run(flow, connection) if mode == "sync" else asyncio.run(arun(flow, connection))


def placing(guard: Guard | None = None, order: Order = ORDER, **options: Any) -> Flow[Placed]:
    return place(order, guard or Guard(), **options)


def marked(call_id: str, created_at: str = "2026-01-06T09:00:00Z", **more: Any) -> dict[str, Any]:
    return {
        "id": call_id,
        "status": "calling",
        "created_at": created_at,
        "metadata": {MARK: INTENT.intent_id},
        "to_phone_number": NUMBER,
        **more,
    }


def found(*calls: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"calls": list(calls), "total_count": len(calls) if total is None else total}


class ByHand:
    """Plays the server for a flow: says what it asks for, skipping pauses and events."""

    begun: ClassVar[list[Flow[Any]]] = []

    def __init__(self, flow: Flow[Any]) -> None:
        self.begun.append(flow)
        self.flow = flow
        self.now_s = 1_767_700_000.0
        self.paused: list[float] = []
        self.asked: list[type[Any]] = []
        self.result: Any = None
        self.over = False
        self.step = self._to_operation(None)

    def answer(self, value: Any) -> None:
        self.step = self._to_operation(value)

    def fail(self, error: RevoxToolError) -> None:
        self.step = self._settled(lambda: self.flow.throw(error))

    def to_the_end(self, reply: Callable[[], None]) -> None:
        while not self.over:
            reply()

    def _to_operation(self, value: Any) -> Any:
        return self._settled(lambda: self.flow.send(value))

    def _settled(self, advance: Any) -> Any:
        try:
            step = advance()
            while isinstance(step, (Pause, Event)):
                if isinstance(step, Pause):
                    self.paused.append(step.seconds)
                    self.now_s += step.seconds
                    step = self.flow.send(Tick(self.now_s))
                else:
                    step = self.flow.send(None)
        except StopIteration as stopped:
            self.over, self.result = True, stopped.value
            return None
        wanted = getattr(step, "operation", step)
        self.asked.append(type(wanted))
        return wanted


def at_the_dial(guard: Guard | None = None) -> ByHand:
    """A placing flow just before its POST."""
    hand = ByHand(placing(guard))
    assert isinstance(hand.step, GetCallHistory)
    hand.answer(found())
    assert isinstance(hand.step, ListPhoneNumbers)
    hand.answer({"phone_numbers": []})
    assert isinstance(hand.step, GetPhoneHistory)
    hand.answer({"phone_history": {}})
    assert isinstance(hand.step, MakeCall)
    return hand


GOLDEN = [
    (
        {"phone_number": "+33142685300", "prompt": "Bonjour", "scope": "thread-1"},
        "56f971ac-e517-5df5-8ccf-0b9c006cba92",
    ),
    (
        {"phone_number": "+33142685300", "assistant_id": "a1", "scope": "thread-1"},
        "8c563249-7a50-5a66-8850-adb705f39c48",
    ),
    (
        {
            "phone_number": "+12025550100",
            "prompt": "Hi {{name}} 你好",
            "prompt_variables": {"name": "Zoë", "age": "4"},
            "scheduled_at": datetime(2027, 1, 12, 10, tzinfo=UTC),
            "intent": "reminder",
        },
        "7fea6f97-4d4b-58af-af20-f965b4c03a20",
    ),
]


@pytest.mark.parametrize(("wish", "intent_id"), GOLDEN)
def test_the_same_wish_has_the_same_id_in_every_process_and_version(wish: dict[str, Any], intent_id: str) -> None:
    assert make_intent(**wish) == Intent(intent_id, durable=True)


def test_without_a_thread_or_a_name_every_wish_is_new() -> None:
    first, second = (make_intent(phone_number=NUMBER, prompt="Hi") for _ in range(2))
    assert first != second
    assert not first.durable


@given(
    variables=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5),
    prompt=st.text(min_size=1, max_size=40),
    scope=st.text(min_size=1, max_size=10),
)
def test_the_order_of_variables_does_not_matter(variables: dict[str, str], prompt: str, scope: str) -> None:
    backwards = dict(reversed(list(variables.items())))
    one, other = (
        make_intent(phone_number=NUMBER, prompt=prompt, prompt_variables=v, scope=scope) for v in (variables, backwards)
    )
    assert one == other


@pytest.mark.parametrize(
    "change",
    [
        {"phone_number": "+12025550101"},
        {"prompt": "Hello"},
        {"prompt_variables": {"a": "b"}},
        {"scope": "t2"},
        {"intent": "again"},
        {"scheduled_at": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
)
def test_another_wish_has_another_id(change: dict[str, Any]) -> None:
    wish: dict[str, Any] = {"phone_number": NUMBER, "prompt": "Hi", "scope": "t1"}
    assert make_intent(**wish) != make_intent(**{**wish, **change})


def test_the_same_moment_in_another_zone_is_the_same_wish() -> None:
    utc = datetime(2027, 1, 12, 9, tzinfo=UTC)
    paris = utc.astimezone(timezone(timedelta(hours=1)))
    one, other = (make_intent(phone_number=NUMBER, prompt="Hi", scope="t", scheduled_at=at) for at in (utc, paris))
    assert one == other


def test_a_fresh_intent_looks_checks_dials_and_looks_again() -> None:
    hand = at_the_dial()
    assert hand.step.metadata == {MARK: INTENT.intent_id}
    hand.answer({"call": marked("c1")})
    assert isinstance(hand.step, GetCallHistory)
    hand.answer(found(marked("c1")))
    assert hand.over
    assert hand.result == Placed(marked("c1"), INTENT.intent_id, adopted=False)


def test_an_order_with_the_mark_is_adopted_instead_of_dialing() -> None:
    hand = ByHand(placing())
    hand.answer(found(marked("c1", "2026-01-05T09:00:00Z"), {"id": "other", "metadata": None}))
    assert hand.over
    assert hand.result.adopted
    assert hand.result.call_id == "c1"


def test_an_order_that_exists_is_adopted_whatever_the_rest_of_the_guard_would_say() -> None:
    guard = Guard(DialPolicy(max_orders=0))
    hand = ByHand(placing(guard))
    hand.answer(found(marked("c1")))
    assert hand.result.adopted


@pytest.mark.parametrize(
    "error", [TimedOut("t"), Unavailable("lost"), AnswerError("html"), Refused("409", details={"http_status": 409})]
)
def test_after_an_unknown_outcome_it_looks_and_never_dials_again(error: RevoxToolError) -> None:
    hand = at_the_dial()
    hand.fail(error)
    with pytest.raises(PlacementUnknown) as caught:
        hand.to_the_end(lambda: hand.answer(found()))
    assert hand.asked.count(MakeCall) == 1
    assert hand.asked[-3:] == [GetCallHistory] * 3
    assert (caught.value.intent_id, caught.value.phone_number) == (INTENT.intent_id, NUMBER)
    assert sum(hand.paused) == pytest.approx(DialPolicy().settle_s)
    assert "recover" in caught.value.next_step


def test_an_answer_without_a_call_is_an_unknown_outcome() -> None:
    hand = at_the_dial()
    hand.answer({"success": True})
    assert isinstance(hand.step, GetCallHistory)
    hand.answer(found(marked("c1")))
    assert hand.result.adopted


def test_looking_goes_on_while_the_search_itself_fails() -> None:
    hand = at_the_dial()
    hand.fail(TimedOut("t"))
    hand.fail(Unavailable("down"))
    hand.answer(found(marked("c1")))
    assert hand.result.call_id == "c1"


def test_a_search_that_never_works_again_leaves_the_outcome_unknown() -> None:
    hand = at_the_dial()
    hand.fail(TimedOut("t"))
    with pytest.raises(PlacementUnknown, match="could not be searched"):
        hand.to_the_end(lambda: hand.fail(Unavailable("down")))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 422, 451])
def test_a_refusal_is_not_placed_and_gives_the_budget_back(status: int) -> None:
    guard = Guard()
    hand = at_the_dial(guard)
    assert guard.budget.reserved()["orders"] == 1
    with pytest.raises(Refused):
        hand.fail(Refused("no", details={"http_status": status}))
    assert guard.budget.reserved()["orders"] == 0


def test_an_unknown_outcome_keeps_the_budget() -> None:
    guard = Guard(DialPolicy(settle_s=0))
    hand = at_the_dial(guard)
    hand.fail(TimedOut("t"))
    with pytest.raises(PlacementUnknown):
        hand.answer(found())
    assert guard.budget.reserved()["orders"] == 1


def test_429_waits_looks_and_sends_once_more() -> None:
    hand = at_the_dial()
    hand.fail(RateLimited("slow down", retry_after_s=7))
    assert 7 in hand.paused
    assert isinstance(hand.step, GetCallHistory)
    hand.answer(found())
    assert isinstance(hand.step, MakeCall)
    with pytest.raises(RateLimited):
        hand.fail(RateLimited("slow down", retry_after_s=7))


def test_429_beyond_the_patience_is_told_at_once() -> None:
    hand = at_the_dial()
    with pytest.raises(RateLimited) as caught:
        hand.fail(RateLimited("slow down", retry_after_s=3600))
    assert caught.value.retry_after_s == 3600


def test_a_connection_that_never_opened_is_tried_a_bounded_number_of_times() -> None:
    guard = Guard()
    hand = at_the_dial(guard)
    error = Unavailable("no route", sent=False, retry_safe=True)
    hand.fail(error)
    assert isinstance(hand.step, MakeCall)
    hand.fail(error)
    assert isinstance(hand.step, MakeCall)
    with pytest.raises(Unavailable):
        hand.fail(error)
    assert guard.budget.reserved()["orders"] == 0


def test_of_two_orders_of_one_intent_the_earliest_stays_and_the_result_says_so() -> None:
    hand = at_the_dial()
    hand.answer({"call": marked("mine", "2026-01-06T09:00:02Z")})
    hand.answer(found(marked("mine", "2026-01-06T09:00:02Z"), marked("theirs", "2026-01-06T09:00:01Z")))
    assert hand.step == CancelCall(call_id="mine")
    hand.answer({"success": True})
    assert hand.result.call_id == "theirs"
    assert hand.result.adopted
    assert hand.result.cancelled == ("mine",)
    assert "cancelled" in hand.result.notes[0]


def test_both_processes_pick_the_same_order_even_if_both_were_created_in_one_instant() -> None:
    kept = []
    for calls in ([marked("a"), marked("b")], [marked("b"), marked("a")]):
        hand = ByHand(placing())
        hand.answer(found(*calls))
        assert hand.step == CancelCall(call_id="b")
        hand.answer({"success": True})
        kept.append(hand.result.call_id)
    assert kept == ["a", "a"]


def test_a_second_order_that_cannot_be_cancelled_is_told() -> None:
    hand = ByHand(placing())
    hand.answer(found(marked("a"), marked("b"), marked("c"), marked("d", status="completed")))
    hand.fail(Unavailable("down"))
    hand.answer({"call": marked("b")})
    hand.answer({"success": False})
    hand.answer({"call": marked("c")})
    assert hand.result.cancelled == ()
    assert len(hand.result.notes) == 2


def test_a_second_order_that_the_other_process_cancelled_is_cancelled() -> None:
    hand = ByHand(placing())
    hand.answer(found(marked("a"), marked("b")))
    hand.fail(InvalidInput("it is cancelled already", details={"http_status": 400}))
    hand.answer({"call": marked("b", status="cancelled")})
    assert hand.result.cancelled == ("b",)


def test_the_look_after_is_believed_only_once_it_shows_our_own_order() -> None:
    hand = at_the_dial()
    hand.answer({"call": marked("mine", "2026-01-06T09:00:02Z")})
    hand.answer(found())
    assert isinstance(hand.step, GetCallHistory)
    hand.answer(found(marked("theirs", "2026-01-06T09:00:01Z")))
    assert hand.step == CancelCall(call_id="mine")


def test_a_search_that_never_shows_our_order_ends_with_a_note() -> None:
    hand = at_the_dial()
    hand.answer({"call": marked("mine")})
    hand.to_the_end(lambda: hand.answer(found()))
    assert hand.result.call_id == "mine"
    assert "did not show up" in hand.result.notes[0]


def others(count: int, created_at: str = "2026-01-05T00:00:00Z", first: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"o{first + i}", "status": "completed", "created_at": created_at, "metadata": {}} for i in range(count)
    ]


def test_a_mark_on_a_later_page_is_found() -> None:
    hand = ByHand(placing())
    hand.answer(found(*others(100), total=150))
    assert hand.step.page == 2
    hand.answer(found(*others(49, first=100), marked("c1"), total=150))
    assert hand.result.call_id == "c1"


def test_an_empty_first_page_of_something_leads_to_page_zero() -> None:
    hand = ByHand(placing())
    hand.answer(found(total=1))
    assert hand.step.page == 0
    hand.answer(found(marked("c1")))
    assert hand.result.call_id == "c1"


def test_a_first_page_that_was_the_second_leads_to_page_zero() -> None:
    hand = ByHand(placing())
    hand.answer(found(*others(50, first=100), total=150))
    assert hand.step.page == 2
    hand.answer(found(total=150))
    assert hand.step.page == 0
    hand.answer(found(*others(99), marked("c1"), total=150))
    assert hand.result.call_id == "c1"


@pytest.mark.parametrize("error", [InvalidInput("out of range"), NotFound("no such page")])
def test_an_api_that_refuses_page_one_is_asked_for_page_zero(error: RevoxToolError) -> None:
    hand = ByHand(placing())
    hand.fail(error)
    assert hand.step.page == 0
    hand.answer(found(marked("c1")))
    assert hand.result.call_id == "c1"


def test_a_search_that_is_refused_on_every_page_dials_nothing() -> None:
    hand = ByHand(placing())
    hand.fail(InvalidInput("bad filter"))
    with pytest.raises(InvalidInput, match="bad filter"):
        hand.fail(InvalidInput("bad filter"))


def test_looking_stops_at_orders_older_than_the_policy_looks_back() -> None:
    hand = ByHand(placing())
    hand.answer(found(*others(100, "2025-06-01T00:00:00Z"), total=5000))
    assert hand.step.page == 0
    hand.fail(InvalidInput("pages start at 1"))
    assert isinstance(hand.step, ListPhoneNumbers)


@pytest.mark.parametrize(
    "switches",
    [{"page_base": 0}, {"page_base": 1}, {"page_base": 1, "refuse_page_zero": False}, {"refuse_page_past_end": True}],
)
@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("before", [0, 1, 101, 99, 100, 230])
def test_the_mark_is_found_however_pages_are_numbered(switches: dict[str, Any], before: int) -> None:
    sandbox = Sandbox()
    sandbox.switches = sandbox.switches.changed(switches)
    connection = sandbox.connect()
    guard = Guard(DialPolicy(min_gap_s=0, max_orders=None))
    first = run(placing(guard), connection)
    for _ in range(before):
        connection.send(REQUEST)
    again = run(placing(guard), connection)
    assert again.adopted
    assert again.call_id == first.call_id
    assert len(sandbox.dials) == before + 1


LANDED = ["lose_after", "server_error_after", "html", "truncated", "empty", "redirect"]
NOT_LANDED = ["lose_before", "server_error", "html_before"]


@both_modes
@pytest.mark.parametrize("kind", LANDED)
def test_a_lost_answer_does_not_ring_twice(sandbox: Sandbox, kind: Any, mode: str) -> None:
    sandbox.faults.add(Fault(kind, on=MakeCall, times=None))
    placed = drive(placing(), sandbox.connect(), mode)
    assert placed.adopted
    assert placed.call_id == sandbox.dials[0]["id"]
    assert len(sandbox.dials) == 1
    assert sandbox.counts["revox_make_call"] == 1


@both_modes
@pytest.mark.parametrize("kind", NOT_LANDED)
def test_an_order_that_never_arrived_is_unknown_and_rings_nobody(sandbox: Sandbox, kind: Any, mode: str) -> None:
    sandbox.faults.add(Fault(kind, on=MakeCall, times=None))
    with pytest.raises(PlacementUnknown):
        drive(placing(), sandbox.connect(), mode)
    assert sandbox.counts["revox_make_call"] == 1
    assert not sandbox.dials


@both_modes
@pytest.mark.parametrize("status", [408, 409, 425, 500, 503])
@pytest.mark.parametrize("acts", [True, False])
def test_a_doubtful_status_is_looked_for(sandbox: Sandbox, status: int, acts: bool, mode: str) -> None:
    sandbox.faults.add(Fault("status", on=MakeCall, status=status, acts=acts, times=None))
    if acts:
        assert drive(placing(), sandbox.connect(), mode).adopted
    else:
        with pytest.raises(PlacementUnknown):
            drive(placing(), sandbox.connect(), mode)
    assert len(sandbox.dials) == acts


@both_modes
@pytest.mark.parametrize("kind", ["connect_error", "rate_limited", "concurrency_limited"])
def test_what_was_certainly_not_accepted_is_sent_again(sandbox: Sandbox, kind: Any, mode: str) -> None:
    sandbox.faults.add(Fault(kind, on=MakeCall, times=1, retry_after_s=2))
    placed = drive(placing(), sandbox.connect(), mode)
    assert not placed.adopted
    assert len(sandbox.dials) == 1


@both_modes
def test_a_search_that_lags_less_than_the_settling_time_hides_nothing(sandbox: Sandbox, mode: str) -> None:
    sandbox.switches = replace(sandbox.switches, search_lag_s=10.0)
    sandbox.faults.add(Fault("lose_after", on=MakeCall))
    assert drive(placing(), sandbox.connect(), mode).adopted
    assert len(sandbox.dials) == 1


def test_a_repeat_in_the_same_instant_is_found_although_search_lags(sandbox: Sandbox) -> None:
    sandbox.switches = replace(sandbox.switches, search_lag_s=10.0)
    first = run(placing(), sandbox.connect())
    second = run(placing(earlier=Earlier.DECIDED), sandbox.connect())
    assert second.call_id == first.call_id
    assert len(sandbox.dials) == 1


def test_a_re_execution_that_finds_nothing_dials_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(PlacementUnknown):
        run(placing(earlier=Earlier.POSSIBLE), sandbox.connect())
    assert not sandbox.dials


def test_coroutines_of_one_loop_with_one_intent_place_one_order(sandbox: Sandbox) -> None:
    async def race() -> list[Placed]:
        connection = sandbox.connect()
        return await asyncio.gather(*(arun(placing(), connection) for _ in range(5)))

    placed = asyncio.run(race())
    assert len(sandbox.dials) == 1
    assert sorted(p.adopted for p in placed) == [False, True, True, True, True]


def test_threads_with_their_own_event_loops_and_one_intent_place_one_order(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    placed: list[Placed] = []

    def work(mode: str) -> None:
        placed.append(drive(placing(), connection, mode))

    threads = [threading.Thread(target=work, args=(mode,)) for mode in ["sync", "async"] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(placed) == 6
    assert len(sandbox.dials) == 1


def test_a_cancelled_placing_lets_the_intent_go(sandbox: Sandbox) -> None:
    hand = at_the_dial()
    hand.flow.close()
    assert run(placing(), sandbox.connect()).call_id


def test_users_metadata_goes_through_untouched(sandbox: Sandbox) -> None:
    order = replace(ORDER, request=REQUEST.model_copy(update={"metadata": {"crm": "42"}}))
    run(placing(order=order), sandbox.connect())
    assert sandbox.dials[0]["metadata"] == {"crm": "42", MARK: INTENT.intent_id}


def test_metadata_that_collides_with_the_mark_is_refused(sandbox: Sandbox) -> None:
    order = replace(ORDER, request=REQUEST.model_copy(update={"metadata": {MARK: "mine"}}))
    with pytest.raises(InvalidInput, match="reserved"):
        run(placing(order=order), sandbox.connect())
    assert not sandbox.dials


def test_another_intent_to_the_same_number_has_to_wait(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    first = run(placing(), connection)
    other = replace(ORDER, intent=make_intent(phone_number=NUMBER, prompt="Other words", scope="t"))
    with pytest.raises(Refused) as caught:
        run(placing(order=other), connection)
    assert caught.value.code == "recently_placed"
    assert caught.value.details["call_id"] == first.call_id
    assert caught.value.retry_after_s
    assert len(sandbox.dials) == 1
    sandbox.world.advance(120)
    assert not run(placing(order=other), connection).adopted


def test_a_fresh_intent_costs_one_search_before_and_one_after(sandbox: Sandbox) -> None:
    run(placing(), sandbox.connect())
    assert dict(sandbox.counts) == {
        "revox_get_call_history": 2,
        "revox_make_call": 1,
        "revox_list_phone_numbers": 1,
        "revox_get_phone_history": 1,
    }


@both_modes
def test_recover_finds_an_order_whose_answer_was_lost(sandbox: Sandbox, mode: str) -> None:
    connection = sandbox.connect()
    sandbox.switches = replace(sandbox.switches, search_lag_s=120.0)
    sandbox.faults.add(Fault("lose_after", on=MakeCall))
    with pytest.raises(PlacementUnknown) as caught:
        drive(placing(), connection, mode)
    sandbox.world.advance(120)
    placed = drive(recover(caught.value.intent_id, caught.value.phone_number), connection, mode)
    assert placed.call_id == sandbox.dials[0]["id"]
    assert len(sandbox.dials) == 1


def test_recover_says_plainly_that_there_is_none(sandbox: Sandbox) -> None:
    assert run(recover(INTENT.intent_id, NUMBER), sandbox.connect()) is None
    assert not sandbox.dials


def test_recover_also_looks_for_numbers_that_may_no_longer_be_dialed(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    run(placing(), connection)
    guard = Guard(DialPolicy(denied_numbers=(NUMBER,)))
    placed = run(recover(INTENT.intent_id, NUMBER, guard), connection)
    assert placed is not None


OUTCOMES: list[tuple[RevoxToolError, str]] = [
    (Unavailable("x", sent=False), "not_sent"),
    (Unavailable("x"), "unknown"),
    (TimedOut("x"), "unknown"),
    (AnswerError("x"), "unknown"),
    (RateLimited("x", details={"http_status": 429}), "rate_limited"),
    (ConcurrencyLimited("x", details={"http_status": 429}), "rate_limited"),
    (InvalidInput("x", details={"http_status": 422}), "refused"),
    (InvalidInput("x"), "refused"),
    (AuthError("x", details={"http_status": 401}), "refused"),
    (NotFound("x", details={"http_status": 404}), "refused"),
    (Refused("x", details={"http_status": 402}), "refused"),
    (Refused("x", details={"http_status": 409}), "unknown"),
    (AnswerError("x", details={"http_status": 307}), "unknown"),
    (RevoxToolError("x"), "unknown"),
]


@pytest.mark.parametrize(("error", "outcome"), OUTCOMES)
def test_every_failure_has_one_meaning_for_the_phone(error: RevoxToolError, outcome: str) -> None:
    assert outcome_of(error) == outcome


@given(st.integers(100, 999))
def test_only_a_clear_4xx_counts_as_not_placed(status: int) -> None:
    outcome = outcome_of(Refused("x", details={"http_status": status}))
    assert (outcome == "refused") == (400 <= status <= 499 and status not in (408, 409, 425, 429))


def test_the_budget_counts_the_worst_case(sandbox: Sandbox) -> None:
    guard = Guard(DialPolicy(min_gap_s=0), Budget(minutes=100))
    connection = sandbox.connect()
    settings = {
        "max_call_duration_secs": 1500,
        "call_retry_config": {**DEFAULT_RETRIES, "max_retry_attempts": 2},
    }
    first = replace(ORDER, request=ORDER.request.model_copy(update={"settings": settings}))
    run(placing(guard, first), connection)
    other = replace(first, intent=Intent("other", durable=True))
    run(placing(guard, other), connection)
    with pytest.raises(Refused) as caught:
        run(placing(guard, replace(other, intent=Intent("third", durable=True))), connection)
    assert caught.value.code == "budget_exceeded"
    assert len(sandbox.dials) == 2


def test_recovering_reads_only_even_where_it_finds_two_orders() -> None:
    hand = ByHand(recover(INTENT.intent_id, NUMBER))
    hand.answer(found(marked("a"), marked("b")))
    assert hand.over
    assert hand.result.call_id == "a"
    assert "revox_cancel_call" in hand.result.notes[0]


@pytest.mark.slow
def test_recovering_reads_a_number_as_a_person_writes_it() -> None:
    hand = ByHand(recover(INTENT.intent_id, "+1 (202) 555-0100"))
    assert hand.step.to_phone_number == NUMBER
    with pytest.raises(InvalidInput, match="not a phone number"):
        next(recover(INTENT.intent_id, "no number"))
