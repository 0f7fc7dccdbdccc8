"""Watching campaigns: each contact's result once, few requests, and a stop that says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.campaign import reversing
from revox_langchain.contacts import OptOut, OptOutFile, opt_out_list
from revox_langchain.errors import NotFound
from revox_langchain.flow import arun, run
from revox_langchain.graph.campaign.progress import ENDED_ROW, LAUNCHED
from revox_langchain.graph.campaign.stopping import Breaker, Rules, StopWhen
from revox_langchain.graph.campaign.watch import Launched, Pace, Watched, watch
from revox_langchain.operations.campaigns import GetCampaign, PauseCampaign, ResumeCampaign
from revox_langchain.sandbox import Fault, Switches
from tests.graph.campaign.launched import KEY, Spring

AGREES, BUSY, DECLINES = "+12025550100", "+12025550101", "+12025550114"
ASKS_NOT_TO_BE_CALLED, NOT_IN_SERVICE = "+12025550109", "+12025550117"
FRENCH = ["+33142685300", "+33142685301"]


def people(count: int, first: int = 0) -> list[str]:
    """Numbers of people who answer and agree; they are reserved for fiction."""
    return [f"+3319900{first + at:04}" for at in range(count)]


def watched(
    spring: Spring, events: list[Any] | None = None, stop: Callable[[], bool] | None = None, **more: Any
) -> Any:
    flow = watch(spring.launched, spring.store, KEY, **more)
    return run(flow, spring.connection, emit=None if events is None else events.append, stop=stop)


def results(spring: Spring) -> dict[str, Any]:
    rows = spring.store.batch(KEY, limit=100_000)
    return {kept.row.phone.e164: kept.result for kept in rows if kept.row.phone and kept.result}


def test_every_contact_has_its_result_when_the_campaigns_have_ended(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": [AGREES, DECLINES, NOT_IN_SERVICE], "fr": FRENCH})
    events: list[Any] = []
    done: Watched = watched(spring, events)
    assert (done.why, done.counts) == ("ended", {ENDED_ROW: 5})
    assert {number: result["conclusion"] for number, result in results(spring).items()} == {
        AGREES: "completed",
        DECLINES: "not_interested",
        NOT_IN_SERVICE: "failed",
        **dict.fromkeys(FRENCH, "completed"),
    }
    assert done.tally.conclusions["fr"] == {"completed": 2}
    assert all(sum(each["states"].values()) == 5 for each in events)
    assert events[-1]["funnel"] == {"contacts": 5, "ended": 5, "called": 5, "reached": 4, "interested": 0}


async def test_it_runs_in_an_event_loop_as_well(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": [AGREES, DECLINES]})
    done = await arun(watch(spring.launched, spring.store, KEY), spring.connection)
    assert done.counts == {ENDED_ROW: 2}


def test_a_second_watching_goes_on_where_the_first_was_cut_off_and_counts_no_one_twice(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(30)}, concurrent=5)
    first = watched(spring, pace=Pace(slice_s=100))
    assert first.why == "slice"
    assert 0 < first.tally.ended < 30
    second = watched(spring)
    assert (second.why, second.tally.ended) == ("ended", 30)
    assert second.tally.called == 30


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"page_base": 0, "refuse_page_zero": False},
        {"refuse_page_past_end": True},
        {"unknown_sort_by": "refuse"},
        {"ignore_sort_by": True},
        {"ignore_sort_by": True, "total_counts": "attempts"},
        {"total_counts": "attempts"},
        {"search_lag_s": 30.0},
    ],
    ids=str,
)
@pytest.mark.slow
def test_no_contact_is_lost_whatever_revox_leaves_undocumented(tmp_path: Path, switches: dict[str, Any]) -> None:
    spring = Spring(tmp_path, {"en": people(250)}, Switches(organization_limit=10_000, **switches))
    done = watched(spring)
    assert (done.why, done.counts) == ("ended", {ENDED_ROW: 250})


@pytest.mark.slow
def test_watching_costs_one_search_a_minute_and_one_per_hundred_contacts_that_ended(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(1000)}, concurrent=50)
    begun_s = spring.sandbox.clock.now_s()
    done = watched(spring)
    minutes = (spring.sandbox.clock.now_s() - begun_s) / 60
    assert done.counts == {ENDED_ROW: 1000}
    assert minutes > 5
    counts = spring.sandbox.counts
    assert counts["revox_get_call_history"] <= 1000 / 100 + minutes + 2
    assert counts["revox_get_campaign"] <= minutes / 10
    assert spring.asked() == counts["revox_get_call_history"] + counts["revox_get_campaign"]


@pytest.mark.slow
def test_what_watching_costs_is_said_where_the_search_shows_last_what_has_just_ended(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(500)}, concurrent=40)
    spring.connection = spring.sandbox.connect(transport=httpx.MockTransport(reversing(spring.sandbox)))
    events: list[Any] = []
    assert watched(spring, events).counts == {ENDED_ROW: 500}
    notes = [each["note"] for each in events if each["type"] == "revox.campaign_note"]
    assert len(notes) == 1
    assert notes[0].endswith("instead of 1: the search does not show first what ended last.")


def test_enough_yeses_pause_the_campaigns_and_nothing_more_is_dialed(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(40), "fr": people(40, 2000)}, concurrent=2)
    events: list[Any] = []
    rules = Rules(stop_when=StopWhen(yeses=4, yes=("completed",)))
    done = watched(spring, events, rules=rules)
    assert (done.why, done.rule) == ("stopped", "yeses")
    assert 4 <= done.tally.ended < 20
    assert done.counts[LAUNCHED] + done.counts[ENDED_ROW] == 80
    assert [each["rule"] for each in events if each["type"] == "revox.campaign_stopped"] == ["yeses"]
    shown = [spring.connection.send(GetCampaign(campaign_id=each))["campaign"] for each in spring.ids]
    assert [each["status"] for each in shown] == ["paused", "paused"]
    spring.sandbox.world.advance(3600)
    after = [spring.connection.send(GetCampaign(campaign_id=each))["campaign"] for each in spring.ids]
    assert [each["row_stats"] for each in after] == [each["row_stats"] for each in shown]


def test_a_deadline_pauses_within_a_second(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(40)}, concurrent=1)
    at_s = spring.sandbox.clock.now_s() + 130
    rules = Rules(stop_when=StopWhen(deadline=datetime.fromtimestamp(at_s, UTC)))
    paused_s: list[float] = []

    def heard(event: Any) -> None:
        if event["type"] == "revox.campaign_stopped":
            paused_s.append(spring.sandbox.clock.now_s())

    done = run(watch(spring.launched, spring.store, KEY, rules=rules), spring.connection, emit=heard)
    assert done.rule == "deadline"
    assert at_s <= paused_s[0] <= at_s + 1


def test_a_campaign_in_which_most_calls_fail_is_paused(tmp_path: Path) -> None:
    bad = [f"+12025550{number}" for number in (117, 110)]
    spring = Spring(tmp_path, {"en": [*bad, *people(20)]}, concurrent=2)
    done = watched(spring, rules=Rules(breaker=Breaker(share=1, window=2)), pace=Pace(interval_s=2))
    assert (done.why, done.rule) == ("stopped", "breaker")
    assert "2 of the last 2 calls failed" in (done.reason or "")


def test_who_asked_not_to_be_called_again_is_on_the_opt_out_list(tmp_path: Path) -> None:
    file = tmp_path / "opt_out.csv"
    file.touch()
    spring = Spring(tmp_path, {"en": [AGREES, ASKS_NOT_TO_BE_CALLED, DECLINES]})
    done = watched(spring, opt_out=OptOutFile(file))
    assert OptOutFile(file).numbers() == {ASKS_NOT_TO_BE_CALLED}
    assert (done.opted_out, done.counts) == (1, {ENDED_ROW: 3})


def test_a_wish_that_cannot_be_written_down_pauses_the_campaign_and_is_written_down_later(tmp_path: Path) -> None:
    file = tmp_path / "opt_out.csv"
    spring = Spring(tmp_path, {"en": [ASKS_NOT_TO_BE_CALLED, *people(20)]}, concurrent=1)
    done = watched(spring, opt_out=OptOutFile(file))
    assert (done.why, done.rule) == ("stopped", "opt_out")
    assert done.counts[LAUNCHED] >= 1
    file.touch()
    for campaign_id in spring.ids:
        spring.connection.send(ResumeCampaign(campaign_id=campaign_id))
    done = watched(spring, opt_out=OptOutFile(file))
    assert (done.why, done.counts) == ("ended", {ENDED_ROW: 21})
    assert OptOutFile(file).numbers() == {ASKS_NOT_TO_BE_CALLED}


def test_a_list_of_ones_own_is_given_the_words_and_the_call(tmp_path: Path) -> None:
    kept: list[OptOut] = []

    def keep(added: Sequence[OptOut]) -> set[str]:
        kept.extend(added)
        return {each.number for each in kept}

    spring = Spring(tmp_path, {"en": [ASKS_NOT_TO_BE_CALLED]})
    watched(spring, opt_out=opt_out_list(keep))
    assert [each.number for each in kept] == [ASKS_NOT_TO_BE_CALLED]
    assert kept[0].call_id
    assert kept[0].words


def test_a_campaign_paused_elsewhere_is_said_and_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(10)}, concurrent=1)
    spring.connection.send(PauseCampaign(campaign_id=spring.ids[0]))
    events: list[Any] = []

    def heard(event: Any) -> None:
        events.append(event)
        if event["type"] == "revox.campaign_note":
            spring.sandbox.connect().send(ResumeCampaign(campaign_id=spring.ids[0]))

    done = run(watch(spring.launched, spring.store, KEY), spring.connection, emit=heard)
    notes = [each["note"] for each in events if each["type"] == "revox.campaign_note"]
    assert notes[0] == "1 of 1 campaigns are paused; nothing new is dialed in them."
    assert done.counts == {ENDED_ROW: 10}


def test_looks_that_fail_do_not_end_the_watching(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": [AGREES, DECLINES]})
    spring.sandbox.faults.add(Fault("status", on="revox_get_call_history", status=503, times=8))
    assert watched(spring).counts == {ENDED_ROW: 2}


def test_a_stop_request_ends_the_watching_and_leaves_the_campaigns_alone(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(10)}, concurrent=1)
    done = watched(spring, stop=lambda: True)
    assert done.why == "drain"
    assert spring.connection.send(GetCampaign(campaign_id=spring.ids[0]))["campaign"]["status"] == "running"


def test_patience_ends_with_contacts_still_open(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(30)}, concurrent=1)
    done = watched(spring, pace=Pace(max_wait_s=300))
    assert done.why == "timeout"
    assert done.counts[LAUNCHED] > 0


def test_a_campaign_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    spring = Spring(tmp_path, {"en": people(1)})
    spring.launched = (Launched("00000000-0000-4000-8000-000000000000", "en"),)
    with pytest.raises(NotFound):
        watched(spring)
