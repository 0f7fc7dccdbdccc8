"""Async work for sync callers, on an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from revox_langchain.forks import in_children

T = TypeVar("T")

_LOCK = threading.Lock()
_LOOPS: list[asyncio.AbstractEventLoop] = []


def _renew() -> None:
    # The thread that runs the loop is not in the child.
    global _LOCK
    _LOCK = threading.Lock()
    _LOOPS.clear()


in_children(_renew)


def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code, also where an event loop runs already, as in a notebook."""
    future = asyncio.run_coroutine_threadsafe(work, _background_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _background_loop() -> asyncio.AbstractEventLoop:
    # One loop that stays, since HTTP connections belong to the loop that opened them. Not anyio's blocking portal: kept
    # open until the process ends, it waits for its daemon thread, which has stopped by then
    # (test_a_process_that_has_called_a_tool_from_sync_code_exits).
    with _LOCK:
        if not _LOOPS:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="revox-mcp", daemon=True).start()
            _LOOPS.append(loop)
        return _LOOPS[0]
