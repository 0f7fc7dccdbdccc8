"""Is an installed revox_langchain alive? Its tools are there, and a call completes in every way in.

Run with the Python of an environment where only the package is installed, from outside the repository.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

# Other packages may warn: next to the lowest versions, pip installs the newest of what they need in turn.
warnings.filterwarnings("error", module="revox_langchain")


def main() -> None:
    """Import, list the tools, and place calls in the sandbox."""
    import revox_langchain
    from revox_langchain import Connection, RevoxToolkit, Risk
    from revox_langchain.actions.requests import REQUESTS
    from revox_langchain.graph import call_graph
    from revox_langchain.sandbox import Sandbox
    from revox_langchain.sandbox.mcp import HostedMcp
    from revox_langchain.sandbox.server import SandboxServer

    where = Path(revox_langchain.__file__)
    assert "site-packages" in where.parts, f"{where} is not the installed package"
    tools = RevoxToolkit.sandbox(max_risk=Risk.DELETE).get_tools()
    assert {tool.name for tool in tools} == {r.spec.name for r in REQUESTS if r.spec.for_models}
    for tool in tools:
        print(tool.name)

    asked = {"phone_number": "+33142685300", "prompt": "Confirmez le rendez-vous de mardi à 15 h."}
    for result in (
        call_graph(Sandbox().connect()).invoke(asked),
        asyncio.run(call_graph(Sandbox().connect()).ainvoke(asked)),
    ):
        assert (result["status"], result["language"]) == ("completed", "fr-FR"), result

    sandbox = Sandbox(speed=1000)
    hosted = HostedMcp(sandbox)
    with (
        SandboxServer(sandbox, mounts=[hosted.route], lifespan=hosted.lifespan) as server,
        Connection("any key", base_url=server.base_url) as connection,
    ):
        result = call_graph(connection).invoke(asked)
        assert result["status"] == "completed", result
        only_there = "revox_get_billing_balance"
        toolkit = RevoxToolkit(connection=connection, hosted_risks={only_there: Risk.READ})
        merged = {tool.name for tool in asyncio.run(toolkit.aget_tools(transport="merged"))}
        assert merged == {tool.name for tool in toolkit.get_tools()} | {only_there}, merged

    from revox_langchain.results.call import CallResult

    assert "<svg" not in CallResult.from_call({"id": "c1"}).to_html()

    if find_spec("psycopg"):
        import langgraph.checkpoint.postgres  # noqa: F401

    if find_spec("openai"):
        assert "Tuesday is free." in asyncio.run(_heard("Tuesday is free."))

    if find_spec("typer") and find_spec("rich"):
        from revox_langchain.cli.app import run

        assert run(["demo", "--speed", "0"]) == 0
    print(f"revox_langchain {revox_langchain.__version__} on Python {sys.version.split()[0]} is alive.")


async def _heard(said: str) -> str:
    """What Revox hears from a chat model that says this on a call."""
    import httpx
    from langchain_core.language_models import FakeListChatModel

    from revox_langchain.sandbox import Sandbox
    from revox_langchain.webhooks import Webhooks

    webhooks = Webhooks(Sandbox().connect(), model=FakeListChatModel(responses=[said]))
    model = webhooks.llm_model("https://us.example.com")
    asked = {"model": "agent", "messages": [{"role": "user", "content": "Is Tuesday free?"}]}
    url = f"{model['api_url']}/chat/completions".replace("https://us.example.com", "http://us")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks)) as client, webhooks:
        answer = await client.post(url, json=asked, headers={"Authorization": f"Bearer {model['api_key']}"})
    return answer.raise_for_status().text


if __name__ == "__main__":
    main()
