"""The tools of Revox's hosted MCP server, under our contract.

`merged`: ours over REST, and from the server what only it has, such as billing and Nango. `mcp`: the server's; what
dials comes only if it can carry the mark that prevents a second order, and goes through the same guard.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool

from revox_langchain.actions.offer import Offer
from revox_langchain.actions.requests import REQUESTS, RecoverCall, WaitForCall
from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Request, Risk
from revox_langchain.operations.render import text as render
from revox_langchain.tools.hosted.background import in_background
from revox_langchain.tools.hosted.calls import GuardInterceptor, HostedChannel, wait_in_slices, why_not_dialed
from revox_langchain.tools.hosted.session import CallContext, HostedServer
from revox_langchain.tools.tool import (
    Answer,
    build_tool,
    make_tool,
    make_tools,
    stream_writer,
    thread_of,
    tool_for,
    tool_metadata,
)

logger = logging.getLogger("revox_langchain.tools.hosted.tools")

_READ = frozenset(
    {"get", "list", "search", "find", "read", "check", "count", "describe", "show", "lookup", "query", "export"}
)
_DELETE = frozenset({"delete", "remove", "purge", "destroy", "revoke", "disconnect"})
_DIAL = frozenset({"make", "call", "dial", "redial", "ring", "place", "launch", "resume", "retry"})
_HARMLESS = frozenset({"update", "cancel", "pause", "stop", "end", "tag", "assign", "rename", "archive"})
_RINGS = frozenset({"call", "calls", "campaign", "campaigns", "dial"})
_BY_NAME = {request.spec.name: request for request in REQUESTS}


async def hosted_tools(
    offer: Offer,
    *,
    merged: bool,
    url: str | None = None,
    rest: bool = True,
    extra: Iterable[str] | None = None,
    timeout_s: float = 60.0,
    slice_s: float = 45.0,
) -> list[BaseTool]:
    """Make tools of what the hosted MCP server offers.

    Args:
        offer: Its limits and choices hold here too; a toolkit is one.
        merged: Ours over REST, and from the server only what we do not have.
        url: The server's address, if it is not below the connection's base URL.
        rest: Whether anything may go over REST; without, the searches before and after a dial and the waiting go over
            MCP as well.
        extra: Names of the server's own tools to let through. Left out: all that the offer's highest risk permits.
        timeout_s: How long one answer of the server may take.
        slice_s: How long the server may wait for a call before it answers, where waiting goes over MCP.

    Returns:
        Tools for `invoke` and `ainvoke`.

    Raises:
        RevoxToolError: The server cannot be reached, refuses the key, or has no tool of a name in `extra`.
    """
    if merged and not rest:
        raise InvalidInput("Merged tools go over REST.", next_step='Use transport="mcp" with rest=False.')
    interceptor = GuardInterceptor(offer.connection, offer.guard(), offer.scope, rest=rest)
    if not rest:
        timeout_s = max(timeout_s, slice_s + 15.0)
    server = HostedServer(offer.connection, url, timeout_s=timeout_s, interceptors=[interceptor])
    interceptor.server = server
    listed = await server.list_tools()
    ours = make_tools(offer) if merged else _tools_over_mcp(offer, server, listed, rest=rest, slice_s=slice_s)
    return [*ours, *(_foreign_tool(server, tool) for tool in _foreign(offer, listed, extra))]


def risk_of(name: str, annotations: Mapping[str, object]) -> Risk:
    """How dangerous a tool is that only the server knows.

    A hint may call a tool harmless, but not one whose name says that it rings.
    """
    words = name.removeprefix("revox_").split("_")
    verb, about = words[0], set(words[1:])
    if verb in _DIAL or (about & _RINGS and verb not in _READ | _DELETE | _HARMLESS):
        return Risk.DIAL
    if annotations.get("readOnlyHint"):
        return Risk.READ
    if annotations.get("destructiveHint") or verb in _DELETE:
        return Risk.DELETE
    return Risk.READ if verb in _READ else Risk.WRITE


def _tools_over_mcp(
    offer: Offer, server: HostedServer, listed: Mapping[str, StructuredTool], *, rest: bool, slice_s: float
) -> list[BaseTool]:
    """What is on offer and the server has, and the procedures, which stay ours since they are several requests."""
    offered = {request.spec.name: request for request in offer.requests()}
    tools: list[BaseTool] = [
        _known_tool(server, tool, offered[name])
        for name, tool in listed.items()
        if name in offered and _is_carried(offered[name], server, rest)
    ]
    channel, guard = HostedChannel(offer.connection, server, rest=rest), offer.guard()
    if WaitForCall.spec.name in offered:
        in_slices = not rest and WaitForCall.spec.name in server.names
        tools.append(_waiting_tool(server, offer, slice_s) if in_slices else make_tool(WaitForCall, channel, guard))
    if RecoverCall.spec.name in offered:
        tools.append(make_tool(RecoverCall, channel, guard))
    return tools


def _is_carried(request: type[Request], server: HostedServer, rest: bool) -> bool:
    if request in (WaitForCall, RecoverCall):
        return False
    if not request.spec.dials:
        return True
    can_mark = request is MakeCall
    why = why_not_dialed(server, server.names, rest=rest) if can_mark else "no mark can go with it over MCP"
    if why is not None:
        logger.warning("%s is left out: %s. Use transport='merged', which dials over REST.", request.spec.name, why)
    return why is None


def _foreign(offer: Offer, listed: Mapping[str, StructuredTool], extra: Iterable[str] | None) -> list[StructuredTool]:
    """What only the server has and the offer's limits permit."""
    own = {name: tool for name, tool in listed.items() if name not in _BY_NAME}
    wanted = set(own) if extra is None else {name if name in own else f"revox_{name}" for name in extra}
    for name in wanted - set(own):
        raise InvalidInput(f"The MCP server has no tool of its own called {name!r}{near(name, own)}")
    chosen = []
    for name, tool in own.items():
        risk = risk_of(name, tool.metadata or {})
        if name not in wanted:
            continue
        if risk is Risk.DIAL:
            logger.warning("%s is left out: it may ring a phone, and the guard does not know it.", name)
        elif risk <= offer.highest_risk:
            chosen.append(tool)
        elif extra is not None:
            raise InvalidInput(
                f"{name} is of risk {risk.name}, above {offer.highest_risk.name}.",
                next_step=f"Write max_risk=Risk.{risk.name} if it is really meant.",
            )
    return chosen


