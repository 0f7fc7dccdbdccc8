"""Many calls through a service or workers that are killed, and what must be true of them at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from revox_langchain.dialing.intent import MARK
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer
from tests.service.crash.process import APPROVES, ServiceProcess, name, service_process, until

SPEED = 60.0
PROMPT = "Confirm the appointment on Tuesday at three."
UNKNOWN = "revox.placement_unknown"


class Cuts(NamedTuple):
    """When something is killed.

    Attributes:
        placing: When so many sixths of the calls are placed; after the second nothing ends, after the last all wait.
        ending: When so many fifths of those that then wait have ended and were reported.
    """

    placing: tuple[int, ...] = ()
    ending: tuple[int, ...] = ()


SIX = Cuts((1, 2, 4, 6), (1, 3))
"""Twice while calls are placed and others end, once while they are placed and others wait, once while all of them wait,
and twice while they end and are reported."""

WHILE = {"placing": Cuts(placing=(3,)), "waiting": Cuts(placing=(6,)), "resuming": Cuts(ending=(2,))}
"""Once, at one of three moments."""


@dataclass(frozen=True)
class Figures:
    """What came of a run.

    Attributes:
        calls: Threads that were started.
        kills: How often something was killed.
        orders: Orders at Revox.
        intents: How many different intents they carry.
        ended: Threads that came to their end with the result of their own order.
        reported: Threads that were reported.
        reported_again: Threads that were reported more than once.
        repeated_for_nothing: Reports of a thread that were repeated although nothing had died in between.
        counted: Orders that count in the budget, which has room for each call once; of workers only.
        asked: Questions about an unknown outcome, each answered by dialing.
        webhooks: Posts of Revox, of which every fifth order has none and the others two.
        webhooks_answered: Those that found the service alive.
        seconds: How long it took.
    """

    calls: int
    kills: int
    orders: int
    intents: int
    ended: int
    reported: int
    reported_again: int
    repeated_for_nothing: int
    counted: int | None
    asked: int
    webhooks: int
    webhooks_answered: int
    seconds: float

    def check(self) -> None:
        """Nothing was lost, nothing was dialed twice, and everything was reported."""
        shown = asdict(self)
        assert self.orders == self.intents == self.calls, f"an order was lost or doubled: {shown}"
        assert self.ended == self.calls, f"a call was lost: {shown}"
        assert self.counted in (None, self.calls), f"the budget is not what was dialed: {shown}"
        assert self.reported == self.calls, f"a call was never reported: {shown}"
        assert self.repeated_for_nothing == 0, f"reported twice although nothing had died: {shown}"
        assert self.kills or not self.reported_again, f"reported twice although nothing had died: {shown}"


def run(folder: Path, calls: int, cuts: Cuts = SIX, *, dsn: str | None = None) -> Figures:
    """Start calls, kill something on the way, and bring every call to its end.

    Args:
        folder: For the files of the processes.
        calls: How many.
        cuts: When something is killed.
        dsn: Database of two workers, one of which is killed for good; without one, a service is killed and restarted.
    """
    began_s = time.monotonic()
    sandbox = Sandbox(speed=SPEED, switches=Switches(organization_limit=max(4, calls // 20)))
    doubled = [Fault("webhook_doubled")] * 4
    sandbox.faults.add(*[*doubled, Fault("webhook_lost")] * (calls // 5 + 1))
    with SandboxServer(sandbox) as server, service_process(server.base_url, folder, dsn, calls) as service:
        with _person(service) as person, _clients(service, calls) as clients:
            _while_placing(sandbox, service, calls, cuts)
            wait(clients)
            _while_they_end(sandbox, service, calls, cuts)
            until(lambda: service.counts()["ended"] == calls, f"not all ended: {service.counts()}", 600)
        figures = _figures(sandbox, service, calls, person.answered, began_s, dsn)
        service.ask_to_stop()
        assert service.stopped() == 0
    assert all(client.result() == 202 for client in clients)
    return figures


def _while_placing(sandbox: Sandbox, service: ServiceProcess, calls: int, cuts: Cuts) -> None:
    for sixths in sorted({*cuts.placing, 2, 6}):
        until(lambda: len(sandbox.dials) * 6 >= calls * sixths, "calls are not placed", 600)  # noqa: B023
        if sixths in cuts.placing:
            service.power_cut()
        if sixths == 2:
            # From here on nothing rings: whatever is placed waits.
            sandbox.switches = sandbox.switches.changed({"organization_limit": 0})


def _while_they_end(sandbox: Sandbox, service: ServiceProcess, calls: int, cuts: Cuts) -> None:
    already = len(service.reports())
    sandbox.switches = sandbox.switches.changed({"organization_limit": 100})
    for fifths in cuts.ending:
        until(lambda: (len(service.reports()) - already) * 5 >= (calls - already) * fifths, "calls do not end", 600)  # noqa: B023
        service.power_cut()


def body_of(at: int) -> dict[str, Any]:
    """A call to a number of its own, since one number is dialed by one run at a time."""
    request = {"phone_number": f"+1202555{2000 + at}", "prompt": PROMPT, "language": "en", "intent": f"visit-{at}"}
    return {"thread_id": name(at), "request": request}


@contextmanager
def _clients(service: ServiceProcess, calls: int) -> Iterator[list[Future[int]]]:
    def start(at: int) -> int:
        return service.asked("POST", "/calls", json=body_of(at)).status_code

    with ThreadPoolExecutor(8) as pool:
        yield [pool.submit(start, at) for at in range(calls)]


class _Person:
    """Somebody who is asked whether to dial where nobody knows whether it was, and says yes."""

    def __init__(self, service: ServiceProcess) -> None:
        self.answered = 0
        self._service = service
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _answer(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            while not self._over.wait(0.2):
                asked = self._service.asked("GET", "/calls?state=asking").json()["calls"]
                self.answered += sum(pool.map(self._dials, (thread["thread_id"] for thread in asked)))

    def _dials(self, thread_id: str) -> bool:
        question = self._service.asked("GET", f"/calls/{thread_id}").json()["question"] or {}
        if question.get("type") != UNKNOWN:
            return False
        path = f"/calls/{thread_id}/answer"
        return self._service.asked("POST", path, APPROVES, json={"answer": "dial"}).status_code == 200


@contextmanager
def _person(service: ServiceProcess) -> Iterator[_Person]:
    person = _Person(service)
    person.start()
    try:
        yield person
    finally:
        person.stop()


def _figures(
    sandbox: Sandbox, service: ServiceProcess, calls: int, asked: int, began_s: float, dsn: str | None
) -> Figures:
    threads, reports = service.threads(calls), service.reports()
    orders = {order["id"]: order["metadata"][MARK] for order in sandbox.dials}
    times = Counter(report["thread_id"] for report in reports)
    by_process = Counter((report["thread_id"], report["pid"]) for report in reports)
    survived = sum(_was_repeated_in_peace(reports, at, service) for at in range(len(reports)))
    return Figures(
        calls=calls,
        kills=len(service.killed),
        orders=len(sandbox.dials),
        intents=len(set(orders.values())),
        ended=len({thread["call_id"] for thread in threads if _ended(thread) and thread["call_id"] in orders}),
        reported=len(times.keys() & {thread["thread_id"] for thread in threads}),
        reported_again=sum(count > 1 for count in times.values()),
        repeated_for_nothing=sum(count > 1 for count in by_process.values()) + survived,
        counted=None if dsn is None else _counted(dsn),
        asked=asked,
        webhooks=len(sandbox.outbox),
        webhooks_answered=sum(post.get("answered") == 202 for post in sandbox.outbox),
        seconds=round(time.monotonic() - began_s, 1),
    )


def _counted(dsn: str) -> int:
    import psycopg

    with psycopg.connect(dsn) as db:
        found = db.execute("SELECT coalesce(sum(orders), 0) FROM revox_budget WHERE lapses_at = 'infinity'").fetchone()
    assert found is not None
    return int(found[0])


def _ended(thread: dict[str, Any]) -> bool:
    result = thread["result"] or {}
    return thread["state"] == "ended" and result.get("status") == "completed" == thread["status"]


def _was_repeated_in_peace(reports: list[dict[str, Any]], at: int, service: ServiceProcess) -> bool:
    """Whether a thread was reported again although the process that had reported it was not killed."""
    again = any(later["thread_id"] == reports[at]["thread_id"] for later in reports[at + 1 :])
    return again and reports[at]["pid"] not in service.killed
