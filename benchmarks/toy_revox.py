"""A small fast Revox for measuring: orders of 20 kB that end one after the other, and counts of what was asked.

A process of its own serves it, so that what it costs is not counted for the client. It prints its address.

python -m benchmarks.toy_revox --calls 1000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox

ORDER_BYTES = 20_000
_ID, _TO, _STATUS, _METADATA = "@id", "@to", "@status", '"@metadata"'


@dataclass
class ToyRevox:
    """The orders of one run; the same seed gives the same ids and the same ends.

    Attributes:
        ids: Of the orders, in the order of their creation.
        ends_s: When each ends, in seconds after the beginning, for a run in which they end within one second.
        begun_s: When the run began, in seconds since the epoch; before that no order ends.
        over_s: Seconds within which all orders end, evenly.
    """

    calls: int
    seed: int
    ids: list[str] = field(init=False)
    ends_s: dict[str, float] = field(init=False)
    begun_s: float = float("inf")
    over_s: float = 0.0
    placed: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        source = random.Random(self.seed)
        self.ids = [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(self.calls)]
        shares = [(at + 0.5) / self.calls for at in range(self.calls)]
        source.shuffle(shares)
        self.ends_s = dict(zip(self.ids, shares, strict=True))
        self._order = _template()

    def ended_at_s(self, call_id: str) -> float:
        """When an order ends, in seconds since the epoch."""
        return self.begun_s + self.over_s * self.ends_s[call_id]

    def status(self, call_id: str) -> str:
        return "completed" if time.time() >= self.ended_at_s(call_id) else "queued_for_calling"

    def order(self, call_id: str) -> bytes:
        """An order as JSON."""
        given = self.placed.get(call_id, {})
        text = self._order.replace(_ID, call_id).replace(_STATUS, self.status(call_id))
        text = text.replace(_TO, given.get("phone_number", "+12025550100"))
        return text.replace(_METADATA, json.dumps(given.get("metadata"))).encode()

    def place(self, body: dict[str, Any]) -> bytes:
        """Create the next order."""
        call_id = self.ids[len(self.placed)]
        self.placed[call_id] = body
        return b'{"call":%b}' % self.order(call_id)

    def search(self, body: dict[str, Any]) -> bytes:
        """Find orders by ids, number and status, a page at a time; empty lists are no filter."""
        found = [call_id for call_id in body.get("call_ids") or self.ids if call_id in self.ends_s]
        if number := body.get("to_phone_number"):
            found = [each for each in self.placed if self.placed[each].get("phone_number") == number]
        if statuses := body.get("statuses"):
            found = [each for each in found if self.status(each) in statuses]
        size = min(100, body.get("page_size") or 20)
        first = size * (max(1, body.get("page") or 1) - 1)
        orders = b",".join(map(self.order, found[first : first + size]))
        return b'{"calls":[%b],"total_count":%d}' % (orders, len(found))


def _template() -> str:
    """An order of the sandbox whose conversation is as long as `ORDER_BYTES` wants."""
    sandbox = Sandbox()
    connection = sandbox.connect()
    placed = connection.send(MakeCall(phone_number="+12025550100", prompt="Say hello."))
    sandbox.clock.sleep(600)
    order = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    said = order["last_call_attempt"]["transcript"]
    turns = said.splitlines(keepends=True) if isinstance(said, str) else said
    order |= {"id": _ID, "to_phone_number": _TO, "status": _STATUS, "metadata": json.loads(_METADATA)}
    while len(json.dumps(order)) < ORDER_BYTES:
        longer = order["last_call_attempt"]["transcript"] + turns
        for attempt in (order["last_call_attempt"], *order["call_attempts"]):
            attempt["transcript"] = longer
    return json.dumps(order, separators=(",", ":"))


def app_of(toy: ToyRevox) -> Starlette:
    """The part of Revox's API that waiting uses, and `/begin` and `/counts` for the benchmark."""
    posting: set[asyncio.Task[None]] = set()

    def counted(answer: Callable[[Request], Awaitable[bytes | None]]) -> Callable[[Request], Awaitable[Response]]:
        async def served(request: Request) -> Response:
            body = await answer(request)
            content = b'{"error":"not found"}' if body is None else body
            toy.requests, toy.bytes = toy.requests + 1, toy.bytes + len(content)
            return Response(content, 404 if body is None else 200, media_type="application/json")

        return served

    async def get(request: Request) -> bytes | None:
        call_id = request.path_params["call_id"]
        return b'{"call":%b}' % toy.order(call_id) if call_id in toy.ends_s else None

    async def search(request: Request) -> bytes:
        return toy.search(await request.json())

    async def place(request: Request) -> bytes:
        return toy.place(await request.json())

    async def counts(_: Request) -> Response:
        counted = {"requests": toy.requests, "bytes": toy.bytes, "placed": len(toy.placed)}
        return Response(json.dumps({**counted, "order_bytes": len(toy.order(toy.ids[0]))}))

    async def begin(request: Request) -> Response:
        asked = await request.json()
        toy.over_s, toy.begun_s = asked["over_s"], time.time()
        toy.requests = toy.bytes = 0
        if asked.get("post_to"):
            posting.add(asyncio.create_task(post_ends(toy, asked["post_to"])))
        return Response(json.dumps({"begun_s": toy.begun_s}))

    async def reset(_: Request) -> Response:
        for task in posting:
            task.cancel()
        toy.placed.clear()
        toy.begun_s = float("inf")
        return Response()

    def fixed(answer: dict[str, Any]) -> Callable[[Request], Awaitable[Response]]:
        async def say(_: Request) -> bytes:
            return json.dumps(answer).encode()

        return counted(say)

    return Starlette(
        routes=[
            Route("/api/call", counted(place), methods=["POST"]),
            Route("/api/call/search", counted(search), methods=["POST"]),
            Route("/api/call/{call_id}", counted(get)),
            Route("/api/voices", fixed({"voices": _voices()})),
            Route("/api/phone-numbers", fixed({"phone_numbers": []})),
            Route("/api/calls/phone-history", fixed({"phone_history": {}})),
            Route("/begin", begin, methods=["POST"]),
            Route("/reset", reset, methods=["POST"]),
            Route("/counts", counts),
        ]
    )


