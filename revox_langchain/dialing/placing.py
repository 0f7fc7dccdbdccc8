"""Place a call: at most one order per intent, whatever dies on the way.

The intent's id is a function of what is asked for, and travels in the order's metadata, so Revox itself is the ledger.
One flow does it everywhere: look for the mark, check, reserve, `POST /call` once, look again. An answer that
is lost on the way back is looked for, and the order never sent a second time.

The promise has limits. It rests on a new order showing up in search within `settle_s`. Of two processes that dial the
same intent at the same moment one order stays and the other is cancelled as soon as the search shows it; it may have
rung. Attempts within an order are Revox's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import TypeVar

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import configuration_of, differences, digest, merged
from revox_langchain.dialing.duplicates import cancel_order, keep_earliest
from revox_langchain.dialing.earlier import with_age
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Intent, Order, Placed, refuse_reserved
from revox_langchain.dialing.locks import holding
from revox_langchain.dialing.marks import FoundOrders, look, mark_of, pauses_s, settle, unknown
from revox_langchain.dialing.sent import SENT
from revox_langchain.dialing.spending import counting, spending
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
    Unavailable,
    outcome_of,
)
from revox_langchain.flow import Event, Flow, Pause
from revox_langchain.operations.calls import GetCall
from revox_langchain.phone import Phone, parse_phone
from revox_langchain.results.order import id_of, order_in, unix_s

T = TypeVar("T")


class Earlier(Enum):
    """What is known of earlier dials of an intent, which decides how `place` goes about this one."""

    NONE = "none"
    """None is known: one look, then dial. What this process itself sent before is not repeated."""

    DECIDED = "decided"
    """There may have been one, and a person, the caller's code or a new run decided to dial: look well, then dial."""

    POSSIBLE = "possible"
    """There may have been one, and no one decided: look well, and never dial."""


