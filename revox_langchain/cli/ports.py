"""What a command that serves needs: whether a port can be listened on, and answers that no garbage collection holds."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from revox_langchain.cli.exits import usage_error


def refuse_taken(host: str, port: int) -> None:
    """Say in one sentence what uvicorn would say in a log.

    Raises:
        InvalidInput: The port is taken, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise usage_error(
            f"Cannot listen on {host}:{port}: {why}.", "Choose another --port (0 picks a free one) or --host."
        ) from None


@contextmanager
def steady_answers() -> Iterator[None]:
    """Leave what is loaded by now out of garbage collection, which would hold up requests for tens of milliseconds."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
