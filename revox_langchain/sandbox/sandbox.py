"""The sandbox itself: it takes HTTP requests as Revox would, and answers them from a small simulated world."""

from __future__ import annotations

import copy
import re
import threading
import traceback
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.connection.sandboxed import SANDBOX_HEADER
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox.api.handlers import Rejected
from revox_langchain.sandbox.api.routes import Route, Router, handle
from revox_langchain.sandbox.exchanges import Exchanges
from revox_langchain.sandbox.faults import Faults, apply
from revox_langchain.sandbox.world.account import seed_phone_numbers
from revox_langchain.sandbox.world.clock import WorldClock
from revox_langchain.sandbox.world.orders import Dispatcher
from revox_langchain.sandbox.world.outside import Outside
from revox_langchain.sandbox.world.phone import Phone
from revox_langchain.sandbox.world.records import CallRequest
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.voices import seed_voices
from revox_langchain.sandbox.world.world import World

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable

BASE_URL = "https://revox-sandbox.invalid/api"
"""Base URL of connections in process; the host does not exist, in case a request ever leaves the process."""

_MOST_REQUESTS_KEPT = 20_000
_DO_NOT_CONTACT = "+12025550109"
_E164 = re.compile(r"\+[1-9]\d{1,14}")


class Sandbox:
    """A simulated Revox that makes no real calls.

        sandbox = Sandbox()
        connection = sandbox.connect()
        order = connection.send(MakeCall(phone_number="+12025550102", prompt="..."))
        sandbox.world.advance(3 * 3600)  # voicemail, two hours of waiting, then a conversation

    Called with an `httpx.Request` it answers, so it can be the handler of an `httpx.MockTransport`, for sync and async
    clients alike. `revox_langchain.sandbox.server` serves it over HTTP. It is thread-safe.

    Args:
        key: The only API key that is accepted; None accepts any.
        speed: World seconds per real second; with None, time passes only through `clock` and `world`.
        switches: Assumptions about what Revox does not document.
        seed: Decides ids and small random pauses; equal seeds give equal worlds.
        allowed_hosts: Hosts that the sandbox may ask and post to besides this machine, such as `hooks.example.com` or
            `*.example.com`: where custom tools and webhooks of assistants lie.
        outside: What answers those requests instead of the network: an `httpx.ASGITransport` for an app of this
            process, for example. `allowed_hosts` holds for it as well.
        callee: A chat model that plays the callee where an assistant has a custom model; None plays them as scripted.

    Attributes:
        world: The state of the sandbox, and its time.
        clock: The world's time, as the clock of a `Connection`.
        faults: What goes wrong, on request.
        requests: Every request that arrived (the latest 20,000), in order.
        exchanges: The latest requests with their answers, as the page shows them.
        counts: Number of requests per operation, by name.
        dials: The order of each `POST /call` that was accepted, in order.
    """

    def __init__(
        self,
        *,
        key: str | None = None,
        speed: float | None = None,
        switches: Switches | None = None,
        seed: int | str = 0,
        allowed_hosts: Sequence[str] = (),
        outside: httpx.AsyncBaseTransport | None = None,
        callee: Runnable[Any, BaseMessage] | None = None,
    ) -> None:
        self._key = key
        self._speed = speed
        self._seed = seed
        self._outside = Outside(allowed_hosts, outside)
        self._callee = callee
        self._lock = threading.RLock()
        self._router = Router()
        self.clock = WorldClock(lambda: self.world)
        self._start(switches or Switches())

    def reset(self, *, switches: Switches | None = None) -> None:
        """Start over with an empty world; connections keep working."""
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
            # Higher limits may let waiting orders dial.
            Dispatcher(self.world).pump()

    @property
    def outbox(self) -> list[JsonObject]:
        """Webhook posts so far: `{url, at_s, payload}`, in the order they were sent."""
        return self.world.outbox

    @property
    def asked(self) -> list[JsonObject]:
        """What was asked of other servers: `{kind, call_id, method, url, at_s}` with `answered` or `error`."""
        return self.world.asked

    def allows(self, url: str) -> bool:
        """Whether the sandbox may send requests to this URL: to this machine, or to one of the allowed hosts."""
        return self._outside.allows(url)

    @property
    def phone(self) -> Phone:
        """The phone that rings when `+12025550150` is dialed, on the sandbox's page as well."""
        return self.world.phone

    def run_at(self, speed: float | None) -> None:
        """Let the world's time pass at another speed from now on, after a reset as well.

        Args:
            speed: World seconds per real second; None stands still until it is advanced.

        Raises:
            ValueError: It is not a number above 0, or too large a one.
        """
        with self._lock:
            self.world.run_at(speed)
            self._speed = speed

    @property
    def rang(self) -> int:
        """How many orders made a phone ring at least once."""
        with self._lock:
            self.world.catch_up()
            return sum(order.rang for order in self.world.book.values())

    def receive(self, from_number: str, to_number: str) -> JsonObject:
        """Let somebody call one of the organization's numbers, and return the inbound order.

        The assistant that is attached to the number answers, after the caller was looked up if the assistant has a
        `precall_lookup_url`. The order begins at once and goes on as the time of the world passes, like any other, so
        this returns at once, in async code as well.

        Args:
            from_number: The caller. Callers from the sandbox's table behave as there, where that makes sense.
            to_number: A number of the organization's.

        Raises:
            ValueError: A number is not in E.164 form or not the organization's, or no assistant answers it.
        """
        with self._lock:
            self.world.catch_up()
            return copy.deepcopy(Dispatcher(self.world).receive(_inbound(self.world, from_number, to_number)).call)

    def connect(self, api_key: str = "sk_any", **options: Any) -> Connection:
        """A connection that sends its requests to this sandbox and sleeps in its world's time.

        Args:
            api_key: Key to send.
            options: Further arguments of `Connection`.
        """
        given = {"base_url": BASE_URL, "transport": SandboxTransport(self), "clock": self.clock, "sandbox": True}
        return Connection(api_key=api_key, **{**given, **options})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request.

        Raises:
            httpx.TransportError: A fault breaks the connection.
        """
        response, pause_s = self.answer(request)
        if pause_s:
            self.clock.sleep(pause_s)
        return response

    def answer(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        """Answer a request, and say how many seconds to wait before handing the answer over.

        Raises:
            httpx.TransportError: A fault breaks the connection.
        """
        request.read()
        with self._lock:
            self.world.catch_up()
            self._remember(request)
            route = self._router.route(request)
            if route is not None:
                self.counts[route.operation.spec.name] += 1
            fault = self.faults.take(route.operation if route else None)

            def right() -> httpx.Response:
                response = self._respond(request, route)
                response.read()
                return response

            response: httpx.Response | None = None
            at_s = self.world.moment_s
            try:
                response = right() if fault is None else apply(fault, request, right, self.error_body)
            finally:
                name = route.operation.spec.name if route else None
                self.exchanges.note(at_s, name, request, response, fault.kind if fault else None)
            response.headers[SANDBOX_HEADER] = "true"
            if fault is None:
                return response, 0.0
            return response, (fault.seconds or 0.0) if fault.kind == "delay" else 0.0

    def accepts(self, authorization: str) -> bool:
        """Whether the key in an `Authorization` header is accepted."""
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and bool(key.strip()) and self._key in (None, key.strip())

    def error_body(self, words: str) -> object:
        """The JSON of an error, in the shape that the switches choose."""
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
        seed_phone_numbers(self.world)
        self.faults = Faults()
        self.world.outside, self.world.callee = self._outside, self._callee
        self.world.tool_fault = self.faults.take_for_tool
        self.world.webhook_fault = self.faults.take_for_webhook
        self.requests: list[httpx.Request] = []
        self.exchanges = Exchanges()
        self.counts: Counter[str] = Counter()
        self.dials: list[JsonObject] = []

    def _remember(self, request: httpx.Request) -> None:
        self.requests.append(request)
        if len(self.requests) > _MOST_REQUESTS_KEPT:
            del self.requests[: _MOST_REQUESTS_KEPT // 2]

    def _respond(self, request: httpx.Request, route: Route | None) -> httpx.Response:
        try:
            if not self.accepts(request.headers.get("authorization", "")):
                raise Rejected(401, "Invalid API key.")
            if route is None:
                raise Rejected(404, f"There is no {request.method} {request.url.path}.")
            answer = handle(self.world, route, request)
        except Rejected as error:
            return httpx.Response(error.status, json=self.error_body(error.words))
        except Exception as error:
            # Raised, it would look to the client like a broken connection, and the client would try again.
            body = {"error": f"bug in the sandbox: {error!r}", "traceback": traceback.format_exc()}
            return httpx.Response(500, headers={"x-should-retry": "false"}, json=body)
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer, headers={"content-type": "audio/mpeg"})
        if route.operation is MakeCall:
            self.dials.append(answer["call"])
        return httpx.Response(200, json=answer)


def _inbound(world: World, from_number: str, to_number: str) -> CallRequest:
    for number in (from_number, to_number):
        if not _E164.fullmatch(number):
            raise ValueError(f"{number!r} is not a phone number in the E.164 format, such as +12025550126")
    entry = next((each for each in world.phone_numbers.values() if each["phone_number"] == to_number), None)
    if entry is None:
        own = ", ".join(each["phone_number"] for each in world.phone_numbers.values())
        raise ValueError(f"{to_number} is not a number of the organization's; these are: {own}")
    attached = (entry["inbound_assistant"] or {}).get("id")
    if attached not in world.assistants:
        raise ValueError(f"no assistant answers {to_number}; give the number an inbound_assistant_id")
    assistant = world.assistants[attached]
    return CallRequest(
        to_number,
        assistant,
        from_number,
        shown_assistant=copy.deepcopy(assistant),
        stored_assistant=attached,
        inbound=True,
    )


class SandboxTransport(httpx.MockTransport):
    """A mock transport whose delays do not block an event loop."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._sandbox = sandbox

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, after the delay of a fault if there is one."""
        await request.aread()
        response, pause_s = self._sandbox.answer(request)
        if pause_s:
            await self._sandbox.clock.asleep(pause_s)
        return response
