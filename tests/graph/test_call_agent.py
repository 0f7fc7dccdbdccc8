"""The agent: asks before it rings, says in a typed result what has happened, and can be shown without a model."""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel

from revox_langchain import InvalidInput, RevoxToolkit
from revox_langchain.graph import DemonstrationModel, create_call_agent
from revox_langchain.graph.agent.build import prompt_of
from revox_langchain.graph.agent.report import CallReport
from revox_langchain.graph.agent.script import asked_in
from revox_langchain.operations.calls import GetCall
from revox_langchain.sandbox import Fault, Sandbox
from tests.scripted_model import ScriptedModel, calls

NUMBER = "+12025550100"
HELLO = {"phone_number": NUMBER, "prompt": "Please say hello to them."}
THREAD: Any = {"configurable": {"thread_id": "t"}}
YES = {"decisions": [{"type": "approve"}]}
REPORT = {"message": "They said yes.", "happened": "called", "call_ids": []}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def agent(sandbox: Sandbox, model: Any, **options: Any) -> Any:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk="dial", toolsets=("calling",))
    return create_call_agent(model, toolkit, checkpointer=InMemorySaver(), **options)


def talk(an_agent: Any, given: Any, mode: str = "sync") -> dict[str, Any]:
    given = {"messages": [("user", given)]} if isinstance(given, str) else Command(resume=given)
    out = an_agent.invoke(given, THREAD) if mode == "sync" else asyncio.run(an_agent.ainvoke(given, THREAD))
    assert isinstance(out, dict)
    return out


def asked_about(out: dict[str, Any]) -> dict[str, Any]:
    [question] = out["__interrupt__"]
    [request] = question.value["action_requests"]
    return dict(request)


def reported(out: dict[str, Any]) -> dict[str, Any]:
    assert "__interrupt__" not in out
    return dict(out["structured_response"])


@both_modes
def test_the_demonstration_asks_for_what_is_missing_calls_and_says_how_it_went(mode: str) -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, DemonstrationModel())
    first = reported(talk(an_agent, "hello", mode))
    assert "demonstration model" in first["message"]
    assert first["happened"] == "asks"
    assert "What should I" in reported(talk(an_agent, "Please call +1 202 555 0100", mode))["message"]
    asked = asked_about(talk(an_agent, "ask whether Tuesday at 3 pm suits them", mode))
    assert asked["args"]["phone_number"] == NUMBER
    assert asked["args"]["prompt"] == "Ask whether Tuesday at 3 pm suits them"
    assert not sandbox.dials
    assert sandbox.counts["revox_list_voices"]
    ended = reported(talk(an_agent, YES, mode))
    assert ended["happened"] == "called"
    assert ended["call_ids"] == [order["id"] for order in sandbox.dials]
    assert "demonstration" not in ended["message"]
    assert "assistant: Hello" in reported(talk(an_agent, "What did they say?", mode))["message"]
    assert len(sandbox.dials) == 1


def test_the_demonstration_calls_the_same_number_again_when_it_is_asked_to() -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, DemonstrationModel())
    for task in ("ask whether Tuesday suits them.", "tell them that Tuesday is cancelled."):
        talk(an_agent, f"Call {NUMBER} and {task}")
        assert reported(talk(an_agent, YES))["happened"] == "called"
        # Sooner a second call to the same person is taken for a slip.
        sandbox.world.advance(300)
    assert len(sandbox.dials) == 2


def test_the_demonstration_speaks_the_language_of_what_it_is_asked_to_do() -> None:
    said = "Appelez le +33142685300 et confirmez le rendez-vous de mardi à quinze heures."
    asked = asked_about(talk(agent(Sandbox(), DemonstrationModel()), said))
    assert asked["args"]["language"] == "fr"
    assert asked["args"]["prompt"] == "Confirmez le rendez-vous de mardi à quinze heures."
    assert "was chosen for French" in asked["description"]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"decisions": [{"type": "reject", "message": "not now"}]}, "not_called"),
        (YES, "called"),
    ],
)
def test_a_no_is_a_report_as_well_as_a_yes(answer: dict[str, Any], word: str) -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, DemonstrationModel())
    talk(an_agent, f"Call {NUMBER} and say hello to them.")
    assert reported(talk(an_agent, answer))["happened"] == word
    assert len(sandbox.dials) == (word == "called")


