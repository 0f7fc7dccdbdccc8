"""Place a call: at most one order per intent, whatever dies on the way.

The intent's id is a function of what is wanted, and travels in the order's metadata, so Revox itself is the ledger.
One flow does it everywhere: look for the mark, check, reserve, `POST /call` once, look again. What is lost on the way
back is looked for, never sent a second time.

The promise has limits. It rests on a new order showing up in search within `settle_s`. Of two processes that dial the
same intent at the same moment one order stays and the other is cancelled as soon as the search shows it; it may have
rung. Attempts within an order are Revox's own.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.guard import Guard, unix_s
from revox_langchain.dialing.search import search_all
from revox_langchain.errors import (
    InvalidInput,
    PlacementUnknown,
    RateLimited,
    RevoxToolError,
    Unavailable,
)  # fmt: skip
from revox_langchain.flow import Event, Flow, Pause, Work
from revox_langchain.operations.calls import CancelCall, GetCall, GetCallHistory, MakeCall
from revox_langchain.operations.fields import ENDED

MARK = "revox_langchain_intent"
"""The one reserved key in an order's metadata."""

_NAMESPACE = uuid.UUID("6f1d2c80-5d0b-5b0e-9a53-7d1f0c5e2a41")
_DAY_S = 86_400.0
_LONGEST_IN_A_LOOP_S = 2.0
_LOCK = threading.Lock()
_BUSY: set[str] = set()


@dataclass(frozen=True, slots=True)
class Intent:
    """One wish for one call.

    Attributes:
        intent_id: UUID that marks the order.
        durable: False for a random id, which nobody can come back to.
    """

    intent_id: str
    durable: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place.

    Attributes:
        request: What to send, without the mark; its number is E.164.
        intent: Which wish it is for.
        scope: Thread or toolkit whose budget it counts against.
        cost: The worst it can cost.
    """

    request: MakeCall
    intent: Intent
    scope: str = "process"
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that exists.

    Attributes:
        call: The order as Revox gave it.
        intent_id: The mark it carries.
        adopted: Whether it was there already.
        cancelled: Ids of further orders under the same mark, which were cancelled.
        notes: What else there is to say.
    """

    call: dict[str, Any]
    intent_id: str
    adopted: bool
    cancelled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def call_id(self) -> str:
        """Id of the order."""
        return str(self.call["id"])

    def as_dict(self) -> dict[str, Any]:
        """The order in Revox's wrapper, with what is known of its placing beside it."""
        return {
            "call": self.call,
            "intent_id": self.intent_id,
            "adopted": self.adopted,
            "cancelled_duplicates": list(self.cancelled),
            "notes": list(self.notes),
        }