def place(order: Order, guard: Guard, *, earlier: Earlier = Earlier.NONE) -> Flow[Placed]:
    """Place the call, unless an order with this intent's mark exists already.

    A flow: nothing happens until `run(place(...), connection)` or `await arun(...)` drives it.

    Args:
        order: What to place.
        guard: What may be dialed.
        earlier: What is known of earlier dials of this intent.

    Raises:
        Refused: By the guard or by Revox; nothing was placed. With code `search_incomplete` if the search may have
            missed an order of this intent, and `intent_conflict` if one exists for something else.
        InvalidInput: Revox does not take the order; nothing was placed.
        RateLimited: Revox keeps saying to slow down; nothing was placed.
        Unavailable: The connection did not open; nothing was placed.
        PlacementUnknown: It may have been placed. It was not placed twice.
    """
    request = order.request
    refuse_reserved(request.metadata)
    phone = guard.check_number(request.phone_number)
    # By number, which covers the intent: of two call requests to one number the second sees the first one's order.
    return (yield from holding(phone.e164, lambda: _place_alone(order, phone, guard, earlier)))


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
        InvalidInput: The number is not valid.
        PlacementUnknown: Revox could not be searched.
    """
    guard = guard or Guard()
    # Parsed, not checked: a number that may no longer be dialed can still be looked for.
    intent, number = Intent(intent_id, durable=True), parse_phone(phone_number).e164
    found = yield from settle(intent, number, guard.policy)
    if found.marked:
        return (yield from keep_earliest(found.marked, intent, cancel=False))
    if found.doubt and not guard.policy.trust_incomplete_search:
        raise unknown(intent_id, number, f"The search is incomplete: {found.doubt}.")
    return None


def _place_alone(order: Order, phone: Phone, guard: Guard, earlier: Earlier) -> Flow[Placed]:
    """Place the call while no other flow of this process is busy with its number."""
    intent_id, budget, tick = order.intent.intent_id, guard.budget, (yield Pause(0))
    pending = SENT.to(tick.account, phone.e164, tick.now_s)
    # A POST of this intent was cancelled, or its outcome stayed unknown. One look proves nothing.
    held = yield from _not_placed(budget.asked(lambda: budget.holds(intent_id)))
    sent_before = held or not order.intent.marks.isdisjoint(pending)
    if sent_before or earlier is not Earlier.NONE:
        found = yield from settle(order.intent, phone.e164, guard.policy)
    else:
        found = yield from _not_placed(_first_look(order, guard, pending, tick.now_s))
    given_up = earlier is Earlier.POSSIBLE or (sent_before and earlier is Earlier.NONE)
    if held and (found.marked or given_up):
        # Whoever reserved it may be dead; there is an order, or may be one.
        yield from counting(budget, intent_id)
    if found.marked:
        placed = yield from _adopted(found.marked, order)
        return with_age(placed, order, tick.now_s if order.began_s is None else order.began_s, tick.now_s)
    if given_up:
        raise _unknown(order, "An earlier run may have dialed, and no order shows up under its mark.")
    _refuse_doubt(found, order, guard)
    _refuse_recent(found.others, order, guard, (yield Pause(0)).now_s)
    yield from _not_placed(guard.check_history(phone))
    configuration, notes = yield from _not_placed(_checked(order, phone, guard))
    placed = yield from _within_budget(order, guard, Cost.of(configuration))
    placed = replace(placed, notes=(*placed.notes, *notes))
    return placed if placed.adopted else (yield from _as_checked(placed, configuration))


def _within_budget(order: Order, guard: Guard, cost: Cost) -> Flow[Placed]:
    """Dial with the worst case reserved."""
    intent_id, now_s = order.intent.intent_id, (yield Pause(0)).now_s
    limit = guard.policy.order_limit(order.within)

    def reserve() -> bool:
        return guard.budget.reserve(intent_id, order.scope, cost, max_orders=limit, within=order.within, now_s=now_s)

    def may_ring(error: RevoxToolError) -> bool:
        return isinstance(error, PlacementUnknown)

    reserving = _not_placed(guard.budget.asked(reserve))
    return (yield from spending(guard.budget, intent_id, reserving, _dial(order, guard), may_ring))


def _not_placed(reading: Flow[T]) -> Flow[T]:
    """Say of a read that failed before the dial that nothing was placed: its own words speak of another tool."""
    try:
        return (yield from reading)
    except (AnswerError, AuthError, RateLimited, Unavailable) as error:
        error.message = f"{error.message} No call was placed."
        if error.retry_safe or error.kind == "answer":
            error.next_step = f"Send the same call again, with the same phone_number. {error.next_step}".strip()
        raise


def _first_look(order: Order, guard: Guard, pending: Mapping[str, float], now_s: float) -> Flow[FoundOrders]:
    """Look once; longer only if the search cannot be believed yet."""
    policy, number = guard.policy, order.request.phone_number
    # Another intent's order to this number that is too young to be found is what `min_gap_s` is about.
    young_s = now_s - max(policy.settle_s, policy.min_gap_s)
    young = {intent_id for intent_id, sent_s in pending.items() if sent_s >= young_s}

    def enough(found: FoundOrders) -> bool:
        return found.doubt is None and young <= {mark_of(call) for call in found.others}

    found = yield from look(order.intent, number, policy)
    if found.marked or enough(found):
        return found
    return (yield from settle(order.intent, number, policy, enough=enough, sent=False))


def _adopted(marked: Sequence[JsonObject], order: Order) -> Flow[Placed]:
    """Take the order that exists, which ends the doubt about what this process has sent."""
    account = (yield Pause(0)).account
    for intent_id in order.intent.marks:
        SENT.drop(account, order.request.phone_number, intent_id)
    return (yield from keep_earliest(marked, order.intent))


def _refuse_doubt(found: FoundOrders, order: Order, guard: Guard) -> None:
    if found.doubt is None or guard.policy.trust_incomplete_search:
        return
    raise Refused(
        f"Whether this call was placed before cannot be told: the search is incomplete, {found.doubt}.",
        code="search_incomplete",
        next_step=(
            "Read the calls to this number with revox_get_call_history and tell the user what is there; nothing was "
            "placed now. In code: `revox-langchain doctor`, DialPolicy(trust_incomplete_search=True)."
        ),
        details={"intent_id": order.intent.intent_id},
    )


def _checked(order: Order, phone: Phone, guard: Guard) -> Flow[tuple[JsonObject, tuple[str, ...]]]:
    """Check what the order will use, as it is at this moment; returns it with warnings."""
    configuration = yield from configuration_of(order.sent)
    if order.approved is not None and digest(configuration) != order.approved:
        raise Refused(
            "The assistant is no longer the one that was approved.",
            code="configuration_changed",
            next_step="Look at the assistant again with revox_get_assistant, and approve the call as it is now.",
            details={"configuration_hash": digest(configuration)},
        )
    return configuration, (yield from guard.check_order(order.request, phone, configuration))


def _as_checked(placed: Placed, configuration: JsonObject) -> Flow[Placed]:
    """Cancel an order whose assistant, as Revox used it, is not the one that was checked."""
    used = placed.call.get("assistant")
    changed = differences(configuration, merged(used, placed.call)) if isinstance(used, dict) else []
    if not changed:
        return placed
    done, why = yield from cancel_order(placed.call_id)
    what = "was cancelled; it may have rung" if done else f"could not be cancelled{why or '.'}"
    note = f"Revox used another {', '.join(changed)} than was checked, so the order {what.rstrip('.')}."
    # Read again, so that the caller sees what became of it.
    try:
        call = order_in((yield GetCall(call_id=placed.call_id)))
    except RevoxToolError:
        call = None
    if call is None or id_of(call) != placed.call_id:
        call = placed.call
    return replace(placed, call=call, notes=(note, *placed.notes))


def _dial(order: Order, guard: Guard) -> Flow[Placed]:
    """Send the order, and again only where it is certain that Revox did not take it."""
    intent_id, policy = order.intent.intent_id, guard.policy
    metadata = {**(order.request.metadata or {}), **order.intent.metadata}
    request = order.sent.model_copy(update={"metadata": metadata})
    number = request.phone_number
    not_sent = waits = 0
    while True:
        yield Event({"type": "revox.dialing", "phone_number": request.phone_number, "intent_id": intent_id})
        tick = yield Pause(0)
        first = intent_id not in SENT.to(tick.account, number, tick.now_s)
        SENT.add(tick.account, number, intent_id, tick.now_s)
        try:
            answer = yield request
        except RevoxToolError as error:
            wait_s = error.retry_after_s or 1.0
            outcome = outcome_of(error)
            if outcome != "unknown" and first:
                SENT.drop(tick.account, number, intent_id)
            match outcome:
                case "unknown":
                    return (yield from _found_or_unknown(order, guard, error))
                case "not_sent" if not_sent + 1 < policy.connect_attempts:
                    not_sent += 1
                    yield Pause(0.5 * 2**not_sent)
                case "rate_limited" if waits == 0 and wait_s <= policy.patience_s:
                    waits = 1
                    yield Pause(wait_s)
                    found = yield from look(order.intent, number, policy)
                    if found.marked:
                        return (yield from _adopted(found.marked, order))
                    _refuse_doubt(found, order, guard)
                case _:
                    raise
        else:
            return (yield from _ordered(answer, tick.now_s, order, guard))


def _ordered(answer: JsonObject, sent_s: float, order: Order, guard: Guard) -> Flow[Placed]:
    """Read the answer to a dial; a success without an order's id is an unknown outcome."""
    call = order_in(answer)
    if call is None:
        return (yield from _found_or_unknown(order, guard, None))
    guard.clock_is_ahead(sent_s, unix_s(call.get("created_at")))
    yield Event({"type": "revox.ordered", "call_id": call["id"], "intent_id": order.intent.intent_id})
    return (yield from _look_once_more(call, order, guard))


