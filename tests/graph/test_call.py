"""The call graph, from input to output: what goes in, what comes out, who is asked, and what stays out of the state."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from pydantic import ValidationError
from typing_extensions import TypedDict

from revox_langchain import AuthError, Budget, DialPolicy, InvalidInput, PlacementUnknown, RevoxToolError, WaitPolicy
from revox_langchain.dialing.intent import MARK
from revox_langchain.graph import CallInput, CallOutput, call_graph, call_graph_tool, create_call_graph
from revox_langchain.operations.assistants import CreateAssistant, ListAssistants, UpdateAssistant
from revox_langchain.operations.calls import CancelCall, GetCall, GetCallHistory, MakeCall
from revox_langchain.sandbox import Fault, Sandbox

FRENCH: dict[str, Any] = {
    "phone_number": "+12025550100",
    "prompt": "Confirmez le rendez-vous de mardi à 15 heures avec le client.",
    "language": "fr",
}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])
INPUT_KEYS = set(CallInput.model_fields)
OUTPUT_KEYS = {
    "placed_at",
    "sandbox",
    "status",
    "call_id",
    "intent_id",
    "adopted",
    "assistant_id",
    "language",
    "voice",
    "disposition",
    "conclusion",
    "outcome",
    "outcome_summary",
    "transcript",
    "structured_output",
    "recording_url",
    "attempts",
    "notes",
    "warnings",
    "error",
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def thread(name: str = "t") -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


def invoke(graph: Any, given: Any, config: Any = None, mode: str = "sync", **options: Any) -> Any:
    if mode == "sync":
        return graph.invoke(given, config, **options)
    return asyncio.run(graph.ainvoke(given, config, **options))


def saved(sandbox: Sandbox, **settings: Any) -> Any:
    return call_graph(sandbox.connect(), checkpointer=InMemorySaver(), **settings)


@both_modes
def test_a_prompt_and_a_number_become_a_finished_call(sandbox: Sandbox, mode: str) -> None:
    out = invoke(saved(sandbox), FRENCH, thread(), mode)
    assert set(out) == OUTPUT_KEYS == set(CallOutput.model_fields)
    assert out["status"] == "completed"
    assert out["disposition"] == "answered"
    assert out["language"] == "fr"
    assert out["voice"]["language"] == "fr"
    assert {"id", "provider", "name", "language", "accent"} <= set(out["voice"])
    assert out["call_id"] == sandbox.dials[0]["id"]
    assert out["error"] is None
    assert not out["adopted"]
    assert {turn["role"] for turn in out["transcript"]} >= {"assistant", "user"}
    assert out["attempts"][0]["disposition"] == "answered"
    assert out["recording_url"]
    assert json.dumps(out)


@both_modes
def test_a_run_without_a_thread_works(sandbox: Sandbox, mode: str) -> None:
    assert invoke(call_graph(sandbox.connect()), FRENCH, mode=mode)["status"] == "completed"


def test_the_assistant_that_talks_has_the_voice_and_the_words_that_were_asked_for(sandbox: Sandbox) -> None:
    out = invoke(saved(sandbox), {**FRENCH, "first_sentence": "Bonjour, ici une assistante virtuelle."}, thread())
    listed = sandbox.connect().send(ListAssistants())["assistants"]
    assistant = next(a for a in listed if a["id"] == out["assistant_id"])
    assert assistant["voice"]["id"] == out["voice"]["id"]
    assert (assistant["first_sentence"], assistant["first_sentence_mode"]) == (
        "Bonjour, ici une assistante virtuelle.",
        "static",
    )
    assert out["transcript"][0]["content"] == "Bonjour, ici une assistante virtuelle."


def test_a_language_the_first_sentence_contradicts_is_kept_with_a_note(sandbox: Sandbox) -> None:
    given = {**FRENCH, "language": "it", "first_sentence": "Bonjour, je vous appelle pour votre rendez-vous de demain."}
    out = invoke(saved(sandbox), given, thread())
    assert out["language"] == "it"
    assert any("The first sentence is written in French" in note for note in out["notes"])


def test_everything_optional_reaches_the_order(sandbox: Sandbox) -> None:
    given = {
        **FRENCH,
        "prompt": "Demandez à {{nom}} si le rendez-vous lui convient.",
        "prompt_variables": {"nom": "Zoé"},
        "metadata": {"crm": "7"},
        "scheduled_at": "2026-01-06T12:00:00+01:00",
        "max_attempts": 2,
        "max_call_duration_s": 120,
        "concurrency_key": "clinic",
        "from_phone_number": sandbox.connect().send(_own_numbers())["phone_numbers"][0]["phone_number"],
        "intent": "reminder",
        "voice_preferences": {"accent": "quebec"},
        "structured_output_schema": {"properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
    }
    out = invoke(saved(sandbox), given, thread())
    order = sandbox.dials[0]
    assert out["status"] == "completed"
    assert order["prompt_variables"] == {"nom": "Zoé"}
    assert order["metadata"]["crm"] == "7"
    assert order["scheduled_at"].startswith("2026-01-06T11:00:00")
    assert order["from_phone_number"] == given["from_phone_number"]
    assert order["assistant"]["max_call_duration_secs"] == 120
    assert order["assistant"]["call_retry_config"]["max_retry_attempts"] == 2
    assert out["voice"]["accent"] == "quebec"
    assert out["structured_output"] == {"ok": True}


def _own_numbers() -> Any:
    from revox_langchain.operations.phone_numbers import ListPhoneNumbers

    return ListPhoneNumbers()


def test_an_assistant_that_exists_is_used_as_it_is(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    voice = "a249eaff-1e96-4d2c-b23b-12efa4f66f41"
    created = connection.send(CreateAssistant(name="n", prompt="Bonjour", voice_id=voice, voice_provider="cartesia"))
    given = {"phone_number": "+12025550100", "assistant_id": created["assistant"]["id"]}
    out = invoke(saved(sandbox), given, thread())
    assert out["status"] == "completed"
    assert out["assistant_id"] == given["assistant_id"]
    assert out["language"] == "fr"
    assert len(connection.send(ListAssistants())["assistants"]) == 1


def test_inline_leaves_no_assistant_behind(sandbox: Sandbox) -> None:
    out = invoke(saved(sandbox, inline=True), {**FRENCH, "max_call_duration_s": 60}, thread())
    assert out["status"] == "completed"
    assert out["assistant_id"] is None
    assert sandbox.dials[0]["assistant"]["max_call_duration_secs"] == 60
    assert sandbox.connect().send(ListAssistants())["assistants"] == []


def test_an_assistant_is_reused_while_its_configuration_is_what_it_was(sandbox: Sandbox) -> None:
    graph = saved(sandbox, policy=DialPolicy(min_gap_s=0))
    first = invoke(graph, FRENCH, thread("1"))
    second = invoke(graph, FRENCH, thread("2"))
    assert second["assistant_id"] == first["assistant_id"]
    connection = sandbox.connect()
    connection.send(UpdateAssistant(assistant_id=first["assistant_id"], prompt="Something else."))
    third = invoke(graph, FRENCH, thread("3"))
    assert third["assistant_id"] != first["assistant_id"]
    assert len(sandbox.dials) == 3


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize(
    ("story", "status", "disposition"),
    [
        ("+12025550101", "completed", "busy"),
        ("+12025550102", "completed", "answered"),
        ("+12025550103", "completed", "no_answer"),
        ("+12025550104", "completed", "voicemail"),
        ("+12025550105", "completed", "screened"),
        ("+12025550106", "completed", "ivr"),
        ("+12025550110", "errored", "failed"),
    ],
)
def test_every_end_of_a_call_is_told_for_what_it_was(
    sandbox: Sandbox, story: str, status: str, disposition: str
) -> None:
    out = invoke(saved(sandbox), {**FRENCH, "phone_number": story}, thread())
    assert (out["status"], out["disposition"]) == (status, disposition)


def test_a_wait_of_hours_between_attempts_is_waited_out(sandbox: Sandbox) -> None:
    before_s = sandbox.world.now_s
    out = invoke(saved(sandbox), {**FRENCH, "phone_number": "+12025550102"}, thread())
    assert len(out["attempts"]) == 2
    assert sandbox.world.now_s - before_s > 7200


def test_structured_output_that_comes_late_is_waited_for(sandbox: Sandbox) -> None:
    schema = {"properties": {"ok": {"type": "boolean"}}}
    given = {**FRENCH, "phone_number": "+12025550113", "structured_output_schema": schema}
    out = invoke(saved(sandbox, wait=WaitPolicy(result_grace_s=120)), given, thread())
    assert out["structured_output"] == {"ok": True}


def test_structured_output_that_does_not_fit_is_returned_with_a_warning(sandbox: Sandbox) -> None:
    schema = {"properties": {"ok": {"type": "boolean"}, "day": {"type": "string", "format": "date"}}}
    given = {**FRENCH, "phone_number": "+12025550119", "structured_output_schema": schema}
    out = invoke(saved(sandbox), given, thread())
    assert out["structured_output"] == {"ok": "maybe", "day": "next week"}
    (warning,) = [warning for warning in out["warnings"] if "Structured output" in warning]
    assert "ok: Input should be a valid boolean; day: Input should be a valid date" in warning
    assert "maybe" not in warning


def test_structured_output_that_does_not_come_is_absent_and_said_so(sandbox: Sandbox) -> None:
    schema = {"properties": {"ok": {"type": "boolean"}}}
    given = {**FRENCH, "phone_number": "+12025550113", "structured_output_schema": schema}
    out = invoke(saved(sandbox, wait=WaitPolicy(result_grace_s=5)), given, thread())
    assert out["structured_output"] is None
    assert any("Structured output" in warning for warning in out["warnings"])


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"phone_number": "+12025550100"}, "Neither prompt nor assistant_id"),
    ({**FRENCH, "assistant_id": "a"}, "Both prompt and assistant_id"),
    ({**FRENCH, "prompt": "  "}, "prompt is empty"),
    ({**FRENCH, "prompt": ""}, "prompt is empty"),
    ({**FRENCH, "language": "klingon"}, "Klingon"),
    ({**FRENCH, "language": "xx"}, "xx"),
    ({**FRENCH, "language": "ja"}, "Japanese"),
    ({"phone_number": "+12025550100", "assistant_id": "a", "language": "fr"}, "language"),
    ({"phone_number": "+12025550100", "assistant_id": "a", "first_sentence": "x"}, "first_sentence"),
    (
        {"phone_number": "+12025550100", "assistant_id": "a", "voice_preferences": {"gender": "male"}},
        "voice_preferences",
    ),
    (
        {"phone_number": "+12025550100", "assistant_id": "a", "structured_output_schema": {"properties": {"a": {}}}},
        "structured_output_schema",
    ),
    ({"prompt": "Hi"}, "phone_number"),
    ({**FRENCH, "phone_number": 33142685300}, "phone_number"),
    ({**FRENCH, "max_attempts": 0}, "max_attempts"),
    ({**FRENCH, "max_call_duration_s": -1}, "max_call_duration_s"),
    ({**FRENCH, "scheduled_at": "2027-01-12T10:00:00"}, "offset"),
    ({**FRENCH, "scheduled_at": "tomorrow"}, "scheduled_at"),
    ({**FRENCH, "metadata": {"revox_langchain_intent": "x"}}, "reserved"),
    ({**FRENCH, "voice_preferences": {"voice_id": "nobody"}}, "nobody"),
    ({**FRENCH, "voice_preferences": {"provider": "acme"}}, "provider"),
    ({**FRENCH, "structured_output_schema": {"properties": {"a": {"type": "object"}}}}, "nested"),
    ({**FRENCH, "prompt_variables": {"a": 1}}, "prompt_variables"),
]


@pytest.mark.a_few(every=3)
@both_modes
@pytest.mark.parametrize(("given", "words"), BAD_INPUT)
def test_malformed_input_is_one_clear_error_and_dials_nothing(
    sandbox: Sandbox, given: dict[str, Any], words: str, mode: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        invoke(saved(sandbox), given, thread(), mode)
    assert words in str(caught.value)
    assert caught.value.next_step
    assert "\n" not in str(caught.value)
    assert not sandbox.dials


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("banana", "not_a_number"),
        ("112", "emergency_number"),
        ("+33899123456", "premium_number"),
        ("+1202", "too_short"),
        ("+12025550109", "do_not_contact"),
    ],
)
def test_a_number_that_must_not_be_dialed_is_a_refusal_with_a_name(sandbox: Sandbox, number: str, code: str) -> None:
    out = invoke(saved(sandbox), {**FRENCH, "phone_number": number}, thread())
    assert out["status"] == "refused"
    assert out["error"]["code"] == code
    assert out["error"]["next_step"]
    assert set(out) == OUTPUT_KEYS
    assert not sandbox.dials


def test_a_national_number_is_read_with_the_organisations_country(sandbox: Sandbox) -> None:
    out = invoke(saved(sandbox), {**FRENCH, "phone_number": "01 42 68 53 00"}, thread())
    assert out["status"] == "completed"
    assert sandbox.dials[0]["to_phone_number"] == "+33142685300"


def test_a_refusal_by_revox_is_told_with_its_words(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", on=MakeCall, status=402, message="no credit left"))
    out = invoke(saved(sandbox), FRENCH, thread())
    assert out["status"] == "refused"
    assert out["error"]["code"] == "payment_required"
    assert "no credit left" in out["error"]["message"]


def test_a_limit_that_the_assistant_does_not_keep_is_refused(sandbox: Sandbox) -> None:
    created = sandbox.connect().send(CreateAssistant(name="n", prompt="Hello", max_call_duration_secs=600))
    given = {"phone_number": "+12025550100", "assistant_id": created["assistant"]["id"]}
    with pytest.raises(InvalidInput, match="max_call_duration_s=60"):
        invoke(saved(sandbox), {**given, "max_call_duration_s": 60}, thread())
    assert invoke(saved(sandbox), {**given, "max_call_duration_s": 600}, thread())["status"] == "completed"


@both_modes
def test_the_same_input_on_the_same_thread_is_placed_once(sandbox: Sandbox, mode: str) -> None:
    graph = saved(sandbox)
    first, second = (invoke(graph, FRENCH, thread(), mode) for _ in range(2))
    assert second["adopted"]
    assert second["call_id"] == first["call_id"]
    assert len(sandbox.dials) == 1


def test_a_new_intent_is_a_new_call(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    first = invoke(graph, FRENCH, thread())
    sandbox.world.advance(120)
    second = invoke(graph, {**FRENCH, "intent": "again"}, thread())
    assert second["call_id"] != first["call_id"]
    assert len(sandbox.dials) == 2


def test_nothing_of_one_run_counts_as_input_of_the_next(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    invoke(graph, {**FRENCH, "first_sentence": "Bonjour !", "metadata": {"a": "b"}}, thread())
    created = sandbox.connect().send(CreateAssistant(name="n", prompt="Hello there"))
    given = {"phone_number": "+12025550111", "assistant_id": created["assistant"]["id"]}
    out = invoke(graph, given, thread())
    assert out["assistant_id"] == given["assistant_id"]
    assert sandbox.dials[1]["metadata"].keys() == {"revox_langchain_intent"}
    refused = invoke(graph, {**FRENCH, "phone_number": "banana"}, thread())
    assert refused["call_id"] is None
    assert refused["transcript"] == []
    detected = invoke(
        graph, {"phone_number": "+12025550114", "prompt": "Please confirm the appointment on Tuesday."}, thread()
    )
    assert detected["voice"]["language"] == "en"


def test_still_running_is_an_end_that_loses_nothing(sandbox: Sandbox) -> None:
    graph = saved(sandbox, wait=WaitPolicy(max_wait_s=20))
    given = {**FRENCH, "phone_number": "+12025550111"}
    out = invoke(graph, given, thread())
    assert out["status"] == "still_running"
    assert out["error"]["code"] == "still_running"
    assert out["call_id"] in out["error"]["next_step"]
    patient = call_graph(sandbox.connect(), checkpointer=graph.checkpointer)
    later = invoke(patient, given, thread())
    assert (later["status"], later["call_id"], later["adopted"]) == ("completed", out["call_id"], True)
    assert len(sandbox.dials) == 1


@pytest.mark.slow
def test_waiting_writes_a_checkpoint_per_slice_and_not_per_look(sandbox: Sandbox) -> None:
    graph = saved(sandbox, wait=WaitPolicy(slice_s=600))
    invoke(graph, {**FRENCH, "phone_number": "+12025550102"}, thread())
    looks = sandbox.counts["revox_get_call"]
    waits = [s for s in graph.get_state_history(thread()) if s.next == ("wait",)]
    assert looks > 50
    assert 2 <= len(waits) <= 20


THREE_ATTEMPTS = {**FRENCH, "phone_number": "+12025550125"}


@pytest.mark.slow
@both_modes
@pytest.mark.parametrize("stream_mode", ["values", "updates"])
def test_while_waiting_the_stream_says_where_the_call_stands(sandbox: Sandbox, stream_mode: str, mode: str) -> None:
    graph = saved(sandbox)

    async def gathered() -> list[Any]:
        return [part async for part in graph.astream(THREE_ATTEMPTS, thread(), stream_mode=stream_mode)]

    parts = (
        asyncio.run(gathered())
        if mode == "async"
        else [*graph.stream(THREE_ATTEMPTS, thread(), stream_mode=stream_mode)]
    )
    seen = [p.get("progress") if stream_mode == "values" else next(iter(p.values())).get("progress") for p in parts]
    progress = [one for one in seen if one is not None]
    # Each attempt shows as it starts and as it ends, and between them nothing is written but at the end of a slice.
    turns = list(dict.fromkeys((one["attempt"], one["status"]) for one in progress))
    assert [attempt for attempt, _ in turns if attempt] == [1, 1, 2, 2, 3, 3]
    assert [status for attempt, status in turns if attempt][1::2] == ["scheduled", "scheduled", "completed"]
    assert progress[-1]["last_turn"].partition(": ")[0] in ("assistant", "agent", "user")
    assert all(len(one["last_turn"] or "") <= 200 for one in progress)
    assert "progress" not in graph.invoke({**THREE_ATTEMPTS}, thread())


@pytest.mark.slow
def test_a_long_last_turn_is_cut_and_is_all_of_the_talk_that_a_wait_keeps(sandbox: Sandbox) -> None:
    given = {**FRENCH, "first_sentence": "Bonjour, ici le cabinet. " * 40}
    graph = saved(sandbox, wait=WaitPolicy(live_s=0.5, slice_s=0.5, longest_slice_s=0.5))
    invoke(graph, given, thread())
    kept = [s.values.get("progress") for s in graph.get_state_history(thread())]
    longest = max(len(one["last_turn"] or "") for one in kept if one)
    assert longest == 200


@pytest.mark.slow
def test_saying_where_a_call_stands_costs_two_steps_for_an_attempt_and_a_few_bytes(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    invoke(graph, THREE_ATTEMPTS, thread())
    history = list(graph.get_state_history(thread()))
    waits = [s for s in history if s.next == ("wait",)]
    waited_s = max(s.values["watch"]["waited_s"] for s in history if s.values.get("watch"))
    policy, slices, at_s = WaitPolicy(), 0, 0.0
    while at_s < waited_s:
        at_s += policy.next_slice_s(at_s)
        slices += 1
    assert len(waits) <= 1 + slices + 2 * 3
    assert max(len(json.dumps(s.values["progress"])) for s in waits) < 300
    assert sandbox.counts["revox_get_call"] > 10 * len(waits)


def test_the_transcript_enters_the_state_once_at_the_end(sandbox: Sandbox) -> None:
    graph = saved(sandbox, wait=WaitPolicy(slice_s=5))
    invoke(graph, FRENCH, thread())
    history = list(graph.get_state_history(thread()))
    assert [bool(s.values.get("transcript")) for s in history].count(True) == 1
    waiting = [s for s in history if s.next == ("wait",)]
    assert max(len(json.dumps(s.values)) for s in waiting) < 4000


def test_the_state_is_plain_json_and_holds_no_secret(sandbox: Sandbox) -> None:
    key = "sk_very_secret_key"
    graph = call_graph(sandbox.connect(key), checkpointer=InMemorySaver())
    out = invoke(graph, FRENCH, thread())
    for snapshot in graph.get_state_history(thread()):
        assert key not in json.dumps(snapshot.values)
        assert key not in str(snapshot)
    assert key not in json.dumps(out)


def test_progress_streams_as_small_typed_events(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    events: list[dict[str, Any]] = [e for _, e in graph.stream(FRENCH, thread(), stream_mode=["custom"])]
    kinds = [event["type"] for event in events]
    assert kinds[:4] == ["revox.voice", "revox.assistant", "revox.dialing", "revox.placed"]
    assert kinds[-1] == "revox.report"
    assert {"revox.status", "revox.turn"} <= set(kinds)
    statuses = [event["status"] for event in events if event["type"] == "revox.status"]
    assert statuses[0] in ("initializing", "queued_for_calling")
    assert statuses[-1] == "completed"
    assert max(len(json.dumps(event)) for event in events) < 1500


def test_a_long_quiet_wait_says_that_it_lives(sandbox: Sandbox) -> None:
    given = {**FRENCH, "phone_number": "+12025550111"}
    kinds = [e["type"] for _, e in saved(sandbox).stream(given, thread(), stream_mode=["custom"])]
    assert kinds.count("revox.heartbeat") > 3


def test_reads_that_fail_for_a_while_do_not_end_the_wait(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("server_error", on=GetCall, times=12, skip=2))
    assert invoke(saved(sandbox), FRENCH, thread())["status"] == "completed"


@both_modes
def test_a_drain_stops_at_once_and_the_thread_goes_on_later(sandbox: Sandbox, mode: str) -> None:
    from langgraph.errors import GraphDrained
    from langgraph.runtime import RunControl

    graph = saved(sandbox)
    control = RunControl()
    control.request_drain()
    with pytest.raises(GraphDrained):
        invoke(graph, FRENCH, thread(), mode, control=control)
    out = invoke(graph, None, thread(), mode)
    while out.get("status") is None:
        out = invoke(graph, None, thread(), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_cancelling_the_run_leaves_the_call_alone(sandbox: Sandbox) -> None:
    assert _cancelled_run(sandbox) == 0


def test_cancelling_the_run_cancels_the_call_where_that_was_asked_for(sandbox: Sandbox) -> None:
    assert _cancelled_run(sandbox, cancel_call_on_abort=True) == 1


def _cancelled_run(sandbox: Sandbox, **settings: Any) -> int:
    async def cancelled() -> None:
        graph = saved(sandbox, **settings)
        started = asyncio.Event()

        async def run() -> None:
            async for event in graph.astream(FRENCH, thread(), stream_mode="custom"):
                if event["type"] == "revox.turn":
                    started.set()

        task = asyncio.create_task(run())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    return int(sandbox.counts["revox_cancel_call"])


def unknown(sandbox: Sandbox, mode: str = "sync", **settings: Any) -> tuple[Any, Any]:
    """A thread that stands at the question, after an order that never arrived."""
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    graph = saved(sandbox, **settings)
    out = invoke(graph, FRENCH, thread(), mode)
    return graph, out


@both_modes
def test_an_unknown_outcome_asks_and_never_dials_by_itself(sandbox: Sandbox, mode: str) -> None:
    graph, out = unknown(sandbox, mode)
    question = out["__interrupt__"][0]
    assert graph.get_state(thread()).next == ("ask",)
    assert question.value["type"] == "revox.placement_unknown"
    assert question.value["phone_number"] == "+12025550100"
    assert set(question.value["options"]) == {"look_again", "dial", "give_up"}
    assert question.response_schema
    assert sandbox.counts["revox_make_call"] == 1


@both_modes
@pytest.mark.parametrize("answer", ["look_again", {"decision": "look_again"}])
def test_looking_again_looks_and_asks_again(sandbox: Sandbox, answer: Any, mode: str) -> None:
    graph, _ = unknown(sandbox, mode)
    out = invoke(graph, Command(resume=answer), thread(), mode)
    assert out["__interrupt__"]
    assert not sandbox.dials


@both_modes
def test_dial_permits_one_dial(sandbox: Sandbox, mode: str) -> None:
    graph, _ = unknown(sandbox, mode)
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    out = invoke(graph, Command(resume="dial"), thread(), mode)
    assert out["__interrupt__"]
    assert sandbox.counts["revox_make_call"] == 2
    out = invoke(graph, Command(resume="dial"), thread(), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


@both_modes
def test_giving_up_ends_the_run_and_dials_nothing(sandbox: Sandbox, mode: str) -> None:
    graph, _ = unknown(sandbox, mode)
    out = invoke(graph, Command(resume={"decision": "give_up"}), thread(), mode)
    assert out["status"] == "given_up"
    assert out["intent_id"]
    assert not sandbox.dials


@pytest.mark.a_few(every=5)
@both_modes
@pytest.mark.parametrize(
    "wrong",
    [
        False,
        True,
        0,
        1,
        "",
        "yes",
        "nonsense",
        [],
        ["dial"],
        {"decision": "yes"},
        {},
        {"answer": "dial"},
        {"decision": None},
        None,
    ],
)
def test_a_wrong_answer_never_dials_and_can_be_given_again(sandbox: Sandbox, wrong: Any, mode: str) -> None:
    graph, _ = unknown(sandbox, mode)
    with suppress(Exception):
        invoke(graph, Command(resume=wrong), thread(), mode)
    assert sandbox.counts["revox_make_call"] == 1
    out = invoke(graph, Command(resume="give_up"), thread(), mode)
    assert out["status"] == "given_up"


@both_modes
def test_without_a_checkpointer_an_unknown_outcome_is_raised(sandbox: Sandbox, mode: str) -> None:
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    with pytest.raises(PlacementUnknown) as caught:
        invoke(call_graph(sandbox.connect()), {**FRENCH, "intent": "x"}, mode=mode)
    assert caught.value.phone_number == "+12025550100"
    assert caught.value.intent_id


@both_modes
def test_on_unknown_dial_dials_once_more_and_then_asks(sandbox: Sandbox, mode: str) -> None:
    sandbox.faults.add(Fault("lose_before", on=MakeCall, times=None))
    graph = saved(sandbox, on_unknown="dial")
    out = invoke(graph, FRENCH, thread(), mode)
    assert out["__interrupt__"]
    assert sandbox.counts["revox_make_call"] == 2


def test_on_unknown_report_says_unknown(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    out = invoke(saved(sandbox, on_unknown="report"), FRENCH, thread())
    assert out["status"] == "unknown"
    assert out["error"]["code"] == "placement_unknown"
    assert out["error"]["details"]["intent_id"] == out["intent_id"]


def test_an_order_that_shows_up_after_the_question_is_adopted(sandbox: Sandbox) -> None:
    sandbox.switches = sandbox.switches.changed({"search_lag_s": 100.0})
    sandbox.faults.add(Fault("lose_after", on=MakeCall))
    graph = saved(sandbox)
    out = invoke(graph, FRENCH, thread())
    assert out["__interrupt__"]
    sandbox.world.advance(100)
    out = invoke(graph, Command(resume="look_again"), thread())
    assert (out["status"], out["adopted"]) == ("completed", True)
    assert len(sandbox.dials) == 1


@pytest.mark.a_few(every=2)
@both_modes
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_connection_that_does_not_open_leaves_the_thread_as_it_was(
    sandbox: Sandbox, durability: str, mode: str
) -> None:
    sandbox.faults.add(Fault("connect_error", on=MakeCall, times=3))
    graph = saved(sandbox)
    with pytest.raises(RevoxToolError):
        invoke(graph, FRENCH, thread(), mode, durability=durability)
    out = invoke(graph, None, thread(), mode, durability=durability)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


@pytest.mark.a_few(every=2)
@both_modes
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_every_durability_places_one_order(sandbox: Sandbox, durability: str, mode: str) -> None:
    graph = saved(sandbox)
    out = invoke(graph, FRENCH, thread(), mode, durability=durability)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1
    if durability == "sync":
        assert sandbox.counts["revox_get_call_history"] == 2


def asked(sandbox: Sandbox, mode: str = "sync", given: Any = None, **settings: Any) -> tuple[Any, dict[str, Any]]:
    graph = saved(sandbox, approve=True, **settings)
    out = invoke(graph, given or FRENCH, thread(), mode)
    return graph, out["__interrupt__"][0].value


@both_modes
def test_the_question_shows_what_would_be_dialed(sandbox: Sandbox, mode: str) -> None:
    given = {**FRENCH, "first_sentence": "Bonjour !", "max_attempts": 2, "max_call_duration_s": 300}
    _, question = asked(sandbox, mode, given)
    arguments = question["arguments"]
    assert arguments["phone_number"] == "+12025550100"
    assert arguments["country"] == "US"
    assert arguments["language"] == "fr"
    assert arguments["voice"]["language"] == "fr"
    assert arguments["first_sentence"] == "Bonjour !"
    assert arguments["scheduled_at"] is None
    assert arguments["max_minutes"] == 10.0
    assert question["arguments_hash"]
    assert not sandbox.dials


@both_modes
def test_an_approved_call_is_placed(sandbox: Sandbox, mode: str) -> None:
    graph, question = asked(sandbox, mode)
    answer = {"decision": "approve", "arguments_hash": question["arguments_hash"]}
    out = invoke(graph, Command(resume=answer), thread(), mode)
    assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


@both_modes
def test_a_rejected_call_is_not_placed(sandbox: Sandbox, mode: str) -> None:
    graph, question = asked(sandbox, mode)
    answer = {"decision": "reject", "arguments_hash": question["arguments_hash"], "reason": "too late in the day"}
    out = invoke(graph, Command(resume=answer), thread(), mode)
    assert out["status"] == "refused"
    assert out["error"]["code"] == "rejected"
    assert "too late in the day" in out["error"]["message"]
    assert not sandbox.dials


@both_modes
def test_a_yes_to_other_arguments_is_no_yes(sandbox: Sandbox, mode: str) -> None:
    graph, question = asked(sandbox, mode)
    out = invoke(graph, Command(resume={"decision": "approve", "arguments_hash": "other"}), thread(), mode)
    assert out["__interrupt__"][0].value["arguments_hash"] == question["arguments_hash"]
    assert not sandbox.dials


@pytest.mark.parametrize("wrong", [1, "perhaps", {}, None, {"decision": "maybe"}, {"arguments_hash": "x"}])
def test_a_wrong_approval_never_dials_and_can_be_given_again(sandbox: Sandbox, wrong: Any) -> None:
    graph, question = asked(sandbox)
    with suppress(Exception):
        invoke(graph, Command(resume=wrong), thread())
    assert not sandbox.dials
    answer = {"decision": "approve", "arguments_hash": question["arguments_hash"]}
    assert invoke(graph, Command(resume=answer), thread())["status"] == "completed"


@both_modes
def test_an_edit_is_validated_and_guarded_like_any_input(sandbox: Sandbox, mode: str) -> None:
    graph, question = asked(sandbox, mode)
    edit = {"decision": "edit", "arguments_hash": question["arguments_hash"], "edits": {"phone_number": "112"}}
    out = invoke(graph, Command(resume=edit), thread(), mode)
    assert out["status"] == "refused"
    assert out["error"]["code"] == "emergency_number"
    assert not sandbox.dials


@both_modes
def test_an_edited_call_is_placed_as_edited(sandbox: Sandbox, mode: str) -> None:
    graph, question = asked(sandbox, mode)
    edits = {"phone_number": "+12025550114", "first_sentence": "Bonjour, ici une IA."}
    answer = {"decision": "edit", "arguments_hash": question["arguments_hash"], "edits": edits}
    again = invoke(graph, Command(resume=answer), thread(), mode)["__interrupt__"][0].value
    assert again["arguments"]["phone_number"] == "+12025550114"
    assert again["arguments"]["first_sentence"] == "Bonjour, ici une IA."
    assert not sandbox.dials
    out = invoke(graph, Command(resume=again["answers"]["approve"]), thread(), mode)
    assert out["status"] == "completed"
    assert sandbox.dials[0]["to_phone_number"] == "+12025550114"
    assert sandbox.dials[0]["assistant"]["first_sentence"] == "Bonjour, ici une IA."
    assert len(sandbox.dials) == 1


class Outer(TypedDict, total=False):
    phone_number: str
    prompt: str
    status: str
    call_id: str
    transcript: list[dict[str, str]]


@both_modes
def test_it_works_as_a_subgraph(sandbox: Sandbox, mode: str) -> None:
    outer: StateGraph[Any, Any, Any, Any] = StateGraph(Outer)
    outer.add_node("call", create_call_graph(sandbox.connect()).compile())
    outer.add_edge(START, "call")
    outer.add_edge("call", END)
    graph = outer.compile(checkpointer=InMemorySaver())
    given = {"phone_number": "+12025550100", "prompt": "Please confirm the appointment on Tuesday."}
    for _ in range(2):
        out = invoke(graph, given, thread(), mode)
        assert out["status"] == "completed"
    assert len(sandbox.dials) == 1


def test_it_draws_with_words_on_its_edges(sandbox: Sandbox) -> None:
    drawn = call_graph(sandbox.connect(), approve=True).get_graph().draw_mermaid()
    for word in ("placed", "unknown", "approved", "refused", "still running"):
        assert word in drawn


def test_the_schemas_make_a_good_form() -> None:
    schema = call_graph(Sandbox().connect()).get_input_jsonschema()
    assert schema == CallInput.model_json_schema()
    assert set(schema["properties"]) == INPUT_KEYS
    assert all(field.get("description") for field in schema["properties"].values())
    assert schema["required"] == ["phone_number"]
    out = call_graph(Sandbox().connect()).get_output_jsonschema()
    assert set(out["properties"]) == OUTPUT_KEYS


@pytest.mark.parametrize("build", [call_graph, create_call_graph, call_graph_tool])
@pytest.mark.parametrize("key", [None, " "])
def test_without_a_connection_and_a_key_there_is_no_graph(
    build: Callable[[], object], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVOX_API_KEY", raising=False)
    if key:
        monkeypatch.setenv("REVOX_API_KEY", key)
    with pytest.raises(AuthError, match="Set REVOX_API_KEY"):
        build()


def test_a_budget_holds_over_parallel_runs(sandbox: Sandbox) -> None:
    graph = saved(sandbox, budget=Budget(orders=2), policy=DialPolicy(min_gap_s=0))

    async def many() -> list[str]:
        runs = (graph.ainvoke({**FRENCH, "phone_number": f"+1202555{n:04}"}, thread(str(n))) for n in range(130, 136))
        return [out["status"] for out in await asyncio.gather(*runs)]

    assert sorted(asyncio.run(many())) == ["completed"] * 2 + ["refused"] * 4
    assert len(sandbox.dials) == 2


def test_a_call_cancelled_elsewhere_ends_as_cancelled(sandbox: Sandbox) -> None:
    graph = saved(sandbox, wait=WaitPolicy(max_wait_s=20))
    given = {**FRENCH, "phone_number": "+12025550111"}
    out = invoke(graph, given, thread())
    sandbox.connect().send(CancelCall(call_id=out["call_id"]))
    again = invoke(graph, given, thread())
    assert (again["status"], again["disposition"]) == ("cancelled", "cancelled")


def test_the_graph_costs_what_the_promise_says(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    invoke(graph, FRENCH, thread())
    reads = {name: n for name, n in sandbox.counts.items() if name != "revox_get_call"}
    assert reads == {
        "revox_list_voices": 1,
        "revox_list_assistants": 1,
        "revox_create_assistant": 1,
        # The stored assistant, read anew just before the dial.
        "revox_get_assistant": 1,
        "revox_get_call_history": 2,
        "revox_list_phone_numbers": 1,
        "revox_get_phone_history": 1,
        "revox_make_call": 1,
    }
    sandbox.world.advance(120)
    invoke(graph, {**FRENCH, "intent": "second"}, thread("u"))
    assert sandbox.counts["revox_list_voices"] == 1
    assert sandbox.counts[GetCallHistory.spec.name] == 4


def test_an_async_run_never_blocks_the_event_loop(sandbox: Sandbox) -> None:
    from blockbuster import blockbuster_ctx

    graph = saved(sandbox)

    async def watched() -> Any:
        with blockbuster_ctx():
            return await graph.ainvoke({**FRENCH, "phone_number": "+12025550102"}, thread())

    assert asyncio.run(watched())["status"] == "completed"


def test_a_voice_that_needs_another_model_gets_it(sandbox: Sandbox) -> None:
    given = {**FRENCH, "language": "fr-CA", "voice_preferences": {"gender": "female", "accent": "quebec"}}
    out = invoke(saved(sandbox, inline=True), given, thread())
    assert out["voice"]["accent"] == "quebec"
    compatible = {v["id"]: v.get("modelCompat") for v in sandbox.world.voices.values()}
    needed = compatible[out["voice"]["id"]]
    assert needed == "sonic-3.5"
    assert sandbox.dials[0]["assistant"]["voice"]["model"] == needed


@pytest.mark.parametrize("bad", [{"prompt": "x"}, {**FRENCH, "max_attempts": 0}, {**FRENCH, "language": "klingon"}])
def test_a_thread_goes_on_after_an_input_that_was_wrong(sandbox: Sandbox, bad: dict[str, Any]) -> None:
    graph = saved(sandbox)
    with pytest.raises(InvalidInput):
        graph.invoke(bad, thread())
    assert graph.invoke(FRENCH, thread())["status"] == "completed"


BLANK: dict[str, Any] = {
    "assistant_id": "  ",
    "language": "",
    "first_sentence": " ",
    "voice_preferences": {"voice_id": "", "provider": "", "accent": " ", "gender": None},
    "structured_output_schema": {},
    "prompt_variables": {"": ""},
    "metadata": {},
    "scheduled_at": "",
    "skip_calling_window": "",
    "max_attempts": "",
    "max_call_duration_s": " ",
    "from_phone_number": "",
    "concurrency_key": "",
    "intent": " ",
    "repeat_of": "",
}


@pytest.mark.slow
@both_modes
def test_blank_fields_of_a_form_are_left_out(sandbox: Sandbox, mode: str) -> None:
    assert set(BLANK) | set(FRENCH) == set(CallInput.model_fields)
    assert CallInput.parse({**BLANK, **FRENCH}) == CallInput.parse(FRENCH)
    out = invoke(saved(sandbox), {**BLANK, **FRENCH}, thread(), mode)
    assert (out["status"], out["language"]) == ("completed", "fr")


def test_a_blank_prompt_beside_an_assistant_is_left_out_and_alone_it_is_named(sandbox: Sandbox) -> None:
    blank = {**BLANK, "prompt": " "}
    given = {**blank, "phone_number": "+12025550100", "assistant_id": "a"}
    assert CallInput.parse(given).prompt is None
    with pytest.raises(InvalidInput, match="prompt is empty"):
        invoke(saved(sandbox), {**blank, "phone_number": "+12025550100"}, thread())
    refused = invoke(saved(sandbox), {**FRENCH, "phone_number": ""}, thread())
    assert (refused["status"], refused["error"]["code"]) == ("refused", "not_a_number")
    assert not sandbox.dials


def test_some_blanks_in_a_choice_of_voice_are_no_choice(sandbox: Sandbox) -> None:
    given = {**FRENCH, "voice_preferences": {"voice_id": "", "gender": "female", "accent": ""}}
    assert invoke(saved(sandbox), given, thread())["status"] == "completed"


def test_a_misspelt_key_is_named_by_the_input_class() -> None:
    with pytest.raises(ValidationError, match=r"unknown field 'schedule_at' \(did you mean 'scheduled_at'\?\)"):
        CallInput(**FRENCH, schedule_at="2030-01-01T10:00:00Z")
    with pytest.raises(InvalidInput, match="unknown field 'promt'"):
        CallInput.parse({"phone_number": "+12025550100", "promt": "Hello"})


def test_the_input_class_refuses_what_the_graph_keeps_for_its_first_node() -> None:
    with pytest.raises(ValidationError, match="phone_number"):
        CallInput(prompt="Hello")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="max_attempts"):
        CallInput(**FRENCH, max_attempts=0)
    with pytest.raises(InvalidInput, match="prompt is empty"):
        CallInput.parse({**FRENCH, "prompt": ""})
    assert CallInput.parse({**FRENCH, "metadata": {}}).metadata is None


@pytest.mark.parametrize("edits", [{"promt": "Bonjour"}, {"max_attempts": 0}])
def test_an_edit_that_is_not_valid_is_named_and_asked_again(sandbox: Sandbox, edits: dict[str, Any]) -> None:
    graph, question = asked(sandbox)
    answer = {"decision": "edit", "arguments_hash": question["arguments_hash"], "edits": edits}
    again = invoke(graph, Command(resume=answer), thread())["__interrupt__"][0].value
    assert again["arguments_hash"] == question["arguments_hash"]
    assert next(iter(edits)) in again["warnings"][-1]
    assert not sandbox.dials


def test_no_second_graph_is_drawn_inside_a_step(sandbox: Sandbox) -> None:
    assert not list(saved(sandbox).get_subgraphs())
    assert not [name for name in saved(sandbox).get_graph(xray=True).nodes if ":" in name]


def test_a_name_that_code_gives_is_one_request_in_whatever_thread(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    given = {**FRENCH, "intent": "appointment-4711"}
    ids = [invoke(graph, given, thread(name))["intent_id"] for name in ("one", "two")]
    ids.append(invoke(call_graph(sandbox.connect()), given)["intent_id"])
    assert len(set(ids)) == 1
    assert len(sandbox.dials) == 1


def test_a_name_that_a_model_gives_stays_within_its_thread(sandbox: Sandbox) -> None:
    tool = call_graph_tool(sandbox.connect(), policy=DialPolicy(min_gap_s=0), fields="full")
    given = {"phone_number": FRENCH["phone_number"], "prompt": FRENCH["prompt"], "intent": "reminder"}
    for name in ("one", "two", "two"):
        tool.invoke(given, thread(name))
    assert len({order["metadata"][MARK] for order in sandbox.dials}) == len(sandbox.dials) == 2


def test_the_same_name_with_another_prompt_is_refused_and_names_the_call(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    given = {**FRENCH, "intent": "appointment-4711"}
    first = invoke(graph, given, thread("one"))
    out = invoke(graph, {**given, "prompt": f"{FRENCH['prompt']} Merci."}, thread("two"))
    assert (out["status"], out["error"]["code"]) == ("refused", "intent_conflict")
    assert out["error"]["details"] == {"call_id": first["call_id"], "differs": ["prompt"]}
    assert len(sandbox.dials) == 1


def test_a_wait_of_six_days_fits_the_steps_a_parent_allows_by_default(sandbox: Sandbox) -> None:
    outer: StateGraph[Any, Any, Any, Any] = StateGraph(Outer)
    outer.add_node("call", create_call_graph(sandbox.connect()).compile())
    outer.add_edge(START, "call")
    outer.add_edge("call", END)
    given = {"phone_number": "+12025550100", "prompt": "Please confirm the appointment on Tuesday."}
    later = {**given, "scheduled_at": "2026-01-12T15:00:00+00:00"}
    assert invoke(outer.compile(), later, {"recursion_limit": 25})["status"] == "completed"
    assert len(sandbox.dials) == 1


@pytest.mark.slow
def test_a_call_graph_inside_a_node_may_have_a_limit_of_its_own(sandbox: Sandbox) -> None:
    short = WaitPolicy(slice_s=2, longest_slice_s=2)
    call = call_graph(sandbox.connect(), wait=short)

    def node(state: Outer, config: RunnableConfig) -> Any:
        return call.invoke(state, {**config, "recursion_limit": 1000})

    outer: StateGraph[Any, Any, Any, Any] = StateGraph(Outer)
    outer.add_node("call", node)
    outer.add_edge(START, "call")
    given = {"phone_number": "+12025550108", "prompt": "Please confirm the appointment on Tuesday."}
    assert invoke(outer.compile(), given, {"recursion_limit": 25})["status"] == "completed"


@pytest.mark.parametrize("error", ["status", "server_error", "truncated"])
@both_modes
def test_a_call_whose_end_cannot_be_read_keeps_its_id(sandbox: Sandbox, error: Any, mode: str) -> None:
    sandbox.faults.add(Fault(error, on=GetCall, times=10_000, status=401 if error == "status" else None))
    out = invoke(saved(sandbox, wait=WaitPolicy(max_wait_s=60)), FRENCH, thread(), mode)
    assert out["call_id"] == sandbox.dials[0]["id"]
    assert out["status"] == "still_running"
    assert out["error"]["message"].startswith("The call was placed, and its result could not be read.")
    assert out["call_id"] in out["error"]["next_step"]


def test_a_replica_that_does_not_have_the_order_yet_is_waited_for(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", on=GetCall, times=3, status=404))
    assert invoke(saved(sandbox), FRENCH, thread())["status"] == "completed"


WRITTEN: tuple[dict[str, Any], ...] = (
    {},
    {"asked": {}},
    {"asked": "x", "spoken": 5},
    {"watch": {"nope": 1}},
    {"asked": None, "intent_mark": None, "spoken": None},
    {"version": 99},
    {"notes": 5},
    {"call_id": "c1"},
)


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("written", WRITTEN, ids=str)
@pytest.mark.parametrize("step", ["choose_voice", "approve", "arm", "place_call", "ask", "wait", "report"])
def test_a_state_that_was_written_wrongly_is_named_in_a_sentence(
    sandbox: Sandbox, step: str, written: dict[str, Any]
) -> None:
    graph = saved(sandbox, approve=True)
    graph.update_state(thread(), written, as_node="prepare")
    with suppress(InvalidInput):
        graph.invoke(Command(goto=step), thread())
    if step == "arm" and written:
        with pytest.raises(InvalidInput, match=r"cannot run on this thread's state|state has version"):
            graph.invoke(Command(goto=step), thread())
    assert not sandbox.dials


def test_what_arm_needs_is_named(sandbox: Sandbox) -> None:
    graph = saved(sandbox)
    graph.update_state(thread(), {"asked": {}}, as_node="arm")
    with pytest.raises(InvalidInput, match=r"place_call cannot run on this thread's state") as wrong:
        graph.invoke(None, thread())
    assert wrong.value.code == "wrong_state"


@pytest.mark.slow
def test_a_moment_written_into_the_state_that_is_not_one_is_named(sandbox: Sandbox) -> None:
    graph = saved(sandbox, approve=True)
    invoke(graph, FRENCH, thread())
    asked = {**graph.get_state(thread()).values["asked"], "scheduled_at": "soon"}
    graph.update_state(thread(), {"asked": asked}, as_node="arm")
    out = graph.invoke(None, thread())
    assert (out["status"], out["error"]["code"]) == ("refused", "wrong_state")
    assert not sandbox.dials


@both_modes
def test_a_copy_of_a_graph_is_a_graph_of_the_same_account(sandbox: Sandbox, mode: str) -> None:
    graph = call_graph(sandbox.connect(), budget=Budget(orders=1))
    for number, status in (("+12025550100", "completed"), ("+12025550108", "refused")):
        given = {**FRENCH, "phone_number": number}
        assert invoke(copy.deepcopy(graph), given, mode=mode)["status"] == status
    assert invoke(copy.deepcopy(create_call_graph(Sandbox().connect())).compile(), FRENCH)["call_id"]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream", "astream_events"])
def test_a_misspelled_input_is_refused_before_anything_is_done(mode: str) -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t"}}
    given = {"phone_number": "+12025550100", "prompt": "Please say hello to them.", "max_atempts": 1}

    async def collected() -> None:
        plain = mode == "astream"
        events = graph.astream(given, thread) if plain else graph.astream_events(given, thread, version="v2")
        async for _ in events:
            pass

    ways: dict[str, Any] = {
        "invoke": lambda: graph.invoke(given, thread),
        "ainvoke": lambda: asyncio.run(graph.ainvoke(given, thread)),
        "stream": lambda: list(graph.stream(given, thread)),
    }
    with pytest.raises(InvalidInput, match=r"'max_atempts'.*max_attempts"):
        ways.get(mode, lambda: asyncio.run(collected()))()
    assert not sandbox.counts
    del given["max_atempts"]
    assert graph.invoke(given, thread)["status"] == "completed"


@pytest.mark.slow
def test_as_a_node_the_graph_takes_what_it_knows_of_the_other_graphs_state() -> None:
    class Visit(TypedDict, total=False):
        phone_number: str
        prompt: str
        patient: str
        status: str

    visits = StateGraph(Visit)
    visits.add_node("call", call_graph(Sandbox().connect()))
    visits.add_edge(START, "call")
    visits.add_edge("call", END)
    given: Any = {"phone_number": "+12025550100", "prompt": "Please say hello to them.", "patient": "Ada"}
    out = visits.compile().invoke(given)
    assert (out["status"], out["patient"]) == ("completed", "Ada")
