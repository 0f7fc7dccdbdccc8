"""LangSmith learns which call a run was about, and neither a number nor what was said on it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import langsmith
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tracers.langchain import LangChainTracer
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain import RevoxToolkit
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.sandbox import Sandbox
from revox_langchain.tracing import mask_traces, masked_trace
from tests.scripted_model import ScriptedModel, calls, last_artifact

NUMBER = "+12025550100"
HELLO = {"phone_number": NUMBER, "prompt": "Please greet them, and give them our number: +33 1 42 68 53 00."}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


class Recorder:
    """Plays LangSmith, and keeps every request as it came."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                recorder.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PATCH = _answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def sent(self) -> str:
        return b"\n".join(self.bodies).decode("utf-8", "replace")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    recorder.thread.start()
    yield recorder
    recorder.server.shutdown()
    recorder.thread.join()
    recorder.server.server_close()


@pytest.fixture
def tracing(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Tracing as people switch it on, and a client that sends plainly."""
    for name, value in {"TRACING": "true", "API_KEY": "ls-key-of-the-tests", "ENDPOINT": recorder.url}.items():
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    langsmith.utils.get_env_var.cache_clear()
    yield {"api_url": recorder.url, "api_key": "ls-key-of-the-tests", "info": {"batch_ingest_config": None}}
    langsmith.configure(client=None)
    monkeypatch.undo()
    langsmith.utils.get_env_var.cache_clear()


def run_a_call(sandbox: Sandbox, mode: str = "sync", **given: Any) -> dict[str, Any]:
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": f"of {NUMBER}"}}
    asked = {**HELLO, **given}
    return dict(graph.invoke(asked, config) if mode == "sync" else asyncio.run(graph.ainvoke(asked, config)))


def agent_of(sandbox: Sandbox) -> Any:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk="dial", toolsets=("calling",))

    # As functions: langchain traces a model's own description as well, which here would hold its lines.
    def dial(messages: list[BaseMessage]) -> AIMessage:
        return calls(("revox_make_call", HELLO))

    def wait(messages: list[BaseMessage]) -> AIMessage:
        call_id = last_artifact(messages, "revox_make_call")["call"]["id"]
        return calls(("revox_wait_for_call", {"call_id": call_id}), start=1)

    def tell(messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(f"I have called {NUMBER}.")

    model = ScriptedModel(turns=[dial, wait, tell])
    return create_agent(model, [*toolkit.get_tools(), call_graph_tool(sandbox.connect())])


def spoken_in(out: dict[str, Any]) -> list[str]:
    words = [turn["content"] for turn in out["transcript"]]
    assert len(words) > 2
    return words


@both_modes
def test_nothing_of_a_call_leaves_in_the_clear(tracing: dict[str, Any], recorder: Recorder, mode: str) -> None:
    client = mask_traces(**tracing)
    out = run_a_call(Sandbox(), mode)
    client.flush()
    sent = recorder.sent
    assert out["call_id"] in sent
    assert "Please greet them" in sent
    for secret in (NUMBER, "2025550100", "142685300", "1 42 68 53 00", out["outcome_summary"], *spoken_in(out)):
        assert secret not in sent, secret


def test_without_the_line_all_of_it_leaves(tracing: dict[str, Any], recorder: Recorder) -> None:
    client = langsmith.Client(**tracing)
    langsmith.configure(client=client)
    out = run_a_call(Sandbox())
    client.flush()
    assert NUMBER in recorder.sent
    assert all(words in recorder.sent for words in spoken_in(out))


def test_nothing_of_an_agents_call_leaves_in_the_clear(tracing: dict[str, Any], recorder: Recorder) -> None:
    client = mask_traces(**tracing)
    out = agent_of(Sandbox()).invoke({"messages": [("user", f"Greet {NUMBER}.")]})
    client.flush()
    said = last_artifact(out["messages"], "revox_wait_for_call")["call"]["last_call_attempt"]["transcript"]
    assert "I have called" in recorder.sent
    for secret in (NUMBER, "2025550100", *(turn["content"] for turn in said)):
        assert secret not in recorder.sent, secret


def test_the_texts_of_messages_are_hidden_where_that_is_asked_for(tracing: dict[str, Any], recorder: Recorder) -> None:
    client = mask_traces(messages=True, **tracing)
    agent_of(Sandbox()).invoke({"messages": [("user", f"Greet {NUMBER}.")]})
    client.flush()
    assert "revox_wait_for_call" in recorder.sent
    assert "I have called" not in recorder.sent
    assert '"content":"Greet' not in recorder.sent


def test_an_error_leaves_without_its_number(tracing: dict[str, Any], recorder: Recorder) -> None:
    client = mask_traces(**tracing)
    agent = create_agent(ScriptedModel(turns=[_broken]), [])
    with pytest.raises(ValueError, match="two of them"):
        agent.invoke({"messages": [("user", "hello")]})
    client.flush()
    assert "two of them" in recorder.sent
    assert NUMBER not in recorder.sent


def _broken(messages: list[BaseMessage]) -> AIMessage:
    raise ValueError(f"two of them: {NUMBER}")


def test_what_lies_deep_or_in_json_within_text_is_masked_as_well() -> None:
    deep: Any = {"transcript": [{"role": "user", "content": "Yes, gladly."}], "phone_number": NUMBER, "turns": 3}
    held = deep
    for _ in range(20):
        held = {"state": [held]}
    for traced in (held, {"output": json.dumps(held)}):
        said = json.dumps(masked_trace(traced))
        assert "gladly" not in said
        assert NUMBER not in said
        assert "user" in said
    assert masked_trace({"revox_call_id": "6e726551-8ffa-5020-aaca-7bcfd7e77e8c", "n": 3, "at": "2026-11-26"}) == {
        "revox_call_id": "6e726551-8ffa-5020-aaca-7bcfd7e77e8c",
        "n": 3,
        "at": "2026-11-26",
    }


class Kept(langsmith.Client):
    """A client that sends nothing, and keeps the runs as they were when they ended."""

    def __init__(self) -> None:
        super().__init__(api_key="k", auto_batch_tracing=False)
        self.ended: dict[str, Any] = {}

    def create_run(self, *args: Any, **run: Any) -> None:
        pass

    def update_run(self, *args: Any, **run: Any) -> None:
        self.ended[run["name"]] = run


@both_modes
def test_the_runs_of_a_call_carry_what_it_was_about(mode: str) -> None:
    sandbox, client = Sandbox(), Kept()
    graph = call_graph(sandbox.connect())
    config: Any = {"callbacks": [LangChainTracer(client=client)]}
    out = graph.invoke(HELLO, config) if mode == "sync" else asyncio.run(graph.ainvoke(HELLO, config))
    for name in ("Revox call", "report"):
        run = client.ended[name]
        known = {key: value for key, value in run["extra"]["metadata"].items() if key.startswith("revox_")}
        assert known == {
            "revox_call_id": out["call_id"],
            "revox_intent_id": out["intent_id"],
            "revox_language": "en-US",
            "revox_status": "completed",
            "revox_disposition": "answered",
        }
        assert {"revox", "language:en-US", "disposition:answered"} <= set(run["tags"])
    assert client.ended["prepare"]["extra"]["metadata"]["revox_intent_id"] == out["intent_id"]


@pytest.mark.slow
def test_the_tools_of_an_agent_carry_their_call() -> None:
    sandbox, client = Sandbox(), Kept()
    agent_of(sandbox).invoke(
        {"messages": [("user", f"Greet {NUMBER}.")]}, {"callbacks": [LangChainTracer(client=client)]}
    )
    [order] = sandbox.dials
    for name, disposition in (("revox_make_call", "unknown"), ("revox_wait_for_call", "answered")):
        metadata = client.ended[name]["extra"]["metadata"]
        assert metadata["revox_call_id"] == order["id"]
        assert metadata["revox_disposition"] == disposition
