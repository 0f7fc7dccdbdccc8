"""The ways to wait that `benchmarks.waiting` compares; each runs in a process of its own and prints what it cost.

python -m benchmarks.schemes watcher --url http://127.0.0.1:8000 --calls 1000 --interval-s 10 --minutes 5
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import revox
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from benchmarks.toy_revox import ToyRevox, listening, request_of, served, thread_of
from revox_langchain import Connection, WaitPolicy, Watcher
from revox_langchain.graph import call_graph
from revox_langchain.graph.waking import awake
from revox_langchain.waiting.watcher import hub_of
from revox_langchain.webhooks import Webhooks

INTERVALS = 30
"""The orders of a run end evenly within so many intervals: at 10 s, one in five a minute."""
SWEEP_WITH_WEBHOOKS = 6
"""With webhooks the sweep only catches what was lost, at an interval so many times as long."""
PLACED_AT_ONCE = 20
AT_ONCE = 20
"""So many threads are woken at one time."""
SWEEP_TO_WAKE_S = 1.0
"""The interval of the `Watcher` that wakes threads which all have ended: a longer one would be measured instead."""
WARM_UP = 20
"""So many graph runs are not counted in the memory of each: what they load is loaded once."""


@dataclass
class Cost:
    """What waiting cost from the first call's begin to the end of the run.

    Attributes:
        ended: Orders that ended in that time.
        missed: Those of them that were not noticed within two intervals after it.
        latencies_s: From the end of each order to its being noticed.
        floor_bytes: Each of them read once.
    """

    requests: int = 0
    bytes: int = 0
    cpu_s: float = 0.0
    peak_rss_mb: float = 0.0
    ended: int = 0
    missed: int = 0
    floor_bytes: int = 0
    latencies_s: list[float] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)


class Run:
    """One scheme at work: the toy's control, the clock of the run and what was noticed when."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.calls: int = options.calls
        self.interval_s: float = options.interval_s
        self.lasts_s: float = options.minutes * 60
        self.url: str = options.url
        self.toy = ToyRevox(options.calls, options.seed)
        self.random = random.Random(options.seed)
        self.noticed_s: dict[str, float] = {}
        self.extra: dict[str, float] = {}
        self.control = httpx.AsyncClient(base_url=self.url, timeout=None)

    def connection(self) -> Connection:
        return Connection("sk_toy", base_url=f"{self.url}/api")

    def notice(self, call_id: str) -> None:
        self.noticed_s[call_id] = time.time()

    async def begin(self, *, over_s: float | None = None, post_to: str | None = None) -> None:
        """From now on orders end."""
        over_s = INTERVALS * self.interval_s if over_s is None else over_s
        answer = await self.control.post("/begin", json={"over_s": over_s, "post_to": post_to})
        self.toy.begun_s, self.toy.over_s = answer.json()["begun_s"], over_s

    async def counts(self) -> dict[str, int]:
        counts: dict[str, int] = (await self.control.get("/counts")).json()
        return counts

    async def measured(self, waiting: Collection[asyncio.Task[Any]]) -> Cost:
        """Let the run last its time, with everything begun; then stop what still waits."""
        cpu_s = _cpu_s()
        await asyncio.sleep(self.toy.begun_s + self.lasts_s - time.time())
        over_s, counts = time.time(), await self.counts()
        cost = Cost(counts["requests"], counts["bytes"], _cpu_s() - cpu_s)
        ended = [call_id for call_id in self.toy.ids if self.toy.ended_at_s(call_id) <= over_s]
        while set(ended) - self.noticed_s.keys() and time.time() < over_s + 2 * self.interval_s:
            await asyncio.sleep(0.1)
        cost.peak_rss_mb = _peak_rss_bytes() / 1e6
        cost.ended, cost.floor_bytes = len(ended), len(ended) * counts["order_bytes"]
        seen = [call_id for call_id in ended if call_id in self.noticed_s]
        cost.missed = len(ended) - len(seen)
        cost.latencies_s = sorted(self.noticed_s[call_id] - self.toy.ended_at_s(call_id) for call_id in seen)
        cost.extra = self.extra
        await _stopped(waiting)
        return cost


