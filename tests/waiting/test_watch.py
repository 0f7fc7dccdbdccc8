"""A call is watched to its end: patiently, without going backwards, and in slices that can be put down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
)
from revox_langchain.flow import Event, Flow, Pause, Tick, arun, run
from revox_langchain.operations.calls import CancelCall, GetCall, MakeCall, PauseCall
from revox_langchain.results.call import ENDED
from revox_langchain.sandbox import STORIES, Fault, Sandbox
from revox_langchain.waiting.policy import LIVE, WaitPolicy
from revox_langchain.waiting.watch import Seen, settled_result, watch
from revox_langchain.waiting.watcher import Company, Hub

NUMBER = "+12025550100"
EVEN = WaitPolicy(jitter=0)
OUTPUT = [{"name": "confirmed", "type": "boolean", "required": True}]
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def drive(flow: Flow[Any], connection: Connection, mode: str = "sync", **options: Any) -> Any:
    return run(flow, connection, **options) if mode == "sync" else asyncio.run(arun(flow, connection, **options))


def placed(sandbox: Sandbox, number: str = NUMBER, **more: Any) -> str:
    answer = sandbox.connect().send(MakeCall(phone_number=number, prompt="Say hello.", **more))
    return str(answer["call"]["id"])


def order(status: str, *, at: int = 0, attempts: int = 0, said: int = 0, **more: Any) -> dict[str, Any]:
    transcript = [{"role": "user", "content": f"turn {i}"} for i in range(said)]
    tries = [{"id": f"t{i}", "status": "ongoing", "transcript": transcript} for i in range(attempts)]
    return {
        "id": "c1",
        "status": status,
        "updated_at": f"2026-01-06T10:00:{at:02d}.000Z",
        "call_attempts": tries,
        **more,
    }


class ByHand:
    """Plays the server and the clock for a watch: each look is answered, pauses and events are kept."""

    def __init__(self, flow: Flow[Any], *, look_s: float = 0.0, stop: Callable[[], bool] = lambda: False) -> None:
        self.flow = flow
        self.look_s = look_s
        self.stop = stop
        self.now_s = 1_767_700_000.0
        self.looks = 0
        self.pauses: list[float] = []
        self.events: list[dict[str, Any]] = []
        self.result: Any = None
        self.over = False
        self._take(lambda: next(self.flow))

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("revox.") for event in self.events]

    def answer(self, call: Any) -> ByHand:
        self.now_s += self.look_s
        self._take(lambda: self.flow.send({"call": call}))
        return self

    def fail(self, error: RevoxToolError) -> ByHand:
        self.now_s += self.look_s
        self._take(lambda: self.flow.throw(error))
        return self

    def _take(self, advance: Any) -> None:
        try:
            step = advance()
            while not isinstance(step, GetCall):
                if isinstance(step, Pause):
                    if step.seconds:
                        self.pauses.append(step.seconds)
                    self.now_s += step.seconds
                    step = self.flow.send(Tick(self.now_s, self.stop()))
                elif isinstance(step, Company):
                    step = self.flow.send(Hub())
                else:
                    assert isinstance(step, Event)
                    self.events.append(step.payload)
                    step = self.flow.send(None)
            self.looks += 1
        except StopIteration as stopped:
            self.over, self.result = True, stopped.value


def watching(policy: WaitPolicy = EVEN, seen: Seen | None = None, **options: Any) -> ByHand:
    slice_s = options.pop("slice_s", None)
    return ByHand(watch(seen or Seen(call_id="c1"), policy, slice_s=slice_s), **options)


@pytest.mark.parametrize("status", [*sorted(LIVE), None])
def test_it_looks_often_while_something_happens(status: str | None) -> None:
    assert [EVEN.pause_s(status, looks) for looks in (0, 5, 500)] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("status", ["queued_for_calling", "scheduled", "paused", "not_launched", "a_status_of_2027"])
def test_it_looks_ever_less_often_while_the_order_only_waits(status: str) -> None:
    pauses = [EVEN.pause_s(status, looks) for looks in range(10)]
    assert pauses[:3] == [5.0, 7.5, 11.25]
    assert pauses == sorted(pauses)
    assert pauses[-1] == EVEN.longest_s
    assert EVEN.pause_s(status, 10**9) == EVEN.longest_s


@given(
    status=st.sampled_from([None, "calling", "scheduled", "new"]),
    looks=st.integers(0, 10**6),
    salt=st.text(max_size=20),
    jitter=st.floats(0, 1),
)
def test_jitter_stays_within_its_share_and_is_the_same_every_time(
    status: str | None, looks: int, salt: str, jitter: float
) -> None:
    policy = WaitPolicy(jitter=jitter)
    pause_s, even_s = policy.pause_s(status, looks, salt), EVEN.pause_s(status, looks)
    assert even_s * (1 - jitter / 2) <= pause_s <= even_s * (1 + jitter / 2)
    assert pause_s == WaitPolicy(jitter=jitter).pause_s(status, looks, salt)


def test_many_waiters_do_not_ask_at_once() -> None:
    pauses = {WaitPolicy().pause_s("calling", 0, f"call {i}") for i in range(100)}
    assert len(pauses) > 80


def test_slices_grow_with_the_wait_up_to_a_day() -> None:
    policy, waited_s, slices = WaitPolicy(), 0.0, []
    while waited_s < policy.max_wait_s:
        slices.append(policy.next_slice_s(waited_s))
        waited_s += slices[-1]
    assert slices[:5] == [3600, 3600, 7200, 14_400, 28_800]
    assert max(slices) == 86_400
    assert len(slices) <= 17


def test_a_fixed_interval_is_kept_whatever_the_status() -> None:
    policy = WaitPolicy.every(7, max_wait_s=100)
    assert {policy.pause_s(status, looks, "x") for status in ("calling", "paused") for looks in range(50)} == {7.0}
    assert policy.max_wait_s == 100


@pytest.mark.parametrize(
    "wrong", [{"live_s": 0}, {"growth": 0.5}, {"jitter": 2}, {"max_wait_s": -1}, {"interval_s": 5}, {"slice_s": 0}]
)
def test_a_policy_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WaitPolicy(**wrong)


@pytest.mark.slow
def test_a_wait_of_two_days_costs_a_bounded_number_of_looks(sandbox: Sandbox) -> None:
    call_id = placed(sandbox, scheduled_at="2026-01-08T10:00:00Z")
    seen = run(watch(Seen(call_id=call_id), WaitPolicy()), sandbox.connect())
    assert seen.ended
    assert seen.waited_s > 2 * 86_400
    assert 2 * 86_400 / 66 < seen.polls < 2 * 86_400 / 54 + 60
    assert seen.polls == sandbox.counts["revox_get_call"]


def test_each_change_is_told_once_and_in_order() -> None:
    hand = watching()
    hand.answer(order("initializing")).answer(order("initializing"))
    hand.answer(order("calling", at=1, attempts=1)).answer(order("calling", at=2, attempts=1, said=2))
    hand.answer(order("calling", at=3, attempts=1, said=3)).answer(order("completed", at=4, attempts=1, said=4))
    assert hand.over
    assert hand.types == ["status", "status", "turn", "turn", "turn", "turn", "status"]
    assert [e["content"] for e in hand.events if "content" in e] == ["turn 0", "turn 1", "turn 2", "turn 3"]
    assert hand.result.stopped == "ended"
    assert hand.result.answer["status"] == "completed"


def test_an_event_says_what_changed_and_when() -> None:
    hand = watching(look_s=0.5).answer(order("scheduled", scheduled_at="2026-01-06T12:00:00Z"))
    hand.answer(order("calling", at=1, attempts=1, said=1))
    assert hand.events[0] == {
        "type": "revox.status",
        "call_id": "c1",
        "status": "scheduled",
        "attempt": 0,
        "attempt_status": None,
        "scheduled_at": "2026-01-06T12:00:00Z",
        "elapsed_s": 0.5,
    }
    assert hand.events[1]["attempt_status"] == "ongoing"
    assert hand.events[2] == {
        "type": "revox.turn",
        "call_id": "c1",
        "attempt": 1,
        "role": "user",
        "content": "turn 0",
        "elapsed_s": 6.0,
    }
    assert json.dumps(hand.events)


def test_pauses_follow_the_status() -> None:
    hand = watching().answer(order("queued_for_calling")).answer(order("queued_for_calling"))
    hand.answer(order("calling", at=1, attempts=1)).answer(order("scheduled", at=2, attempts=1))
    assert hand.pauses == [5.0, 7.5, 2.0, 5.0]
    assert hand.answer(order("scheduled", at=2, attempts=1)).pauses[-1] == 7.5


def test_an_older_answer_is_no_news() -> None:
    hand = watching().answer(order("calling", at=9, attempts=1, said=3)).answer(order("initializing", at=5))
    assert len(hand.events) == 4
    hand.answer(order("calling", at=10, attempts=1, said=4)).answer(order("completed", at=11, attempts=1, said=4))
    assert hand.types.count("turn") == 4
    assert [e["status"] for e in hand.events if e["type"] == "revox.status"] == ["calling", "completed"]


def test_fewer_attempts_than_before_are_no_news() -> None:
    hand = watching().answer(order("calling", attempts=2, updated_at=None)).answer(order("scheduled", attempts=1))
    assert hand.types == ["status"]


def test_fewer_turns_than_before_are_no_news() -> None:
    hand = watching().answer(order("calling", attempts=1, said=3)).answer(order("calling", attempts=1, said=1))
    hand.answer(order("calling", attempts=1, said=4))
    assert hand.types == ["status", "turn", "turn", "turn", "turn"]


def test_turns_said_last_in_an_attempt_are_told_although_the_next_has_begun() -> None:
    first = {"id": "t1", "status": "ongoing", "transcript": [{"role": "user", "content": "one"}]}
    more = {**first, "status": "completed", "transcript": [*first["transcript"], {"role": "user", "content": "two"}]}
    second = {"id": "t2", "status": "ringing", "transcript": []}
    hand = watching().answer({**order("calling", at=1), "call_attempts": [first]})
    hand.answer({**order("calling", at=2), "call_attempts": [second, more]})
    assert [(e["attempt"], e["content"]) for e in hand.events if e["type"] == "revox.turn"] == [(1, "one"), (1, "two")]


def test_an_attempt_that_came_and_went_between_two_looks_is_told() -> None:
    tries = [
        {"id": f"t{i}", "status": "completed", "transcript": [{"role": "user", "content": f"said in {i}"}]}
        for i in (3, 2, 1)
    ]
    hand = watching().answer({**order("calling", at=1), "call_attempts": tries[2:]})
    hand.answer({**order("calling", at=2), "call_attempts": tries})
    assert [(e["attempt"], e["content"]) for e in hand.events if e["type"] == "revox.turn"] == [
        (1, "said in 1"),
        (2, "said in 2"),
        (3, "said in 3"),
    ]


def test_an_unknown_status_is_shown_as_it_is_and_waited_on() -> None:
    hand = watching().answer(order("translating")).answer(order("translating"))
    assert hand.events[0]["status"] == "translating"
    assert not hand.over
    assert hand.answer(order("completed", at=1)).result.ended


@pytest.mark.parametrize("status", sorted(ENDED))
def test_it_ends_with_the_order(status: str) -> None:
    hand = watching().answer(order(status))
    assert hand.over
    assert hand.pauses == []
    assert (hand.result.ended, hand.result.stopped, hand.result.status) == (True, "ended", status)


@pytest.mark.parametrize("strange", [{}, {"call_attempts": None}, {"call_attempts": []}, {"updated_at": 5}])
def test_missing_and_strange_fields_do_not_end_the_wait(strange: dict[str, Any]) -> None:
    hand = watching().answer({"id": "c1", "status": "calling", **strange}).answer({"id": "c1", "status": "completed"})
    assert hand.result.ended


@pytest.mark.parametrize("call", [None, "calling", [], {}, {"status": "completed"}])
def test_an_answer_without_an_order_is_a_failed_read(call: Any) -> None:
    hand = watching().answer(call)
    assert not hand.over
    assert hand.answer(order("completed")).result.ended


PASSING = [
    Unavailable("503"),
    Unavailable("no route", sent=False),
    TimedOut("slow"),
    RateLimited("429"),
    ConcurrencyLimited("429"),
    AnswerError("html"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda e: e.kind)
def test_a_failed_read_is_not_the_end_of_the_wait(error: RevoxToolError) -> None:
    hand = watching().answer(order("calling", attempts=1)).fail(error).fail(error)
    assert not hand.over
    assert hand.pauses == [2.0, 2.0, 2.0]
    assert hand.answer(order("completed", at=1, attempts=1)).result.ended
    assert hand.types == ["status", "status"]


def test_failed_reads_are_counted_until_one_works() -> None:
    hand = (
        watching(slice_s=5.0).answer(order("calling")).fail(Unavailable("x")).fail(Unavailable("x")).fail(TimedOut("x"))
    )
    assert (hand.result.stopped, hand.result.failed_reads) == ("slice", 3)
    hand = watching(slice_s=0.1, seen=hand.result).answer(order("calling")).answer(order("calling"))
    assert hand.result.failed_reads == 0


@pytest.mark.parametrize(
    "error", [AuthError("key"), NotFound("id"), InvalidInput("id"), Refused("402"), RevoxToolError("?")]
)
def test_what_will_not_pass_is_raised(error: RevoxToolError) -> None:
    with pytest.raises(type(error)):
        watching().fail(error)


@pytest.mark.parametrize("error", [AuthError("key"), InvalidInput("id"), Refused("402"), RevoxToolError("?")])
def test_what_will_not_pass_is_raised_in_the_middle_of_a_wait(error: RevoxToolError) -> None:
    with pytest.raises(type(error)):
        watching().answer(order("calling")).fail(error)


@pytest.mark.parametrize("known", ["seen", "placed"])
def test_an_order_that_exists_may_be_missing_for_a_while(known: str) -> None:
    hand = watching(seen=Seen(call_id="c1", exists=known == "placed"))
    if known == "seen":
        hand.answer(order("calling"))
    for _ in range(10):
        hand.fail(NotFound("not on this replica"))
    assert hand.answer(order("completed", at=1)).result.ended


def test_an_order_that_stays_missing_is_told() -> None:
    hand = watching(seen=Seen(call_id="c1", exists=True))
    for _ in range(10):
        hand.fail(NotFound("gone"))
    with pytest.raises(NotFound):
        hand.fail(NotFound("gone"))


def test_a_server_that_says_when_to_come_back_is_obeyed() -> None:
    hand = watching().answer(order("calling")).fail(RateLimited("429", retry_after_s=17))
    assert 17 in hand.pauses


@pytest.mark.parametrize("asked_s", [3600.0, 86_400.0])
def test_a_server_cannot_make_it_wait_longer_than_the_caller_would(asked_s: float) -> None:
    hand = watching(EVEN.model_copy(update={"max_wait_s": 100.0}))
    hand.answer(order("calling")).fail(RateLimited("429", retry_after_s=asked_s))
    while not hand.over:
        hand.answer(order("calling"))
    assert hand.result.stopped == "timeout"
    assert hand.result.waited_s == 100.0


def test_a_slice_ends_with_something_to_go_on_from() -> None:
    hand = watching(slice_s=6.0).answer(order("calling"))
    while not hand.over:
        hand.answer(order("calling"))
    assert (hand.result.stopped, hand.result.waited_s, hand.looks) == ("slice", 6.0, 4)


def test_patience_ends_exactly_when_it_was_said_to() -> None:
    hand = watching(EVEN.model_copy(update={"max_wait_s": 7.0})).answer(order("queued_for_calling"))
    assert hand.pauses == [5.0]
    hand.answer(order("queued_for_calling")).answer(order("queued_for_calling"))
    assert hand.pauses == [5.0, 2.0]
    assert (hand.result.stopped, hand.result.waited_s, hand.result.ended) == ("timeout", 7.0, False)


def test_patience_spans_slices() -> None:
    policy = EVEN.model_copy(update={"max_wait_s": 10.0})
    hand, slices = watching(policy, slice_s=4.0), 1
    while not hand.over or hand.result.stopped == "slice":
        if hand.over:
            hand, slices = watching(policy, seen=Seen(**hand.result.model_dump()), slice_s=4.0), slices + 1
        hand.answer(order("calling"))
    assert (hand.result.stopped, hand.result.waited_s, slices) == ("timeout", 10.0, 3)


@pytest.mark.parametrize("after_look", [True, False])
def test_a_drain_is_heard_after_a_look_and_after_a_pause(after_look: bool) -> None:
    hand = watching()
    hand.stop = lambda: bool(hand.pauses) is not after_look
    hand.answer(order("calling"))
    assert hand.over
    assert (hand.result.stopped, hand.result.status) == ("drain", "calling")
    assert hand.result.waited_s == sum(hand.pauses)


def test_an_order_that_has_ended_is_told_as_ended_even_in_a_drain() -> None:
    hand = watching(stop=lambda: True).answer(order("completed"))
    assert hand.result.stopped == "ended"


def test_a_watch_that_was_put_down_goes_on_without_repeating_itself() -> None:
    first = watching(slice_s=3.0).answer(order("calling", at=1, attempts=1, said=2))
    first.answer(order("calling", at=1, attempts=1, said=2)).answer(order("calling", at=2, attempts=1, said=3))
    assert first.result.stopped == "slice"
    kept = json.loads(json.dumps(first.result.model_dump()))
    assert "answer" not in kept
    second = watching(seen=Seen(**kept)).answer(order("calling", at=2, attempts=1, said=3))
    second.answer(order("completed", at=3, attempts=1, said=4))
    assert first.types == ["status", "turn", "turn", "turn"]
    assert second.types == ["turn", "status"]
    assert second.events[0]["elapsed_s"] > first.result.waited_s
    assert second.result.polls == 5


def test_a_watch_given_in_is_not_changed() -> None:
    seen = Seen(call_id="c1", stopped="slice")
    watching(seen=seen).answer(order("calling")).answer(order("completed"))
    assert seen == Seen(call_id="c1", stopped="slice")


def test_watching_an_order_that_ended_before_shows_it_again() -> None:
    hand = watching(seen=Seen(call_id="c1", status="completed", updated_at="2026-01-06T10:00:00.000Z"))
    hand.answer(order("completed"))
    assert hand.result.stopped == "ended"
    assert hand.events == []
    assert hand.result.answer["status"] == "completed"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["initializing", "queued_for_calling", "calling", "scheduled", "strange"]),
            st.integers(0, 30),
            st.integers(0, 3),
            st.integers(0, 5),
        ),
        max_size=25,
    )
)
def test_what_is_reported_never_goes_backwards_and_no_turn_comes_twice(
    answers: list[tuple[str, int, int, int]],
) -> None:
    hand = watching()
    newest = ""
    for status, at, attempts, said in answers:
        before = len(hand.events)
        hand.answer(order(status, at=at, attempts=attempts, said=said))
        told = [event for event in hand.events[before:] if event["type"] != "revox.heartbeat"]
        moment = f"2026-01-06T10:00:{at:02d}.000Z"
        assert not told or moment >= newest
        newest = moment if told else newest
    turns = [(e["attempt"], e["content"]) for e in hand.events if e["type"] == "revox.turn"]
    assert len(turns) == len(set(turns))
    attempts_told = [e["attempt"] for e in hand.events if e["type"] == "revox.status"]
    assert attempts_told == sorted(attempts_told)


def test_silence_is_broken_by_heartbeats() -> None:
    hand = watching(EVEN.model_copy(update={"heartbeat_s": 10.0}))
    for _ in range(31):
        hand.answer(order("calling"))
    assert hand.types == ["status", *["heartbeat"] * 6]
    assert hand.events[1] == {"type": "revox.heartbeat", "call_id": "c1", "status": "calling", "elapsed_s": 10.0}


def test_there_are_heartbeats_while_nothing_can_be_read() -> None:
    hand = watching(EVEN.model_copy(update={"heartbeat_s": 4.0}))
    for _ in range(5):
        hand.fail(Unavailable("down"))
    assert hand.types == ["heartbeat", "heartbeat"]


def test_heartbeats_come_with_the_first_look_after_long_silence() -> None:
    hand = watching(EVEN)
    for _ in range(30):
        hand.answer(order("scheduled"))
    told = [event["elapsed_s"] for event in hand.events]
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert max(gaps) <= EVEN.heartbeat_s + EVEN.longest_s
    assert max(hand.pauses) <= EVEN.longest_s


@pytest.mark.a_few(every=2)
@pytest.mark.parametrize("number", sorted(STORIES.keys() - {"+12025550122", "+12025550123"}))
@both_modes
def test_every_story_is_watched_to_its_end(sandbox: Sandbox, number: str, mode: str) -> None:
    call_id = placed(sandbox, number)
    events: list[dict[str, Any]] = []
    seen = drive(
        watch(Seen(call_id=call_id), WaitPolicy(max_wait_s=86_400)), sandbox.connect(), mode, emit=events.append
    )
    held = sandbox.world.orders[call_id]
    if held["status"] == "paused":
        assert seen.stopped == "timeout"
    else:
        assert (seen.stopped, seen.answer["status"]) == ("ended", held["status"])
    statuses = [(e["status"], e["attempt"]) for e in events if e["type"] == "revox.status"]
    assert len(statuses) == len(set(statuses))
    turns = [e["content"] for e in events if e["type"] == "revox.turn" and e["attempt"] == seen.attempts]
    newest = held["last_call_attempt"] or {}
    assert turns == [turn["content"] or turn["tool_name"] for turn in newest.get("transcript") or []]


@pytest.mark.slow
def test_sync_and_async_see_the_same() -> None:
    told: dict[str, list[dict[str, Any]]] = {"sync": [], "async": []}
    seen = {}
    for mode, events in told.items():
        sandbox = Sandbox()
        call_id = placed(sandbox, "+12025550102")
        seen[mode] = drive(watch(Seen(call_id=call_id), WaitPolicy()), sandbox.connect(), mode, emit=events.append)
    assert told["sync"] == told["async"]
    assert seen["sync"] == seen["async"]


@pytest.mark.parametrize(
    "kind", ["lose_before", "lose_after", "connect_error", "rate_limited", "server_error", "html", "truncated", "empty"]
)
@both_modes
def test_every_passing_fault_is_survived(sandbox: Sandbox, kind: Any, mode: str) -> None:
    call_id = placed(sandbox)
    sandbox.faults.add(Fault(kind, GetCall, skip=2, times=9, retry_after_s=3 if kind == "rate_limited" else None))
    seen = drive(watch(Seen(call_id=call_id), WaitPolicy()), sandbox.connect(), mode)
    assert seen.stopped == "ended"
    assert len(sandbox.faults.struck) == 9


@both_modes
def test_a_call_nobody_knows_and_a_wrong_key_are_told_at_once(mode: str) -> None:
    sandbox = Sandbox(key="sk_right_and_long")
    for key, call_id, kind in (("sk_right_and_long", "nobody", NotFound), ("sk_wrong", "c1", AuthError)):
        with pytest.raises(kind):
            drive(watch(Seen(call_id=call_id), WaitPolicy()), sandbox.connect(key), mode)


@pytest.mark.parametrize("end", [CancelCall, PauseCall])
def test_what_somebody_does_elsewhere_is_seen(sandbox: Sandbox, end: Any) -> None:
    call_id = placed(sandbox, "+12025550111")
    connection = sandbox.connect()
    seen = run(watch(Seen(call_id=call_id), EVEN, slice_s=30), connection)
    assert seen.status == "queued_for_calling"
    connection.send(end(call_id=call_id))
    seen = run(watch(seen, EVEN, slice_s=120), connection)
    assert (seen.status, seen.stopped) == {CancelCall: ("cancelled", "ended"), PauseCall: ("paused", "slice")}[end]


@pytest.mark.slow
def test_slices_put_down_and_taken_up_see_what_one_long_watch_sees() -> None:
    told: list[list[dict[str, Any]]] = []
    for slice_s in (None, 60.0):
        sandbox, events = Sandbox(), []
        told.append(events)
        seen = Seen(call_id=placed(sandbox, "+12025550102"))
        while seen.stopped != "ended":
            seen = Seen(**json.loads(seen.model_dump_json()))
            seen = run(watch(seen, WaitPolicy.every(5), slice_s=slice_s), sandbox.connect(), emit=events.append)
    whole, sliced = ([e for e in events if e["type"] != "revox.heartbeat"] for events in told)
    assert [e | {"elapsed_s": 0} for e in sliced] == [e | {"elapsed_s": 0} for e in whole]


@pytest.mark.slow
def test_two_waiters_of_one_loop_wait_side_by_side(sandbox: Sandbox) -> None:
    calls = [placed(sandbox), placed(sandbox, "+12025550108")]
    connection = sandbox.connect()

    async def both() -> list[Seen]:
        return await asyncio.gather(*(arun(watch(Seen(call_id=c), WaitPolicy()), connection) for c in calls))

    assert [seen.stopped for seen in asyncio.run(both())] == ["ended", "ended"]


def completed(at: int = 0, **attempt: Any) -> dict[str, Any]:
    newest = {"id": "t1", "status": "completed", "answered_at": "2026-01-06T10:00:00Z", "result": "human", **attempt}
    return {**order("completed", at=at), "call_attempts": [newest], "last_call_attempt": newest}


def settling(call: dict[str, Any], policy: WaitPolicy = EVEN, **options: Any) -> ByHand:
    return ByHand(settled_result(call, policy), **options)


def test_output_that_is_there_costs_nothing() -> None:
    hand = settling(completed(structured_output={"confirmed": True}))
    assert (hand.over, hand.looks) == (True, 0)


def test_output_that_is_not_there_yet_is_waited_for() -> None:
    hand = settling(completed()).answer(completed()).answer(completed(structured_output={"confirmed": True}))
    assert hand.result["call_attempts"][0]["structured_output"] == {"confirmed": True}
    assert hand.pauses == [2.0, 2.0]


def test_output_that_never_comes_is_waited_for_within_bounds() -> None:
    hand = settling(completed(), EVEN.model_copy(update={"result_grace_s": 10.0}))
    while not hand.over:
        hand.answer(completed())
    assert sum(hand.pauses) == 10.0
    assert hand.result["status"] == "completed"


def test_without_grace_nothing_is_waited_for() -> None:
    assert settling(completed(), EVEN.model_copy(update={"result_grace_s": 0.0})).looks == 0


@pytest.mark.parametrize(
    "call", [order("cancelled"), order("errored"), order("calling", attempts=1), order("completed")]
)
def test_where_nobody_talked_nothing_is_waited_for(call: dict[str, Any]) -> None:
    hand = settling(call)
    assert (hand.over, hand.looks, hand.result) == (True, 0, call)


def test_a_failed_read_is_not_the_end_of_the_grace() -> None:
    hand = settling(completed()).fail(Unavailable("down")).answer(completed(structured_output={"confirmed": True}))
    assert hand.result["call_attempts"][0]["structured_output"]


@pytest.mark.parametrize("status", ["calling", "post_processing"])
def test_an_older_answer_does_not_replace_the_completed_order(status: str) -> None:
    hand = settling(completed()).answer(order(status, attempts=1))
    assert not hand.over
    hand.answer(completed(structured_output={"confirmed": True}))
    assert hand.result["status"] == "completed"


@pytest.mark.a_few(every=5)
@pytest.mark.parametrize(
    ("number", "comes"), [(NUMBER, True), ("+12025550113", True), ("+12025550118", False), ("+12025550104", False)]
)
@both_modes
def test_late_output_is_found_and_absent_output_given_up(sandbox: Sandbox, number: str, comes: bool, mode: str) -> None:
    connection = sandbox.connect()
    call_id = placed(sandbox, number, settings={"structured_output_config": OUTPUT})
    seen = drive(watch(Seen(call_id=call_id), WaitPolicy()), connection, mode)
    before_s = sandbox.world.now_s
    settled = drive(settled_result(seen.answer, WaitPolicy(result_grace_s=90)), connection, mode)
    assert any(attempt["structured_output"] for attempt in settled["call_attempts"]) is comes
    assert sandbox.world.now_s - before_s <= 95
