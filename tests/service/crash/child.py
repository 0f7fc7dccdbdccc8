"""The processes to be killed: a service or a front of workers, with webhooks, and a worker.

Whoever brings a thread to its end appends a line to a file. Run as a module, with its settings in JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.results.call import CallResult
from revox_langchain.service.app import Tokens, service_app
from revox_langchain.service.engine import Engine
from revox_langchain.service.registry import Row
from revox_langchain.service.service import Service
from revox_langchain.service.worker import Worker
from revox_langchain.webhooks import Webhooks


def serve(
    base_url: str, folder: str, port: int, token: str, approval_token: str, dsn: str | None, orders: int | None
) -> None:
    """A service, or the front of workers if there is a database."""
    files = Path(folder)

    async def heard(result: CallResult) -> None:
        await engine.heard(result)

    connection = Connection("any key", base_url=base_url)
    webhooks = Webhooks(connection, on_call_ended=heard, token=token, journal=files / "journal.db")
    options = {"interval_s": 1.0, "on_report": reports_to(files), **options_of(webhooks, port, orders)}
    db = files / "calls.db"
    engine: Engine = Service(connection, db, **options) if dsn is None else Worker(connection, dsn, **options)
    app = service_app(engine, Tokens(token, approval_token), webhooks=webhooks)
    config = uvicorn.Config(app, port=port, log_level="warning", ws="none", timeout_graceful_shutdown=5)
    # uvicorn stops on SIGTERM and then raises it again.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run()


def work(base_url: str, folder: str, port: int, token: str, dsn: str, orders: int | None) -> None:
    """A worker behind the front at `port`."""
    connection = Connection("any key", base_url=base_url)
    options = options_of(Webhooks(connection, token=token), port, orders)
    worker = Worker(connection, dsn, interval_s=1.0, on_report=reports_to(Path(folder)), **options)

    async def run() -> None:
        async with worker:
            await worker.run()

    asyncio.run(run())


def reports_to(folder: Path) -> Callable[[Row], None]:
    reports = os.open(folder / "reports.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def report(row: Row) -> None:
        status = (row.result or {}).get("status")
        line = {"thread_id": row.thread_id, "call_id": row.call_id, "status": status, "pid": os.getpid()}
        # One write: a kill leaves the whole line or none of it.
        os.write(reports, json.dumps(line).encode() + b"\n")

    return report


def options_of(webhooks: Webhooks, port: int, orders: int | None) -> dict[str, Any]:
    return {
        "policy": DialPolicy(min_gap_s=0, settle_s=1.0),
        "budget": Budget(orders=orders),
        "webhook_url": webhooks.url(f"http://127.0.0.1:{port}"),
    }


if __name__ == "__main__":
    {"serve": serve, "work": work}[sys.argv[1]](**json.loads(sys.argv[2]))
