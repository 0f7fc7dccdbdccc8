"""`sandbox` and `mcp`: the commands that serve until somebody presses Ctrl-C, which is how they end well."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress

from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.connection.connection import Connection
from revox_langchain.operations.operation import Risk


def serve_sandbox(host: str, port: int, speed: float, key: str | None) -> Exit:
    """Serve a sandbox with its REST API and its MCP server, after saying how to use it."""
    _refuse_taken(host, port)
    from revox_langchain.sandbox import STORIES, Sandbox
    from revox_langchain.sandbox.mcp import HostedMcp
    from revox_langchain.sandbox.server import serve

    screen = Screen()
    sandbox = Sandbox(key=key, speed=speed or None)
    hosted = HostedMcp(sandbox)

    def on_start(base_url: str) -> None:
        screen.table(("number", "what happens"), [(s.number, s.what) for s in STORIES.values()], whole=("number",))
        pace = f"time runs {speed:g} times as fast" if speed else "time stands still until pushed"
        screen.line()
        screen.line(f"A Revox that rings nobody; {pace}. Ctrl-C stops it.", "bold")
        screen.line(f"  export REVOX_BASE_URL={base_url} REVOX_API_KEY={'<the key>' if key else 'sandbox'}")
        screen.line(f"  MCP server: {base_url}/mcp-servers/generic/mcp")
        screen.line(f"  About it:   {base_url.removesuffix('/api')}/")
        screen.console.file.flush()

    with suppress(KeyboardInterrupt):
        serve(sandbox, host, port, mounts=[hosted.route], lifespan=hosted.lifespan, on_start=on_start)
    return Exit.DONE


def serve_mcp(
    connection: Connection,
    max_risk: Risk,
    toolsets: tuple[str, ...] | None,
    *,
    http: tuple[str, int] | None,
    token: str | None,
) -> Exit:
    """Serve a toolkit to MCP clients; over stdio nothing else may be written to stdout.

    Raises:
        InvalidInput: No such toolset, a port that is taken, or a host that others reach, without a token.
    """
    from revox_langchain.mcp_server.http import run_http
    from revox_langchain.mcp_server.stdio import run_stdio
    from revox_langchain.tools.toolkit import RevoxToolkit

    toolkit = RevoxToolkit(connection=connection, max_risk=max_risk, toolsets=toolsets)
    offer = f"{len(toolkit.requests())} tools, up to risk {max_risk.name.lower()}"
    if http is None:
        hint(f"Serving {offer}, over stdio.")
        # A thread waits for the next line of stdin and cannot be called off: leave it behind.
        signal.signal(signal.SIGINT, lambda *_: os._exit(Exit.DONE))
        run_stdio(toolkit)
        return Exit.DONE
    host, port = http
    _refuse_taken(host, port)
    with suppress(KeyboardInterrupt):
        run_http(toolkit, host, port, token, on_start=lambda url: hint(f"Serving {offer}, at {url}. Ctrl-C stops it."))
    return Exit.DONE


def _refuse_taken(host: str, port: int) -> None:
    """Say in one sentence what uvicorn would say in a log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or str(error)
            raise usage_error(
                f"Cannot listen on {host}:{port}: {why}.", "Give another --port (0 is a free one) or --host."
            ) from None
