"""Multi-step work written once, run sync or async.

A flow is a generator. It yields what it needs: an operation (answered with its JSON), a `Recent` read (answered from
memory if it is fresh), a `Pause` (answered with a `Tick`), `Work` (answered with what it returns), a `Turn` (answered
when it comes), a `Shared` step (answered by a flow that all flows of a channel share) or an `Event` (progress, answered
with None). Errors are thrown into it. It performs no I/O, so a test
can play the server:

    flow = place(order)
    next(flow)                  # GetCallHistory(...)
    flow.send(answer)           # MakeCall(...)
    flow.throw(TimedOut("…"))   # GetCallHistory(...): it looks again
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from revox_langchain.answers import JsonObject
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.operation import Operation

T = TypeVar("T")
Emit = Callable[[JsonObject], None]
Stop = Callable[[], bool]
MANY = 200
"""How many things are computed about in a thread."""
LONGEST_IN_A_LOOP_S = 2.0
"""How long a sync run inside an event loop waits for a `Turn`; its holder may need that very loop."""


class Clock(Protocol):
    """Tells the time and lets it pass; a sandbox brings its own."""

    @property
    def slice_s(self) -> float | None:
        """A long pause is cut into pieces of this length, to notice a stop request; None does not cut."""

    def now_s(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""

    async def asleep(self, seconds: float) -> None:
        """Let this much time pass without blocking the event loop."""


class Channel(Protocol):
    """What a driver needs to serve a flow: a `Connection`, or anything else that sends operations."""

    @property
    def clock(self) -> Clock:
        """Tells the time and lets it pass."""

    @property
    def account(self) -> Hashable:
        """The same for every channel to one account of one Revox; None if that is not known."""

    @property
    def sandbox(self) -> bool:
        """Whether a sandbox answers, as far as is known."""

    def send(self, operation: Operation) -> Any:
        """Send an operation and return its decoded answer."""

    async def asend(self, operation: Operation) -> Any:
        """Send an operation and return its decoded answer."""

    def recalled(self, operation: Operation, max_age_s: float) -> Any:
        """The answer to a read if one no older than `max_age_s` is remembered, else None."""

    def remember(self, operation: Operation, answer: Any) -> None:
        """Keep the answer to a read for `recalled`."""


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
    """Computing that takes long enough to block an event loop; an async run does it in a thread."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """Wait in real time until another flow of this process has finished.

    Attributes:
        come: Done when it has.
        blocked: Raised where waiting would never end: in a sync run that blocks the event loop the other flow needs.
        within_s: Go on after this long in any case.
    """

    come: Future[None]
    blocked: RevoxToolError
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Progress to show: a small dict with a `type`."""

    payload: JsonObject


class Shared(Protocol):
    """A step that flows of one channel share the work of, such as watching many orders by one search."""

    def served(self, channel: Channel, stop: Stop | None) -> Flow[Any]:
        """The flow that serves the step; what it returns is the answer.

        Args:
            channel: Whose flows share it.
            stop: Whether this flow should stop soon.
        """


class Tick(NamedTuple):
    """The answer to a pause.

    Attributes:
        now_s: Seconds since the epoch.
        stop_requested: Whether the flow should stop at the next good place.
        account: The channel's account.
        sandbox: Whether a sandbox answers, as far as is known.
    """

    now_s: float
    stop_requested: bool = False
    account: Hashable = None
    sandbox: bool = False


Step = Operation | Pause | Recent | Work | Turn | Event | Shared
Effect = Operation | Pause | Work | Turn
Flow = Generator[Step, Any, T]


def error_from(error: RevoxToolError, channel: Channel) -> JsonObject:
    """An error as plain JSON, which says if a sandbox answered."""
    return {**error.as_dict(), **({"sandbox": True} if channel.sandbox else {})}


def off_the_loop(size: int, function: Callable[[], T]) -> Flow[T]:
    """Compute something about `size` things; about many of them without holding up an event loop."""
    # A thread costs more than a few of them do.
    if size < MANY:
        return function()
    result: T = yield Work(function)
    return result


