"""From a request to its effect: the one way in for tools, MCP and CLI."""
