"""One ASGI app for what Revox asks of us.

webhooks = Webhooks(connection, on_call_ended=report)
app.mount("/revox", webhooks)                        # Starlette, FastAPI; or serve it alone
assistant = CreateAssistant(..., webhook_url=webhooks.url("https://example.com/revox"))
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput
from revox_langchain.operations.secrets import TOKEN_FOLLOWS
from revox_langchain.webhooks.caller import CallerLookup, Lookup, lookup_path
from revox_langchain.webhooks.doorbell import Doorbell, OnCallEnded, Wake
from revox_langchain.webhooks.journal import Journal
from revox_langchain.webhooks.public_url import checked_public_url
from revox_langchain.webhooks.routes import app_of, checked_token

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool
    from starlette.applications import Starlette
    from starlette.types import Receive, Scope, Send

    from revox_langchain.webhooks.call_tools import CallTools, ToolLine
    from revox_langchain.webhooks.model import TalkingModel


class Webhooks:
    """Hears that calls have ended, looks, and tells whoever waits; runs tools that assistants use during calls,
    says who calls, and talks.

    The address holds a secret token. A post is answered at once and believed in nothing: the order is read from Revox.
    If it has ended, waits of this connection end (`Watcher`, graphs, tools), and `on_call_ended` is called at least
    once per order: with a journal also across a crash, so that it must bear being called again for the same order.
    Orders that were placed elsewhere, inbound calls and those of campaigns are reported as well.

    Args:
        connection: Whose orders.
        on_call_ended: Called with the result of each order that has ended; sync (in a thread) or async. If it raises,
            it is called again later.
        wake: Awaited with the id of each order that has ended, before `on_call_ended`: what wakes threads that are
            parked elsewhere. If it raises, it is called again later, as it may be for an order that was reported.
        caller: Looks up who calls before an inbound call is answered, see `caller_url`: a function from a phone number
            to the values of the assistant's `{{variables}}`, or a `CallerLookup` with a default and a time limit.
        model: A LangGraph agent or chat model that talks in place of one of Revox's, see `llm_model`; or a
            `TalkingModel` with what it says where it fails, and which of its nodes are heard.
        token: The secret in the address, at least 16 characters; left out, a new one, which ends with the process.
        journal: A file for the orders that have yet to be reported, and for what tools answered that run once; left
            out, a crash loses those that Revox does not post again.
        queue: Orders that may wait to be looked at; further posts are answered 503.
        workers: Orders that are looked at at one time.
        call_tools: Tools that assistants use during calls: `CallTools`, or a list of tools that change nothing. What
            offers them is given the same: `call_graph(call_tools=…)` or `RevoxToolkit(call_tools=…)`.

    Raises:
        InvalidInput: The token is short, the journal cannot be used, another process uses it, or a tool cannot be
            offered.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        on_call_ended: OnCallEnded | None = None,
        wake: Wake | None = None,
        caller: CallerLookup | Lookup | None = None,
        model: TalkingModel | Runnable[Any, Any] | None = None,
        token: str | SecretStr | None = None,
        journal: str | Path | None = None,
        queue: int = 1000,
        workers: int = 50,
        call_tools: CallTools | Sequence[BaseTool] | None = None,
    ) -> None:
        self._token = checked_token(secrets.token_urlsafe(32) if token is None else token)
        self._journal = kept = Journal(journal)
        self._doorbell = Doorbell(
            connection, kept, on_call_ended=on_call_ended, wake=wake, queue=queue, workers=workers
        )
        self._line = None if call_tools is None else _line(connection, call_tools, kept)
        self._caller = None if caller is None else CallerLookup.of(caller)
        routes = [self._doorbell.route(self._token)]
        if self._caller is not None:
            routes.append(self._caller.route(self._token))
        if self._line is not None:
            routes.append(self._line.route())
        self._model = None if model is None else _talking(model)
        if self._model is not None:
            routes.append(self._model.route(self._token))
        self._app = app_of(routes, self._lifespan)

    def __repr__(self) -> str:
        return "Webhooks()"

    def url(self, public_url: str) -> str:
        """The address to give to an assistant as `webhook_url`. It holds the token: keep it out of logs.

        Args:
            public_url: Where this app answers from outside, without a slash at the end.

        Raises:
            InvalidInput: It is not an http or https URL, or http on a host of the internet.
        """
        token = quote(self._token.get_secret_value(), safe="")
        return f"{checked_public_url(public_url)}/{TOKEN_FOLLOWS}/{token}"

    def caller_url(self, public_url: str) -> str:
        """The address to give to an assistant as `precall_lookup_url`. It holds a token: keep it out of logs.

        Args:
            public_url: Where this app answers from outside, without a slash at the end.

        Raises:
            InvalidInput: It is not an http or https URL, or http on a host of the internet, or this app looks no
                callers up.
        """
        if self._caller is None:
            raise InvalidInput("These webhooks look no callers up.", next_step="Give Webhooks(caller=...).")
        return checked_public_url(public_url) + lookup_path(self._token)

    def llm_model(self, public_url: str, *, name: str = "agent") -> JsonObject:
        """What to give to an assistant as `llm_model`, so that the model talks. It holds a token as its `api_key`.

        Args:
            public_url: Where this app answers from outside, without a slash at the end.
            name: What Revox calls the model.

        Raises:
            InvalidInput: It is not an http or https URL, or http on a host of the internet, or this app has no model.
        """
        if self._model is None:
            raise InvalidInput("These webhooks have no model that talks.", next_step="Give Webhooks(model=...).")
        return self._model.given_to_assistants(checked_public_url(public_url), self._token, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI app."""
        await self._app(scope, receive, send)

    async def __aenter__(self) -> Webhooks:
        await self._doorbell.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self, *, patience_s: float = 10.0) -> None:
        """Finish what is in hand; what takes longer stays in the journal."""
        await self._doorbell.aclose(patience_s=patience_s)
        if self._line is not None:
            await self._line.aclose(patience_s)
        self._journal.release()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self:
            yield


def _line(connection: Connection, tools: CallTools | Sequence[BaseTool], journal: Journal) -> ToolLine:
    from revox_langchain.webhooks.call_tools import CallTools, ToolLine

    return ToolLine(connection, CallTools.of(tools), journal)


def _talking(model: TalkingModel | Runnable[Any, Any]) -> TalkingModel:
    from revox_langchain.webhooks.model import TalkingModel

    return TalkingModel.of(model)


__all__ = ["OnCallEnded", "Wake", "Webhooks"]
