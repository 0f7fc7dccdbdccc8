"""How far a campaign has come: what became of each contact, and counts that always add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.contacts.store import ContactStore, Kept
from revox_langchain.report.tally import Tally

LAUNCHED = "launched"
"""State of a row whose contact is to be called."""
ENDED_ROW = "ended"
"""State of a row whose call has ended."""
RESULTS = ("call_id", "conclusion", "disposition", "outcome", "outcome_summary", "attempts", "talk_s", "ended_at")
"""What is kept of a contact's call, in the order of the columns of results."""

_BATCH = 1000


def results_in(store: ContactStore, campaign: str) -> Iterator[Mapping[str, object]]:
    """The results of all contacts whose call has ended."""
    return (kept.result for kept in rows_in(store, campaign, (ENDED_ROW,)) if kept.result is not None)


def rows_in(store: ContactStore, campaign: str, states: tuple[str, ...]) -> Iterator[Kept]:
    """The rows of a campaign in some states, in their order, a batch at a time."""
    after = 0
    while batch := store.batch(campaign, states=states, after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].place


def progress(tally: Tally, counts: Mapping[str, int]) -> JsonObject:
    """How far it has come, as an event or a report says it.

    Args:
        tally: What became of those that have ended.
        counts: How many rows are in which state.
    """
    still_open = counts.get(LAUNCHED, 0)
    return {
        "rows": sum(counts.values()),
        "states": dict(counts),
        "open": still_open,
        "funnel": tally.funnel(still_open)._asdict(),
        "conclusions": tally.conclusions,
        "dispositions": tally.dispositions,
        "attempts": tally.attempts,
        "minutes": round(tally.talk_s / 60, 2),
    }
