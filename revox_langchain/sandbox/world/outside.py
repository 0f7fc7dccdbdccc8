"""What the sandbox asks of other servers: tools, look-ups and models; only of those that it may ask."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import httpx

from revox_langchain.forks import renew_in_children

_log = logging.getLogger(__name__)

NOT_ALLOWED = "host not allowed"
"""What a request ends with whose host is not on the list."""

_LONGEST_BODY = 100_000
# No idle connections: a sandbox is never closed, so nothing would close them.
_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=0)


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a server outside.

    Attributes:
        method: HTTP method.
        url: Where it goes.
        headers: Its headers.
        content: Its body.
        timeout_s: How long it may take altogether, in real seconds.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content: str | None = None
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it: status and body, or in one word why there is none."""

    status: int | None = None
    body: str = ""
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer is one of success."""
        return self.status is not None and 200 <= self.status < 300


class Outside:
    """The servers outside.

    Args:
        allowed_hosts: Hosts that may be asked besides this machine: a name, or `*.` and a domain.
        transport: What answers instead of the network, such as an `httpx.ASGITransport`.
    """

    def __init__(self, allowed_hosts: Sequence[str] = (), transport: httpx.AsyncBaseTransport | None = None) -> None:
        if isinstance(allowed_hosts, str):
            raise TypeError("allowed_hosts takes a list of hosts, not one text")
        self._allowed = tuple(host.lower() for host in allowed_hosts)
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    def allows(self, url: str) -> bool:
        """Whether a URL leads to a server that may be asked."""
        try:
            host = httpx.URL(url).host.lower().rstrip(".")
        except httpx.InvalidURL:
            return False
        return _is_loopback(host) or any(_meets(host, pattern) for pattern in self._allowed)

    def ask(self, question: Question) -> Future[Reply]:
        """Send a request from a thread of its own; what goes wrong with it becomes part of the reply."""
        return self.run(self._ask(question), question.timeout_s)

    def run(self, work: Coroutine[Any, Any, Reply], timeout_s: float) -> Future[Reply]:
        """Do something that takes time, in that thread; what goes wrong with it becomes part of the reply."""
        return _LOOP.submit(_within(timeout_s, work))

    async def _ask(self, question: Question) -> Reply:
        if not self.allows(question.url):
            _log.warning("the sandbox asks only this machine and allowed_hosts; refused %s", _host_of(question.url))
            return Reply(error=NOT_ALLOWED)
        if self._client is None:
            limits = _LIMITS
            self._client = httpx.AsyncClient(transport=self._transport, limits=limits, trust_env=False, timeout=None)
        return await _sent(self._client, question)


async def _within(timeout_s: float, work: Coroutine[Any, Any, Reply]) -> Reply:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        return Reply(error="timed out")
    # An app or a model that is given in code raises whatever it raises.
    except Exception as error:
        return Reply(error=type(error).__name__)


async def _sent(client: httpx.AsyncClient, question: Question) -> Reply:
    headers = list(question.headers)
    async with client.stream(
        question.method, question.url, headers=headers, content=question.content, follow_redirects=False
    ) as response:
        body = ""
        async for piece in response.aiter_text():
            body += piece
            if len(body) > _LONGEST_BODY:
                break
        return Reply(response.status_code, body[:_LONGEST_BODY])


class _Loop:
    """An event loop in a thread of its own, started when it is first needed and shared by all sandboxes."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start over in a forked child, where the thread does not exist."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, work: Coroutine[Any, Any, Reply]) -> Future[Reply]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="revox-sandbox-outside", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)


_LOOP = _Loop()
renew_in_children(_LOOP)


def _host_of(url: str) -> str:
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL:
        return "a URL that is not valid"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _meets(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
