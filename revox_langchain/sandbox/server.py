"""The sandbox on a socket, for other processes and other languages."""

from __future__ import annotations

import asyncio
import html
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.people.stories import STORIES
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.timeline import as_stamp

_TICK_S = 0.05
_POST_TIMEOUT_S = 5.0
_START_TIMEOUT_S = 10.0
_HOP_BY_HOP = {"content-length", "transfer-encoding", "connection"}

Handler = Callable[[Request], Awaitable[Response]]


def create_app(sandbox: Sandbox, mounts: Sequence[BaseRoute] = (), lifespan: Any = None) -> Starlette:
    """Put a sandbox behind `/api`, its controls behind `/sandbox`, and a page about it at `/`.

    Args:
        sandbox: What answers.
        mounts: Further routes, which come before the API's own, such as an MCP server below `/api`.
        lifespan: What those need to run, as Starlette takes it.
    """
    return Starlette(
        routes=[
            *mounts,
            Route("/", _page(sandbox)),
            *_controls(sandbox),
            Route("/api/{path:path}", _api(sandbox), methods=["GET", "POST", "PATCH", "DELETE", "PUT"]),
        ],
        lifespan=lifespan,
    )


class SandboxServer:
    """A sandbox on a port of this machine, as a context manager.

        with SandboxServer(Sandbox(speed=20)) as server:
            Connection("any key", base_url=server.base_url)

    The world keeps its pace while nobody asks, and webhooks are really posted.

    Args:
        sandbox: What answers; a new one if left out.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        mounts: Further routes, see `create_app`.
        lifespan: What those need to run.

    Attributes:
        sandbox: What answers.
        port: Port it listens on, once entered.
    """

    def __init__(
        self,
        sandbox: Sandbox | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        mounts: Sequence[BaseRoute] = (),
        lifespan: Any = None,
    ) -> None:
        self.sandbox = sandbox or Sandbox()
        self._host = host
        self.port = port
        self._server = _uvicorn(create_app(self.sandbox, mounts, lifespan))
        self._courier = _Courier(self.sandbox)
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Base URL for clients; it ends in `/api`."""
        return f"{self.url}/api"

    @property
    def url(self) -> str:
        """Where the page and the controls are."""
        return f"http://{self._host}:{self.port}"

    def __enter__(self) -> Self:
        listening = _listen(self._host, self.port)
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        give_up_s = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > give_up_s:
                raise RuntimeError(f"the sandbox could not start on {self._host}:{self.port}")
            time.sleep(0.01)
        self._courier.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._courier.stop()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=_START_TIMEOUT_S)


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 8787,
    *,
    mounts: Sequence[BaseRoute] = (),
    lifespan: Any = None,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve a sandbox until Ctrl-C.

    Args:
        sandbox: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        mounts: Further routes, see `create_app`.
        lifespan: What those need to run.
        on_start: Called with the base URL once the port is taken.

    Raises:
        OSError: The port is taken already.
    """
    server = _uvicorn(create_app(sandbox, mounts, lifespan))
    listening = _listen(host, port)
    courier = _Courier(sandbox)
    courier.start()
    try:
        # From here on a connection waits for the server instead of being refused.
        listening.listen()
        if on_start is not None:
            on_start(f"http://{host}:{listening.getsockname()[1]}/api")
        # uvicorn raises the Ctrl-C again that it has stopped for.
        with suppress(KeyboardInterrupt):
            server.run([listening])
    finally:
        courier.stop()


class _Courier:
    """Lets the world keep its pace, and carries webhooks to where they are to go."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._outbox: list[JsonObject] = sandbox.outbox
        self._sent = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=_POST_TIMEOUT_S)

    def _run(self) -> None:
        with httpx.Client(timeout=_POST_TIMEOUT_S, trust_env=False) as client:
            while not self._stopping.wait(_TICK_S):
                self._sandbox.world.catch_up()
                outbox = self._sandbox.outbox
                if outbox is not self._outbox:
                    self._outbox, self._sent = outbox, 0
                while self._sent < len(outbox):
                    post = outbox[self._sent]
                    self._sent += 1
                    try:
                        post["answered"] = client.post(post["url"], json=post["payload"]).status_code
                    except (httpx.HTTPError, httpx.InvalidURL) as error:
                        post["error"] = type(error).__name__


class _Protocol(H11Protocol):
    """HTTP whose connection an app can drop in the middle, as networks do."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = transport
            await inner(scope, receive, send)

        self.app = app


