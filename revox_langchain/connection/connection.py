"""Send operations. The only module that talks to Revox's REST API.

The official SDK makes the requests (auth, base URL, pooling, proxies, timeouts) through its public verb methods; this
module adds what dialing needs: one place that retries reads and nothing else, answers that are checked to be JSON,
errors that say the next step, and a clock that a sandbox can push.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict, Unpack
from weakref import WeakKeyDictionary

from pydantic import SecretStr
from tenacity import AsyncRetrying, Retrying

from revox_langchain.answers import JsonObject
from revox_langchain.connection.address import check_url
from revox_langchain.connection.audit import Act, Audit, aacting, act_of, acting
from revox_langchain.connection.clients import HttpOptions, SdkOptions, http_options, sdk_options
from revox_langchain.connection.clock import SystemClock
from revox_langchain.connection.failures import known_failure
from revox_langchain.connection.memory import Memory
from revox_langchain.connection.messages import checked, request_of
from revox_langchain.connection.privacy import without_key, without_sent
from revox_langchain.connection.retries import Retries, retries
from revox_langchain.connection.sandboxed import SANDBOX_HEADER, marked
from revox_langchain.connection.spans import spanned
from revox_langchain.errors import AuthError, NotFound, RevoxToolError
from revox_langchain.flow import Clock
from revox_langchain.forks import renew_in_children
from revox_langchain.operations.operation import Operation, Risk

if TYPE_CHECKING:
    import ssl

    import httpx
    import revox

    from revox_langchain.connection.limits import AnswerLimits

logger = logging.getLogger("revox_langchain")

DEFAULT_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class ConnectionOptions(TypedDict, total=False):
    """What `Connection` takes besides the key."""

    base_url: str | None
    timeout_s: float
    read_retries: int
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None
    clock: Clock | None
    max_answer_bytes: int
    sandbox: bool
    audit: Audit | Callable[[JsonObject], object] | str | os.PathLike[str] | None


class Connection:
    """One account of Revox, for sync and async callers alike.

    It opens nothing until it is used, and keeps one sync client and one async client per event loop. It may be shared
    between threads and inherited by forked processes, which open clients of their own. Several connections with
    different keys live side by side.

    Args:
        api_key: Revox API key (Dashboard, API Keys); kept as a secret.
        base_url: Base URL of the API, ending in `/api`; default is Revox's own.
        timeout_s: Seconds to wait for a connection's next byte; 5 s to connect.
        read_retries: How often a read is retried after a passing failure. Nothing else ever is.
        transport: An httpx transport to use instead of the network; sync, async or both, as the connection is used.
            Forked children share it.
        clock: Tells the time and lets it pass; default is real time.
        max_answer_bytes: The largest answer to take, unpacked.
        sandbox: Whether a sandbox answers. Over a port it is learned from the first answer.
        audit: A file, or a function that takes a dict: a line is written before and after whatever changes something,
            and nothing is dialed or changed if the first cannot be written. Phone numbers are masked; `Audit` takes
            them in full.

    Attributes:
        sandbox: Whether a sandbox answers, as far as is known: then no phone rings, and every order says so.

    Raises:
        AuthError: The key is empty.
        InvalidInput: The base URL is not valid, or holds a user name or password.
    """

    def __init__(
        self,
        api_key: str | SecretStr,
        *,
        base_url: str | None = None,
        timeout_s: float = 60.0,
        read_retries: int = 2,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        max_answer_bytes: int = DEFAULT_MAX_ANSWER_BYTES,
        sandbox: bool = False,
        audit: Audit | Callable[[JsonObject], object] | str | os.PathLike[str] | None = None,
    ) -> None:
        self._key = api_key if isinstance(api_key, SecretStr) else SecretStr(api_key)
        if not self._key.get_secret_value().strip():
            raise AuthError("There is no Revox API key.")
        if base_url is not None:
            check_url(base_url, "base URL", "https://www.getrevox.com/api (REVOX_BASE_URL), or leave it out")
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._attempts = read_retries + 1
        self._transport = transport
        self.max_answer_bytes = max_answer_bytes
        self.sandbox = sandbox
        self.audit = audit if audit is None or isinstance(audit, Audit) else Audit(audit)
        self.clock: Clock = clock or SystemClock()
        self._ssl: ssl.SSLContext | None = None
        self._memory = Memory(self.clock)
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Forget the clients without closing them; the next request opens new ones. Done in every forked child."""
        # A socket shared by two processes hands one of them the other's answers. Closing it here would tell the server
        # that the parent is done. The lock may be held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._client: revox.Revox | None = None
        self._aclients: WeakKeyDictionary[asyncio.AbstractEventLoop, revox.AsyncRevox] = WeakKeyDictionary()

    @classmethod
    def from_env(cls, **options: Unpack[ConnectionOptions]) -> Self:
        """Connect with `REVOX_API_KEY`, and `REVOX_BASE_URL` and `REVOX_AUDIT` (a file) if set.

        Args:
            options: As for `Connection`.

        Raises:
            AuthError: `REVOX_API_KEY` is not set.
        """
        options.setdefault("base_url", os.environ.get("REVOX_BASE_URL") or None)
        options.setdefault("audit", os.environ.get("REVOX_AUDIT") or None)
        return cls(os.environ.get("REVOX_API_KEY", ""), **options)

    @property
    def api_key(self) -> SecretStr:
        """The key, as a secret."""
        return self._key

    @property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end."""
        return (self._base_url or "https://www.getrevox.com/api").rstrip("/")

    @property
    def account(self) -> Hashable:
        """The same for every connection with this key to this Revox."""
        # A sandbox in this process is told apart by its clock; it keeps all keys and addresses the same.
        secret = hashlib.sha256(self._key.get_secret_value().encode()).hexdigest()
        return self.base_url, secret, None if isinstance(self.clock, SystemClock) else self.clock

    @property
    def keeps_time(self) -> bool:
        """Whether `clock` goes with that of whoever answers; a sandbox over a port keeps a time of its own."""
        return not (self.sandbox and isinstance(self.clock, SystemClock))

    def __repr__(self) -> str:
        return f"Connection(base_url={self.base_url!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        # A handle, like a socket: what is copied together with it, a toolkit or a graph, goes on using this one.
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A Connection holds an API key and open sockets, so it is not pickled. "
            "Make one where it is used, with Connection.from_env()."
        )

    def send(self, operation: Operation) -> Any:
        """Send `operation` and return the decoded JSON answer (bytes for audio).

        Raises:
            RevoxToolError: One of its kinds; a read has then been retried in vain, anything else was sent once.
        """
        retrying = Retrying(sleep=self.clock.sleep, **self._retries(operation))
        with spanned(operation, self.base_url) as span:
            return span.answered(acting(self._act(operation), lambda: retrying(self._send_once, operation)))

    async def asend(self, operation: Operation) -> Any:
        """Send `operation` and return the decoded JSON answer (bytes for audio).

        Raises:
            RevoxToolError: One of its kinds; a read has then been retried in vain, anything else was sent once.
        """
        retrying = AsyncRetrying(sleep=self.clock.asleep, **self._retries(operation))
        with spanned(operation, self.base_url) as span:
            return span.answered(await aacting(self._act(operation), lambda: retrying(self._asend_once, operation)))

    def act(self, name: str, risk: Risk, arguments: JsonObject) -> Act | None:
        """What the audit is told of a request, also one that goes over MCP; None if it wants nothing of it.

        Args:
            name: The operation or tool.
            risk: What happens in the world.
            arguments: As JSON.
        """
        if self.audit is None or risk is Risk.READ:
            return None
        key, now_s = self._key.get_secret_value(), self.clock.now_s
        return act_of(
            name, risk, arguments, self.audit, key=key, base_url=self.base_url, sandbox=self.sandbox, now_s=now_s
        )

    def recalled(self, operation: Operation, max_age_s: float) -> Any:
        """The answer to a read if one no older than `max_age_s` is remembered, else None."""
        return self._memory.recalled(operation, max_age_s)

    def remember(self, operation: Operation, answer: Any) -> None:
        """Keep the answer to a read for `recalled`."""
        self._memory.remember(operation, answer)

    def close(self) -> None:
        """Close the sync client; it opens again when needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the sync client and this event loop's async client; they open again when needed."""
        self.close()
        with self._lock:
            aclient = self._aclients.pop(asyncio.get_running_loop(), None)
        if aclient is not None:
            await aclient.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def _send_once(self, operation: Operation) -> Any:
        verb, request = request_of(operation)
        try:
            return self._checked(operation, getattr(self._sync_client(), verb)(**request))
        except Exception as error:
            known = self._failure(operation, error)
            if known is None:
                raise
        # Outside the handler: neither the SDK's error nor its request, which holds the key, hangs on ours.
        raise known

    async def _asend_once(self, operation: Operation) -> Any:
        verb, request = request_of(operation)
        try:
            return self._checked(operation, await getattr(self._async_client(), verb)(**request))
        except Exception as error:
            known = self._failure(operation, error)
            if known is None:
                raise
        raise known

    def _act(self, operation: Operation) -> Act | None:
        if self.audit is None or operation.spec.risk is Risk.READ:
            return None
        # What cannot be written as JSON is refused before anything is written down.
        request_of(operation)
        return self.act(operation.spec.name, operation.spec.risk, operation.model_dump(mode="json", exclude_none=True))

    def _retries(self, operation: Operation) -> Retries:
        return retries(self._attempts if operation.spec.risk is Risk.READ else 1)

    def _checked(self, operation: Operation, answer: Any) -> JsonObject | bytes:
        if operation.spec.risk is not Risk.READ:
            self._memory.forget(operation.spec.toolset)
        logger.debug("%s answered", operation.spec.name)
        said = checked(operation, answer, self._key)
        return marked(said) if self.sandbox and isinstance(said, dict) else said

    def learn(self, response: httpx.Response) -> None:
        """Take note of who answers."""
        if SANDBOX_HEADER in response.headers:
            self.sandbox = True

    async def _alearn(self, response: httpx.Response) -> None:
        self.learn(response)

    def _failure(self, operation: Operation, error: Exception) -> RevoxToolError | None:
        failure = known_failure(
            error,
            name=operation.spec.name,
            reads=operation.spec.risk is Risk.READ,
            lists=operation.spec.risk is Risk.READ and "{" not in (operation.spec.path or ""),
            base_url=self.base_url,
            now_s=self.clock.now_s(),
            cleaned=lambda text: without_sent(without_key(text, self._key), operation.wire().body),
        )
        if isinstance(failure, NotFound) and operation.spec.where_ids:
            failure.next_step = operation.spec.where_ids
        return failure

    def _sync_client(self) -> revox.Revox:
        import revox

        with self._lock:
            if self._client is None:
                http = revox.DefaultHttpxClient(
                    event_hooks={"response": [self.learn, self._limits().check]}, **self._http_options()
                )
                self._client = revox.Revox(http_client=http, **self._sdk_options())
            return self._client

    def _async_client(self) -> revox.AsyncRevox:
        import revox

        # A client's pool belongs to one event loop: used in another it fails with "Event loop is closed".
        loop = asyncio.get_running_loop()
        with self._lock:
            aclient = self._aclients.get(loop)
            if aclient is None:
                http = revox.DefaultAsyncHttpxClient(
                    event_hooks={"response": [self._alearn, self._limits().acheck]}, **self._http_options()
                )
                aclient = self._aclients[loop] = revox.AsyncRevox(http_client=http, **self._sdk_options())
            return aclient

    def _limits(self) -> AnswerLimits:
        from revox_langchain.connection.limits import AnswerLimits

        return AnswerLimits(self.max_answer_bytes)

    def _http_options(self) -> HttpOptions:
        import httpx

        if self._transport is None and self._ssl is None and self.base_url.startswith("https"):
            # 22 ms (measured) that every client would spend again.
            self._ssl = httpx.create_ssl_context()
        return http_options(self._transport, self._ssl)

    def _sdk_options(self) -> SdkOptions:
        return sdk_options(self._key, self.base_url, self._timeout_s)