def make_intent(
    *,
    phone_number: str,
    prompt: str | None = None,
    assistant_id: str | None = None,
    prompt_variables: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
    scope: str | None = None,
    intent: str | None = None,
) -> Intent:
    """Derive the id of an intent: the same wish gives the same id, in every process and on every machine.

    Args:
        phone_number: E.164.
        prompt: What the assistant must do, or
        assistant_id: who does it.
        prompt_variables: Values for the prompt; none and empty are the same.
        scheduled_at: When, with an offset; compared in UTC.
        scope: The LangGraph thread.
        intent: The caller's name for the wish; a new name is a new wish.

    Returns:
        The intent; with neither scope nor name it is random, and `durable` says so.
    """
    if scope is None and intent is None:
        return Intent(str(uuid.uuid4()), durable=False)
    wish = {
        "assistant_id": assistant_id,
        "intent": intent,
        "phone_number": phone_number,
        "prompt": prompt,
        "prompt_variables": dict(prompt_variables or {}),
        "scheduled_at": scheduled_at.astimezone(UTC).isoformat() if scheduled_at else None,
        "scope": scope,
    }
    canonical = json.dumps(wish, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Intent(str(uuid.uuid5(_NAMESPACE, canonical)), durable=True)


def place(
    order: Order,
    guard: Guard,
    *,
    first_look: Literal["once", "settle"] = "once",
    may_dial: bool = True,
    may_repeat: bool = False,
) -> Flow[Placed]:
    """Place the call, unless an order with this intent's mark exists already.

    A flow: nothing happens until `run(place(...), connection)` or `await arun(...)` drives it.

    Args:
        order: What to place.
        guard: What may be dialed.
        first_look: `settle` keeps looking for `settle_s` before it believes that there is no order.
        may_dial: False never dials: it adopts the order or raises `PlacementUnknown`.
        may_repeat: Dial also if this process sent this intent before and nobody knows what came of it; somebody
            decided so.

    Raises:
        Refused: By the guard or by Revox; nothing was placed.
        InvalidInput: Revox does not take the order; nothing was placed.
        RateLimited: Revox keeps saying to slow down; nothing was placed.
        Unavailable: The connection did not open; nothing was placed.
        PlacementUnknown: It may have been placed. It was not placed twice.
    """
    request, intent_id = order.request, order.intent.intent_id
    if MARK in (request.metadata or {}):
        raise InvalidInput(f"metadata: the key {MARK!r} is reserved.", next_step="Give your label another name.")
    phone = guard.check_number(request.phone_number)
    # By number, which covers the intent: of two wishes for one number the second is to see the first one's order.
    yield from acquire(phone.e164)
    try:
        # Still reserved: a POST of this intent was cancelled, or its outcome stayed unknown. One look proves nothing.
        sent_before = guard.budget.holds(intent_id)
        sight = yield from (_settle if first_look == "settle" or sent_before else _look)(order, guard)
        if sight.marked:
            return (yield from _keep_earliest(sight.marked, intent_id, adopted=True))
        if not may_dial or (sent_before and not may_repeat):
            raise _unknown(order, "An earlier run may have dialed, and no order shows up under its mark.")
        _refuse_recent(sight.others, order, guard, (yield Pause(0)).now_s)
        yield from guard.check_history(phone)
        yield from guard.check_order(request, phone)
        reserved = guard.budget.reserve(intent_id, order.scope, order.cost, max_orders=guard.policy.max_orders)
        return (yield from _dial(order, guard, reserved))
    finally:
        release(phone.e164)


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
    sight = yield from _settle(order, guard)
    return (yield from _keep_earliest(sight.marked, intent_id, adopted=True, cancel=False)) if sight.marked else None


def outcome_of(error: RevoxToolError) -> Literal["refused", "rate_limited", "not_sent", "unknown"]:
    """Say what a failed `POST /call` means for the phone.

    `refused`: not placed. `rate_limited`: not accepted now. `not_sent`: never left. `unknown`: anything else; it may
    ring.
    """
    if isinstance(error, Unavailable) and not error.sent:
        return "not_sent"
    if isinstance(error, RateLimited):
        return "rate_limited"
    status = error.http_status
    if status is None:
        # Without an answer only what was refused before sending is certain.
        return "refused" if error.kind in ("invalid", "refused", "auth") else "unknown"
    return "refused" if 400 <= status < 500 and status not in (408, 409, 425, 429) else "unknown"


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a look showed: orders with the mark, and others to the same number, newest first."""

    marked: list[dict[str, Any]]
    others: list[dict[str, Any]]


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
                    sight = yield from _look(order, guard)
                except RevoxToolError:
                    if reserved:
                        guard.budget.release(intent_id)
                    raise
                if sight.marked:
                    return (yield from _keep_earliest(sight.marked, intent_id, adopted=True))
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
    sight = yield from _settle(order, guard)
    if sight.marked:
        return (yield from _keep_earliest(sight.marked, order.intent.intent_id, adopted=True))
    why = error.message if error else "Revox's answer held no call."
    raise _unknown(order, why)


def _look_once_more(call: dict[str, Any], order: Order, guard: Guard) -> Flow[Placed]:
    """Look for a second order under the same mark, until the search shows our own: then it is up to date."""
    intent_id = order.intent.intent_id
    marked = [call]
    for pause_s in (0.0, *_pauses_s(guard.policy.settle_s)):
        yield Pause(pause_s)
        try:
            sight = yield from _look(order, guard)
        except RevoxToolError:
            continue
        # Our own order as the search shows it, like the others: two processes must compare the same moments.
        own = next((other for other in sight.marked if other["id"] == call["id"]), call)
        marked = [own, *(other for other in sight.marked if other["id"] != call["id"])]
        if len(marked) > 1 or any(other["id"] == call["id"] for other in sight.marked):
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


def _settle(order: Order, guard: Guard) -> Flow[_Sight]:
    """Keep looking, with growing pauses, until the mark shows up or `settle_s` is over."""
    sight = _Sight([], [])
    failed: RevoxToolError | None = None
    for pause_s in (0.0, *_pauses_s(guard.policy.settle_s)):
        yield Pause(pause_s)
        try:
            sight, failed = (yield from _look(order, guard)), None
        except RevoxToolError as error:
            failed = error
            continue
        if sight.marked:
            return sight
    if failed is not None:
        raise _unknown(order, f"Revox could not be searched ({failed.code}).")
    return sight


def _look(order: Order, guard: Guard) -> Flow[_Sight]:
    """Search the orders to this number, back to `look_back_days`, for the mark."""
    now_s = (yield Pause(0)).now_s
    oldest_s = now_s - guard.policy.look_back_days * _DAY_S
    found = yield from search_all(
        GetCallHistory(to_phone_number=order.request.phone_number),
        # Only where the newest come first, which Revox does not promise, do old ones end the list.
        seen_enough=lambda rows: _newest_first(rows) and all(_older(call, oldest_s) for call in rows.values()),
        sure=lambda seen: bool(_marked(seen, order)),
    )
    marked = _marked(found.calls, order)
    ours = {call["id"] for call in marked}
    return _Sight(marked, [call for call in found.calls.values() if call["id"] not in ours])


def _marked(seen: Mapping[str, dict[str, Any]], order: Order) -> list[dict[str, Any]]:
    return [call for call in seen.values() if _mark_of(call) == order.intent.intent_id]


def _mark_of(call: Mapping[str, Any]) -> str | None:
    metadata = call.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return None
    return metadata.get(MARK) if isinstance(metadata, Mapping) else None


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


def acquire(name: str) -> Flow[None]:
    """Take a number, or a name to create something under, within this process.

    Trying and pausing, not blocking: two coroutines may share a thread.
    """
    begun_s = time.monotonic()
    while True:
        with _LOCK:
            if name not in _BUSY:
                _BUSY.add(name)
                return
        yield Work(partial(_let_others_go_on, begun_s))


def _let_others_go_on(begun_s: float) -> None:
    # On the wall, whatever clock Revox keeps: what is waited for happens in this process.
    time.sleep(0.005)
    if time.monotonic() - begun_s > _LONGEST_IN_A_LOOP_S and _in_a_loop():
        # A sync call inside an event loop holds up the very coroutine it waits for.
        raise Unavailable(
            "Another call to this number is being placed, and waiting for it here would hold it up for ever.",
            code="busy", sent=False, retry_safe=True, next_step="Use ainvoke in async code.",
        )  # fmt: skip


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def release(name: str) -> None:
    """Let it go again."""
    with _LOCK:
        _BUSY.discard(name)


def _unknown(order: Order, why: str) -> PlacementUnknown:
    return PlacementUnknown(
        f"It is not known whether the call was placed. {why}",
        intent_id=order.intent.intent_id,
        phone_number=order.request.phone_number,
    )


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal())


def _older(call: Mapping[str, Any], oldest_s: float) -> bool:
    created_s = unix_s(call.get("created_at"))
    return created_s is not None and created_s < oldest_s


def _newest_first(rows: Mapping[str, dict[str, Any]]) -> bool:
    moments = [unix_s(call.get("created_at")) or 0.0 for call in rows.values()]
    return len(moments) < 2 or moments[0] >= moments[-1]


def _pauses_s(settle_s: float) -> list[float]:
    """Growing pauses that add up to `settle_s`."""
    pauses: list[float] = []
    pause_s = 1.0
    while (left := settle_s - sum(pauses)) > 0:
        pauses.append(min(pause_s, left))
        pause_s *= 2
    return pauses
