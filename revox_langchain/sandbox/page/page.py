"""The face of a sandbox in a browser: one page, its style and its script, which ask for nothing else."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from importlib.resources import files
from string import Template
from typing import get_args

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from revox_langchain.operations import OPERATIONS
from revox_langchain.sandbox.faults import FaultKind
from revox_langchain.sandbox.page.events import Events
from revox_langchain.sandbox.people.stories import STORIES, YOUR_NUMBER
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.account import OWN_NUMBERS

_FILES = {"page.css": "text/css", "page.js": "text/javascript", "draw.js": "text/javascript"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def pages_of(sandbox: Sandbox, events: Events) -> list[Route]:
    """The routes of the page, of its files, and of the events it listens to."""

    async def page(request: Request) -> Response:
        base_url = str(request.url.replace(path="/api", query=""))
        return HTMLResponse(_filled(sandbox, base_url), headers=_HEADERS)

    return [
        Route("/", page),
        *(Route(f"/page/{name}", _file(name, kind)) for name, kind in _FILES.items()),
        Route("/sandbox/events", events.__call__),
    ]


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def file(request: Request) -> Response:
        return Response(_text(name), media_type=media_type, headers=_HEADERS)

    return file


def _filled(sandbox: Sandbox, base_url: str) -> str:
    waits = "wait for their calling windows"
    if sandbox.switches.calling_hours is False:
        waits = "do not wait for their calling windows (<code>--calling-hours</code> lets them)"
    return Template(_text("page.html")).substitute(
        base_url=html.escape(base_url),
        your_number=YOUR_NUMBER,
        our_number=OWN_NUMBERS[0][0],
        hours=waits,
        kinds=_options((kind, kind.replace("_", " ")) for kind in get_args(FaultKind)),
        operations=_options((each.spec.name, each.spec.name) for each in OPERATIONS if each.spec.path),
        numbers="\n".join(_row(number, story.what) for number, story in STORIES.items()),
    )


def _row(number: str, what: str) -> str:
    dial = f'<button type="button" class="small" data-dial="{number}" aria-label="Dial {number}">Dial</button>'
    return f"<tr><td><code>{number}</code></td><td>{html.escape(what)}</td><td>{dial}</td></tr>"


def _options(choices: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<option value="{html.escape(value)}">{html.escape(shown)}</option>' for value, shown in choices)


@cache
def _text(name: str) -> str:
    return files(__package__ or "").joinpath(name).read_text(encoding="utf-8")
