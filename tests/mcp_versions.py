"""Which `mcp` is installed: some tests need version 1, others need another.

Asked of the installation and not of the package, or a package that wrongly refuses would skip the tests that tell.
"""

from __future__ import annotations

from importlib.metadata import version

import pytest

HAS_MCP_1 = version("mcp").partition(".")[0] == "1"
WHY = f"mcp {version('mcp')} is installed, and this needs mcp 1"

needs_mcp_1 = pytest.mark.skipif(not HAS_MCP_1, reason=WHY)
needs_another_mcp = pytest.mark.skipif(HAS_MCP_1, reason="mcp 1 is installed; `.ci/mcp2` runs this with mcp 2")
