"""`langgraph dev` opens the call graph offline, shows a form for it, and runs it to the end."""

from __future__ import annotations

import json
import os
import shutil
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

from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from tests.processes import patience_s, started

ROOT = Path(__file__).parents[2]
FRENCH = {
    "phone_number": "+33142685300",
    "prompt": "Confirmez le rendez-vous de mardi à 15 h et demandez si l'adresse est toujours la même.",
}

# One server serves them all.
pytestmark = pytest.mark.xdist_group("studio")


class Studio:
    """A running `langgraph dev`, and what it printed."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.client: SyncLangGraphClient = get_sync_client(url=url)
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def studio(folder: Path, config: str = "langgraph.json", **environment: str) -> Iterator[Studio]:
    """Start the server on a configuration of the repo's own, in a folder where it may leave its state."""
    folder.mkdir()
    shutil.copy(ROOT / config, folder / "langgraph.json")
    shutil.copytree(ROOT / "graphs", folder / "graphs", ignore=shutil.ignore_patterns("__pycache__"))
    with serving(folder, **environment) as running:
        yield running


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Studio]:
    """Start the server on the langgraph.json of a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    offline = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "true", "LANGSMITH_TRACING": "false"}
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    streams = {"stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    with (
        log.open("w", encoding="utf-8") as out,
        started(command, cwd=folder, env={**os.environ, **offline, **environment}, stdout=out, **streams) as server,
    ):
        running = Studio(f"http://127.0.0.1:{port}", log)
        with running.client.http.client:
            give_up_s = time.monotonic() + patience_s()
            while not _answers(f"{running.url}/ok"):
                assert server.poll() is None, running.said
                assert time.monotonic() < give_up_s, running.said
                time.sleep(0.1)
            yield running
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=patience_s())


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("studio") / "app") as running:
        yield running


@pytest.mark.slow
def test_a_call_runs_to_its_end_with_live_events_and_blocks_nothing(sandboxed: Studio) -> None:
    events, last = run(sandboxed, FRENCH)
    kinds = [event["type"] for event in events]
    assert kinds[:4] == ["revox.voice", "revox.assistant", "revox.dialing", "revox.placed"]
    assert kinds[-1] == "revox.report"
    assert kinds.count("revox.turn") > 2
    assert last["status"] == "completed"
    assert last["language"] == "fr-FR"
    assert last["disposition"] == "answered"
    assert len(last["transcript"]) == kinds.count("revox.turn")
    # The server's own detector is on: an async step that blocks would have failed the run with a BlockingError.
    assert "BlockingError" not in sandboxed.said


@pytest.mark.slow
def test_the_form_explains_every_field(sandboxed: Studio) -> None:
    schemas = sandboxed.client.assistants.get_schemas(assistant_id(sandboxed))
    fields = schemas["input_schema"]["properties"]
    assert schemas["input_schema"]["required"] == ["phone_number"]
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert [name for name, field in fields.items() if not field.get("examples")] == []
    # In the order in which a person fills them: whom, what, how; what only code gives comes last.
    assert list(fields)[:5] == ["phone_number", "prompt", "assistant_id", "language", "first_sentence"]
    assert list(fields)[-2:] == ["intent", "repeat_of"]
    assert {"minimum": 1, "maximum": 50, "type": "integer"} in fields["max_attempts"]["anyOf"]
    voice = schemas["input_schema"]["$defs"]["VoicePreferences"]["properties"]
    assert {"enum": ["cartesia", "elevenlabs", "gradium"], "type": "string"} in voice["provider"]["anyOf"]
    output = schemas["output_schema"]["properties"]
    assert "still_running" in output["status"]["enum"]
    assert [name for name, field in output.items() if not field.get("description")] == []


@pytest.mark.slow
def test_the_drawing_names_the_steps_and_its_edges_carry_words(sandboxed: Studio) -> None:
    drawn = sandboxed.client.assistants.get_graph(assistant_id(sandboxed))
    names = [node["id"] for node in drawn["nodes"]]
    assert names[:5] == ["__start__", "prepare", "choose_voice", "ensure_assistant", "arm"]
    assert {edge.get("data") for edge in drawn["edges"]} >= {"placed", "unknown", "refused", "still running", "ended"}


@pytest.mark.slow
def test_wrong_input_is_answered_with_the_sentence_that_names_the_fix(sandboxed: Studio) -> None:
    thread = sandboxed.client.threads.create()
    parts = list(sandboxed.client.runs.stream(thread["thread_id"], "call", input={"phone_number": "+33142685300"}))
    assert parts[-1].event == "error"
    assert parts[-1].data["error"] == "InvalidInput"
    assert "Give prompt" in parts[-1].data["message"]


@pytest.mark.slow
def test_stateless_runs_with_the_same_intent_place_one_order(sandboxed: Studio) -> None:
    # The server makes up a thread for each of them.
    given = {**FRENCH, "phone_number": "+12025550100", "intent": "appointment 4711"}
    first, second = (dict(sandboxed.client.runs.wait(None, "call", input=given)) for _ in range(2))
    assert first["status"] == second["status"] == "completed"
    assert second["call_id"] == first["call_id"]
    assert (first["adopted"], second["adopted"]) == (False, True)


@pytest.mark.slow
def test_the_graph_is_no_tool_for_strangers(sandboxed: Studio) -> None:
    paths = httpx.get(f"{sandboxed.url}/openapi.json").json()["paths"]
    assert [path for path in paths if "mcp" in path or "a2a" in path] == []
    for path in ("/mcp", "/mcp/", f"/a2a/{assistant_id(sandboxed)}"):
        assert httpx.post(f"{sandboxed.url}{path}", json={}).status_code == 404, path


@pytest.mark.slow
def test_the_configuration_holds_no_secret_and_reads_none_from_a_file() -> None:
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    assert "env" not in config
    assert config["http"] == {"disable_mcp": True, "disable_a2a": True}


@pytest.mark.slow
def test_with_a_key_a_person_is_asked_before_anything_rings(tmp_path: Path) -> None:
    with (
        SandboxServer(Sandbox(speed=100)) as revox,
        studio(tmp_path / "app", REVOX_API_KEY="rvx_secret_key", REVOX_BASE_URL=revox.base_url) as running,
    ):
        thread = running.client.threads.create()
        asked = running.client.runs.wait(thread["thread_id"], "call", input=FRENCH)
        question = asked["__interrupt__"][0]["value"]
        assert question["type"] == "revox.approve_call"
        assert question["arguments"]["phone_number"] == "+33142685300"
        assert revox.sandbox.dials == []
        slip = running.client.runs.wait(thread["thread_id"], "call", command={"resume": "perhaps"})
        assert "true or false" in slip["__interrupt__"][0]["value"]["warnings"][-1]
        assert running.client.threads.get(thread["thread_id"])["status"] == "interrupted"
        edit = {"decision": "edit", "edits": {"max_attempts": 1}}
        edited = running.client.runs.wait(thread["thread_id"], "call", command={"resume": edit})
        assert edited["__interrupt__"][0]["value"]["arguments"]["max_attempts"] == 1
        stale = running.client.runs.wait(thread["thread_id"], "call", command={"resume": True})
        again = stale["__interrupt__"][0]
        assert "does not count" in again["value"]["warnings"][-1]
        assert revox.sandbox.dials == []
        by_id = {again["id"]: True}
        last = running.client.runs.wait(thread["thread_id"], "call", command={"resume": by_id})
        assert last["status"] == "completed"
        simply = running.client.threads.create()
        running.client.runs.wait(simply["thread_id"], "call", input={**FRENCH, "phone_number": "+12025550114"})
        last = running.client.runs.wait(simply["thread_id"], "call", command={"resume": True})
        assert last["status"] == "completed"
        assert len(revox.sandbox.dials) == 2
        state = running.client.threads.get_history(thread["thread_id"])
        assert "rvx_secret_key" not in json.dumps(state)
        assert "rvx_secret_key" not in running.said


def run(running: Studio, given: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run the graph on a new thread; return the custom events and the last values."""
    thread = running.client.threads.create()
    events: list[dict[str, Any]] = []
    last: dict[str, Any] = {}
    stream = running.client.runs.stream(thread["thread_id"], "call", input=given, stream_mode=["custom", "values"])
    for part in stream:
        assert part.event != "error", (part.data, running.said)
        if part.event == "custom":
            events.append(dict(part.data))
        elif part.event == "values":
            last = dict(part.data)
    return events, last


def assistant_id(running: Studio) -> str:
    return str(running.client.assistants.search(graph_id="call")[0]["assistant_id"])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