def _uvicorn(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app, http=_Protocol, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def _api(sandbox: Sandbox) -> Handler:
    async def answer(request: Request) -> Response:
        # Not `request.url`, whose path is decoded: an id may hold an encoded slash.
        path = request.scope.get("raw_path", request.url.path.encode()).partition(b"?")[0]
        url = request.url.replace(path=path.decode("ascii"))
        asked = httpx.Request(request.method, str(url), headers=request.headers.raw, content=await request.body())
        try:
            # In a thread, since a busy world would hold up every other request.
            given, pause_s = await run_in_threadpool(sandbox.answer, asked)
        except httpx.TransportError:
            return await _dropped(request)
        await asyncio.sleep(pause_s)
        headers = {key: value for key, value in given.headers.items() if key not in _HOP_BY_HOP}
        return Response(given.content, given.status_code, headers)

    return answer


async def _dropped(request: Request) -> Response:
    transport = request.scope.get("sandbox.transport")
    if transport is None:
        return JSONResponse({"error": "sandbox fault: the connection would have broken here"}, 502)
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


def _controls(sandbox: Sandbox) -> list[BaseRoute]:
    """Routes for other processes; they take and give JSON, and no key."""

    async def advance(request: Request) -> Response:
        seconds = float((await request.json())["seconds"])
        await run_in_threadpool(sandbox.world.advance, seconds)
        return JSONResponse({"now": as_stamp(sandbox.world.now_s)})

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_state, sandbox))

    async def faults(request: Request) -> Response:
        given = await request.json()
        sandbox.faults.add(*(Fault.from_json(each) for each in (given if isinstance(given, list) else [given])))
        return JSONResponse({"pending": len(sandbox.faults.pending)})

    async def reset(request: Request) -> Response:
        await run_in_threadpool(sandbox.reset)
        return JSONResponse({"now": as_stamp(sandbox.world.now_s)})

    async def switches(request: Request) -> Response:
        sandbox.switches = sandbox.switches.changed(await request.json())
        shown = asdict(sandbox.switches)
        return JSONResponse({key: sorted(v) if isinstance(v, frozenset) else v for key, v in shown.items()})

    posts = {"advance": advance, "faults": faults, "reset": reset, "switches": switches}
    return [
        Route("/sandbox/state", state),
        *(Route(f"/sandbox/{name}", _checked(handler), methods=["POST"]) for name, handler in posts.items()),
    ]


def _checked(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return answer


def _state(sandbox: Sandbox) -> JsonObject:
    world = sandbox.world
    with world.lock:
        return {
            "now": as_stamp(world.now_s),
            "speed": world.speed,
            "dials": len(sandbox.dials),
            "rang": sandbox.rang,
            "orders": [
                {key: call[key] for key in ("id", "status", "to_phone_number", "calls_count", "outcome", "metadata")}
                for call in world.orders.values()
            ],
            "requests": dict(sandbox.counts),
            "webhooks": len(sandbox.outbox),
            "faults_pending": len(sandbox.faults.pending),
        }


def _page(sandbox: Sandbox) -> Handler:
    async def page(request: Request) -> Response:
        base_url = html.escape(str(request.url.replace(path="/api", query="")))
        rows = "".join(
            f"<tr><td><code>{number}</code></td><td>{html.escape(story.what)}</td></tr>"
            for number, story in STORIES.items()
        )
        pace = "stands still until pushed" if sandbox.world.speed is None else f"runs {sandbox.world.speed:g} times"
        return HTMLResponse(
            "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Revox sandbox</title><style>"
            "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:3rem auto;padding:0 1rem}"
            "td{border-top:1px solid #8884;padding:.3rem .8rem .3rem 0;vertical-align:top}"
            "code{font-size:.9em}</style></head><body>"
            "<h1>Revox sandbox</h1><p>It behaves like Revox and rings nobody.</p>"
            f"<p>Base URL: <code>{base_url}</code><br>API key: any, unless the server was given one.<br>"
            f"Time {pace}; here it is <code>{as_stamp(sandbox.world.now_s)}</code>, with {len(sandbox.dials)} "
            "calls placed so far (<a href='/sandbox/state'>state</a>).</p>"
            f"<h2>Who picks up</h2><table>{rows}</table></body></html>"
        )

    return page
