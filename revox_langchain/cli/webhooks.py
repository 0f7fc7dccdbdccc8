"""`webhooks`: hear from Revox that calls have ended, and print a line for each."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import Speed, account
from revox_langchain.cli.ports import refuse_taken, steady_answers
from revox_langchain.cli.screen import hint, stop_writing, write_json
from revox_langchain.connection.connection import Connection
from revox_langchain.operations.secrets import redacted_url
from revox_langchain.results.call import CallResult
from revox_langchain.webhooks.app import Webhooks
from revox_langchain.webhooks.public_url import checked_public_url


def webhooks(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8789,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="REVOX_WEBHOOK_TOKEN", show_envvar=True, help="The secret in the address; a new one by default."
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="File that keeps what was heard and not yet printed; without it a crash loses that."),
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="Where Revox reaches this server, such as https://example.com/revox.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Serve a sandbox as well, whose calls no phone rings for; needs no key.")
    ] = False,
    speed: Speed = 20.0,
) -> int:
    """Hear from Revox that calls have ended, and print one JSON line for each."""
    import httpx

    refuse_taken(host, port)
    hosts = [host] if public_url is None else [host, httpx.URL(checked_public_url(public_url)).host]
    with _account(sandbox, speed, hosts) as connection:
        lines = _Lines(connection)
        app = Webhooks(connection, on_call_ended=lines.write, token=token, journal=journal)
        _serve(app, host, port, lines, lambda here: _show(app, public_url or here, new=token is None))
    if lines.unread:
        stop_writing()
    return Exit.DONE


class _Lines:
    """One line of JSON on stdout for each call; once nobody reads them the server stops.

    Attributes:
        stop: Stops the server.
        unread: Whether the reader has gone.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.stop: Callable[[], None] = lambda: None
        self.unread = False

    def write(self, result: CallResult) -> None:
        """Write the line of a call that has ended; a reader that has gone leaves it to be printed the next time."""
        with self._lock:
            try:
                write_json(_line(result, sandbox=self._connection.sandbox), whole=False)
            except BrokenPipeError:
                self.unread = True
                self.stop()
                raise


def _line(result: CallResult, *, sandbox: bool) -> JsonObject:
    ended = [attempt.ended_at for attempt in result.attempts if attempt.ended_at]
    return {
        "call_id": result.call_id,
        "status": result.status,
        "disposition": result.disposition,
        "outcome": result.outcome,
        "ended_at": ended[-1] if ended else None,
        "sandbox": sandbox or result.sandbox,
    }


@contextmanager
def _account(sandbox: bool, speed: float, hosts: Sequence[str]) -> Iterator[Connection]:
    """The account to look in; a sandbox is served, which posts to these hosts and takes calls of other programs."""
    if not sandbox:
        with account(sandbox=False) as connection:
            yield connection
        return
    from revox_langchain.sandbox import Sandbox
    from revox_langchain.sandbox.server import SandboxServer

    with SandboxServer(Sandbox(speed=speed or None, allowed_hosts=hosts)) as server:
        hint(f"A Revox that dials no real phone: export REVOX_BASE_URL={server.base_url} REVOX_API_KEY=sandbox")
        with Connection("sandbox", base_url=server.base_url, sandbox=True) as connection:
            yield connection


def _show(app: Webhooks, url: str, *, new: bool) -> None:
    """Say which address to give to assistants: whole if its token is new, since no one could know it else."""
    address = app.url(url)
    hint("Prints a line of JSON for each call that has ended. Ctrl-C stops it. The webhook_url for assistants:")
    # Past rich, which would break it over lines.
    print(address if new else redacted_url(address), file=sys.stderr, flush=True)
    if new:
        hint("It holds a new secret, shown this once. Give --token, or REVOX_WEBHOOK_TOKEN, to keep one.")


def _serve(app: Webhooks, host: str, port: int, lines: _Lines, on_start: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM, and finish what is in hand."""
    import uvicorn

    # The address of a request holds the token, so that no access is logged.
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    lines.stop = lambda: setattr(server, "should_exit", True)
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    here = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    # uvicorn stops on both and then raises them again, which would end the process before it has said how it ended.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    logger = logging.getLogger("revox_langchain")
    logger.addHandler(_HINTS)
    try:
        with suppress(KeyboardInterrupt), steady_answers():
            on_start(here)
            server.run([listening])
    finally:
        logger.removeHandler(_HINTS)
        signal.signal(signal.SIGTERM, before)


class _Hints(logging.Handler):
    """Warnings of ours as lines on stderr, without tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        hint(record.getMessage())


_HINTS = _Hints(logging.WARNING)
