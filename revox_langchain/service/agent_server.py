"""LangGraph Agent Server: an app that Revox rings, and that wakes the threads whose call has ended.

    {
      "graphs": {"call": "./my_graph.py:graph"},
      "http": {"app": "revox_langchain.service.agent_server:app"}
    }

The graph is `call_graph(wait_mode="park")`, alone or inside another one. The app needs `REVOX_API_KEY` and
`REVOX_WEBHOOK_TOKEN`, the secret in the address that Revox posts to: `https://.../revox/call-ended/<token>`. To choose
more, name an app that `create_app` makes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError
from langgraph_sdk.schema import ThreadSelectField
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, NotFound
from revox_langchain.graph.call.parking import WAITING, wake_value
from revox_langchain.waiting.watcher import Watcher
from revox_langchain.webhooks.app import OnCallEnded, Webhooks

logger = logging.getLogger("revox_langchain")

TOKEN_VARIABLE = "REVOX_WEBHOOK_TOKEN"
_SHOWN: list[ThreadSelectField] = ["thread_id", "metadata", "interrupts"]


class Waiting(NamedTuple):
    """One interrupt of one thread that waits for a call.

    Attributes:
        thread_id: The thread.
        assistants: The assistant whose run parked it, and the graph, for when that assistant is gone.
        interrupt_id: What to resume by.
        call_id: The call it waits for.
        until_s: When to stop waiting, in seconds since the epoch.
    """

    thread_id: str
    assistants: list[str]
    interrupt_id: str
    call_id: str
    until_s: float


class ParkedThreads:
    """The threads of a LangGraph server that wait for calls, and what wakes them.

    Wakes by the id of an interrupt and with `multitask_strategy="enqueue"`: of several wake-ups for one wait the first
    resumes the thread, and the others find nothing to answer.

    Args:
        connection: Whose calls.
        client: The server's; left out, that of the server that this process is.
        look_every_s: How often `keep_watch` looks.
        page_size: Threads per request, 1,000 at most.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        client: LangGraphClient | None = None,
        look_every_s: float = 60.0,
        page_size: int = 1000,
    ) -> None:
        self._connection = connection
        self._given = client
        self._every_s = look_every_s
        self._page_size = page_size
        self._under_way: dict[str, asyncio.Task[int]] = {}
        self._followed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._next_look: asyncio.Task[list[Waiting]] | None = None

    async def wake(self, call_id: str) -> int:
        """Wake the threads that wait for a call which has ended; returns how many waits were answered.

        Costs one search by the state of the threads. Only if that finds nothing, as for a call graph inside another
        graph or for a call that no thread waits for, all interrupted threads are read, page by page; wake-ups
        that come meanwhile share one such reading.
        """
        task = self._under_way.get(call_id)
        if task is None:
            task = self._under_way[call_id] = asyncio.create_task(self._wake(call_id))
            task.add_done_callback(lambda _: self._under_way.pop(call_id, None))
        return await asyncio.shield(task)

    async def keep_watch(self) -> None:
        """Until cancelled, wake threads whose time is up, and those whose call ended without anyone ringing.

        Every `look_every_s` seconds all interrupted threads are read, page by page, and the calls they wait for
        join the sweep of the connection: one search per 100 calls and interval.
        """
        try:
            while True:
                try:
                    await self._look_after(await self._all_waiting())
                except Exception:
                    logger.exception("The threads that wait for calls could not be looked at; this is tried again.")
                await self._connection.clock.asleep(self._every_s)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _client(self) -> LangGraphClient:
        # Made late: while the server imports its apps, there is no server to connect to yet.
        if self._given is None:
            self._given = get_client()
        return self._given

    async def _wake(self, call_id: str) -> int:
        found = await self._search(0, values={"call_id": call_id})
        mine = [waiting for thread in found for waiting in _waits_of(thread) if waiting.call_id == call_id]
        if not mine:
            mine = [waiting for waiting in await self._all_waiting() if waiting.call_id == call_id]
        for waiting in mine:
            await self._resume(waiting, "ended")
        return len(mine)

    async def _look_after(self, all_waiting: list[Waiting]) -> None:
        now_s = self._connection.clock.now_s()
        new = {waiting.call_id for waiting in all_waiting} - self._followed
        if new:
            self._followed |= new
            self._start(self._follow(new))
        for waiting in all_waiting:
            if waiting.until_s <= now_s:
                await self._resume_or_say(waiting)

    async def _follow(self, call_ids: Collection[str]) -> None:
        """Wake whoever waits for these calls as they end; that a call does not exist is for its thread to report."""
        waits = Watcher(self._connection, interval_s=self._every_s)
        try:
            async for ended in waits.as_completed(call_ids):
                # From here on a thread that still waits for it is found by the next look.
                self._followed.discard(ended.call_id)
                if ended.order is not None or isinstance(ended.error, NotFound):
                    self._start(self._wake_or_say(ended.call_id))
                else:
                    # A key that is refused for a while must not end every thread with an error.
                    logger.warning(
                        "Call %s could not be waited for, which is tried again: %s", ended.call_id, ended.error
                    )
        finally:
            self._followed.difference_update(call_ids)

    async def _wake_or_say(self, call_id: str) -> None:
        try:
            await self.wake(call_id)
        except Exception:
            logger.exception("The threads that wait for call %s were not woken; this is tried again.", call_id)

    async def _resume_or_say(self, waiting: Waiting) -> None:
        try:
            await self._resume(waiting, "timeout")
        except Exception:
            logger.exception("Thread %s, whose time is up, was not woken; this is tried again.", waiting.thread_id)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume(self, waiting: Waiting, reason: Literal["ended", "timeout"]) -> None:
        for assistant_id in waiting.assistants:
            try:
                await self._client.runs.create(
                    waiting.thread_id,
                    assistant_id,
                    command={"resume": {waiting.interrupt_id: wake_value(waiting.call_id, reason)}},
                    multitask_strategy="enqueue",
                )
                return
            except NotFoundError:
                continue
        logger.warning("Thread %s was not woken: it, or its assistant and its graph, are gone.", waiting.thread_id)

    async def _all_waiting(self) -> list[Waiting]:
        """All waits, as of now or later."""
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look_in_turn())
        return await asyncio.shield(self._next_look)

    async def _look_in_turn(self) -> list[Waiting]:
        async with self._turn:
            # Whoever asks from here on needs a newer look than this one.
            self._next_look = None
            found: dict[str, Waiting] = {}
            offset = 0
            while page := await self._search(offset):
                found |= {waiting.interrupt_id: waiting for thread in page for waiting in _waits_of(thread)}
                if len(page) < self._page_size:
                    break
                offset += self._page_size
            return list(found.values())

    async def _search(self, offset: int, *, values: dict[str, Any] | None = None) -> list[Mapping[str, Any]]:
        found = await self._client.threads.search(
            status="interrupted",
            values=values,
            limit=self._page_size,
            offset=offset,
            sort_by="thread_id",
            select=_SHOWN,
        )
        return [*found]


