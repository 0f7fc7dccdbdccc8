"""Tools of Revox's hosted MCP server, through langchain-mcp-adapters."""

from revox_langchain.mcp_server.versions import check_versions

check_versions()
