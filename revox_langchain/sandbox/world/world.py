"""A small world with its own time: what exists, and what is due when."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from revox_langchain.sandbox.world.switches import Switches

if TYPE_CHECKING:
    from revox_langchain.sandbox.faults import Fault
    from revox_langchain.sandbox.world.orders import Exchange, Order

START_S = datetime(2026, 1, 6, 10, 0, tzinfo=UTC).timestamp()
"""A Tuesday morning, in the middle of the week and at the opening of the default calling window."""

_NAMESPACE = uuid.UUID("5d1b9c0e-52f2-4a3f-9f26-0d5f1f5c7a01")


@dataclass(order=True)
class Event:
    """Something that happens at a time, unless it is called off.

    Attributes:
        due_s: When, in unix seconds of the world.
        number: Events due at the same time happen in the order they were planned in.
        act: What happens.
        off: Set to call it off.
    """

    due_s: float
    number: int
    act: Callable[[], None] = field(compare=False)
    off: bool = field(default=False, compare=False)


@dataclass
class Campaign:
    """A campaign as the API shows it, and what it does not show."""

    data: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    paused: bool = False
    cancelled: bool = False
    launched: bool = False


class World:
    """State and time of one sandbox; every access goes through `lock`.

    Args:
        lock: What makes it safe in several threads; its own if left out.
        speed: World seconds per second on the wall; None stands still until somebody pushes it.
        switches: Assumptions about Revox; may be replaced at any time.
        seed: Decides every id and every small random pause.

    Attributes:
        orders: Call orders by id, as the API shows them, oldest first.
        book: The same orders with what the API does not show.
        assistants: Stored assistants by id.
        campaigns: Campaigns by id.
        voices: The voice catalogue by id.
        phone_numbers: The organisation's own numbers by id.
        do_not_contact: Numbers marked so in the phone history.
        exchange: What places, dials and ends orders.
        outbox: Webhook posts, in the order they left.
        webhook_fault: Asked before each webhook post whether something goes wrong with it.
    """

    def __init__(
        self,
        lock: threading.RLock | None = None,
        *,
        speed: float | None = None,
        switches: Switches | None = None,
        seed: int | str = 0,
    ) -> None:
        self.lock = lock or threading.RLock()
        self.speed = speed
        self.switches = switches or Switches()
        self.seed = seed
        self.orders: dict[str, dict[str, Any]] = {}
        self.book: dict[str, Order] = {}
        self.assistants: dict[str, dict[str, Any]] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.voices: dict[str, dict[str, Any]] = {}
        self.phone_numbers: dict[str, dict[str, Any]] = {}
        self.do_not_contact: set[str] = set()
        self.outbox: list[dict[str, Any]] = []
        self.exchange: Exchange
        self.webhook_fault: Callable[[], Fault | None] = lambda: None
        self._now_s = START_S
        self._wall_s = time.monotonic()
        self._events: list[Event] = []
        self._planned = 0
        self._busy = False
        self._named: dict[str, int] = {}

    @property
    def now_s(self) -> float:
        """Unix time of the world in seconds, after catching up with the clock on the wall."""
        self.catch_up()
        return self._now_s

    @property
    def moment_s(self) -> float:
        """Unix time of what is happening right now, in seconds."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, with everything that happens in them."""
        with self.lock:
            self.advance_to(self.now_s + seconds)

    def advance_to(self, moment_s: float) -> None:
        """Let time pass until `moment_s`; a moment that is over already changes nothing."""
        with self.lock:
            if self._busy:
                raise RuntimeError("an event of the world cannot move the world's time")
            self._busy = True
            try:
                while self._events and self._events[0].due_s <= moment_s:
                    event = heapq.heappop(self._events)
                    self._now_s = max(self._now_s, event.due_s)
                    if not event.off:
                        event.act()
                self._now_s = max(self._now_s, moment_s)
            finally:
                self._busy = False

    def catch_up(self) -> None:
        """Follow the clock on the wall, if this world does."""
        with self.lock:
            if self.speed is None or self._busy:
                return
            wall_s = time.monotonic()
            passed_s, self._wall_s = wall_s - self._wall_s, wall_s
            self.advance_to(self._now_s + passed_s * self.speed)

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

    def new_id(self, kind: str) -> str:
        """A new id; the same world gives the same ids every time."""
        self._named[kind] = self._named.get(kind, 0) + 1
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/{kind}/{self._named[kind]}"))

    def chance(self, *about: object) -> Random:
        """Chance that comes out the same whenever it is asked about the same thing."""
        return Random(f"{self.seed}/{about}")

    @property
    def organization_id(self) -> str:
        """The one organisation there is."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/organization"))


class WorldClock:
    """The world's clock in the shape a `Connection` takes: sleeping is what makes time pass.

    Where the world has no speed of its own, a sleeper moves it to the moment he wants to wake at, so that
    several sleepers wait side by side and not one after the other.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        self._of = world

    @property
    def slice_s(self) -> float | None:
        """Pieces a long pause is cut into; none where a pause takes no time."""
        return None if self._world.speed is None else 0.25 * self._world.speed

    def now_s(self) -> float:
        """Unix time of the world in seconds."""
        return self._world.now_s

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the world pass."""
        if self._world.speed is None:
            self._world.advance_to(self._world.now_s + seconds)
        else:
            time.sleep(seconds / self._world.speed)

    async def asleep(self, seconds: float) -> None:
        """Let `seconds` of the world pass; other tasks run meanwhile."""
        if self._world.speed is None:
            wake_s = self._world.now_s + seconds
            await asyncio.sleep(0)
            self._world.advance_to(wake_s)
        else:
            await asyncio.sleep(seconds / self._world.speed)

    @property
    def _world(self) -> World:
        # Asked for anew each time: a sandbox that begins again has another world.
        return self._of()


def as_stamp(moment_s: float) -> str:
    """Write a moment as Revox does: ISO 8601 in UTC with milliseconds and a Z."""
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_seconds(stamp: str | datetime) -> float:
    """Read a moment, as unix seconds."""
    moment = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
    return moment.timestamp()
