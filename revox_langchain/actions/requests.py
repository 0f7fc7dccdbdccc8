"""Everything that can be asked for, and doing it.

`act` sends most operations as they are. What dials goes through the guard and the placing flow; what creates is looked
up first, so that a repeat after a lost answer finds the first one. Two requests are no single operation: waiting for a
call and looking for a lost one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from revox_langchain.actions.calls import RecoverCall, WaitForCall
from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.numbers import default_region
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, near
from revox_langchain.flow import Flow, off_the_loop
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.operation import Request, Risk

logger = logging.getLogger("revox_langchain")

RequestT = TypeVar("RequestT", bound=Request)

PROCEDURES: tuple[type[Request], ...] = (WaitForCall, RecoverCall)
REQUESTS: tuple[type[Request], ...] = (*OPERATIONS, *PROCEDURES)
"""Everything a tool can be made of: the operations and the procedures."""


def act(
    request: Request,
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
    by_model: bool = False,
    repeated: bool = False,
) -> Flow[Any]:
    """Do what `request` asks for, with the care it needs.

    A flow: nothing happens until `run(act(...), connection)` or `await arun(...)` drives it.

    Args:
        request: What to do.
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one: part of a call's intent.
        toolkit: Whose budget counts where there is no thread.
        by_model: Whether a model wrote it, so that the name of an intent counts within its thread only.
        repeated: Whether it may have been sent before, by a run that was cut off.

    Returns:
        The answer, as the request's `spec.render` takes it.

    Raises:
        RevoxToolError: What went wrong, and the next step.
    """
    return (yield from flow_of(request, Context(guard, scope, toolkit, by_model, repeated)))


def perform(
    request_type: type[RequestT],
    arguments: Mapping[str, object],
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
    repeated: bool = False,
) -> Flow[tuple[RequestT, Any]]:
    """Read untrusted arguments as a request, and do it.

    A number in national form is read with the policy's country, or else the organization's.

    Args:
        request_type: What is asked for.
        arguments: By field name.
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one.
        toolkit: Whose budget counts where there is no thread.
        repeated: Whether it may have been sent before, by a run that was cut off.

    Returns:
        The request and its answer.

    Raises:
        RevoxToolError: Among them `InvalidInput`, naming each wrong argument.
    """
    request = yield from read(request_type, arguments, guard.policy)
    did = act(request, guard, scope=scope, toolkit=toolkit, by_model=True, repeated=repeated)
    return request, (yield from did)


def read(request_type: type[RequestT], arguments: Mapping[str, object], policy: DialPolicy) -> Flow[RequestT]:
    """Read untrusted arguments as a request.

    Raises:
        InvalidInput: Naming each wrong argument.
    """
    numbers = list(_numbers_in(arguments))
    region = yield from default_region(policy, *numbers)
    parse = partial(request_type.parse, arguments, default_region=region)
    request: RequestT = yield from off_the_loop(len(numbers), parse)
    return request


def _numbers_in(arguments: Mapping[str, object]) -> Iterator[str]:
    """Every phone number among untrusted arguments, wherever it stands and as it is written."""
    for name, value in arguments.items():
        inside = value if isinstance(value, list) else [value]
        if isinstance(value, str) and name.endswith("phone_number"):
            yield value
        elif name in ("settings", "contacts", "transfer_destinations"):
            for item in inside:
                yield from _numbers_in(item) if isinstance(item, Mapping) else ()


def perform_and_render(
    request_type: type[Request],
    arguments: Mapping[str, object],
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
    repeated: bool = False,
    save: Callable[[bytes], JsonObject] | None = None,
) -> Flow[tuple[str, Any]]:
    """Do what a tool is asked for, and say it in the words that a model reads.

    Args:
        request_type: What is asked for.
        arguments: By field name.
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one.
        toolkit: Whose budget counts where there is no thread.
        repeated: Whether it may have been sent before, by a run that was cut off.
        save: Puts audio somewhere and says where; without it audio comes back as it is, with no text.

    Returns:
        Text for the model, and the answer for the program.

    Raises:
        RevoxToolError: As for `perform`.
    """
    request, answer = yield from perform(
        request_type, arguments, guard, scope=scope, toolkit=toolkit, repeated=repeated
    )
    if isinstance(answer, bytes):
        if save is None:
            return "", answer
        answer = save(answer)
    return _words(request, answer), answer


def _words(request: Request, answer: JsonObject) -> str:
    try:
        return request.spec.render(answer, request)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # What was done stays done: failing on the words for it would look as if it had not been.
        name = request.spec.name
        logger.warning("The answer to %s has an unknown shape (%s)", name, type(error).__name__)
    what = f"Revox's answer to {name} has a shape that is not documented; the whole answer is in the artifact."
    if request.spec.risk is Risk.READ:
        return what
    return f"Done, as far as can be told. {what} Read the resource to see its state before trying again."


def find_request(name: str) -> type[Request]:
    """Return the operation or procedure called `name`, with or without the prefix `revox_`.

    Raises:
        InvalidInput: No tool has that name; names that are near are listed.
    """
    wanted = name if name.startswith("revox_") else f"revox_{name}"
    for request in REQUESTS:
        if request.spec.name == wanted:
            return request
    raise InvalidInput(f"There is no tool {name!r}{near(wanted, [r.spec.name for r in REQUESTS])}", code="unknown_tool")


__all__ = [
    "PROCEDURES",
    "REQUESTS",
    "RecoverCall",
    "WaitForCall",
    "act",
    "find_request",
    "perform",
    "perform_and_render",
]
