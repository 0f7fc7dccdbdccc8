"""Where contacts are kept outside of a checkpoint: each row of a campaign once, with its state and its result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.contacts.problems import Problem
from revox_langchain.contacts.row import Columns, Row, RowState
from revox_langchain.errors import InvalidInput

MOST_WITHOUT_STORE = 500
"""How many contacts a campaign may have whose rows are kept in its state."""


class Added(NamedTuple):
    """What became of the rows that a store was given.

    Attributes:
        counts: How many rows came to which state; they add up to the rows given.
        problems: Rows that were not taken, since the campaign has other data under their key.
    """

    counts: dict[RowState, int]
    problems: tuple[Problem, ...]


class Kept(NamedTuple):
    """A row as the store has it.

    Attributes:
        place: Its place in the campaign, from 1, in the order of reading.
        row: What was read.
        state: What became of it: at first the row's own state, later what the campaign writes.
        result: What is known of its call, None if nothing.
    """

    place: int
    row: Row
    state: str
    result: JsonObject | None


class Change(NamedTuple):
    """What is to be written about a row.

    Attributes:
        mark: Which row.
        state: Its new state, None to keep it.
        result: What is known of its call, None to keep what is there.
    """

    mark: str
    state: str | None = None
    result: JsonObject | None = None


class ContactStore(Protocol):
    """Keeps the rows of campaigns."""

    def add(self, campaign: str, columns: Columns, rows: Iterable[Row]) -> Added:
        """Take rows into a campaign.

        The same row again changes nothing (`unchanged`), one that says something else under a key that the campaign
        has is not taken (`row_conflict`), and a number is a contact once (`duplicate`). A row that corrects another
        takes its place. Rows are taken in batches: after a crash, the same again adds the rest.

        Raises:
            InvalidInput: With code `other_columns`: the campaign began with other columns.
        """

    def columns(self, campaign: str) -> Columns | None:
        """The columns of a campaign, None if it has no rows."""

    def batch(self, campaign: str, *, states: Sequence[str] = (), after: int = 0, limit: int = 1000) -> Sequence[Kept]:
        """Read rows in their order.

        Args:
            campaign: Which campaign.
            states: Only rows in one of these states; all if empty.
            after: Only rows after this place.
            limit: How many at most.
        """

    def find(self, campaign: str, numbers: Sequence[str]) -> Sequence[Kept]:
        """Read the contacts that have one of these numbers, E.164; duplicates are no contacts."""

    def record(self, campaign: str, changes: Iterable[Change]) -> None:
        """Write what became of rows.

        Raises:
            NotFound: The campaign has no such row; nothing was written.
        """

    def counts(self, campaign: str) -> dict[str, int]:
        """How many rows are in each state; they add up to the rows of the campaign."""


def refuse_without_store(count: int, store: ContactStore | None) -> None:
    """Refuse a campaign that would put thousands of rows into every checkpoint.

    Raises:
        InvalidInput: With code `store_needed`.
    """
    if store is None and count > MOST_WITHOUT_STORE:
        raise InvalidInput(
            f"{count:,} contacts would be kept in every checkpoint; without a store at most {MOST_WITHOUT_STORE} are.",
            code="store_needed",
            next_step="Give a store of contacts, such as SqliteContacts('contacts.db').",
        )
