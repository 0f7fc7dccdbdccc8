"""Revox's own MCP server, simulated: no guard, Revox's tool names, whole JSON as text.

    hosted = HostedMcp(sandbox)
    with SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as server:
        ...  # f"{server.base_url}/mcp-servers/generic/mcp", with a bearer token on every request

Revox documents the address, the header, the names of the main tools, the flat arguments of `revox_make_call` and what
`revox_wait_for_call` does. The other names and arguments, the shape of notifications and errors, and whether
`revox_make_call` takes `metadata` (a parameter here) are assumptions. The tools in `INVENTED` stand for those on
billing and Nango, whose names Revox does not publish.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.flow import Emit
from revox_langchain.mcp_server.http import BearerGate, StreamableHttp
from revox_langchain.mcp_server.server import Reports, result, tool_of
from revox_langchain.mcp_server.versions import check_versions
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.operation import Operation
from revox_langchain.results.call import ENDED
from revox_langchain.sandbox.api.handlers import Rejected
from revox_langchain.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from mcp import types
    from mcp.server.lowlevel import Server
    from starlette.routing import Route

PATH = "/api/mcp-servers/generic/mcp"
"""Where Revox serves MCP, below its host."""

WAIT = "revox_wait_for_call"
INTERVAL_S, TIMEOUT_S = 5.0, 300.0
"""Seconds between two reads of `revox_wait_for_call` (documented), and how long it waits at most (assumed)."""


class InventedTool(NamedTuple):
    """A tool that stands for one whose name Revox does not publish.

    Attributes:
        description: Description for the model.
        reads: Whether it only reads.
        answer: What it always answers.
    """

    description: str
    reads: bool
    answer: JsonObject


INVENTED: dict[str, InventedTool] = {
    "revox_get_billing_balance": InventedTool(
        "Read the credit that is left. (Invented by the sandbox.)",
        reads=True,
        answer={"balance": {"amount": 120.5, "currency": "EUR"}},
    ),
    "revox_list_billing_invoices": InventedTool(
        "List invoices. (Invented by the sandbox.)",
        reads=True,
        answer={"invoices": [{"id": "inv-2026-01", "total": 42.0, "currency": "EUR", "status": "paid"}]},
    ),
    "revox_list_nango_connections": InventedTool(
        "List the connected CRMs and calendars. (Invented by the sandbox.)",
        reads=True,
        answer={"connections": [{"id": "con-1", "provider": "hubspot", "status": "connected"}]},
    ),
    "revox_create_nango_session": InventedTool(
        "Begin connecting a CRM or calendar. (Invented by the sandbox.)",
        reads=False,
        answer={"session": {"token": "nango-session-1", "expires_in_s": 1800}},
    ),
}
"""The invented tools by name."""

_OURS = {"clear_fields", "settings"}
_SETTINGS_OF = {op for op in OPERATIONS if "settings" in op.model_fields}


class HostedMcp:
    """Revox's MCP server in front of a sandbox.

    Args:
        sandbox: The sandbox it acts on; it accepts the same API keys.
        call_metadata: Whether `revox_make_call` takes `metadata`; Revox does not say.
        structured: Whether answers come as structured content besides the text.

    Attributes:
        route: For `mounts` of `create_app`, `SandboxServer` and `serve`.
        lifespan: For their `lifespan`.
        server: The server itself, for other transports.
    """

    def __init__(self, sandbox: Sandbox, *, call_metadata: bool = True, structured: bool = False) -> None:
        check_versions()
        from starlette.routing import Route

        self._sandbox = sandbox
        self._structured = structured
        self._call_metadata = call_metadata
        self._operations = {op.spec.name: op for op in OPERATIONS if not op.spec.binary}
        self._tools = self._listed()
        self.server = self._make_server()
        spoken = StreamableHttp(self.server)
        self.route: Route = Route(PATH, BearerGate(spoken, self._accepts))
        self.lifespan = spoken.lifespan

    def _listed(self) -> list[types.Tool]:
        from mcp import types

        listed = [self._tool(op) for op in self._operations.values()]
        listed.insert(2, _wait_tool())
        for name, tool in INVENTED.items():
            hints = types.ToolAnnotations(readOnlyHint=tool.reads)
            listed.append(types.Tool(name=name, description=tool.description, inputSchema=_NOTHING, annotations=hints))
        return listed

    def _make_server(self) -> Server[Any, Any]:
        from mcp.server.lowlevel import Server

        server: Server[Any, Any] = Server("revox-generic", version="sandbox")
        reports = Reports(server)

        @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
        async def list_tools() -> list[types.Tool]:
            return self._tools

        @server.call_tool()  # type: ignore[untyped-decorator]
        async def call_tool(name: str, arguments: JsonObject) -> types.CallToolResult:
            request: Any = server.request_context.request
            headers = {"authorization": request.headers.get("authorization", "")}
            try:
                if name == WAIT:
                    async with reports.emitting() as emit:
                        return self._said(await self._wait(arguments, headers, emit))
                if name in INVENTED:
                    return self._said(INVENTED[name].answer)
                if name not in self._operations:
                    return result(f"Unknown tool: {name}", failed=True)
                return self._said(await self._send(self._parsed(self._operations[name], arguments), headers))
            except InvalidInput as error:
                return result(f"Input validation error: {error.message}", failed=True)
            except Rejected as error:
                return result(json.dumps({"error": error.words, "status": error.status}), failed=True)
            except httpx.TransportError:
                # Only the sandbox's own server can break the connection; on other transports the answer never comes.
                if transport := request.scope.get("sandbox.transport"):
                    transport.abort()
                else:
                    await asyncio.Event().wait()
                return result("The connection broke.", failed=True)

        return server

    def _accepts(self, key: str) -> bool:
        return self._sandbox.accepts(f"Bearer {key}")

    def _tool(self, operation: type[Operation]) -> types.Tool:
        tool = tool_of(operation)
        plain = operation.plain_schema()
        properties = {name: plain["properties"][name] for name in tool.inputSchema["properties"]}
        tool.inputSchema = {**tool.inputSchema, "properties": properties, "$defs": plain.get("$defs", {})}
        for name, field in operation.model_fields.items():
            if field.exclude or name in _OURS or self._refuses(operation, name):
                tool.inputSchema["properties"].pop(name, None)
        # Revox's server takes the settings of an assistant as flat arguments, like REST.
        tool.inputSchema["additionalProperties"] = operation in _SETTINGS_OF
        return tool

    def _refuses(self, operation: type[Operation], name: str) -> bool:
        return operation is MakeCall and name == "metadata" and not self._call_metadata

    def _parsed(self, operation: type[Operation], arguments: JsonObject) -> Operation:
        # The MCP server has validated the schema already, so what it does not name is an assistant setting.
        known = {name: value for name, value in arguments.items() if name in operation.model_fields}
        rest = {name: value for name, value in arguments.items() if name not in operation.model_fields}
        for name in known:
            if self._refuses(operation, name):
                raise InvalidInput(f"{name}: not allowed here")
        return operation.parse({**known, **({"settings": rest} if rest else {})})

    async def _send(self, operation: Operation, headers: dict[str, str]) -> JsonObject:
        wire = operation.wire()
        request = httpx.Request(
            wire.verb, f"https://sandbox.invalid/api{wire.path}", params=wire.query, json=wire.body, headers=headers
        )
        response, pause_s = await asyncio.to_thread(self._sandbox.answer, request)
        if pause_s:
            await asyncio.sleep(pause_s)
        try:
            answer: JsonObject = response.json()
        except ValueError:
            raise Rejected(502, "The API did not answer with JSON.") from None
        if response.status_code >= 300:
            words = answer.get("error") or answer.get("message") if isinstance(answer, dict) else answer
            raise Rejected(response.status_code, str(words))
        return answer

    async def _wait(self, arguments: JsonObject, headers: dict[str, str], emit: Emit) -> JsonObject:
        clock = self._sandbox.clock
        interval_s = float(arguments.get("interval_seconds") or INTERVAL_S)
        give_up_s = clock.now_s() + float(arguments.get("timeout_seconds") or TIMEOUT_S)
        told = None
        while True:
            answer = await self._send(GetCall.parse({"call_id": arguments["call_id"]}), headers)
            status = answer["call"]["status"]
            if status != told:
                told = status
                emit({"call_id": arguments["call_id"], "status": status})
            if status in ENDED or clock.now_s() >= give_up_s:
                return answer
            await clock.asleep(min(interval_s, max(0.0, give_up_s - clock.now_s())))

    def _said(self, answer: JsonObject) -> types.CallToolResult:
        return result(json.dumps(answer, ensure_ascii=False), answer if self._structured else None)


_NOTHING: JsonObject = {"type": "object", "properties": {}}


def _wait_tool() -> types.Tool:
    from mcp import types

    seconds = {"type": "number", "exclusiveMinimum": 0}
    return types.Tool(
        name=WAIT,
        description="Poll a call by ID every few seconds; sends each status via notifications/message until complete.",
        inputSchema={
            "type": "object",
            "properties": {
                "call_id": {"type": "string"},
                "interval_seconds": {**seconds, "default": INTERVAL_S},
                "timeout_seconds": {**seconds, "default": TIMEOUT_S},
            },
            "required": ["call_id"],
            "additionalProperties": False,
        },
        annotations=types.ToolAnnotations(readOnlyHint=True, idempotentHint=True),
    )


__all__ = ["INVENTED", "PATH", "HostedMcp"]
