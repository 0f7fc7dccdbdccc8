"""LangChain tools that an assistant uses while it talks: a person waits, so that every answer is short and comes soon.

line = CallTools([check_calendar, book], allow_side_effects=["book"], once=["book"])
webhooks = Webhooks(connection, call_tools=line)                                      # answers the requests
graph = call_graph(connection, call_tools=line, public_url="https://example.com/revox")  # puts them on assistants
"""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, Tool
from pydantic import Secret, SecretStr, ValidationError

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.decided import CALL_VARIABLE, NOTHING, Decided
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.operation import Risk
from revox_langchain.webhooks import said
from revox_langchain.webhooks.journal import Journal
from revox_langchain.webhooks.line_tool import LineTool
from revox_langchain.webhooks.once import Once
from revox_langchain.webhooks.public_url import checked_public_url
from revox_langchain.webhooks.routes import Asked, WebhookRoute, answered, checked_token, token_for
from revox_langchain.webhooks.said import Said
from revox_langchain.webhooks.tool_request import read_request

if TYPE_CHECKING:
    from starlette.responses import Response

ROUTE = "call-tools"
"""The path segment before a tool's name, and its route in the log."""

_MOST_TIMEOUT_S = 60.0
_MOST_THREADS = 256
_SHORTEST_KEY = 16
# An API key that can be guessed, as a sandbox's, must not make a token that can.
_OF_THIS_PROCESS = secrets.token_urlsafe(32)


class CallTools:
    """Tools for the line, declared once for the app that answers and for the graph or toolkit that offers them.

    Args:
        tools: LangChain tools with flat arguments: strings, numbers, booleans, dates, date-times, choices of strings.
        allow_side_effects: Names of tools above the risk `READ` that may be used all the same: those marked with
            `metadata={"revox_risk": "write"}`, MCP tools that say that they are not read-only, and tools of a
            `RevoxToolkit`. A tool that says nothing counts as `READ`.
        once: Names of tools that a repeat of the same request within a call must not run again (also
            `metadata={"revox_once": True}`). With a `journal` of `Webhooks` that holds across a restart as well.
        timeout_s: How long a tool may take, since a person is waiting.
        token: The secret of the route, at least 16 characters. Left out, one is made from the connection's API key, so
            that every process with the same key has the same; a short key's is of this process only.

    Raises:
        InvalidInput: A tool cannot be offered, two have one name, one above `READ` is not allowed, or a name is not
            one of a tool.
    """

    def __init__(
        self,
        tools: Sequence[BaseTool],
        *,
        allow_side_effects: Collection[str] = (),
        once: Collection[str] = (),
        timeout_s: float = 5.0,
        token: str | SecretStr | None = None,
    ) -> None:
        self._tools = _checked(tools, allow_side_effects, once)
        self._token = None if token is None else checked_token(token)
        if not 0 < timeout_s <= _MOST_TIMEOUT_S:
            raise InvalidInput(
                f"call_tools: timeout_s={timeout_s:g} is not between 0 and {_MOST_TIMEOUT_S:g}.",
                next_step="Give a few seconds: a person is waiting on the phone.",
            )
        self.timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"CallTools({', '.join(self._tools)})"

    @classmethod
    def of(cls, given: CallTools | Sequence[BaseTool]) -> CallTools:
        """Take what code gives: `CallTools`, or a list of tools that need no more words."""
        return given if isinstance(given, CallTools) else cls(given)

    def named(self, name: str) -> LineTool | None:
        """The tool of a name."""
        return self._tools.get(name)

    def token(self, connection: Connection) -> SecretStr:
        """The token that requests to the tools carry. Keep it out of logs."""
        if self._token is not None:
            return token_for(ROUTE, self._token)
        key = connection.api_key.get_secret_value()
        return token_for(ROUTE, SecretStr(key if len(key) >= _SHORTEST_KEY else f"{key} {_OF_THIS_PROCESS}"))

    def custom_tools(self, connection: Connection, public_url: str | None) -> list[JsonObject]:
        """The tools as Revox's `custom_tools` has them. Their headers hold the token: keep them out of logs.

        Args:
            connection: Whose key the token is made from.
            public_url: Where `Webhooks` answers from outside, such as https://example.com/revox.

        Raises:
            InvalidInput: There is no `public_url`, or one that a token must not be sent to.
        """
        base = checked_public_url(public_url)
        headers = {"Authorization": f"Bearer {self.token(connection).get_secret_value()}"}
        return [tool.as_custom_tool(f"{base}/{ROUTE}/{tool.name}", headers) for tool in self._tools.values()]


def decided_tools(
    connection: Connection, given: CallTools | Sequence[BaseTool] | None, public_url: str | None
) -> Decided:
    """What code decides of assistants by giving call tools.

    Raises:
        InvalidInput: A tool cannot be offered, or one of tools and address is missing or cannot be used.
    """
    if given is not None:
        return Decided(custom_tools=Secret(CallTools.of(given).custom_tools(connection, public_url)))
    if public_url is not None:
        raise InvalidInput("public_url is of no use without call_tools.", next_step="Give both, or leave it out.")
    return NOTHING


