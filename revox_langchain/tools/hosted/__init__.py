"""Tools of Revox's hosted MCP server, through langchain-mcp-adapters."""
