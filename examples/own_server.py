"""A LangGraph server of your own: another project's langgraph.json names graphs of a package, made from these.

It writes such a project into a folder, starts `langgraph dev` in it, and calls through the server with `langgraph_sdk`,
as a web page or another service does. It runs as it stands, in a sandbox that rings no phone, and needs the extra
`studio`: `python examples/own_server.py`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from langgraph_sdk import get_sync_client

GRAPHS = '''"""What our server opens. With a key in the environment the connection would be Connection.from_env()."""

from revox_langchain import RevoxToolkit
from revox_langchain.graph import DemonstrationModel, call_graph, create_call_agent
from revox_langchain.sandbox import Sandbox

connection = Sandbox(speed=50).connect()

call = call_graph(connection, approve=True)
agent = create_call_agent(DemonstrationModel(), RevoxToolkit(connection=connection, max_risk="dial"))
'''
CONFIG = {
    "dependencies": ["."],
    "graphs": {"call": "front_office.graphs:call", "agent": "front_office.graphs:agent"},
    # A graph that rings phones is not to become a tool of strangers.
    "http": {"disable_mcp": True, "disable_a2a": True},
}


def write_project(folder: Path) -> None:
    """The project: a package with the graphs, and the configuration that names them."""
    package = folder / "front_office"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "graphs.py").write_text(GRAPHS, encoding="utf-8")
    (folder / "langgraph.json").write_text(json.dumps(CONFIG), encoding="utf-8")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the project's server; many calls are followed at once, so it works on many runs at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", port]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    offline = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "true"}
    with subprocess.Popen(
        [*command, "--n-jobs-per-worker", "50"], cwd=folder, env={**os.environ, **offline}, **quiet
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            while not answers(url):
                if server.poll() is not None:
                    raise SystemExit("The server did not start.")
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()


def answers(url: str) -> bool:
    """Whether the server is up."""
    try:
        return httpx.get(f"{url}/ok", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    """Serve the project, place one call with its approval, and talk with the agent."""
    with tempfile.TemporaryDirectory() as made:
        write_project(Path(made))
        with serving(Path(made)) as url, get_sync_client(url=url) as client:
            thread = client.threads.create()["thread_id"]
            given = {"phone_number": "+33142685300", "prompt": "Confirmez le rendez-vous de mardi à quinze heures."}
            asked = client.runs.wait(thread, "call", input=given)
            print(asked["__interrupt__"][0]["value"]["message"])
            out = client.runs.wait(thread, "call", command={"resume": True})
            print(f"{out['status']} in {out['language']}, {out['disposition']}")

            thread = client.threads.create()["thread_id"]
            out = client.runs.wait(thread, "agent", input={"messages": [{"role": "user", "content": "hello"}]})
            print(out["structured_response"]["message"])


if __name__ == "__main__":
    main()
