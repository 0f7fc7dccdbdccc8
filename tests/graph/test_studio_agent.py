"""What Studio opens besides the call: driven from outside, as a browser does, and stopped while it waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.graph.test_studio import ROOT, Studio, serving, studio
from tests.processes import patience_s

NUMBER = "+12025550100"
YES = {"decisions": [{"type": "approve"}]}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("studio")]

SLOW = """
from revox_langchain import RevoxToolkit
from revox_langchain.graph import DemonstrationModel, call_graph, create_call_agent

toolkit = RevoxToolkit.from_env(max_risk="dial", toolsets=("calling",))
agent = create_call_agent(DemonstrationModel(), toolkit)
call = call_graph(approve=True)
"""


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def last_of(running: Studio, thread: str, graph: str, **given: Any) -> dict[str, Any]:
    return dict(running.client.runs.wait(thread, graph, **given))


def question_of(out: dict[str, Any]) -> dict[str, Any]:
    [asked] = out["__interrupt__"]
    return dict(asked["value"])


def new_thread(running: Studio) -> str:
    return str(running.client.threads.create()["thread_id"])


def until(met: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + patience_s()
    while not met():
        assert time.monotonic() < give_up_s
        time.sleep(0.1)


def test_the_agent_of_the_repo_shows_asks_is_answered_and_blocks_nothing(tmp_path: Path) -> None:
    with studio(tmp_path / "app") as running:
        graphs = {each["graph_id"] for each in running.client.assistants.search()}
        assert graphs == set(json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"])
        [assistant] = running.client.assistants.search(graph_id="agent")
        schemas = running.client.assistants.get_schemas(assistant["assistant_id"])
        assert list(schemas["input_schema"]["properties"]) == ["messages"]
        assert "structured_response" in schemas["output_schema"]["properties"]

        thread = new_thread(running)
        out = last_of(running, thread, "agent", input=said("hello"))
        assert "demonstration model" in out["structured_response"]["message"]
        request = said(f"Call {NUMBER} and ask whether Tuesday suits them.")
        stream = running.client.runs.stream(thread, "agent", input=request, stream_mode=["updates", "values"])
        steps = [name for part in stream if part.event == "updates" for name in part.data]
        assert "model" in steps
        assert "tools" in steps
        state: Any = running.client.threads.get_state(thread)
        [asked] = state["interrupts"]
        description = asked["value"]["action_requests"][0]["description"]
        assert "Sandbox: no real phone rings." in description

        # What the question shows as an answer is one; a changed prompt is what is said on the phone.
        edit = json.loads(description.partition("To change it: ")[2].splitlines()[0])
        edit["decisions"][0]["edited_action"]["args"]["prompt"] = "Ask whether Wednesday suits them."
        kinds = set()
        for part in running.client.runs.stream(
            thread, "agent", command={"resume": edit}, stream_mode=["custom", "values"]
        ):
            assert part.event != "error", part.data
            if part.event == "custom":
                kinds.add(part.data["type"])
        assert "revox.turn" in kinds
        values: Any = running.client.threads.get_state(thread)["values"]
        assert values["structured_response"]["happened"] == "called"
        artifacts = [each["artifact"] for each in values["messages"] if each.get("name") == "revox_make_call"]
        assert artifacts[0]["call"]["assistant"]["prompt"] == "Ask whether Wednesday suits them."

        rejected = new_thread(running)
        question_of(last_of(running, rejected, "agent", input=request))
        no = {"decisions": [{"type": "reject", "message": "not now"}]}
        out = last_of(running, rejected, "agent", command={"resume": no})
        assert out["structured_response"]["happened"] == "not_called"
        assert "BlockingError" not in running.said


@pytest.mark.parametrize("graph", ["agent", "call"])
def test_a_run_is_cancelled_and_goes_on_and_outlives_a_restart_while_it_waits(graph: str, tmp_path: Path) -> None:
    from revox_langchain.sandbox import Sandbox
    from revox_langchain.sandbox.server import SandboxServer

    (tmp_path / "opened.py").write_text(SLOW, encoding="utf-8")
    config = {"dependencies": ["."], "graphs": {name: f"./opened.py:{name}" for name in ("agent", "call")}}
    (tmp_path / "langgraph.json").write_text(json.dumps(config), encoding="utf-8")
    task = "Ask whether Tuesday suits them."
    given = {"agent": said(f"Call {NUMBER} and {task}"), "call": {"phone_number": NUMBER, "prompt": task}}[graph]
    answer: Any = {"agent": YES, "call": True}[graph]
    # So slow that a call waits in the queue until the world is pushed.
    sandbox = Sandbox(speed=0.01)
    with SandboxServer(sandbox) as revox:
        key = {"REVOX_API_KEY": "rvx_secret_key", "REVOX_BASE_URL": revox.base_url}
        with serving(tmp_path, **key) as running:
            thread = new_thread(running)
            question_of(last_of(running, thread, graph, input=given))
            run = running.client.runs.create(thread, graph, command={"resume": answer})
            until(lambda: bool(sandbox.dials))
            until(lambda: sandbox.counts["revox_get_call"] > 0)
            running.client.runs.cancel(thread, run["run_id"], wait=True)
            state: Any = running.client.threads.get_state(thread)
            assert state["next"]
            looks = sandbox.counts["revox_get_call"]
            running.client.runs.create(thread, graph, input=None)
            until(lambda: sandbox.counts["revox_get_call"] > looks)
        with serving(tmp_path, **key) as running:
            sandbox.world.advance(3600)
            until(lambda: running.client.threads.get(thread)["status"] != "busy")
            state = running.client.threads.get_state(thread)
            if state["next"]:
                last_of(running, thread, graph, input=None)
            values: Any = running.client.threads.get_state(thread)["values"]
    ended = values["structured_response"]["happened"] if graph == "agent" else values["status"]
    assert ended in ("called", "completed")
    assert len(sandbox.dials) == 1
