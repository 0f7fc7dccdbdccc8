"""Threads that release 0.1 wrote go on under this one: no call in flight is lost, and none is placed twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from revox_langchain import InvalidInput
from revox_langchain.dialing.intent import MARK, make_intent
from revox_langchain.graph import call_graph
from revox_langchain.graph.call.state import VERSION, current
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Sandbox

FIXTURES = Path(__file__).with_name("fixtures")
THEN: dict[str, Any] = json.loads((FIXTURES / "threads_0_1.json").read_text(encoding="utf-8"))
REQUEST: dict[str, Any] = THEN["input"]


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[SqliteSaver]:
    """A copy of the database with 0.1's threads, each in another resting place."""
    copy = shutil.copy(FIXTURES / "threads_0_1.sqlite", tmp_path)
    with SqliteSaver.from_conn_string(str(copy)) as opened:
        yield opened


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox with the assistant that 0.1's runs had created; it gets the same id again."""
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver(), approve=True, inline=False)
    assert question_of(graph.invoke(REQUEST, thread("first")))["type"] == "revox.approve_call"
    return sandbox


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def graph_on(saver: SqliteSaver, sandbox: Sandbox, **options: Any) -> Any:
    return call_graph(sandbox.connect(), checkpointer=saver, **options)


def placed_then(sandbox: Sandbox, name: str, phone_number: str = REQUEST["phone_number"]) -> str:
    """Place the order that the thread's run had placed; the sandbox gives it the same id."""
    metadata = {**REQUEST["metadata"], MARK: THEN[name]["intent_id"]}
    request = MakeCall(phone_number=phone_number, prompt=REQUEST["prompt"], metadata=metadata)
    call_id = str(sandbox.connect().send(request)["call"]["id"])
    assert call_id == THEN[name]["call_id"]
    return call_id


def question_of(out: dict[str, Any]) -> dict[str, Any]:
    question: dict[str, Any] = out["__interrupt__"][0].value
    return question


def test_a_yes_to_the_question_of_the_old_release_places_the_call_once(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox, approve=True)
    then = THEN["approve"]
    [asked] = graph.get_state(thread("approve")).interrupts
    assert asked.value["arguments_hash"] == then["hash"]

    answer = {"decision": "approve", "arguments_hash": then["hash"]}
    out = graph.invoke(Command(resume=answer), thread("approve"))

    assert (out["status"], out["error"]) == ("completed", None)
    assert [order["metadata"][MARK] for order in sandbox.dials] == [then["intent_id"]]


def test_a_bare_yes_to_the_question_of_the_old_release_is_none(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox, approve=True)
    question = question_of(graph.invoke(Command(resume=True), thread("approve")))
    assert "does not count" in question["warnings"][-1]
    assert not sandbox.dials


def test_an_edit_of_the_old_question_is_taken(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox, approve=True)
    edits = {"phone_number": "+12025550114"}
    answer = {"decision": "edit", "arguments_hash": THEN["approve"]["hash"], "edits": edits}

    again = question_of(graph.invoke(Command(resume=answer), thread("approve")))
    assert again["arguments"]["phone_number"] == "+12025550114"
    assert not sandbox.dials
    out = graph.invoke(Command(resume=again["answers"]["approve"]), thread("approve"))

    assert out["status"] == "completed"
    assert [order["to_phone_number"] for order in sandbox.dials] == ["+12025550114"]
    assert graph.get_state(thread("approve")).values["version"] == VERSION


@pytest.mark.parametrize(("answer", "status", "orders"), [("dial", "completed", 1), ("give_up", "given_up", 0)])
def test_the_old_question_about_an_unknown_outcome_takes_its_answers(
    saver: SqliteSaver, sandbox: Sandbox, answer: str, status: str, orders: int
) -> None:
    graph = graph_on(saver, sandbox)

    out = graph.invoke(Command(resume=answer), thread("unknown"))

    assert out["status"] == status
    assert out["intent_id"] == THEN["unknown"]["intent_id"]
    assert [order["metadata"][MARK] for order in sandbox.dials] == [THEN["unknown"]["intent_id"]] * orders


