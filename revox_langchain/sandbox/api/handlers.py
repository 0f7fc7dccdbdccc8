"""What each operation does: one function per operation, registered in `HANDLERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from revox_langchain.answers import JsonObject
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.api.shape import Shape
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

T = TypeVar("T")
Answer = JsonObject | bytes
AnswerT = TypeVar("AnswerT", JsonObject, bytes)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        ids: Values of the fields in its path, in order.
        fields: Its body or, for verbs without one, its query; checked, under the names it has on the wire.
    """

    ids: tuple[str, ...]
    fields: JsonObject

    @property
    def id(self) -> str:
        """The id in its path."""
        return self.ids[0]


@dataclass(frozen=True, slots=True)
class Handler:
    """What happens on an operation.

    Attributes:
        act: Acts on the world and answers; bytes are audio.
        takes: The SDK's type of what it takes besides the path; None takes nothing.
        answer: Type that every answer must have; None where the SDK has one, which the tests hold answers to.
    """

    act: Callable[[World, Asked], Answer]
    takes: Shape | None = None
    answer: TypeAdapter[Any] | None = None

    def __call__(self, world: World, asked: Asked) -> Answer:
        """Act on the world and answer.

        Raises:
            Rejected: Revox would refuse.
            ValidationError: The answer does not have its declared type.
        """
        answer = self.act(world, asked)
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
    operation: type[Operation], *, takes: Shape | None = None, answer: type[object] | None = None
) -> Callable[[Callable[[World, Asked], AnswerT]], Callable[[World, Asked], AnswerT]]:
    """Register the function below as the handler of `operation`.

    Args:
        operation: The operation; only its verb and path matter here.
        takes: Type of the body or query: the SDK's, or a TypedDict where the SDK does not have the operation.
        answer: Type of the answer, for an operation that the official SDK does not have: a TypedDict or a model.
    """

    def register(act: Callable[[World, Asked], AnswerT]) -> Callable[[World, Asked], AnswerT]:
        HANDLERS[operation] = Handler(act, takes, None if answer is None else TypeAdapter(answer))
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
