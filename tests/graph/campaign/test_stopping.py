"""A campaign stops when it is enough or when too much goes wrong, and says why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from revox_langchain.graph.campaign.stopping import Breaker, Rules, StopWhen, latest_of
from revox_langchain.report.tally import Tally

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


def tally(count: int = 1, **result: object) -> Tally:
    return Tally().plus(
        [{"language": "en", "conclusion": "interested", "attempts": 1, "talk_s": 30.0} | result] * count
    )


def rule(stop_when: StopWhen, of: Tally, now_s: float = NOON.timestamp()) -> str | None:
    stopping = stop_when.due(of, now_s)
    return stopping.rule if stopping else None


def test_nothing_stops_a_campaign_without_rules() -> None:
    assert rule(StopWhen(), tally(10_000)) is None
    assert Rules(breaker=None).due(tally(10_000), ["failed"] * 1000, 9e9) is None


def test_so_many_yeses_are_enough() -> None:
    enough = StopWhen(yeses=3)
    assert rule(enough, tally(2)) is None
    assert rule(enough, tally(3)) == "yeses"
    assert rule(enough, tally(9, conclusion="completed")) is None


def test_what_counts_as_a_yes_can_be_said() -> None:
    enough = StopWhen(yeses=2, yes=("completed", "requested_callback_later"))
    stopping = enough.due(tally(2, conclusion="completed"), 0)
    assert stopping is not None
    assert stopping.reason == "2 of 2 wanted contacts are completed or requested callback later."
    assert rule(enough, tally(2)) is None


def test_calls_count_only_where_a_phone_was_dialed() -> None:
    assert rule(StopWhen(calls=5), tally(5)) == "calls"
    assert rule(StopWhen(calls=5), tally(5, attempts=0, conclusion="cancelled")) is None


def test_minutes_of_conversation_are_limited() -> None:
    assert rule(StopWhen(minutes=5), tally(9)) is None
    assert rule(StopWhen(minutes=5), tally(10)) == "minutes"


def test_a_deadline_stops_at_its_second_and_no_pause_sleeps_through_it() -> None:
    rules = Rules(stop_when=StopWhen(deadline=NOON))
    before_s = NOON.timestamp() - 7
    assert rules.due(Tally(), [], before_s) is None
    assert rules.wait_s(before_s, 60) == 7
    stopping = rules.due(Tally(), [], NOON.timestamp())
    assert stopping is not None
    assert stopping.reason == "The deadline 2026-01-06T12:00:00+00:00 has passed."
    assert rules.wait_s(NOON.timestamp(), 60) == 60


def test_a_deadline_without_an_offset_and_a_rule_that_does_not_exist_are_refused() -> None:
    with pytest.raises(ValidationError):
        StopWhen.model_validate({"deadline": "2026-01-06T12:00:00"})
    with pytest.raises(ValidationError):
        StopWhen.model_validate({"yesses": 3})


def test_the_breaker_opens_when_its_share_of_the_last_calls_went_wrong() -> None:
    breaker = Breaker(share=0.5, window=4)
    assert breaker.due(["failed"] * 3) is None
    assert breaker.due(["failed", "failed", "interested", "talked", "not_reached", "failed"]) is None
    stopping = breaker.due(["interested", "failed", "interested", "talked", "unknown"])
    assert stopping is not None
    assert stopping.reason == "2 of the last 4 calls failed or ended without a known outcome; 50% is the limit."


def test_a_refusal_to_talk_is_no_failure() -> None:
    assert Breaker(window=3).due(["not_interested", "not_reached", "cancelled"]) is None


def test_the_last_calls_are_those_that_ended_last() -> None:
    results = [
        {"conclusion": "failed", "ended_at": "2026-01-06T10:00:03Z"},
        {"conclusion": "talked", "ended_at": "2026-01-06T10:00:01Z"},
        {"conclusion": "cancelled", "ended_at": None},
    ]
    assert latest_of(results, 2) == ["talked", "failed"]
    assert latest_of(results, 0) == []
