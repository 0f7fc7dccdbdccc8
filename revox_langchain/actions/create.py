"""Create something once: look for it first, and again if the answer was lost."""

from __future__ import annotations

from collections.abc import Callable

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.locks import holding
from revox_langchain.errors import PlacementUnknown, RevoxToolError, outcome_of
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.operation import Operation

Find = Callable[[], Flow[JsonObject | None]]

LOOK_AGAIN_S = (0.0, 1.0, 2.0, 4.0)
"""When to look for something whose creation was not confirmed, in seconds after one another."""


def find_or_create(what: str, request: Operation, name: str, find: Find) -> Flow[JsonObject]:
    """Create `what` unless `find` finds it; of two at once in this process the second finds the first one's.

    Args:
        what: The key under which Revox answers, such as `assistant`.
        request: Creates it.
        name: What two requests for the same thing have in common.
        find: Looks for it.

    Returns:
        Revox's answer, with `existed` saying whether it was there already.
    """

    def create() -> Flow[JsonObject]:
        found = yield from find()
        if found is not None:
            return {what: found, "existed": True}
        try:
            answer = yield request
        except RevoxToolError as error:
            return {what: (yield from _find_after(error, find)), "existed": False}
        return {**answer, "existed": False}

    return (yield from holding(f"{what} {name}", create))


def _find_after(error: RevoxToolError, find: Find) -> Flow[JsonObject]:
    """After an unconfirmed create look whether it took effect; else raise the error."""
    # PlacementUnknown comes from a flow that has already looked.
    if outcome_of(error) != "unknown" or isinstance(error, PlacementUnknown):
        raise error
    for pause_s in LOOK_AGAIN_S:
        yield Pause(pause_s)
        try:
            found = yield from find()
        except RevoxToolError:
            continue
        if found is not None:
            return dict(found)
    raise error
