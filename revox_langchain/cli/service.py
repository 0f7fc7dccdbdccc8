"""`serve`: calls that outlive the process, for other programs; and `call --via` it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.engines import (
    DSN_HELP,
    Approve,
    KeepDays,
    OnReport,
    PublicUrl,
    WebhookToken,
    named_function,
    quiet_pools,
    shared_webhook_url,
)
from revox_langchain.cli.exits import Exit, exit_of_call, usage_error
from revox_langchain.cli.options import Country, Speed, account
from revox_langchain.cli.ports import refuse_taken, steady_answers
from revox_langchain.cli.result import show_result
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import Unavailable
from revox_langchain.mcp_server.hosts import EVERY_ADDRESS

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from revox_langchain.service.app import Tokens
    from revox_langchain.service.client import ServiceClient
    from revox_langchain.service.engine import Engine

Token = Annotated[
    str | None,
    typer.Option(envvar="REVOX_SERVICE_TOKEN", show_envvar=True, help="Bearer token of clients; a new one if none."),
]
ApprovalToken = Annotated[
    str | None,
    typer.Option(envvar="REVOX_APPROVAL_TOKEN", show_envvar=True, help="Token of who approves; a new one if none."),
]


def serve(
    context: typer.Context,
    db: Annotated[Path, typer.Option(help="SQLite file for the calls; made if it is not there.")] = Path("calls.db"),
    dsn: Annotated[
        str | None, typer.Option(envvar="REVOX_DSN", show_envvar=True, help=f"Instead of --db. {DSN_HELP}")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8790,
    token: Token = None,
    approval_token: ApprovalToken = None,
    webhook_token: WebhookToken = None,
    public_url: PublicUrl = None,
    approve: Approve = False,
    country: Country = None,
    interval_s: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks at a pending call.")] = 10.0,
    keep_days: KeepDays = None,
    on_report: OnReport = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Dial no real phone; needs no key.")] = False,
    speed: Speed = 20.0,
) -> int:
    """Place calls for other programs and bring each to its report, over any number of restarts.

    One process per --db. Started again after a crash it goes on: no call is lost and none is dialed twice. With --dsn
    any number of them hand calls over to the workers of a PostgreSQL database.
    """
    refuse_taken(host, port)
    from revox_langchain.service.app import Tokens, service_app
    from revox_langchain.webhooks import Webhooks

    address = _dsn_of(context, dsn)
    connection, tokens = account(sandbox=sandbox, speed=speed), Tokens(token, approval_token)
    engine: Engine
    hooks = Webhooks(
        connection,
        on_call_ended=lambda result: engine.heard(result),
        token=webhook_token,
        # What a front of workers does not hear, they find when they look.
        journal=None if address else db.with_name(f"{db.name}.ended"),
    )
    if address:
        shared_webhook_url(connection, public_url, webhook_token)
        engine = _front(connection, address)
    else:
        url = None if public_url is None else hooks.url(public_url)
        engine = _service(connection, db, interval_s, keep_days, on_report, approve, country, url)
    names = [name for name in (_name_of(public_url), host) if name and name not in EVERY_ADDRESS]
    app = service_app(engine, tokens, webhooks=hooks, hosts=names, any_host=host in EVERY_ADDRESS)
    given = (token, approval_token, webhook_token)
    _serve(app, host, port, lambda here: _announce(here, tokens, public_url, given, sandbox, workers=bool(address)))
    return Exit.DONE


def _dsn_of(context: typer.Context, dsn: str | None) -> str | None:
    """The database of workers, if calls are kept there; options that only the workers take are refused with it."""
    given = {name for name in context.params if _source_of(context, name) == "COMMANDLINE"}
    if dsn is None or ("db" in given and "dsn" not in given):
        return None
    theirs = sorted(given & {"approve", "country", "interval_s", "keep_days", "on_report", "db", "sandbox", "speed"})
    if theirs:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in theirs)
        raise usage_error(
            f"With --dsn calls are handed over to workers, and {flags} does not go with it.",
            "Give it to `revox-langchain worker`, which places them, or serve a --db.",
        )
    return dsn


def _source_of(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name


def _service(
    connection: Connection,
    db: Path,
    interval_s: float,
    keep_days: float | None,
    on_report: str | None,
    approve: bool,
    country: str | None,
    webhook_url: str | None,
) -> Engine:
    from revox_langchain.dialing.policy import DialPolicy
    from revox_langchain.service.service import Service
    from revox_langchain.service.sqlite import SqliteRegistry

    # Before anything listens, so that what is wrong with the file is one sentence.
    SqliteRegistry(db).close()
    return Service(
        connection,
        db,
        interval_s=interval_s,
        keep_days=keep_days,
        on_report=named_function(on_report),
        approve=approve,
        policy=DialPolicy(default_region=country),
        webhook_url=webhook_url,
    )


def _front(connection: Connection, dsn: str) -> Engine:
    from revox_langchain.service.postgres import Postgres
    from revox_langchain.service.worker import Worker

    async def opened() -> None:
        async with Postgres(dsn, runs=1):
            pass

    quiet_pools()
    # Before anything listens, so that what is wrong with the database is one sentence.
    asyncio.run(opened())
    return Worker(connection, dsn, runs=2)


def _serve(app: ASGIApp, host: str, port: int, announce: Callable[[str], None]) -> None:
    import uvicorn

    # The access log would show the token in the address of webhooks.
    config = uvicorn.Config(app, host, port, log_level="warning", access_log=False, timeout_graceful_shutdown=20)
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    announce(f"http://{host}:{listening.getsockname()[1]}")
    # When it has drained, uvicorn raises the signal that stopped it once more.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with suppress(KeyboardInterrupt), steady_answers():
        server.run([listening])


def _announce(
    url: str,
    tokens: Tokens,
    public_url: str | None,
    given: tuple[str | None, ...],
    sandbox: bool,
    *,
    workers: bool,
) -> None:
    goes_on = "`revox-langchain worker` places them" if workers else "what is pending goes on later"
    hint(f"Serving calls{' of a sandbox' if sandbox else ''} at {url}. Ctrl-C stops it; {goes_on}.")
    if given[0] is None:
        hint(f"export REVOX_SERVICE_TOKEN={tokens.token.get_secret_value()}")
    if given[1] is None:
        hint(f"export REVOX_APPROVAL_TOKEN={tokens.approval_token.get_secret_value()}")
    if public_url is None:
        hint("Without --public-url the end of a call is noticed by looking.")
    elif given[2] is None:
        hint("Set REVOX_WEBHOOK_TOKEN: without it the address that Revox posts to changes with every start.")


def _name_of(public_url: str | None) -> str | None:
    return None if public_url is None else urlsplit(public_url).hostname


def call_via(url: str, request: JsonObject, screen: Screen, *, yes: bool, max_wait_s: float | None) -> int:
    """Have a running service place a call, and follow it until it has ended.

    Args:
        url: Where the service answers.
        request: The call request.
        screen: Where to show it.
        yes: Do not ask before it is started.
        max_wait_s: Stop following after this long; the service goes on.

    Raises:
        RevoxToolError: The service says no, or does not answer.
    """
    from revox_langchain.service.client import ServiceClient

    token = os.environ.get("REVOX_SERVICE_TOKEN", "")
    if not token:
        raise usage_error("There is no token for the service.", "Set REVOX_SERVICE_TOKEN, which serve shows.")
    if not yes:
        if not screen.can_ask():
            raise usage_error("This may dial a real phone, and there is no terminal to confirm on.", "Add --yes.")
        if not screen.ask(f"Call {request.get('phone_number')} via {url}?"):
            hint("Nothing was dialed.")
            return Exit.REFUSED
    thread_id = _thread_of(request)
    until_s = time.monotonic() + (max_wait_s if max_wait_s is not None else float("inf"))
    with ServiceClient(url, token) as client:
        shown = _started(client, request, thread_id)
        hint(f"Thread {thread_id}.")
        asked = False
        while shown["state"] in ("running", "waiting", "asking"):
            if shown["state"] == "asking" and not asked:
                asked = True
                message = (shown["question"] or {}).get("message")
                hint(f"{message} It waits to be answered: /calls/{thread_id}/answer.")
            if time.monotonic() > until_s:
                hint(f"The call goes on; read it with GET {url}/calls/{thread_id}.")
                screen.answer(shown)
                return Exit.STILL_RUNNING
            time.sleep(0.5)
            shown = client.read(thread_id)
    output = {"attempts": [], **(shown["result"] or {})}
    if shown["state"] == "failed":
        output = {"status": "refused", **output}
    show_result(output, screen)
    return exit_of_call(output)


def _thread_of(request: JsonObject) -> str:
    """The thread of a request: with an intent the same one each time, so that the command may be repeated."""
    intent = request.get("intent")
    return f"{request.get('phone_number')} {intent}" if intent else str(uuid.uuid4())


def _started(client: ServiceClient, request: JsonObject, thread_id: str) -> JsonObject:
    """Start a call; an answer that is lost is asked for again, under the same thread."""
    for pause_s in (0.5, 1.0, 2.0):
        try:
            return client.start(request, thread_id)
        except Unavailable:
            time.sleep(pause_s)
    return client.start(request, thread_id)
