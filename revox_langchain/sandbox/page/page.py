"""What a sandbox is, and which number tells which story."""

from __future__ import annotations

import html
import math
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from revox_langchain.sandbox.people.stories import STORIES
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.timeline import as_stamp

_MOST_SHOWN = 50


def page_of(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that shows the page."""

    async def page(request: Request) -> Response:
        speed = sandbox.world.speed
        shown = _template().substitute(
            base_url=html.escape(str(request.url.replace(path="/api", query=""))),
            pace="stands still until it is advanced" if speed is None else f"runs at {speed:g} times the real speed",
            now=as_stamp(sandbox.world.now_s),
            dials=len(sandbox.dials),
            hours=_hours(sandbox),
            waiting=_waiting(sandbox),
            rows="\n".join(
                f"<tr><td><code>{number}</code></td><td>{html.escape(story.what)}</td></tr>"
                for number, story in STORIES.items()
            ),
        )
        return HTMLResponse(shown)

    return page


def _hours(sandbox: Sandbox) -> str:
    if sandbox.switches.calling_hours is False:
        return "do not wait for their calling windows (<code>--calling-hours</code> lets them)"
    return "wait for their calling windows"


def _waiting(sandbox: Sandbox) -> str:
    """The orders that wait for a moment, soonest first, as a table; empty if there are none."""
    with sandbox.world.lock:
        waiting = [order for order in sandbox.world.book.values() if order.waits]
    waiting.sort(key=lambda order: order.waits_until_s or math.inf)
    rows = [
        f"<tr><td><code>{html.escape(order.call['to_phone_number'])}</code></td><td>{order.status}</td>"
        f"<td>{_until(order)}</td></tr>"
        for order in waiting[:_MOST_SHOWN]
    ]
    if not rows:
        return ""
    more = f"<p>and {len(waiting) - len(rows)} more</p>" if len(waiting) > len(rows) else ""
    return "\n".join(["<h2>Who waits</h2>", "<table>", *rows, "</table>", more])


def _until(order: Order) -> str:
    if order.waits_until_s is None:
        return "its calling windows never open"
    return f"until <code>{as_stamp(order.waits_until_s)}</code>"


@cache
def _template() -> Template:
    return Template(files(__package__ or "").joinpath("page.html").read_text(encoding="utf-8"))
