"""Dialing and waiting over MCP, under the same rules as over REST.

To the placing flow a dial over MCP is an ordinary order; only the one request that rings goes over MCP. The guard, the
mark, and the search before and after are the flow's own, and they go over REST where that is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Any

from mcp.types import CallToolResult

from revox_langchain.actions.requests import WaitForCall, perform
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import AnswerError, InvalidInput, Unavailable
from revox_langchain.flow import Clock, Emit, arun
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.calls import CancelCall, GetCallHistory, GetPhoneHistory, MakeCall
from revox_langchain.operations.fields import ASSISTANT_SETTINGS
from revox_langchain.operations.operation import Operation, Request, Risk
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import sandbox_of
from revox_langchain.tools.hosted.adapters import MCPToolCallRequest, MCPToolCallResult
from revox_langchain.tools.hosted.background import in_background
from revox_langchain.tools.hosted.session import CallContext, Handler, HostedServer, current_context

LOOKED_UP = (GetCallHistory, GetPhoneHistory, ListPhoneNumbers, CancelCall)
"""What the placing flow asks for; without REST the server must have a tool for each."""

GUARDED: dict[str, type[Operation]] = {
    operation.spec.name: operation for operation in OPERATIONS if operation.spec.risk is not Risk.READ
}
"""What is done as over REST: checked, looked up first, marked; only the one request itself goes over MCP."""

_FAILED_SLICES = 3
_CAMEL_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class HostedChannel:
    """A channel for flows, like a `Connection`, that sends what has to go over MCP to the hosted server.

    Args:
        connection: Serves what may go over REST, and remembers answers.
        server: The MCP server.
        rest: Whether anything may go over REST.
        carry: Sends operations of this type, whatever `rest` says.
    """

    def __init__(
        self,
        connection: Connection,
        server: HostedServer,
        *,
        rest: bool,
        carry: tuple[type[Operation], Callable[[Operation], Awaitable[JsonObject]]] | None = None,
    ) -> None:
        self._connection = connection
        self._server = server
        self._rest = rest
        self._carry = carry

    @property
    def clock(self) -> Clock:
        """The connection's clock."""
        return self._connection.clock

    @property
    def account(self) -> Hashable:
        """The connection's account."""
        return self._connection.account

    @property
    def sandbox(self) -> bool:
        """Whether the connection's Revox is a sandbox."""
        return self._connection.sandbox

    async def asend(self, operation: Operation) -> Any:
        """Send an operation whichever way it goes."""
        if self._carry is not None and isinstance(operation, self._carry[0]):
            return await self._carry[1](operation)
        if self._rest:
            return await self._connection.asend(operation)
        name = operation.spec.name
        arguments = {k: v for k, v in operation.model_dump(mode="json", exclude_none=True).items() if v != []}
        context = CallContext(reads=operation.spec.risk is Risk.READ, dials=operation.spec.dials)
        return await self._server.call(name, renamed(arguments, self._server.properties(name)), context)

    def send(self, operation: Operation) -> Any:
        """Send an operation from sync code."""
        return in_background(self.asend(operation))

    def recalled(self, operation: Operation, max_age_s: float) -> Any:
        """The answer to a read if one no older than `max_age_s` is remembered, else None."""
        return self._connection.recalled(operation, max_age_s)

    def remember(self, operation: Operation, answer: Any) -> None:
        """Keep the answer to a read for `recalled`."""
        self._connection.remember(operation, answer)


class GuardInterceptor:
    """An interceptor that does whatever changes something as `act` does it: checked, and at most once per intent.

    Args:
        connection: Where the flow looks for orders, unless `rest` is off.
        guard: What may be dialed.
        toolkit: Whose budget counts where there is no thread.
        rest: Whether anything may go over REST.
        offered: What is on offer, as a model sees it.
        decided: What code decided of the assistants that requests make.
    """

    def __init__(
        self,
        connection: Connection,
        guard: Guard,
        toolkit: str,
        *,
        rest: bool,
        offered: Iterable[type[Request]] = (),
        decided: Decided = NOTHING,
    ) -> None:
        # Set once the server exists, which takes its interceptors when it is made.
        self.server: HostedServer | None = None
        self._connection = connection
        self._guard = guard
        self._toolkit = toolkit
        self._rest = rest
        self._decided = decided
        narrowed = {request.spec.name: request for request in offered if issubclass(request, Operation)}
        self._guarded = {name: narrowed.get(name, operation) for name, operation in GUARDED.items()}

    async def __call__(self, request: MCPToolCallRequest, handler: Handler) -> MCPToolCallResult:
        """Check what changes something, and send what came out of that; pass reads on."""
        request_type = self._guarded.get(request.name)
        if request_type is None:
            return await handler(request)
        server = self.server
        assert server is not None
        context = current_context()

        async def carry(operation: Operation) -> JsonObject:
            arguments = sent_arguments(operation, server.properties(request.name))
            result = await handler(request.override(args=arguments))
            assert isinstance(result, CallToolResult)
            answer = result.structuredContent or {}
            if operation.spec.dials and not isinstance(answer.get(operation.spec.answer or ""), dict):
                raise AnswerError(f"The MCP server answered {request.name} without a {operation.spec.answer}.")
            return answer

        channel = HostedChannel(self._connection, server, rest=self._rest, carry=(request_type, carry))
        arguments = {**known_arguments(request_type, request.args), **context.view}
        flow = perform(
            request_type,
            arguments,
            self._guard,
            scope=context.thread,
            toolkit=self._toolkit,
            given=context.given,
            decided=self._decided,
        )
        _, answer = await arun(flow, channel, emit=context.emit)
        return CallToolResult(content=[], structuredContent=answer)


