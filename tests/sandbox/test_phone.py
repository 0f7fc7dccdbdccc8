"""A person is the callee: what they do with the phone, and what they say, decides how the order ends."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from revox.types import CallRetrieveResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import CancelCall, GetCall, MakeCall
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.world.phone import Phone, PhoneCall

OUR_NUMBER = "+12025550199"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def connection(sandbox: Sandbox) -> Connection:
    return sandbox.connect()


def ringing(sandbox: Sandbox, **more: Any) -> PhoneCall:
    """A call that rings now."""
    sandbox.connect().send(MakeCall(phone_number=Phone.number, prompt="P", **more))
    sandbox.world.advance(5)
    [call] = sandbox.phone.calls.values()
    return call


def ended(sandbox: Sandbox, call: PhoneCall, seconds: float = 300) -> dict[str, Any]:
    sandbox.world.advance(seconds)
    order: dict[str, Any] = sandbox.connect().send(GetCall(call_id=call.call_id))["call"]
    return order


def said(order: dict[str, Any]) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in order["last_call_attempt"]["transcript"]]


def test_it_rings_until_somebody_picks_up_and_then_listens(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    assert (call.state, call.other) == ("rings", sandbox.world.orders[call.call_id]["from_phone_number"])
    attempt = sandbox.world.orders[call.call_id]["last_call_attempt"]
    assert (attempt["status"], sandbox.rang) == ("ringing", 1)
    call.pick_up()
    assert (call.state, attempt["status"]) == ("listens", "ongoing")
    sandbox.world.advance(10)
    assert call.state == "speaks"


def test_what_a_person_says_stands_in_the_transcript_and_hanging_up_ends_the_order(sandbox: Sandbox) -> None:
    call = ringing(sandbox, first_sentence="Bonjour.")
    call.pick_up()
    sandbox.world.advance(5)
    call.say("Oui ? 您好, да, مرحبا")
    sandbox.world.advance(15)
    call.say("<b>Mardi</b> me va.")
    sandbox.world.advance(5)
    call.hang_up()
    order = ended(sandbox, call)
    turns = said(order)
    assert turns[0] == ("assistant", "Bonjour.")
    assert [words for role, words in turns if role == "user"] == ["Oui ? 您好, да, مرحبا", "<b>Mardi</b> me va."]
    attempt = order["last_call_attempt"]
    assert (attempt["result"], attempt["ended_by"], order["status"]) == ("human", "user", "completed")
    assert (order["outcome"], order["outcome_summary"]) == (
        "completed",
        "“Oui ? 您好, да, مرحبا <b>Mardi</b> me va.”",
    )
    assert order["calls_count"] == 1
    assert (call.state, sandbox.phone.calls) == ("over", {})
    result = CallResult.from_call(order)
    assert (result.disposition, result.ended) == ("answered", True)


def test_a_call_that_nobody_picks_up_is_not_answered_and_rings_again(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    sandbox.world.advance(60)
    attempt = sandbox.world.orders[call.call_id]["last_call_attempt"]
    assert (attempt["dial_error"], attempt["answered_at"], call.state) == ("no_answer", None, "over")
    order = ended(sandbox, call, 3 * 86_400)
    assert (order["status"], CallResult.from_call(order).disposition) == ("completed", "no_answer")
    assert order["calls_count"] > 1


def test_declining_is_a_busy_line(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    call.decline()
    attempt = sandbox.world.orders[call.call_id]["last_call_attempt"]
    assert (attempt["status"], attempt["dial_error"], call.state) == ("error", "busy", "over")
    assert sandbox.phone.calls == {}


def test_a_mailbox_takes_the_message(sandbox: Sandbox) -> None:
    call = ringing(sandbox, settings={"voicemail_message": "Please call back."})
    call.leave_to_voicemail()
    sandbox.world.advance(60)
    order = sandbox.world.orders[call.call_id]
    assert order["last_call_attempt"]["result"] == "voicemail"
    assert said(order)[-1] == ("assistant", "Please call back.")


def test_who_says_nothing_loses_the_call(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    call.pick_up()
    order = ended(sandbox, call)
    attempt = order["last_call_attempt"]
    assert (attempt["result"], attempt["ended_by"], attempt["end_reason"]) == ("human", "agent", "user_inactive")
    assert (order["outcome"], order["outcome_summary"]) == (None, None)


def test_hanging_up_cuts_the_assistant_short(sandbox: Sandbox) -> None:
    call = ringing(sandbox, first_sentence="This is a sentence that takes several seconds to say, to its very end.")
    call.pick_up()
    sandbox.world.advance(2)
    call.hang_up()
    attempt = ended(sandbox, call)["last_call_attempt"]
    assert [event["was_cut"] for event in attempt["speech_events"]] == [True]
    assert attempt["speech_events"][0]["stopped_speaking_at_ms"] == 2000


def test_words_typed_while_the_assistant_speaks_are_heard_after_it(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    call.pick_up()
    call.say("Wait.")
    call.say("Who is it?")
    assert call.state == "listens"
    sandbox.world.advance(20)
    assert said(sandbox.world.orders[call.call_id])[1] == ("user", "Wait. Who is it?")


def test_what_is_said_is_timed_as_speech(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    call.pick_up()
    sandbox.world.advance(30)
    call.say("Yes, that works perfectly well for me.")
    order = ended(sandbox, call, 10)
    theirs = next(e for e in order["last_call_attempt"]["speech_events"] if e["speaker"] == "user")
    assert 1500 < theirs["stopped_speaking_at_ms"] - theirs["started_speaking_at_ms"] < 4000
    assert theirs["stopped_speaking_at_ms"] == 30_000


@pytest.mark.parametrize("act", ["pick_up", "decline", "leave_to_voicemail"])
def test_what_rings_no_more_cannot_be_picked_up(sandbox: Sandbox, act: str) -> None:
    call = ringing(sandbox)
    call.pick_up()
    with pytest.raises(ValueError, match="has been picked up"):
        getattr(call, act)()
    call.hang_up()
    with pytest.raises(ValueError, match="is over"):
        getattr(call, act)()


def test_only_who_is_on_the_line_can_speak(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    with pytest.raises(ValueError, match="rings"):
        call.say("Hello?")
    with pytest.raises(ValueError, match="rings"):
        call.hang_up()
    call.pick_up()
    for words in ("", "  ", "x" * 2001):
        with pytest.raises(ValueError, match="say something"):
            call.say(words)


def test_half_a_surrogate_pair_is_heard_as_something_that_can_be_written(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    call.pick_up()
    call.say("Hm \ud83d")
    order = ended(sandbox, call, 30)
    assert ("user", "Hm \ufffd") in said(order)


def test_cancelling_the_order_ends_the_call_on_the_phone(sandbox: Sandbox, connection: Connection) -> None:
    call = ringing(sandbox)
    call.pick_up()
    connection.send(CancelCall(call_id=call.call_id))
    assert (call.state, sandbox.phone.calls) == ("over", {})
    with pytest.raises(ValueError, match="is over"):
        call.say("Hello?")


def test_two_calls_ring_at_once(sandbox: Sandbox, connection: Connection) -> None:
    for _ in range(2):
        connection.send(MakeCall(phone_number=Phone.number, prompt="P"))
    sandbox.world.advance(5)
    first, second = sandbox.phone.calls.values()
    first.pick_up()
    second.decline()
    assert list(sandbox.phone.calls.values()) == [first]


def test_a_call_graph_reaches_somebody_given_in_code(sandbox: Sandbox) -> None:
    sandbox.phone.says("Oui, allô ?", "Mardi me va très bien.")
    asked = {"phone_number": Phone.number, "prompt": "Confirmez mardi.", "language": "fr"}
    output = call_graph(sandbox.connect()).invoke(asked)
    assert (output["status"], output["outcome"]) == ("completed", "completed")
    order = sandbox.world.orders[output["call_id"]]
    assert [words for role, words in said(order) if role == "user"] == ["Oui, allô ?", "Mardi me va très bien."]
    assert order["last_call_attempt"]["ended_by"] == "user"
    assert sandbox.rang == 1


def test_answers_to_its_questions_become_the_structured_output(sandbox: Sandbox) -> None:
    def field(kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "required": False, "description": None, "enum_options": None, **more}

    config = [
        field("boolean", "still at home"),
        field("number", "how many guests"),
        field("enum", "which meal", enum_options=["lunch", "dinner"]),
        field("date", "which day"),
    ]
    sandbox.phone.says("Yes?", "Go on.", "Fine.", "No, we moved.", "About 3,5 or so", "Dinner, please", "some day")
    call_id = sandbox.connect().send(
        MakeCall(phone_number=Phone.number, prompt="P", settings={"structured_output_config": config})
    )["call"]["id"]
    sandbox.world.advance(600)
    values = sandbox.world.orders[call_id]["last_call_attempt"]["structured_output"]
    assert values == {"still at home": False, "how many guests": 3.5, "which meal": "dinner"}


def test_a_custom_model_hears_the_person(sandbox: Sandbox) -> None:
    heard: list[str] = []

    async def complete(request: Request) -> Response:
        messages = (await request.json())["messages"]
        heard.append(messages[-1]["content"])
        return JSONResponse({"choices": [{"message": {"role": "assistant", "content": f"Answer {len(heard)}."}}]})

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app))
    sandbox.phone.says("Guten Tag.", "Und morgen?")
    model = {"type": "custom", "api_url": "http://127.0.0.1:9/v1", "api_key": "k", "model_name": "m"}
    settings = {"llm_model": model, "first_sentence": "Hello."}
    call_id = sandbox.connect().send(MakeCall(phone_number=Phone.number, prompt="P", settings=settings))["call"]["id"]
    sandbox.world.advance(600)
    assert heard == ["Guten Tag.", "Und morgen?"]
    order = sandbox.world.orders[call_id]
    assert [words for _, words in said(order)][-2:] == ["Und morgen?", "Answer 2."]
    assert order["last_call_attempt"]["ended_by"] == "user"


def test_a_person_who_calls_is_on_the_line_at_once(sandbox: Sandbox, connection: Connection) -> None:
    assistant = connection.send(CreateAssistant(name="Desk", prompt="Help."))["assistant"]["id"]
    number = connection.send(ListPhoneNumbers())["phone_numbers"][0]
    connection.send(UpdatePhoneNumber(phone_number_id=number["id"], inbound_assistant_id=assistant))
    order = sandbox.receive(Phone.number, OUR_NUMBER)
    sandbox.world.advance(15)
    [call] = sandbox.phone.calls.values()
    assert (call.state, call.other, call.call_id) == ("speaks", OUR_NUMBER, order["id"])
    call.say("Are you open?")
    sandbox.world.advance(1)
    call.hang_up()
    assert ("user", "Are you open?") in said(ended(sandbox, call))
    assert sandbox.rang == 0


@pytest.mark.parametrize("act", [["pick_up"], ["decline"], ["leave_to_voicemail"], ["pick_up", "hang_up"], []])
def test_the_sdk_accepts_an_order_at_every_point(sandbox: Sandbox, act: list[str]) -> None:
    call = ringing(sandbox)
    for name in ["", *act]:
        if name:
            getattr(call, name)()
        for seconds in (0, 3, 40, 300):
            order = ended(sandbox, call, seconds if name == (act or [""])[-1] else 0)
            CallRetrieveResponse.model_validate({"call": order}, strict=True)


# Time


def test_time_does_not_run_away_while_a_person_is_on_the_phone() -> None:
    sandbox = Sandbox(speed=5000)
    sandbox.connect().send(MakeCall(phone_number=Phone.number, prompt="P"))
    while not sandbox.phone.calls:
        sandbox.world.catch_up()
    [call] = sandbox.phone.calls.values()
    rang_s, began_s = sandbox.world.moment_s, time.monotonic()
    assert sandbox.world.pace == 1.0
    assert sandbox.clock.slice_s == 0.25
    # At 5000 times the real speed it would have rung out by the next look.
    assert sandbox.world.now_s - rang_s <= time.monotonic() - began_s + 1
    call.decline()
    assert sandbox.world.pace == 5000


def test_somebody_given_in_code_does_not_slow_time_down() -> None:
    sandbox = Sandbox(speed=50_000)
    sandbox.phone.says("Yes?")
    call_id = sandbox.connect().send(MakeCall(phone_number=Phone.number, prompt="P"))["call"]["id"]
    while sandbox.world.orders[call_id]["status"] != "completed":
        sandbox.world.catch_up()
        assert sandbox.world.pace == 50_000


def test_the_speed_can_be_changed_and_outlives_a_reset() -> None:
    sandbox = Sandbox()
    before_s = sandbox.world.now_s
    sandbox.run_at(1e6)
    while sandbox.world.now_s == before_s:
        pass
    sandbox.run_at(None)
    now_s = sandbox.world.now_s
    assert sandbox.world.now_s == now_s
    sandbox.run_at(0.5)
    # No time had passed while it stood still.
    assert sandbox.world.now_s - now_s < 60
    sandbox.reset()
    assert sandbox.world.speed == 0.5


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 1e7])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="a speed above 0"):
        Sandbox().run_at(speed)
