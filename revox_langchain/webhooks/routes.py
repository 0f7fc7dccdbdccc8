"""The routes under which Revox comes to us: each is declared once, and held to its token and its limits.

Each request leaves one line of JSON in the log `revox_langchain.webhooks`: route, status and time; never a token, a
whole number, or what was said.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.privacy import without_numbers
from revox_langchain.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Lifespan

logger = logging.getLogger("revox_langchain.webhooks")

MAX_BODY_BYTES = 256 * 1024
_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Asked:
    """A request that carries the token of its route.

    Attributes:
        path: The variables of the route's path.
        query: The query's parameters.
        headers: The headers, found in any case.
        body: The body, within the route's limit.
        noted: What the handler adds to the log line; numbers in it are masked.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    noted: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WebhookRoute:
    """One way in.

    Attributes:
        name: In the log.
        path: As Starlette writes it. With `{token}` the token stands there, else in `Authorization: Bearer`.
        token: The route's own.
        handler: Answers; it may stream.
        method: The only one that is taken.
        max_body_bytes: A larger body is answered 413.
        timeout_s: How long the body may take to come, and then the answer to begin: 408 and 503.
    """

    name: str
    path: str
    token: SecretStr
    handler: Callable[[Asked], Awaitable[Response]]
    method: str = "POST"
    max_body_bytes: int = MAX_BODY_BYTES
    timeout_s: float = 30.0


def answered(status: int, **words: object) -> Response:
    """An answer in JSON."""
    from starlette.responses import JSONResponse

    return JSONResponse(words, status)


def checked_token(given: str | SecretStr) -> SecretStr:
    """Refuse a token that can be guessed or that no address takes.

    Raises:
        InvalidInput: It is short, or has characters that no URL takes.
    """
    token = given.get_secret_value() if isinstance(given, SecretStr) else given
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise InvalidInput(
            "The webhook token is too short or has characters that no URL takes.",
            next_step="Give at least 16 letters and digits, such as secrets.token_urlsafe(32) makes.",
        )
    return SecretStr(token)


def token_for(route: str, secret: SecretStr) -> SecretStr:
    """A route's own token, made from a secret that it does not give away."""
    made = hmac.new(secret.get_secret_value().encode(), f"revox-langchain {route}".encode(), hashlib.sha256)
    return SecretStr(made.hexdigest())


def app_of(routes: list[WebhookRoute], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """Serve routes; what belongs to none of them is answered 404 or 405, and logged as well."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def refused(request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        _log(request, None, status, time.perf_counter(), {})
        return answered(status, error="not found" if status == 404 else "method not allowed")

    served = [Route(route.path, _endpoint(route), methods=[route.method]) for route in routes]
    return Starlette(routes=served, lifespan=lifespan, exception_handlers={404: refused, 405: refused})


def _endpoint(route: WebhookRoute) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        began_s, noted = time.perf_counter(), dict[str, object]()
        try:
            response = await _answer(route, request, noted)
        except Exception as error:
            # What a handler does not foresee must not end in a traceback that Revox is shown.
            logger.exception("The route %s failed", route.name)
            noted["error"] = type(error).__name__
            response = answered(500, error="failed")
        _log(request, route, response.status_code, began_s, noted)
        return response

    return endpoint


async def _answer(route: WebhookRoute, request: Request, noted: JsonObject) -> Response:
    from starlette.requests import ClientDisconnect

    if not _carries(request, route.token):
        return answered(404, error="not found")
    try:
        async with asyncio.timeout(route.timeout_s):
            body = await _bounded(request, route.max_body_bytes)
    except TimeoutError:
        return answered(408, error="the body took too long")
    except ClientDisconnect:
        return answered(400, error="the body ended early")
    if body is None:
        return answered(413, error=f"the body is larger than {route.max_body_bytes} bytes")
    asked = Asked(request.path_params, request.query_params, request.headers, body, noted)
    try:
        async with asyncio.timeout(route.timeout_s) as limit:
            return await route.handler(asked)
    except TimeoutError:
        if not limit.expired():
            raise
        return answered(503, error="it took too long")


def _carries(request: Request, token: SecretStr) -> bool:
    given = request.path_params.get("token")
    if given is None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        given = value.strip() if scheme.lower() == "bearer" else ""
    return hmac.compare_digest(given.encode(), token.get_secret_value().encode())


async def _bounded(request: Request, most: int) -> bytes | None:
    """The body; None if it is too large, in whatever pieces it comes."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


def _log(request: Request, route: WebhookRoute | None, status: int, began_s: float, noted: JsonObject) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    line = {
        "route": route.name if route else None,
        "method": request.method,
        "status": status,
        "ms": round((time.perf_counter() - began_s) * 1000, 1),
        **noted,
    }
    logger.info("%s", without_numbers(json.dumps(line, default=str)))
