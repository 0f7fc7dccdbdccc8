"""A server that refuses the version of MCP's protocol which the installed client speaks.

Such a server says so in one of three ways: the JSON-RPC error -32022, in a stream or as the body of an HTTP 400; an
error of another code whose words name the version; or a version in its first answer that the client does not know.
"""

from __future__ import annotations

import re
from importlib.metadata import version

import httpx
from mcp.shared.exceptions import McpError
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS
from mcp.types import ErrorData
from pydantic import BaseModel, ValidationError

from revox_langchain.errors import Unavailable

_UNSUPPORTED_VERSION = -32022
_NO_HANDSHAKE = "2026-07-28 or newer"
"""The first version without the request `initialize`, which every older client begins with."""

_NAMES_THE_VERSION = re.compile(r"protocol.?version", re.IGNORECASE)
_NO_HANDSHAKE_IN = "io.modelcontextprotocol/"
"""What begins the fields that every request carries instead."""

_ANSWERED = re.compile(r"Unsupported protocol version from the server: ([\w.-]{1,40})")
_VERSION = re.compile(r"\b20\d\d-\d\d-\d\d\b")


class _Body(BaseModel):
    """The body of an HTTP error; the id of the request may be missing."""

    error: ErrorData


def version_refusal(error: BaseException, *, left: bool) -> Unavailable | None:
    """The error for a server that speaks other versions of the protocol; None if this is not what it says.

    Args:
        error: What the client raised.
        left: Whether the call may have left. Then words prove nothing: they may be those of the tool.
    """
    said = _rpc_error(error)
    if said is not None:
        by_code = said.code == _UNSUPPORTED_VERSION
        if by_code or (not left and _NAMES_THE_VERSION.search(said.message)):
            newer = by_code or _NO_HANDSHAKE_IN in said.message
            return _refusal(_supported(said.data) or _versions_in(said.message) or [_NO_HANDSHAKE] * newer)
    elif isinstance(error, RuntimeError) and not left and (match := _ANSWERED.match(str(error))):
        # The client has no type of its own for it.
        return _refusal([match.group(1)])
    return None


def _rpc_error(error: BaseException) -> ErrorData | None:
    if isinstance(error, McpError):
        return error.error
    if not isinstance(error, httpx.HTTPStatusError):
        return None
    try:
        return _Body.model_validate_json(error.response.content).error
    except (ValidationError, httpx.ResponseNotRead):
        return None


def _refusal(wanted: list[str]) -> Unavailable:
    ours = SUPPORTED_PROTOCOL_VERSIONS
    named = f"protocol version {' or '.join(wanted)}" if wanted else "another version of the protocol"
    return Unavailable(
        f"The MCP server wants {named}, and the installed mcp {version('mcp')} speaks {ours[0]} to {ours[-1]}.",
        code="mcp_version",
        sent=False,
        retry_safe=False,
        next_step="Use the REST tools: get_tools(), or transport='rest'.",
    )


def _supported(data: object) -> list[str]:
    given = data.get("supported") if isinstance(data, dict) else None
    return _versions_in(" ".join(map(str, given[:10]))) if isinstance(given, list) else []


def _versions_in(words: str) -> list[str]:
    """The versions that words name, but for those the client speaks: it is told that they will not do."""
    named = dict.fromkeys(_VERSION.findall(words[:1000]))
    return [each for each in named if each not in SUPPORTED_PROTOCOL_VERSIONS][:5]


__all__ = ["version_refusal"]