def why_not_dialed(server: HostedServer, names: Iterable[str], *, rest: bool) -> str | None:
    """Why a call must not be placed through this server; None if it may."""
    properties = server.properties(MakeCall.spec.name)
    for needed in ("phone_number", "metadata"):
        if needed not in properties:
            return f"its schema has no {needed}, without which a second order cannot be prevented"
    if not rest:
        missing = [op.spec.name for op in LOOKED_UP if op.spec.name not in set(names)]
        if missing:
            return f"without REST the server must have {', '.join(missing)}"
        if "to_phone_number" not in server.properties(GetCallHistory.spec.name):
            return "without REST the server's history must be searchable by to_phone_number"
    return None


async def wait_in_slices(
    server: HostedServer, clock: Clock, request: WaitForCall, emit: Emit | None, slice_s: float
) -> JsonObject:
    """Wait for a call with the server's own tool, a slice at a time, since clients and proxies cut long answers.

    Returns:
        As for `WaitForCall`.

    Raises:
        RevoxToolError: The call cannot be read, or the server stays out of reach.
    """
    start_s, failed = clock.now_s(), 0
    order: JsonObject = {}
    while True:
        begun_s = clock.now_s()
        left_s = request.timeout_s - (begun_s - start_s)
        try:
            order, failed = await _wait_once(server, request, emit, max(min(slice_s, left_s), 1.0)), 0
        except Unavailable:
            failed += 1
            if failed >= _FAILED_SLICES:
                raise
        waited_s = clock.now_s() - start_s
        ended = order.get("status") in ENDED
        if order and (ended or waited_s >= request.timeout_s):
            return {"call": order, "timed_out": not ended, "waited_s": round(waited_s, 1), **sandbox_of(order)}
        if clock.now_s() - begun_s < request.interval_s:
            # A server that answers at once would be asked without a break.
            await clock.asleep(request.interval_s)


def renamed(arguments: Mapping[str, object], properties: Mapping[str, object]) -> JsonObject:
    """Give arguments the names the server has for them: Revox does not say what ids are called."""
    named: JsonObject = {}
    for name, value in arguments.items():
        camel = "".join(part.title() if i else part for i, part in enumerate(name.split("_")))
        known = next((form for form in (name, camel) if form in properties), None)
        if known is None and name.endswith("_id") and "id" in properties:
            known = "id"
        named[known or name] = value
    return named


def known_arguments(request_type: type[Operation], arguments: Mapping[str, object]) -> JsonObject:
    """Arguments of the server's tool as those of ours.

    Raises:
        InvalidInput: One of them is not ours, so that the guard cannot judge what it does.
    """
    known: JsonObject = {}
    further: JsonObject = {}
    unknown = []
    for name, value in arguments.items():
        own = own_name(request_type, name)
        if own is None:
            unknown.append(name)
        elif own in request_type.model_fields:
            known[own] = value
        else:
            further[own] = value
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)}: the guard does not know what this would do.",
            next_step=f"Send the same again without {', '.join(unknown)}.",
        )
    settings = known.pop("settings", None) or {}
    if not isinstance(settings, dict):
        raise InvalidInput("settings: not a mapping")
    return {**known, **({"settings": {**further, **settings}} if further or settings else {})}


def is_withheld(request_type: type[Operation], name: str) -> bool:
    """Whether a model may not give an argument of the server's tool, by our name for it."""
    withheld = request_type.view.withheld
    return name in withheld or (name not in request_type.model_fields and "settings" in withheld)


def own_name(request_type: type[Operation], name: str) -> str | None:
    """What we call an argument of the server's tool; None if we have none like it."""
    snake = _CAMEL_HUMP.sub("_", name).lower()
    fields = request_type.model_fields
    for form in (name, snake):
        if form in fields or ("settings" in fields and form in ASSISTANT_SETTINGS):
            return form
    in_path = [field for field in fields if f"{{{field}}}" in (request_type.spec.path or "")]
    return in_path[0] if name == "id" and len(in_path) == 1 else None


def sent_arguments(operation: Operation, properties: Mapping[str, object]) -> JsonObject:
    """What the guard has let through, as arguments of the server's tool, which takes settings side by side."""
    # What it checked and not what was asked for: it may have added a mark, or chosen a voice.
    arguments = operation.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    settings = arguments.pop("settings", {})
    cleared = dict.fromkeys(arguments.pop("clear_fields", []))
    return renamed({**settings, **arguments, **cleared}, properties)


async def _wait_once(server: HostedServer, request: WaitForCall, emit: Emit | None, timeout_s: float) -> JsonObject:
    name = WaitForCall.spec.name
    arguments = _waiting_arguments(request, timeout_s, server.properties(name))
    order = (await server.call(name, arguments, CallContext(emit, reads=True))).get("call")
    if not isinstance(order, dict) or "status" not in order:
        raise AnswerError(f"The MCP server answered {name} without a call.", retry_safe=True)
    return order


def _waiting_arguments(request: WaitForCall, timeout_s: float, properties: Mapping[str, object]) -> JsonObject:
    """Find the server's names for interval and timeout, and their unit; leave out what it has no name for."""
    arguments = renamed({"call_id": request.call_id}, properties)
    for word, seconds in (("interval", request.interval_s), ("timeout", timeout_s)):
        name = next((name for name in properties if word in name.casefold()), None)
        if name is not None:
            in_ms = name.casefold().endswith(("ms", "millis", "milliseconds"))
            arguments[name] = seconds * 1000 if in_ms else seconds
    return arguments


__all__ = [
    "GUARDED",
    "GuardInterceptor",
    "HostedChannel",
    "known_arguments",
    "own_name",
    "renamed",
    "sent_arguments",
    "wait_in_slices",
    "why_not_dialed",
]
