"""What tests use of mcp 1; where another version is installed, a test file that imports from here is skipped."""

from __future__ import annotations

import pytest

from tests.mcp_versions import HAS_MCP_1, WHY

if not HAS_MCP_1:
    pytest.skip(WHY, allow_module_level=True)
else:
    import jsonschema
    from mcp import ClientSession, StdioServerParameters, types
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.fastmcp import Context, FastMCP
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.shared.exceptions import McpError
    from mcp.shared.memory import create_connected_server_and_client_session

__all__ = [
    "ClientSession",
    "Context",
    "FastMCP",
    "McpError",
    "StdioServerParameters",
    "StreamableHTTPSessionManager",
    "create_connected_server_and_client_session",
    "jsonschema",
    "stdio_client",
    "streamable_http_client",
    "types",
]
