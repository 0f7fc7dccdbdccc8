"""What `serve`, `worker` and `sweep` have in common: their options, and the service or worker that these describe."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revox_langchain.cli.exits import usage_error
from revox_langchain.cli.options import account
from revox_langchain.connection.connection import Connection

if TYPE_CHECKING:
    from revox_langchain.service.worker import Worker

_DAY_S = 86_400.0
DSN_HELP = "The PostgreSQL database: postgresql://user:password@host/name."
Dsn = Annotated[str, typer.Option(envvar="REVOX_DSN", show_envvar=True, help=DSN_HELP)]
Approve = Annotated[bool, typer.Option("--approve", help="Have each call approved before it is dialed.")]
Runs = Annotated[int, typer.Option(min=1, max=100, help="How many calls to bring on at the same time.")]
KeepDays = Annotated[
    float | None, typer.Option(min=0.001, help="Erase calls this long after their end, transcripts included.")
]
MaxOrdersADay = Annotated[
    int | None, typer.Option(min=0, help="The most that all workers together dial within any 24 hours.")
]
OnReport = Annotated[
    str | None,
    typer.Option(help="module:function to call with each call that has ended, at least once, also after a crash."),
]
PublicUrl = Annotated[str | None, typer.Option(help="Where Revox reaches `serve`, to post that a call has ended.")]
WebhookToken = Annotated[
    str | None,
    typer.Option(envvar="REVOX_WEBHOOK_TOKEN", show_envvar=True, help="Secret in the address that Revox posts to."),
]


def named_function(given: str | None) -> Callable[[Any], Any] | None:
    """Find the function that an option names as `module:function`, as programs of the current folder may import it.

    Raises:
        InvalidInput: There is none.
    """
    if given is None:
        return None
    module, colon, name = given.partition(":")
    if not module or not colon or not name:
        raise usage_error(f"--on-report {given!r} is not of the form module:function.", "Write my_module:my_function.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = reduce(getattr, name.split("."), import_module(module))
    except AttributeError as error:
        raise usage_error(f"--on-report {given!r} names nothing: {error}.", "Check the name.") from None
    except Exception as error:
        raise usage_error(
            f"--on-report: the module {module!r} cannot be imported ({type(error).__name__}: {error}).",
            "Run this in the folder of the module, or install it.",
        ) from error
    if not callable(found):
        raise usage_error(f"--on-report {given!r} is not a function.", "Name one that takes the row of a thread.")
    function: Callable[[Any], Any] = found
    return function


def worker_of(
    dsn: str,
    *,
    approve: bool = False,
    country: str | None = None,
    runs: int = 8,
    interval_s: float = 10.0,
    keep_days: float | None = None,
    on_report: str | None = None,
    public_url: str | None = None,
    webhook_token: str | None = None,
    max_orders_a_day: int | None = None,
) -> Worker:
    """The worker that the options describe.

    Raises:
        RevoxToolError: An option does not fit, or there is no key.
    """
    from revox_langchain.dialing.budget import Budget
    from revox_langchain.dialing.policy import DialPolicy
    from revox_langchain.service.worker import Worker

    quiet_pools()
    report, connection = named_function(on_report), account(sandbox=False)
    return Worker(
        connection,
        dsn,
        runs=runs,
        interval_s=interval_s,
        keep_days=keep_days,
        on_report=report,
        approve=approve,
        policy=DialPolicy(default_region=country),
        budget=Budget(orders=max_orders_a_day, period_s=_DAY_S),
        webhook_url=shared_webhook_url(connection, public_url, webhook_token),
    )


def shared_webhook_url(connection: Connection, public_url: str | None, token: str | None) -> str | None:
    """The address that all processes on one database put on assistants, and that Revox posts to.

    Raises:
        InvalidInput: It is not an address, or has no secret that they share.
    """
    if public_url is None:
        return None
    if token is None:
        raise usage_error(
            "--public-url needs the secret that Revox posts with, which serve and all workers share.",
            "Set REVOX_WEBHOOK_TOKEN to the same for all of them.",
        )
    from revox_langchain.webhooks import Webhooks

    return Webhooks(connection, token=token).url(public_url)


def quiet_pools() -> None:
    """Keep the pools and the queue from a traceback for every try to reach a database that is away."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # What is wrong with a thread or with the database, we say ourselves.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