async def sdk(run: Run) -> Cost:
    """One loop of the official SDK per call, spread over the interval."""
    client = revox.AsyncRevox(api_key="sk_toy", base_url=f"{run.url}/api")

    async def loop(call_id: str) -> None:
        await asyncio.sleep(run.interval_s * run.random.random())
        while (await client.call.retrieve(call_id)).call.status != "completed":
            await asyncio.sleep(run.interval_s)
        run.notice(call_id)

    await run.begin()
    return await run.measured([asyncio.create_task(loop(call_id)) for call_id in run.toy.ids])


async def watcher(run: Run) -> Cost:
    """One `Watcher` for all."""
    await run.begin()
    return await run.measured([asyncio.create_task(_watch(run, run.connection(), run.interval_s))])


async def webhooks(run: Run) -> Cost:
    """A post per call, and a `Watcher` with a long interval for what is lost."""
    connection = run.connection()
    app = Webhooks(connection)
    server, bound = served(app), listening()
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    waiting = asyncio.create_task(_watch(run, connection, SWEEP_WITH_WEBHOOKS * run.interval_s))
    await run.begin(post_to=app.url(f"http://127.0.0.1:{bound.getsockname()[1]}"))
    cost = await run.measured([waiting])
    server.should_exit = True
    await serving
    return cost


