"""`langgraph dev` stopped during the POST runs the step again when it starts: there is still one order at most."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from revox_langchain.sandbox.server import SandboxServer
from tests.graph.crash.harness import POST_CALL, REQUEST, SPEED, HeldSandbox, Hold
from tests.graph.crash.table import ROWS
from tests.processes import patience_s, started

GRAPH = """
from revox_langchain.graph import call_graph
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.waiting.policy import WaitPolicy
from tests.processes import patience_s

graph = call_graph(policy=DialPolicy(settle_s=1, min_gap_s=0), wait=WaitPolicy.every(0.2))
"""

pytestmark = [pytest.mark.slow]


@pytest.fixture
def sandbox() -> HeldSandbox:
    return HeldSandbox(speed=SPEED)


@pytest.fixture
def base_url(sandbox: HeldSandbox) -> Iterator[str]:
    with SandboxServer(sandbox) as server:
        yield server.base_url
        for hold in sandbox.holds:
            hold.release(lost=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "graph.py").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "langgraph.json").write_text(
        json.dumps({"dependencies": ["."], "graphs": {"call": "./graph.py:graph"}})
    )
    return tmp_path


def test_a_server_stopped_during_a_post_that_took_effect_follows_the_order(
    sandbox: HeldSandbox, base_url: str, folder: Path
) -> None:
    with server(folder, base_url) as client:
        thread_id = submit(client, {"input": REQUEST}, sandbox.hold(POST_CALL, "after"))

    with server(folder, base_url) as client:
        state = settled(client, thread_id)

    assert state["values"]["status"] == "completed"
    assert state["values"]["call_id"] == sandbox.dials[0]["id"]
    assert len(sandbox.dials) == ROWS["studio"].at_most


def test_a_server_stopped_during_a_post_without_effect_asks_and_one_answer_permits_one_order(
    sandbox: HeldSandbox, base_url: str, folder: Path
) -> None:
    with server(folder, base_url) as client:
        lost = sandbox.hold(POST_CALL, "before")
        thread_id = submit(client, {"input": REQUEST}, lost)
    lost.release(lost=True)

    with server(folder, base_url) as client:
        state = settled(client, thread_id)
        (question,) = state["interrupts"]
        assert question["value"]["type"] == "revox.placement_unknown"
        assert not sandbox.dials
        submit(client, {"command": {"resume": "dial"}}, sandbox.hold(POST_CALL, "after"), thread_id)

    with server(folder, base_url) as client:
        state = settled(client, thread_id)

    assert state["values"]["status"] == "completed"
    assert state["values"]["call_id"] == sandbox.dials[0]["id"]
    assert len(sandbox.dials) == ROWS["studio"].at_most


def submit(client: SyncLangGraphClient, given: dict[str, Any], hold: Hold, thread_id: str | None = None) -> str:
    """Start a run, and come back while its POST is held."""
    thread_id = thread_id or client.threads.create()["thread_id"]
    client.runs.create(thread_id, "call", **given)
    hold.wait_for_it()
    return thread_id


def settled(client: SyncLangGraphClient, thread_id: str) -> Any:
    """Wait until nothing runs on the thread any more, and it has come to an end or to a question."""
    give_up_s = time.monotonic() + patience_s()
    while True:
        state: Any = client.threads.get_state(thread_id)
        at_rest = client.threads.get(thread_id)["status"] != "busy"
        if at_rest and (state["interrupts"] or state["values"].get("status")):
            return client.threads.get_state(thread_id)
        assert time.monotonic() < give_up_s, "the run never came to an end"
        time.sleep(0.1)


@contextmanager
def server(folder: Path, base_url: str) -> Iterator[SyncLangGraphClient]:
    """Run `langgraph dev`; leaving stops it with SIGTERM, whatever it is doing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    offline = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "true", "LANGSMITH_TRACING": "false"}
    log = folder / "log.txt"
    environment = {**os.environ, **offline, "REVOX_API_KEY": "any key", "REVOX_BASE_URL": base_url}
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    streams = {"stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    url = f"http://127.0.0.1:{port}"
    client = get_sync_client(url=url)
    with (
        log.open("a", encoding="utf-8") as out,
        started(command, cwd=folder, env=environment, stdout=out, **streams) as process,
        client.http.client,
    ):
        give_up_s = time.monotonic() + patience_s()
        while not answers(f"{url}/ok"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < give_up_s, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield client
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=patience_s())


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).is_success
    except httpx.TransportError:
        return False
