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
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Operation, Request, Risk, RiskWord
from revox_langchain.operations.render import text as render
from revox_langchain.operations.schema import decoded_by, lean
from revox_langchain.tools.conversation import thread_of
from revox_langchain.tools.hosted.background import in_background
from revox_langchain.tools.hosted.calls import (
    GuardInterceptor,
    HostedChannel,
    is_withheld,
    own_name,
    wait_in_slices,
    why_not_dialed,
)
from revox_langchain.tools.hosted.session import CallContext, HostedServer
from revox_langchain.tools.tool import (
    Answer,
    build_tool,
    make_tool,
    make_tools,
    number_source,
    stream_writer,
    tool_for,
    tool_metadata,
)

logger = logging.getLogger("revox_langchain.tools.hosted.tools")

_BY_NAME = {request.spec.name: request for request in REQUESTS}


async def hosted_tools(
    offer: Offer,
    *,
    merged: bool,
    url: str | None = None,
    rest: bool = True,
    hosted_risks: Mapping[str, Risk | RiskWord] | None = None,
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
        hosted_risks: How dangerous the server's own tools are, by name. One that is not named may ring a phone for all
            we know, whatever it says of itself, and is left out.
        extra: Which of those to let through. Left out: all that the offer's highest risk permits.
        timeout_s: How long one answer of the server may take.
        slice_s: How long the server may wait for a call before it answers, where waiting goes over MCP.

    Returns:
        Tools for `invoke` and `ainvoke`.

    Raises:
        RevoxToolError: The server cannot be reached, refuses the key, or has no tool of a name in `extra`; or
            `hosted_risks` names a tool of ours, or not one that `extra` asks for.
    """
    if merged and not rest:
        raise InvalidInput("Merged tools go over REST.", next_step='Use transport="mcp" with rest=False.')
    interceptor = GuardInterceptor(
        offer.connection, offer.guard(), offer.scope, rest=rest, offered=offer.requests(), decided=offer.decided
    )
    if not rest:
        timeout_s = max(timeout_s, slice_s + 15.0)
    server = HostedServer(offer.connection, url, timeout_s=timeout_s, interceptors=[interceptor])
    interceptor.server = server
    listed = await server.list_tools()
    ours = make_tools(offer) if merged else _tools_over_mcp(offer, server, listed, rest=rest, slice_s=slice_s)
    own = {name: tool for name, tool in listed.items() if name not in _BY_NAME}
    chosen = _chosen(offer, list(own), _checked_risks(hosted_risks or {}, own), extra)
    return [*ours, *(_foreign_tool(server, own[name], risk) for name, risk in chosen.items())]


def _tools_over_mcp(
    offer: Offer, server: HostedServer, listed: Mapping[str, StructuredTool], *, rest: bool, slice_s: float
) -> list[BaseTool]:
    """What is on offer and the server has, and the procedures, which stay ours since they are several requests."""
    offered = {request.spec.name: request for request in offer.requests()}
    tools: list[BaseTool] = [
        _known_tool(server, tool, offered[name], offer.guard().policy)
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
    if issubclass(request, (WaitForCall, RecoverCall)):
        return False
    if not request.spec.dials:
        return _is_understood(request, server)
    can_mark = issubclass(request, MakeCall)
    why = why_not_dialed(server, server.names, rest=rest) if can_mark else "no mark can go with it over MCP"
    if why is not None:
        logger.warning("%s is left out: %s. Use transport='merged', which dials over REST.", request.spec.name, why)
    return why is None


def _is_understood(request: type[Request], server: HostedServer) -> bool:
    """Whether the server's tool can be used with nothing but arguments that the guard can judge."""
    if request.spec.risk is Risk.READ or not issubclass(request, Operation):
        return True
    required = server.schema(request.spec.name).get("required", [])
    unknown = [name for name in required if not _may_be_given(request, name)]
    if unknown:
        logger.warning("%s is left out: the guard does not know its %s.", request.spec.name, ", ".join(unknown))
    return not unknown


def _checked_risks(hosted_risks: Mapping[str, Risk | RiskWord], own: Collection[str]) -> dict[str, Risk]:
    """The risks that code gives, by the names the server has."""
    risks = {}
    for given, risk in hosted_risks.items():
        name = _listed_name(given, own)
        if name in _BY_NAME:
            raise InvalidInput(
                f"{name} is one of our tools, of risk {_BY_NAME[name].spec.risk.name}.",
                next_step="Name only tools that the MCP server alone has in hosted_risks.",
            )
        if name in own:
            risks[name] = Risk.named(risk)
        else:
            logger.warning("hosted_risks names %r, which the MCP server does not have%s", given, near(name, own))
    return risks


def _chosen(
    offer: Offer, own: Collection[str], risks: Mapping[str, Risk], extra: Iterable[str] | None
) -> dict[str, Risk]:
    """Which of the server's own tools are let through, each with its risk."""
    wanted = set(risks) if extra is None else {_listed_name(name, own) for name in extra}
    for name in sorted(wanted - set(own)):
        raise InvalidInput(f"The MCP server has no tool of its own called {name!r}{near(name, own)}")
    for name in sorted(wanted - set(risks)):
        raise InvalidInput(
            f"Nothing says what {name} may do.", next_step=f"Say it in code: hosted_risks={{{name!r}: Risk.READ}}."
        )
    if unnamed := sorted(set(own) - set(risks)):
        logger.info("Left out, since hosted_risks does not name them: %s", ", ".join(unnamed))
    chosen = {}
    for name in (name for name in own if name in wanted):
        if risks[name] is Risk.DIAL:
            logger.warning("%s is left out: it may ring a phone, and the guard does not know it.", name)
        elif risks[name] <= offer.highest_risk:
            chosen[name] = risks[name]
        elif extra is not None:
            raise InvalidInput(
                f"{name} is of risk {risks[name].name}, above {offer.highest_risk.name}.",
                next_step=f"Write max_risk=Risk.{risks[name].name} if it is really meant.",
            )
    return chosen


def _listed_name(given: str, own: Collection[str]) -> str:
    return given if given in own or given in _BY_NAME or given.startswith("revox_") else f"revox_{given}"


def _known_tool(server: HostedServer, tool: StructuredTool, request: type[Request], policy: DialPolicy) -> BaseTool:
    """A tool of the server that we know: its arguments, our text, and what of ours only changes what is shown."""
    schema = server.schema(tool.name)
    theirs = _offered_properties(server, request)
    ours = request.plain_schema().get("properties", {})
    views = {
        name: ours[name]
        for name, field in request.model_fields.items()
        if field.exclude and name in ours and name not in theirs
    }
    schema["properties"] = {**theirs, **views}
    schema["required"] = [name for name in schema.get("required", []) if name in schema["properties"]]
    metadata = {**tool_metadata(request), **number_source(request, policy)}
    return _tool(server, tool.name, request.spec.doc, schema, metadata, request.spec.risk, views, request)


def _offered_properties(server: HostedServer, request: type[Request]) -> JsonObject:
    """The arguments of a tool of the server that a model is told of: of what changes something those we know."""
    properties = server.properties(request.spec.name)
    if request.spec.risk is Risk.READ or not issubclass(request, Operation):
        return properties
    return {
        name: schema
        for name, schema in properties.items()
        if (own := own_name(request, name)) is not None and not is_withheld(request, own)
    }


def _may_be_given(request: type[Operation], name: str) -> bool:
    """Whether an argument of the server's tool is one that a model gives, or the application."""
    own = own_name(request, name)
    return own is not None and (own in request.view.fixed or not is_withheld(request, own))


def _foreign_tool(server: HostedServer, tool: StructuredTool, risk: Risk) -> BaseTool:
    schema = {"type": "object", "properties": {}, **server.schema(tool.name)}
    reads = risk is Risk.READ
    metadata = {
        "risk": risk.name.lower(),
        "dials": False,
        "billable": False,
        "retry_safe": reads,
        "toolset": "hosted",
        # In place of the server's own hints: middleware that asks before anything dangerous goes by these.
        "annotations": {"readOnlyHint": reads, "destructiveHint": risk >= Risk.DIAL, "idempotentHint": reads},
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
        given = decoded_by(schema, arguments)
        context.view.update({name: given.pop(name) for name in views if name in given})
        answer = await server.call(name, given, context)
        return _rendered(name, request, answer, {**given, **context.view}), answer

    def context_of(config: RunnableConfig, said: Given | None) -> CallContext:
        reads, dials = risk is Risk.READ, risk is Risk.DIAL
        return CallContext(stream_writer(), thread_of(config), reads=reads, dials=dials, given=said)

    def call(arguments: JsonObject, config: RunnableConfig, said: Given | None) -> Answer:
        return in_background(ask(arguments, context_of(config, said)))

    async def acall(arguments: JsonObject, config: RunnableConfig, said: Given | None) -> Answer:
        return await ask(arguments, context_of(config, said))

    return build_tool(
        call,
        acall,
        server.connection,
        name=name,
        description=description,
        args_schema=lean(schema),
        tags=["revox", "mcp"],
        metadata={**metadata, "transport": "mcp"},
    )


def _waiting_tool(server: HostedServer, offer: Offer, slice_s: float) -> BaseTool:
    clock = offer.connection.clock

    def call(arguments: JsonObject, config: RunnableConfig, said: Given | None) -> Answer:
        request = WaitForCall.parse(arguments)
        answer = in_background(wait_in_slices(server, clock, request, stream_writer(), slice_s))
        return request.spec.render(answer, request), answer

    async def acall(arguments: JsonObject, config: RunnableConfig, said: Given | None) -> Answer:
        request = WaitForCall.parse(arguments)
        answer = await wait_in_slices(server, clock, request, stream_writer(), slice_s)
        return request.spec.render(answer, request), answer

    return tool_for(WaitForCall, call, acall, offer.connection, tags=["revox", "mcp"], metadata={"transport": "mcp"})


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
    text = str(answer["text"]) if set(answer) - {"sandbox"} == {"text"} else json.dumps(answer, ensure_ascii=False)
    return "\n".join([f"{name} answered; the whole answer is in the artifact.", *render.fenced([text], 1200)])


__all__ = ["hosted_tools"]
