"""The doorbell: Revox posts that a call has ended. Nothing signs the post, so it is only a reason to look."""

from __future__ import annotations

import re
from collections.abc import Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.errors import AnswerError, RateLimited, Unavailable
from revox_langchain.flow import Flow, Pause
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import status_of
from revox_langchain.waiting.watch import read_order

LOOKS_AFTER_S = (0.0, 1.0, 2.0, 4.0, 8.0)
"""When to look: a post may come before the order shows its end."""
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def call_id_in(body: object) -> str | None:
    """The order that a post speaks of: `call_order_id`, else `call_id`; None if it names none.

    In published payloads the one is the order and the other its attempt; which is which changed once
    (n8n trigger 1.0.1 and 2).
    """
    if not isinstance(body, Mapping):
        return None
    named = (body.get("call_order_id"), body.get("call_id"))
    return next((value for value in named if isinstance(value, str) and is_id(value)), None)


def is_id(text: str) -> bool:
    """Whether a text can be the id of an order."""
    return _ID.fullmatch(text) is not None


class NotRead(Exception):
    """Revox could not be asked; the order has to be looked at later."""


def ended_order(call_id: str) -> Flow[JsonObject | None]:
    """Read an order that is said to have ended.

    Returns:
        The order; None if it goes on.

    Raises:
        NotFound: There is no such order.
        NotRead: Revox cannot be reached, or does not say.
        RevoxToolError: The order may not be read (wrong key).
    """
    unread = False
    for pause_s in LOOKS_AFTER_S:
        yield Pause(pause_s)
        try:
            order = yield from read_order(call_id)
        except (AnswerError, RateLimited, Unavailable) as error:
            unread = True
            if error.retry_after_s:
                yield Pause(error.retry_after_s)
            continue
        unread = False
        if status_of(order) in ENDED:
            return order
    if unread:
        raise NotRead(call_id)
    return None
