"""Other processes: how long to wait for them, and nothing of them left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


def patience_s(seconds: float = 60.0) -> float:
    """How long to wait for another process: the longer, the busier this machine is.

    Only what would never come takes that long, so that generosity costs nothing.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return seconds * max(1.0, load / (os.cpu_count() or 1))


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program in a session of its own; afterwards it, its children and its pipes are gone, whatever happened."""
    with subprocess.Popen(list(command), text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            # Its children may outlive it; where it was the last of its group, there is no group any more.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def leftover_children() -> list[int]:
    """Reap what has ended, and name the children of this process that still live or were never waited for."""
    if not hasattr(os, "WNOHANG"):
        return []
    found = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return [*found, 0]
        found.append(pid)