def test_a_refused_number_is_reported_with_what_to_do() -> None:
    said = reported(talk(agent(Sandbox(), DemonstrationModel()), "Call +19005551234 and say hello to them."))
    assert said["happened"] == "not_called"
    assert "premium" in said["message"]


@pytest.mark.parametrize(
    ("texts", "number", "task"),
    [
        (["hello"], None, None),
        (["What can you do for me?"], None, None),
        (["Call +1 202 555 0100, please."], NUMBER, None),
        (["Ask them whether they open on Monday"], None, "Ask them whether they open on Monday"),
        (["Say hello to +1 (202) 555-0100"], NUMBER, "Say hello"),
        (["Call +12025550101", "no, +1-202-555-0100", "ask for Ada"], NUMBER, "Ask for Ada"),
    ],
)
def test_the_script_puts_a_request_together(texts: list[str], number: str | None, task: str | None) -> None:
    asked = asked_in(texts)
    assert (asked.number, asked.task) == (number, task)


@both_modes
def test_an_edited_number_is_the_persons_and_is_dialed(mode: str) -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, ScriptedModel(turns=[calls(("revox_make_call", HELLO)), calls(("CallReport", REPORT))]))
    talk(an_agent, "Greet them, please.", mode)
    edited = {"name": "revox_make_call", "args": {**HELLO, "phone_number": "+12025550114"}}
    out = talk(an_agent, {"decisions": [{"type": "edit", "edited_action": edited}]}, mode)
    assert reported(out) == REPORT
    assert [order["to_phone_number"] for order in sandbox.dials] == ["+12025550114"]


def test_a_number_from_the_models_own_report_is_not_given_by_anyone() -> None:
    class Found(BaseModel):
        message: str

    sandbox = Sandbox()
    made_up = calls(("Found", {"message": "Their number is +12025550114."}))
    dials = calls(("revox_make_call", {**HELLO, "phone_number": "+12025550114"}), start=1)

    def refused(an_agent: Any) -> bool:
        out = talk(an_agent, "Call them.")
        [result] = [m for m in out["messages"] if isinstance(m, ToolMessage) and m.name == "revox_make_call"]
        return bool(result.artifact["code"] == "number_not_given")

    turns = [made_up, dials, AIMessage("Done.")]
    an_agent = agent(sandbox, ScriptedModel(turns=turns), approve_from=None, report=Found)
    talk(an_agent, "Whom did I want to call?")
    assert refused(an_agent)
    # What langchain writes among the results of tools where nobody words it.
    echo = ToolMessage("Returning structured response: +12025550114", tool_call_id="call-0", name="Found")
    other = agent(sandbox, ScriptedModel(turns=turns[1:]), approve_from=None)
    other.update_state(THREAD, {"messages": [("user", "Whom?"), made_up, echo]})
    assert refused(other)
    assert not sandbox.dials


def test_the_question_shows_the_json_that_answers_it() -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, ScriptedModel(turns=[calls(("revox_make_call", HELLO)), calls(("CallReport", REPORT))]))
    shown = asked_about(talk(an_agent, f"Greet {NUMBER}."))["description"]
    answers = {
        line.partition(": ")[0]: line.partition(": ")[2] for line in shown.splitlines() if line.startswith("To ")
    }
    assert list(answers) == ["To approve", "To reject", "To change it"]
    edit = json.loads(answers["To change it"])
    assert edit["decisions"][0]["edited_action"] == {"name": "revox_make_call", "args": HELLO}
    talk(an_agent, edit)
    assert [order["to_phone_number"] for order in sandbox.dials] == [NUMBER]


def test_a_dial_over_the_limit_is_neither_asked_about_nor_placed() -> None:
    sandbox = Sandbox()
    other = {**HELLO, "phone_number": "+12025550114"}
    turn = calls(("revox_make_call", HELLO), ("revox_make_call", other))
    an_agent = agent(sandbox, ScriptedModel(turns=[turn, calls(("CallReport", REPORT), start=2)]), max_dials=1)
    assert asked_about(talk(an_agent, f"Greet {NUMBER} and +12025550114."))["args"] == HELLO
    assert reported(talk(an_agent, YES)) == REPORT
    assert [order["to_phone_number"] for order in sandbox.dials] == [NUMBER]


