"""A search is read to its end, whichever number its first page has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.dialing.search import MAX_PAGES, PAGE_SIZE, Found, search_all
from revox_langchain.errors import AuthError, InvalidInput, NotFound, Refused, RevoxToolError, Unavailable
from revox_langchain.flow import run
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.sandbox import Sandbox, Switches

WANTED = GetCallHistory(to_phone_number="+12025550100", page_size=3)


def page(first: int, last: int, total: Any) -> dict[str, Any]:
    return {"calls": [{"id": f"c{i}"} for i in range(first, last)], "total_count": total}


class ByHand:
    """Plays the server for a search."""

    def __init__(self, **options: Any) -> None:
        self.flow = search_all(WANTED, **options)
        self.result: Found | None = None
        self.asked: list[int] = []
        self._take(lambda: next(self.flow))

    def answer(self, value: Any) -> ByHand:
        self._take(lambda: self.flow.send(value))
        return self

    def fail(self, error: RevoxToolError) -> ByHand:
        self._take(lambda: self.flow.throw(error))
        return self

    def _take(self, advance: Any) -> None:
        try:
            step = advance()
        except StopIteration as stopped:
            self.result = stopped.value
            return
        assert step.to_phone_number == "+12025550100"
        assert step.page_size == PAGE_SIZE
        self.asked.append(step.page)


def test_one_page_that_holds_everything_costs_one_request() -> None:
    hand = ByHand().answer(page(0, 2, 2))
    assert hand.asked == [1]
    assert hand.result == Found({"c0": {"id": "c0"}, "c1": {"id": "c1"}}, complete=True)


def test_an_empty_search_costs_one_request() -> None:
    hand = ByHand().answer(page(0, 0, 0))
    assert (hand.asked, hand.result) == ([1], Found({}, complete=True))


def test_pages_are_read_until_everything_that_was_counted_is_there() -> None:
    hand = ByHand().answer(page(0, 100, 250)).answer(page(100, 200, 250)).answer(page(200, 250, 250))
    assert hand.asked == [1, 2, 3]
    assert hand.result is not None
    assert list(hand.result.calls) == [f"c{i}" for i in range(250)]
    assert hand.result.complete


def test_a_first_page_that_is_the_second_leads_to_page_zero() -> None:
    hand = ByHand().answer(page(100, 150, 150)).answer(page(0, 0, 150)).answer(page(0, 100, 150))
    assert hand.asked == [1, 2, 0]
    assert hand.result is not None
    assert hand.result.complete


def test_an_empty_first_page_of_something_leads_to_page_zero() -> None:
    hand = ByHand().answer(page(0, 0, 2)).answer(page(0, 2, 2))
    assert hand.asked == [1, 0]
    assert hand.result is not None
    assert hand.result.complete


@pytest.mark.parametrize("error", [InvalidInput("page"), NotFound("page"), Refused("page")])
def test_a_page_past_the_end_may_be_refused(error: RevoxToolError) -> None:
    hand = ByHand().answer(page(0, 100, 101)).fail(error).fail(InvalidInput("page 0"))
    assert hand.asked == [1, 2, 0]
    assert hand.result is not None
    assert not hand.result.complete
    assert len(hand.result.calls) == 100


@pytest.mark.parametrize("error", [InvalidInput("page"), NotFound("page"), Refused("page")])
def test_a_refused_first_page_is_believed_only_if_page_zero_is_refused_too(error: RevoxToolError) -> None:
    assert ByHand().fail(error).answer(page(0, 1, 1)).result == Found({"c0": {"id": "c0"}}, complete=True)
    with pytest.raises(type(error)) as caught:
        ByHand().fail(error).fail(InvalidInput("page 0"))
    assert caught.value is error


@pytest.mark.parametrize("error", [Unavailable("down"), AuthError("key"), RevoxToolError("other")])
@pytest.mark.parametrize("after", [0, 1])
def test_a_search_that_cannot_be_read_is_an_error_on_any_page(error: RevoxToolError, after: int) -> None:
    hand = ByHand()
    if after:
        hand.answer(page(0, 100, 150))
    with pytest.raises(type(error)):
        hand.fail(error)


def test_it_stops_where_later_pages_do_not_matter_but_still_asks_for_page_zero() -> None:
    hand = ByHand(seen_enough=lambda rows: True).answer(page(0, 100, 1000))
    assert hand.asked == [1, 0]
    assert hand.fail(InvalidInput("page 0")).result is not None


def test_it_stops_at_once_where_nothing_further_can_matter() -> None:
    hand = ByHand(sure=lambda seen: "c1" in seen).answer(page(0, 100, 1000))
    assert hand.asked == [1]
    assert hand.result is not None
    assert not hand.result.complete


def test_orders_that_move_between_pages_are_counted_once() -> None:
    hand = (
        ByHand().answer(page(0, 100, 120)).answer(page(99, 119, 121)).answer(page(0, 0, 121)).answer(page(0, 100, 121))
    )
    assert hand.asked == [1, 2, 3, 0]
    assert hand.result is not None
    assert (len(hand.result.calls), hand.result.complete) == (119, False)


@pytest.mark.parametrize("rows", [None, "calls", {}, {"c": 1}])
def test_an_answer_without_calls_is_no_empty_search(rows: Any) -> None:
    with pytest.raises(Unavailable, match="without calls"):
        ByHand().answer({"calls": rows, "total_count": 0})


@pytest.mark.parametrize(
    "answer", [{"calls": []}, {"calls": [], "total_count": None}, {"calls": [], "total_count": "?"}]
)
def test_an_answer_without_a_count_is_no_empty_search(answer: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        ByHand().answer(answer)


def test_a_count_may_be_written_as_a_float() -> None:
    assert ByHand().answer(page(0, 1, 1.0)).result == Found({"c0": {"id": "c0"}}, complete=True)


def test_rows_without_an_id_leave_a_search_incomplete() -> None:
    hand = ByHand().answer({"calls": [{"id": "c1"}, {}, None, {"id": ""}, "c2"], "total_count": 1})
    assert hand.result == Found({"c1": {"id": "c1"}}, complete=False)
    assert hand.result.nameless == 4


def dialed(call_id: str, times: int) -> dict[str, Any]:
    return {"id": call_id, "calls_count": times}


def test_a_total_that_counts_attempts_is_recognised_by_one_order_alone() -> None:
    rows = [dialed("a", 3), dialed("b", 1), dialed("c", 0)]
    hand = ByHand().answer({"calls": rows, "total_count": 4}).answer({"calls": rows[:1], "total_count": 3})
    assert hand.asked == [1, 1]
    assert hand.result is not None
    assert hand.result.complete


def test_missing_rows_are_not_taken_for_attempts_because_the_sum_happens_to_fit() -> None:
    rows = [dialed("a", 3), dialed("b", 1)]
    alone = {"calls": rows[:1], "total_count": 1}
    hand = ByHand().answer({"calls": rows, "total_count": 4}).answer(alone)
    assert hand.asked == [1, 1, 2]
    hand.answer({"calls": [], "total_count": 4}).fail(InvalidInput("page 0"))
    while hand.result is None:
        hand.answer(alone)
    assert not hand.result.complete


def searched(every: list[dict[str, Any]], shown: list[dict[str, Any]], total_of: Any) -> Found:
    flow = search_all(WANTED)
    step: Any = next(flow)
    while True:
        hits, rows = ([r for r in of if step.call_ids is None or r["id"] in step.call_ids] for of in (every, shown))
        try:
            step = flow.send({"calls": rows if step.page == 1 else [], "total_count": total_of(hits)})
        except StopIteration as stopped:
            found: Found = stopped.value
            return found


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(0, 5))
def test_a_missing_row_is_noticed_and_counted_attempts_are_no_missing_rows(counts: list[int], hidden: int) -> None:
    every = [dialed(f"c{number}", count) for number, count in enumerate(counts)]
    shown = every[: max(0, len(every) - hidden)]
    assert searched(every, shown, len).complete == (len(shown) == len(every))
    assert searched(every, every, lambda rows: sum(row["calls_count"] for row in rows)).complete


def test_a_server_that_never_comes_to_an_end_is_left_after_a_while() -> None:
    hand = ByHand()
    for number in range(MAX_PAGES):
        hand.answer(page(number, number + 1, 10**9))
    hand.answer(page(0, 1, 10**9))
    assert hand.asked == [*range(1, MAX_PAGES + 1), 0]
    assert hand.result is not None
    assert not hand.result.complete


def test_the_callers_own_page_does_not_matter() -> None:
    flow = search_all(WANTED.model_copy(update={"page": 7}))
    step: Any = next(flow)
    assert (step.page, step.page_size) == (1, PAGE_SIZE)


@pytest.fixture(scope="module")
def crowd() -> Sandbox:
    sandbox = Sandbox()
    connection = sandbox.connect()
    for _ in range(205):
        connection.send(MakeCall(phone_number="+12025550111", prompt="Say hello."))
    return sandbox


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("refuse_page_zero", [True, False])
@pytest.mark.parametrize("refuse_page_past_end", [True, False])
def test_everything_is_found_however_the_server_counts(
    crowd: Sandbox, page_base: Any, refuse_page_zero: bool, refuse_page_past_end: bool
) -> None:
    crowd.switches = Switches(
        page_base=page_base, refuse_page_zero=refuse_page_zero, refuse_page_past_end=refuse_page_past_end
    )
    found = run(search_all(GetCallHistory(to_phone_number="+12025550111")), crowd.connect())
    assert (len(found.calls), found.complete) == (205, True)
    nobody = run(search_all(GetCallHistory(to_phone_number="+12025550112")), crowd.connect())
    assert nobody == Found({}, complete=True)


@pytest.mark.slow
@given(total=st.integers(0, 450), base=st.sampled_from([0, 1]), past_end=st.sampled_from(["empty", "refused"]))
def test_nothing_is_missed_whatever_the_total(total: int, base: int, past_end: str) -> None:
    hand = ByHand()
    while hand.result is None:
        start = (hand.asked[-1] - base) * PAGE_SIZE
        if start < 0 or (start >= total and start > 0 and past_end == "refused"):
            hand.fail(InvalidInput("page"))
        else:
            hand.answer(page(start, min(start + PAGE_SIZE, total), total))
    assert (len(hand.result.calls), hand.result.complete) == (total, True)
