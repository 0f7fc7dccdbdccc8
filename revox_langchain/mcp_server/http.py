"""Serve our tools over streamable HTTP."""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from revox_langchain.actions.offer import Offer
from revox_langchain.errors import InvalidInput
from revox_langchain.mcp_server.hosts import EVERY_ADDRESS, LOOPBACK
from revox_langchain.mcp_server.server import server_for

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send


def run_http(
    toolkit: Offer,
    host: str = "127.0.0.1",
    port: int = 8788,
    token: str | None = None,
    *,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve `toolkit` at `http://host:port/mcp` until Ctrl-C.

    Args:
        toolkit: What is served.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        token: Bearer token that every request must carry; None asks for none.
        on_start: Called with the URL once the port is taken.

    Raises:
        InvalidInput: The host can be reached by others, and there is no token.
        OSError: The port is taken already.
    """
    asyncio.run(serve_http(server_for(toolkit), host, port, token=token, on_start=on_start))


async def serve_http(
    server: Server,
    host: str = "127.0.0.1",
    port: int = 8788,
    *,
    token: str | None = None,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve at `http://host:port/mcp` until the process is told to stop; arguments and errors as for `run_http`."""
    import uvicorn

    if token is None and host not in (*LOOPBACK, "::1"):
        raise InvalidInput(
            f"Whoever reaches {host} could make phone calls.",
            next_step="Give a token, or serve on 127.0.0.1.",
        )
    names = () if host in EVERY_ADDRESS else (host,)
    app = http_app(server, token=token, hosts=names, any_host=not names)
    config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=2)
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio does this only where the socket names its protocol; without it an answer may wait 40 ms to be sent.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if on_start is not None:
        on_start(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/mcp")
    await uvicorn.Server(config).serve([listening])


def http_app(
    server: Server,
    *,
    token: str | None = None,
    path: str = "/mcp",
    hosts: Sequence[str] = (),
    any_host: bool = False,
) -> Starlette:
    """Make a server an ASGI app that speaks streamable HTTP.

    Args:
        server: From `make_server`.
        token: Bearer token that every request must carry; None asks for none.
        path: Where it answers.
        hosts: Names besides the loopback ones under which it may be addressed, against DNS rebinding.
        any_host: Answer under any name; only with a token.

    Raises:
        InvalidInput: Any host, and no token.
    """
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.applications import Starlette
    from starlette.routing import Route

    if any_host and token is None:
        raise InvalidInput("A server that answers under any name needs a token.", next_step="Give a token.")
    names = [*LOOPBACK, *hosts]
    addresses = [form for name in names for form in (name, f"{name}:*")]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=not any_host,
        allowed_hosts=addresses,
        allowed_origins=[f"{scheme}://{address}" for address in addresses for scheme in ("http", "https")],
    )
    endpoint = StreamableHttp(server, security)
    app: ASGIApp = endpoint
    if token is not None:
        app = BearerGate(app, lambda given: hmac.compare_digest(given.encode(), token.encode()))
    return Starlette(routes=[Route(path, app)], lifespan=endpoint.lifespan)


class StreamableHttp:
    """A server as an ASGI app; its sessions begin and end with `lifespan`.

    A request for a session of an earlier run is answered with 404, and clients then begin a new session.
    """

    def __init__(self, server: Server, security: TransportSecuritySettings | None = None) -> None:
        logging.getLogger("mcp.server.streamable_http").addFilter(_is_failure)
        self._server = server
        self._security = security
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Keep sessions while the block lasts."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        # Stateful, since a cancellation arrives as a request of its own and must find what it is to cancel.
        self._manager = StreamableHTTPSessionManager(self._server, security_settings=self._security)
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        assert self._manager is not None, "give its lifespan to the app it is mounted in"
        await self._manager.handle_request(scope, receive, send)


class BearerGate:
    """An ASGI app that lets only requests with an accepted bearer token through."""

    def __init__(self, app: ASGIApp, accepts: Callable[[str], bool]) -> None:
        self._app = app
        self._accepts = accepts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        from starlette.datastructures import Headers
        from starlette.responses import JSONResponse

        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip() and self._accepts(token.strip()):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse({"error": "Invalid API key."}, 401, {"WWW-Authenticate": "Bearer"})
        await refusal(scope, receive, send)


def _is_failure(record: logging.LogRecord) -> bool:
    # The SDK logs an error whenever a client ends its session in good order.
    return not record.getMessage().startswith("Error in standalone SSE writer")
