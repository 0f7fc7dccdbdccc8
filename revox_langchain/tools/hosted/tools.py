"""The tools of Revox's hosted MCP server, under our contract.

`merged`: ours over REST, and from the server what only it has, such as billing and Nango. `mcp`: the server's; what
dials comes only if it can carry the mark that prevents a second order, and goes through the same guard.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool

from revox_langchain.actions.requests import REQUESTS, RecoverCall, WaitForCall
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import InvalidInput, RevoxToolError, near
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Request, Risk
from revox_langchain.operations.render import text as render
from revox_langchain.tools.hosted.calls import Guarded, Line, wait_in_slices, why_not_dialed
from revox_langchain.tools.hosted.session import Errand, Link, in_background
from revox_langchain.tools.tool import RevoxTool, ToolFailure, make_tool, stream_writer, thread_of, tool_metadata
from revox_langchain.tools.toolkit import RevoxToolkit

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
    toolkit: RevoxToolkit,
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
        toolkit: Its limits and choices hold here too.
        merged: Ours over REST, and from the server only what we do not have.
        url: The server's address, if it is not below the connection's base URL.
        rest: Whether anything may go over REST; without, the looks before and after a dial and the waiting go over
            MCP as well.
        extra: Names of the server's own tools to let through. Left out: all that `max_risk` permits, unless the
            toolkit names toolsets or tools.
        timeout_s: How long one answer of the server may take.
        slice_s: How long the server may wait for a call before it answers, where waiting goes over MCP.

    Returns:
        Tools for `invoke` and `ainvoke`.

    Raises:
        RevoxToolError: The server cannot be reached, refuses the key, or has no tool of a name in `extra`.
    """
    if merged and not rest:
        raise InvalidInput("Merged tools go over REST.", next_step='Use transport="mcp" with rest=False.')
    guard = toolkit.guard()
    guarded = Guarded(toolkit.connection, guard, toolkit.scope, rest=rest)
    if not rest:
        timeout_s = max(timeout_s, slice_s + 15.0)
    link = guarded.link = Link(toolkit.connection, url, timeout_s=timeout_s, interceptors=[guarded])
    theirs = await link.list_tools()
    if merged:
        ours = toolkit.get_tools()
    else:
        offered = {request.spec.name: request for request in toolkit.requests()}
        ours = [
            _known_tool(link, tool, offered[name])
            for name, tool in theirs.items()
            if _may_come(name, offered, link, rest)
        ]
        ours += _our_own(toolkit, offered, link, guard, rest=rest, slice_s=slice_s)
    return [*ours, *(_foreign_tool(link, tool) for tool in _foreign(toolkit, theirs, extra))]


def risk_of(name: str, annotations: dict[str, Any]) -> Risk:
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


class HostedTool(RevoxTool):
    """A tool of the server; its arguments are a JSON schema and no class."""

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        if isinstance(tool_input, str):
            properties = cast("dict[str, Any]", self.args_schema)["properties"]
            return {next(iter(properties), "input"): tool_input}
        return dict(tool_input)


def _may_come(name: str, offered: dict[str, type[Request]], link: Link, rest: bool) -> bool:
    request = offered.get(name)
    if request is None or request in (WaitForCall, RecoverCall):
        return False
    if not request.spec.dials:
        return True
    why = why_not_dialed(link, link.names, rest=rest) if request is MakeCall else "no mark can go with it over MCP"
    if why is not None:
        logger.warning("%s is left out: %s. Use transport='merged', which dials over REST.", name, why)
    return why is None


def _our_own(
    toolkit: RevoxToolkit, offered: dict[str, type[Request]], link: Link, guard: Guard, *, rest: bool, slice_s: float
) -> list[BaseTool]:
    """What is several requests stays ours: waiting, and looking for a lost call."""
    connection = toolkit.connection
    line = Line(connection, link, rest=rest)
    tools: list[BaseTool] = []
    if WaitForCall.spec.name in offered:
        sliced = not rest and WaitForCall.spec.name in link.names
        tools.append(_waiting_tool(link, toolkit, slice_s) if sliced else make_tool(WaitForCall, line, guard))
    if RecoverCall.spec.name in offered:
        tools.append(make_tool(RecoverCall, line, guard))
    return tools


