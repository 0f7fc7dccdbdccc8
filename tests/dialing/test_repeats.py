"""Calling again: what is said of an old order, and `repeat_of`, which only an ended call to this number permits."""

from __future__ import annotations

from typing import Any

import pytest

from revox_langchain import DialPolicy, InvalidInput, Refused, Risk, act, named_intent, run
from revox_langchain.dialing.earlier import ago
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import repeat_intent
from revox_langchain.graph import CallInput, call_graph, call_graph_tool
from revox_langchain.operations.calls import CancelCall, MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.tools.toolkit import RevoxToolkit

NUMBER = "+12025550100"
CALL = {"phone_number": NUMBER, "prompt": "Say hello, I am an AI."}
WEEK_S = 7 * 86_400
WARNING = "This call was placed a week ago and had ended; no phone rang now. For another call give another intent."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "a moment ago"),
        (90, "a minute ago"),
        (7300, "2 hours ago"),
        (3700, "an hour ago"),
        (WEEK_S + 9, "a week ago"),
    ],
)
def test_an_age_is_said_in_round_words(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_last_weeks_reminder_does_not_pass_for_todays() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect())
    given = {**CALL, "intent": "reminder"}
    first = graph.invoke(given)
    assert (first["adopted"], first["placed_at"], first["warnings"]) == (False, None, [])
    sandbox.world.advance(WEEK_S)
    again = graph.invoke(given)
    assert (again["call_id"], again["adopted"], again["status"]) == (first["call_id"], True, "completed")
    assert again["placed_at"] == sandbox.dials[0]["created_at"]
    assert again["warnings"][0] == WARNING
    assert len(sandbox.dials) == 1


def test_an_order_of_this_very_run_is_not_old() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_after", on="make_call"))
    out = call_graph(sandbox.connect()).invoke({**CALL, "intent": "now"})
    assert (out["adopted"], out["placed_at"], out["status"]) == (True, None, "completed")


def test_an_order_that_still_runs_is_not_old() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    request = MakeCall(phone_number="+12025550103", prompt=CALL["prompt"], intent="one")
    run(act(request, Guard()), connection)
    sandbox.world.advance(60)
    again = run(act(request, Guard()), connection)
    assert again["adopted"]
    assert "placed_at" not in again


def test_code_reads_the_warning_in_the_answer() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    request = MakeCall(**CALL, intent="reminder")
    placed = run(act(request, Guard()), connection)
    sandbox.world.advance(WEEK_S)
    again = run(act(request, Guard()), connection)
    assert (again["warning"], again["placed_at"]) == (WARNING, placed["call"]["created_at"])


class Agent:
    """A model's tools in one thread."""

    def __init__(self, tool: str = "revox_make_call") -> None:
        self.sandbox = Sandbox()
        connection = self.sandbox.connect()
        toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL, fields="full")
        self._tool = {t.name: t for t in (*toolkit.get_tools(), call_graph_tool(connection, fields="full"))}[tool]

    def call(self, thread: str = "t", **arguments: Any) -> Any:
        wanted: Any = {"type": "tool_call", "id": "1", "name": self._tool.name, "args": {**CALL, **arguments}}
        return self._tool.invoke(wanted, {"configurable": {"thread_id": thread}})

    def id_of(self, message: Any) -> str:
        artifact = message.artifact
        return str(artifact.get("call_id") or artifact["call"]["id"])

    def end(self) -> None:
        self.sandbox.world.advance(86_400)


both_tools = pytest.mark.parametrize("tool", ["revox_make_call", "revox_call_and_wait"])


@both_tools
def test_a_model_reads_first_that_a_call_is_old_and_how_to_call_again(tool: str) -> None:
    agent = Agent(tool)
    first = agent.id_of(agent.call())
    agent.sandbox.world.advance(WEEK_S)
    again = agent.call()
    assert again.content.startswith("Warning: This call was placed a week ago and had ended; no phone rang now.")
    assert f"repeat_of={first}" in again.content.splitlines()[0]
    assert again.artifact["placed_at"]
    assert len(agent.sandbox.dials) == 1


@both_tools
def test_an_ended_call_is_repeated_once_and_the_repeat_can_be_repeated(tool: str) -> None:
    agent = Agent(tool)
    first = agent.id_of(agent.call())
    agent.end()
    second = agent.id_of(agent.call(repeat_of=first))
    assert second != first
    agent.end()
    # In whatever thread: the id of the call decides.
    assert agent.id_of(agent.call("other", repeat_of=first)) == second
    third = agent.id_of(agent.call(repeat_of=second))
    assert len({first, second, third}) == len(agent.sandbox.dials) == 3


