"""Another version of mcp than 1: MCP is refused in one sentence that names the versions, and the rest works."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import InvalidInput
from revox_langchain.mcp_server.server import make_server
from revox_langchain.mcp_server.versions import check_versions, refusal_of
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.mcp import HostedMcp
from revox_langchain.tools.toolkit import RevoxToolkit
from tests.mcp_versions import needs_another_mcp, needs_mcp_1


@pytest.mark.parametrize("mcp", ["1.27", "1.27.0", "1.30.1", "1.99.0rc1"])
def test_versions_that_will_do(mcp: str) -> None:
    assert refusal_of(mcp, "0.3.2") is None


@pytest.mark.parametrize("mcp", ["0.9", "1.26.9", "2.0.0", "2.3.0", "2.0.0a1", "10.1", "not installed", ""])
def test_other_versions_are_refused_in_a_sentence_that_names_them(mcp: str) -> None:
    refused = refusal_of(mcp, "0.3.1")
    assert refused is not None
    assert refused.code == "mcp_version"
    assert refused.message == (
        f"MCP needs mcp 1.27 or newer below 2; mcp {mcp} is installed, with langchain-mcp-adapters 0.3.1."
    )
    assert "'mcp>=1.27,<2'" in refused.next_step
    assert "REST tools" in refused.next_step


@needs_mcp_1
def test_the_installed_version_will_do() -> None:
    check_versions()


def hosted_tools(transport: Any) -> Any:
    async def asked() -> None:
        await RevoxToolkit(connection=Sandbox().connect()).aget_tools(transport)

    return asked


async def our_server() -> None:
    make_server(Sandbox().connect(), [MakeCall], Guard())


async def the_sandboxs_server() -> None:
    HostedMcp(Sandbox())


REFUSED_HERE = [hosted_tools("mcp"), hosted_tools("merged"), our_server, the_sandboxs_server]


def assert_names_the_versions(said: str) -> None:
    assert f"mcp {version('mcp')} is installed" in said
    assert f"langchain-mcp-adapters {version('langchain-mcp-adapters')}" in said
    assert "needs mcp 1.27 or newer below 2" in said


@needs_another_mcp
@pytest.mark.parametrize("way_in", REFUSED_HERE)
async def test_mcp_is_refused_wherever_one_comes_in(way_in: Any) -> None:
    for _ in range(2):
        with pytest.raises(InvalidInput) as refused:
            await way_in()
        assert refused.value.code == "mcp_version"
        assert_names_the_versions(str(refused.value))


@needs_another_mcp
@pytest.mark.parametrize("more", [(), ("--http", "--port", "0")])
def test_the_command_that_serves_mcp_refuses_in_one_line(more: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, ["mcp", "--sandbox", *more])
    assert done.exit_code == 2
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Serving")]
    assert len(lines) == 1
    assert_names_the_versions(lines[0])


@needs_another_mcp
def test_importing_every_room_works_and_loads_no_mcp() -> None:
    code = (
        "import sys, revox_langchain.tools.toolkit, revox_langchain.graph, revox_langchain.mcp_server.http,"
        "revox_langchain.sandbox.mcp, revox_langchain.cli.app;"
        "print([m for m in ('mcp', 'langchain_mcp_adapters') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
async def test_rest_tools_need_no_mcp() -> None:
    tools = await RevoxToolkit(connection=Sandbox().connect()).aget_tools()
    assert re.fullmatch(r"revox_\w+", tools[0].name)
