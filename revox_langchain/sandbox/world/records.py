"""What the sandbox stores about orders and campaigns beyond what the API shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.results.call import ENDED
from revox_langchain.sandbox.people.stories import Story
from revox_langchain.sandbox.world.timeline import Event

Lane = tuple[str | None, str | None]
"""What shares a limit: campaign and concurrency key."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What an order is placed with.

    Attributes:
        number: Number to call, in E.164 form.
        assistant: The assistant that talks.
        from_number: Number to call from.
        launched: Whether it starts by itself; calls of a campaign wait for the launch.
        shown_assistant: The assistant as the order shows it, a snapshot that is never changed; None shows none.
        stored_assistant: Id of the stored assistant, None for an inline one.
        scheduled_at: When to dial at the earliest, as Revox writes it.
        skip_window: Whether the first attempt may ignore the calling windows.
        key: Concurrency key.
        campaign: Id and name of its campaign.
        retry: Rules for its attempts; the assistant's if left out.
        variables: Values of the `{{variables}}` in the prompt.
        metadata: Metadata of the order.
        inbound: Whether somebody calls one of the organization's numbers; `number` is then that one.
    """

    number: str
    assistant: JsonObject
    from_number: str
    launched: bool = True
    shown_assistant: JsonObject | None = None
    stored_assistant: str | None = None
    scheduled_at: str | None = None
    skip_window: bool = False
    key: str | None = None
    campaign: JsonObject | None = None
    retry: JsonObject | None = None
    variables: JsonObject | None = None
    metadata: dict[str, str] | None = None
    inbound: bool = False


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
        assistant: The assistant that talks; a snapshot taken when the order was placed.
        story: How the callee at its number behaves.
        not_before_s: When it may dial next.
        waits: Whether it waits for a moment: the one it is scheduled for, or the next of its calling windows.
        waits_until_s: That moment; None if its calling windows never open.
        stored_assistant: Id of the stored assistant, None for an inline one.
        skip_window: Whether the next attempt may ignore the calling windows.
        key: Concurrency key.
        campaign_id: Id of its campaign.
        by_human: Whether a member of the organization talks (speed dial).
        hold: Whether to pause it after the attempt under way.
        doomed: Whether to cancel it after the attempt under way.
        touched: Whether its story has already paused or cancelled it from the dashboard.
        attempt: The attempt under way.
        next_event: What happens to it next, if a time is set for that.
        rang: Whether it has made a phone ring.
    """

    call: JsonObject
    assistant: JsonObject
    story: Story
    not_before_s: float
    waits: bool = False
    waits_until_s: float | None = None
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
    def inbound(self) -> bool:
        """Whether the person called us."""
        return bool(self.call["direction"] == "inbound")

    @property
    def person(self) -> str:
        """The number of the person at the other end."""
        return str(self.call["from_phone_number" if self.inbound else "to_phone_number"])

    @property
    def reaches_out(self) -> bool:
        """Whether its assistant may ask servers outside."""
        has = self.assistant
        return bool(has["custom_tools"] or has["precall_lookup_url"] or has["llm_model"].get("type") == "custom")

    @property
    def status(self) -> str:
        """Status of the order, in Revox's terms."""
        return str(self.call["status"])

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ENDED


class Live:
    """Orders with an attempt under way, counted by what limits them."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self.by_campaign: Counter[str | None] = Counter()
        self.by_key: Counter[str | None] = Counter()

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: Order) -> None:
        """Count an order that begins an attempt."""
        self._orders[order.call["id"]] = order
        self.by_campaign[order.campaign_id] += 1
        self.by_key[order.key] += 1

    def discard(self, order: Order) -> None:
        """Count an order no longer, if it was counted."""
        if self._orders.pop(order.call["id"], None) is not None:
            self.by_campaign[order.campaign_id] -= 1
            self.by_key[order.key] -= 1


@dataclass
class Campaign:
    """A campaign as the API shows it, and what it does not show."""

    data: JsonObject
    rows: list[JsonObject] = field(default_factory=list)
    paused: bool = False
    cancelled: bool = False
    launched: bool = False
