"""The process to be killed: a service with webhooks, which appends a line to a file for every thread it reports.

Run as a module, with its settings in JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.results.call import CallResult
from revox_langchain.service.app import Tokens, service_app
from revox_langchain.service.registry import Row
from revox_langchain.service.service import Service
from revox_langchain.webhooks import Webhooks


def main(base_url: str, folder: str, port: int, token: str, approval_token: str) -> None:
    files = Path(folder)
    reports = os.open(files / "reports.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def report(row: Row) -> None:
        status = (row.result or {}).get("status")
        line = {"thread_id": row.thread_id, "call_id": row.call_id, "status": status, "pid": os.getpid()}
        # One write: a kill leaves the whole line or none of it.
        os.write(reports, json.dumps(line).encode() + b"\n")

    async def heard(result: CallResult) -> None:
        await service.heard(result)

    connection = Connection("any key", base_url=base_url)
    webhooks = Webhooks(connection, on_call_ended=heard, token=token, journal=files / "journal.db")
    options: dict[str, Any] = {
        "policy": DialPolicy(min_gap_s=0, settle_s=1.0),
        "webhook_url": webhooks.url(f"http://127.0.0.1:{port}"),
    }
    service = Service(connection, files / "calls.db", interval_s=1.0, on_report=report, **options)
    app = service_app(service, Tokens(token, approval_token), webhooks=webhooks)
    config = uvicorn.Config(app, port=port, log_level="warning", ws="none", timeout_graceful_shutdown=5)
    # uvicorn stops on SIGTERM and then raises it again.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
