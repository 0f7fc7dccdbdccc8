"""Calls that were placed before: what is said of one that is taken, and whether one may be repeated."""

from __future__ import annotations

from dataclasses import replace

from revox_langchain.dialing.intent import Order, Placed
from revox_langchain.errors import InvalidInput, NotFound, Refused
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import order_in, status_of, text_of, unix_s

_UNITS = ((604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"))


def with_age(placed: Placed, order: Order, began_s: float, now_s: float) -> Placed:
    """Say of an adopted order that it had ended before this run began, since it would look like today's success.

    Args:
        placed: The order that was found.
        order: What was asked for.
        began_s: When this run began.
        now_s: The time now.
    """
    placed_s = unix_s(placed.call.get("created_at"))
    if placed_s is None or placed_s >= began_s or status_of(placed.call) not in ENDED:
        return placed
    # A name is given by code, which can give another; a model gives an id, which it cannot make up.
    another = "another intent" if order.intent.named else f"repeat_of={placed.call_id}"
    age = ago(now_s - placed_s)
    warning = f"This call was placed {age} and had ended; no phone rang now. For another call give {another}."
    return replace(placed, placed_at=text_of(placed.call.get("created_at")), warning=warning)


def ago(seconds: float) -> str:
    """A time that has passed, in round words: `a week ago`, `3 hours ago`."""
    for unit_s, unit in _UNITS:
        count = int(seconds // unit_s)
        if count == 1:
            return f"{'an' if unit == 'hour' else 'a'} {unit} ago"
        if count > 1:
            return f"{count} {unit}s ago"
    return "a moment ago"


def check_repeat(call_id: str, phone_number: str) -> Flow[None]:
    """Check that there is an ended call to this number under the id, so that calling again is meant.

    Args:
        call_id: What `repeat_of` names.
        phone_number: E.164.

    Raises:
        Refused: With code `repeat_unknown`, `repeat_other_number` or `repeat_not_ended`.
    """
    try:
        order = order_in((yield GetCall(call_id=call_id)))
    except (NotFound, InvalidInput):
        order = None
    if order is None:
        raise Refused(
            f"repeat_of: there is no call {call_id!r}.",
            code="repeat_unknown",
            next_step="Leave repeat_of out, or give the id of an ended call to this number.",
        )
    if _digits(order.get("to_phone_number")) != _digits(phone_number):
        raise Refused(
            f"repeat_of: call {call_id} went to another number.",
            code="repeat_other_number",
            next_step="Leave repeat_of out, or give the id of an ended call to this number.",
        )
    if status_of(order) not in ENDED:
        raise Refused(
            f"repeat_of: call {call_id} has not ended, it is {status_of(order)}.",
            code="repeat_not_ended",
            next_step="Wait for that call with revox_wait_for_call; call again only if it did not do what was wanted.",
        )


def _digits(number: object) -> str:
    return "".join(sign for sign in str(number) if sign.isdecimal())
