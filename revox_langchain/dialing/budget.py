"""How much may be dialed: reserved before each dial at the worst it can cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import NoReturn, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import Within
from revox_langchain.dialing.reservations import (
    Amounts,
    Period,
    ProcessReservations,
    Reservation,
    Reservations,
    Used,
)
from revox_langchain.errors import Refused
from revox_langchain.flow import Flow, Work
from revox_langchain.results.cost import DEFAULT_ATTEMPTS

T = TypeVar("T")

# Revox does not document how long a call without a limit may last; half an hour is meant to err on the safe side.
UNKNOWN_CALL_DURATION_S = 1800.0
DEFAULT_RETRIES: JsonObject = {
    "allowed_days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 7200}
    ],
    "max_retry_attempts": DEFAULT_ATTEMPTS,
}
"""Revox's own `call_retry_config` (API page Calls): it wants all of these fields where one is given."""


class Cost(BaseModel):
    """The worst that one order can cost."""

    model_config = ConfigDict(frozen=True)

    attempts: int = DEFAULT_ATTEMPTS
    call_duration_s: float = UNKNOWN_CALL_DURATION_S

    @property
    def minutes(self) -> float:
        """Minutes of talk if every attempt lasts as long as it may."""
        return self.attempts * self.call_duration_s / 60

    @classmethod
    def of(cls, assistant: Mapping[str, object]) -> Cost:
        """Read it from an assistant's configuration; what cannot be a limit counts as none given."""
        retries = assistant.get("call_retry_config")
        attempts = retries.get("max_retry_attempts") if isinstance(retries, Mapping) else None
        duration_s = assistant.get("max_call_duration_secs")
        return cls(
            attempts=math.ceil(_positive(attempts, DEFAULT_ATTEMPTS)),
            call_duration_s=max(1.0, _positive(duration_s, UNKNOWN_CALL_DURATION_S)),
        )

    def of_orders(self, orders: int) -> Amounts:
        """The worst that so many orders can cost."""
        return Amounts(float(orders), float(orders * self.attempts), orders * self.minutes)


_Limits = tuple[int | None, int | None, float | None]


class Budget:
    """How much may be dialed, reserved before each dial at its worst case.

    It lives in memory and counts what this process dials; a run resumed in another process reserves again. Workers keep
    it in their database instead, where all of them count together.

    Args:
        orders: Orders in all; None is any number.
        attempts: Attempts over all orders.
        minutes: Minutes of talk over all orders.
        orders_per_thread: Orders per LangGraph thread.
        attempts_per_thread: Attempts per thread.
        minutes_per_thread: Minutes per thread.
        period_s: How long a dial counts, such as 86,400 for what may be dialed within any 24 hours; None is for good.
    """

    def __init__(
        self,
        *,
        orders: int | None = None,
        attempts: int | None = None,
        minutes: float | None = None,
        orders_per_thread: int | None = None,
        attempts_per_thread: int | None = None,
        minutes_per_thread: float | None = None,
        period_s: float | None = None,
    ) -> None:
        if period_s is not None and not period_s > 0:
            raise ValueError(f"period_s={period_s!r}: give seconds, more than 0, or None")
        self._in_all: _Limits = (orders, attempts, minutes)
        self._per_thread: _Limits = (orders_per_thread, attempts_per_thread, minutes_per_thread)
        self._period_s = period_s
        self._kept: Reservations = ProcessReservations()

    @property
    def period_s(self) -> float | None:
        """How long a dial counts."""
        return self._period_s

    def kept_in(self, reservations: Reservations) -> Self:
        """The same limits, counted elsewhere: a database, for instance, that many machines share."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _kept=reservations)
        return other

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        # Whoever copies a toolkit or a guard must not get the limits a second time.
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Budget counts what one process dials, so it is not pickled. Make one in each process.")

    def reserve(
        self,
        intent_id: str,
        scope: str,
        cost: Cost,
        *,
        orders: int = 1,
        max_orders: int | None = None,
        within: Within = "thread",
        now_s: float | None = None,
    ) -> bool:
        """Reserve one intent's worst case; a second time for the same intent changes nothing.

        Args:
            intent_id: What it is reserved for.
            scope: The thread, run or toolkit it counts for.
            cost: Worst case of each order.
            orders: How many orders.
            max_orders: Limit of orders in this scope, besides the budget's own.
            within: What kind of scope it is.
            now_s: Seconds since the epoch; left out, this machine's clock.

        Returns:
            Whether it was reserved now, and not before.

        Raises:
            Refused: With code `budget_exceeded`; nothing was reserved.
            Unavailable: Where it is kept cannot be reached.
        """
        wanted = Reservation(intent_id, scope, cost.of_orders(orders))
        per_thread = (_least(self._per_thread[0], max_orders), *self._per_thread[1:])

        def check(used: Used) -> None:
            _refuse_excess(used, None, self._in_all, wanted.amounts, "")
            _refuse_excess(used, scope, per_thread, wanted.amounts, f" in this {within}")

        # A retried or resumed dial of the same intent places no further order, so it must not count twice.
        return self._kept.add(wanted, self._period(now_s), check)

    def keep(self, intent_id: str) -> None:
        """Count what was reserved for an intent for good: it was placed, or may have been."""
        self._kept.keep(intent_id)

    def holds(self, intent_id: str) -> bool:
        """Whether something is reserved for an intent: it was sent, or was about to be, and not refused."""
        return self._kept.holds(intent_id)

    def release(self, intent_id: str) -> None:
        """Give back what was reserved for an intent, because nothing was placed."""
        self._kept.release(intent_id)

    def reserved(self, now_s: float | None = None) -> dict[str, float]:
        """Sum of what is reserved now: orders, attempts, minutes."""
        return self._kept.used(None, self._period(now_s))._asdict()

    def asked(self, question: Callable[[], T]) -> Flow[T]:
        """Ask it something within a flow: beside the event loop, if it is kept where an answer takes time."""
        if not self._kept.waits:
            return question()
        answer: T = yield Work(question)
        return answer

    def _period(self, now_s: float | None) -> Period:
        return Period(time.time() if now_s is None else now_s, self._period_s)


def _refuse_excess(used: Used, scope: str | None, limits: _Limits, wanted: Amounts, where: str) -> None:
    if all(limit is None for limit in limits):
        return
    for unit, limit, held, more in zip(Amounts._fields, limits, used(scope), wanted, strict=True):
        if limit is not None and held + more > limit:
            raise Refused(
                f"The dialing budget is used up: {held:g} of {limit:g} {unit} reserved, {more:g} more wanted{where}.",
                code="budget_exceeded",
                next_step="Do not use revox_make_call again; tell the user (Budget, DialPolicy.max_orders).",
            )


def _positive(value: object, default: float) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(value) if math.isfinite(value) and value > 0 else default


def _least(one: int | None, other: int | None) -> int | None:
    known = [limit for limit in (one, other) if limit is not None]
    return min(known) if known else None
