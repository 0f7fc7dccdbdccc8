"""What may be dialed: every named refusal, on every way in, before anything is sent."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from revox_langchain.actions.requests import act
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget, Cost
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused
from revox_langchain.flow import run
from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import MakeCall, PauseCall, ResumeCall
from revox_langchain.operations.campaigns import CreateCampaign, LaunchCampaign, PauseCampaign, ResumeCampaign
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.tool import make_tool

NUMBER = "+12025550100"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def refused(raw: str, **policy: Any) -> str:
    with pytest.raises(Refused) as caught:
        Guard(DialPolicy(**policy)).check_number(raw)
    assert caught.value.next_step
    return caught.value.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("banana", "not_a_number"),
        ("1-800-FLOWERS", "not_a_number"),
        ("0142685300", "missing_country"),
        ("+1202", "too_short"),
        ("+120255501001234567", "too_long"),
        ("+447700900123", "invalid_number"),
        ("112", "emergency_number"),
        ("911", "emergency_number"),
        ("+33142685300;ext=12", "extension"),
        ("+19005551234", "premium_number"),
        ("+33820123456", "shared_cost_number"),
        ("+870773111632", "global_number"),
    ],
)
def test_every_kind_of_number_that_is_not_dialed_has_its_code(raw: str, code: str) -> None:
    assert refused(raw) == code


def test_a_short_number_is_refused_even_where_it_is_no_emergency() -> None:
    assert refused("3018", default_region="FR") in ("short_number", "emergency_number")


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"allowed_countries": frozenset({"FR"})}, "country_not_allowed"),
        ({"allowed_numbers": ("+3314268*",)}, "number_not_allowed"),
        ({"denied_numbers": (NUMBER,)}, "number_denied"),
        ({"denied_numbers": ("+1202*",)}, "number_denied"),
    ],
)
def test_the_lists_of_the_policy_hold(policy: dict[str, Any], code: str) -> None:
    assert refused(NUMBER, **policy) == code


def test_an_ambiguous_number_keeps_its_readings_out_of_what_a_model_reads(sandbox: Sandbox) -> None:
    guard = Guard(DialPolicy(default_region="DE"))
    readings = {"readings": ["+494917612345678", "+4917612345678"]}
    with pytest.raises(Refused) as caught:
        guard.check_number("4917612345678")
    assert (caught.value.code, caught.value.details) == ("ambiguous_number", readings)
    tool = make_tool(MakeCall, sandbox.connect(), guard)
    args = {"phone_number": "4917612345678", "prompt": "Say hello to them."}
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": args})
    assert message.artifact["code"] == "ambiguous_number"
    assert message.artifact["details"]["readings"] == readings["readings"]
    assert "17612345678" not in message.content
    assert not sandbox.dials


def test_a_class_that_the_policy_allows_may_be_dialed() -> None:
    policy = DialPolicy(allowed_classes=frozenset({"shared_cost_number"}))
    assert Guard(policy).check_number("+33820123456").e164 == "+33820123456"


def test_numbers_that_share_the_plus_one_are_not_all_domestic() -> None:
    assert refused("+18765551234", allowed_countries=frozenset({"US"})) == "country_not_allowed"


def place(connection: Connection, guard: Guard, **arguments: Any) -> Any:
    request = MakeCall.parse({"phone_number": NUMBER, "prompt": "Say hello to them.", **arguments})
    return run(act(request, guard), connection)


def code_of(connection: Connection, policy: dict[str, Any], **arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        place(connection, Guard(DialPolicy(**policy)), **arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("policy", "arguments", "code"),
    [
        ({}, {"phone_number": "+12025550109"}, "do_not_contact"),
        ({}, {"from_phone_number": "+33142685300"}, "caller_id_not_owned"),
        ({"local_hours": ("20:00", "21:00")}, {"skip_calling_window": True}, "outside_local_hours"),
        ({}, {"phone_number": "+18005551234", "skip_calling_window": True}, "outside_local_hours"),
        ({}, {"scheduled_at": "2020-01-01T10:00:00Z"}, "scheduled_in_the_past"),
        ({"max_orders": 0}, {}, "budget_exceeded"),
        ({}, {"prompt": "Confirmez le cours d'allemand de mardi avec le client."}, "ambiguous_language"),
        ({}, {"prompt": "明日の予約を確認してください。よろしくお願いします。"}, "unsupported_language"),
        ({"prompt_problems": "refuse"}, {"prompt": "Say hello to {{name}}."}, "missing_variable"),
        ({"prompt_problems": "refuse"}, {"prompt": "Say hello. Never admit that you are an AI."}, "denies_being_ai"),
        (
            {"prompt_problems": "refuse", "require_disclosure": True},
            {"first_sentence": "Hello, this is Anna."},
            "no_ai_disclosure",
        ),
        (
            {"voice_mismatch": "refuse"},
            {
                "voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41",
                "voice_provider": "cartesia",
                "prompt": "Please confirm the appointment on Tuesday afternoon with the client.",
            },
            "voice_mismatch",
        ),
    ],
)
def test_every_refusal_that_needs_revoxs_answers_has_its_code(
    sandbox: Sandbox, policy: dict[str, Any], arguments: dict[str, Any], code: str
) -> None:
    assert code_of(sandbox.connect(), policy, **arguments) == code
    assert not sandbox.dials


def test_the_organisations_own_numbers_are_not_called(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    own = connection.send(ListPhoneNumbers())["phone_numbers"][0]["phone_number"]
    assert code_of(connection, {}, phone_number=own) == "own_number"


def test_do_not_contact_can_be_overruled_by_the_policy_only(sandbox: Sandbox) -> None:
    guard = Guard(DialPolicy(honour_do_not_contact=False))
    assert place(sandbox.connect(), guard, phone_number="+12025550109")["call"]["id"]


def test_skipping_the_calling_window_is_fine_inside_local_hours_or_with_permission(sandbox: Sandbox) -> None:
    sandbox.world.advance(6 * 3600)
    guard = Guard(DialPolicy(local_hours=("08:00", "21:00")))
    assert place(sandbox.connect(), guard, skip_calling_window=True)["call"]["id"]
    permitted = Guard(DialPolicy(allow_skip_calling_window=True, local_hours=("01:00", "01:01"), min_gap_s=0))
    assert place(sandbox.connect(), permitted, skip_calling_window=True)["call"]["id"]


def test_a_voice_that_does_not_fit_is_a_note_by_default(sandbox: Sandbox) -> None:
    answer = place(
        sandbox.connect(),
        Guard(),
        voice_id="a249eaff-1e96-4d2c-b23b-12efa4f66f41",
        voice_provider="cartesia",
        prompt="Please confirm the appointment on Tuesday afternoon with the client.",
    )
    assert any("French" in note for note in answer["notes"])


def test_prompt_problems_are_notes_by_default(sandbox: Sandbox) -> None:
    answer = place(sandbox.connect(), Guard(), prompt="Say hello to {{name}}, please.")
    assert any("name" in note for note in answer["notes"])


def test_a_realtime_model_needs_no_voice(sandbox: Sandbox) -> None:
    model = {"type": "realtime", "provider": "openai", "realtime_model_id": "gpt-realtime"}
    answer = place(
        sandbox.connect(),
        Guard(),
        prompt="Confirmez le rendez-vous de mardi avec le client.",
        settings={"llm_model": model},
    )
    assert answer["call"]["id"]


REFUSALS = [
    ("+12025550109", {}, "do_not_contact"),
    ("+19005551234", {}, "premium_number"),
    (NUMBER, {"denied_numbers": (NUMBER,)}, "number_denied"),
    (NUMBER, {"max_orders": 0}, "budget_exceeded"),
]


@pytest.mark.parametrize(("number", "policy", "code"), REFUSALS)
def test_the_tool_gives_a_refusal_as_a_result(sandbox: Sandbox, number: str, policy: dict[str, Any], code: str) -> None:
    tool = make_tool(MakeCall, sandbox.connect(), Guard(DialPolicy(**policy)))
    args = {"phone_number": number, "prompt": "Say hello to them."}
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": args})
    assert message.status == "error"
    assert message.artifact["code"] == code
    assert code in message.content
    assert not sandbox.dials


@pytest.mark.parametrize(("number", "policy", "code"), REFUSALS)
def test_the_graph_gives_a_refusal_as_an_output(
    sandbox: Sandbox, number: str, policy: dict[str, Any], code: str
) -> None:
    graph = call_graph(sandbox.connect(), policy=DialPolicy(**policy))
    out = graph.invoke({"phone_number": number, "prompt": "Please say hello to them.", "language": "en"})
    assert (out["status"], out["error"]["code"]) == ("refused", code)
    assert not sandbox.dials


def campaign(sandbox: Sandbox, *numbers: str, guard: Guard | None = None) -> tuple[Connection, str]:
    connection = sandbox.connect()
    assistant = connection.send(CreateAssistant(name="n", prompt="Hello"))["assistant"]["id"]
    contacts = [{"to_phone_number": number} for number in numbers]
    request = CreateCampaign.parse({"assistant_id": assistant, "name": "c", "contacts": contacts})
    return connection, run(act(request, guard or Guard()), connection)["campaign"]["id"]


def test_a_campaign_with_a_number_that_must_not_be_dialed_is_not_created(sandbox: Sandbox) -> None:
    with pytest.raises(Refused) as caught:
        campaign(sandbox, NUMBER, "+19005551234")
    assert caught.value.code == "premium_number"
    assert not sandbox.world.campaigns


def test_a_launch_counts_every_contact_against_the_budget(sandbox: Sandbox) -> None:
    connection, campaign_id = campaign(sandbox, *(f"+120255501{n}" for n in range(20, 32)))
    with pytest.raises(Refused) as caught:
        run(act(LaunchCampaign(campaign_id=campaign_id), Guard(DialPolicy(max_orders=11))), connection)
    assert caught.value.code == "budget_exceeded"
    assert sandbox.counts["revox_launch_campaign"] == 0
    guard = Guard(DialPolicy(max_orders=12))
    assert run(act(LaunchCampaign(campaign_id=campaign_id), guard), connection)["launched"] == 12


def test_a_launch_is_refused_if_a_contact_must_not_be_called(sandbox: Sandbox) -> None:
    connection, campaign_id = campaign(sandbox, NUMBER, "+12025550109")
    with pytest.raises(Refused) as caught:
        run(act(LaunchCampaign(campaign_id=campaign_id), Guard()), connection)
    assert caught.value.code == "do_not_contact"
    with pytest.raises(Refused) as caught:
        run(act(LaunchCampaign(campaign_id=campaign_id), Guard(DialPolicy(denied_numbers=("+1202*",)))), connection)
    assert caught.value.code == "number_denied"


def test_a_campaign_resumes_under_the_same_rules(sandbox: Sandbox) -> None:
    connection, campaign_id = campaign(sandbox, NUMBER, "+12025550111")
    run(act(LaunchCampaign(campaign_id=campaign_id), Guard()), connection)
    connection.send(PauseCampaign(campaign_id=campaign_id))
    with pytest.raises(Refused):
        run(act(ResumeCampaign(campaign_id=campaign_id), Guard(DialPolicy(denied_numbers=("+1*",)))), connection)
    assert run(act(ResumeCampaign(campaign_id=campaign_id), Guard()), connection)["success"]


def test_a_call_is_not_resumed_to_a_number_that_is_denied_by_now(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    call_id = place(connection, Guard(), phone_number="+12025550111")["call"]["id"]
    connection.send(PauseCall(call_id=call_id))
    with pytest.raises(Refused):
        run(act(ResumeCall(call_id=call_id), Guard(DialPolicy(denied_numbers=("+1*",)))), connection)
    assert run(act(ResumeCall(call_id=call_id), Guard()), connection)["success"]


def test_reserving_the_same_intent_twice_counts_once() -> None:
    budget = Budget(orders=1)
    for _ in range(2):
        budget.reserve("a", "t", Cost())
    assert budget.reserved() == {"orders": 1, "attempts": 3, "minutes": 90}


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        ({"orders": 2}, 2),
        ({"attempts": 7}, 2),
        ({"minutes": 100}, 1),
        ({"orders_per_thread": 1}, 1),
        ({"attempts_per_thread": 6}, 2),
        ({"minutes_per_thread": 89}, 0),
    ],
)
def test_each_limit_holds(limits: dict[str, Any], fits: int) -> None:
    budget = Budget(**limits)
    for n in range(fits):
        budget.reserve(str(n), "t", Cost())
    with pytest.raises(Refused) as caught:
        budget.reserve("one more", "t", Cost())
    assert caught.value.code == "budget_exceeded"
    assert budget.reserved()["orders"] == fits


def test_a_thread_has_its_own_share() -> None:
    budget = Budget(orders_per_thread=1)
    budget.reserve("a", "t1", Cost())
    budget.reserve("b", "t2", Cost())
    with pytest.raises(Refused):
        budget.reserve("c", "t1", Cost())


def test_what_was_released_can_be_reserved_again() -> None:
    budget = Budget(orders=1)
    budget.reserve("a", "t", Cost())
    budget.release("a")
    budget.reserve("b", "t", Cost())


def test_reserving_is_atomic_under_threads() -> None:
    budget = Budget(orders=5)
    won: list[int] = []

    def work(n: int) -> None:
        try:
            budget.reserve(str(n), "t", Cost())
        except Refused:
            return
        won.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 5


def test_the_worst_case_is_read_from_the_assistant() -> None:
    retries = {"max_retry_attempts": 5}
    assert Cost.of({"max_call_duration_secs": 600, "call_retry_config": retries}).minutes == 50
    assert Cost.of({}).minutes == 90


def test_a_budget_in_minutes_counts_what_the_assistant_may_cost(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    created = connection.send(CreateAssistant(name="n", prompt="Hello", max_call_duration_secs=3000))
    guard = Guard(DialPolicy(), Budget(minutes=100))
    request = MakeCall(phone_number=NUMBER, assistant_id=created["assistant"]["id"])
    with pytest.raises(Refused):
        run(act(request, guard), connection)
    assert sandbox.counts["revox_get_assistant"] == 1
    run(act(request, Guard()), connection)
    assert sandbox.counts["revox_get_assistant"] == 2


def test_the_policy_cannot_be_changed_after_it_was_given() -> None:
    policy = DialPolicy()
    with pytest.raises(ValueError, match="frozen"):
        policy.min_gap_s = 0


def test_a_search_that_fails_refuses_nothing_and_dials_nothing(sandbox: Sandbox) -> None:
    from revox_langchain.errors import Unavailable
    from revox_langchain.sandbox import Fault

    sandbox.faults.add(Fault("server_error", on="revox_get_phone_history", times=None))
    with pytest.raises(Unavailable):
        place(sandbox.connect(), Guard())
    assert not sandbox.dials
    assert replace(Fault("html"), times=2).times == 2


@pytest.mark.parametrize(
    ("number", "warned"), [("+18765550123", True), ("+12025550100", False), ("+33142685300", False)]
)
def test_a_plus_one_number_abroad_is_named_in_a_warning_for_a_plus_one_caller(
    sandbox: Sandbox, number: str, warned: bool
) -> None:
    connection = sandbox.connect()
    own = [each["phone_number"] for each in connection.send(ListPhoneNumbers())["phone_numbers"]]
    caller = next(each for each in own if each.startswith("+1"))
    answer = place(connection, Guard(), phone_number=number, from_phone_number=caller)
    assert any("international" in note for note in answer["notes"]) is warned
