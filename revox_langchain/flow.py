"""Multi-step work written once, run sync or async.

A flow is a generator. It yields what it wants: an operation (answered with its JSON), a `Recent` read (answered from
memory if it is fresh), a `Pause` (answered with a `Tick`), `Work` (answered with what it returns) or an `Event`
(progress, answered with None). Errors are thrown into it. It performs no I/O, so a test plays the server by hand:

    flow = place(order)
    next(flow)                  # GetCallHistory(...)
    flow.send(answer)           # MakeCall(...)
    flow.throw(TimedOut("…"))   # GetCallHistory(...): it looks again
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from revox_langchain.connection import Connection
from revox_langchain.errors import RevoxToolError
from revox_langchain.operation import Operation

T = TypeVar("T")
Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Pause:
    """Let this many seconds pass, then say what time it is. `Pause(0)` only asks."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Recent:
    """A read whose answer may be as old as `max_age_s` seconds."""

    operation: Operation
    max_age_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Work:
    """Computing that is long enough to hold up an event loop; an async run does it in a thread."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Progress for whoever watches: a small dict with a `type`."""

    payload: dict[str, Any]


class Tick(NamedTuple):
    """The answer to a pause.

    Attributes:
        now_s: Seconds since the epoch.
        stop_requested: Whether the flow should come to a good stopping place.
    """

    now_s: float
    stop_requested: bool = False


Step = Operation | Pause | Recent | Work | Event
Flow = Generator[Step, Any, T]


def run(
    flow: Flow[T],
    connection: Connection,
    *,
    emit: Emit | None = None,
    stop: Callable[[], bool] | None = None,
) -> T:
    """Drive `flow` to its end.

    Args:
        flow: What to do.
        connection: Whom to ask, and the clock.
        emit: Gets the payload of each event.
        stop: Says whether to come to a stopping place; asked during pauses.
    """
    answer: Any = None
    error: RevoxToolError | None = None
    try:
        while True:
            step, done = _advance(flow, answer, error)
            if done:
                return cast("T", step)
            answer = error = None
            match step:
                case Pause(seconds):
                    for piece in _pieces(seconds, connection, stop):
                        connection.clock.sleep(piece)
                    answer = Tick(connection.clock.now_s(), bool(stop and stop()))
                case Event(payload):
                    if emit is not None:
                        emit(payload)
                case Work(function):
                    try:
                        answer = function()
                    except RevoxToolError as raised:
                        error = raised
                case _:
                    operation, answer = _looked_up(step, connection)
                    if answer is None:
                        try:
                            answer = connection.send(operation)
                        except RevoxToolError as raised:
                            error = raised
                        else:
                            _kept(step, operation, answer, connection)
    finally:
        flow.close()


async def arun(
    flow: Flow[T],
    connection: Connection,
    *,
    emit: Emit | None = None,
    stop: Callable[[], bool] | None = None,
) -> T:
    """Drive `flow` to its end without blocking the event loop; arguments as for `run`."""
    answer: Any = None
    error: RevoxToolError | None = None
    try:
        while True:
            step, done = _advance(flow, answer, error)
            if done:
                return cast("T", step)
            answer = error = None
            match step:
                case Pause(seconds):
                    for piece in _pieces(seconds, connection, stop):
                        await connection.clock.asleep(piece)
                    answer = Tick(connection.clock.now_s(), bool(stop and stop()))
                case Event(payload):
                    if emit is not None:
                        emit(payload)
                case Work(function):
                    try:
                        answer = await asyncio.to_thread(function)
                    except RevoxToolError as raised:
                        error = raised
                case _:
                    operation, answer = _looked_up(step, connection)
                    if answer is None:
                        try:
                            answer = await connection.asend(operation)
                        except RevoxToolError as raised:
                            error = raised
                        else:
                            _kept(step, operation, answer, connection)
    finally:
        flow.close()


def _advance(flow: Flow[Any], answer: Any, error: RevoxToolError | None) -> tuple[Any, bool]:
    try:
        return (flow.throw(error) if error is not None else flow.send(answer)), False
    except StopIteration as stopped:
        return stopped.value, True


def _pieces(seconds: float, connection: Connection, stop: Callable[[], bool] | None) -> Generator[float, None, None]:
    """Cut a pause so that a stop request does not wait for its end."""
    longest = connection.clock.slice_s if stop is not None else None
    left = seconds
    while left > 0 and not (stop is not None and stop()):
        piece = min(left, longest or left)
        yield piece
        left -= piece


def _looked_up(step: Any, connection: Connection) -> tuple[Operation, Any]:
    if isinstance(step, Recent):
        return step.operation, connection.recalled(step.operation, step.max_age_s)
    return step, None


def _kept(step: Any, operation: Operation, answer: Any, connection: Connection) -> None:
    if isinstance(step, Recent):
        connection.remember(operation, answer)


__all__ = ["Emit", "Event", "Flow", "Pause", "Recent", "Step", "Tick", "Work", "arun", "run"]
