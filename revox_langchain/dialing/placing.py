"""Place a call: at most one order per intent, whatever dies on the way.

The intent's id is a function of what is wanted, and travels in the order's metadata, so Revox itself is the ledger.
One flow does it everywhere: look for the mark, check, reserve, `POST /call` once, look again. What is lost on the way
back is looked for, never sent a second time.

The promise has limits. It rests on a new order showing up in search within `settle_s`. Of two processes that dial the
same intent at the same moment one order stays and the other is cancelled as soon as the search shows it; it may have
rung. Attempts within an order are Revox's own.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.hours import unix_s
from revox_langchain.dialing.intent import MARK, Intent, Order, Placed, outcome_of
from revox_langchain.dialing.locks import holding
from revox_langchain.dialing.marks import look, pauses_s, settle, unknown
from revox_langchain.errors import (
    InvalidInput,
    RevoxToolError,
)  # fmt: skip
from revox_langchain.flow import Event, Flow, Pause
from revox_langchain.operations.calls import CancelCall, GetCall, MakeCall
from revox_langchain.phone import Phone
from revox_langchain.results.call import ENDED


class Earlier(Enum):
    """What is known of earlier dials of an intent, which decides how `place` goes about this one."""

    NONE = "none"
    """None that anyone knows of: one look, then dial. What this process itself sent before is not repeated."""

    DECIDED = "decided"
    """There may have been one, and a person, the caller's code or a new run decided to dial: look well, then dial."""

    POSSIBLE = "possible"
    """There may have been one, and nobody decided: look well, and never dial."""


def place(
    order: Order,
    guard: Guard,
    *,
    earlier: Earlier = Earlier.NONE,
) -> Flow[Placed]:
    """Place the call, unless an order with this intent's mark exists already.

    A flow: nothing happens until `run(place(...), connection)` or `await arun(...)` drives it.

    Args:
        order: What to place.
        guard: What may be dialed.
        earlier: What is known of earlier dials of this intent.

    Raises:
        Refused: By the guard or by Revox; nothing was placed.
        InvalidInput: Revox does not take the order; nothing was placed.
        RateLimited: Revox keeps saying to slow down; nothing was placed.
        Unavailable: The connection did not open; nothing was placed.
        PlacementUnknown: It may have been placed. It was not placed twice.
    """
    request = order.request
    if MARK in (request.metadata or {}):
        raise InvalidInput(f"metadata: the key {MARK!r} is reserved.", next_step="Give your label another name.")
    phone = guard.check_number(request.phone_number)
    # By number, which covers the intent: of two call requests to one number the second sees the first one's order.
    return (
        yield from holding(
            phone.e164,
            lambda: _place_alone(order, phone, guard, earlier),
        )
    )


def recover(intent_id: str, phone_number: str, guard: Guard | None = None) -> Flow[Placed | None]:
    """Look for the order of an intent whose outcome was unknown; never dials.

    A flow: nothing happens until `run(recover(...), connection)` or `await arun(...)` drives it.

    Args:
        intent_id: As `PlacementUnknown` gave it.
        phone_number: E.164.
        guard: Its policy says how far back and how long to look.

    Returns:
        The order, or None: it did not show up within `settle_s`.

    Raises:
        InvalidInput: The number is none.
        PlacementUnknown: Revox could not be searched.
    """
    guard = guard or Guard()
    # Parsed, not checked: what may no longer be dialed can still be looked for.
    request = MakeCall.parse({"phone_number": phone_number, "assistant_id": "recover"})
    order = Order(request, Intent(intent_id, durable=True))
    found = yield from settle(order, guard)
    return (yield from _keep_earliest(found.marked, intent_id, adopted=True, cancel=False)) if found.marked else None


def _place_alone(
    order: Order,
    phone: Phone,
    guard: Guard,
    earlier: Earlier,
) -> Flow[Placed]:
    request, intent_id = order.request, order.intent.intent_id
    # Still reserved: a POST of this intent was cancelled, or its outcome stayed unknown. One look proves nothing.
    sent_before = guard.budget.holds(intent_id)
    found = yield from (settle if sent_before or earlier is not Earlier.NONE else look)(order, guard)
    if found.marked:
        return (yield from _keep_earliest(found.marked, intent_id, adopted=True))
    if earlier is Earlier.POSSIBLE or (sent_before and earlier is Earlier.NONE):
        raise unknown(order, "An earlier run may have dialed, and no order shows up under its mark.")
    _refuse_recent(found.others, order, guard, (yield Pause(0)).now_s)
    yield from guard.check_history(phone)
    yield from guard.check_order(request, phone)
    reserved = guard.budget.reserve(intent_id, order.scope, order.cost, max_orders=guard.policy.max_orders)
    return (yield from _dial(order, guard, reserved))


