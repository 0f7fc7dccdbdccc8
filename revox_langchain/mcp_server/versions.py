"""Which version of the MCP SDK this package speaks through."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from revox_langchain.errors import InvalidInput


def check_versions() -> None:
    """Make sure that the installed MCP SDK is one that this package can use.

    Raises:
        InvalidInput: It is not; the sentence names the versions.
    """
    found = version_of("mcp")
    if found.split(".")[0] != "1":
        raise InvalidInput(
            f"MCP needs mcp 1.27 or newer below 2; mcp {found} is installed, "
            f"with langchain-mcp-adapters {version_of('langchain-mcp-adapters')}.",
            code="mcp_version",
            next_step="pip install 'mcp>=1.27,<2', or use the REST tools.",
        )


def version_of(package: str) -> str:
    """The installed version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
