"""The one place that knows which package turns MCP tools into LangChain tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import httpx
from langchain_mcp_adapters.callbacks import CallbackContext, Callbacks, LoggingMessageNotificationParams
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult, ToolCallInterceptor


def client_of(
    url: str,
    headers: dict[str, str],
    *,
    timeout_s: float,
    http_client: Callable[..., httpx.AsyncClient],
    on_message: Any,
    on_progress: Any,
    interceptors: Sequence[ToolCallInterceptor],
) -> MultiServerMCPClient:
    """Make a client of one server over streamable HTTP.

    Args:
        url: The server's address.
        headers: Sent with every request.
        timeout_s: How long any answer may take.
        http_client: Makes the HTTP client of each session.
        on_message: Gets log messages.
        on_progress: Gets progress.
        interceptors: What a call goes through before it is sent.
    """
    return MultiServerMCPClient(
        {
            "revox": {
                "transport": "streamable_http",
                "url": url,
                "headers": headers,
                "timeout": timedelta(seconds=min(timeout_s, 15.0)),
                # When this one runs out first, the client waits for ever.
                "sse_read_timeout": timedelta(seconds=timeout_s + 30.0),
                "session_kwargs": {"read_timeout_seconds": timedelta(seconds=timeout_s)},
                "httpx_client_factory": http_client,
            }
        },
        callbacks=Callbacks(on_logging_message=on_message, on_progress=on_progress),
        tool_interceptors=list(interceptors),
    )


__all__ = [
    "CallbackContext",
    "LoggingMessageNotificationParams",
    "MCPToolCallRequest",
    "MCPToolCallResult",
    "MultiServerMCPClient",
    "ToolCallInterceptor",
    "client_of",
]
