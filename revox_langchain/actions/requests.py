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

from revox_langchain.actions.alternatives import reconciled
from revox_langchain.actions.calls import RecoverCall, WaitForCall
from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.numbers import default_region
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, RevoxToolError, near
from revox_langchain.flow import Flow, off_the_loop
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.operation import Request, Risk
from revox_langchain.operations.schema import decoded

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
    decided: Decided = NOTHING,
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
        decided: What code decided of the assistants that requests make.

    Returns:
        The answer, as the request's `spec.render` takes it.

    Raises:
        RevoxToolError: What went wrong, and the next step.
    """
    return (yield from flow_of(request, Context(guard, scope, toolkit, by_model, repeated, decided)))


def perform(
    request_type: type[RequestT],
    arguments: Mapping[str, object],
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
    repeated: bool = False,
    given: Given | None = None,
    decided: Decided = NOTHING,
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
        given: What may have given the numbers; None where that is not visible.
        decided: What code decided of the assistants that requests make.

    Returns:
        The request and its answer.

    Raises:
        RevoxToolError: Among them `InvalidInput`, naming each wrong argument.
    """
    arguments, notes = yield from reconciled(request_type, arguments, guard.policy)
    request, numbers, region = yield from _read(request_type, arguments, guard.policy)
    if given is not None and request.spec.risk is not Risk.READ:
        yield from off_the_loop(numbers, partial(_refuse_not_given, request, guard, given, region))
    did = act(request, guard, scope=scope, toolkit=toolkit, by_model=True, repeated=repeated, decided=decided)
    answer = yield from did
    if notes and isinstance(answer, dict):
        answer = {**answer, "notes": list(dict.fromkeys([*notes, *(answer.get("notes") or [])]))}
    return request, answer


def read(request_type: type[RequestT], arguments: Mapping[str, object], policy: DialPolicy) -> Flow[RequestT]:
    """Read untrusted arguments as a request.

    Raises:
        InvalidInput: Naming each wrong argument.
    """
    arguments, _ = yield from reconciled(request_type, arguments, policy)
    request, _, _ = yield from _read(request_type, arguments, policy)
    return request


def _read(
    request_type: type[RequestT], arguments: Mapping[str, object], policy: DialPolicy
) -> Flow[tuple[RequestT, int, str | None]]:
    """The request, how many numbers it holds, and the country in which they were read."""
    arguments = decoded(request_type, arguments)
    numbers = list(numbers_in(arguments))
    region = yield from default_region(policy, *numbers)
    parse = partial(request_type.parse, arguments, default_region=region)
    request: RequestT = yield from off_the_loop(len(numbers), parse)
    return request, len(numbers), region


def numbers_in(arguments: Mapping[str, object]) -> Iterator[str]:
    """Every phone number among untrusted arguments, wherever it stands and as it is written."""
    for _, number in _placed_numbers(arguments):
        yield number


def refuse_not_given(raw: str, guard: Guard, given: Given | None) -> Flow[None]:
    """Refuse a number that a model made up; any other problem with it is for whoever dials it.

    Raises:
        Refused: With code `number_not_given`.
    """
    if given is None:
        return
    region = yield from default_region(guard.policy, raw)
    try:
        phone = guard.check_number(raw, region)
    except RevoxToolError:
        return
    guard.check_given({"phone_number": phone}, given, region)


def _refuse_not_given(request: Request, guard: Guard, given: Given, region: str | None) -> None:
    # The caller id is not dialed, and must be one of the organisation's own numbers anyhow; what is fixed is the
    # application's word.
    dialed = {
        where: guard.check_number(number)
        for where, number in _placed_numbers(request.model_dump(mode="json"))
        if not where.endswith("from_phone_number") and where.partition(".")[0] not in request.view.fixed
    }
    guard.check_given(dialed, given, region)


def _placed_numbers(arguments: Mapping[str, object], under: str = "") -> Iterator[tuple[str, str]]:
    for name, value in arguments.items():
        if isinstance(value, str) and name.replace("_", "").casefold().endswith("phonenumber"):
            yield f"{under}{name}", value
        elif name in ("settings", "contacts", "transfer_destinations"):
            inside = enumerate(value) if isinstance(value, list) else [("", value)]
            for number, item in inside:
                where = f"{under}{name}.{number}.".replace("..", ".")
                yield from _placed_numbers(item, where) if isinstance(item, Mapping) else ()


def perform_and_render(
    request_type: type[Request],
    arguments: Mapping[str, object],
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
    repeated: bool = False,
    save: Callable[[bytes], JsonObject] | None = None,
    given: Given | None = None,
    decided: Decided = NOTHING,
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
        given: What may have given the numbers; None where that is not visible.
        decided: What code decided of the assistants that requests make.

    Returns:
        Text for the model, and the answer for the program.

    Raises:
        RevoxToolError: As for `perform`.
    """
    request, answer = yield from perform(
        request_type,
        arguments,
        guard,
        scope=scope,
        toolkit=toolkit,
        repeated=repeated,
        given=given,
        decided=decided,
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
    "numbers_in",
    "perform",
    "perform_and_render",
    "refuse_not_given",
]
