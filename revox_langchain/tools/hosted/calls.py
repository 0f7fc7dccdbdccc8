"""Dialing and waiting over MCP, under the same rules as over REST.

To the placing flow a dial over MCP is an ordinary order; only the one request that rings goes over MCP. The guard, the
mark, and the search before and after are the flow's own, and they go over REST where that is allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
from mcp.types import CallToolResult

from revox_langchain.actions.requests import WaitForCall, perform_and_render
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import AnswerError, InvalidInput, Unavailable
from revox_langchain.flow import Clock, Emit, arun
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import CancelCall, GetCallHistory, GetPhoneHistory, MakeCall
from revox_langchain.operations.fields import ASSISTANT_SETTINGS
from revox_langchain.operations.operation import Operation, Risk
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.results.call import ENDED
from revox_langchain.tools.hosted.background import in_background
from revox_langchain.tools.hosted.session import CallContext, Handler, HostedServer, current_context

LOOKED_UP = (GetCallHistory, GetPhoneHistory, ListPhoneNumbers, CancelCall)
"""What the placing flow asks for; without REST the server must have a tool for each."""

GUARDED: tuple[type[Operation], ...] = (MakeCall, CreateAssistant)
"""What is looked up first, checked and marked before it goes over MCP."""

_FAILED_SLICES = 3


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
    """An interceptor that does what dials or creates as `act` does it: a call is placed at most once per intent.

    Args:
        connection: Where the flow looks for orders, unless `rest` is off.
        guard: What may be dialed.
        toolkit: Whose budget counts where there is no thread.
        rest: Whether anything may go over REST.
    """

    def __init__(self, connection: Connection, guard: Guard, toolkit: str, *, rest: bool) -> None:
        # Set once the server exists, which takes its interceptors when it is made.
        self.server: HostedServer | None = None
        self._connection = connection
        self._guard = guard
        self._toolkit = toolkit
        self._rest = rest

    async def __call__(self, request: MCPToolCallRequest, handler: Handler) -> MCPToolCallResult:
        """Check and place what dials or creates; pass everything else on."""
        request_type = next((each for each in GUARDED if each.spec.name == request.name), None)
        if request_type is None:
            return await handler(request)
        assert self.server is not None
        context = current_context()

        async def carry(operation: Operation) -> JsonObject:
            arguments = dict(request.args)
            if isinstance(operation, MakeCall):
                arguments |= {"phone_number": operation.phone_number, "metadata": operation.metadata}
            result = await handler(request.override(args=arguments))
            assert isinstance(result, CallToolResult)
            return result.structuredContent or {}

        channel = HostedChannel(self._connection, self.server, rest=self._rest, carry=(request_type, carry))
        arguments = {**known_arguments(request_type, request.args), **context.view}
        flow = perform_and_render(request_type, arguments, self._guard, scope=context.thread, toolkit=self._toolkit)
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
            return {"call": order, "timed_out": not ended, "waited_s": round(waited_s, 1)}
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
    """The part of the server's arguments that we know about.

    Raises:
        InvalidInput: A call has an argument that the guard cannot judge.
    """
    known = {name: value for name, value in arguments.items() if name in request_type.model_fields}
    unknown = [name for name in arguments if name not in known and name not in ASSISTANT_SETTINGS]
    if request_type is MakeCall and unknown:
        raise InvalidInput(
            f"{', '.join(unknown)}: the guard does not know what this would do.", next_step="Leave it out."
        )
    rest = {name: value for name, value in arguments.items() if name not in known and name in ASSISTANT_SETTINGS}
    settings = known.get("settings") or {}
    if not isinstance(settings, dict):
        raise InvalidInput("settings: not a mapping")
    return {**known, "settings": {**rest, **settings} or None}


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


__all__ = ["GuardInterceptor", "HostedChannel", "known_arguments", "renamed", "wait_in_slices", "why_not_dialed"]
