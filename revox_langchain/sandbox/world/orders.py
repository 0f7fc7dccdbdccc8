"""The life of a call order: from the request to its end, over as many attempts as it takes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from revox_langchain.sandbox.people.extraction import contact_of
from revox_langchain.sandbox.people.people import Plan
from revox_langchain.sandbox.people.stories import story_for
from revox_langchain.sandbox.world.assistants import declared_variables
from revox_langchain.sandbox.world.attempts import Attempt
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.timeline import as_seconds, as_stamp
from revox_langchain.sandbox.world.webhooks import announce
from revox_langchain.sandbox.world.windows import DEFAULT_RETRY, next_opening, retry_delay_s, zone_of
from revox_langchain.sandbox.world.world import World

ACCEPTING_S = 1.0
"""How long a new order is `initializing`."""


class Illegal(Exception):
    """The order is in no state for that."""


class Dispatcher:
    """Places orders, dials them when they may, and takes orders about them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def place(
        self,
        number: str,
        assistant: dict[str, Any],
        *,
        from_number: str,
        launched: bool = True,
        stored_assistant: str | None = None,
        scheduled_at: str | None = None,
        skip_window: bool = False,
        key: str | None = None,
        campaign: Mapping[str, Any] | None = None,
        retry: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Order:
        """Accept an order; it starts by itself unless it belongs to a campaign that is not launched."""
        world = self._world
        now = world.stamp()
        shown = stored_assistant is not None or world.switches.inline_assistant_shown
        call: dict[str, Any] = {
            "id": world.new_id("order"),
            "status": "initializing" if launched else "not_launched",
            "direction": "outbound",
            "to_phone_number": number,
            "from_phone_number": from_number,
            "assistant": copy.deepcopy(assistant) if shown else None,
            "assignee": None,
            "call_attempts": [],
            "last_call_attempt": None,
            "calls_count": 0,
            "call_retry_config": retry or assistant["call_retry_config"],
            "campaign": campaign,
            "contact": contact_of(variables),
            "first_sentence_delay_ms": assistant["first_sentence_delay_ms"],
            "is_cancelled": False,
            "is_completed": False,
            "llm_model": assistant["llm_model"],
            "metadata": metadata,
            "prompt_variables": variables,
            "organization_id": world.organization_id,
            "scheduled_at": scheduled_at,
            "created_at": now,
            "updated_at": now,
            "outcome": None,
            "outcome_summary": None,
            "follow_up_emails": None,
            "slack_channel_ids": None,
        }
        order = Order(
            call, assistant, story_for(number), as_seconds(scheduled_at or now), stored_assistant, skip_window, key,
            campaign["id"] if campaign else None,
        )  # fmt: skip
        world.orders[call["id"]], world.book[call["id"]] = call, order
        if launched:
            self._wait(order, ACCEPTING_S, lambda: self._admit(order))
        return order

    def launch(self, order: Order, at_s: float | None = None) -> None:
        """Set off a call of a campaign, or set it off again."""
        order.not_before_s = self._world.moment_s if at_s is None else at_s
        if at_s is not None:
            order.call["scheduled_at"] = as_stamp(at_s)
        order.call |= {"outcome": None, "outcome_summary": None}
        self._become(order, "initializing")
        self._wait(order, ACCEPTING_S, lambda: self._admit(order))

    def pause(self, order: Order) -> None:
        """Start no new attempt until `resume`; the one under way goes on to its end.

        Raises:
            Illegal: It is over, paused already or never launched.
        """
        if order.ended or order.hold or order.status in ("paused", "not_launched", "post_processing"):
            raise Illegal(f"a call that is {'about to be paused' if order.hold else order.status} cannot be paused")
        if order.attempt is not None:
            order.hold = True
        else:
            self._call_off(order)
            self._become(order, "paused")

    def resume(self, order: Order) -> None:
        """Go on where `pause` left off.

        Raises:
            Illegal: It is not paused.
        """
        if order.hold:
            order.hold = False
        elif order.status == "paused":
            self._admit(order)
        else:
            raise Illegal(f"a call that is {order.status} cannot be resumed")

    def cancel(self, order: Order, *, hang_up: bool | None = None) -> None:
        """End the order for good.

        Raises:
            Illegal: It has ended already.
        """
        if order.ended:
            raise Illegal(f"a call that is {order.status} cannot be cancelled")
        self._call_off(order)
        if order.attempt is not None:
            if not (self._world.switches.cancel_hangs_up if hang_up is None else hang_up):
                order.doomed = True
                return
            order.attempt.hang_up()
        self._close(order, "cancelled")
        self.pump()

    def pump(self) -> None:
        """Dial whoever may be dialed now; first come, first served among those who share a limit."""
        for lane in list(self._world.waiting.values()):
            while lane and self._line_free(order := next(iter(lane.values()))):
                del lane[order.call["id"]]
                self._dial(order)

    def _admit(self, order: Order) -> None:
        """Find out when the order may dial, and let it wait for that."""
        world = self._world
        if order.story.errored:
            self._close(order, "errored")
            return
        missing = declared_variables(order.assistant) - set(order.call["prompt_variables"] or {})
        if missing and world.switches.missing_variable == "errored":
            self._close(order, "errored")
            return
        now_s = world.moment_s
        moment_s = max(order.not_before_s, now_s)
        opens_s: float | None = moment_s
        if not order.skip_window:
            opens_s = next_opening(self.retry_config(order), moment_s, self._zone(order))
        if opens_s is None or opens_s > now_s:
            for_window = opens_s is None or order.not_before_s <= now_s
            self._become(order, world.switches.status_outside_window if for_window else "scheduled")
            if opens_s is None:
                return
            if world.switches.scheduled_at_moves:
                order.call["scheduled_at"] = as_stamp(opens_s)
            self._wait_until(order, opens_s, lambda: self._admit(order))
            return
        self._become(order, "queued_for_calling")
        first = not order.call["calls_count"]
        self._wait(order, order.story.queue_s if first else 1.0, lambda: self._enqueue(order))
        if order.story.elsewhere and not order.touched:
            order.touched = True
            meddle = self.pause if order.story.elsewhere == "pauses" else self.cancel
            self._wait(order, 1.0, lambda: meddle(order))

    def _enqueue(self, order: Order) -> None:
        self._world.waiting.setdefault(order.lane, {})[order.call["id"]] = order
        self.pump()

    def _line_free(self, order: Order) -> bool:
        switches, live = self._world.switches, self._world.live.values()
        if len(live) >= switches.organization_limit:
            return False
        if order.key and sum(each.key == order.key for each in live) >= switches.key_limit:
            return False
        campaign = self._world.campaigns.get(order.campaign_id or "")
        if campaign is None:
            return True
        limit = campaign.data.get("max_concurrent_calls")
        alike = sum(each.campaign_id == order.campaign_id for each in live)
        return not campaign.paused and (limit is None or alike < limit)

    def _dial(self, order: Order) -> None:
        self._become(order, "calling")
        number = order.call["calls_count"]
        act = order.story.acts[min(number, len(order.story.acts) - 1)]
        self._world.live[order.call["id"]] = order
        order.attempt = Attempt(self._world, order, act, then=lambda plan: self._after(order, plan))
        order.attempt.start()

    def _after(self, order: Order, plan: Plan) -> None:
        """Decide what follows an attempt: another one, or the end."""
        world = self._world
        self._hung_up(order)
        if order.doomed:
            self._close(order, "cancelled")
            self.pump()
            return
        config = self.retry_config(order)
        tries_again = (plan.dial_error or plan.result) in world.switches.retried
        if tries_again and order.call["calls_count"] < config["max_retry_attempts"]:
            twice = config["call_twice_in_a_row"] and order.call["calls_count"] == 1
            pause_s = 0.0 if twice else retry_delay_s(config, world.moment_s, self._zone(order))
            order.not_before_s = world.moment_s + pause_s
            order.skip_window = order.skip_window and world.switches.skip_window_covers_retries
            if order.hold:
                order.hold = False
                self._become(order, "paused")
            else:
                self._admit(order)
        else:
            order.hold = False
            self._become(order, "post_processing")
            reached = plan.talk_s is not None
            last = world.switches.exhausted if tries_again else "completed"
            self._wait(order, 4.0 if reached else 1.0, lambda: self._close(order, last))
        self.pump()

    def _close(self, order: Order, status: str) -> None:
        self._hung_up(order)
        self._become(order, status)
        if status in self._world.switches.webhook_on:
            announce(self._world, order.call, order.assistant)

    def _become(self, order: Order, status: str) -> None:
        order.call |= {
            "status": status,
            "is_cancelled": status == "cancelled",
            "is_completed": status == "completed",
            "updated_at": self._world.stamp(),
        }

    def _wait(self, order: Order, seconds: float, act: Callable[[], None]) -> None:
        """Plan what happens to the order next, in place of what was planned before."""
        self._wait_until(order, self._world.moment_s + seconds, act)

    def _wait_until(self, order: Order, moment_s: float, act: Callable[[], None]) -> None:
        if order.next_event is not None:
            order.next_event.off = True
        order.next_event = self._world.at(moment_s, act)

    def _call_off(self, order: Order) -> None:
        if order.next_event is not None:
            order.next_event.off = True
        self._world.waiting.get(order.lane, {}).pop(order.call["id"], None)

    def _hung_up(self, order: Order) -> None:
        order.attempt = None
        self._world.live.pop(order.call["id"], None)

    @staticmethod
    def retry_config(order: Order) -> dict[str, Any]:
        """The rules for its attempts: the campaign's, else the assistant's, else Revox's."""
        return {**DEFAULT_RETRY, **(order.call["call_retry_config"] or {})}

    def _zone(self, order: Order) -> Any:
        return zone_of(order.call["to_phone_number"], self.retry_config(order), self._world.switches.real_zones)
