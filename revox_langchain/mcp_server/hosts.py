"""Under which names a server answers: a page in a browser must not reach one on its reader's own machine.

Such a page can send requests to any address (its `Origin` gives it away), and by pointing its own name at the loopback
address (DNS rebinding) it can also read the answers (then `Host` is that name).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_ADDRESS = ("0.0.0.0", "::")
"""Hosts to listen on that are no name to be addressed under."""

_HOST = re.compile(r"(\[[^\]]*\]|[^:/@]+)(?::\d{1,5})?")


class HostGate:
    """An ASGI app that lets only requests through that are addressed to this server, and come from no foreign page.

    Args:
        app: Gets those requests.
        hosts: Names besides the loopback ones under which it may be addressed.
        any_host: Answer under any name, where the names are not known; pages of other hosts are still refused.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = (), *, any_host: bool = False) -> None:
        self._app = app
        self._names = {*LOOPBACK, *(f"[{host}]" if ":" in host else host.casefold() for host in hosts)}
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 (not this server) or 403 (not from there)."""
        from starlette.datastructures import Headers
        from starlette.responses import JSONResponse

        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            if not self._is_named(host):
                await JSONResponse({"error": "Invalid Host header."}, 421)(scope, receive, send)
                return
            if origin is not None and not self._may_ask(origin, host):
                await JSONResponse({"error": "Invalid Origin header."}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_named(self, host: str) -> bool:
        match = _HOST.fullmatch(host.casefold())
        return match is not None and (self._any_host or match.group(1) in self._names)

    def _may_ask(self, origin: str, host: str) -> bool:
        scheme, _, source = origin.casefold().partition("://")
        if scheme not in ("http", "https"):
            return False
        return source == host.casefold() if self._any_host else self._is_named(source)