def _dial(order: Order, guard: Guard, reserved: bool) -> Flow[Placed]:
    """Send the order; `reserved` says whether its budget is ours to give back, or an earlier dial's."""
    intent_id, policy = order.intent.intent_id, guard.policy
    metadata = {**(order.request.metadata or {}), MARK: intent_id}
    request = order.request.model_copy(update={"metadata": metadata})
    not_sent = waits = 0
    while True:
        yield Event({"type": "revox.dialing", "phone_number": request.phone_number, "intent_id": intent_id})
        sent_s = (yield Pause(0)).now_s
        try:
            answer = yield request
        except RevoxToolError as error:
            outcome = outcome_of(error)
            if outcome == "not_sent" and not_sent + 1 < policy.connect_attempts:
                not_sent += 1
                yield Pause(0.5 * 2**not_sent)
                continue
            if outcome == "rate_limited" and waits == 0 and (error.retry_after_s or 1.0) <= policy.patience_s:
                waits = 1
                yield Pause(error.retry_after_s or 1.0)
                try:
                    found = yield from look(order, guard)
                except RevoxToolError:
                    if reserved:
                        guard.budget.release(intent_id)
                    raise
                if found.marked:
                    return (yield from _keep_earliest(found.marked, intent_id, adopted=True))
                continue
            if outcome == "unknown":
                return (yield from _found_or_unknown(order, guard, error))
            if reserved:
                guard.budget.release(intent_id)
            raise
        call = answer.get("call")
        if not (isinstance(call, dict) and isinstance(call.get("id"), str) and call["id"]):
            return (yield from _found_or_unknown(order, guard, None))
        guard.clock_is_ahead(sent_s, unix_s(call.get("created_at")))
        yield Event({"type": "revox.ordered", "call_id": call["id"], "intent_id": intent_id})
        return (yield from _look_once_more(call, order, guard))


def _found_or_unknown(order: Order, guard: Guard, error: RevoxToolError | None) -> Flow[Placed]:
    yield Event({"type": "revox.looking", "intent_id": order.intent.intent_id,
                 "why": error.code if error else "answer"})  # fmt: skip
    found = yield from settle(order, guard)
    if found.marked:
        return (yield from _keep_earliest(found.marked, order.intent.intent_id, adopted=True))
    why = error.message if error else "Revox's answer held no call."
    raise unknown(order, why)


def _look_once_more(call: dict[str, Any], order: Order, guard: Guard) -> Flow[Placed]:
    """Look for a second order under the same mark, until the search shows our own: then it is up to date."""
    intent_id = order.intent.intent_id
    marked = [call]
    for pause_s in (0.0, *pauses_s(guard.policy.settle_s)):
        yield Pause(pause_s)
        try:
            found = yield from look(order, guard)
        except RevoxToolError:
            continue
        # Our own order as the search shows it, like the others: two processes must compare the same moments.
        own = next((other for other in found.marked if other["id"] == call["id"]), call)
        marked = [own, *(other for other in found.marked if other["id"] != call["id"])]
        if len(marked) > 1 or any(other["id"] == call["id"] for other in found.marked):
            return (yield from _keep_earliest(marked, intent_id, adopted=False, ours=str(call["id"])))
    note = f"The order did not show up in search within {guard.policy.settle_s:g} s of being placed."
    return Placed(call, intent_id, adopted=False, notes=(note,))


def _keep_earliest(
    marked: list[dict[str, Any]], intent_id: str, *, adopted: bool, ours: str | None = None, cancel: bool = True
) -> Flow[Placed]:
    """Keep the earliest order of a mark and cancel the others that still run; every process picks the same one.

    One that came to nothing is no reason to cut off one that runs.
    """
    first, *rest = sorted(
        marked,
        key=lambda call: (
            call.get("status") in ("cancelled", "errored"), unix_s(call.get("created_at")) or 0.0, str(call["id"])
        ),
    )  # fmt: skip
    cancelled: list[str] = []
    notes: list[str] = []
    for extra in rest:
        extra_id = str(extra["id"])
        if extra.get("status") in ENDED:
            continue
        if not cancel:
            notes.append(f"A second order {extra_id} of the same intent exists; cancel it with revox_cancel_call.")
            continue
        try:
            done, why = bool((yield CancelCall(call_id=extra_id)).get("success")), ""
        except RevoxToolError as error:
            done, why = False, f": {error.message}"
        if not done:
            # The other process cancels the same order; whose request comes second is refused.
            try:
                done = (yield GetCall(call_id=extra_id))["call"].get("status") == "cancelled"
            except (RevoxToolError, KeyError, AttributeError):
                done = False
        if done:
            cancelled.append(extra_id)
            notes.append(f"A second order {extra_id} of the same intent was cancelled; it may have rung.")
        else:
            notes.append(f"A second order {extra_id} of the same intent could not be cancelled{why or '.'}")
    return Placed(first, intent_id, adopted or str(first["id"]) != ours, tuple(cancelled), tuple(notes))


def _refuse_recent(others: list[dict[str, Any]], order: Order, guard: Guard, now_s: float) -> None:
    for call in others:
        to = str(call.get("to_phone_number") or order.request.phone_number)
        if _digits(to) != _digits(order.request.phone_number):
            continue
        rang_nobody = call.get("status") == "cancelled" and not call.get("call_attempts")
        placed_s = unix_s(call.get("created_at")) or unix_s(call.get("updated_at"))
        if (
            placed_s is None
            or rang_nobody
            or call.get("direction") == "inbound"
            or call.get("status") == "not_launched"
        ):
            continue
        guard.check_gap(order.request.phone_number, placed_s, now_s, str(call["id"]))


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal())
