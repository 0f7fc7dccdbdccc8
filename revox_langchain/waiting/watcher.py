"""Many waits, one sweep: whoever waits for orders of one connection shares the searches that notice their end.

Nothing runs in the background. Of the flows that wait, one leads: it sweeps for all on the connection's clock and wakes
those whose order has ended. When it leaves, another takes over. A sweep is one search per 100 orders and interval,
narrowed to what ends an order, so that its answers hold only what has ended.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import AsyncGenerator, Collection, Generator
from concurrent.futures import Future, InvalidStateError
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

from revox_langchain.answers import JsonObject
from revox_langchain.errors import (
    AnswerError,
    InvalidInput,
    NotFound,
    RateLimited,
    Refused,
    RevoxToolError,
    Unavailable,
)
from revox_langchain.flow import Channel, Flow, Pause, Stop, Turn, arun, run
from revox_langchain.forks import renew_in_children
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import order_in, status_of
from revox_langchain.waiting.ends import Ends
from revox_langchain.waiting.sweep import MOST_IDS, ended_among, first_page_of_trusted_search, missing

FEW = 3
"""So many flows that wait read their orders themselves, which costs no more than a search and shows progress."""
_SINGLY_S = 60.0
"""How often an order is read that exists and no search shows."""
_HEARS_OF_STOPS_S = 1.0
_NEXT_LEADERS = 8
_JITTER = 0.2


class Ended(NamedTuple):
    """One wait that is over.

    Attributes:
        call_id: Which order.
        order: As Revox answers it, to be read and not to be changed: a thread that is woken now reports from it. None
            if it could not be waited for.
        error: Why not.
    """

    call_id: str
    order: JsonObject | None
    error: RevoxToolError | None = None

    def checked(self) -> JsonObject:
        """The order.

        Raises:
            RevoxToolError: It could not be waited for.
        """
        if self.order is None:
            raise self.error or AnswerError(f"Revox answered without the call {self.call_id}.")
        return self.order


class Party:
    """Orders that somebody waits for together, and what became of them.

    Attributes:
        waiting: Ids still waited for.
        news: What has ended and was not taken yet.
        until_s: When to stop waiting, in seconds since the epoch.
        over: Whether to stop waiting although orders go on.
    """

    def __init__(
        self, ids: Collection[str], *, until_s: float, interval_s: float, exist: bool = False, stop: Stop | None = None
    ) -> None:
        self.waiting = set(ids)
        # A deque takes 600 bytes before it holds anything, for each of thousands of waits.
        self.news: list[Ended] = []
        self.until_s = until_s
        self.interval_s = interval_s
        self.exist = exist
        self.stop = stop
        self.over = False
        self.come: Future[None] | None = None

    @property
    def done(self) -> bool:
        """Whether there is a reason to return."""
        return bool(self.news) or self.over or not self.waiting

    def wake(self) -> None:
        """Have its flow look again."""
        come, self.come = self.come, None
        if come is not None:
            # Its flow may have been cancelled.
            with suppress(InvalidStateError):
                come.set_result(None)


class Hub:
    """The waits of one connection.

    Attributes:
        present: How many flows watch an order, whichever way.
        trusted: Whether a search is known to mean what it says; None before it was tried.
        ends: Ended orders that were read just now.
    """

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Forget the waits; those of a parent process are not ours."""
        self._lock = threading.RLock()
        self._parties: set[Party] = set()
        self._waiters: dict[str, list[Party]] = {}
        self._unproven: set[str] = set()
        self._read_at_s: dict[str, float] = {}
        self._due: deque[list[str]] = deque()
        self._gap_s = 0.0
        self._next_s = 0.0
        self._leader: Party | None = None
        self._first_page = 1
        self._most_ids = MOST_IDS
        self.present = 0
        self.trusted: bool | None = None
        self.ends = Ends()

    def enter(self, change: int) -> None:
        """Count a flow that watches an order in (1) or out (-1)."""
        with self._lock:
            self.present += change

    @property
    def crowded(self) -> bool:
        """Whether so many flows watch that they had better share a sweep."""
        return self.present > FEW and self.trusted is not False

    def join(self, party: Party) -> None:
        """Wait for a party's orders from now on."""
        with self._lock:
            self._parties.add(party)
            for call_id in party.waiting:
                if not party.exist and call_id not in self._waiters:
                    self._unproven.add(call_id)
                self._waiters.setdefault(call_id, []).append(party)

    def leave(self, party: Party) -> None:
        """Wait for them no longer."""
        with self._lock:
            self._parties.discard(party)
            for call_id in party.waiting:
                others = [other for other in self._waiters.get(call_id, []) if other is not party]
                if others:
                    self._waiters[call_id] = others
                else:
                    self._forget(call_id)

    def until_news(self, party: Party, channel: Channel) -> Flow[None]:
        """Wait until one of a party's orders has ended, its time is up or it is asked to stop.

        Raises:
            RevoxToolError: Revox cannot be asked at all.
        """
        while not party.done:
            with self._lock:
                come = None
                if self._leader is None:
                    self._leader = party
                else:
                    come = party.come = Future()
                    if party.done:
                        return
            if come is None:
                try:
                    stop_requested = yield from self._lead(party, channel)
                finally:
                    self._resign()
                if stop_requested:
                    return
                continue
            blocked = RevoxToolError("The wait that sweeps for all needs this event loop.", code="blocked")
            try:
                yield Turn(come, blocked)
            except RevoxToolError as error:
                if error is not blocked:
                    raise
                yield from self._alone(party, channel)
                return

    def _alone(self, party: Party, channel: Channel) -> Flow[None]:
        """Sweep for one party only; whoever leads cannot go on before this flow returns."""
        own = Hub()
        own.ends, own.trusted, own._first_page = self.ends, self.trusted, self._first_page
        apart = Party(party.waiting, until_s=party.until_s, interval_s=party.interval_s, exist=party.exist)
        own.join(apart)
        yield from own.until_news(apart, channel)
        self.leave(party)
        party.waiting, party.over = apart.waiting, apart.over
        party.news.extend(apart.news)
        self.join(party)

    def _resign(self) -> None:
        with self._lock:
            self._leader = None
            others = [party for party in self._parties if party.come is not None]
            # One is enough; a loop that nobody runs any more must not be the only one that was asked.
            for party in random.sample(others, min(_NEXT_LEADERS, len(others))):
                party.wake()

    def _lead(self, mine: Party, channel: Channel) -> Flow[bool]:
        """Sweep for all until there is news for the leader; says whether it was asked to stop."""
        # Somebody else's wish to stop is seen between two pauses, which a pushed clock does not need.
        slice_s = channel.clock.slice_s
        longest_s = float("inf") if slice_s is None else _HEARS_OF_STOPS_S if mine.stop is None else slice_s
        while True:
            tick = yield Pause(0)
            until_s = self._wake_those_whose_time_is_up(tick.now_s, mine)
            if mine.done or tick.stop_requested:
                return bool(tick.stop_requested)
            if self._next_s <= tick.now_s:
                yield from self._look(tick.now_s)
            else:
                pause_s = max(0.0, min(self._next_s - tick.now_s, until_s - tick.now_s, longest_s))
                yield from self._rest(mine, pause_s, real=slice_s is not None)

    def _rest(self, leader: Party, pause_s: float, *, real: bool) -> Flow[None]:
        """Let time pass; in real time until somebody else has news for the leader."""
        if not real:
            yield Pause(pause_s)
            return
        with self._lock:
            come = leader.come = Future()
            if leader.done:
                come.set_result(None)
        yield Turn(come, RevoxToolError("A rest ends by itself."), float(pause_s))
        leader.come = None

    def _wake_those_whose_time_is_up(self, now_s: float, leader: Party) -> float:
        """Wake who has waited long enough or was asked to stop; returns when the next one's time is up."""
        until_s = float("inf")
        with self._lock:
            parties = list(self._parties)
        for party in parties:
            if now_s >= party.until_s or (party is not leader and party.stop is not None and party.stop()):
                party.over = True
            else:
                until_s = min(until_s, party.until_s)
                continue
            party.wake()
        return until_s

    def _look(self, now_s: float) -> Flow[None]:
        """Look at the next chunk of a round."""
        chunk = self._next_chunk()
        self._next_s = now_s + self._gap_s
        try:
            if chunk and self.trusted is None:
                yield from self._check(chunk)
            if self.trusted is False:
                yield from self._read(self._still_waited(chunk), now_s)
            else:
                yield from self._sweep(self._still_waited(chunk), now_s)
        except RateLimited as error:
            self._next_s = max(self._next_s, now_s + (error.retry_after_s or 0.0))
        except (AnswerError, Unavailable):
            # The next round asks again.
            return
        except (InvalidInput, Refused):
            # The most ids and the largest page that Revox takes are not published.
            if len(chunk) > 1:
                self._most_ids, self._next_s = max(1, len(chunk) // 2), now_s
                self._due.clear()
            else:
                yield from self._read(self._still_waited(chunk), now_s)
        except RevoxToolError as error:
            for call_id in self._still_waited(chunk):
                self.tell(Ended(call_id, None, error))

    def _next_chunk(self) -> list[str]:
        with self._lock:
            if not self._due:
                ids = sorted(self._waiters)
                self._due = deque(ids[at : at + self._most_ids] for at in range(0, len(ids), self._most_ids))
                interval_s = min((party.interval_s for party in self._parties), default=1.0)
                share = 1 + _JITTER * (random.random() - 0.5)
                self._gap_s = share * interval_s / max(1, len(self._due))
            return self._due.popleft() if self._due else []

    def _still_waited(self, ids: Collection[str]) -> list[str]:
        with self._lock:
            return [call_id for call_id in ids if call_id in self._waiters]

    def _check(self, ids: Collection[str]) -> Flow[None]:
        """Find out with an order that exists whether searches can be trusted."""
        for call_id in ids:
            try:
                page = yield from first_page_of_trusted_search(call_id)
            except NotFound as error:
                self.tell(Ended(call_id, None, error))
                continue
            self.trusted, self._first_page = page is not None, page if page is not None else 1
            self._unproven.discard(call_id)
            if not self.trusted:
                with self._lock:
                    # Flows of single orders read these themselves, all at once.
                    alone = [party for party in self._parties if party.exist]
                for party in alone:
                    party.over = True
                    party.wake()
            return

    def _sweep(self, ids: list[str], now_s: float) -> Flow[None]:
        new = self._unproven.intersection(ids)
        if new:
            gone = yield from missing(new, self._first_page)
            yield from self._read(gone, now_s)
            self._unproven -= new
            with self._lock:
                self._read_at_s |= {call_id: now_s for call_id in gone if call_id in self._waiters}
        shown = [call_id for call_id in self._still_waited(ids) if call_id not in self._read_at_s]
        if shown:
            for call_id, order in (yield from ended_among(shown, self._first_page)).items():
                self.ends.keep_row(call_id, order, now_s)
                self.tell(Ended(call_id, order))
        hidden = [i for i in self._still_waited(ids) if now_s >= self._read_at_s.get(i, float("inf")) + _SINGLY_S]
        yield from self._read(hidden, now_s)
        self._read_at_s |= dict.fromkeys(self._still_waited(hidden), now_s)

    def _read(self, ids: Collection[str], now_s: float) -> Flow[None]:
        """Read orders one by one."""
        for call_id in ids:
            try:
                order = order_in((yield GetCall(call_id=call_id)))
            except AnswerError:
                continue
            except NotFound as error:
                self.tell(Ended(call_id, None, error))
                continue
            if order is not None and status_of(order) in ENDED:
                self.ends.keep(call_id, order, now_s)
                self.tell(Ended(call_id, order))

    def tell(self, ended: Ended) -> None:
        """End the waits for an order, whoever noticed its end."""
        with self._lock:
            parties = self._waiters.get(ended.call_id, [])
            self._forget(ended.call_id)
            for party in parties:
                party.waiting.discard(ended.call_id)
                party.news.append(ended)
                party.wake()

    def _forget(self, call_id: str) -> None:
        self._waiters.pop(call_id, None)
        self._unproven.discard(call_id)
        self._read_at_s.pop(call_id, None)


_HUBS: WeakKeyDictionary[Channel, Hub] = WeakKeyDictionary()
_HUBS_LOCK = threading.Lock()


def hub_of(channel: Channel) -> Hub:
    """The hub that all waits of a channel in this process share."""
    with _HUBS_LOCK:
        hub = _HUBS.get(channel)
        if hub is None:
            hub = _HUBS[channel] = Hub()
        return hub


@dataclass(frozen=True, slots=True)
class Company:
    """A step: answered with the channel's hub."""

    def served(self, channel: Channel, stop: Stop | None) -> Flow[Hub]:
        """Answer at once."""
        yield from ()
        return hub_of(channel)


@dataclass(frozen=True, slots=True)
class Watch:
    """A step: wait for an order in the sweep of its channel. Answered with the order, or None if it goes on.

    Attributes:
        call_id: Which one. It is known to exist.
        seconds: How long at most.
        interval_s: Seconds between two looks.
    """

    call_id: str
    seconds: float
    interval_s: float

    def served(self, channel: Channel, stop: Stop | None) -> Flow[JsonObject | None]:
        """Join the sweep, and leave it whatever happens."""
        until_s = (yield Pause(0)).now_s + self.seconds
        party = Party([self.call_id], until_s=until_s, interval_s=self.interval_s, exist=True, stop=stop)
        hub = hub_of(channel)
        hub.join(party)
        try:
            yield from hub.until_news(party, channel)
        finally:
            hub.leave(party)
        return party.news[0].checked() if party.news else None


@dataclass(frozen=True, slots=True)
class _News:
    party: Party

    def served(self, channel: Channel, stop: Stop | None) -> Flow[Ended | None]:
        yield from hub_of(channel).until_news(self.party, channel)
        return self.party.news.pop(0) if self.party.news else None


def _next_news(party: Party) -> Flow[Ended | None]:
    ended: Ended | None = yield _News(party)
    return ended


def _no_id(call_id: str) -> InvalidInput | None:
    try:
        GetCall.parse({"call_id": call_id})
    except InvalidInput as error:
        return error
    return None


class _Waits:
    """What the two watchers share.

    Args:
        connection: Whose orders.
        interval_s: Seconds between two looks at an order.
        max_wait_s: Seconds after which waiting is given up; the orders go on.
    """

    def __init__(self, connection: Channel, *, interval_s: float = 10.0, max_wait_s: float = 7 * 86_400.0) -> None:
        if interval_s <= 0 or max_wait_s <= 0:
            raise ValueError("interval_s and max_wait_s: give seconds above 0")
        self._connection = connection
        self._interval_s = interval_s
        self._max_wait_s = max_wait_s

    def _joined(self, call_ids: Collection[str]) -> Party:
        if isinstance(call_ids, str):
            raise InvalidInput(
                "call_ids is one id; a list of ids is wanted.", next_step="Give [call_id], or use `wait`."
            )
        call_ids = list(call_ids)
        # One that no search takes would end the waits of all others.
        wrong = [Ended(call_id, None, error) for call_id in call_ids if (error := _no_id(call_id))]
        until_s = self._connection.clock.now_s() + self._max_wait_s
        waited = set(call_ids).difference(ended.call_id for ended in wrong)
        party = Party(waited, until_s=until_s, interval_s=self._interval_s)
        party.news.extend(wrong)
        hub_of(self._connection).join(party)
        return party

    def _left(self, party: Party) -> None:
        hub_of(self._connection).leave(party)

    def _given_up(self, party: Party) -> list[Ended]:
        return [Ended(call_id, None, self._still_running(call_id)) for call_id in sorted(party.waiting)]

    def _still_running(self, call_id: str) -> RevoxToolError:
        return RevoxToolError(
            f"The call {call_id} had not ended after {self._max_wait_s:g} s of waiting; it goes on.",
            code="still_running",
            next_step="Wait for it again, or read it with revox_get_call.",
            retry_safe=True,
        )


class Watcher(_Waits):
    """Waits for many orders with one sweep, which it shares with the graphs and tools of the same connection.

        async with Watcher(connection) as watcher:
            order = await watcher.wait(call_id)
            async for ended in watcher.as_completed(call_ids):
                print(ended.call_id, ended.checked()["status"])

    Cancelling one wait leaves the others alone.

    Args:
        connection: Whose orders.
        interval_s: Seconds between two looks at an order; the shortest of all waits of a connection holds.
        max_wait_s: Seconds after which waiting is given up; the orders go on.
    """

    def lasting(self, max_wait_s: float) -> Watcher:
        """The same watcher with another limit."""
        return Watcher(self._connection, interval_s=self._interval_s, max_wait_s=max_wait_s)

    async def wait(self, call_id: str) -> JsonObject:
        """Wait until an order has ended.

        Returns:
            The order as Revox answers it.

        Raises:
            NotFound: There is no such order.
            RevoxToolError: It cannot be read, or with code `still_running` it has not ended in time.
        """
        async with aclosing(self.as_completed([call_id])) as all_ended:
            ended = await anext(all_ended)
        return ended.checked()

    async def as_completed(self, call_ids: Collection[str]) -> AsyncGenerator[Ended, None]:
        """Yield orders as they end; one that cannot be waited for comes with its error and leaves the others alone."""
        party = self._joined(call_ids)
        try:
            while party.waiting or party.news:
                ended = await arun(_next_news(party), self._connection)
                if ended is None:
                    break
                yield ended
            for ended in self._given_up(party):
                yield ended
        finally:
            self._left(party)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        return None


class SyncWatcher(_Waits):
    """`Watcher` for code without an event loop; the arguments are the same."""

    def wait(self, call_id: str) -> JsonObject:
        """Wait until an order has ended; as `Watcher.wait`."""
        with closing(self.as_completed([call_id])) as all_ended:
            ended = next(all_ended)
        return ended.checked()

    def as_completed(self, call_ids: Collection[str]) -> Generator[Ended, None, None]:
        """Yield orders as they end; as `Watcher.as_completed`."""
        party = self._joined(call_ids)
        try:
            while party.waiting or party.news:
                ended = run(_next_news(party), self._connection)
                if ended is None:
                    break
                yield ended
            yield from self._given_up(party)
        finally:
            self._left(party)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None
