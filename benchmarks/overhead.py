"""Measure what our own code adds to a request and to a call: python -m benchmarks.overhead, or --quick.

Reads go to a toy Revox in a process of its own; calls are answered in this process by one that does nothing, so that
all that is measured is a client's work. Nothing rings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import httpx
import revox
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.rows import as_lines
from benchmarks.toy_revox import ToyRevox, app_of, request_of, serving, thread_of
from revox_langchain import Connection, RevoxToolkit, WaitPolicy
from revox_langchain.graph import call_graph

PACKAGES = ("revox-langchain", "revox", "httpx", "langchain-core", "langgraph")
MOST_OF_THE_SDK = 1.0
"""What is promised of a tool that reads, beside the SDK's typed call."""
BASE_URL = "http://toy.invalid/api"
AT_ONCE = 50


class Instant(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers with the toy's JSON at once, in this process.

    Attributes:
        posted_s: When the latest order was asked for, by the clock of `time.perf_counter`.
    """

    def __init__(self, calls: int) -> None:
        self.toy = ToyRevox(calls, seed=0)
        self.toy.begun_s, self.toy.over_s = 0.0, 0.0
        self.posted_s = 0.0
        self._fixed = asyncio.run(_fixed(self.toy))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request, await request.aread())

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        if path == "/call":
            self.posted_s = time.perf_counter()
            content = self.toy.place(json.loads(body))
        elif path == "/call/search":
            content = self.toy.search(json.loads(body))
        elif path.startswith("/call/"):
            content = b'{"call":%b}' % self.toy.order(path.removeprefix("/call/"))
        else:
            content = self._fixed[path]
        return httpx.Response(200, content=content, headers={"content-type": "application/json"})


def reading(rounds: int, per_round: int) -> dict[str, dict[str, float]]:
    """Tools that read, beside the SDK's typed calls and a plain tool around one, in turn; milliseconds a call."""
    call_id = ToyRevox(1, seed=0).ids[0]
    with serving("--calls", "1") as url:
        options = {"api_key": "sk_toy", "base_url": f"{url}/api"}
        connection, sdk = Connection(**options), revox.Revox(**options)
        toolkit = RevoxToolkit(connection=connection)
        tools = {tool.name: tool for tool in toolkit.get_tools()}

        def get_call(call_id: str) -> Any:
            """Read one order."""
            return sdk.call.retrieve(call_id).model_dump(mode="json")

        plain = StructuredTool.from_function(get_call)
        compared = _in_turn(
            {
                "revox_get_call, invoke": lambda: tools["revox_get_call"].invoke({"call_id": call_id}),
                "tool of the SDK's, invoke": lambda: plain.invoke({"call_id": call_id}),
                "SDK, call.retrieve": lambda: sdk.call.retrieve(call_id),
            },
            rounds,
            per_round,
        ) | _in_turn(
            {
                "revox_list_voices, invoke": lambda: tools["revox_list_voices"].invoke({}),
                "SDK, voices.list": lambda: sdk.voices.list(),
            },
            rounds,
            per_round,
        )

        async def in_a_loop() -> dict[str, dict[str, float]]:
            async with connection, revox.AsyncRevox(**options) as async_sdk:
                return await _in_turn_async(
                    {
                        "revox_get_call, ainvoke": lambda: tools["revox_get_call"].ainvoke({"call_id": call_id}),
                        "AsyncRevox, call.retrieve": lambda: async_sdk.call.retrieve(call_id),
                    },
                    rounds,
                    per_round,
                )

        compared |= asyncio.run(in_a_loop())
        sdk.close()
        return compared


def until_the_post(times: int) -> dict[str, dict[str, float]]:
    """The graph's own time from `invoke` to the `POST` that places the order, in milliseconds."""
    instant = Instant(times + 1)
    taken = []
    graph = call_graph(_connection(instant), checkpointer=InMemorySaver(), inline=True)
    for at in range(times + 1):
        begun_s = time.perf_counter()
        graph.invoke(request_of(at), thread_of(at))
        taken.append((instant.posted_s - begun_s) * 1000)
    return {"call_graph, invoke to POST": _row(taken[1:])}


def many(calls: int) -> dict[str, dict[str, float]]:
    """Whole calls a second on one core: call graphs, beside as many loops of the SDK that create and poll."""

    async def graphs(instant: Instant) -> float:
        connection = _connection(instant)
        graph = call_graph(connection, checkpointer=InMemorySaver(), inline=True, wait=WaitPolicy(sweep_s=0.05))
        return await _all(calls, lambda at: graph.ainvoke(request_of(at), thread_of(at)))

    async def loops(instant: Instant) -> float:
        sdk = revox.AsyncRevox(api_key="sk", base_url=BASE_URL, http_client=httpx.AsyncClient(transport=instant))

        async def place(at: int) -> None:
            given = request_of(at)
            made = await sdk.call.create(
                phone_number=given["phone_number"], assistant={"prompt": given["prompt"]}, metadata={"intent": at}
            )
            while (await sdk.call.retrieve(made.call.id)).call.status != "completed":
                await asyncio.sleep(0.05)

        return await _all(calls, place)

    took = {
        "call graphs": asyncio.run(graphs(Instant(calls))),
        "SDK, create and poll": asyncio.run(loops(Instant(calls))),
    }
    return {
        name: {"calls": calls, "per s and core": calls / cpu_s, "ms each": cpu_s / calls * 1000}
        for name, cpu_s in took.items()
    }


def measured(*, rounds: int, per_round: int, posts: int, calls: int) -> dict[str, dict[str, float]]:
    """All rows."""
    return {**reading(rounds, per_round), **until_the_post(posts), **many(calls)}


def kept(rows: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether what is promised holds; an order's rendering for a model is work that the SDK does not do."""
    return rows["revox_list_voices, invoke"]["of the SDK's"] <= MOST_OF_THE_SDK


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if it takes longer than is promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="whole calls")
    parser.add_argument("--quick", action="store_true", help="a few of each, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    sizes = {"rounds": 15, "per_round": 100, "posts": 50, "calls": options.calls}
    rows = measured(**({"rounds": 1, "per_round": 3, "posts": 2, "calls": 5} if options.quick else sizes))
    made_by: dict[str, Any] = {name: version(name) for name in PACKAGES}
    print(json.dumps({**made_by, "rows": rows}) if options.json else as_lines(rows))
    return int(not options.quick and not kept(rows))


def _in_turn(calls: Mapping[str, Callable[[], Any]], rounds: int, per_round: int) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            begun_s = time.perf_counter()
            for _ in range(per_round):
                call()
            taken[name].append((time.perf_counter() - begun_s) / per_round * 1000)
    return _compared(taken)


async def _in_turn_async(
    calls: Mapping[str, Callable[[], Awaitable[Any]]], rounds: int, per_round: int
) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            begun_s = time.perf_counter()
            for _ in range(per_round):
                await call()
            taken[name].append((time.perf_counter() - begun_s) / per_round * 1000)
    return _compared(taken)


def _compared(taken: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Each, and how many times the SDK's it is, round by round; the SDK is the last, and the first round warms up."""
    *_, its = taken.values()
    rows = {name: _row(each[1:]) for name, each in taken.items()}
    for (_, row), each in zip(rows.items(), taken.values(), strict=True):
        row["of the SDK's"] = statistics.median(mine / theirs for mine, theirs in zip(each[1:], its[1:], strict=True))
    return rows


def _row(taken_ms: Sequence[float]) -> dict[str, float]:
    return {"ms": statistics.median(taken_ms), "spread_ms": max(taken_ms) - min(taken_ms)}


async def _all(calls: int, one: Callable[[int], Awaitable[Any]]) -> float:
    turn = asyncio.Semaphore(AT_ONCE)

    async def in_turn(at: int) -> None:
        async with turn:
            await one(at)

    begun_s = time.process_time()
    await asyncio.gather(*map(in_turn, range(calls)))
    return time.process_time() - begun_s


async def _fixed(toy: ToyRevox) -> dict[str, bytes]:
    app = httpx.ASGITransport(app_of(toy))
    async with httpx.AsyncClient(transport=app, base_url="http://toy.invalid") as client:
        paths = ("/voices", "/phone-numbers", "/calls/phone-history")
        return {path: (await client.get(f"/api{path}")).content for path in paths}


def _connection(instant: Instant) -> Connection:
    return Connection("sk_toy", base_url=BASE_URL, transport=instant)


if __name__ == "__main__":
    raise SystemExit(main())
