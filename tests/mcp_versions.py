"""Whether the installed `mcp` is one that the package can use: some tests need one, others need another."""

from __future__ import annotations

import pytest

from revox_langchain.mcp_server.versions import refusal

REFUSAL = refusal()
WHY = REFUSAL.message if REFUSAL else ""

needs_mcp_1 = pytest.mark.skipif(bool(REFUSAL), reason=WHY)
needs_another_mcp = pytest.mark.skipif(not REFUSAL, reason="mcp 1 is installed; `.ci/mcp2` runs this with mcp 2")
