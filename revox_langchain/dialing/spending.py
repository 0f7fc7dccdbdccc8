"""Dialing within a budget: reserved before, counted if it may have been placed, given back if it was not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from revox_langchain.dialing.budget import Budget
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Flow

T = TypeVar("T")
logger = logging.getLogger("revox_langchain")


def spending(
    budget: Budget,
    intent_id: str,
    reserving: Flow[bool],
    dial: Flow[T],
    may_ring: Callable[[RevoxToolError], bool],
) -> Flow[T]:
    """Dial with the worst case reserved.

    Args:
        budget: Whose limits count.
        intent_id: What it is reserved for.
        reserving: Reserves it; says whether it did so now, and not before.
        dial: What dials.
        may_ring: Whether a phone may ring although this error was raised.

    Raises:
        RevoxToolError: It cannot be reserved, and nothing was dialed; or what the dial raises.
    """
    reserved = yield from reserving
    try:
        answer = yield from dial
    except RevoxToolError as error:
        if may_ring(error):
            # It stays reserved, which also makes the next run of this intent look first.
            yield from counting(budget, intent_id)
        elif reserved:
            # What an earlier dial of this intent reserved is not ours to give back.
            yield from _noted(budget, lambda: budget.release(intent_id))
        raise
    yield from counting(budget, intent_id)
    return answer


def counting(budget: Budget, intent_id: str) -> Flow[None]:
    """Count for good what was reserved for an intent."""
    yield from _noted(budget, lambda: budget.keep(intent_id))


def _noted(budget: Budget, note: Callable[[], None]) -> Flow[None]:
    # What has happened to the phone is said whatever becomes of the note.
    try:
        yield from budget.asked(note)
    except RevoxToolError as error:
        logger.warning("%s The next run of this call request notes it.", error.message)
