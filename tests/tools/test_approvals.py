"""What a person is asked about in an agent: nothing that the guard refuses anyway, and with the voice it will have."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import DialPolicy, RevoxToolkit, Risk
from revox_langchain.operations.voices import ListVoices
from revox_langchain.sandbox import Fault, Sandbox
from tests.scripted_model import ScriptedModel, calls

HELLO = {"phone_number": "+12025550100", "prompt": "Please say hello to them, you are an AI."}
FRENCH = {"phone_number": "+33142685300", "prompt": "Confirmez le rendez-vous de mardi à quinze heures."}
THREAD: Any = {"configurable": {"thread_id": "t"}}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])
both_kinds = pytest.mark.parametrize("interrupts", ["batched", "per_call"])


def agent(sandbox: Sandbox, *turns: Any, interrupts: Any = "batched", risk: Risk = Risk.DIAL, **policy: Any) -> Any:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DELETE, fields="full", policy=DialPolicy(**policy))
    asking = HumanInTheLoopMiddleware(interrupt_on=toolkit.approvals(risk), interrupt_mode=interrupts)
    model = ScriptedModel(turns=[*turns, AIMessage("Done.")])
    return create_agent(model, toolkit.get_tools(), middleware=[asking], checkpointer=InMemorySaver())


def talk(an_agent: Any, given: Any = None, mode: str = "sync") -> dict[str, Any]:
    given = {"messages": [("user", "Call +12025550100 or +19005551234.")]} if given is None else given
    out = an_agent.invoke(given, THREAD) if mode == "sync" else asyncio.run(an_agent.ainvoke(given, THREAD))
    assert isinstance(out, dict)
    return out


def only_result(out: dict[str, Any]) -> ToolMessage:
    [message] = [message for message in out["messages"] if isinstance(message, ToolMessage)]
    return message


def described(asked: dict[str, Any]) -> str:
    return str(asked["__interrupt__"][0].value["action_requests"][0]["description"])


AT_NIGHT = {
    "allowed_days": ["monday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "02:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 60}
    ],
    "max_retry_attempts": 2,
}
REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"phone_number": "+19005551234"}, {}, "premium_number"),
    ({"phone_number": "112"}, {}, "emergency_number"),
    ({}, {"denied_numbers": ("+1202555*",)}, "number_denied"),
    ({}, {"allowed_countries": frozenset({"FR"})}, "country_not_allowed"),
    ({}, {"allowed_numbers": ("+33142685300",)}, "number_not_allowed"),
    ({"skip_calling_window": True}, {"local_hours": ("03:00", "04:00")}, "outside_local_hours"),
    ({"scheduled_at": "2020-01-01T10:00:00Z"}, {}, "scheduled_in_the_past"),
    (
        {"settings": {"call_retry_config": AT_NIGHT}},
        {},
        "outside_local_hours",
    ),
    ({"prompt": "Greet {{name}} in English, you are an AI."}, {"prompt_problems": "refuse"}, "missing_variable"),
    ({"prompt": "Say hello. You must deny that you are an AI."}, {"prompt_problems": "refuse"}, "denies_being_ai"),
    ({"prompt": "Ok"}, {}, "ambiguous_language"),
    ({"settings": {"webhook_url": "https://elsewhere.example/hook"}}, {}, "host_not_allowed"),
    (
        {"settings": {"transfer_destinations": [{"phone_number": "+19005551234", "description": "x"}]}},
        {},
        "premium_number",
    ),
    ({"phone_number": None}, {}, "invalid"),
]


@pytest.mark.parametrize(("change", "policy", "code"), REFUSED, ids=str)
def test_no_one_is_asked_about_what_the_guard_refuses_anyway(
    change: dict[str, Any], policy: dict[str, Any], code: str
) -> None:
    sandbox = Sandbox()
    arguments = {name: value for name, value in {**HELLO, **change}.items() if value is not None}
    out = talk(agent(sandbox, calls(("revox_make_call", arguments)), **policy))
    assert "__interrupt__" not in out
    refused = only_result(out)
    assert refused.status == "error"
    assert refused.artifact["code"] == code
    assert not sandbox.dials


@both_modes
@both_kinds
def test_in_both_ways_of_asking_the_tool_itself_refuses(interrupts: str, mode: str) -> None:
    call = calls(("revox_make_call", {**HELLO, "phone_number": "+19005551234"}))
    out = talk(agent(Sandbox(), call, interrupts=interrupts), mode=mode)
    assert "__interrupt__" not in out
    assert only_result(out).artifact["code"] == "premium_number"


ALLOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    # Whatever only Revox knows is no reason to keep the question from a person.
    ({"phone_number": "01 42 68 53 00"}, {}),
    ({"from_phone_number": "+12025550188"}, {}),
    ({"assistant_id": "a", "prompt": None, "prompt_variables": {"name": "Ada"}}, {"prompt_problems": "refuse"}),
    ({"phone_number": "+12025550109"}, {}),
    ({"prompt": "Greet {{name}} in English, you are an AI."}, {}),
]


@pytest.mark.parametrize(("change", "policy"), ALLOWED, ids=str)
def test_a_person_is_asked_about_everything_else_and_nothing_is_sent_before(
    change: dict[str, Any], policy: dict[str, Any]
) -> None:
    sandbox = Sandbox()
    arguments = {name: value for name, value in {**HELLO, **change}.items() if value is not None}
    an_agent = agent(sandbox, calls(("revox_make_call", arguments)), **policy)
    # The voices, for the question, are read once when it is made.
    assert sandbox.counts == {"revox_list_voices": 1}
    assert talk(an_agent)["__interrupt__"]
    assert sandbox.counts == {"revox_list_voices": 1}


@both_kinds
def test_a_no_stays_a_no_when_the_call_could_not_be_placed_any_more(interrupts: str) -> None:
    sandbox = Sandbox()
    soon = sandbox.connect().clock.now_s() + 300
    moment = datetime.fromtimestamp(soon, UTC).isoformat()
    an_agent = agent(sandbox, calls(("revox_make_call", {**HELLO, "scheduled_at": moment})), interrupts=interrupts)
    [asked] = talk(an_agent)["__interrupt__"]
    sandbox.world.advance(3600)
    decision: Any = {"type": "reject", "message": "not now"}
    answer = {"decisions": [decision]} if interrupts == "batched" else {asked.id: decision}
    assert "not now" in str(only_result(talk(an_agent, Command(resume=answer))).content)
    assert not sandbox.dials


def test_a_refused_call_beside_one_that_is_asked_about_goes_its_own_way() -> None:
    sandbox = Sandbox()
    turn = calls(("revox_make_call", {**HELLO, "phone_number": "+19005551234"}), ("revox_make_call", HELLO))
    an_agent = agent(sandbox, turn)
    [asked] = talk(an_agent)["__interrupt__"]
    [request] = asked.value["action_requests"]
    assert request["args"] == HELLO
    out = talk(an_agent, Command(resume={"decisions": [{"type": "approve"}]}))
    codes = [m.artifact.get("code") for m in out["messages"] if isinstance(m, ToolMessage)]
    assert codes == ["premium_number", None]
    assert len(sandbox.dials) == 1


def test_other_tools_are_looked_at_first_too() -> None:
    sandbox = Sandbox()
    past = {"campaign_id": "c", "scheduled_at": "2020-01-01T10:00:00Z"}
    contacts = [{"to_phone_number": "+19005551234"}]
    campaign = {"name": "Mine", "assistant_id": "a", "contacts": contacts}
    hook = {"name": "A", "prompt": "Say hello to them.", "settings": {"webhook_url": "https://elsewhere.example/"}}
    for name, arguments, code in (
        ("revox_launch_campaign", past, "scheduled_in_the_past"),
        ("revox_create_campaign", campaign, "premium_number"),
        ("revox_create_assistant", hook, "host_not_allowed"),
    ):
        out = talk(agent(sandbox, calls((name, arguments)), risk=Risk.WRITE))
        assert "__interrupt__" not in out
        assert only_result(out).artifact["code"] == code


@both_modes
def test_the_first_question_of_a_fresh_agent_names_the_voice_it_gets(mode: str) -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, calls(("revox_make_call", FRENCH)))
    asked = talk(an_agent, mode=mode)
    assert "was chosen for French" in described(asked)
    talk(an_agent, Command(resume={"decisions": [{"type": "approve"}]}), mode)
    voice = sandbox.dials[0]["assistant"]["voice"]
    assert f"{voice['provider']}:{voice['id']}" in described(asked)
    assert sandbox.counts["revox_list_voices"] == 1


async def test_an_agent_made_in_a_running_loop_reads_the_voices_without_holding_it_up() -> None:
    sandbox = Sandbox()
    an_agent = agent(sandbox, calls(("revox_make_call", FRENCH)))
    while not sandbox.counts["revox_list_voices"] or threading_reads():
        await asyncio.sleep(0.01)
    asked = await an_agent.ainvoke({"messages": [("user", "Call +33142685300.")]}, THREAD)
    assert "was chosen for French" in described(asked)


def threading_reads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "revox-voices"]


def test_without_voices_the_question_names_the_language_and_the_next_one_the_voice() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("status", on="revox_list_voices", status=403, times=2))
    describe = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL).approvals()["revox_make_call"]["description"]
    call = {"name": "revox_make_call", "args": FRENCH, "id": "1"}
    assert "a voice that speaks it is chosen before" in describe(call, {}, None)
    assert "was chosen for French" in describe(call, {}, None)


async def test_a_question_in_a_loop_goes_by_an_old_list_rather_than_none() -> None:
    sandbox = Sandbox()
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL)
    describe = (await asyncio.to_thread(toolkit.approvals))["revox_make_call"]["description"]
    sandbox.world.advance(3600)
    sandbox.faults.add(Fault("status", on="revox_list_voices", status=403, times=2))
    assert toolkit.connection.recalled(ListVoices(), 600) is None
    assert "was chosen for French" in describe({"name": "revox_make_call", "args": FRENCH, "id": "1"}, {}, None)


def test_voices_are_read_only_where_calls_are_asked_about() -> None:
    sandbox = Sandbox()
    RevoxToolkit.sandbox(sandbox, max_risk=Risk.WRITE).approvals(Risk.WRITE)
    RevoxToolkit.sandbox(sandbox, max_risk=Risk.DELETE).approvals(Risk.DELETE)
    assert not sandbox.counts


def test_the_question_says_that_it_is_a_sandbox_that_would_be_called() -> None:
    asked = talk(agent(Sandbox(), calls(("revox_make_call", HELLO))))
    assert "Sandbox: no real phone rings." in described(asked)


def test_an_agent_that_has_listed_voices_asks_with_the_voice_by_name() -> None:
    turns = calls(("revox_list_voices", {})), calls(("revox_make_call", FRENCH), start=1)
    assert "was chosen for French" in described(talk(agent(Sandbox(), *turns)))


@pytest.mark.slow
def test_a_voice_that_is_given_is_not_talked_about() -> None:
    given = {**FRENCH, "voice_provider": "cartesia", "voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41"}
    assert "voice" not in described(talk(agent(Sandbox(), calls(("revox_make_call", given))))).lower()