class ToolLine:
    """Answers the requests that assistants make during calls."""

    def __init__(self, connection: Connection, tools: CallTools, journal: Journal) -> None:
        self._connection = connection
        self._tools = tools
        self._once = Once(journal, connection.clock)
        self._threads = ThreadPoolExecutor(_MOST_THREADS, "revox-call-tool")

    def route(self) -> WebhookRoute:
        """The route to the tools."""
        return WebhookRoute(
            name=ROUTE,
            path=f"/{ROUTE}/{{tool}}",
            token=self._tools.token(self._connection),
            handler=self.answer,
            # Only what is no tool's fault takes longer: a tool is told off before.
            timeout_s=self._tools.timeout_s + 10,
        )

    async def answer(self, asked: Asked) -> Response:
        """Answer with a sentence, whatever becomes of the tool: Revox may repeat what fails."""
        began_s = time.perf_counter()
        answer = await self._said(asked)
        asked.noted.update(outcome=answer.outcome, tool_ms=round((time.perf_counter() - began_s) * 1000, 1))
        return answered(200, ok=answer.ok, result=answer.text)

    async def aclose(self, patience_s: float) -> None:
        """Finish what runs; threads that do not come back are left behind."""
        await self._once.aclose(patience_s)

    async def _said(self, asked: Asked) -> Said:
        tool = self._tools.named(asked.path["tool"])
        if tool is None:
            return said.said_of_unknown()
        asked.noted["tool"] = tool.name
        try:
            arguments, call = read_request(asked, tool)
        except ValueError:
            return said.said_of_no_body()
        missing = [name for name in tool.required if name not in arguments]
        if missing:
            return said.said_of_missing(missing)
        try:
            tool.check(arguments)
        except ValidationError as error:
            return said.said_of_invalid(error)
        return await self._in_time(tool, arguments, call)

    async def _in_time(self, tool: LineTool, arguments: JsonObject, call: str | None) -> Said:
        async def run() -> Said:
            return await self._run(tool, arguments, call)

        try:
            async with asyncio.timeout(self._tools.timeout_s):
                return await (self._once.said(tool.name, arguments, call, run) if tool.once else run())
        except TimeoutError:
            return said.said_of_timeout(tool)
        except Exception as error:
            # A journal on a full disk, say: a tool that has to run once does not run without it.
            return said.said_of_failure(error, tool)

    async def _run(self, tool: LineTool, arguments: JsonObject, call: str | None) -> Said:
        request = {"type": "tool_call", "id": f"line-{uuid.uuid4()}", "name": tool.name, "args": arguments}
        config: RunnableConfig = {"configurable": {CALL_VARIABLE: call}, "tags": ["revox-call-tool"]}
        try:
            if _is_sync(tool.tool):
                # The loop's own threads are few, and a tool may hold one for seconds.
                context = contextvars.copy_context()
                loop = asyncio.get_running_loop()
                output = await loop.run_in_executor(self._threads, context.run, tool.tool.invoke, request, config)
            else:
                output = await tool.tool.ainvoke(request, config)
            return said.said_of(output, tool)
        except Exception as error:
            return said.said_of_failure(error, tool)


def _is_sync(tool: BaseTool) -> bool:
    if isinstance(tool, (StructuredTool, Tool)):
        return tool.coroutine is None and type(tool)._arun in (StructuredTool._arun, Tool._arun)
    return type(tool)._arun is BaseTool._arun


def _checked(given: Sequence[BaseTool], allowed: Collection[str], once: Collection[str]) -> Mapping[str, LineTool]:
    tools: dict[str, LineTool] = {}
    for option, names in (("allow_side_effects", allowed), ("once", once)):
        if isinstance(names, str) or not isinstance(names, Collection):
            raise InvalidInput(f"{option}: {names!r} is not a list.", next_step=f'Give {option}=["book"], by name.')
    for each in given:
        tool = LineTool.of(each)
        if tool.name in tools:
            raise InvalidInput(
                f"call_tools: two tools are called {tool.name}.", next_step="Give each a name of its own."
            )
        if tool.risk > Risk.READ and tool.name not in allowed:
            raise InvalidInput(
                f"call_tools: {tool.name} is of risk {tool.risk.name}: who is called could have it done.",
                next_step=f"Give CallTools(…, allow_side_effects=[{tool.name!r}]) if it is really meant.",
            )
        tools[tool.name] = replace(tool, once=tool.once or tool.name in once)
    if not tools:
        raise InvalidInput("call_tools: there is no tool.", next_step="Give at least one, or leave call_tools out.")
    for option, names in (("allow_side_effects", allowed), ("once", once)):
        _refuse_unknown(option, names, tools)
    return tools


def _refuse_unknown(option: str, names: Collection[str], tools: Mapping[str, Any]) -> None:
    for name in names:
        if name not in tools:
            raise InvalidInput(
                f"{option}: there is no call tool {name!r}{near(name, tools)}", next_step=f"Known: {', '.join(tools)}."
            )