async def graphs_sqlite(run: Run) -> Cost:
    """A call graph per call that keeps running, with checkpoints in SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "calls.db")
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            return await _graphs(run, saver)


async def graphs_memory(run: Run) -> Cost:
    """The same with checkpoints in memory."""
    return await _graphs(run, InMemorySaver())


async def parked(run: Run) -> Cost:
    """A parked thread per call on SQLite: what waiting costs, and how long it takes to wake them one by one."""

    async def wake(graph: Any, _: Connection, ids: dict[str, int]) -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def resume(call_id: str, at: int) -> None:
            async with turn:
                await awake(graph, thread_of(at), call_id)
                run.notice(call_id)

        await asyncio.gather(*(resume(call_id, at) for call_id, at in ids.items()))

    return await _parked(run, wake)


async def parked_swept(run: Run) -> Cost:
    """The same, woken by a `Watcher` of the same process that notices their ends."""

    async def wake(graph: Any, connection: Connection, ids: dict[str, int]) -> None:
        waiting: set[asyncio.Task[Any]] = set()

        async def resume(call_id: str) -> None:
            await awake(graph, thread_of(ids[call_id]), call_id)
            run.notice(call_id)

        async with Watcher(connection, interval_s=SWEEP_TO_WAKE_S) as watcher:
            async for ended in watcher.as_completed(ids):
                waiting.add(asyncio.create_task(resume(ended.call_id)))
                while len(waiting) >= AT_ONCE:
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*waiting)

    return await _parked(run, wake)


SCHEMES: dict[str, Callable[[Run], Awaitable[Cost]]] = {
    "sdk": sdk,
    "watcher": watcher,
    "webhooks": webhooks,
    "graphs-sqlite": graphs_sqlite,
    "graphs-memory": graphs_memory,
    "parked": parked,
    "parked-swept": parked_swept,
}


async def _parked(run: Run, wake: Callable[[Any, Connection, dict[str, int]], Awaitable[None]]) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(str(Path(folder) / "calls.db")) as saver:
            connection = run.connection()
            graph = call_graph(connection, wait_mode="park", checkpointer=saver, inline=True)
            turn, ids = asyncio.Semaphore(PLACED_AT_ONCE), dict[str, int]()

            async def park(at: int) -> None:
                async with turn:
                    [asked] = (await graph.ainvoke(request_of(at), thread_of(at)))["__interrupt__"]
                    ids[asked.value["call_id"]] = at

            first = min(WARM_UP, run.calls)
            await asyncio.gather(*(park(at) for at in range(first)))
            before = _rss_bytes()
            await asyncio.gather(*(park(at) for at in range(first, run.calls)))
            run.extra["kB per waiting run"] = (_rss_bytes() - before) / 1000 / max(1, run.calls - first)
            run.extra["stored kB per thread"] = sum((await _stored(saver)).values()) / 1000 / run.calls
            cpu_s, requests = _cpu_s(), (await run.counts())["requests"]
            await asyncio.sleep(run.interval_s)
            cost = Cost((await run.counts())["requests"] - requests, 0, _cpu_s() - cpu_s)
            await run.begin(over_s=0.0)
            started, cpu_s = time.perf_counter(), _cpu_s()
            await wake(graph, connection, ids)
            run.extra["s to resume all"] = time.perf_counter() - started
            run.extra["CPU s to resume all"] = _cpu_s() - cpu_s
            run.extra["requests to resume all"] = (await run.counts())["requests"]
            cost.ended, cost.missed = run.calls, run.calls - len(run.noticed_s)
            cost.peak_rss_mb, cost.extra = _peak_rss_bytes() / 1e6, run.extra
            return cost


async def _watch(run: Run, connection: Connection, interval_s: float) -> None:
    async with Watcher(connection, interval_s=interval_s) as all_waits:
        async for ended in all_waits.as_completed(run.toy.ids):
            ended.checked()
            run.notice(ended.call_id)


async def _graphs(run: Run, saver: Any) -> Cost:
    connection = run.connection()
    wait = WaitPolicy(sweep_s=run.interval_s)
    graph = call_graph(connection, checkpointer=saver, inline=True, wait=wait)

    async def call(at: int) -> Any:
        result = await graph.ainvoke(request_of(at), thread_of(at))
        run.notice(result["call_id"])
        return result

    before, first, waiting = 0, min(WARM_UP, run.calls), []
    for at in range(run.calls):
        waiting.append(asyncio.create_task(call(at)))
        await _all_wait(connection, at + 1 if at < first else at + 2 - PLACED_AT_ONCE, waiting)
        before = before or (_rss_bytes() if at == first - 1 else 0)
    await _all_wait(connection, run.calls, waiting)
    run.extra["kB per waiting run"] = (_rss_bytes() - before) / 1000 / max(1, run.calls - first)
    stored, begun_s = await _stored(saver), time.time()
    await run.begin()
    measuring = asyncio.create_task(run.measured(waiting))
    if stored:
        await asyncio.sleep(run.lasts_s)
        grown = await _stored(saver)
        still = [at for at in range(run.calls) if not waiting[at].done()]
        growth = sum(grown[str(at)] - stored[str(at)] for at in still) / max(1, len(still))
        run.extra["checkpoint kB per minute"] = growth / 1000 / ((time.time() - begun_s) / 60)
    return await measuring


async def _all_wait(connection: Connection, count: int, waiting: Collection[asyncio.Task[Any]]) -> None:
    while hub_of(connection).present < count:
        await asyncio.sleep(0.005)
        for run_that_ended in (each for each in waiting if each.done()):
            raise RuntimeError(f"A call was not waited for: {run_that_ended.result()}")


async def _stored(saver: Any) -> dict[str, int]:
    """Bytes in the checkpoints of each thread."""
    if not isinstance(saver, AsyncSqliteSaver):
        return {}
    sizes: dict[str, int] = {}
    for table, columns in (("checkpoints", ("checkpoint", "metadata")), ("writes", ("value",))):
        size = " + ".join(f"length({column})" for column in columns)
        async with saver.conn.execute(f"SELECT thread_id, sum({size}) FROM {table} GROUP BY thread_id") as rows:
            async for thread, found in rows:
                sizes[thread] = sizes.get(thread, 0) + found
    return sizes


async def _stopped(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _rss_bytes() -> int:
    """Memory in use now; where the system does not say, the most so far."""
    gc.collect()
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else _peak_rss_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scheme", choices=SCHEMES)
    parser.add_argument("--url", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--interval-s", type=float, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    async def measure() -> Cost:
        run = Run(options)
        try:
            await run.control.post("/reset")
            return await SCHEMES[options.scheme](run)
        finally:
            await run.control.aclose()

    print(json.dumps(asdict(asyncio.run(measure()))))


if __name__ == "__main__":
    main()
