"""`watch`: follow a call that exists."""

from __future__ import annotations

from typing import Annotated

import typer

from revox_langchain.cli.follow import follow_order
from revox_langchain.cli.options import AsJson, Interval, MaxWait, Open, account, wait_policy
from revox_langchain.cli.screen import Screen


def watch(
    call_id: Annotated[str, typer.Argument(help="ID of the call.")],
    max_wait_s: MaxWait = None,
    interval_s: Interval = None,
    open_: Open = False,
    as_json: AsJson = False,
) -> int:
    """Follow an existing call until it ends."""
    with account(sandbox=False) as connection:
        return follow_order(
            call_id, connection, Screen(as_json=as_json), wait_policy(max_wait_s, interval_s), page=open_
        )
