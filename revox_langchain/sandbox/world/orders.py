"""The life of a call order: from the request to its end, over as many attempts as it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.extraction import contact_of
from revox_langchain.sandbox.people.plan import Plan
from revox_langchain.sandbox.people.stories import story_for, story_of_caller
from revox_langchain.sandbox.world.assistants import declared_variables
from revox_langchain.sandbox.world.attempts import Attempt
from revox_langchain.sandbox.world.callers import look_up
from revox_langchain.sandbox.world.records import CallRequest, Order
from revox_langchain.sandbox.world.timeline import as_seconds, as_stamp
from revox_langchain.sandbox.world.webhooks import announce
from revox_langchain.sandbox.world.windows import DEFAULT_RETRY, next_opening, retry_delay_s, zone_of
from revox_langchain.sandbox.world.world import World

ACCEPTING_S = 1.0
"""How long a new order is `initializing`."""

LOOKING_UP_S = 0.2
"""From the moment somebody calls until the caller is looked up."""


class Illegal(Exception):
    """The order's status does not allow this."""


class Dispatcher:
    """Places orders, dials them when their limits allow it, and pauses, resumes and cancels them.

    It has no state of its own: all of it is in the world.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def place(self, request: CallRequest) -> Order:
        """Accept an order; it starts by itself unless it belongs to a campaign that is not launched."""
        world = self._world
        call = _accepted(world, request)
        order = Order(
            call,
            request.assistant,
            story_for(request.number),
            not_before_s=as_seconds(request.scheduled_at) if request.scheduled_at else world.moment_s,
            stored_assistant=request.stored_assistant,
            skip_window=request.skip_window,
            key=request.key,
            campaign_id=request.campaign["id"] if request.campaign else None,
        )
        world.keep(order)
        if request.launched:
            self._wait(order, ACCEPTING_S, lambda: self._admit(order))
        return order

    def receive(self, request: CallRequest) -> Order:
        """Let somebody call: look the caller up, and answer."""
        world = self._world
        order = Order(
            _accepted(world, request),
            request.assistant,
            story_of_caller(request.from_number),
            not_before_s=world.moment_s,
            stored_assistant=request.stored_assistant,
        )
        world.keep(order)
        self._wait(order, LOOKING_UP_S, lambda: look_up(world, order, lambda known: self._answer(order, known)))
        return order

    def launch(self, order: Order, at_s: float | None = None) -> None:
        """Start a call of a campaign, or start it again."""
        order.not_before_s = self._world.moment_s if at_s is None else at_s
        if at_s is not None:
            order.call["scheduled_at"] = as_stamp(at_s)
        order.call |= {"outcome": None, "outcome_summary": None}
        self._set_status(order, "initializing")
        self._wait(order, ACCEPTING_S, lambda: self._admit(order))

    def pause(self, order: Order) -> None:
        """Start no new attempt until `resume`; the one under way runs to its end.

        Raises:
            Illegal: It has ended, is paused already, was never launched, or is inbound.
        """
        if order.inbound:
            raise Illegal("a call that somebody made to us cannot be paused")
        if order.ended or order.hold or order.status in ("paused", "not_launched", "post_processing"):
            raise Illegal(f"a call that is {'about to be paused' if order.hold else order.status} cannot be paused")
        if order.attempt is not None:
            order.hold = True
        else:
            self._call_off(order)
            self._set_status(order, "paused")

    def resume(self, order: Order) -> None:
        """Continue a paused order.

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

        Args:
            order: The order.
            hang_up: Whether to end the attempt under way as well; the switches decide if left out.

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
        """Dial every order whose limits allow it; within a lane, first come, first served."""
        waiting, live, limit = self._world.waiting, self._world.live, self._world.switches.organization_limit
        for name, lane in list(waiting.items()) if len(live) < limit else ():
            while lane and self._within_limits(order := next(iter(lane.values()))):
                del lane[order.call["id"]]
                self._dial(order)
            if not lane:
                del waiting[name]
            if len(live) >= limit:
                return

    def _answer(self, order: Order, known: JsonObject | None) -> None:
        """Answer a caller of whom this is known; of None is known that the call cannot be answered."""
        if order.ended:
            return
        order.call["prompt_variables"] = known or None
        order.call["contact"] = contact_of(known)
        if known is None or order.story.errored:
            self._close(order, "errored")
        else:
            self._dial(order)

    def _admit(self, order: Order) -> None:
        """Work out when the order may dial, and let it wait until then."""
        missing = declared_variables(order.assistant) - set(order.call["prompt_variables"] or {})
        if order.story.errored or (missing and self._world.switches.missing_variable == "errored"):
            self._close(order, "errored")
            return
        opens_s = self._opening(order)
        if opens_s is None or opens_s > self._world.moment_s:
            self._schedule(order, opens_s)
            return
        self._set_status(order, "queued_for_calling")
        first = not order.call["calls_count"]
        self._wait(order, order.story.queue_s if first else 1.0, lambda: self._enqueue(order))
        if order.story.elsewhere and not order.touched:
            order.touched = True
            intervene = self.pause if order.story.elsewhere == "pauses" else self.cancel
            self._wait(order, 1.0, lambda: intervene(order))

    def _opening(self, order: Order) -> float | None:
        """When the order may dial at the earliest; None if its calling windows never open."""
        moment_s = max(order.not_before_s, self._world.moment_s)
        if order.skip_window or self._world.switches.calling_hours is False:
            return moment_s
        return next_opening(retry_config(order), moment_s, self._zone(order))

    def _schedule(self, order: Order, opens_s: float | None) -> None:
        switches = self._world.switches
        for_window = opens_s is None or order.not_before_s <= self._world.moment_s
        self._set_status(order, switches.status_outside_window if for_window else "scheduled")
        order.waits, order.waits_until_s = True, opens_s
        if opens_s is None:
            return
        if switches.scheduled_at_moves:
            order.call["scheduled_at"] = as_stamp(opens_s)
        self._wait_until(order, opens_s, lambda: self._admit(order))

    def _enqueue(self, order: Order) -> None:
        self._world.waiting.setdefault(order.lane, {})[order.call["id"]] = order
        self.pump()

    def _within_limits(self, order: Order) -> bool:
        switches, live = self._world.switches, self._world.live
        if len(live) >= switches.organization_limit:
            return False
        if order.key and live.by_key[order.key] >= switches.key_limit:
            return False
        campaign = self._world.campaigns.get(order.campaign_id or "")
        if campaign is None:
            return True
        limit = campaign.data.get("max_concurrent_calls")
        return not campaign.paused and (limit is None or live.by_campaign[order.campaign_id] < limit)

    def _dial(self, order: Order) -> None:
        self._set_status(order, "calling")
        number = order.call["calls_count"]
        act = order.story.acts[min(number, len(order.story.acts) - 1)]
        self._world.live.add(order)
        attempt = Attempt(self._world, order, act, then=lambda plan: self._after(order, plan))
        order.attempt = attempt
        attempt.start()

    def _after(self, order: Order, plan: Plan) -> None:
        """Decide what follows an attempt: another one, or the end."""
        switches = self._world.switches
        self._forget_attempt(order)
        tries_again = not order.inbound and (plan.dial_error or plan.result) in switches.retried
        if order.doomed:
            self._close(order, "cancelled")
        elif tries_again and order.call["calls_count"] < retry_config(order)["max_retry_attempts"]:
            self._retry(order)
        else:
            order.hold = False
            self._set_status(order, "post_processing")
            last = switches.exhausted if tries_again else "completed"
            # Recording, transcript and outcome arrive within these four seconds.
            self._wait(order, 1.0 if plan.talk_s is None else 4.0, lambda: self._close(order, last))
        self.pump()

    def _retry(self, order: Order) -> None:
        world, config = self._world, retry_config(order)
        twice = config["call_twice_in_a_row"] and order.call["calls_count"] == 1
        pause_s = 0.0 if twice else retry_delay_s(config, world.moment_s, self._zone(order))
        order.not_before_s = world.moment_s + pause_s
        order.skip_window = order.skip_window and world.switches.skip_window_covers_retries
        if order.hold:
            order.hold = False
            self._set_status(order, "paused")
        else:
            self._admit(order)

    def _close(self, order: Order, status: str) -> None:
        self._forget_attempt(order)
        self._set_status(order, status)
        if status in self._world.switches.webhook_on:
            announce(self._world, order.call, order.assistant)

    def _set_status(self, order: Order, status: str) -> None:
        order.call |= {
            "status": status,
            "is_cancelled": status == "cancelled",
            "is_completed": status == "completed",
            "updated_at": self._world.stamp(),
        }
        order.waits, order.waits_until_s = False, None

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

    def _forget_attempt(self, order: Order) -> None:
        order.attempt = None
        self._world.live.discard(order)

    def _zone(self, order: Order) -> tzinfo:
        return zone_of(order.call["to_phone_number"], retry_config(order), self._world.switches.real_zones)


