"""How much may be dialed: reserved before each dial at the worst it can cost."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn, Self

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import Within
from revox_langchain.errors import Refused
from revox_langchain.forks import renew_in_children

# Revox does not document how long a call without a limit may last; half an hour is meant to err on the safe side.
UNKNOWN_CALL_DURATION_S = 1800.0
DEFAULT_ATTEMPTS = 3
DEFAULT_RETRIES: JsonObject = {
    "allowed_days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 7200}
    ],
    "max_retry_attempts": DEFAULT_ATTEMPTS,
}
"""Revox's own `call_retry_config` (API page Calls): it wants all of these fields where one is given."""

_UNITS = ("orders", "attempts", "minutes")


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


class _Reserved(NamedTuple):
    scope: str
    orders: int
    cost: Cost

    @property
    def amounts(self) -> tuple[float, float, float]:
        return float(self.orders), float(self.orders * self.cost.attempts), self.orders * self.cost.minutes


_Limits = tuple[int | None, int | None, float | None]


class Budget:
    """How much may be dialed in this process, reserved before each dial at its worst case.

    It lives in memory: a run resumed in another process reserves again.

    Args:
        orders: Orders in this process; None is any number.
        attempts: Attempts over all orders.
        minutes: Minutes of talk over all orders.
        orders_per_thread: Orders per LangGraph thread.
        attempts_per_thread: Attempts per thread.
        minutes_per_thread: Minutes per thread.
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
    ) -> None:
        self._per_process = (orders, attempts, minutes)
        self._per_thread = (orders_per_thread, attempts_per_thread, minutes_per_thread)
        self._reserved: dict[str, _Reserved] = {}
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Take a new lock and keep what is reserved. Done in every forked child, which counts by itself from there."""
        self._lock = threading.Lock()

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
    ) -> bool:
        """Reserve one intent's worst case; a second time for the same intent changes nothing.

        Args:
            intent_id: What it is reserved for.
            scope: The thread, run or toolkit it counts for.
            cost: Worst case of each order.
            orders: How many orders.
            max_orders: Limit of orders in this scope, besides the budget's own.
            within: What kind of scope it is.

        Returns:
            Whether it was reserved now, and not before.

        Raises:
            Refused: With code `budget_exceeded`; nothing was reserved.
        """
        with self._lock:
            # A retried or resumed dial of the same intent places no further order, so it must not count twice.
            if intent_id in self._reserved:
                return False
            per_thread = (_least(self._per_thread[0], max_orders), *self._per_thread[1:])
            everything = list(self._reserved.values())
            self._refuse_excess(everything, self._per_process, orders, cost, "")
            mine = [held for held in everything if held.scope == scope]
            self._refuse_excess(mine, per_thread, orders, cost, f" in this {within}")
            self._reserved[intent_id] = _Reserved(scope, orders, cost)
            return True

    def holds(self, intent_id: str) -> bool:
        """Whether something is reserved for an intent: it was sent, or was about to be, and not refused."""
        with self._lock:
            return intent_id in self._reserved

    def release(self, intent_id: str) -> None:
        """Give back what was reserved for an intent, because nothing was placed."""
        with self._lock:
            self._reserved.pop(intent_id, None)

    def reserved(self) -> dict[str, float]:
        """Sum of what is reserved now: orders, attempts, minutes."""
        with self._lock:
            return dict(zip(_UNITS, _sum(self._reserved.values()), strict=True))

    @staticmethod
    def _refuse_excess(held: list[_Reserved], limits: _Limits, orders: int, cost: Cost, where: str) -> None:
        wanted = _Reserved("", orders, cost).amounts
        for unit, limit, used, more in zip(_UNITS, limits, _sum(held), wanted, strict=True):
            if limit is not None and used + more > limit:
                raise Refused(
                    f"The dialing budget is used up: {used:g} of {limit:g} {unit} reserved, {more:g} more "
                    f"wanted{where}.",
                    code="budget_exceeded",
                    next_step="Do not use revox_make_call again; tell the user (Budget, DialPolicy.max_orders).",
                )


def _positive(value: object, default: float) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(value) if math.isfinite(value) and value > 0 else default


def _sum(reserved: Iterable[_Reserved]) -> tuple[float, ...]:
    return tuple(map(sum, zip((0.0, 0.0, 0.0), *(each.amounts for each in reserved), strict=True)))


def _least(one: int | None, other: int | None) -> int | None:
    known = [limit for limit in (one, other) if limit is not None]
    return min(known) if known else None
