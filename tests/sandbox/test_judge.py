"""The sandbox judges requests by the SDK's types and the documented limits, so that it can disagree with us."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import httpx
import pytest
import revox.types

import revox_langchain.sandbox.api as api
from revox_langchain.operations import OPERATIONS, MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.sandbox.api.handlers import HANDLERS
from revox_langchain.sandbox.api.limits import LIMITS
from revox_langchain.sandbox.sandbox import BASE_URL
from tests.sdk import method_of

NUMBER = "+12025550100"
P: dict[str, Any] = {"prompt": "P"}
CALL: dict[str, Any] = {"phone_number": NUMBER, "assistant": P}
SEARCH: dict[str, Any] = {
    **{key: [] for key in ("assignee_ids", "assistant_ids", "campaign_ids", "directions")},
    **{key: [] for key in ("from_phone_numbers", "outcomes", "results", "statuses")},
    "page": 1,
    "page_size": 100,
}
WINDOW = {"calling_window_start_time": "9:00", "calling_window_end_time": "6pm", "retry_delay_seconds": 0}
RETRY: dict[str, Any] = {
    "allowed_days": ["monday"],
    "call_twice_in_a_row": True,
    "calling_windows": [WINDOW],
    "max_retry_attempts": 1,
}
TOOL: dict[str, Any] = {
    "name": "check_stock",
    "description": "d",
    "url": "https://shop.test",
    "method": "GET",
    "headers": [],
    "query_params": [],
    "body_template": None,
    "input_schema": [],
}
VOICE = {"id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41", "provider": "cartesia"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def ask(sandbox: Sandbox, path: str, body: Any, verb: str = "POST") -> httpx.Response:
    headers = {"authorization": "Bearer k"}
    return sandbox(httpx.Request(verb, f"{BASE_URL}{path}", headers=headers, json=body))


def stored(sandbox: Sandbox, **more: Any) -> str:
    return str(ask(sandbox, "/assistants", {"name": "A", **P, **more}).json()["assistant"]["id"])


def test_nothing_of_our_own_validation_is_imported_by_the_checks() -> None:
    allowed = {"revox_langchain.operations.operation": {"Operation"}}
    folder = Path(api.__path__[0])
    for file in [*folder.glob("*.py"), *(folder.parent / "world").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("revox_langchain.operations"):
                continue
            names = {alias.name for alias in node.names}
            routes = {operation.__name__ for operation in OPERATIONS}
            assert names <= allowed.get(node.module or "", routes), file.name


def test_every_operation_with_a_body_is_held_to_the_type_of_the_sdk() -> None:
    params = {getattr(revox.types, name) for name in dir(revox.types) if name.endswith("Params")}
    assert {handler.takes for handler in HANDLERS.values()} - {None} == params
    assert set(LIMITS) <= params
    for operation, handler in HANDLERS.items():
        assert handler.takes is None or method_of(operation)


def test_every_limit_says_where_it_is_documented() -> None:
    for limits in LIMITS.values():
        assert all(limit.source.startswith(("SDK docs", "SDK tests", "API docs", "assumed")) for limit in limits)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({**CALL, "phone_number": "+999123"}, "a country code that does not exist"),
        ({**CALL, "metadata": {"revox_langchain_intent": "mine"}}, "a key that we keep for ourselves"),
        ({"phone_number": NUMBER}, "no assistant at all"),
        ({**CALL, "assistant_id": "STORED"}, "both kinds of assistant"),
    ],
)
def test_it_accepts_what_our_classes_refuse(sandbox: Sandbox, body: dict[str, Any], why: str) -> None:
    if "assistant_id" in body:
        body = {**body, "assistant_id": stored(sandbox)}
    arguments = MakeCall.unwire({}, {}, body)
    try:
        MakeCall(**arguments)
    except ValueError:
        pass
    else:
        assert "revox_langchain_intent" in str(body), why
    assert ask(sandbox, "/call", body).status_code == 200, why


def test_it_refuses_what_our_classes_accept(sandbox: Sandbox) -> None:
    ours = MakeCall(phone_number=NUMBER, prompt="P", settings={"background_sound": "sea.ogg"})
    answer = ask(sandbox, "/call", ours.wire().body)
    assert answer.status_code == 422
    assert "assistant.background_sound" in answer.text


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/call", {**CALL, "phone_number": "abc"}, "phone_number: must be a phone number in the E.164 format"),
        ("/call", {**CALL, "phone_number": "01 42 68 53 00"}, "phone_number"),
        ("/call", {"assistant": P}, "phone_number: Field required"),
        ("/call", {**CALL, "phone_number": 12}, "phone_number"),
        ("/call", {**CALL, "assistant": {"prompt": "  "}}, "assistant.prompt: must not be empty"),
        ("/call", {**CALL, "assistant": {}}, "assistant.prompt: Field required"),
        ("/call", {**CALL, "metadata": {"a": 1}}, "metadata.a"),
        ("/call", {**CALL, "concurrency": {}}, "concurrency.key"),
        ("/call", {**CALL, "scheduled_at": "soon"}, "scheduled_at: 'soon' is not a date"),
        ("/call", {**CALL, "scheduled_at": 12}, "scheduled_at"),
        ("/call", {**CALL, "assistant": {**P, "llm_model": {"type": "custom"}}}, "assistant.llm_model"),
        ("/call", {**CALL, "assistant": {**P, "max_call_duration_secs": -1}}, "assistant.max_call_duration_secs"),
        ("/call", {**CALL, "assistant": {**P, "background_sound_volume": 2}}, "assistant.background_sound_volume"),
        ("/call", {**CALL, "assistant": {**P, "voice": {**VOICE, "speed": 2}}}, "takes 0.6 to 1.5"),
        ("/call", {**CALL, "assistant": {**P, "voice": {**VOICE, "volume": 3}}}, "takes 0.5 to 2"),
        ("/call", {**CALL, "assistant": {**P, "custom_tools": [{**TOOL, "name": "A b"}]}}, "custom_tools.0.name"),
        ("/call", {**CALL, "assistant": {**P, "custom_tools": [{**TOOL, "url": ""}]}}, "custom_tools.0.url"),
        (
            "/call",
            {**CALL, "assistant": {**P, "custom_tools": [{"name": "x"}]}},
            "custom_tools.0.headers",
        ),
        ("/call", {**CALL, "assistant": {**P, "stt_context": {"general": [], "terms": [""]}}}, "stt_context.terms.0"),
        ("/call", {**CALL, "assistant": {**P, "precall_lookup_url": "https://x.test"}}, "{{phone}}"),
        ("/call", {**CALL, "assistant": {**P, "call_retry_config": {**RETRY, "max_retry_attempts": 0}}}, "1 or more"),
        ("/call", {**CALL, "assistant": {**P, "call_retry_config": {**RETRY, "timezone": "Mars"}}}, "'Mars'"),
        ("/call/search", {**SEARCH, "page": -3}, "page: must be 0 or more"),
        ("/call/search", {**SEARCH, "page_size": 0}, "page_size: must be 1 or more"),
        ("/call/search", {**SEARCH, "page": 1.5}, "page"),
        ("/call/search", {**SEARCH, "statuses": ["asleep"]}, "statuses.0"),
        ("/call/search", {"page": 1, "page_size": 1}, "Field required"),
        ("/call/export", {"filters": {**SEARCH, "page": -3}}, "filters.page"),
        ("/voices/preview", {"provider": "cartesia", "voice_id": VOICE["id"]}, "voiceId: Field required"),
        ("/voices/preview", {"provider": "cartesia", "voiceId": VOICE["id"], "text": "x" * 2001}, "text"),
    ],
)
def test_what_the_documentation_forbids_is_refused_in_the_words_of_the_api(
    sandbox: Sandbox, path: str, body: dict[str, Any], named: str
) -> None:
    answer = ask(sandbox, path, body)
    assert answer.status_code == 422
    assert named in answer.json()["error"]
    for ours in ("default_region", "settings", "clear_fields", "UnionMember", "voice_provider"):
        assert ours not in answer.text


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": " ", "contacts": []}, "name"),
        ({"contacts": [{"to_phone_number": "abc", "prompt_variables": {}}]}, "contacts.0.to_phone_number"),
        ({"contacts": [{"to_phone_number": NUMBER}]}, "contacts.0.prompt_variables: Field required"),
        ({"contacts": [{"to_phone_number": NUMBER, "prompt_variables": 3}]}, "contacts.0.prompt_variables"),
        ({"contacts": [], "max_concurrent_calls": 0}, "max_concurrent_calls"),
        ({"contacts": [{"to_phone_number": "abc", "prompt_variables": {}}] * 9}, "and 5 more"),
    ],
)
def test_campaigns_are_held_to_their_limits(sandbox: Sandbox, body: dict[str, Any], named: str) -> None:
    answer = ask(sandbox, "/campaigns", {"assistant_id": stored(sandbox), "name": "C", **body})
    assert answer.status_code == 422
    assert named in answer.json()["error"]
    assert not sandbox.world.campaigns


@pytest.mark.parametrize("page_size", [101, 5000, 2**53 - 1])
def test_pages_may_be_as_large_as_the_schema_allows(sandbox: Sandbox, page_size: int) -> None:
    for _ in range(120):
        ask(sandbox, "/call", CALL)
    found = ask(sandbox, "/call/search", {**SEARCH, "page_size": page_size}).json()
    assert len(found["calls"]) == min(120, page_size)
    sandbox.switches = Switches(largest_page=100)
    assert "page_size" in ask(sandbox, "/call/search", {**SEARCH, "page_size": page_size}).json()["error"]


def test_the_stored_assistant_wins_over_one_beside_it(sandbox: Sandbox) -> None:
    call = ask(sandbox, "/call", {**CALL, "assistant_id": stored(sandbox)}).json()["call"]
    assert call["assistant"]["name"] == "A"


def test_an_inline_assistant_is_checked_also_where_it_is_not_used(sandbox: Sandbox) -> None:
    assert ask(sandbox, "/call", {**CALL, "assistant_id": stored(sandbox), "assistant": {}}).status_code == 422


def test_a_call_without_any_assistant_runs_unless_switched_off(sandbox: Sandbox) -> None:
    call = ask(sandbox, "/call", {"phone_number": NUMBER}).json()["call"]
    sandbox.world.advance(120)
    assert (sandbox.world.orders[call["id"]]["status"], call["assistant"]) == ("completed", None)
    sandbox.switches = Switches(no_assistant="refuse")
    refused = ask(sandbox, "/call", {"phone_number": NUMBER})
    assert (refused.status_code, "assistant" in refused.json()["error"]) == (422, True)


@pytest.mark.parametrize(("meaning", "reason"), [("no_limit", "tool_end_call"), ("at_once", "max_duration")])
def test_a_longest_duration_of_zero_is_allowed(meaning: Any, reason: str) -> None:
    sandbox = Sandbox(switches=Switches(zero_duration=meaning))
    body = {**CALL, "assistant": {**P, "max_call_duration_secs": 0}}
    call = ask(sandbox, "/call", body).json()["call"]
    assert call["assistant"]["max_call_duration_secs"] == 0
    sandbox.world.advance(120)
    attempt = sandbox.world.orders[call["id"]]["last_call_attempt"]
    assert (attempt["end_reason"], attempt["status"]) == (reason, "completed")


def test_a_key_that_no_type_has_is_refused_unless_switched_off(sandbox: Sandbox) -> None:
    body = {**CALL, "assistant": {**P, "nonsense": 1}, "force_now": True}
    refused = ask(sandbox, "/call", body)
    assert refused.status_code == 422
    assert "assistant.nonsense: there is no such field" in refused.text
    assert "force_now" in refused.text
    sandbox.switches = Switches(unknown_keys="ignore")
    call = ask(sandbox, "/call", body).json()["call"]
    assert "nonsense" not in call["assistant"]


def test_formats_can_be_left_to_the_schema(sandbox: Sandbox) -> None:
    sandbox.switches = Switches(check_formats=False)
    window = dict.fromkeys(("calling_window_start_time", "calling_window_end_time"), "some time")
    config = {**RETRY, "calling_windows": [{**window, "retry_delay_seconds": 0}], "timezone": "timezone"}
    call = ask(sandbox, "/call", {"phone_number": "abc", "assistant": {**P, "call_retry_config": config}}).json()[
        "call"
    ]
    sandbox.world.advance(60)
    order = sandbox.world.book[call["id"]]
    assert (order.status, order.waits, order.waits_until_s) == ("scheduled", True, None)
    assert ask(sandbox, "/call/search", {**SEARCH, "page": -3}).status_code == 422


def test_a_whole_number_may_be_written_as_a_fraction(sandbox: Sandbox) -> None:
    assert ask(sandbox, "/call/search", {**SEARCH, "page": 1.0}).status_code == 200


@pytest.mark.parametrize("content", [b'{"page": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_not_json_is_refused_as_that(sandbox: Sandbox, content: bytes) -> None:
    headers = {"authorization": "Bearer k"}
    answer = sandbox(httpx.Request("POST", f"{BASE_URL}/call/search", headers=headers, content=content))
    assert answer.status_code == 400
    assert "not JSON" in answer.text
