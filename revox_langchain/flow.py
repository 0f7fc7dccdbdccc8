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

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.operation import Operation

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
    effects = _effects(flow, connection, emit, stop)
    result: Any = None
    try:
        effect = next(effects)
        while True:
            try:
                match effect:
                    case Pause(seconds):
                        connection.clock.sleep(seconds)
                    case Work(function):
                        result = function()
                    case operation:
                        result = connection.send(operation)
            except RevoxToolError as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(result)
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        effects.close()


async def arun(
    flow: Flow[T],
    connection: Connection,
    *,
    emit: Emit | None = None,
    stop: Callable[[], bool] | None = None,
) -> T:
    """Drive `flow` to its end without blocking the event loop; arguments as for `run`."""
    effects = _effects(flow, connection, emit, stop)
    result: Any = None
    try:
        effect = next(effects)
        while True:
            try:
                match effect:
                    case Pause(seconds):
                        await connection.clock.asleep(seconds)
                    case Work(function):
                        result = await asyncio.to_thread(function)
                    case operation:
                        result = await connection.asend(operation)
            except RevoxToolError as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(result)
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        effects.close()


def _effects(
    flow: Flow[T], connection: Connection, emit: Emit | None, stop: Callable[[], bool] | None
) -> Generator[Operation | Pause | Work, Any, T]:
    """Reduce a flow to what only a driver can do: send, sleep, compute."""
    answer: Any = None
    error: RevoxToolError | None = None
    try:
        while True:
            try:
                step = flow.throw(error) if error is not None else flow.send(answer)
            except StopIteration as done:
                return cast("T", done.value)
            answer = error = None
            match step:
                case Pause(seconds):
                    for piece in _pieces(seconds, connection, stop):
                        yield Pause(piece)
                    answer = Tick(connection.clock.now_s(), bool(stop and stop()))
                case Event(payload):
                    if emit is not None:
                        emit(payload)
                case Recent(operation, max_age_s) if answer := connection.recalled(operation, max_age_s):
                    pass
                case _:
                    try:
                        answer = yield step.operation if isinstance(step, Recent) else step
                    except RevoxToolError as raised:
                        error = raised
                    else:
                        if isinstance(step, Recent):
                            connection.remember(step.operation, answer)
    finally:
        flow.close()


def _pieces(seconds: float, connection: Connection, stop: Callable[[], bool] | None) -> Generator[float, None, None]:
    """Cut a pause so that a stop request does not wait for its end."""
    longest = connection.clock.slice_s if stop is not None else None
    left = seconds
    while left > 0 and not (stop is not None and stop()):
        piece = min(left, longest or left)
        yield piece
        left -= piece


__all__ = ["Emit", "Event", "Flow", "Pause", "Recent", "Step", "Tick", "Work", "arun", "run"]
