"""Tools on the line, and a client that uses them as Revox would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.webhooks import CallTools, Webhooks

PUBLIC = "https://us.example.com/revox"
TOKEN = "a-token-of-the-line"


class Line:
    """The other end of the tools' requests: it has what Revox has, the assistant's configuration."""

    def __init__(self, client: httpx.AsyncClient, custom_tools: list[JsonObject]) -> None:
        self.client = client
        self.tools = {tool["name"]: tool for tool in custom_tools}

    async def post(self, name: str, body: Any, **headers: str) -> httpx.Response:
        tool = self.tools[name]
        sent = {header["key"]: header["value"] for header in tool["headers"]} | headers
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = tool["url"].removeprefix(PUBLIC)
        return await self.client.request(tool["method"], path, content=content, headers=sent)

    async def say(self, name: str, body: Any, **headers: str) -> tuple[bool, str]:
        answer = await self.post(name, body, **headers)
        assert answer.status_code == 200
        said = answer.json()
        return said["ok"], said["result"]


@asynccontextmanager
async def line(connection: Connection, tools: CallTools, **options: Any) -> AsyncIterator[Line]:
    webhooks = Webhooks(connection, call_tools=tools, **options)
    transport = httpx.ASGITransport(webhooks)
    async with httpx.AsyncClient(transport=transport, base_url="http://us") as client, webhooks:
        yield Line(client, tools.custom_tools(connection, PUBLIC))
