"""`worker` and `sweep`: calls that many machines share in one PostgreSQL database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from revox_langchain.cli.engines import (
    Approve,
    Dsn,
    KeepDays,
    MaxOrdersADay,
    OnReport,
    PublicUrl,
    Runs,
    WebhookToken,
    worker_of,
)
from revox_langchain.cli.exits import Exit
from revox_langchain.cli.options import Country
from revox_langchain.cli.screen import hint, write_json

if TYPE_CHECKING:
    from revox_langchain.service.worker import Worker


def worker(
    dsn: Dsn,
    approve: Approve = False,
    country: Country = None,
    runs: Runs = 8,
    interval_s: Annotated[
        float, typer.Option(min=0.5, help="Seconds between two looks at all pending calls, by whichever worker.")
    ] = 10.0,
    keep_days: KeepDays = None,
    on_report: OnReport = None,
    public_url: PublicUrl = None,
    webhook_token: WebhookToken = None,
    max_orders_a_day: MaxOrdersADay = None,
) -> int:
    """Work on the calls of a PostgreSQL database, beside any number of other workers; Ctrl-C stops it well.

    What a worker was doing when it died, another one takes up. Give all of them the same options.
    """
    made = worker_of(
        dsn,
        approve=approve,
        country=country,
        runs=runs,
        interval_s=interval_s,
        keep_days=keep_days,
        on_report=on_report,
        public_url=public_url,
        webhook_token=webhook_token,
        max_orders_a_day=max_orders_a_day,
    )
    asyncio.run(_work(made))
    return Exit.DONE


def sweep(
    dsn: Dsn,
    approve: Approve = False,
    country: Country = None,
    runs: Runs = 8,
    keep_days: KeepDays = None,
    on_report: OnReport = None,
    public_url: PublicUrl = None,
    webhook_token: WebhookToken = None,
    max_orders_a_day: MaxOrdersADay = None,
) -> int:
    """Look once at all pending calls of a database, bring on what is due, and end: for cron and serverless.

    Prints how many calls stand where. Run often enough, it needs no worker beside it.
    """
    made = worker_of(
        dsn,
        approve=approve,
        country=country,
        runs=runs,
        keep_days=keep_days,
        on_report=on_report,
        public_url=public_url,
        webhook_token=webhook_token,
        max_orders_a_day=max_orders_a_day,
    )
    write_json({"threads": asyncio.run(_swept(made))})
    return Exit.DONE


async def _work(worker: Worker) -> None:
    async with worker.connection, worker:
        hint("Working. Ctrl-C stops it.")
        await worker.run()


async def _swept(worker: Worker) -> dict[str, int]:
    async with worker.connection, worker:
        await worker.run(until_idle=True)
        return await worker.threads.counts()
