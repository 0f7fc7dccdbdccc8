"""What each operation does: one function per class, registered in `HANDLERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from revox_langchain.answers import JsonObject
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

T = TypeVar("T")
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

HANDLERS: dict[type[Operation], Callable[[World, Any], Any]] = {}
"""By operation: `(world, request) -> answer`. The answer is JSON, or bytes for audio."""


class Rejected(Exception):
    """Revox says no.

    Args:
        status: HTTP status of the answer.
        words: Why, in one sentence.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


def handles(operation: type[Operation]) -> Callable[[HandlerT], HandlerT]:
    """Register the function below as what happens on `operation`."""

    def register(handler: HandlerT) -> HandlerT:
        HANDLERS[operation] = handler
        return handler

    return register


def found(things: Mapping[str, T], thing_id: str, what: str) -> T:
    """The thing with this id.

    Raises:
        Rejected: 404, there is none.
    """
    if thing_id not in things:
        raise Rejected(404, f"There is no {what} {thing_id}.")
    return things[thing_id]


def illegal(switches: Switches, words: str) -> JsonObject:
    """Answer what cannot be done to a thing in its state.

    Raises:
        Rejected: The switches have it refused.
    """
    if switches.illegal_transition == "success_false":
        return {"success": False}
    raise Rejected(switches.illegal_transition, words[:1].upper() + words[1:] + ".")
