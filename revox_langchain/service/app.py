"""The service over HTTP: start, list, read, cancel and answer, behind a token; answers behind another one."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, RevoxToolError
from revox_langchain.mcp_server.hosts import HostGate
from revox_langchain.service.engine import Engine
from revox_langchain.service.registry import UNFINISHED, Row
from revox_langchain.webhooks.app import Webhooks

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

logger = logging.getLogger("revox_langchain")

_MAX_BODY_BYTES = 1024 * 1024
_STATUS = {
    "invalid": 422,
    "not_found": 404,
    "refused": 409,
    "auth": 502,
    "unavailable": 502,
    "timeout": 504,
    "rate_limited": 429,
}
_AWAY = ("stopping", "database_unavailable")
_STATES = (*UNFINISHED, "ended", "failed")


class Tokens:
    """Who may do what: one token to use the service, another to answer what it asks.

    They differ, since an agent that may start calls must not approve its own.

    Args:
        token: To start, list, read and cancel; left out, a new one.
        approval_token: To answer; left out, a new one.

    Raises:
        InvalidInput: They are equal, or one is short.
    """

    def __init__(self, token: str | None = None, approval_token: str | None = None) -> None:
        self.token = SecretStr(_checked(token) if token is not None else secrets.token_urlsafe(32))
        self.approval_token = SecretStr(
            _checked(approval_token) if approval_token is not None else secrets.token_urlsafe(32)
        )
        if hmac.compare_digest(self.token.get_secret_value(), self.approval_token.get_secret_value()):
            raise InvalidInput(
                "The token for approvals is the same as the other one.",
                next_step="Give another, so that whoever starts calls cannot approve them.",
            )

    def may_use(self, authorization: str) -> bool:
        """Whether a header lets its sender use the service."""
        return _carries(authorization, self.token)

    def may_answer(self, authorization: str) -> bool:
        """Whether a header lets its sender answer questions."""
        return _carries(authorization, self.approval_token)


def service_app(
    engine: Engine,
    tokens: Tokens,
    *,
    webhooks: Webhooks | None = None,
    hosts: Sequence[str] = (),
    any_host: bool = False,
) -> ASGIApp:
    """Put a service, or the calls of workers, behind HTTP: an ASGI app that opens and closes it as it starts and ends.

    | request | token | does |
    | --- | --- | --- |
    | `POST /calls` | token | starts `{"request": {...}, "thread_id": "..."}`; 202 with the thread |
    | `GET /calls?state=&limit=&before=` | token | lists threads, newest first |
    | `GET /calls/{thread_id}` | token | reads one, with its question or its result |
    | `POST /calls/{thread_id}/cancel` | token | cancels its call, or rejects it |
    | `POST /calls/{thread_id}/answer` | approval token | answers `{"answer": ...}` |
    | `GET /status` | token | counts threads by state |
    | `GET /healthz` | none | says that it runs |
    | `POST /call-ended/{token}` | in the address | hears from Revox, if `webhooks` are given |

    Args:
        engine: A `Service`, or a `Worker` that hands calls over to others; not opened yet.
        tokens: Who may do what.
        webhooks: Of the same connection, with `engine.heard` as callback.
        hosts: Names besides the loopback ones under which it may be addressed, against DNS rebinding.
        any_host: Answer under any name.
    """
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    front = _Front(engine, tokens)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with engine:
            if webhooks is None:
                yield
                return
            async with webhooks:
                yield

    routes: list[Any] = [
        Route("/healthz", front.healthz, methods=["GET"]),
        Route("/status", front.used(front.status), methods=["GET"]),
        Route("/calls", front.used(front.start), methods=["POST"]),
        Route("/calls", front.used(front.list), methods=["GET"]),
        Route("/calls/{thread_id}", front.used(front.read), methods=["GET"]),
        Route("/calls/{thread_id}/cancel", front.used(front.cancel), methods=["POST"]),
        Route("/calls/{thread_id}/answer", front.answered, methods=["POST"]),
    ]
    if webhooks is not None:
        routes.append(Mount("/", webhooks))
    # Revox comes under whatever name the address has that it was given; its token is in the path.
    return HostGate(Starlette(routes=routes, lifespan=lifespan), hosts, any_host=any_host)


_Handler = Callable[["Request"], Awaitable["Response"]]


class _Front:
    def __init__(self, engine: Engine, tokens: Tokens) -> None:
        self._engine = engine
        self._tokens = tokens

    def used(self, handler: _Handler) -> _Handler:
        async def checked(request: Request) -> Response:
            if not self._tokens.may_use(request.headers.get("authorization", "")):
                return _refused("Authorization: Bearer with the service's token is missing or wrong.")
            return await self._told(handler, request)

        return checked

    async def answered(self, request: Request) -> Response:
        header = request.headers.get("authorization", "")
        if not self._tokens.may_answer(header):
            also = " The token that starts calls does not answer them." if self._tokens.may_use(header) else ""
            return _refused(f"Authorization: Bearer with the token for approvals is missing or wrong.{also}")
        return await self._told(self.answer, request)

    async def healthz(self, request: Request) -> Response:
        return _json({"ok": True, "version": version("revox-langchain")})

    async def status(self, request: Request) -> Response:
        counts = await self._engine.threads.counts()
        return _json({"threads": {state: counts.get(state, 0) for state in _STATES}, **self._sandbox()})

    async def start(self, request: Request) -> Response:
        body = await _body(request)
        wanted, thread_id = body.get("request"), body.get("thread_id")
        if not isinstance(wanted, Mapping) or not isinstance(thread_id, str | None) or body.keys() - _START_KEYS:
            raise InvalidInput(
                "The body is not a call request.", next_step='Send {"request": {"phone_number": …, "prompt": …}}.'
            )
        if thread_id is not None and not 0 < len(thread_id) <= 200:
            raise InvalidInput("thread_id is empty or too long.", next_step="Give 1 to 200 characters.")
        name = await self._engine.threads.start(wanted, thread_id)
        return _json(_shown(await self._engine.threads.row(name), self._sandbox()), 202)

    async def list(self, request: Request) -> Response:
        asked = request.query_params
        state, limit, before = asked.get("state"), asked.get("limit", "100"), asked.get("before")
        if state is not None and state not in _STATES:
            raise InvalidInput(f"state: {state!r} is not one.", next_step=f"Give one of {', '.join(_STATES)}.")
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            raise InvalidInput(
                f"limit: {limit!r} is not a number from 1 to 1000.", next_step="Give one, or leave it out."
            )
        rows = await self._engine.threads.rows(state, limit=int(limit), before_s=_moment(before))
        return _json({"calls": [_shown(row, self._sandbox(), whole=False) for row in rows]})

    async def read(self, request: Request) -> Response:
        return _json(_shown(await self._engine.threads.row(request.path_params["thread_id"]), self._sandbox()))

    async def cancel(self, request: Request) -> Response:
        thread_id = request.path_params["thread_id"]
        await self._engine.threads.cancel(thread_id)
        return _json(_shown(await self._engine.threads.row(thread_id), self._sandbox()))

    async def answer(self, request: Request) -> Response:
        thread_id, body = request.path_params["thread_id"], await _body(request)
        if body.keys() != {"answer"}:
            raise InvalidInput("The body is not an answer.", next_step='Send {"answer": …}, one of the answers shown.')
        await self._engine.threads.answer(thread_id, body["answer"])
        return _json(_shown(await self._engine.threads.row(thread_id), self._sandbox()))

    async def _told(self, handler: _Handler, request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:
            known = error if isinstance(error, RevoxToolError) else self._engine.explained(error)
            if known is None:
                raise
            if known is not error:
                logger.warning("%s", known.message)
            status = 503 if known.code in _AWAY else _STATUS.get(known.kind, 500)
            return _json({"error": known.as_dict()}, status)

    def _sandbox(self) -> JsonObject:
        return {"sandbox": True} if self._engine.connection.sandbox else {}


_START_KEYS = {"request", "thread_id"}


async def _body(request: Request) -> JsonObject:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > _MAX_BODY_BYTES:
            raise InvalidInput(f"The body is larger than {_MAX_BODY_BYTES} bytes.", next_step="Send less.")
    try:
        body = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not JSON.", next_step="Send a JSON object.") from None
    if not isinstance(body, dict):
        raise InvalidInput("The body is not a JSON object.", next_step="Send one.")
    return body


def _shown(row: Row, more: JsonObject, *, whole: bool = True) -> JsonObject:
    shown: JsonObject = {
        "thread_id": row.thread_id,
        "state": row.state,
        "call_id": row.call_id,
        "phone_number": row.request.get("phone_number"),
        "status": (row.result or {}).get("status"),
        "created_at": _iso(row.created_s),
        "updated_at": _iso(row.updated_s),
        "deadline_at": _iso(row.deadline_s),
        **more,
    }
    return {**shown, "request": row.request, "question": row.question, "result": row.result} if whole else shown


def _iso(moment_s: float | None) -> str | None:
    return None if moment_s is None else datetime.fromtimestamp(moment_s, UTC).isoformat()


def _moment(given: str | None) -> float | None:
    try:
        return None if given is None else datetime.fromisoformat(given).timestamp()
    except ValueError:
        raise InvalidInput(
            f"before: {given!r} is not a time.", next_step="Give created_at of the last one shown."
        ) from None


def _json(body: JsonObject, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(body, status)


def _refused(words: str) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": words}, 401, {"WWW-Authenticate": "Bearer"})


def _carries(authorization: str, token: SecretStr) -> bool:
    scheme, _, given = authorization.partition(" ")
    known = token.get_secret_value().encode()
    return hmac.compare_digest(given.strip().encode(), known) and scheme.lower() == "bearer"


def _checked(token: str) -> str:
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput(
            "A token of the service is too short, or has characters that no header takes.",
            next_step="Give at least 16 letters and digits, such as secrets.token_urlsafe(32) makes.",
        )
    return token


__all__ = ["Tokens", "service_app"]
