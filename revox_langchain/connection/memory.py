"""Answers to reads that may be used again for a while."""

from __future__ import annotations

import json
import threading
from typing import Any

from revox_langchain.flow import Clock
from revox_langchain.forks import renew_in_children
from revox_langchain.operations.operation import Operation


class Memory:
    """Keeps the last answer to each read, with its age; safe from several threads.

    Args:
        clock: Tells the age.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recalled: dict[str, tuple[float, str, Any]] = {}
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Take a lock of its own; the answers stay. Done in every forked child."""
        self._lock = threading.Lock()

    def recalled(self, operation: Operation, max_age_s: float) -> Any:
        """The answer to a read if one no older than `max_age_s` is remembered, else None."""
        with self._lock:
            at_s, _, answer = self._recalled.get(_key(operation), (float("-inf"), "", None))
        return answer if self._clock.now_s() - at_s <= max_age_s else None

    def remember(self, operation: Operation, answer: Any) -> None:
        """Keep the answer to a read."""
        with self._lock:
            self._recalled[_key(operation)] = (self._clock.now_s(), operation.spec.toolset, answer)

    def forget(self, toolset: str) -> None:
        """Drop the reads of a toolset, because something in it was changed."""
        with self._lock:
            stale = [key for key, (_, other, _) in self._recalled.items() if other == toolset]
            for key in stale:
                del self._recalled[key]


def _key(operation: Operation) -> str:
    return f"{operation.spec.name} {json.dumps(operation.wire().query, sort_keys=True)} {operation.wire().path}"
