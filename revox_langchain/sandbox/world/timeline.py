"""Time in the sandbox: what is due when, and how the time passes."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

START_S = datetime(2026, 1, 6, 10, 0, tzinfo=UTC).timestamp()
"""Tuesday 6 January 2026, 10:00 UTC: a weekday, at the opening of the default calling window."""

END_S = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""Where the sandbox's time ends: a while before dates do, so that days and zones can be added to any moment."""

_PATIENCE_S = 60.0
_FASTEST = 1_000_000.0


@dataclass(order=True)
class Event:
    """Something that happens at a given time, unless it is called off.

    Attributes:
        due_s: When, in unix seconds of the world.
        number: Decides the order of events due at the same time: that in which they were planned.
        act: What happens.
        off: Set to call it off.
    """

    due_s: float
    number: int
    act: Callable[[], None] = field(compare=False)
    off: bool = field(default=False, compare=False)


class Timeline:
    """Events in the order they are due; every access goes through `lock`.

    Args:
        lock: Makes it thread-safe; a lock of its own if left out.
        speed: World seconds per real second; None stands still until it is advanced.

    Attributes:
        reaches_out: Whether events may wait for something outside, so that advancing may take real time.
        speed: World seconds per real second, as asked for; see `run_at`.
        attended: How many calls a person is on, at the sandbox's page: as long as there are any, time passes no faster
            than real time.
    """

    def __init__(self, lock: threading.RLock | None = None, *, speed: float | None = None) -> None:
        self.lock = lock or threading.RLock()
        self.speed = speed
        self._now_s = START_S
        self._wall_s = time.monotonic()
        self._events: list[Event] = []
        self._planned = 0
        self.reaches_out = False
        self.attended = 0
        self._busy_in: int | None = None
        self._changed = threading.Condition(self.lock)

    @property
    def now_s(self) -> float:
        """Unix time of the world in seconds, after catching up with real time."""
        self.catch_up()
        return self._now_s

    @property
    def pace(self) -> float | None:
        """World seconds per real second at this moment; None stands still."""
        return min(self.speed, 1.0) if self.speed is not None and self.attended else self.speed

    def run_at(self, speed: float | None) -> None:
        """Let time pass at another speed from now on.

        Args:
            speed: World seconds per real second; None stands still until time is advanced.

        Raises:
            ValueError: It is not a number above 0, or too large a one.
        """
        if speed is not None and not 0 < speed <= _FASTEST:
            raise ValueError(f"time passes at a speed above 0 and up to {_FASTEST:,.0f}, not at {speed}")
        with self.lock:
            self.catch_up()
            self.speed, self._wall_s = speed, time.monotonic()

    @property
    def moment_s(self) -> float:
        """Unix time of the event that is happening, in seconds."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, with everything that is due in them.

        Raises:
            ValueError: They are negative or not a number, or lead beyond the year 9000.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"time passes by a number of seconds from 0 up, not by {seconds}")
        with self.lock:
            self.advance_to(self.now_s + seconds)

    def advance_to(self, moment_s: float) -> None:
        """Let time pass until `moment_s`; a moment in the past changes nothing.

        Raises:
            ValueError: The moment lies beyond the year 9000.
        """
        # Put this way round, NaN is refused as well.
        if not moment_s <= END_S:
            raise ValueError("the sandbox's time ends in the year 9000")
        self._pass_until(moment_s, lambda: True)

    def settle(self) -> None:
        """Let happen what is due at this moment; within an event, it happens right after that."""
        with self.lock:
            if self._busy_in is None:
                self.advance_to(self._now_s)

    def _pass_until(self, moment_s: float, goes_on: Callable[[], bool]) -> None:
        with self.lock:
            self._wait_for_my_turn()
            self._busy_in = threading.get_ident()
            try:
                while self._events and self._events[0].due_s <= moment_s:
                    event = heapq.heappop(self._events)
                    self._now_s = max(self._now_s, event.due_s)
                    if not event.off:
                        event.act()
                    if not goes_on():
                        return
                self._now_s = max(self._now_s, moment_s)
            finally:
                self._busy_in = None
                self._changed.notify_all()

    def catch_up(self) -> None:
        """Follow real time, if the world has a speed."""
        with self.lock:
            pace = self.pace
            if pace is None or self._busy_in is not None:
                return
            wall_s = time.monotonic()
            passed_s, self._wall_s = wall_s - self._wall_s, wall_s
            # A phone that rings on the page slows time down: what was to come after that comes later.
            self._pass_until(min(self._now_s + passed_s * pace, END_S), lambda: self.pace == pace)

    def stand_still(self, until: Future[Any]) -> None:
        """Wait, within an event, for something outside; other threads may use the world, but not advance it."""

        def changed(_: object) -> None:
            with self._changed:
                self._changed.notify_all()

        until.add_done_callback(changed)
        # Waiting gives the lock away, however often this thread has taken it.
        with self._changed:
            self._changed.wait_for(until.done)

    def _wait_for_my_turn(self) -> None:
        if self._busy_in == threading.get_ident():
            raise RuntimeError("an event cannot advance the time of its own world")
        if not self._changed.wait_for(lambda: self._busy_in is None, _PATIENCE_S):
            raise RuntimeError("the world stands still until something outside has answered")

    def at(self, due_s: float, act: Callable[[], None]) -> Event:
        """Plan `act` for `due_s`."""
        self._planned += 1
        event = Event(due_s, self._planned, act)
        heapq.heappush(self._events, event)
        return event

    def later(self, seconds: float, act: Callable[[], None]) -> Event:
        """Plan `act` in `seconds`, counted from the event that is happening."""
        return self.at(self._now_s + seconds, act)

    def stamp(self) -> str:
        """The time as Revox writes it."""
        return as_stamp(self._now_s)


def as_stamp(moment_s: float) -> str:
    """Write a moment as Revox does: ISO 8601 in UTC with milliseconds and a Z."""
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_seconds(stamp: str | datetime) -> float:
    """Read a moment, as unix seconds."""
    moment = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
    return moment.timestamp()
