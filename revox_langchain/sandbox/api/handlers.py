"""What each operation does: one function per operation, registered in `HANDLERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from revox_langchain.answers import JsonObject
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

T = TypeVar("T")
OperationT = TypeVar("OperationT", bound=Operation)
Answer = JsonObject | bytes
AnswerT = TypeVar("AnswerT", JsonObject, bytes)


@dataclass(frozen=True, slots=True)
class Handler:
    """What happens on an operation.

    Attributes:
        act: Acts on the world and answers; bytes are audio.
        answer: Type that every answer must have; None where the SDK has one, which the tests hold answers to.
    """

    act: Callable[[World, Any], Answer]
    answer: TypeAdapter[Any] | None = None

    def __call__(self, world: World, op: Operation) -> Answer:
        """Act on the world and answer.

        Raises:
            Rejected: Revox would refuse.
            ValidationError: The answer does not have its declared type.
        """
        answer = self.act(world, op)
        if self.answer is not None:
            self.answer.validate_python(answer, strict=True)
        return answer


HANDLERS: dict[type[Operation], Handler] = {}
"""The handlers by operation."""


class Rejected(Exception):
    """Revox refuses the request.

    Args:
        status: HTTP status of the answer.
        words: Why, in one sentence.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


def handles(
    operation: type[OperationT], *, answer: type[object] | None = None
) -> Callable[[Callable[[World, OperationT], AnswerT]], Callable[[World, OperationT], AnswerT]]:
    """Register the function below as the handler of `operation`.

    Args:
        operation: The operation; its fields are the type of the request.
        answer: Type of the answer, for an operation that the official SDK does not have: a TypedDict or a model.
    """

    def register(act: Callable[[World, OperationT], AnswerT]) -> Callable[[World, OperationT], AnswerT]:
        HANDLERS[operation] = Handler(act, None if answer is None else TypeAdapter(answer))
        return act

    return register


def found(things: Mapping[str, T], thing_id: str, what: str) -> T:
    """The thing with this id.

    Raises:
        Rejected: 404, there is no such thing.
    """
    if thing_id not in things:
        raise Rejected(404, f"There is no {what} {thing_id}.")
    return things[thing_id]


def illegal(switches: Switches, words: str) -> JsonObject:
    """Answer a request that the state of a thing does not allow.

    Raises:
        Rejected: The switches say that such requests are refused.
    """
    if switches.illegal_transition == "success_false":
        return {"success": False}
    raise Rejected(switches.illegal_transition, words[:1].upper() + words[1:] + ".")