def retry_config(order: Order) -> JsonObject:
    """The rules for an order's attempts: the campaign's, else the assistant's, else Revox's."""
    return {**DEFAULT_RETRY, **(order.call["call_retry_config"] or {})}


def _accepted(world: World, request: CallRequest) -> JsonObject:
    """A new order as the API shows it."""
    assistant, now = request.assistant, world.stamp()
    return {
        "id": world.new_id("order"),
        "status": "initializing" if request.launched else "not_launched",
        "direction": "inbound" if request.inbound else "outbound",
        "to_phone_number": request.number,
        "from_phone_number": request.from_number,
        "assistant": request.shown_assistant,
        "assignee": None,
        "call_attempts": [],
        "last_call_attempt": None,
        "calls_count": 0,
        "call_retry_config": request.retry or assistant["call_retry_config"],
        "campaign": request.campaign,
        "contact": contact_of(request.variables),
        "first_sentence_delay_ms": assistant["first_sentence_delay_ms"],
        "is_cancelled": False,
        "is_completed": False,
        "llm_model": assistant["llm_model"],
        "metadata": request.metadata,
        "prompt_variables": request.variables,
        "organization_id": world.organization_id,
        "scheduled_at": request.scheduled_at,
        "created_at": now,
        "updated_at": now,
        "outcome": None,
        "outcome_summary": None,
        "follow_up_emails": None,
        "slack_channel_ids": None,
    }
