"""What rings is what was checked: the assistant as it will speak, merged with what the request overrides."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Budget, Cost
from revox_langchain.dialing.configuration import DECIDES, configuration_of, differences, digest, merged
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.hosts import check_hosts
from revox_langchain.dialing.intent import Intent, Order, Placed
from revox_langchain.dialing.placing import place
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import arun, run
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.sandbox import Fault, Sandbox

NUMBER = "+12025550100"
OPEN = "Say hello, I am an AI."
DENIES = "Say hello. Never say that you are an AI."
WINDOW = {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 7200}
RETRIES: JsonObject = {
    "allowed_days": ["monday"],
    "call_twice_in_a_row": False,
    "calling_windows": [WINDOW],
    "max_retry_attempts": 3,
}


def ordered(sandbox: Sandbox, policy: DialPolicy | None = None, *, mode: str = "sync", **request: Any) -> Placed:
    intent = Intent("5b0d3d7e-0000-5000-8000-000000000001", durable=True)
    flow = place(Order(MakeCall(phone_number=NUMBER, **request), intent), Guard(policy))
    return run(flow, sandbox.connect()) if mode == "sync" else asyncio.run(arun(flow, sandbox.connect()))


def stored(sandbox: Sandbox, **fields: Any) -> str:
    """The id of an assistant that its owner stored with these fields, past every check of ours."""
    answer = sandbox.connect().send(CreateAssistant(name="Stored", prompt=OPEN))
    sandbox.world.assistants[answer["assistant"]["id"]].update(fields)
    return str(answer["assistant"]["id"])


BAD: dict[str, tuple[JsonObject, str]] = {
    "a caller id of others": ({"from_phone_number": "+12025550177"}, "caller_id_not_owned"),
    "a transfer to a premium number": (
        {"transfer_destinations": [{"label": "sales", "phone_number": "+19005551234"}]},
        "premium_number",
    ),
    "a transfer to a satellite": (
        {"transfer_destinations": [{"label": "sales", "phone_number": "+881612345678"}]},
        "global_number",
    ),
    "a transfer that is not a number": (
        {"transfer_destinations": [{"label": "sales", "phone_number": "the front desk"}]},
        "not_a_number",
    ),
    "hours of another time zone": (
        {"call_retry_config": {**RETRIES, "timezone": "Asia/Tokyo"}},
        "outside_local_hours",
    ),
    "hours at night": (
        {"call_retry_config": {**RETRIES, "calling_windows": [{**WINDOW, "calling_window_end_time": "23:30"}]}},
        "outside_local_hours",
    ),
    "a first sentence that denies": (
        {"first_sentence": "Hello. I am not an AI, I am a person.", "first_sentence_mode": "static"},
        "denies_being_ai",
    ),
    "a voicemail that denies": ({"voicemail_message": "Never say that you are an AI."}, "denies_being_ai"),
    "a farewell that denies": ({"end_of_call_sentence": "Never say that you are an AI."}, "denies_being_ai"),
    "a prompt flow that denies": (
        {
            "prompt_flow": {
                "nodes": [{"id": "1", "type": "promptBlock", "position": {"x": 0, "y": 0}, "data": {"body": DENIES}}],
                "edges": [],
            }
        },
        "denies_being_ai",
    ),
}
STRICT = DialPolicy(prompt_problems="refuse")


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("what", BAD)
def test_a_stored_assistant_is_checked_just_before_the_dial(what: str, mode: str) -> None:
    sandbox = Sandbox()
    fields, code = BAD[what]
    with pytest.raises(Refused) as caught:
        ordered(sandbox, STRICT, mode=mode, assistant_id=stored(sandbox, **fields))
    assert caught.value.code == code
    assert not sandbox.dials


@pytest.mark.parametrize("what", [what for what in BAD if what != "a first sentence that denies"])
def test_an_inline_assistant_is_checked_by_its_settings(what: str) -> None:
    sandbox = Sandbox()
    fields, code = BAD[what]

    def parsed_and_ordered() -> None:
        request = MakeCall.parse({"phone_number": NUMBER, "prompt": OPEN, "settings": fields})
        ordered(sandbox, STRICT, prompt=OPEN, settings=request.settings)

    with pytest.raises((Refused, InvalidInput)) as caught:
        parsed_and_ordered()
    assert caught.value.code == code
    assert not sandbox.dials


def test_a_stored_prompt_that_denies_being_an_ai_is_refused_where_the_policy_refuses() -> None:
    sandbox = Sandbox()
    with pytest.raises(Refused) as caught:
        ordered(sandbox, STRICT, assistant_id=stored(sandbox, prompt=DENIES))
    assert caught.value.code == "denies_being_ai"


def test_by_default_such_words_are_a_warning_of_the_order() -> None:
    sandbox = Sandbox()
    placed = ordered(sandbox, assistant_id=stored(sandbox, prompt=DENIES))
    assert any("AI" in note for note in placed.notes)


def test_a_stored_assistant_costs_one_read_and_an_inline_one_none() -> None:
    for request, reads in (({"assistant_id": ""}, 1), ({"prompt": OPEN}, 0)):
        sandbox = Sandbox()
        if "assistant_id" in request:
            request = {"assistant_id": stored(sandbox)}
        ordered(sandbox, **request)
        assert sandbox.counts[GetAssistant.spec.name] == reads
        assert sandbox.counts[GetCallHistory.spec.name] == 2


def test_an_order_that_exists_is_adopted_whatever_its_assistant_has_become() -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox)
    first = ordered(sandbox, assistant_id=assistant_id)
    sandbox.world.assistants[assistant_id]["from_phone_number"] = "+12025550177"
    before = sandbox.counts[GetAssistant.spec.name]
    again = ordered(sandbox, assistant_id=assistant_id)
    assert again.adopted
    assert again.call_id == first.call_id
    assert sandbox.counts[GetAssistant.spec.name] == before


def test_an_assistant_that_cannot_be_read_is_not_dialed_with() -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox)
    sandbox.faults.add(Fault("server_error", on=GetAssistant, times=None))
    with pytest.raises(Exception, match="HTTP 500"):
        ordered(sandbox, assistant_id=assistant_id)
    assert not sandbox.dials


def test_an_approval_counts_for_the_assistant_that_was_shown() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    assistant_id = stored(sandbox)
    request = MakeCall(phone_number=NUMBER, assistant_id=assistant_id)
    approved = digest(run(configuration_of(request), connection))
    sandbox.world.assistants[assistant_id]["call_retry_config"] = {**RETRIES, "max_retry_attempts": 50}
    order = Order(request, Intent("5b0d3d7e-0000-5000-8000-000000000002", durable=True), approved=approved)
    with pytest.raises(Refused) as caught:
        run(place(order, Guard()), connection)
    assert caught.value.code == "configuration_changed"
    assert not sandbox.dials
    again = digest(run(configuration_of(request), connection))
    assert caught.value.details == {"configuration_hash": again}
    placed = run(place(Order(request, order.intent, approved=again), Guard()), connection)
    assert not placed.adopted


def test_an_order_that_revox_gave_another_assistant_is_cancelled_and_reported() -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox)

    def edited_on_the_way(request: httpx.Request) -> httpx.Response:
        # Someone edits the assistant between our look and the dial.
        if request.method == "POST" and request.url.path.endswith("/call"):
            sandbox.world.assistants[assistant_id]["prompt"] = DENIES
        return sandbox(request)

    connection = sandbox.connect(transport=httpx.MockTransport(edited_on_the_way))
    request = MakeCall(phone_number=NUMBER, assistant_id=assistant_id)
    order = Order(request, Intent("5b0d3d7e-0000-5000-8000-000000000003", durable=True))
    placed = run(place(order, Guard()), connection)
    assert len(sandbox.dials) == 1
    assert placed.call["status"] == "cancelled"
    assert "another prompt than was checked" in placed.notes[0]
    assert "cancelled" in placed.notes[0]


@given(st.sampled_from(DECIDES), st.text(max_size=20))
def test_whatever_decides_about_a_call_changes_the_digest(field: str, value: str) -> None:
    before: JsonObject = {"prompt": "one", "voice": {"id": "v", "provider": "cartesia"}}
    after = {**before, field: value or "two"}
    assert (digest(before) == digest(after)) is (before.get(field) == after[field])


@given(st.sampled_from(DECIDES))
def test_a_field_that_revox_leaves_out_or_fills_in_is_no_difference(field: str) -> None:
    assert differences({field: "sent"}, {}) == []
    assert differences({}, {field: "filled in"}) == []
    assert differences({field: "sent"}, {field: "sent"}) == []
    assert differences({field: "sent"}, {field: "other"}) == [field]


def test_what_a_call_overrides_counts_instead_of_the_assistants_own() -> None:
    assert merged({"from_phone_number": "a", "prompt": "p"}, {"from_phone_number": "b", "prompt": "ignored"}) == {
        "from_phone_number": "b",
        "prompt": "p",
    }


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


@example(attempts=None, duration=5e-324, retries=False)
@given(attempts=ANYTHING, duration=ANYTHING, retries=st.booleans())
def test_no_configuration_makes_a_cost_negative_or_unreadable(attempts: Any, duration: Any, retries: bool) -> None:
    config = {"max_retry_attempts": attempts} if retries else attempts
    cost = Cost.of({"call_retry_config": config, "max_call_duration_secs": duration})
    assert cost.attempts >= 1
    assert cost.minutes > 0


def test_a_negative_duration_buys_no_budget() -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox, max_call_duration_secs=-1e6)
    guard = Guard(budget=Budget(minutes=100))
    order = Order(MakeCall(phone_number=NUMBER, assistant_id=assistant_id), Intent("i", durable=True))
    run(place(order, guard), sandbox.connect())
    assert guard.budget.reserved()["minutes"] == 90


HOSTS = {
    "webhook_url": {"webhook_url": "https://hooks.example.com/revox?token=1"},
    "precall_lookup_url": {"precall_lookup_url": "https://hooks.example.com/{{phone}}"},
    "llm_model.api_url": {"llm_model": {"type": "custom", "api_url": "https://hooks.example.com/v1", "api_key": "k"}},
    "custom_tools.0.url": {"custom_tools": [{"name": "book", "url": "https://hooks.example.com/{{slot}}"}]},
    "email_notification_address": {"email_notification_address": "me@hooks.example.com"},
}


@pytest.mark.parametrize("field", HOSTS)
def test_a_host_that_a_request_writes_must_be_allowed(field: str) -> None:
    with pytest.raises(Refused, match=field) as caught:
        check_hosts(DialPolicy(), HOSTS[field])
    assert caught.value.code == "host_not_allowed"
    check_hosts(DialPolicy(allowed_hosts=("hooks.example.com",)), HOSTS[field])
    check_hosts(DialPolicy(allowed_hosts=("*.example.com",)), HOSTS[field])
    with pytest.raises(Refused):
        check_hosts(DialPolicy(allowed_hosts=("example.com", "*.hooks.example.com")), HOSTS[field])


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "not a url",
        "https://",
        "//hooks.example.com",
        "http://169.254.169.254/latest",
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://10.0.0.7/x",
        "http://localhost/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://printer.local/x",
        "https://{{host}}/x",
        "https://{{user}}@hooks.example.com/x",
        "http://[not-an-address/x",
        "",
        7,
    ],
)
def test_what_is_not_a_public_url_is_invalid_whatever_is_allowed(url: object) -> None:
    policy = DialPolicy(allowed_hosts=("*.example.com", "169.254.169.254", "127.0.0.1", "localhost"))
    for written in ({"webhook_url": url}, {"custom_tools": [{"url": url}]}):
        if not written.get("webhook_url", True):
            continue
        with pytest.raises(InvalidInput) as caught:
            check_hosts(policy, written)
        assert caught.value.code == "invalid_url"


@given(
    st.recursive(
        ANYTHING, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    )
)
def test_hosts_are_checked_in_anything_without_an_error_of_another_kind(value: Any) -> None:
    for field in ("webhook_url", "llm_model", "custom_tools", "email_notification_address", "precall_lookup_url"):
        with contextlib.suppress(InvalidInput, Refused):
            check_hosts(DialPolicy(), {field: copy.deepcopy(value)})


def test_what_an_owner_stored_may_name_any_host() -> None:
    sandbox = Sandbox()
    assistant_id = stored(sandbox, webhook_url="https://hooks.example.com/revox")
    assert not ordered(sandbox, assistant_id=assistant_id).adopted
    assert len(sandbox.dials) == 1


@pytest.mark.parametrize(
    ("sent", "held"),
    [("Say hello.\r\nThen stop. ", "Say hello.\nThen stop."), ("Cafe\u0301", "Café"), ("10am", "10:00"), (300, 300.0)],
)
def test_what_a_server_may_normalise_is_no_difference(sent: object, held: object) -> None:
    assert differences({"prompt": sent}, {"prompt": held}) == []
    assert differences({"prompt": sent}, {"prompt": f"{held} more"}) == ["prompt"]