def _found_or_unknown(order: Order, guard: Guard, error: RevoxToolError | None) -> Flow[Placed]:
    intent_id = order.intent.intent_id
    yield Event({"type": "revox.looking", "intent_id": intent_id, "why": error.code if error else "answer"})
    found = yield from settle(order.intent, order.request.phone_number, guard.policy)
    if found.marked:
        return (yield from _adopted(found.marked, order))
    # Looked for long enough: another intent to this number need not do so again.
    SENT.add((yield Pause(0)).account, order.request.phone_number, intent_id, float("-inf"))
    raise _unknown(order, error.message if error else "Revox's answer held no call.")


def _unknown(order: Order, why: str) -> PlacementUnknown:
    return unknown(order.intent.intent_id, order.request.phone_number, why)


def _look_once_more(call: JsonObject, order: Order, guard: Guard) -> Flow[Placed]:
    """Look for a second order under the same mark, until the search shows our own: then it is up to date."""
    intent, policy = order.intent, guard.policy
    marked = [call]
    for pause_s in (0.0, *pauses_s(policy.settle_s)):
        yield Pause(pause_s)
        try:
            found = yield from look(intent, order.request.phone_number, policy)
        except RevoxToolError:
            continue
        # Our own order as the search shows it, like the others: two processes must compare the same moments.
        own = next((other for other in found.marked if other["id"] == call["id"]), call)
        marked = [own, *(other for other in found.marked if other["id"] != call["id"])]
        if len(marked) > 1 or any(other["id"] == call["id"] for other in found.marked):
            SENT.drop((yield Pause(0)).account, order.request.phone_number, intent.intent_id)
            return (yield from keep_earliest(marked, intent, ours=str(call["id"])))
    note = f"The order did not show up in search within {policy.settle_s:g} s of being placed."
    return Placed(call, intent.intent_id, adopted=False, notes=(note,))


def _refuse_recent(others: Sequence[JsonObject], order: Order, guard: Guard, now_s: float) -> None:
    number = order.request.phone_number
    for call in others:
        if _digits(str(call.get("to_phone_number") or number)) != _digits(number) or not _may_have_rung(call):
            continue
        placed_s = unix_s(call.get("created_at")) or unix_s(call.get("updated_at"))
        if placed_s is not None:
            guard.check_gap(number, placed_s, now_s, str(call["id"]))


def _may_have_rung(call: JsonObject) -> bool:
    if call.get("direction") == "inbound" or call.get("status") == "not_launched":
        return False
    return call.get("status") != "cancelled" or bool(call.get("call_attempts"))


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal())
