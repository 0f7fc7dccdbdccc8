"""One at a time within this process: a number that is being dialed, or a name something is being created under."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from revox_langchain.errors import Unavailable
from revox_langchain.flow import Flow, Turn
from revox_langchain.forks import in_children

T = TypeVar("T")


def holding(name: str, work: Callable[[], Flow[T]]) -> Flow[T]:
    """Do `work` while nothing else in this process holds `name`; first come, first served.

    Taking a turn is a step that the drivers serve, so that two coroutines of one event loop do not block each other.

    Raises:
        Unavailable: With code `busy`, in a sync run inside the event loop that the holder needs; nothing was sent.
    """
    # No blocking lock: held across a yield it would deadlock two coroutines of one event loop.
    turn = _take(name)
    try:
        if not turn.done():
            yield Turn(turn, _busy())
        return (yield from work())
    finally:
        _leave(name, turn)


_LOCK = threading.Lock()
_QUEUES: dict[str, deque[Future[None]]] = {}
"""Who holds a name (first) and who waits for it."""


def _renew() -> None:
    # The threads that held names, and perhaps the lock, are not in the child: waiting for them would never end.
    global _LOCK
    _LOCK = threading.Lock()
    _QUEUES.clear()


in_children(_renew)


def _take(name: str) -> Future[None]:
    turn: Future[None] = Future()
    with _LOCK:
        queue = _QUEUES.setdefault(name, deque())
        queue.append(turn)
        if len(queue) == 1:
            turn.set_result(None)
    return turn


def _leave(name: str, turn: Future[None]) -> None:
    with _LOCK:
        queue = _QUEUES.get(name, deque())
        if turn not in queue:
            # Taken before a fork, and left in the child.
            return
        held = queue[0] is turn
        queue.remove(turn)
        if not queue:
            del _QUEUES[name]
        elif held and queue[0].set_running_or_notify_cancel():
            queue[0].set_result(None)


def _busy() -> Unavailable:
    return Unavailable(
        "Another call to this number is being placed, and waiting for it here would block it forever.",
        code="busy",
        sent=False,
        retry_safe=True,
        next_step="Send revox_make_call again when that call is placed. In async code: ainvoke.",
    )
