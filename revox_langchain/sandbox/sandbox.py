"""The sandbox itself: takes HTTP requests as Revox would, and answers them out of a small world."""

from __future__ import annotations

import json
import re
import threading
import traceback
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx
from pydantic import ValidationError

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Operation, invalid
from revox_langchain.sandbox.api import account as handlers_account
from revox_langchain.sandbox.api import assistants as handlers_assistants
from revox_langchain.sandbox.api import calls as handlers_calls
from revox_langchain.sandbox.api import campaigns as handlers_campaigns
from revox_langchain.sandbox.api.handlers import HANDLERS, Rejected
from revox_langchain.sandbox.faults import Faults, suffer
from revox_langchain.sandbox.world.clock import WorldClock
from revox_langchain.sandbox.world.orders import Dispatcher
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.voices import seed_voices
from revox_langchain.sandbox.world.world import World

BASE_URL = "https://revox-sandbox.invalid/api"
"""What connections in process use; nothing answers there, should one ever leave it."""

# Importing these modules is what fills HANDLERS.
_HANDLED_IN = (handlers_account, handlers_assistants, handlers_calls, handlers_campaigns)
_MOST_REQUESTS_KEPT = 20_000
_PATH_FIELD = re.compile(r"{(\w+)}")
_DO_NOT_CONTACT = "+12025550109"