def _foreign(
    toolkit: RevoxToolkit, theirs: dict[str, StructuredTool], extra: Iterable[str] | None
) -> list[StructuredTool]:
    """What only the server has and the toolkit's limits permit."""
    own = {name: tool for name, tool in theirs.items() if name not in _BY_NAME}
    if extra is None:
        wanted = set() if toolkit.toolsets is not None or toolkit.include else set(own)
    else:
        wanted = {name if name in own else f"revox_{name}" for name in extra}
        for name in wanted - set(own):
            raise InvalidInput(f"The MCP server has no tool of its own called {name!r}{near(name, own)}")
    chosen = []
    for name, tool in own.items():
        risk = risk_of(name, tool.metadata or {})
        if name not in wanted:
            continue
        if risk is Risk.DIAL:
            logger.warning("%s is left out: it may ring a phone, and the guard does not know it.", name)
        elif risk <= toolkit.highest_risk:
            chosen.append(tool)
        elif extra is not None:
            raise InvalidInput(
                f"{name} is of risk {risk.name}, above {toolkit.highest_risk.name}.",
                next_step=f"Write max_risk=Risk.{risk.name} if it is really meant.",
            )
    return chosen


def _known_tool(link: Link, tool: StructuredTool, request: type[Request]) -> BaseTool:
    """A tool of the server that we know: its arguments, our text, and what of ours only changes what is shown."""
    schema = dict(link.schema(tool.name))
    ours = request.model_json_schema().get("properties", {})
    views = {
        name: ours[name]
        for name, field in request.model_fields.items()
        if field.exclude and name in ours and name not in schema.get("properties", {})
    }
    schema["properties"] = {**schema.get("properties", {}), **views}
    return _tool(link, tool, schema, tool_metadata(request), request.spec.risk, set(views), request)


def _foreign_tool(link: Link, tool: StructuredTool) -> BaseTool:
    hints = dict(tool.metadata or {})
    risk = risk_of(tool.name, hints)
    schema = {"type": "object", "properties": {}, **link.schema(tool.name)}
    metadata = {"risk": risk.name.lower(), "dials": False, "billable": False, "retry_safe": risk is Risk.READ,
                "toolset": "hosted", "annotations": hints}  # fmt: skip
    return _tool(link, tool, schema, metadata, risk, set(), None)


def _tool(
    link: Link,
    tool: StructuredTool,
    schema: dict[str, Any],
    metadata: dict[str, Any],
    risk: Risk,
    views: set[str],
    request: type[Request] | None,
) -> BaseTool:
    async def ask(arguments: dict[str, Any], errand: Errand) -> tuple[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        errand.view.update({name: given.pop(name) for name in views & set(given)})
        try:
            answer = await link.call(tool.name, given, errand)
        except RevoxToolError as error:
            raise ToolFailure(error) from error
        return _shown(tool.name, request, answer, {**given, **errand.view}), answer

    def errand(config: RunnableConfig) -> Errand:
        return Errand(stream_writer(), thread_of(config), reads=risk is Risk.READ, dials=risk is Risk.DIAL)

    def call(config: RunnableConfig, **arguments: Any) -> tuple[str, Any]:
        return in_background(ask(arguments, errand(config)))

    async def acall(config: RunnableConfig, **arguments: Any) -> tuple[str, Any]:
        return await ask(arguments, errand(config))

    return HostedTool(
        name=tool.name,
        description=request.spec.doc if request is not None else tool.description[:1000],
        args_schema=schema,
        func=call,
        coroutine=acall,
        response_format="content_and_artifact",
        tags=["revox", "mcp"],
        metadata={**metadata, "transport": "mcp"},
    )


def _waiting_tool(link: Link, toolkit: RevoxToolkit, slice_s: float) -> BaseTool:
    async def wait(arguments: dict[str, Any], emit: Any) -> tuple[str, Any]:
        try:
            request = WaitForCall.parse(arguments)
            answer = await wait_in_slices(link, toolkit.connection, request, emit, slice_s)
        except RevoxToolError as error:
            raise ToolFailure(error) from error
        return request.spec.render(answer, request), answer

    def call(**arguments: Any) -> tuple[str, Any]:
        return in_background(wait(arguments, stream_writer()))

    async def acall(**arguments: Any) -> tuple[str, Any]:
        return await wait(arguments, stream_writer())

    return RevoxTool(
        name=WaitForCall.spec.name,
        description=WaitForCall.spec.doc,
        args_schema=WaitForCall,
        func=call,
        coroutine=acall,
        response_format="content_and_artifact",
        tags=["revox", "mcp"],
        metadata={**tool_metadata(WaitForCall), "transport": "mcp"},
    )


def _shown(name: str, request: type[Request] | None, answer: dict[str, Any], arguments: dict[str, Any]) -> str:
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


__all__ = ["HostedTool", "hosted_tools", "risk_of"]
