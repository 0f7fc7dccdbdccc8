"""Which version of the MCP SDK this package speaks through."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from revox_langchain.errors import InvalidInput

_LOWEST = (1, 27)


def check_versions() -> None:
    """Make sure that the installed MCP SDK is one that this package can use.

    Raises:
        InvalidInput: It is not; the sentence names the versions.
    """
    if refused := refusal():
        raise refused


def refusal() -> InvalidInput | None:
    """Why the installed versions will not do; None if they will."""
    return refusal_of(version_of("mcp"), version_of("langchain-mcp-adapters"))


def refusal_of(mcp: str, adapters: str) -> InvalidInput | None:
    """Why these versions will not do; None if they will.

    Args:
        mcp: Version of `mcp`.
        adapters: Version of `langchain-mcp-adapters`, to be named.
    """
    numbers = tuple(int(number) for number in re.findall(r"\d+", mcp)[:2])
    if numbers[:1] == _LOWEST[:1] and numbers >= _LOWEST:
        return None
    return InvalidInput(
        f"MCP needs mcp 1.27 or newer below 2; mcp {mcp} is installed, with langchain-mcp-adapters {adapters}.",
        code="mcp_version",
        next_step="pip install 'mcp>=1.27,<2', or use the REST tools.",
    )


def version_of(package: str) -> str:
    """The installed version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
