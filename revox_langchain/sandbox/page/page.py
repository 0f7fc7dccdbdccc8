"""What a sandbox is, and which number tells which story."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from revox_langchain.sandbox.people.stories import STORIES
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.timeline import as_stamp


def page_of(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that shows the page."""

    async def page(request: Request) -> Response:
        speed = sandbox.world.speed
        shown = _template().substitute(
            base_url=html.escape(str(request.url.replace(path="/api", query=""))),
            pace="stands still until it is advanced" if speed is None else f"runs at {speed:g} times the real speed",
            now=as_stamp(sandbox.world.now_s),
            dials=len(sandbox.dials),
            rows="\n".join(
                f"<tr><td><code>{number}</code></td><td>{html.escape(story.what)}</td></tr>"
                for number, story in STORIES.items()
            ),
        )
        return HTMLResponse(shown)

    return page


@cache
def _template() -> Template:
    return Template(files(__package__ or "").joinpath("page.html").read_text(encoding="utf-8"))
