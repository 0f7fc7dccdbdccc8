"""Our client of mcp 1 meets a hosted server of mcp 2, which runs in an environment of its own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from revox_langchain.errors import Unavailable
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.toolkit import RevoxToolkit
from tests.mcp_versions import needs_mcp_1
from tests.processes import patience_s, started

NEWER = os.environ.get("MCP2_PYTHON", "")
SERVER = Path(__file__).with_name("mcp2_server.py")

pytestmark = [
    needs_mcp_1,
    pytest.mark.skipif(not NEWER, reason="`.ci/mcp2` runs this, with MCP2_PYTHON, a Python that has fastmcp 4"),
]


@contextmanager
def serving_mcp_2(kind: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started([NEWER, str(SERVER), str(port), kind]):
        yield f"http://127.0.0.1:{port}/mcp"


async def listening(url: str) -> None:
    """Wait until the server takes connections."""
    port = int(url.split(":")[2].split("/")[0])
    async with asyncio.timeout(patience_s()):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                await writer.wait_closed()
                return


async def test_a_server_that_also_speaks_our_version_works() -> None:
    with serving_mcp_2("dual") as url:
        await listening(url)
        found = await RevoxToolkit(connection=Sandbox().connect()).aget_tools("mcp", url=url)
        tool = next(tool for tool in found if tool.name == "revox_get_call")
        message = await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {"call_id": "c-1"}})
    assert message.status == "success"
    assert message.artifact["call"]["id"] == "c-1"


@pytest.mark.parametrize("transport", ["mcp", "merged"])
async def test_a_server_of_2026_07_28_only_is_named_as_such(transport: str) -> None:
    with serving_mcp_2("modern") as url:
        await listening(url)
        with pytest.raises(Unavailable) as refused:
            await RevoxToolkit(connection=Sandbox().connect()).aget_tools(transport, url=url)  # type: ignore[arg-type]
    assert refused.value.code == "mcp_version"
    assert refused.value.message.startswith("The MCP server wants protocol version 2026-07-28 or newer, and the ")
