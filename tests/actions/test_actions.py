"""What a request comes to: creations are looked up first, dials are sent once, and waiting ends with an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from revox_langchain.actions.assistants import create_assistant_once
from revox_langchain.actions.create import LOOK_AGAIN_S
from revox_langchain.actions.registry import flow_of
from revox_langchain.actions.requests import REQUESTS, RecoverCall, WaitForCall, act, find_request
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import DEFAULT_RETRIES, Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import MARK
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    InvalidInput,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
)
from revox_langchain.flow import Flow, Pause, Tick, Turn, arun, run
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, ListAssistants, UpdateAssistant
from revox_langchain.operations.calls import CancelCall, GetCall, GetCallHistory, MakeCall, PauseCall, ResumeCall
from revox_langchain.operations.campaigns import (
    CancelCampaign,
    CreateCampaign,
    GetCampaignRows,
    LaunchCampaign,
    ListCampaigns,
    PauseCampaign,
    ResumeCampaign,
    UpdateCampaign,
)
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.operation import Operation, Request, Risk, procedure
from revox_langchain.sandbox import Fault, Sandbox

NUMBER = "+12025550100"
VOICE = {"voice_provider": "cartesia", "voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41"}
LOST = ["lose_before", "lose_after", "server_error", "server_error_after", "html", "html_before", "truncated", "empty"]
LOST_BUT_DONE = {"lose_after", "server_error_after", "html", "truncated", "empty"}
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def do(request: Request, connection: Connection, mode: str = "sync", guard: Guard | None = None, **options: Any) -> Any:
    flow = act(request, guard or Guard(), **options)
    return run(flow, connection) if mode == "sync" else asyncio.run(arun(flow, connection))


def reminder(**more: Any) -> CreateAssistant:
    return CreateAssistant.parse({"name": "Reminder", "prompt": "Please remind them of Tuesday.", **more})


def contacts(*numbers: int, **variables: str) -> list[dict[str, Any]]:
    return [{"to_phone_number": f"+12025550{number}", "prompt_variables": variables} for number in numbers]


def campaign_of(sandbox: Sandbox, *numbers: int) -> str:
    connection = sandbox.connect()
    assistant = connection.send(reminder())["assistant"]["id"]
    request = CreateCampaign.model_validate(
        {"assistant_id": assistant, "name": "Spring", "contacts": contacts(*numbers or (140, 141))}
    )
    return str(connection.send(request)["campaign"]["id"])


class ByHand:
    """Plays the server for a flow, letting every pause pass at once."""

    def __init__(self, flow: Flow[Any]) -> None:
        self.flow = flow
        self.paused: list[float] = []
        self.result: Any = None
        self.over = False
        self._take(lambda: next(self.flow))

    def answer(self, value: Any) -> ByHand:
        self._take(lambda: self.flow.send(value))
        return self

    def fail(self, error: RevoxToolError) -> ByHand:
        self._take(lambda: self.flow.throw(error))
        return self

    def _take(self, advance: Callable[[], Any]) -> None:
        try:
            step = advance()
            while isinstance(step, Pause):
                self.paused.append(step.seconds)
                step = self.flow.send(Tick(1_767_700_000.0))
            self.step = step
        except StopIteration as stopped:
            self.over, self.result = True, stopped.value


@pytest.mark.slow
@both_modes
def test_an_assistant_is_looked_up_first_and_created_if_there_is_none(sandbox: Sandbox, mode: str) -> None:
    answer = do(reminder(**VOICE), sandbox.connect(), mode)
    assert answer["existed"] is False
    assert answer["assistant"]["name"] == "Reminder"
    assert (sandbox.counts["revox_list_assistants"], sandbox.counts["revox_create_assistant"]) == (1, 1)


@pytest.mark.slow
@both_modes
def test_the_same_assistant_is_found_instead_of_created_again(sandbox: Sandbox, mode: str) -> None:
    full = {
        **VOICE,
        "first_sentence": "Hello.",
        "max_call_duration_secs": 300,
        "structured_output_config": [{"name": "ok", "type": "boolean", "required": True, "description": None}],
        "settings": {
            "voice": {"speed": 1.2},
            "faq_items": [{"question": "Who?", "answer": "Us."}],
            "transfer_destinations": [{"label": "desk", "phone_number": "+33142685300"}],
            "llm_model": {
                "type": "custom",
                "api_url": "https://llm.invalid",
                "api_key": "sk_of_the_llm",
                "model_name": "m",
            },
        },
    }
    connection = sandbox.connect()
    guard = Guard(DialPolicy(allowed_hosts=("llm.invalid",)))
    first, second = (do(reminder(**full), connection, mode, guard) for _ in range(2))
    assert second["existed"] is True
    assert second["assistant"]["id"] == first["assistant"]["id"]
    assert second["assistant"]["llm_model"]["api_key"] == REDACTED
    assert sandbox.counts["revox_create_assistant"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Reminder 2"},
        {"prompt": "Please remind them of Wednesday."},
        {"first_sentence": "Hi."},
        {"voice_id": "b7d50908-b17c-442d-ad8d-810c63997ed9"},
        {"settings": {"voice": {"speed": 1.3}}},
        {"settings": {"faq_items": []}},
        {"settings": {"faq_items": [{"question": "Who?", "answer": "Them."}]}},
        {"settings": {"llm_model": {"type": "dedicated-instance", "name": "ministral-3-8b-instruct"}}},
        {"max_call_duration_secs": 301},
    ],
)
def test_another_configuration_is_another_assistant(sandbox: Sandbox, change: dict[str, Any]) -> None:
    connection = sandbox.connect()
    base = {
        **VOICE,
        "max_call_duration_secs": 300,
        "settings": {"voice": {"speed": 1.2}, "faq_items": [{"question": "Who?", "answer": "Us."}]},
    }
    do(reminder(**base), connection)
    voices = {v["id"] for v in sandbox.world.voices.values() if v["provider"] == "cartesia"}
    if "voice_id" in change:
        change = {"voice_id": min(voices - {VOICE["voice_id"]})}
    assert do(reminder(**{**base, **change}), connection)["existed"] is False
    assert len(sandbox.world.assistants) == 2


def test_an_assistant_edited_since_is_not_taken_for_the_one_asked_for(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    first = do(reminder(), connection)["assistant"]["id"]
    connection.send(UpdateAssistant(assistant_id=first, prompt="Sell them a boat."))
    assert do(reminder(), connection)["existed"] is False


@pytest.mark.parametrize("kind", LOST)
@both_modes
def test_after_a_lost_answer_an_assistant_is_found_and_never_created_twice(
    sandbox: Sandbox, kind: Any, mode: str
) -> None:
    sandbox.faults.add(Fault(kind, CreateAssistant, times=None))
    connection = sandbox.connect()
    if kind in LOST_BUT_DONE:
        answer = do(reminder(), connection, mode)
        assert (answer["existed"], answer["assistant"]["name"]) == (False, "Reminder")
    else:
        with pytest.raises((Unavailable, AnswerError)):
            do(reminder(), connection, mode)
    assert sandbox.counts["revox_create_assistant"] == 1
    assert len(sandbox.world.assistants) == (kind in LOST_BUT_DONE)
    sandbox.faults.clear()
    assert do(reminder(), connection, mode)["existed"] is (kind in LOST_BUT_DONE)
    assert len(sandbox.world.assistants) == 1


@pytest.mark.parametrize(
    "error",
    [
        AuthError("key"),
        InvalidInput("no"),
        Refused("402", details={"http_status": 402}),
        RateLimited("429"),
        Unavailable("no route", sent=False),
    ],
)
def test_what_certainly_failed_is_not_looked_for(error: RevoxToolError) -> None:
    hand = ByHand(create_assistant_once(reminder()))
    assert hand.step == ListAssistants()
    hand.answer({"assistants": []})
    assert hand.step == reminder()
    with pytest.raises(type(error)):
        hand.fail(error)


def test_it_is_looked_for_several_times_before_the_error_is_believed() -> None:
    hand = ByHand(create_assistant_once(reminder())).answer({"assistants": []}).fail(TimedOut("slow"))
    hand.fail(Unavailable("down"))
    for _ in LOOK_AGAIN_S[2:]:
        assert hand.step == ListAssistants()
        hand.answer({"assistants": []})
    with pytest.raises(TimedOut, match="slow"):
        hand.answer({"assistants": []})
    assert hand.paused == list(LOOK_AGAIN_S)


def test_an_assistant_that_shows_up_late_is_found() -> None:
    hand = ByHand(create_assistant_once(reminder())).answer({"assistants": []}).fail(TimedOut("slow"))
    body = reminder().wire().body or {}
    hand.answer({"assistants": []}).answer({"assistants": [{**body, "id": "a1", "sms_enabled": False}]})
    assert hand.result["assistant"]["id"] == "a1"


def test_if_the_look_before_fails_nothing_is_created() -> None:
    with pytest.raises(Unavailable):
        ByHand(create_assistant_once(reminder())).fail(Unavailable("down"))


def test_of_two_creations_at_once_the_second_waits_and_finds_the_first() -> None:
    assistant_, listed = {**(reminder().wire().body or {}), "id": "a1"}, {"assistants": []}
    campaign_ = campaign("a1")
    ways: list[Any] = [
        (reminder(), create_assistant_once, listed),
        (campaign_, lambda request: act(request, Guard()), {"campaigns": []}),
    ]
    for request, begin, empty in ways:
        one, other = begin(request), begin(request)
        first, turn = next(one), next(other)
        if isinstance(first, GetAssistant):
            first, turn = one.send(assistant_), other.send(assistant_)
        assert isinstance(first, (ListAssistants, ListCampaigns))
        assert isinstance(turn, Turn)
        assert one.send(empty) is request
        assert not turn.come.done()
        with pytest.raises(StopIteration):
            one.send({"assistant": assistant_, "campaign": {"id": "c1"}})
        assert turn.come.done()
        assert isinstance(other.send(None), (ListAssistants, ListCampaigns))
        other.close()


def test_a_creation_that_failed_can_be_tried_again(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", CreateAssistant, status=400))
    for _ in range(2):
        try:
            assert do(reminder(), sandbox.connect())["existed"] is False
        except InvalidInput:
            assert not sandbox.world.assistants
    assert len(sandbox.world.assistants) == 1


def campaign(assistant: str, **more: Any) -> CreateCampaign:
    given = {"assistant_id": assistant, "name": "Spring", "contacts": contacts(140, 141, name="Zoë")}
    return CreateCampaign.parse({**given, **more})


@pytest.fixture
def assistant(sandbox: Sandbox) -> str:
    return str(sandbox.connect().send(reminder())["assistant"]["id"])


@both_modes
def test_the_same_campaign_is_found_instead_of_created_again(sandbox: Sandbox, assistant: str, mode: str) -> None:
    connection = sandbox.connect()
    first, second = (do(campaign(assistant), connection, mode) for _ in range(2))
    assert (first["existed"], second["existed"]) == (False, True)
    assert first["campaign"]["id"] == second["campaign"]["id"]
    reordered = campaign(assistant, contacts=contacts(141, 140, name="Zoë"))
    assert do(reordered, connection, mode)["existed"] is True
    assert sandbox.counts["revox_create_campaign"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Summer"},
        {"contacts": contacts(140, name="Zoë")},
        {"contacts": contacts(140, 142, name="Zoë")},
        {"contacts": contacts(140, 141, name="Zoe")},
        {"contacts": contacts(140, 141)},
        {"max_concurrent_calls": 2},
        {"from_phone_number": "+12025550199"},
    ],
)
def test_another_campaign_is_created(sandbox: Sandbox, assistant: str, change: dict[str, Any]) -> None:
    connection = sandbox.connect()
    do(campaign(assistant), connection)
    assert do(campaign(assistant, **change), connection)["existed"] is False
    assert len(sandbox.world.campaigns) == 2


def test_a_cancelled_campaign_is_not_taken_for_the_one_asked_for(sandbox: Sandbox, assistant: str) -> None:
    connection = sandbox.connect()
    first = do(campaign(assistant), connection)["campaign"]["id"]
    connection.send(CancelCampaign(campaign_id=first))
    assert do(campaign(assistant), connection)["existed"] is False


@pytest.mark.parametrize("kind", LOST)
@both_modes
def test_after_a_lost_answer_a_campaign_is_found_and_never_created_twice(
    sandbox: Sandbox, assistant: str, kind: Any, mode: str
) -> None:
    sandbox.faults.add(Fault(kind, CreateCampaign, times=None))
    connection = sandbox.connect()
    if kind in LOST_BUT_DONE:
        assert do(campaign(assistant), connection, mode)["existed"] is False
    else:
        with pytest.raises((Unavailable, AnswerError)):
            do(campaign(assistant), connection, mode)
    assert sandbox.counts["revox_create_campaign"] == 1
    assert len(sandbox.world.campaigns) == (kind in LOST_BUT_DONE)


def test_every_contact_of_a_campaign_is_checked_before_it_is_created(sandbox: Sandbox, assistant: str) -> None:
    with pytest.raises(Refused) as caught:
        do(campaign(assistant, contacts=[*contacts(140), {"to_phone_number": "+19005551234"}]), sandbox.connect())
    assert caught.value.code == "premium_number"
    assert not sandbox.world.campaigns


def test_a_campaign_whose_rows_cannot_be_read_is_not_believed_to_be_another() -> None:
    request = campaign("a1")
    hand = ByHand(act(request, Guard()))
    assert hand.step == GetAssistant(assistant_id="a1")
    hand.answer({"id": "a1", "prompt": "Say hello."})
    assert hand.step == ListCampaigns()
    hand.answer({"campaigns": [{"id": "c1", "name": "Spring", "assistant_id": "a1", "row_stats": {"total": 2.0}}]})
    assert hand.step == GetCampaignRows(campaign_id="c1")
    with pytest.raises(Unavailable):
        hand.fail(Unavailable("down"))


EVERY_FAULT = [*LOST, "connect_error", "rate_limited", "concurrency_limited", "redirect"]


def paused_call(sandbox: Sandbox) -> ResumeCall:
    connection = sandbox.connect()
    call_id = connection.send(MakeCall(phone_number="+12025550111", prompt="Say hello."))["call"]["id"]
    connection.send(PauseCall(call_id=call_id))
    return ResumeCall(call_id=call_id)


def new_campaign(sandbox: Sandbox) -> LaunchCampaign:
    return LaunchCampaign(campaign_id=campaign_of(sandbox))


def paused_campaign(sandbox: Sandbox) -> ResumeCampaign:
    campaign_id = campaign_of(sandbox)
    connection = sandbox.connect()
    connection.send(LaunchCampaign(campaign_id=campaign_id))
    connection.send(PauseCampaign(campaign_id=campaign_id))
    return ResumeCampaign(campaign_id=campaign_id)


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("prepared", [paused_call, new_campaign, paused_campaign])
@pytest.mark.parametrize("kind", EVERY_FAULT)
@both_modes
def test_what_dials_is_sent_once_under_every_fault(sandbox: Sandbox, prepared: Any, kind: Any, mode: str) -> None:
    request = prepared(sandbox)
    before = sandbox.counts[request.spec.name]
    sandbox.faults.add(Fault(kind, type(request), times=None, retry_after_s=1))
    with pytest.raises(RevoxToolError) as caught:
        do(request, sandbox.connect(), mode)
    assert sandbox.counts[request.spec.name] == before + 1
    assert caught.value.next_step
    if kind not in ("connect_error", "rate_limited", "concurrency_limited"):
        assert caught.value.retry_safe is False


@pytest.mark.parametrize("prepared", [paused_call, new_campaign, paused_campaign])
@both_modes
def test_what_dials_takes_effect(sandbox: Sandbox, prepared: Any, mode: str) -> None:
    answer = do(prepared(sandbox), sandbox.connect(), mode)
    assert answer.get("success") or answer["launched"] == 2


@pytest.mark.parametrize(("kind", "orders"), [("rate_limited", 0), ("connect_error", 0), ("lose_before", 2)])
def test_a_launch_that_may_have_rung_keeps_its_budget(sandbox: Sandbox, kind: Any, orders: int) -> None:
    guard = Guard(budget=Budget(orders=5))
    request = new_campaign(sandbox)
    sandbox.faults.add(Fault(kind, LaunchCampaign))
    with pytest.raises(RevoxToolError):
        do(request, sandbox.connect(), guard=guard)
    assert guard.budget.reserved()["orders"] == orders


def test_a_campaign_whose_contacts_cannot_all_be_read_is_not_launched() -> None:
    hand = ByHand(act(LaunchCampaign(campaign_id="c1"), Guard()))
    hand.answer({"campaign": {"id": "c1", "row_stats": {"total": 3}}})
    hand.answer({"calls": [], "total_count": 3})
    assert isinstance(hand.step, GetCallHistory)
    hand.answer({"calls": [], "total_count": 3})
    with pytest.raises(Refused) as caught:
        hand.answer({"calls": [], "total_count": 3})
    assert caught.value.code == "contacts_unknown"


@pytest.mark.parametrize("kind", ["lose_after", "html", "server_error_after", "truncated"])
@both_modes
def test_a_call_whose_answer_was_lost_is_adopted_with_its_notes(sandbox: Sandbox, kind: Any, mode: str) -> None:
    sandbox.faults.add(Fault(kind, MakeCall))
    request = MakeCall(phone_number=NUMBER, prompt="Say hello to {{name}}.", intent="one")
    answer = do(request, sandbox.connect(), mode)
    assert answer["adopted"]
    assert answer["call"]["metadata"][MARK] == answer["intent_id"]
    assert any("name" in note for note in answer["notes"])
    assert len(sandbox.dials) == 1


def test_a_thread_or_a_named_intent_makes_the_same_request_one_call(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    request = MakeCall(phone_number=NUMBER, prompt="Say hello.")
    ids = {do(request, connection, scope="thread 1")["call"]["id"] for _ in range(3)}
    assert len(ids) == len(sandbox.dials) == 1


def test_the_budget_of_a_toolkit_counts_where_there_is_no_thread(sandbox: Sandbox) -> None:
    guard = Guard(DialPolicy(max_orders=1, min_gap_s=0))
    connection = sandbox.connect()
    do(MakeCall(phone_number="+12025550140", prompt="Hi."), connection, guard=guard, toolkit="one")
    with pytest.raises(Refused, match="budget"):
        do(MakeCall(phone_number="+12025550141", prompt="Hi."), connection, guard=guard, toolkit="one")
    do(MakeCall(phone_number="+12025550141", prompt="Hi."), connection, guard=guard, toolkit="two")


def placed(sandbox: Sandbox, number: str = NUMBER, **more: Any) -> str:
    answer = sandbox.connect().send(MakeCall(phone_number=number, prompt="Say hello.", **more))
    return str(answer["call"]["id"])


@both_modes
def test_waiting_ends_with_the_final_order(sandbox: Sandbox, mode: str) -> None:
    answer = do(WaitForCall(call_id=placed(sandbox), interval_s=2), sandbox.connect(), mode)
    assert (answer["call"]["status"], answer["timed_out"]) == ("completed", False)


@both_modes
def test_waiting_too_long_ends_with_the_id_and_the_time(sandbox: Sandbox, mode: str) -> None:
    call_id = placed(sandbox, "+12025550111")
    answer = do(WaitForCall(call_id=call_id, timeout_s=12), sandbox.connect(), mode)
    assert (answer["call"]["id"], answer["timed_out"], answer["waited_s"]) == (call_id, True, 12.0)
    assert sandbox.counts["revox_get_call"] == 4
    assert do(WaitForCall(call_id=call_id, timeout_s=3600), sandbox.connect(), mode)["timed_out"] is False


def test_waiting_for_structured_output_that_comes_late_has_a_short_grace(sandbox: Sandbox) -> None:
    config = {"structured_output_config": [{"name": "ok", "type": "boolean", "required": True}]}
    answers = {
        number: do(WaitForCall(call_id=placed(sandbox, number, settings=config), timeout_s=3600), sandbox.connect())
        for number in (NUMBER, "+12025550113", "+12025550118")
    }
    assert answers[NUMBER]["call"]["last_call_attempt"]["structured_output"] == {"ok": True}
    assert all(not answer["timed_out"] for answer in answers.values())


def test_a_wait_in_which_nothing_could_be_read_is_an_error_that_can_be_tried_again(sandbox: Sandbox) -> None:
    call_id = placed(sandbox)
    sandbox.faults.add(Fault("server_error", GetCall, times=None))
    with pytest.raises(Unavailable) as caught:
        do(WaitForCall(call_id=call_id, timeout_s=20), sandbox.connect())
    assert caught.value.retry_safe


@both_modes
def test_a_call_that_exists_is_recovered_and_one_that_does_not_is_said_not_to(sandbox: Sandbox, mode: str) -> None:
    connection = sandbox.connect()
    made = do(MakeCall(phone_number=NUMBER, prompt="Say hello.", intent="one"), connection, mode)
    found = do(RecoverCall(intent_id=made["intent_id"], phone_number=NUMBER), connection, mode)
    assert (found["found"], found["call"]["id"], found["adopted"]) == (True, made["call"]["id"], True)
    missing = do(RecoverCall(intent_id="5d9b3a3e-0a53-4e0b-9c39-2f6a0c6f7a11", phone_number=NUMBER), connection, mode)
    assert missing == {
        "found": False,
        "intent_id": "5d9b3a3e-0a53-4e0b-9c39-2f6a0c6f7a11",
        "phone_number": NUMBER,
        "sandbox": True,
    }
    assert len(sandbox.dials) == 1


PLAIN: list[Operation] = [
    GetAssistant(assistant_id="a1"),
    CancelCall(call_id="c1"),
    ListCampaigns(),
    UpdateCampaign(campaign_id="c1", name="n"),
    PauseCall(call_id="c1"),
]


@pytest.mark.parametrize("request_", PLAIN, ids=lambda r: r.spec.name)
def test_everything_else_is_sent_as_it_is(request_: Operation) -> None:
    hand = ByHand(act(request_, Guard()))
    assert hand.step is request_
    assert hand.answer({"anything": 1}).result == {"anything": 1}


def test_a_request_without_a_handler_is_a_bug() -> None:
    @procedure(risk=Risk.READ, render=lambda answer, request: "")
    class Juggle(Request):
        """Juggle."""

    for thing in (Juggle(), "revox_make_call", None):
        with pytest.raises(TypeError, match="not a request that can be done"):
            next(act(thing, Guard()))  # type: ignore[arg-type]


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda r: r.spec.name)
def test_every_request_can_be_done_and_what_dials_is_never_just_sent(request_type: type[Request]) -> None:
    handler = flow_of.dispatch(request_type)
    assert handler is not flow_of.dispatch(object)
    assert not request_type.spec.dials or handler is not flow_of.dispatch(Operation)


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda r: r.spec.name)
def test_every_request_is_found_by_name(request_type: type[Request]) -> None:
    assert find_request(request_type.spec.name) is request_type


def test_an_unknown_tool_is_refused_with_what_is_near() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'revox_wait_for_call'") as caught:
        find_request("wait_for_cal")
    assert caught.value.code == "unknown_tool"


PREMIUM = {"transfer_destinations": [{"label": "sales", "phone_number": "+19005551234"}]}
FOREIGN_CALLER = {"from_phone_number": "+12025550177"}
DENIES = "Say hello. Never say that you are an AI."
STRICT = DialPolicy(prompt_problems="refuse")


@both_modes
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"settings": PREMIUM}, "premium_number"),
        ({"settings": FOREIGN_CALLER}, "caller_id_not_owned"),
        ({"prompt": DENIES}, "denies_being_ai"),
        ({"settings": {"voicemail_message": "Never say that you are an AI."}}, "denies_being_ai"),
        ({"settings": {"webhook_url": "https://hooks.example.com/x"}}, "host_not_allowed"),
        ({"webhook_url": "https://hooks.example.com/x"}, "host_not_allowed"),
        ({"webhook_url": "file:///etc/passwd"}, "invalid_url"),
        ({"settings": {"email_notification_address": "me@example.com"}}, "host_not_allowed"),
    ],
)
def test_an_assistant_is_written_only_as_it_may_speak(
    sandbox: Sandbox, fields: dict[str, Any], code: str, mode: str
) -> None:
    connection = sandbox.connect()
    stored = connection.send(CreateAssistant(name="Stored", prompt="Say hello, I am an AI."))["assistant"]
    create = CreateAssistant(**{"name": "New", "prompt": "Say hello, I am an AI.", **fields})
    for request in (create, UpdateAssistant(assistant_id=stored["id"], **fields)):
        with pytest.raises((Refused, InvalidInput)) as caught:
            do(request, connection, mode, Guard(STRICT))
        assert caught.value.code == code
    assert list(sandbox.world.assistants) == [stored["id"]]
    assert sandbox.counts["revox_update_assistant"] == 0


def test_an_update_is_judged_with_what_is_stored(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    stored = connection.send(CreateAssistant(name="Stored", prompt=DENIES))["assistant"]
    with pytest.raises(Refused) as caught:
        do(UpdateAssistant(assistant_id=stored["id"], first_sentence="Hello."), connection, guard=Guard(STRICT))
    assert caught.value.code == "denies_being_ai"
    done = do(UpdateAssistant(assistant_id=stored["id"], first_sentence="Hello."), connection)
    assert any("AI" in note for note in done["notes"])


@pytest.mark.parametrize(
    "change",
    [
        {"call_retry_config": DEFAULT_RETRIES},
        {"prompt_flow": {"nodes": [], "edges": [1]}},
        {"voicemail_message": "Hi."},
    ],
)
def test_an_assistant_edited_to_ring_or_say_something_else_is_not_reused(
    sandbox: Sandbox, change: dict[str, Any]
) -> None:
    connection = sandbox.connect()
    first = do(reminder(**VOICE), connection)
    sandbox.world.assistants[first["assistant"]["id"]].update(change)
    assert do(reminder(**VOICE), connection)["existed"] is False


@both_modes
@pytest.mark.parametrize(("change", "code"), [(PREMIUM, "premium_number"), (FOREIGN_CALLER, "caller_id_not_owned")])
def test_a_launch_a_resume_and_a_new_campaign_look_at_the_assistant_as_it_is_now(
    sandbox: Sandbox, assistant: str, change: dict[str, Any], code: str, mode: str
) -> None:
    connection = sandbox.connect()
    created = do(campaign(assistant), connection)["campaign"]
    sandbox.world.assistants[assistant].update(change)
    requests = (
        LaunchCampaign(campaign_id=created["id"]),
        ResumeCampaign(campaign_id=created["id"]),
        campaign(assistant, name="Another"),
    )
    for request in requests:
        with pytest.raises(Refused) as caught:
            do(request, connection, mode)
        assert caught.value.code == code
    assert not sandbox.dials
    assert len(sandbox.world.campaigns) == 1


@pytest.mark.parametrize("request_", [{"name": "A"}, {"campaign_id": "c1"}])
def test_a_campaigns_own_caller_id_must_be_owned(sandbox: Sandbox, assistant: str, request_: dict[str, str]) -> None:
    wanted = (
        campaign(assistant, **request_, **FOREIGN_CALLER)
        if "name" in request_
        else UpdateCampaign(campaign_id="c1", **FOREIGN_CALLER)
    )
    with pytest.raises(Refused) as caught:
        do(wanted, sandbox.connect())
    assert caught.value.code == "caller_id_not_owned"


def paused_call(sandbox: Sandbox, **assistant: Any) -> str:
    connection = sandbox.connect()
    stored = connection.send(CreateAssistant(name="Stored", prompt="Say hello, I am an AI."))["assistant"]
    moment = datetime.fromtimestamp(sandbox.clock.now_s() + 3600, UTC)
    call = connection.send(MakeCall(phone_number="+12025550100", assistant_id=stored["id"], scheduled_at=moment))[
        "call"
    ]
    connection.send(PauseCall(call_id=call["id"]))
    sandbox.world.orders[call["id"]]["assistant"].update(assistant)
    return str(call["id"])


def test_a_resume_reserves_like_a_launch(sandbox: Sandbox) -> None:
    call_id = paused_call(sandbox)
    with pytest.raises(Refused) as caught:
        do(ResumeCall(call_id=call_id), sandbox.connect(), guard=Guard(budget=Budget(orders=0)))
    assert caught.value.code == "budget_exceeded"
    assert sandbox.counts["revox_resume_call"] == 0
    budget = Budget(orders=1)
    do(ResumeCall(call_id=call_id), sandbox.connect(), guard=Guard(budget=budget))
    assert budget.reserved()["orders"] == 1


def test_a_resume_that_revox_refuses_gives_its_budget_back(sandbox: Sandbox) -> None:
    call_id, budget = paused_call(sandbox), Budget(orders=1)
    sandbox.faults.add(Fault("status", ResumeCall, status=400))
    with pytest.raises(InvalidInput):
        do(ResumeCall(call_id=call_id), sandbox.connect(), guard=Guard(budget=budget))
    assert budget.reserved()["orders"] == 0


@pytest.mark.slow
def test_a_resumed_call_is_checked_as_its_assistant_is(sandbox: Sandbox) -> None:
    with pytest.raises(Refused) as caught:
        do(ResumeCall(call_id=paused_call(sandbox, **PREMIUM)), sandbox.connect())
    assert caught.value.code == "premium_number"
