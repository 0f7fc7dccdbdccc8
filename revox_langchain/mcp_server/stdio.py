"""Serve our tools to the program that started this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from revox_langchain.actions.offer import Offer
from revox_langchain.mcp_server.server import server_for

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server


def run_stdio(toolkit: Offer) -> None:
    """Serve `toolkit` over stdin and stdout until stdin is closed."""
    asyncio.run(serve_stdio(server_for(toolkit)))


async def serve_stdio(server: Server) -> None:
    """Serve over stdin and stdout until stdin is closed."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