class Sandbox:
    """A Revox that rings nobody.

        sandbox = Sandbox()
        connection = sandbox.connect()
        order = connection.send(MakeCall(phone_number="+12025550102", prompt="..."))
        sandbox.world.advance(3 * 3600)  # voicemail, two hours of waiting, and an answer

    It can be called with an `httpx.Request` and so serves as the handler of an `httpx.MockTransport`, for sync and
    async clients alike; behind a socket it is in `revox_langchain.sandbox.server`. It is safe in several threads.

    Args:
        key: The only API key that is accepted; None accepts any.
        speed: World seconds per second on the wall; None leaves the time to `clock` and `world`.
        switches: Assumptions about what Revox does not document.
        seed: Decides ids and small random pauses; equal seeds give equal worlds.

    Attributes:
        world: All there is, and its time.
        clock: The world's time in the shape a `Connection` takes.
        faults: What is to go wrong.
        requests: Every request that arrived (the latest 20,000), in order.
        counts: How often each operation was asked for, by name.
        dials: The order of each `POST /call` that was accepted, in order.
    """

    def __init__(
        self,
        *,
        key: str | None = None,
        speed: float | None = None,
        switches: Switches | None = None,
        seed: int | str = 0,
    ) -> None:
        self._key = key
        self._speed = speed
        self._seed = seed
        self._lock = threading.RLock()
        self._routes = [(op, re.compile(_pattern(op))) for op in OPERATIONS]
        self.clock = WorldClock(lambda: self.world)
        self._start(switches or Switches())

    def reset(self, *, switches: Switches | None = None) -> None:
        """Begin again with an empty world of the same kind; connections go on working."""
        with self._lock:
            self._start(switches or self.switches)

    @property
    def switches(self) -> Switches:
        """Assumptions about Revox; may be replaced at any time."""
        return self.world.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        with self._lock:
            self.world.catch_up()
            self.world.switches = switches
            # Orders that waited for a line may find one now.
            Dispatcher(self.world).pump()

    @property
    def outbox(self) -> list[JsonObject]:
        """Webhook posts so far: `{url, at_s, payload}`, in the order they left."""
        return self.world.outbox

    @property
    def rang(self) -> int:
        """How many orders made a phone ring at least once."""
        with self._lock:
            self.world.catch_up()
            return sum(order.rang for order in self.world.book.values())

    def connect(self, api_key: str = "sk_any", **options: Any) -> Connection:
        """A connection whose requests end up here, and whose pauses let this world's time pass.

        Args:
            api_key: Key to send.
            options: Further arguments of `Connection`.
        """
        given = {"base_url": BASE_URL, "transport": SandboxTransport(self), "clock": self.clock, **options}
        return Connection(api_key=api_key, **given)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request.

        Raises:
            httpx.TransportError: A fault wants it so.
        """
        response, pause_s = self.answer(request)
        if pause_s:
            self.clock.sleep(pause_s)
        return response

    def answer(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        """Answer a request, and say after how many seconds the answer is to be given.

        Raises:
            httpx.TransportError: A fault wants it so.
        """
        content = request.read()
        with self._lock:
            self.world.catch_up()
            self._remember(request)
            operation, path = self._route(request)
            if operation is not None:
                self.counts[operation.spec.name] += 1
            fault = self.faults.strike(operation)

            def right() -> httpx.Response:
                response = self._respond(request, content, operation, path)
                response.read()
                return response

            if fault is None:
                return right(), 0.0
            response = suffer(fault, request, right, self.error_body)
            return response, (fault.seconds or 0.0) if fault.kind == "delay" else 0.0

    def accepts(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries a key this sandbox takes."""
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and bool(key.strip()) and self._key in (None, key.strip())

    def error_body(self, words: str) -> Any:
        """The JSON of an error, in the shape the switches say."""
        return {
            "error": {"error": words},
            "message": {"message": words},
            "issues": {"success": False, "error": {"name": "ZodError", "issues": [{"message": words, "path": []}]}},
            "text": words,
        }[self.switches.error_shape]

    def _start(self, switches: Switches) -> None:
        self.world = World(self._lock, speed=self._speed, switches=switches, seed=self._seed)
        self.world.voices = seed_voices()
        self.world.do_not_contact.add(_DO_NOT_CONTACT)
        handlers_account.seed_phone_numbers(self.world)
        self.faults = Faults()
        self.world.webhook_fault = self.faults.strike_webhook
        self.requests: list[httpx.Request] = []
        self.counts: Counter[str] = Counter()
        self.dials: list[JsonObject] = []

    def _remember(self, request: httpx.Request) -> None:
        self.requests.append(request)
        if len(self.requests) > _MOST_REQUESTS_KEPT:
            del self.requests[: _MOST_REQUESTS_KEPT // 2]

    def _route(self, request: httpx.Request) -> tuple[type[Operation] | None, dict[str, str]]:
        # The raw path, since an id may hold an encoded slash.
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        for operation, pattern in self._routes:
            if operation.spec.verb == request.method and (match := pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None, {}

    def _respond(
        self, request: httpx.Request, content: bytes, operation: type[Operation] | None, path: Mapping[str, str]
    ) -> httpx.Response:
        try:
            if not self.accepts(request.headers.get("authorization", "")):
                raise Rejected(401, "Invalid API key.")
            if operation is None:
                raise Rejected(404, f"There is no {request.method} {request.url.path}.")
            answer = HANDLERS[operation](self.world, self._parsed(operation, path, request, content))
            if operation is MakeCall:
                self.dials.append(answer["call"])
            if isinstance(answer, bytes):
                return httpx.Response(200, content=answer, headers={"content-type": "audio/mpeg"})
            return httpx.Response(200, json=answer)
        except Rejected as error:
            return httpx.Response(error.status, json=self.error_body(error.words))
        except Exception as error:
            # Let out, a client would take a bug in here for a bad connection, and try again.
            body = {"error": f"bug in the sandbox: {error!r}", "traceback": traceback.format_exc()}
            return httpx.Response(500, headers={"x-should-retry": "false"}, json=body)

    def _parsed(
        self, operation: type[Operation], path: Mapping[str, str], request: httpx.Request, content: bytes
    ) -> Operation:
        try:
            body = json.loads(content) if content else {}
        except ValueError as error:
            raise Rejected(400, "The body is not JSON.") from error
        if not isinstance(body, dict):
            raise Rejected(self.switches.invalid_status, "The body is not an object.")
        try:
            return operation(**operation.unwire(path, dict(request.url.params), body))
        except ValidationError as error:
            raise Rejected(self.switches.invalid_status, invalid(error, "body").message) from error


class SandboxTransport(httpx.MockTransport):
    """A mock transport whose delays do not hold up an event loop."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._sandbox = sandbox

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, after the pause that a fault may want."""
        await request.aread()
        response, pause_s = self._sandbox.answer(request)
        if pause_s:
            await self._sandbox.clock.asleep(pause_s)
        return response


def _pattern(operation: type[Operation]) -> str:
    return "(?:/api)?" + _PATH_FIELD.sub(r"(?P<\1>[^/]+)", operation.spec.path or "")