def run(
    flow: Flow[T],
    channel: Channel,
    *,
    emit: Emit | None = None,
    stop: Stop | None = None,
) -> T:
    """Drive `flow` to its end.

    Args:
        flow: What to do.
        channel: Sends the operations, and has the clock.
        emit: Gets the payload of each event.
        stop: Returns whether the flow should stop soon; called during pauses.
    """
    effects = _effects(flow, channel, emit, stop)
    answer: Any = None
    try:
        effect = next(effects)
        while True:
            try:
                match effect:
                    case Pause(seconds):
                        # Through the channel's clock, which in a sandbox moves the world instead of sleeping.
                        channel.clock.sleep(seconds)
                    case Work(function):
                        answer = function()
                    case Turn(come, _, float(within_s)):
                        wait([come], timeout=within_s)
                    case Turn(come, blocked):
                        _in_turn(come, blocked)
                    case operation:
                        answer = channel.send(operation)
            except RevoxToolError as error:
                # Only known failures: a bug is not a case that a flow's table of outcomes may handle.
                effect = effects.throw(error)
            else:
                effect = effects.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        effects.close()


async def arun(
    flow: Flow[T],
    channel: Channel,
    *,
    emit: Emit | None = None,
    stop: Stop | None = None,
) -> T:
    """Drive `flow` to its end without blocking the event loop; arguments as for `run`."""
    effects = _effects(flow, channel, emit, stop)
    answer: Any = None
    try:
        effect = next(effects)
        while True:
            try:
                match effect:
                    case Pause(seconds):
                        await channel.clock.asleep(seconds)
                    case Work(function):
                        answer = await asyncio.to_thread(function)
                    case Turn(come, _, float(within_s)):
                        await asyncio.wait([asyncio.wrap_future(come)], timeout=within_s)
                    case Turn(come):
                        answer = await asyncio.wrap_future(come)
                    case operation:
                        answer = await channel.asend(operation)
            except RevoxToolError as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        effects.close()


def _effects(flow: Flow[T], channel: Channel, emit: Emit | None, stop: Stop | None) -> Generator[Effect, Any, T]:
    """Reduce a flow to what only a driver can do, so that the sync and the async one stay small."""
    answer: Any = None
    error: RevoxToolError | None = None
    try:
        while True:
            try:
                step = flow.throw(error) if error is not None else flow.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = error = None
            match step:
                case Pause(seconds):
                    for piece in _pieces(seconds, channel, stop):
                        yield Pause(piece)
                    answer = Tick(channel.clock.now_s(), bool(stop and stop()), channel.account, channel.sandbox)
                case Event(payload):
                    if emit is not None:
                        emit(payload)
                case Recent(operation, max_age_s) if answer := channel.recalled(operation, max_age_s):
                    pass
                case Operation() | Recent() | Work() | Turn():
                    try:
                        answer = yield step.operation if isinstance(step, Recent) else step
                    except RevoxToolError as raised:
                        error = raised
                    else:
                        if isinstance(step, Recent):
                            channel.remember(step.operation, answer)
                case shared:
                    try:
                        answer = yield from _effects(shared.served(channel, stop), channel, emit, stop)
                    except RevoxToolError as raised:
                        error = raised
    finally:
        # Also when a run is cancelled: closing runs the flow's own `finally` blocks, which give up its turns.
        flow.close()


def _pieces(seconds: float, channel: Channel, stop: Stop | None) -> Generator[float, None, None]:
    """Cut a pause so that a stop request does not wait for its end."""
    longest = channel.clock.slice_s if stop is not None else None
    left = seconds
    while left > 0 and not (stop is not None and stop()):
        piece = min(left, longest or left)
        yield piece
        left -= piece


def _in_turn(come: Future[None], blocked: RevoxToolError) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return come.result()
    try:
        return come.result(timeout=LONGEST_IN_A_LOOP_S)
    except TimeoutError:
        raise blocked from None


__all__ = [
    "Channel",
    "Clock",
    "Emit",
    "Event",
    "Flow",
    "Pause",
    "Recent",
    "Shared",
    "Step",
    "Stop",
    "Tick",
    "Turn",
    "Work",
    "arun",
    "error_from",
    "off_the_loop",
    "run",
]
