"""Dialing and waiting over MCP, under the same rules as over REST.

A dial is an ordinary order to the placing flow; only the one request that rings goes over MCP. The guard, the mark, the
look before and the look after are the flow's own, and they go over REST where that is allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
from mcp.types import CallToolResult

from revox_langchain.actions.requests import WaitForCall, perform_and_render
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
from revox_langchain.tools.hosted.session import Errand, Link, current_errand, in_background

if TYPE_CHECKING:
    from collections.abc import Iterable

Handler = Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]

LOOKED_UP = (GetCallHistory, GetPhoneHistory, ListPhoneNumbers, CancelCall)
"""What the placing flow asks for; without REST the server must have a tool for each."""

CAREFUL: tuple[type[MakeCall] | type[CreateAssistant], ...] = (MakeCall, CreateAssistant)
"""What is looked up first, checked and marked before it goes over MCP."""

_FAILED_SLICES = 3


class Line:
    """What flows talk to in place of a `Connection`, when something has to go over MCP.

    Args:
        connection: Serves what may go over REST, and remembers answers.
        link: The MCP server.
        rest: Whether anything may go over REST.
        carry: Takes the request that is to go over MCP whatever `rest` says, and what sends it.
    """

    def __init__(
        self,
        connection: Connection,
        link: Link,
        *,
        rest: bool,
        carry: tuple[type[Operation], Callable[[Any], Awaitable[dict[str, Any]]]] | None = None,
    ) -> None:
        self.clock: Clock = connection.clock
        self.recalled = connection.recalled
        self.remember = connection.remember
        self._connection = connection
        self._link = link
        self._rest = rest
        self._carry = carry

    async def asend(self, operation: Operation) -> Any:
        """Send an operation whichever way it goes."""
        if self._carry is not None and isinstance(operation, self._carry[0]):
            return await self._carry[1](operation)
        if self._rest:
            return await self._connection.asend(operation)
        name = operation.spec.name
        arguments = {k: v for k, v in operation.model_dump(mode="json", exclude_none=True).items() if v != []}
        errand = Errand(reads=operation.spec.risk is Risk.READ, dials=operation.spec.dials)
        return await self._link.call(name, named_as(arguments, self._link.schema(name)), errand)

    def send(self, operation: Operation) -> Any:
        """Send an operation from sync code."""
        return in_background(self.asend(operation))


class Guarded:
    """An interceptor that does what dials or creates as `act` does it: a call is placed at most once per intent.

    Args:
        connection: Where the flow looks for orders, unless `rest` is off.
        guard: What may be dialed.
        toolkit: Whose budget counts where there is no thread.
        rest: Whether anything may go over REST.
    """

    def __init__(self, connection: Connection, guard: Guard, toolkit: str, *, rest: bool) -> None:
        self.link: Link | None = None
        self._connection = connection
        self._guard = guard
        self._toolkit = toolkit
        self._rest = rest

    async def __call__(self, request: MCPToolCallRequest, handler: Handler) -> MCPToolCallResult:
        """Do what `request` asks for with the care it needs; what needs none passes."""
        asked = next((each for each in CAREFUL if each.spec.name == request.name), None)
        if asked is None:
            return await handler(request)
        assert self.link is not None
        errand = current_errand()

        async def carry(operation: MakeCall | CreateAssistant) -> dict[str, Any]:
            arguments = dict(request.args)
            if isinstance(operation, MakeCall):
                arguments |= {"phone_number": operation.phone_number, "metadata": operation.metadata}
            result = await handler(request.override(args=arguments))
            assert isinstance(result, CallToolResult)
            return result.structuredContent or {}

        line = Line(self._connection, self.link, rest=self._rest, carry=(asked, carry))
        arguments = {**_understood(asked, request.args), **errand.view}
        flow = perform_and_render(asked, arguments, self._guard, scope=errand.thread, toolkit=self._toolkit)
        _, answer = await arun(flow, line, emit=errand.emit)
        return CallToolResult(content=[], structuredContent=answer)


def why_not_dialed(link: Link, theirs: Iterable[str], *, rest: bool) -> str | None:
    """Why a call must not be placed through this server; None if it may."""
    properties = link.schema(MakeCall.spec.name).get("properties", {})
    for needed in ("phone_number", "metadata"):
        if needed not in properties:
            return f"its schema has no {needed}, which what prevents a second order needs"
    if not rest:
        missing = [op.spec.name for op in LOOKED_UP if op.spec.name not in set(theirs)]
        if missing:
            return f"without REST the server must have {', '.join(missing)}"
        if "to_phone_number" not in link.schema(GetCallHistory.spec.name).get("properties", {}):
            return "without REST the server's history must be searchable by to_phone_number"
    return None


async def wait_in_slices(
    link: Link, connection: Connection, request: WaitForCall, emit: Emit | None, slice_s: float
) -> dict[str, Any]:
    """Wait for a call with the server's own tool, a slice at a time, since clients and proxies cut long answers.

    Returns:
        As `WaitForCall.flow`.

    Raises:
        RevoxToolError: The call cannot be read, or the server stays out of reach.
    """
    name, clock = WaitForCall.spec.name, connection.clock
    properties = link.schema(name).get("properties", {})
    start_s, failed = clock.now_s(), 0
    order: dict[str, Any] = {}
    while True:
        begun_s = clock.now_s()
        left_s = request.timeout_s - (begun_s - start_s)
        wanted = {"call_id": request.call_id, "interval": request.interval_s, "timeout": max(min(slice_s, left_s), 1.0)}
        try:
            answer = await link.call(name, _like(wanted, properties), Errand(emit, reads=True))
        except Unavailable:
            failed += 1
            if failed >= _FAILED_SLICES:
                raise
        else:
            seen = answer.get("call")
            if not isinstance(seen, dict) or "status" not in seen:
                raise AnswerError(f"The MCP server answered {name} without a call.", retry_safe=True)
            failed, order = 0, seen
        waited_s = clock.now_s() - start_s
        ended = order.get("status") in ENDED
        if order and (ended or waited_s >= request.timeout_s):
            return {"call": order, "timed_out": not ended, "waited_s": round(waited_s, 1)}
        if clock.now_s() - begun_s < request.interval_s:
            # A server that answers at once would be asked without a break.
            await clock.asleep(request.interval_s)


def named_as(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give arguments the names the server has for them: Revox does not say what ids are called."""
    properties = schema.get("properties", {})
    named: dict[str, Any] = {}
    for name, value in arguments.items():
        camel = "".join(part.title() if i else part for i, part in enumerate(name.split("_")))
        known = next((form for form in (name, camel) if form in properties), None)
        if known is None and name.endswith("_id") and "id" in properties:
            known = "id"
        named[known or name] = value
    return named


def _like(wanted: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Find the server's names for interval and timeout, and their unit; leave out what it has no name for."""
    found = named_as({"call_id": wanted["call_id"]}, {"properties": properties})
    for word in ("interval", "timeout"):
        name = next((name for name in properties if word in name.casefold()), None)
        if name is not None:
            in_ms = name.casefold().endswith(("ms", "millis", "milliseconds"))
            found[name] = wanted[word] * 1000 if in_ms else wanted[word]
    return found


def _understood(asked: type[Operation], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the server's arguments that we know about."""
    known = {name: value for name, value in arguments.items() if name in asked.model_fields}
    strange = [name for name in arguments if name not in known and name not in ASSISTANT_SETTINGS]
    if asked is MakeCall and strange:
        raise InvalidInput(
            f"{', '.join(strange)}: the guard does not know what this would do.", next_step="Leave it out."
        )
    rest = {name: value for name, value in arguments.items() if name not in known and name in ASSISTANT_SETTINGS}
    settings = known.get("settings") or {}
    if not isinstance(settings, dict):
        raise InvalidInput("settings: not a mapping")
    return {**known, "settings": {**rest, **settings} or None}


__all__ = ["Guarded", "Line", "named_as", "wait_in_slices", "why_not_dialed"]