@both_tools
def test_the_same_repeat_in_other_words_does_not_ring_again(tool: str) -> None:
    agent = Agent(tool)
    first = agent.id_of(agent.call())
    agent.end()
    second = agent.id_of(agent.call(repeat_of=first))
    agent.end()
    refused = agent.call(repeat_of=first, prompt="Say hello once more, I am an AI.")
    assert refused.artifact["code"] == "intent_conflict"
    assert f"repeat_of={second}" in refused.content
    assert len(agent.sandbox.dials) == 2


@both_tools
def test_only_an_ended_call_to_this_number_can_be_repeated(tool: str) -> None:
    agent = Agent(tool)
    connection = agent.sandbox.connect()
    other = run(act(MakeCall(phone_number="+12025550150", prompt=CALL["prompt"]), Guard()), connection)["call"]["id"]
    running = run(act(MakeCall(phone_number="+12025550103", prompt=CALL["prompt"]), Guard()), connection)["call"]["id"]
    dialed = len(agent.sandbox.dials)
    wrong = [
        ({"repeat_of": "made-up"}, "repeat_unknown"),
        ({"repeat_of": other}, "repeat_other_number"),
        ({"repeat_of": running, "phone_number": "+12025550103"}, "repeat_not_ended"),
    ]
    for arguments, code in wrong:
        refused = agent.call(**arguments)
        assert (refused.status, refused.artifact["code"]) == ("error", code)
        assert refused.artifact["next_step"]
        assert NUMBER not in refused.content
    assert len(agent.sandbox.dials) == dialed
    connection.send(CancelCall(call_id=running))
    agent.end()
    agent.call(repeat_of=running, phone_number="+12025550103")
    assert len(agent.sandbox.dials) == dialed + 1


def test_a_repeat_whose_answer_got_lost_is_found() -> None:
    agent = Agent()
    first = agent.id_of(agent.call())
    agent.end()
    agent.sandbox.faults.add(Fault("lose_after", on="make_call"))
    second = agent.call(repeat_of=first)
    assert second.artifact["adopted"]
    assert len(agent.sandbox.dials) == 2


def test_a_repeat_keeps_the_gap_between_calls() -> None:
    sandbox = Sandbox()
    connection, patient = sandbox.connect(), Guard(DialPolicy(min_gap_s=1e6))
    first = run(act(MakeCall(**CALL), patient), connection)["call"]["id"]
    sandbox.world.advance(3600)
    with pytest.raises(Refused) as refused:
        run(act(MakeCall(**CALL, repeat_of=first), patient), connection)
    assert refused.value.code == "recently_placed"
    assert "repeat_of" in refused.value.next_step


def test_what_a_model_writes_as_intent_stays_within_its_thread() -> None:
    agent = Agent()
    first = agent.id_of(agent.call("one", intent="reminder"))
    assert agent.id_of(agent.call("one", intent="reminder")) == first
    agent.end()
    assert agent.id_of(agent.call("two", intent="reminder")) != first


def test_a_name_and_a_repeat_are_not_given_together() -> None:
    with pytest.raises(ValueError, match="both given"):
        MakeCall(**CALL, intent="a", repeat_of="b")
    with pytest.raises(InvalidInput, match="Both intent and repeat_of"):
        CallInput.parse({**CALL, "intent": "a", "repeat_of": "b"})


def test_a_repeat_is_no_name() -> None:
    repeated = repeat_intent("x", phone_number=NUMBER, prompt="Hi")
    assert repeated.intent_id != named_intent("x", phone_number=NUMBER, prompt="Hi").intent_id
    assert repeated.intent_id != repeat_intent("x", phone_number="+12025550101", prompt="Hi").intent_id
    assert repeated.intent_id == repeat_intent("x", phone_number=NUMBER, prompt="Ho").intent_id


@pytest.mark.slow
def test_the_graph_repeats_an_ended_call() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect())
    first = graph.invoke(CALL)
    sandbox.world.advance(3600)
    second = graph.invoke({**CALL, "repeat_of": first["call_id"]})
    assert (second["adopted"], len(sandbox.dials)) == (False, 2)
    refused = graph.invoke({**CALL, "repeat_of": "made-up"})
    assert (refused["status"], refused["error"]["code"]) == ("refused", "repeat_unknown")
