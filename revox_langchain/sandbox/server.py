"""The sandbox on a socket, for other processes and other languages."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.connection.sandboxed import SANDBOX_HEADER
from revox_langchain.mcp_server.hosts import EVERY_ADDRESS, HostGate
from revox_langchain.sandbox.controls import controls_of
from revox_langchain.sandbox.page.events import Events
from revox_langchain.sandbox.page.page import pages_of
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.outside import Question, Reply

_TICK_S = 0.05
_POST_TIMEOUT_S = 5.0
_START_TIMEOUT_S = 10.0
_HOP_BY_HOP = {"content-length", "transfer-encoding", "connection"}

Handler = Callable[[Request], Awaitable[Response]]


def create_app(
    sandbox: Sandbox,
    mounts: Sequence[BaseRoute] = (),
    lifespan: Lifespan[Starlette] | None = None,
    *,
    host: str = "127.0.0.1",
) -> Starlette:
    """An app with the sandbox at `/api`, its controls at `/sandbox`, and its page at `/`.

    Orders no longer wait for their calling windows, unless the sandbox's switches say that they do.

    Args:
        sandbox: The sandbox.
        mounts: Further routes, which come before the API's own, such as an MCP server below `/api`.
        lifespan: Lifespan of the app, for what those routes need.
        host: Name it is addressed under besides the loopback ones, against pages in a browser; `0.0.0.0` is any.
    """
    any_host = host in EVERY_ADDRESS
    if sandbox.switches.calling_hours is None:
        sandbox.switches = replace(sandbox.switches, calling_hours=False)
    events = Events(sandbox)
    app = Starlette(
        routes=[
            *mounts,
            *pages_of(sandbox, events),
            controls_of(sandbox),
            Route("/api/{path:path}", _api(sandbox), methods=["GET", "POST", "PATCH", "DELETE", "PUT"]),
        ],
        middleware=[Middleware(_Marked), Middleware(HostGate, hosts=() if any_host else (host,), any_host=any_host)],
        lifespan=lifespan,
    )
    app.state.events = events
    return app


class _Marked:
    """Says on every answer, pages and MCP included, that this is a sandbox."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[SANDBOX_HEADER] = "true"
            await send(message)

        await self._app(scope, receive, marked)


class SandboxServer:
    """A sandbox on a port of this machine, as a context manager.

        with SandboxServer(Sandbox(speed=20)) as server:
            Connection("any key", base_url=server.base_url)

    The world keeps its speed between requests, webhooks are really posted, and orders do not wait for their calling
    windows unless `Switches(calling_hours=True)` says so.

    Args:
        sandbox: The sandbox; a new one if left out.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        mounts: Further routes, see `create_app`.
        lifespan: Lifespan of the app, see `create_app`.

    Attributes:
        sandbox: The sandbox.
        port: Port it listens on, once entered.
    """

    def __init__(
        self,
        sandbox: Sandbox | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        mounts: Sequence[BaseRoute] = (),
        lifespan: Lifespan[Starlette] | None = None,
    ) -> None:
        self.sandbox = sandbox or Sandbox()
        self._host = host
        self.port = port
        self._server = _uvicorn(create_app(self.sandbox, mounts, lifespan, host=host))
        self._background = _Background(self.sandbox)
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
        self._background.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._background.stop()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=_START_TIMEOUT_S)


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 8787,
    *,
    mounts: Sequence[BaseRoute] = (),
    lifespan: Lifespan[Starlette] | None = None,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve a sandbox until Ctrl-C.

    Args:
        sandbox: The sandbox.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        mounts: Further routes, see `create_app`.
        lifespan: Lifespan of the app, see `create_app`.
        on_start: Called with the base URL once the server listens.

    Raises:
        OSError: The port is in use.
    """
    server = _uvicorn(create_app(sandbox, mounts, lifespan, host=host))
    listening = _listen(host, port)
    background = _Background(sandbox)
    background.start()
    try:
        if on_start is not None:
            on_start(f"http://{host}:{listening.getsockname()[1]}/api")
        # uvicorn stops on Ctrl-C and then raises it again.
        with suppress(KeyboardInterrupt):
            server.run([listening])
    finally:
        background.stop()


class _Background:
    """A thread that keeps the world in step with real time and posts its webhooks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._outbox = sandbox.outbox
        self._sent = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=_POST_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_S):
            self._sandbox.world.catch_up()
            outbox = self._sandbox.outbox
            if outbox is not self._outbox:
                self._outbox, self._sent = outbox, 0
            while self._sent < len(outbox):
                post = outbox[self._sent]
                self._sent += 1
                reply = self._posted(post["url"], post["payload"])
                post |= {"error": reply.error} if reply.error else {"answered": reply.status}

    def _posted(self, url: str, payload: JsonObject) -> Reply:
        headers = (("Content-Type", "application/json"),)
        question = Question("POST", url, headers, json.dumps(payload, ensure_ascii=False), timeout_s=_POST_TIMEOUT_S)
        return self._sandbox.world.outside.ask(question).result()


class _Protocol(H11Protocol):
    """HTTP whose connection the app can drop halfway, as networks do."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner: ASGIApp = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["sandbox.transport"] = transport
            await inner(scope, receive, send)

        self.app = app


def _uvicorn(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app, http=_Protocol, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    app.state.events.over = lambda: server.should_exit
    return server


def _listen(host: str, port: int) -> socket.socket:
    # It listens from here on, so that a connection waits for the server instead of being refused.
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio does this only where the socket names its protocol; without it an answer may wait 40 ms to be sent.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _api(sandbox: Sandbox) -> Handler:
    async def answer(request: Request) -> Response:
        # Not `request.url`, whose path is decoded: an id may hold an encoded slash.
        path = request.scope.get("raw_path", request.url.path.encode()).partition(b"?")[0]
        url = request.url.replace(path=path.decode("ascii"))
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()
        forwarded = httpx.Request(request.method, str(url), headers=request.headers.raw, content=body)
        try:
            # In a thread: a long `advance` holds the world's lock, and would block the event loop with it.
            response, pause_s = await run_in_threadpool(sandbox.answer, forwarded)
        except httpx.TransportError:
            return await _dropped(request)
        await asyncio.sleep(pause_s)
        headers = {key: value for key, value in response.headers.items() if key not in _HOP_BY_HOP}
        return Response(response.content, response.status_code, headers)

    return answer


async def _dropped(request: Request) -> Response:
    transport = request.scope.get("sandbox.transport")
    if transport is None:
        return JSONResponse({"error": "sandbox fault: the connection would have broken here"}, 502)
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()
