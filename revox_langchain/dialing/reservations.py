"""What of a budget is reserved, and where that is kept: in this process, or where many processes share it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

from revox_langchain.forks import renew_in_children


class Amounts(NamedTuple):
    """How much: orders, attempts, and minutes of talk."""

    orders: float = 0.0
    attempts: float = 0.0
    minutes: float = 0.0

    def plus(self, other: Amounts) -> Amounts:
        """The sum of both."""
        return Amounts(*map(sum, zip(self, other, strict=True)))


class Reservation(NamedTuple):
    """The worst case of one intent.

    Attributes:
        intent_id: What it is reserved for.
        scope: The thread, run or toolkit it counts for.
        amounts: How much.
    """

    intent_id: str
    scope: str
    amounts: Amounts


class Period(NamedTuple):
    """Which reservations count.

    Attributes:
        now_s: Seconds since the epoch; what many machines share goes by its own clock.
        seconds: How long a reservation counts; None is for good.
    """

    now_s: float
    seconds: float | None = None


Used = Callable[[str | None], Amounts]
"""How much is reserved in a scope; with None, in all."""


class Reservations(Protocol):
    """Where reservations are kept. Every method may raise `Unavailable`."""

    @property
    def waits(self) -> bool:
        """Whether an answer takes long enough to hold up an event loop."""

    def add(self, wanted: Reservation, period: Period, check: Callable[[Used], None]) -> bool:
        """Reserve, unless the intent has a reservation that counts; nobody else reserves meanwhile.

        Args:
            wanted: What to reserve.
            period: Which reservations count.
            check: Raises if this would be too much.

        Returns:
            Whether it was reserved now, and not before.
        """

    def keep(self, intent_id: str) -> None:
        """Count an intent's reservation also if the process that made it dies: it was placed, or may have been."""

    def release(self, intent_id: str) -> None:
        """Give back what was reserved for an intent."""

    def holds(self, intent_id: str) -> bool:
        """Whether something was reserved for an intent, and not released."""

    def used(self, scope: str | None, period: Period) -> Amounts:
        """How much is reserved in a scope; with None, in all."""


class ProcessReservations:
    """Reservations in the memory of one process."""

    waits = False

    def __init__(self) -> None:
        self._held: dict[str, tuple[Reservation, float]] = {}
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Take a new lock and keep what is reserved. Done in every forked child, which counts by itself from there."""
        self._lock = threading.Lock()

    def add(self, wanted: Reservation, period: Period, check: Callable[[Used], None]) -> bool:
        """Reserve, unless the intent has a reservation that counts."""
        with self._lock:
            if wanted.intent_id in self._held and self._counts(wanted.intent_id, period):
                return False
            check(lambda scope: self._sum(scope, period))
            self._held[wanted.intent_id] = (wanted, period.now_s)
            return True

    def keep(self, intent_id: str) -> None:
        """Do nothing: whatever this process reserved dies with it."""

    def release(self, intent_id: str) -> None:
        """Give back what was reserved for an intent."""
        with self._lock:
            self._held.pop(intent_id, None)

    def holds(self, intent_id: str) -> bool:
        """Whether something was reserved for an intent, and not released."""
        with self._lock:
            return intent_id in self._held

    def used(self, scope: str | None, period: Period) -> Amounts:
        """How much is reserved in a scope; with None, in all."""
        with self._lock:
            return self._sum(scope, period)

    def _counts(self, intent_id: str, period: Period) -> bool:
        return period.seconds is None or self._held[intent_id][1] > period.now_s - period.seconds

    def _sum(self, scope: str | None, period: Period) -> Amounts:
        total = Amounts()
        for intent_id, (held, _) in self._held.items():
            if scope in (None, held.scope) and self._counts(intent_id, period):
                total = total.plus(held.amounts)
        return total
