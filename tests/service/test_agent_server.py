"""LangGraph Agent Server: a parked thread is resumed once when its call has ended, and nobody can be fooled into it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from revox_langchain.errors import AuthError, InvalidInput
from revox_langchain.graph.call.parking import wake_value
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import CancelCall, GetCallHistory
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.service import agent_server
from revox_langchain.service.agent_server import ParkedThreads, create_app
from tests.graph.test_studio import Studio, serving, studio
from tests.processes import patience_s

TOKEN = "a-token-of-the-tests"
NOBODY = "00000000-0000-4000-8000-000000000000"
REQUEST = {"phone_number": "+12025550111", "prompt": "Say hello, you are an AI."}
GRAPH = """
from pathlib import Path
from langgraph.graph import END, START, StateGraph
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.graph import call_graph
from revox_langchain.service.agent_server import create_app
from revox_langchain.waiting.policy import WaitPolicy
from typing import TypedDict

def parking(**wait):
    return call_graph(policy=DialPolicy(settle_s=1, min_gap_s=0), wait=WaitPolicy(**wait), wait_mode="park")

class Booking(TypedDict, total=False):
    request: dict
    outcome: str

async def call(state):
    return {"outcome": (await parking().ainvoke(state["request"]))["status"]}

async def after(state):
    with Path("after.txt").open("a") as done:
        done.write(state["request"]["phone_number"] + "\\n")
    return {}