def _voices() -> Any:
    import revox

    with revox.Revox(api_key="sk_any", http_client=httpx.Client(transport=httpx.MockTransport(Sandbox()))) as sdk:
        return sdk.voices.list().model_dump(mode="json")["voices"]


async def post_ends(toy: ToyRevox, url: str) -> None:
    """Post to a webhook when each order ends."""
    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as posts:
        for call_id in sorted(toy.ids, key=toy.ended_at_s):
            await asyncio.sleep(max(0.0, toy.ended_at_s(call_id) - time.time()))
            posts.create_task(_post(client, url, call_id))


async def _post(client: httpx.AsyncClient, url: str, call_id: str) -> None:
    try:
        await client.post(url, json={"event": "call_ended", "call_order_id": call_id})
    except httpx.HTTPError as error:
        print(f"not posted: {error!r}", flush=True)


def listening() -> socket.socket:
    """A socket on a free port of this machine."""
    # Of a socket whose protocol is not named, asyncio does not send small packets at once: 40 ms for each answer.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound


def served(app: Any) -> uvicorn.Server:
    """What serves an app without a log."""
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))


def request_of(at: int) -> dict[str, Any]:
    """The input of a call graph for the call of this place."""
    return {"phone_number": f"+1212555{at:04d}", "prompt": "Say hello and ask for the time.", "language": "en"}


def thread_of(at: int) -> Any:
    """The config of its thread."""
    return {"configurable": {"thread_id": str(at)}}


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """A toy in a process of its own, and its address."""
    command = [sys.executable, "-m", "benchmarks.toy_revox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    app = app_of(ToyRevox(options.calls, options.seed))
    bound = listening()
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    served(app).run(sockets=[bound])


if __name__ == "__main__":
    main()
