"""What the world keeps of an order and of a campaign."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from revox_langchain.results.call import ENDED
from revox_langchain.sandbox.people.stories import Story
from revox_langchain.sandbox.world.timeline import Event

Lane = tuple[str | None, str | None]
"""What shares a limit: campaign and concurrency key."""


class OngoingAttempt(Protocol):
    """An attempt under way, as far as its order needs to know it."""

    def hang_up(self) -> None:
        """End it from outside."""
        ...


@dataclass
class Order:
    """A call order and what the API does not show of it.

    Attributes:
        call: The order as the API shows it.
        assistant: Who talks; a snapshot taken when the order was placed.
        story: What its number makes of it.
        not_before_s: When it may dial next.
        stored_assistant: Id of the stored assistant, None for an inline one.
        skip_window: Whether the next attempt may ignore the calling windows.
        key: Concurrency key.
        campaign_id: Id of its campaign.
        by_human: Whether a person of the organisation talks (speed dial).
        hold: Whether it is to be paused after the attempt under way.
        doomed: Whether it is to be cancelled after the attempt under way.
        touched: Whether somebody in the dashboard has had a hand in it.
        attempt: The attempt under way.
        next_event: What it waits for, if for a time.
        rang: Whether a phone rang for it.
    """

    call: dict[str, Any]
    assistant: dict[str, Any]
    story: Story
    not_before_s: float
    stored_assistant: str | None = None
    skip_window: bool = False
    key: str | None = None
    campaign_id: str | None = None
    by_human: bool = False
    hold: bool = False
    doomed: bool = False
    touched: bool = False
    attempt: OngoingAttempt | None = None
    next_event: Event | None = None
    rang: bool = False

    @property
    def lane(self) -> Lane:
        """Orders of one lane share their limits."""
        return self.campaign_id, self.key

    @property
    def status(self) -> str:
        """Status of the order, in Revox's terms."""
        return str(self.call["status"])

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ENDED


@dataclass
class Campaign:
    """A campaign as the API shows it, and what it does not show."""

    data: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    paused: bool = False
    cancelled: bool = False
    launched: bool = False