def _known_tool(server: HostedServer, tool: StructuredTool, request: type[Request]) -> BaseTool:
    """A tool of the server that we know: its arguments, our text, and what of ours only changes what is shown."""
    schema = server.schema(tool.name)
    theirs = server.properties(tool.name)
    ours = request.model_json_schema().get("properties", {})
    views = {
        name: ours[name]
        for name, field in request.model_fields.items()
        if field.exclude and name in ours and name not in theirs
    }
    schema["properties"] = {**theirs, **views}
    metadata = tool_metadata(request)
    return _tool(server, tool.name, request.spec.doc, schema, metadata, request.spec.risk, views, request)


def _foreign_tool(server: HostedServer, tool: StructuredTool) -> BaseTool:
    # What the server says of itself is believed only as far as its tools' names do not say otherwise.
    hints = dict(tool.metadata or {})
    risk = risk_of(tool.name, hints)
    schema = {"type": "object", "properties": {}, **server.schema(tool.name)}
    metadata = {
        "risk": risk.name.lower(),
        "dials": False,
        "billable": False,
        "retry_safe": risk is Risk.READ,
        "toolset": "hosted",
        "annotations": hints,
    }
    return _tool(server, tool.name, tool.description[:1000], schema, metadata, risk)


def _tool(
    server: HostedServer,
    name: str,
    description: str,
    schema: JsonObject,
    metadata: JsonObject,
    risk: Risk,
    views: Collection[str] = (),
    request: type[Request] | None = None,
) -> BaseTool:
    async def ask(arguments: JsonObject, context: CallContext) -> Answer:
        given = {name: value for name, value in arguments.items() if value is not None}
        context.view.update({name: given.pop(name) for name in views if name in given})
        answer = await server.call(name, given, context)
        return _rendered(name, request, answer, {**given, **context.view}), answer

    def context_of(config: RunnableConfig) -> CallContext:
        return CallContext(stream_writer(), thread_of(config), reads=risk is Risk.READ, dials=risk is Risk.DIAL)

    def call(arguments: JsonObject, config: RunnableConfig) -> Answer:
        return in_background(ask(arguments, context_of(config)))

    async def acall(arguments: JsonObject, config: RunnableConfig) -> Answer:
        return await ask(arguments, context_of(config))

    return build_tool(
        call,
        acall,
        name=name,
        description=description,
        args_schema=schema,
        tags=["revox", "mcp"],
        metadata={**metadata, "transport": "mcp"},
    )


def _waiting_tool(server: HostedServer, offer: Offer, slice_s: float) -> BaseTool:
    clock = offer.connection.clock

    def call(arguments: JsonObject, config: RunnableConfig) -> Answer:
        request = WaitForCall.parse(arguments)
        answer = in_background(wait_in_slices(server, clock, request, stream_writer(), slice_s))
        return request.spec.render(answer, request), answer

    async def acall(arguments: JsonObject, config: RunnableConfig) -> Answer:
        request = WaitForCall.parse(arguments)
        answer = await wait_in_slices(server, clock, request, stream_writer(), slice_s)
        return request.spec.render(answer, request), answer

    return tool_for(WaitForCall, call, acall, tags=["revox", "mcp"], metadata={"transport": "mcp"})


def _rendered(name: str, request: type[Request] | None, answer: JsonObject, arguments: JsonObject) -> str:
    """The few lines a model reads; in our words where the answer has the shape we know."""
    if request is not None:
        try:
            asked = request.parse({key: value for key, value in arguments.items() if key in request.model_fields})
        except InvalidInput:
            asked = None
        try:
            return request.spec.render(answer, asked)
        except (KeyError, TypeError, AttributeError, ValueError):
            logger.warning("The MCP server answered %s in a shape that is not REST's; it is shown as it is.", name)
    text = str(answer["text"]) if set(answer) == {"text"} else json.dumps(answer, ensure_ascii=False)
    return "\n".join([f"{name} answered; the whole answer is in the artifact.", *render.fenced([text], 1200)])


__all__ = ["hosted_tools", "risk_of"]