def create_app(
    connection: Connection | None = None,
    *,
    token: str | SecretStr | None = None,
    path: str = "/revox",
    on_call_ended: OnCallEnded | None = None,
    journal: str | Path | None = None,
    look_every_s: float | None = 60.0,
    client: LangGraphClient | None = None,
) -> Starlette:
    """Make the app that `langgraph.json` names under `http.app`.

    A post to `<path>/call-ended/<token>` is believed in nothing: the order is read, and if it has ended, the threads
    that wait for it are resumed, each once; a post that comes twice, late or for a foreign call does nothing. If the
    server's own API fails, this is tried again as `Webhooks` says.

    While the server runs, the app also looks every `look_every_s` seconds for threads whose deadline has passed, which
    go on with status `still_running`, and for those whose call has ended although nobody rang. So a lost post costs
    about two such intervals. Each process of the server looks; what they wake twice goes on once.

    Revox cannot sign in: leave `enable_custom_route_auth` off, the token guards the route. A resumed run belongs to the
    assistant that parked the thread; what else the first run was given (`webhook`, `context`, `durability`) is not
    repeated.

    Args:
        connection: Whose calls; left out, that of `REVOX_API_KEY`.
        token: The secret in the address; left out, that of `REVOX_WEBHOOK_TOKEN`.
        path: Where the route lies on the server.
        on_call_ended: As for `Webhooks`.
        journal: As for `Webhooks`.
        look_every_s: Seconds between two looks; None never looks: then threads whose post is lost stay parked, even
            past their deadline, until something else wakes them.
        client: Client of the server's API, as for one that asks for credentials; left out, that of this process.

    Raises:
        AuthError: There is neither a connection nor `REVOX_API_KEY`.
        InvalidInput: There is no token, it is short, or the journal cannot be used.
    """
    given = token or os.environ.get(TOKEN_VARIABLE)
    if not given:
        raise InvalidInput(
            f"There is no webhook token: {TOKEN_VARIABLE} is not set.",
            next_step=f"Set {TOKEN_VARIABLE} to at least 16 letters and digits, see secrets.token_urlsafe(32).",
        )
    connection = Connection.from_env() if connection is None else connection
    threads = ParkedThreads(connection, client=client, look_every_s=look_every_s or 60.0)
    webhooks = Webhooks(connection, on_call_ended=on_call_ended, wake=threads.wake, token=given, journal=journal)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with webhooks:
            watch = asyncio.create_task(threads.keep_watch()) if look_every_s else None
            try:
                yield
            finally:
                if watch is not None:
                    watch.cancel()
                    await asyncio.gather(watch, return_exceptions=True)

    return Starlette(routes=[Mount(path, _Unlogged(webhooks, path))], lifespan=lifespan)


class _Unlogged:
    """Takes the token out of the address once a request is answered: the server writes its address into its log."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(dict(scope), receive, send)
        finally:
            scope["path"], scope["path_params"] = f"{self._path}/...", {}
            scope["raw_path"] = scope["path"].encode()


def _waits_of(thread: Mapping[str, Any]) -> Iterator[Waiting]:
    metadata = thread.get("metadata") or {}
    assistants = [metadata[key] for key in ("assistant_id", "graph_id") if metadata.get(key)]
    for asked in (each for of_task in (thread.get("interrupts") or {}).values() for each in of_task):
        value = asked.get("value")
        if not isinstance(value, Mapping) or value.get("type") != WAITING or not isinstance(value.get("call_id"), str):
            continue
        until_s = float("inf")
        with suppress(ValueError):
            until_s = datetime.fromisoformat(str(value.get("deadline_at"))).timestamp()
        yield Waiting(str(thread["thread_id"]), assistants, asked["id"], value["call_id"], until_s)


def __getattr__(name: str) -> Starlette:
    # Made when the server asks for it, so that importing this module asks for no key and no token.
    if name == "app":
        globals()[name] = made = create_app()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["ParkedThreads", "Waiting", "create_app"]