def test_a_model_that_goes_round_in_circles_is_stopped() -> None:
    sandbox = Sandbox()
    turns = [calls(("revox_list_voices", {}), start=n) for n in range(20)]
    out = talk(agent(sandbox, ScriptedModel(turns=turns), max_model_calls=3), "Which voices are there?")
    assert "limit" in str(out["messages"][-1].content).lower()
    assert len([m for m in out["messages"] if isinstance(m, AIMessage) and m.tool_calls]) == 3


def test_only_reads_are_tried_again() -> None:
    from revox_langchain.graph.agent.build import stock

    toolkit = RevoxToolkit.sandbox(max_risk="dial", toolsets=("calling",))
    [retry] = [each for each in stock(toolkit, None, 5, 50) if isinstance(each, ToolRetryMiddleware)]
    reads = {"list_voices", "list_assistants", "get_call", "wait_for_call", "recover_call"}
    assert set(retry._tool_filter or ()) == {f"revox_{name}" for name in reads}


def test_a_model_that_answers_in_words_leaves_the_report_out() -> None:
    out = talk(agent(Sandbox(), ScriptedModel(turns=[AIMessage("Hello!")])), "hello")
    assert out["messages"][-1].text == "Hello!"
    assert out.get("structured_response") is None


def test_the_report_can_be_ones_own_or_none() -> None:
    class Booked(BaseModel):
        slot: str

    sandbox = Sandbox()
    model = ScriptedModel(turns=[calls(("Booked", {"slot": "Tuesday"}))])
    assert talk(agent(sandbox, model, report=Booked), "hello")["structured_response"].slot == "Tuesday"
    model = ScriptedModel(turns=[AIMessage("Hello!")])
    assert "structured_response" not in talk(agent(sandbox, model, report=None), "hello")
    toolkit = RevoxToolkit.sandbox(sandbox)
    assert prompt_of(toolkit, "You work for a dentist.", Booked).startswith("You work for a dentist.\nYou can make")
    assert prompt_of(toolkit, "", Booked).endswith("End every turn with Booked, also when you only ask or answer.")
    assert "every turn" not in prompt_of(toolkit, "", None)
    assert CallReport.__name__ in prompt_of(toolkit, "", CallReport)


def test_a_failed_look_up_of_a_call_is_said_and_not_raised() -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, DemonstrationModel())
    talk(an_agent, f"Call {NUMBER} and say hello to them.")
    talk(an_agent, YES)
    sandbox.faults.add(Fault("status", on=GetCall, status=403, times=None))
    assert "did not work" in reported(talk(an_agent, "How did it go?"))["message"]


def test_without_langchain_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.agents", None)
    with pytest.raises(InvalidInput, match=r"revox-langchain\[agent\]"):
        create_call_agent(DemonstrationModel(), RevoxToolkit.sandbox())


@pytest.mark.parametrize("key", [None, "rvx_secret_key"])
def test_what_studio_opens_shows_the_demonstration_in_a_sandbox_even_with_a_key(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVOX_AGENT_MODEL", raising=False)
    if key:
        monkeypatch.setenv("REVOX_API_KEY", key)
    opened = runpy.run_path(str(Path(__file__).parents[2] / "graphs" / "agent.py"))
    assert opened["connection"].sandbox
    out = opened["graph"].invoke({"messages": [("user", "hello")]})
    assert "demonstration model" in out["structured_response"]["message"]


@pytest.mark.slow
def test_the_model_of_the_environment_is_the_agents_and_then_a_key_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOX_AGENT_MODEL", "openai:gpt-5.5")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    monkeypatch.setenv("REVOX_API_KEY", "rvx_secret_key")
    opened = runpy.run_path(str(Path(__file__).parents[2] / "graphs" / "agent.py"))
    assert not opened["connection"].sandbox
    opened["connection"].close()
