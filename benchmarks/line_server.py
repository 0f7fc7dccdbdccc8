"""`Webhooks` with tools, on one core and behind a Revox that never answers, for `benchmarks/webhooks.py`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn
from langchain_core.tools import tool

from revox_langchain import Connection
from revox_langchain.webhooks import CallTools, Webhooks
from revox_langchain.webhooks.routes import logger

OWN_S = 0.1
"""How long the slow tools take themselves."""

ROOM = 4000
"""Orders that may wait to be looked at."""


@tool
async def quick(day: str) -> str:
    """Answer at once."""
    return f"10:00 on {day}."


@tool
async def quick_once(day: str) -> str:
    """Answer at once, and remember it."""
    return f"Booked for {day}."


@tool
async def slow(day: str) -> str:
    """Answer after a while."""
    await asyncio.sleep(OWN_S)
    return f"10:00 on {day}."


@tool
def slow_sync(day: str) -> str:
    """Answer after a while, in a thread."""
    time.sleep(OWN_S)
    return f"10:00 on {day}."


class Silent(httpx.AsyncBaseTransport):
    """A Revox that never answers, so that every order stays in hand or in the queue."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError


def alone(times: int = 200) -> float:
    """How long the quick tool takes by itself, without anything around it, in milliseconds: the median."""

    async def took() -> list[float]:
        each = []
        for number in range(times):
            began_s = time.perf_counter()
            await quick.ainvoke({"type": "tool_call", "id": str(number), "name": "quick", "args": {"day": "Monday"}})
            each.append((time.perf_counter() - began_s) * 1000)
        return sorted(each)

    return asyncio.run(took())[times // 2]


def main() -> None:
    """Serve until killed; the first line on stdout says where, and what Revox would be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # The line that each request leaves is part of the cost.
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.FileHandler(os.devnull))
    logger.propagate = False
    connection = Connection("a-key-of-the-benchmark", transport=Silent())
    tools = CallTools([quick, quick_once, slow, slow_sync], once=["quick_once"])
    with tempfile.TemporaryDirectory() as folder:
        app = Webhooks(connection, call_tools=tools, journal=Path(folder) / "journal.db", queue=ROOM)
        gc.collect()
        gc.freeze()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        here = f"http://127.0.0.1:{sock.getsockname()[1]}"
        told: dict[str, object] = {"doorbell": app.url(here), "custom_tools": tools.custom_tools(connection, here)}
        told |= {"alone_ms": alone(), "pid": os.getpid()}
        print(json.dumps(told), flush=True)
        server.run([sock])


if __name__ == "__main__":
    sys.exit(main())
