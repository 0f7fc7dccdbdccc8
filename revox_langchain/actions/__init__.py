"""From a request to its effect: the one way in for tools, MCP and the CLI."""

from __future__ import annotations

# Importing them registers what they handle, so that no way into this folder meets a half-filled registry.
from revox_langchain.actions import assistants, calls, campaigns, voices

__all__ = ["assistants", "calls", "campaigns", "voices"]
