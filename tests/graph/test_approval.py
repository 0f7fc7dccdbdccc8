"""A person approves what will ring: the assistant as the order will use it, and nothing that came after."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain.answers import digest
from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Fault, Sandbox

NUMBER = "+12025550100"
REQUEST = {
    "phone_number": NUMBER,
    "prompt": "Confirmez le rendez-vous de mardi à quinze heures, vous êtes une IA.",
    "first_sentence": "Bonjour, ici l'assistante virtuelle du cabinet.",
}
THREAD: Any = {"configurable": {"thread_id": "t"}}
FIFTY = {
    "allowed_days": ["monday", "tuesday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 60}
    ],
    "max_retry_attempts": 50,
}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def invoke(graph: Any, given: Any, mode: str = "sync") -> Any:
    return graph.invoke(given, THREAD) if mode == "sync" else asyncio.run(graph.ainvoke(given, THREAD))


def graph_of(sandbox: Sandbox, **options: Any) -> Any:
    return call_graph(sandbox.connect(), approve=True, checkpointer=InMemorySaver(), **options)


def question(out: dict[str, Any]) -> dict[str, Any]:
    [asked] = out["__interrupt__"]
    shown: dict[str, Any] = asked.value
    return shown


def yes(shown: dict[str, Any]) -> Command[Any]:
    return Command(resume={"decision": "approve", "arguments_hash": shown["arguments_hash"]})


def stored(sandbox: Sandbox, **fields: Any) -> str:
    answer = sandbox.connect().send(
        CreateAssistant(name="Stored", prompt="Say hello, I am an AI.", first_sentence="Hello, I am an AI.")
    )
    sandbox.world.assistants[answer["assistant"]["id"]].update(fields)
    return str(answer["assistant"]["id"])


@both_modes
def test_a_prompt_that_is_approved_goes_inside_the_call_and_a_no_leaves_nothing_behind(mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    shown = question(invoke(graph, REQUEST, mode))
    assert not sandbox.world.assistants
    out = invoke(graph, yes(shown), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1
    assert not sandbox.world.assistants


@both_modes
def test_the_question_shows_what_only_revox_knows_of_a_stored_assistant(mode: str) -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox, call_retry_config=FIFTY, max_call_duration_secs=600)
    graph = graph_of(sandbox)
    shown = question(invoke(graph, {"phone_number": NUMBER, "assistant_id": assistant_id}, mode))
    assert shown["arguments"]["prompt"] == "Say hello, I am an AI."
    assert shown["arguments"]["first_sentence"] == "Hello, I am an AI."
    assert shown["arguments"]["max_attempts"] == 50
    assert shown["arguments"]["max_minutes"] == 500
    assert "50 attempts" in shown["message"]


@both_modes
@pytest.mark.parametrize("kind", ["given", "kept"])
def test_an_assistant_edited_while_the_question_is_open_is_asked_about_again(kind: str, mode: str) -> None:
    sandbox = Sandbox()
    if kind == "given":
        request: dict[str, Any] = {"phone_number": NUMBER, "assistant_id": stored(sandbox)}
        graph = graph_of(sandbox)
    else:
        request, graph = REQUEST, graph_of(sandbox, inline=False)
    first = question(invoke(graph, request, mode))
    [assistant] = sandbox.world.assistants.values()
    assistant["call_retry_config"] = FIFTY

    again = question(invoke(graph, yes(first), mode))
    assert not sandbox.dials
    assert again["arguments_hash"] != first["arguments_hash"]
    assert again["arguments"]["max_attempts"] == 50
    assert any("no longer the one that was approved" in warning for warning in again["warnings"])

    # The same yes, delivered a second time, is no answer to the new question.
    repeated = question(invoke(graph, yes(first), mode))
    assert repeated["arguments_hash"] == again["arguments_hash"]
    assert not sandbox.dials

    out = invoke(graph, yes(again), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_a_kept_assistant_that_was_edited_to_ring_more_often_is_not_taken_for_the_same() -> None:
    sandbox = Sandbox()
    first = call_graph(sandbox.connect())
    first.invoke(REQUEST)
    [assistant] = sandbox.world.assistants.values()
    assistant["call_retry_config"] = FIFTY
    sandbox.world.advance(120)
    graph = graph_of(sandbox, inline=False)
    shown = question(invoke(graph, REQUEST))
    assert shown["arguments"]["max_attempts"] == 3
    assert len(sandbox.world.assistants) == 2


def test_an_edit_of_the_question_is_read_again_before_it_dials() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    invoke(graph, REQUEST)
    edit = {"decision": "edit", "edits": {"max_attempts": 1}}
    again = question(invoke(graph, Command(resume=edit)))
    assert again["arguments"]["max_attempts"] == 1
    assert not sandbox.dials
    # A yes that may be meant for what was shown before the edit.
    open_still = question(invoke(graph, Command(resume=True)))
    assert "does not count" in open_still["warnings"][-1]
    assert not sandbox.dials
    out = invoke(graph, yes(again))
    assert out["status"] == "completed"
    [order] = sandbox.dials
    assert order["call_retry_config"]["max_retry_attempts"] == 1


ACTION = {"action": "revox_call", "args": {}}
YES: list[Any] = [
    True,
    "yes",
    " Yes. ",
    "approve",
    '{"decision": "approve"}',
    {"decision": "approve"},
    {"decision": "yes"},
    {"type": "accept", "args": None},
    [{"type": "accept", "args": None}],
    [{"type": "accept", "args": ACTION}],
    [{"type": "response", "args": "yes"}],
    {"decisions": [{"type": "approve"}]},
    {"type": "approve"},
]
NO: list[Any] = [
    False,
    "no",
    "reject",
    {"decision": "reject"},
    [{"type": "ignore", "args": None}],
    [{"type": "response", "args": "not today"}],
    {"decisions": [{"type": "reject", "message": "not today"}]},
    {"decisions": [{"type": "respond", "message": "not today"}]},
]
NEITHER: list[Any] = [
    0,
    1,
    "",
    "perhaps",
    "edit",
    [],
    [True],
    ["yes"],
    [True, True],
    {"decision": "perhaps"},
    {"decision": "approve", "arguments_hash": 7},
    {"decision": "approve", "edits": {"max_attempts": 1}},
    {"decision": "edit"},
    {"decision": "edit", "edits": {}},
    {"decision": "edit", "edits": {"promt": "Bonjour"}},
    {"decision": "edit", "edits": {"language": "klingon"}},
    {"decision": "edit", "edits": {"prompt": None, "assistant_id": "none-such"}},
    {"decision": "edit", "edits": {"max_attempts": "often"}},
    {"decision": "approve", "colour": "red"},
    {"answer": "approve"},
    [{"type": "edit", "args": None}],
    [{"type": "accept", "args": {"action": "revox_call", "args": {"phone_number": "+12025550114"}}}],
    [{"type": "response", "args": ""}],
    {"type": "dance"},
    {"decisions": [{"type": "approve"}, {"type": "approve"}]},
    {"decisions": []},
]


@pytest.mark.a_few(every=5)
@both_modes
@pytest.mark.parametrize("answer", YES, ids=str)
def test_a_yes_in_any_usual_shape_approves_a_question_asked_the_first_time(answer: Any, mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    question(invoke(graph, REQUEST, mode))
    out = invoke(graph, Command(resume=answer), mode)
    assert out["status"] == "completed"
    assert out["warnings"] == []
    assert len(sandbox.dials) == 1


@pytest.mark.parametrize("answer", NO, ids=str)
def test_a_no_in_any_usual_shape_rejects(answer: Any) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    question(invoke(graph, REQUEST))
    out = invoke(graph, Command(resume=answer))
    assert (out["status"], out["error"]["code"]) == ("refused", "rejected")
    assert ("not today" in out["error"]["message"]) == ("not today" in str(answer))
    assert not sandbox.dials


@pytest.mark.a_few(every=9)
@both_modes
@pytest.mark.parametrize("answer", NEITHER, ids=str)
def test_anything_else_keeps_the_question_open_with_a_sentence(answer: Any, mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    before = question(invoke(graph, REQUEST, mode))
    after = question(invoke(graph, Command(resume=answer), mode))
    assert after["arguments"] == before["arguments"]
    assert after["warnings"][:-1] == before["warnings"]
    assert after["warnings"][-1].endswith(".")
    assert after["description"].startswith(after["warnings"][-1])
    assert not sandbox.dials
    # Nothing has changed, so a plain yes still counts, and the slip leaves no trace in the result.
    out = invoke(graph, Command(resume=True), mode)
    assert (out["status"], out["warnings"]) == ("completed", before["warnings"])


def test_the_question_shows_the_answers_it_takes() -> None:
    for name, ended in (("approve", "completed"), ("reject", "refused")):
        sandbox = Sandbox()
        graph = graph_of(sandbox)
        shown = question(invoke(graph, REQUEST))
        assert "true or false" in shown["how_to_answer"]
        assert invoke(graph, Command(resume=shown["answers"][name]))["status"] == ended
    graph = graph_of(Sandbox())
    edit = question(invoke(graph, REQUEST))["answers"]["edit"]
    edit["edits"] = {"first_sentence": "Bonjour, je suis une IA."}
    again = question(invoke(graph, Command(resume=edit)))
    assert again["arguments"]["first_sentence"] == "Bonjour, je suis une IA."


@pytest.mark.parametrize("shape", ["inbox", "inbox as text", "middleware"])
def test_an_edit_made_in_a_form_is_taken_for_what_it_changes(shape: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    shown = question(invoke(graph, {**REQUEST, "max_attempts": 2, "prompt_variables": {"name": "Ada"}}))
    assert shown["config"]["allow_edit"]
    form = {**shown["action_request"]["args"], "max_attempts": 1}
    if shape == "inbox as text":
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
    action = {"action": "revox_call", "args": form}
    answer: Any = [{"type": "edit", "args": action}]
    if shape == "middleware":
        answer = {"decisions": [{"type": "edit", "edited_action": {"name": "revox_call", "args": form}}]}
    again = question(invoke(graph, Command(resume=answer)))
    assert again["arguments"]["max_attempts"] == 1
    assert again["arguments"]["prompt_variables"] == {"name": "Ada"}
    assert not sandbox.dials
    # Agent Inbox sends back what it showed, which holds the hash: an accept of what is shown now counts.
    old = question(invoke(graph, Command(resume=[{"type": "accept", "args": shown["action_request"]}])))
    assert not sandbox.dials
    out = invoke(graph, Command(resume=[{"type": "accept", "args": old["action_request"]}]))
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


@pytest.mark.a_few(every=6)
@both_modes
@pytest.mark.parametrize("answer", YES, ids=str)
def test_a_question_asked_again_wants_its_hash_or_the_interrupts_id(answer: Any, mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, inline=False)
    invoke(graph, REQUEST, mode)
    [assistant] = sandbox.world.assistants.values()
    assistant["call_retry_config"] = FIFTY
    changed = question(invoke(graph, Command(resume=True), mode))
    assert "hash" in changed["how_to_answer"]

    still = invoke(graph, Command(resume=answer), mode)
    assert not sandbox.dials
    assert "does not count" in question(still)["warnings"][-1]

    [asked] = still["__interrupt__"]
    out = invoke(graph, Command(resume={asked.id: answer}), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_a_no_counts_however_often_the_question_was_asked() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    invoke(graph, REQUEST)
    question(invoke(graph, Command(resume={"decision": "edit", "edits": {"max_attempts": 1}})))
    assert invoke(graph, Command(resume=False))["error"]["code"] == "rejected"
    assert not sandbox.dials


def test_a_question_left_open_makes_the_next_one_with_other_words_one_asked_again() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    invoke(graph, REQUEST)
    invoke(graph, {**REQUEST, "prompt": "Annulez le rendez-vous de mardi, vous êtes une IA."})
    # It may be the answer to the first one, sent late.
    assert "does not count" in question(invoke(graph, Command(resume=True)))["warnings"][-1]
    assert not sandbox.dials


def test_a_run_that_ended_leaves_no_question_behind() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    invoke(graph, REQUEST)
    invoke(graph, Command(resume=False))
    invoke(graph, {**REQUEST, "prompt": "Annulez le rendez-vous de mardi, vous êtes une IA."})
    assert invoke(graph, Command(resume=True))["status"] == "completed"
    assert len(sandbox.dials) == 1


@pytest.mark.a_few(every=13)
@both_modes
@pytest.mark.parametrize("answer", [*YES, *NO[:4], *NEITHER], ids=str)
def test_the_unknown_outcome_takes_no_bare_yes_and_stays_open_with_a_sentence(answer: Any, mode: str) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    invoke(graph, REQUEST, mode)
    asked = invoke(graph, Command(resume=answer), mode)
    assert "look_again" in question(asked)["warnings"][-1]
    # Naming the interrupt says which question, not which answer.
    asked = invoke(graph, Command(resume={asked["__interrupt__"][0].id: answer}), mode)
    assert sandbox.counts["revox_make_call"] == 1
    out = invoke(graph, Command(resume=question(asked)["answers"]["give_up"]), mode)
    assert out["status"] == "given_up"


@pytest.mark.parametrize("answer", ["dial", {"decision": "dial"}, [{"type": "response", "args": "dial"}]], ids=str)
def test_the_unknown_outcome_takes_its_own_words_in_any_usual_shape(answer: Any) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    invoke(graph, REQUEST)
    assert invoke(graph, Command(resume=answer))["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_the_question_shows_which_call_is_repeated_and_a_yes_is_tied_to_it() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    first = call_graph(connection).invoke(REQUEST)["call_id"]
    sandbox.world.advance(86_400)
    graph = graph_of(sandbox)
    plain = question(invoke(graph, REQUEST))
    assert "repeat_of" not in plain["arguments"]
    shown = question(invoke(graph, {**REQUEST, "repeat_of": first}))
    assert shown["arguments"]["repeat_of"] == first
    assert shown["arguments_hash"] != plain["arguments_hash"]
    assert shown["arguments_hash"] == digest(shown["arguments"])
    assert question(invoke(graph, yes(plain)))["arguments_hash"] == shown["arguments_hash"]
    out = invoke(graph, yes(shown))
    assert (out["status"], out["adopted"]) == ("completed", False)
    assert len(sandbox.dials) == 2


def shown_by_agent_inbox(value: dict[str, Any]) -> dict[str, Any] | None:
    """What Agent Inbox makes of a question, as its `contexts/utils.ts` reads it: its buttons and arguments."""
    if value.get("action_requests"):
        request, decisions = value["action_requests"][0], value["review_configs"][0]["allowed_decisions"]
        buttons = {"accept": "approve" in decisions, "edit": "edit" in decisions, "respond": "reject" in decisions}
        return {"args": request["args"], "description": request.get("description"), **buttons}
    if "action_request" in value and "config" in value:
        buttons = {name.removeprefix("allow_"): allowed for name, allowed in value["config"].items()}
        return {"args": value["action_request"]["args"], "description": value.get("description"), **buttons}
    return None


def shown_by_agent_chat_ui(value: dict[str, Any]) -> bool:
    """Whether agent-chat-ui shows buttons, as its `agent-inbox-interrupt.ts` decides; else it shows the JSON."""
    requests, configs = value.get("action_requests"), value.get("review_configs")
    return (
        isinstance(requests, list)
        and isinstance(configs, list)
        and bool(requests and configs)
        and all(isinstance(each.get("name"), str) and isinstance(each.get("args"), dict) for each in requests)
        and all(isinstance(each.get("allowed_decisions"), list) for each in configs)
    )


@both_modes
@pytest.mark.parametrize("how", ["approve", "reject", "edit"])
def test_agent_inbox_and_agent_chat_ui_show_the_question_and_their_answers_count(how: str, mode: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    shown = question(invoke(graph, REQUEST, mode))
    assert shown_by_agent_chat_ui(shown)
    form = shown_by_agent_inbox(shown)
    assert form is not None
    assert form["accept"]
    assert form["edit"]
    assert form["respond"]
    assert f"Call {NUMBER}?" in form["description"]
    # Both send every argument back with an edit.
    edited = {"name": "revox_call", "args": {**form["args"], "first_sentence": "Bonjour, ici l'assistante."}}
    sent = {"type": how, **({"edited_action": edited} if how == "edit" else {})}
    out = invoke(graph, Command(resume={"decisions": [sent]}), mode)
    if how == "edit":
        assert question(out)["arguments"]["first_sentence"] == "Bonjour, ici l'assistante."
        out = invoke(graph, yes(question(out)), mode)
    assert out["status"] == ("refused" if how == "reject" else "completed")
    assert len(sandbox.dials) == (how != "reject")


@both_modes
def test_agent_inbox_shows_the_question_about_a_lost_answer(mode: str) -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    shown = question(invoke(graph, REQUEST, mode))
    form = shown_by_agent_inbox(shown)
    assert form is not None
    assert (form["respond"], form["accept"]) == (True, False)
    assert "look_again" in form["description"]
    out = invoke(graph, Command(resume=[{"type": "response", "args": "dial"}]), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1
