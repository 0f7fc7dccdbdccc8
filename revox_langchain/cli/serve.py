"""`sandbox` and `mcp`: the commands that serve until Ctrl-C, which is how they end well."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Annotated

import typer

from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import Speed, account
from revox_langchain.cli.ports import refuse_taken
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.cli.tools import RiskName


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8787,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Speed = 20.0,
    key: Annotated[str | None, typer.Option(help="The only API key to accept; any by default.")] = None,
    calling_hours: Annotated[
        bool, typer.Option("--calling-hours", help="Let orders wait for their calling windows, as Revox does.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Host besides this machine that it may post to and use tools of; may be repeated."),
    ] = None,
) -> int:
    """Serve a Revox that dials no real phone, for other programs and languages."""
    refuse_taken(host, port)
    from revox_langchain.mcp_server.versions import refusal
    from revox_langchain.sandbox import STORIES, Sandbox, Switches
    from revox_langchain.sandbox.mcp import HostedMcp
    from revox_langchain.sandbox.server import serve

    screen = Screen()
    switches = Switches(calling_hours=calling_hours)
    served = Sandbox(key=key, speed=speed or None, switches=switches, allowed_hosts=allow_host or ())
    # Where MCP cannot be served, the rest still is.
    no_mcp = refusal()
    hosted = None if no_mcp else HostedMcp(served)
    mounts, lifespan = ([hosted.route], hosted.lifespan) if hosted else ([], None)

    def on_start(base_url: str) -> None:
        screen.table(("number", "what happens"), [(s.number, s.what) for s in STORIES.values()], whole=("number",))
        pace = f"time runs {speed:g} times as fast as real time" if speed else "time stands still until advanced"
        screen.line()
        screen.line(f"A Revox that dials no real phone; {pace}. Ctrl-C stops it.", "bold")
        hours = "wait for their calling windows" if calling_hours else "are dialed at any hour (--calling-hours)"
        screen.line(f"  Orders {hours}.")
        reach = " and ".join(["this machine", *(allow_host or ())])
        screen.line(f"  Tools, look-ups, models and webhooks: only on {reach} (--allow-host).")
        screen.line(f"  export REVOX_BASE_URL={base_url} REVOX_API_KEY={'<the key>' if key else 'sandbox'}")
        screen.line(f"  MCP server: {no_mcp or f'{base_url}/mcp-servers/generic/mcp'}")
        screen.line(f"  Web page:   {base_url.removesuffix('/api')}/")
        screen.console.file.flush()

    with suppress(KeyboardInterrupt):
        serve(served, host, port, mounts=mounts, lifespan=lifespan, on_start=on_start)
    return Exit.DONE


def mcp(
    max_risk: Annotated[RiskName, typer.Option(help="The riskiest kind of tool to offer.")] = RiskName.READ,
    toolset: Annotated[list[str] | None, typer.Option(help="Offer only this toolset; may be repeated.")] = None,
    all_fields: Annotated[
        bool, typer.Option("--all-fields", help="Let clients give caller id, retries, metadata and the like as well.")
    ] = False,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP instead of stdin and stdout.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for --http; 0 picks a free one.")] = 8788,
    token: Annotated[
        str | None,
        typer.Option(envvar="REVOX_MCP_TOKEN", show_envvar=True, help="Bearer token that clients send with --http."),
    ] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Dial no real phone; needs no key.")] = False,
    speed: Speed = 20.0,
) -> int:
    """Serve the tools, guard included, to any MCP client."""
    from revox_langchain.mcp_server.http import run_http
    from revox_langchain.mcp_server.stdio import run_stdio
    from revox_langchain.tools.toolkit import RevoxToolkit

    toolkit = RevoxToolkit(
        connection=account(sandbox=sandbox, speed=speed),
        max_risk=max_risk.risk,
        toolsets=tuple(toolset) if toolset else None,
        fields="full" if all_fields else "lean",
    )
    offer = f"{len(toolkit.requests())} tools{' of a sandbox' if sandbox else ''}, up to risk {max_risk}"
    if not http:
        hint(f"Serving {offer}, over stdio.")
        # A thread waits for the next line of stdin and cannot be called off: leave it behind.
        signal.signal(signal.SIGINT, lambda *_: os._exit(Exit.DONE))
        run_stdio(toolkit)
        return Exit.DONE
    refuse_taken(host, port)
    with suppress(KeyboardInterrupt):
        run_http(toolkit, host, port, token, on_start=lambda url: hint(f"Serving {offer}, at {url}. Ctrl-C stops it."))
    return Exit.DONE