booking = StateGraph(Booking).add_node(call).add_node(after).add_edge(START, "call").add_edge("call", "after")
booking = booking.add_edge("after", END).compile()
graph, impatient = parking(), parking(max_wait_s=3)
rung, looking = create_app(look_every_s=None), create_app(look_every_s=0.5)
"""


class Deployment:
    """A server with parked graphs, and the sandbox that it dials in."""

    def __init__(self, running: Studio, sandbox: Sandbox, folder: Path) -> None:
        self.running = running
        self.client = running.client
        self.sandbox = sandbox
        self.folder = folder

    def parked(self, graph: str = "call", number: str = REQUEST["phone_number"], **more: str | None) -> tuple[str, str]:
        """Start a run that parks; returns its thread and its call."""
        thread_id = self.client.threads.create()["thread_id"]
        request = {**REQUEST, "phone_number": number, **more}
        given = {"request": request} if graph == "booking" else request
        self.client.runs.wait(thread_id, graph, input=given)
        [[asked]] = self.client.threads.get(thread_id)["interrupts"].values()
        assert asked["value"]["type"] == "revox.waiting", self.running.said
        return thread_id, asked["value"]["call_id"]

    def end(self, call_id: str) -> None:
        self.sandbox.connect().send(CancelCall(call_id=call_id))

    def ring(self, call_id: str, token: str = TOKEN) -> int:
        body = {"call_order_id": call_id, "status": "completed"}
        return httpx.post(f"{self.running.url}/revox/call-ended/{token}", json=body).status_code

    def settled(self, thread_id: str) -> Any:
        """The values of a thread that has come to its end."""
        give_up_s = time.monotonic() + patience_s()
        while self.client.threads.get(thread_id)["status"] != "idle":
            assert time.monotonic() < give_up_s, self.running.said
            time.sleep(0.1)
        return self.client.threads.get_state(thread_id)["values"]

    def reports(self, thread_id: str) -> int:
        """How often the last step ran."""
        steps = self.client.threads.get_history(thread_id, limit=100)
        return sum(task["name"] == "report" for step in steps for task in step["tasks"])

    def heard(self) -> None:
        """Come back when all that was posted before has been looked at."""
        thread_id, call_id = self.parked(number="+12025550112")
        self.end(call_id)
        assert self.ring(call_id) == 202
        self.settled(thread_id)


def made(folder: Path, app: str) -> Path:
    """Write a folder that the server can be started in."""
    folder.mkdir()
    (folder / "graph.py").write_text(GRAPH, encoding="utf-8")
    graphs = {"call": "graph:graph", "impatient": "graph:impatient", "booking": "graph:booking"}
    config = {"dependencies": ["."], "graphs": graphs, "http": {"app": f"graph:{app}"}}
    (folder / "langgraph.json").write_text(json.dumps(config))
    return folder


@contextmanager
def deployed(folder: Path, sandbox: Sandbox | None = None) -> Iterator[Deployment]:
    # So slow that no call ends by itself.
    sandbox = sandbox or Sandbox(speed=0.001)
    with SandboxServer(sandbox) as revox:
        given = {"REVOX_API_KEY": "rvx_any", "REVOX_BASE_URL": revox.base_url, "REVOX_WEBHOOK_TOKEN": TOKEN}
        with serving(folder, **given) as running:
            yield Deployment(running, sandbox, folder)


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server that wakes nobody unless somebody rings."""
    with deployed(made(tmp_path_factory.mktemp("rung") / "app", "rung")) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server that nobody rings."""
    with deployed(made(tmp_path_factory.mktemp("looking") / "app", "looking")) as deployment:
        yield deployment


@pytest.mark.slow
@pytest.mark.xdist_group("agent_server_rung")
class TestRung:
    def test_three_identical_posts_resume_a_thread_once_and_a_late_one_does_nothing(self, rung: Deployment) -> None:
        dialed = len(rung.sandbox.dials)
        thread_id, call_id = rung.parked()
        rung.end(call_id)
        assert [rung.ring(call_id) for _ in range(3)] == [202] * 3
        assert rung.settled(thread_id)["status"] == "cancelled"
        assert rung.ring(call_id) == 202
        rung.heard()
        assert rung.reports(thread_id) == 1
        assert len(rung.client.runs.list(thread_id)) == 2
        assert [dial["id"] for dial in rung.sandbox.dials[dialed:]].count(call_id) == 1
        assert TOKEN not in rung.running.said
        assert "BlockingError" not in rung.running.said

    def test_wake_ups_from_several_processes_at_once_resume_a_thread_once(self, rung: Deployment) -> None:
        thread_id, call_id = rung.parked(number="+12025550115")
        [[asked]] = rung.client.threads.get(thread_id)["interrupts"].values()
        rung.end(call_id)

        async def wake_from_three() -> list[int]:
            async with get_client(url=rung.running.url) as client:
                others = [ParkedThreads(rung.sandbox.connect(), client=client) for _ in range(3)]
                return await asyncio.gather(*(threads.wake(call_id) for threads in others))

        assert max(asyncio.run(wake_from_three())) == 1
        assert rung.settled(thread_id)["status"] == "cancelled"
        stale = {"resume": {asked["id"]: wake_value(call_id, "ended")}}
        rung.client.runs.wait(thread_id, "call", command=stale, multitask_strategy="enqueue")
        assert rung.reports(thread_id) == 1

    def test_a_wait_is_found_on_whichever_page_and_where_the_state_does_not_name_the_call(
        self, rung: Deployment
    ) -> None:
        parked = [rung.parked("booking", number=f"+1202555012{digit}") for digit in range(3)]

        async def wake_all() -> list[int]:
            async with get_client(url=rung.running.url) as client:
                threads = ParkedThreads(rung.sandbox.connect(), client=client, page_size=1)
                return [await threads.wake(call_id) for _, call_id in parked]

        for _, call_id in parked:
            rung.end(call_id)
        assert asyncio.run(wake_all()) == [1, 1, 1]
        assert [rung.settled(thread_id)["outcome"] for thread_id, _ in parked] == ["cancelled"] * 3

    def test_what_revox_itself_posts_wakes_the_thread(self, rung: Deployment) -> None:
        fields = {"name": "A", "prompt": "Say hello, you are an AI.", "first_sentence": "Hello, I am an AI."}
        url = f"{rung.running.url}/revox/call-ended/{TOKEN}"
        connection = rung.sandbox.connect()
        assistant = connection.send(CreateAssistant(**fields, webhook_url=url))["assistant"]["id"]
        rung.sandbox.faults.add(Fault("webhook_doubled"))
        thread_id, _ = rung.parked(number="+12025550100", prompt=None, assistant_id=assistant)
        rung.sandbox.world.advance(600)
        assert rung.settled(thread_id)["status"] == "completed"
        rung.heard()
        assert rung.reports(thread_id) == 1

    def test_a_thread_whose_assistant_was_deleted_is_woken_by_its_graph(self, rung: Deployment) -> None:
        assistant = rung.client.assistants.create("call")["assistant_id"]
        thread_id, call_id = rung.parked(assistant, number="+12025550116")
        rung.client.assistants.delete(assistant)
        rung.end(call_id)
        rung.ring(call_id)
        assert rung.settled(thread_id)["status"] == "cancelled"

    def test_a_wrong_token_a_foreign_call_and_one_that_goes_on_wake_nobody(self, rung: Deployment) -> None:
        thread_id, call_id = rung.parked(number="+12025550113")
        assert rung.ring(call_id, token="another-token-of-the-tests") == 404
        assert rung.ring(NOBODY) == 202
        assert rung.ring(call_id) == 202
        rung.heard()
        assert rung.client.threads.get(thread_id)["status"] == "interrupted"
        assert len(rung.client.runs.list(thread_id)) == 1

    def test_a_call_graph_inside_another_graph_is_woken_and_what_follows_runs_once(self, rung: Deployment) -> None:
        thread_id, call_id = rung.parked("booking", number="+12025550114")
        rung.end(call_id)
        assert [rung.ring(call_id) for _ in range(3)] == [202] * 3
        assert rung.settled(thread_id)["outcome"] == "cancelled"
        rung.heard()
        assert (rung.folder / "after.txt").read_text().splitlines().count("+12025550114") == 1


@pytest.mark.slow
@pytest.mark.xdist_group("agent_server_looking")
class TestLooking:
    def test_a_thread_whose_post_is_lost_is_woken_all_the_same(self, looking: Deployment) -> None:
        thread_id, call_id = looking.parked()
        looking.end(call_id)
        assert looking.settled(thread_id)["status"] == "cancelled"
        assert looking.reports(thread_id) == 1

    def test_while_the_key_is_refused_threads_stay_parked(self, looking: Deployment) -> None:
        faults = looking.sandbox.faults
        thread_id, call_id = looking.parked(number="+12025550114")
        faults.add(Fault("status", status=401, on=GetCallHistory, times=None))
        give_up_s = time.monotonic() + patience_s()
        while looking.running.said.count(f"Call {call_id} could not be waited for") < 3:
            assert time.monotonic() < give_up_s, looking.running.said
            time.sleep(0.1)
        assert looking.client.threads.get(thread_id)["status"] == "interrupted"
        assert len(looking.client.runs.list(thread_id)) == 1
        faults.clear()
        looking.end(call_id)
        assert looking.settled(thread_id)["status"] == "cancelled"
        assert looking.reports(thread_id) == 1

    def test_a_thread_whose_time_is_up_goes_on_although_the_call_does(self, looking: Deployment) -> None:
        thread_id, call_id = looking.parked("impatient", number="+12025550113")
        values = looking.settled(thread_id)
        assert (values["status"], values["call_id"]) == ("still_running", call_id)
        assert looking.reports(thread_id) == 1


@pytest.mark.slow
def test_a_thread_that_a_stopped_server_left_parked_is_woken_by_a_post_to_the_next_one(tmp_path: Path) -> None:
    folder, sandbox = made(tmp_path / "app", "rung"), Sandbox(speed=0.001)
    with deployed(folder, sandbox) as first:
        thread_id, call_id = first.parked()
    with deployed(folder, sandbox) as second:
        second.end(call_id)
        assert second.ring(call_id) == 202
        assert second.settled(thread_id)["status"] == "cancelled"
        assert second.reports(thread_id) == 1
    assert len(sandbox.dials) == 1


@pytest.mark.slow
def test_the_parked_graph_of_the_repo_runs_to_its_end_without_a_key(tmp_path: Path) -> None:
    without = {"REVOX_API_KEY": "", "REVOX_WEBHOOK_TOKEN": ""}
    with studio(tmp_path / "app", "langgraph.parked.json", **without) as running:
        request = {**REQUEST, "phone_number": "+12025550100"}
        thread_id = running.client.threads.create()["thread_id"]
        running.client.runs.wait(thread_id, "call_parked", input=request)
        values = Deployment(running, Sandbox(), tmp_path).settled(thread_id)
    assert values["status"] == "completed"


def test_without_a_token_the_app_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVOX_WEBHOOK_TOKEN", raising=False)
    monkeypatch.setenv("REVOX_API_KEY", "rvx_any")
    # What another test had made is kept in the module.
    monkeypatch.delitem(vars(agent_server), "app", raising=False)
    with pytest.raises(InvalidInput, match="REVOX_WEBHOOK_TOKEN"):
        _ = agent_server.app
    monkeypatch.setenv("REVOX_WEBHOOK_TOKEN", "short")
    with pytest.raises(InvalidInput, match="token_urlsafe"):
        create_app()
    monkeypatch.delenv("REVOX_API_KEY")
    with pytest.raises(AuthError):
        create_app(token=TOKEN)


@pytest.mark.slow
def test_the_app_of_the_module_is_one_that_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOX_WEBHOOK_TOKEN", TOKEN)
    monkeypatch.setenv("REVOX_API_KEY", "rvx_any")
    monkeypatch.delattr(agent_server, "app", raising=False)
    made = agent_server.app
    assert type(made).__name__ == "Starlette"
    assert agent_server.app is made
    monkeypatch.delattr(agent_server, "app")
