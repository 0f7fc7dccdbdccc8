"""Counts of a campaign add up, whatever order they come in."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.contacts import Change, SqliteContacts, read_contacts
from revox_langchain.graph.campaign.progress import (
    ENDED_ROW,
    LAUNCHED,
    progress,
    results_in,
    rows_in,
)
from revox_langchain.report.tally import Tally, result_of

RESULTS = st.fixed_dictionaries(
    {
        "language": st.sampled_from(["fr", "de", "en"]),
        "conclusion": st.sampled_from(["interested", "talked", "not_reached", "failed", "cancelled"]),
        "disposition": st.sampled_from(["answered", "busy", "failed"]),
        "attempts": st.integers(0, 3),
        "talk_s": st.floats(0, 600),
    }
)


@given(st.lists(RESULTS), st.integers(0, 50))
def test_each_step_of_the_funnel_is_part_of_the_one_before(results: list[dict[str, object]], still_open: int) -> None:
    tally = Tally().plus(results)
    funnel = tally.funnel(still_open)
    assert funnel.contacts == len(results) + still_open
    assert funnel.contacts >= funnel.ended >= funnel.called >= funnel.reached >= funnel.interested
    assert funnel.ended == sum(sum(each.values()) for each in tally.dispositions.values())


@given(st.lists(RESULTS), st.lists(RESULTS))
def test_counting_in_two_batches_is_counting_once(
    first: list[dict[str, object]], then: list[dict[str, object]]
) -> None:
    once, twice = Tally().plus([*first, *then]), Tally().plus(first).plus(then)
    assert (once.conclusions, once.dispositions, once.attempts) == (
        twice.conclusions,
        twice.dispositions,
        twice.attempts,
    )
    assert abs(once.talk_s - twice.talk_s) < 0.01


def test_outcomes_are_counted_by_language() -> None:
    both = [{"language": "fr", "conclusion": "talked"}, {"language": "de", "conclusion": "failed"}]
    assert Tally().plus(both).conclusions == {"fr": {"talked": 1}, "de": {"failed": 1}}


def test_whatever_revox_sends_becomes_a_result() -> None:
    assert result_of({}, "en")["conclusion"] == "pending"
    broken = result_of({"id": "c", "status": "completed", "call_attempts": [None, 3, {"ended_at": []}]}, "en")
    assert broken["conclusion"] == "unknown"
    assert Tally().plus([broken, {"attempts": "many"}]).ended == 2


def test_states_add_up_to_the_rows_that_were_read(tmp_path: Path) -> None:
    contacts = read_contacts(b"phone\n+12025550100\n+12025550101\n+12025550102\n+12025550102\nno number\n")
    with SqliteContacts(tmp_path / "contacts.db") as store:
        store.add("c", contacts.columns, contacts.rows)
        first, second, third = rows_in(store, "c", ("ready",))
        store.record("c", [Change(first.row.mark, ENDED_ROW, {"language": "en", "conclusion": "talked"})])
        store.record("c", [Change(second.row.mark, LAUNCHED), Change(third.row.mark, "left_out")])
        told = progress(Tally().plus(results_in(store, "c")), store.counts("c"))
    assert told["rows"] == sum(told["states"].values()) == 5
    assert (told["open"], told["funnel"]["ended"]) == (1, 1)
