"""Campaigns are paused, resumed and cancelled from outside, and what is said of them is what Revox shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from revox_langchain.actions.registry import Context
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import AuthError, NotFound, Refused, RevoxToolError
from revox_langchain.flow import run
from revox_langchain.graph.campaign.control import Standing, cancel, pause, resume, standing_of
from revox_langchain.graph.campaign.watch import watch
from revox_langchain.sandbox import Fault, Switches
from tests.graph.campaign.launched import KEY, Spring

PEOPLE = [f"+3314268{number}" for number in range(5300, 5320)]


@pytest.fixture
def spring(tmp_path: Path) -> Spring:
    return Spring(tmp_path, {"fr": PEOPLE[:10], "en": PEOPLE[10:]}, concurrent=1)


def dialed(spring: Spring) -> int:
    """How often a phone was dialed."""
    return sum(order.call["calls_count"] for order in spring.sandbox.world.book.values())


@pytest.mark.parametrize("stop", [pause, cancel])
def test_nothing_is_dialed_any_more_after_a_pause_or_a_cancel(spring: Spring, stop: object) -> None:
    spring.sandbox.world.advance(60)
    before_s = spring.sandbox.clock.now_s()
    standings = run(stop(spring.ids), spring.connection)  # type: ignore[operator]
    assert spring.sandbox.clock.now_s() - before_s < 1
    before = dialed(spring)
    assert before > 0
    assert [each.status for each in standings] == ["paused" if stop is pause else "cancelled"] * 2
    assert all(each.changed for each in standings)
    spring.sandbox.world.advance(3600)
    assert dialed(spring) == before


def test_a_paused_campaign_goes_on_when_it_is_resumed(spring: Spring) -> None:
    run(pause(spring.ids), spring.connection)
    resumed = run(resume(spring.ids, Context(Guard(DialPolicy()))), spring.connection)
    assert [(each.status, each.changed) for each in resumed] == [("running", True)] * 2
    spring.sandbox.world.advance(7200)
    assert dialed(spring) == 20


def test_who_may_not_be_dialed_is_not_dialed_by_resuming(spring: Spring) -> None:
    run(pause(spring.ids), spring.connection)
    with pytest.raises(Refused):
        run(resume(spring.ids, Context(Guard(DialPolicy(denied_numbers=[PEOPLE[3]])))), spring.connection)
    assert run(standing_of(spring.ids[0]), spring.connection).status == "paused"


@pytest.mark.parametrize("answer", [400, "success_false"])
def test_pausing_what_is_paused_or_over_changes_nothing_and_is_no_error(tmp_path: Path, answer: object) -> None:
    switches = Switches(organization_limit=10_000).changed({"illegal_transition": answer})
    spring = Spring(tmp_path, {"fr": PEOPLE[:2], "en": PEOPLE[2:4]}, switches)
    run(pause(spring.ids[:1]), spring.connection)
    spring.sandbox.world.advance(3600)
    assert run(pause(spring.ids), spring.connection) == (
        Standing(spring.ids[0], "paused", False),
        Standing(spring.ids[1], "completed", False),
    )


@pytest.mark.parametrize("fault", ["lost", "not_done"])
def test_a_pause_whose_answer_is_lost_is_looked_up_and_sent_again_where_it_did_not_arrive(
    spring: Spring, fault: str
) -> None:
    kind = "lose_after" if fault == "lost" else "lose_before"
    spring.sandbox.faults.add(Fault(kind, on="revox_pause_campaign", times=1))  # type: ignore[arg-type]
    assert [each.status for each in run(pause(spring.ids), spring.connection)] == ["paused", "paused"]
    assert run(standing_of(spring.ids[0]), spring.connection).status == "paused"
    assert spring.sandbox.counts["revox_pause_campaign"] <= 3


def test_one_campaign_that_cannot_be_paused_does_not_keep_the_others_going(spring: Spring) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound):
        run(pause([gone, *spring.ids]), spring.connection)
    assert [run(standing_of(each), spring.connection).status for each in spring.ids] == ["paused", "paused"]


def test_a_key_that_is_refused_is_said(spring: Spring) -> None:
    spring.sandbox.faults.add(Fault("status", on="revox_pause_campaign", status=401, times=None))
    with pytest.raises(AuthError) as caught:
        run(pause(spring.ids), spring.connection)
    assert isinstance(caught.value, RevoxToolError)


def test_a_campaign_cancelled_while_it_is_watched_ends_with_every_contact_accounted_for(spring: Spring) -> None:
    cancelled = False

    def heard(event: dict[str, object]) -> None:
        nonlocal cancelled
        if not cancelled:
            cancelled = True
            run(cancel(spring.ids), spring.sandbox.connect())

    done = run(watch(spring.launched, spring.store, KEY), spring.connection, emit=heard)
    assert (done.why, done.counts) == ("ended", {"ended": 20})
    assert done.tally.total["cancelled"] >= 18
