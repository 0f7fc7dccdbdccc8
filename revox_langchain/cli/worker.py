"""`worker` and `sweep`: calls that many machines share in one PostgreSQL database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import Country, account
from revox_langchain.cli.screen import hint, write_json

if TYPE_CHECKING:
    from revox_langchain.service.worker import Worker

Dsn = Annotated[
    str,
    typer.Option(
        envvar="REVOX_DSN", show_envvar=True, help="The PostgreSQL database: postgresql://user:password@host/name."
    ),
]
Approve = Annotated[bool, typer.Option("--approve", help="Have each call approved before it is dialed.")]
Runs = Annotated[int, typer.Option(min=1, max=100, help="How many calls to bring on at the same time.")]


def worker(
    dsn: Dsn,
    approve: Approve = False,
    country: Country = None,
    runs: Runs = 8,
    interval_s: Annotated[
        float, typer.Option(min=0.5, help="Seconds between two looks at all pending calls, by whichever worker.")
    ] = 10.0,
) -> int:
    """Work on the calls of a PostgreSQL database, beside any number of other workers; Ctrl-C stops it well.

    What a worker was doing when it died, another one takes up. Give all of them the same options.
    """
    asyncio.run(_work(_worker_of(dsn, approve, country, runs, interval_s)))
    return Exit.DONE


def sweep(dsn: Dsn, approve: Approve = False, country: Country = None, runs: Runs = 8) -> int:
    """Look once at all pending calls of a database, bring on what is due, and end: for cron and serverless.

    Prints how many calls stand where. Run often enough, it needs no worker beside it.
    """
    write_json({"threads": asyncio.run(_swept(_worker_of(dsn, approve, country, runs, 10.0)))})
    return Exit.DONE


def _worker_of(dsn: str, approve: bool, country: str | None, runs: int, interval_s: float) -> Worker:
    from revox_langchain.dialing.policy import DialPolicy
    from revox_langchain.service.worker import Worker

    policy = DialPolicy(default_region=country)
    return Worker(account(sandbox=False), dsn, runs=runs, interval_s=interval_s, approve=approve, policy=policy)


async def _work(worker: Worker) -> None:
    async with worker:
        hint("Working. Ctrl-C stops it.")
        await worker.run()


async def _swept(worker: Worker) -> dict[str, int]:
    async with worker:
        await worker.run(until_idle=True)
        return await worker.threads.counts()