def test_looking_again_asks_the_same_question(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox)

    question = question_of(graph.invoke(Command(resume="look_again"), thread("unknown")))

    assert question["intent_id"] == THEN["unknown"]["intent_id"]
    assert question["phone_number"] == THEN["unknown"]["phone_number"]
    assert not sandbox.dials


def test_looking_again_adopts_the_order_of_the_old_run(saver: SqliteSaver, sandbox: Sandbox) -> None:
    metadata = {MARK: THEN["unknown"]["intent_id"]}
    order = MakeCall(phone_number=REQUEST["phone_number"], prompt=REQUEST["prompt"], metadata=metadata)
    call_id = sandbox.connect().send(order)["call"]["id"]

    out = graph_on(saver, sandbox).invoke(Command(resume="look_again"), thread("unknown"))

    assert (out["status"], out["call_id"], out["adopted"]) == ("completed", call_id, True)
    assert len(sandbox.dials) == 1


def test_a_run_that_had_armed_settles_and_asks_instead_of_dialing(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox)

    question = question_of(graph.invoke(None, thread("armed")))

    assert question["type"] == "revox.placement_unknown"
    assert not sandbox.dials
    assert graph.invoke(Command(resume="dial"), thread("armed"))["status"] == "completed"
    assert [order["metadata"][MARK] for order in sandbox.dials] == [question["intent_id"]]


@pytest.mark.parametrize(("name", "phone_number"), [("placed", "+12025550100"), ("waiting", "+12025550102")])
def test_a_call_in_flight_reaches_its_report(
    saver: SqliteSaver, sandbox: Sandbox, name: str, phone_number: str
) -> None:
    call_id = placed_then(sandbox, name, phone_number)

    out = graph_on(saver, sandbox).invoke(None, thread(name))

    assert (out["status"], out["call_id"], out["intent_id"]) == ("completed", call_id, THEN[name]["intent_id"])
    assert out["language"] == "fr"
    assert out["transcript"]
    assert len(sandbox.dials) == 1


def test_a_finished_thread_takes_a_new_call(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox)

    out = graph.invoke({**REQUEST, "intent": "again"}, thread("finished"))

    assert (out["status"], out["adopted"]) == ("completed", False)
    assert out["intent_id"] != THEN["finished"]["intent_id"]
    assert len(sandbox.dials) == 1


def test_the_same_request_has_the_intent_it_had(saver: SqliteSaver, sandbox: Sandbox) -> None:
    out = graph_on(saver, sandbox).invoke(REQUEST, thread("finished"))

    alone = make_intent(phone_number=REQUEST["phone_number"], prompt=REQUEST["prompt"], scope="finished")
    assert out["intent_id"] == alone.intent_id == THEN["finished"]["intent_id"]


@pytest.mark.parametrize("step", ["place_call", "wait", "report"])
def test_a_state_of_a_newer_release_is_refused_in_a_sentence(saver: SqliteSaver, sandbox: Sandbox, step: str) -> None:
    graph = graph_on(saver, sandbox)
    before = {"place_call": "arm", "wait": "place_call", "report": "ask"}[step]
    config = graph.update_state(thread("armed"), {"version": VERSION + 1}, as_node=before)
    config = graph.update_state(config, Command(goto=step), as_node=before) if step != "place_call" else config

    with pytest.raises(InvalidInput, match=r"version 3; this release reads up to version 2\. Upgrade revox-langchain"):
        graph.invoke(None, config)

    assert not sandbox.dials


@pytest.mark.slow
def test_the_version_is_written_with_every_request(saver: SqliteSaver, sandbox: Sandbox) -> None:
    graph = graph_on(saver, sandbox)
    graph.invoke(REQUEST, thread("new"))
    values = graph.get_state(thread("new")).values
    assert values["version"] == VERSION
    assert "wish" not in values
    assert current(values)["asked"]["phone_number"] == REQUEST["phone_number"]
