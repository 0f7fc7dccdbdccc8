"""Who spoke when: shares, waits for an answer, interruptions and silences, from whatever speech events there are."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings

from revox_langchain.answers import JsonObject
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.results.call import CallResult, Conclusion
from revox_langchain.results.order import Said
from revox_langchain.results.spoken import begun_at_s
from revox_langchain.results.talk import interruptions, segments_of, silences
from revox_langchain.sandbox import Sandbox
from tests.results.orders import ORDERS, event, order, talk


def result_of(*events: dict[str, Any]) -> CallResult:
    return CallResult.from_call(order({**talk(0), "speech_events": list(events)}))


@pytest.fixture(scope="module")
def call() -> JsonObject:
    """A call of the sandbox at its end."""
    connection = Sandbox().connect()
    placed = connection.send(MakeCall(phone_number="+12025550100", prompt="Say hello."))["call"]
    connection.clock.sleep(3600)
    ended: JsonObject = connection.send(GetCall(call_id=placed["id"]))["call"]
    return ended


def test_the_talk_share_is_the_assistants_part_of_what_was_spoken() -> None:
    assert result_of(event("agent", 0, 3000), event("user", 4000, 5000)).talk_share == 0.75
    assert result_of(event("user", 0, 1000)).talk_share == 0.0
    assert result_of().talk_share is None
    # Noise and a segment without an end count for no one.
    noisy = result_of(event("agent", 0, 1000), event("user", 1, 900, is_real_turn=False), event("user", 2000, None))
    assert noisy.talk_share == 1.0


def test_a_response_takes_from_the_last_word_to_the_first_and_says_what_it_waited_for() -> None:
    [response] = result_of(
        event("agent", 0, 1000),
        event("user", 1500, 3000, stt_transcription_delay_ms=200),
        event("agent", 3900, 5000, llm_ttft_ms=400, tts_ttfb_ms=100),
    ).responses
    assert (response.at_s, response.latency_s) == (3.9, 0.9)
    assert (response.transcription_s, response.model_s, response.voice_s) == (0.2, 0.4, 0.1)


def test_what_begins_before_the_other_has_ended_is_an_interruption_and_no_response() -> None:
    result = result_of(event("user", 0, 3000), event("agent", 2000, 4000), event("user", 3500, 5000))
    assert result.responses == ()
    assert [(one.at_s, one.by) for one in interruptions(result.speech)] == [(2.0, "assistant"), (3.5, "callee")]


def test_an_assistant_that_was_cut_off_was_interrupted_once() -> None:
    cut = result_of(event("agent", 0, 2000, was_cut=True), event("user", 2500, 3000))
    assert [(one.at_s, one.by) for one in interruptions(cut.speech)] == [(2.0, "callee")]
    overlapped = result_of(event("agent", 0, 2000, was_cut=True), event("user", 1500, 3000))
    assert len(interruptions(overlapped.speech)) == 1


def test_a_silence_is_two_seconds_without_a_word() -> None:
    result = result_of(event("agent", 0, 1000), event("user", 2900, 4000), event("agent", 6000, 7000))
    assert [(one.started_s, one.stopped_s) for one in silences(result.speech)] == [(4.0, 6.0)]
    # How long a segment without an end went on is not known, so nothing is said about what follows.
    assert silences(result_of(event("agent", 0, None), event("user", 9000, 9500)).speech) == ()


@pytest.mark.parametrize(
    "broken",
    [
        event("agent", None, 1000),
        event("agent", -5, 1000),
        event("agent", float("nan"), 1000),
        event("agent", 10**400, 1000),
        event("agent", "soon", 1000),
        event("someone", 0, 1000),
        {},
    ],
)
def test_an_event_that_cannot_be_placed_is_left_out(broken: dict[str, Any]) -> None:
    assert segments_of({"speech_events": [broken, event("user", 0, 500), "x"]})[0].speaker == "callee"
    assert len(segments_of({"speech_events": [broken]})) == 0


def test_the_sandboxs_calls_have_shares_and_responses(call: JsonObject) -> None:
    result = CallResult.from_call(call)
    assert result.talk_share is not None
    assert 0 < result.talk_share < 1
    assert result.responses
    for response in result.responses:
        parts = (response.transcription_s, response.model_s, response.voice_s)
        assert sum(part or 0 for part in parts) <= response.latency_s + 1
    assert [turn.begun_s is None for turn in result.transcript if turn.role != "tool"].count(True) == 0


def test_turns_worded_anew_from_the_recording_keep_their_moments_by_order() -> None:
    events = [event("agent", 100, 900, transcript="Hallo"), event("user", 1500, 1900, transcript="Yo")]
    turns = [Said("assistant", "Hello."), Said("tool", "lookup"), Said("user", "Yes.")]
    assert begun_at_s({"speech_events": events}, turns) == [0.1, None, 1.5]
    assert begun_at_s({"speech_events": events}, turns[:1]) == [None]


def test_minutes_stand_against_the_most_the_call_could_cost() -> None:
    assistant = {"max_call_duration_secs": 600, "call_retry_config": {"max_retry_attempts": 2}}
    result = CallResult.from_call(order(talk(2), assistant=assistant))
    assert (result.minutes_used, result.minutes_ceiling, result.attempts_ceiling) == (20.0, 20.0, 2)
    overridden = order(talk(2), assistant=assistant, call_retry_config={"max_retry_attempts": 5})
    assert CallResult.from_call(overridden).minutes_ceiling == 50.0
    assert CallResult.from_call(order(talk(2))).minutes_ceiling is None
    assert CallResult.from_call(order(assistant={"name": "a"})).attempts_ceiling == 3


@pytest.mark.parametrize(
    ("status", "outcome", "attempt", "conclusion"),
    [
        ("calling", None, {"result": "human"}, "pending"),
        ("completed", "interested", {"result": "human"}, "interested"),
        ("completed", "not_interested", {"result": "human"}, "not_interested"),
        ("completed", "requested_callback_later", {"result": "human"}, "requested_callback_later"),
        ("completed", "completed", {"result": "human"}, "completed"),
        ("completed", None, {"result": "human"}, "talked"),
        ("completed", "a_verdict_of_2027", {"result": "human"}, "talked"),
        ("completed", "completed", {"result": "voicemail"}, "not_reached"),
        ("completed", None, {"dial_error": "busy"}, "not_reached"),
        ("completed", None, {"dial_error": "no_answer"}, "not_reached"),
        ("completed", None, {"result": "IVR"}, "not_reached"),
        ("completed", None, {"result": "ios-screening-filter"}, "not_reached"),
        ("completed", None, {"dial_error": "number_non_attributed"}, "failed"),
        ("errored", None, {"result": "human"}, "failed"),
        ("cancelled", "interested", {"result": "human"}, "cancelled"),
        ("completed", None, {}, "unknown"),
        ("completed", "interested", {}, "interested"),
    ],
)
def test_a_call_comes_to_one_conclusion(
    status: str, outcome: str | None, attempt: dict[str, Any], conclusion: str
) -> None:
    call = order({"status": "completed", **attempt}, status=status, outcome=outcome)
    assert CallResult.from_call(call).conclusion == conclusion


def test_someone_reached_by_an_earlier_attempt_was_reached() -> None:
    call = order({"result": "voicemail"}, {"result": "human"}, outcome="interested")
    assert CallResult.from_call(call).conclusion == "interested"


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(call=ORDERS)
def test_whatever_revox_sends_comes_to_one_of_the_conclusions_and_is_told(call: JsonObject) -> None:
    result = CallResult.from_call(call)
    assert result.conclusion in get_args(Conclusion)
    assert result.talk_share is None or 0 <= result.talk_share <= 1
    assert all(response.latency_s >= 0 for response in result.responses)
    assert CallResult.model_validate_json(result.model_dump_json()) == result
    told = result.to_markdown()
    assert told.startswith("## Call ")
    assert "THE SECRET PROMPT" not in told


@pytest.mark.slow
def test_twenty_thousand_turns_and_three_hundred_attempts_are_read() -> None:
    busy = {"status": "completed", "dial_error": "busy", "started_at": "2026-01-06T09:00:00Z"}
    # No event has the words of these turns: each is looked for once, not among all events.
    spoken = talk(20_000)
    spoken["post_call_transcript"] = [{"role": "user", "content": f"new {n}"} for n in range(20_000)]
    result = CallResult.from_call(order(spoken, *[busy] * 299))
    assert (len(result.transcript), len(result.attempts), result.talked_in) == (20_000, 300, 300)
    assert len(result.responses) == 9_999
    assert result.transcript[-1].begun_s is None
