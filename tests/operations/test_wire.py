"""We send what the official SDK sends, and a server can read it back."""

from __future__ import annotations

import inspect
import json
import re
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from urllib.parse import unquote

import httpx
import pytest
import revox
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from revox_langchain.connection.connection import Connection
from revox_langchain.operations import (
    OPERATIONS,
    AuthStatus,
    CancelCall,
    CancelCampaign,
    CloneAssistant,
    CloneVoice,
    CreateAssistant,
    CreateCampaign,
    DeleteAssistant,
    DeleteCampaign,
    DeletePhoneNumber,
    DeleteVoice,
    ExportCalls,
    ExportCampaignRows,
    GetAssistant,
    GetCall,
    GetCallHistory,
    GetCampaign,
    GetCampaignRows,
    GetCampaignStatistics,
    GetPhoneHistory,
    GetUser,
    GetVoice,
    LaunchCampaign,
    ListAssistants,
    ListCampaigns,
    ListPhoneNumbers,
    ListVoices,
    MakeCall,
    PauseCall,
    PauseCampaign,
    PreviewVoice,
    ResumeCall,
    ResumeCampaign,
    UpdateAssistant,
    UpdateCampaign,
    UpdatePhoneNumber,
)
from revox_langchain.operations.fields import (
    ASSISTANT_SETTINGS,
    AttemptResult,
    CallStatus,
    Direction,
    FirstSentenceMode,
    Outcome,
    VoiceLanguage,
    VoiceModel,
    VoiceProvider,
)
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.api.handlers import HANDLERS
from tests.examples import arguments_of
from tests.sdk import method_of

BASE_URL = "https://revox.test/api"
EVERY_ANSWER = {operation.spec.answer: {} for operation in OPERATIONS if operation.spec.answer}
UUID = "3f2b8c1e-9a4d-4f6e-8b7a-1c2d3e4f5a6b"
ODD_ID = "a/bü%&?#+=:@"
NUMBER, OTHER_NUMBER = "+12025550100", "+33142685300"
PARIS = timezone(timedelta(hours=2))
SOON = datetime(2026, 5, 4, 10, 30, tzinfo=PARIS)
LATER = datetime(2026, 5, 4, 10, 30, 15, 250_000, tzinfo=UTC)
RETRY = {
    "allowed_days": ["monday", "friday"],
    "call_twice_in_a_row": True,
    "calling_windows": [
        {"calling_window_start_time": "9am", "calling_window_end_time": "17:30", "retry_delay_seconds": 0}
    ],
    "max_retry_attempts": 4,
    "timezone": None,
}
FIELDS = [
    {"name": "confirmé", "type": "boolean", "required": True},
    {"name": "plan", "type": "enum", "required": False, "description": "Which?", "enum_options": ["a", "b"]},
]
TOOL = {
    "name": "check_stock",
    "description": "Looks it up.",
    "url": "https://shop.test/stock",
    "method": "POST",
    "headers": [{"key": "X-Shop", "value": "1"}],
    "query_params": [],
    "body_template": None,
    "input_schema": FIELDS,
}
NO_FILTERS = {
    "assignee_ids": [],
    "assistant_ids": [],
    "campaign_ids": [],
    "directions": [],
    "from_phone_numbers": [],
    "outcomes": [],
    "results": [],
    "statuses": [],
    "page": 1,
    "page_size": 20,
}
ALL_FILTERS = {
    "assignee_ids": ["m1"],
    "assistant_ids": [UUID],
    "campaign_ids": ["c1", "c2"],
    "directions": ["outbound"],
    "from_phone_numbers": [NUMBER],
    "outcomes": ["none", "interested"],
    "results": ["IVR", "ios-screening-filter", "none"],
    "statuses": ["completed", "queued_for_calling"],
    "page": 3,
    "page_size": 100,
    "call_ids": ["x", "y"],
    "query": "Müller",
    "sort_by": "updated_at",
    "sort_direction": "asc",
    "to_phone_number": OTHER_NUMBER,
}
NO_SELECTION = {"assignee_ids": [], "directions": [], "outcomes": [], "results": [], "statuses": []}

# Operation, our arguments, the SDK's method, its arguments for the same request.
CASES: list[tuple[type[Operation], dict[str, Any], str, dict[str, Any]]] = [
    (
        MakeCall,
        {"phone_number": NUMBER, "assistant_id": UUID},
        "call.create",
        {"phone_number": NUMBER, "assistant_id": UUID},
    ),
    (
        MakeCall,
        {"phone_number": "+1 (202) 555-0100", "prompt": "Sag guten Tag."},
        "call.create",
        {"phone_number": NUMBER, "assistant": {"prompt": "Sag guten Tag."}},
    ),
    (
        MakeCall,
        {
            "phone_number": OTHER_NUMBER,
            "prompt": "Dis bonjour à {{name}}.",
            "first_sentence": "Bonjour !",
            "voice_provider": "cartesia",
            "voice_id": "v1",
            "prompt_variables": {"name": "Zoé"},
            "metadata": {"k": "v", "": "empty key"},
            "scheduled_at": SOON,
            "from_phone_number": NUMBER,
            "skip_calling_window": True,
            "concurrency_key": "shop-7",
            "settings": {
                "voice": {"model": "sonic-3.5", "speed": 1.1},
                "webhook_url": "https://x.test/h",
                "structured_output_config": FIELDS,
                "call_retry_config": RETRY,
                "custom_tools": [TOOL],
                "voicemail_message": None,
            },
            "intent": "never sent",
        },
        "call.create",
        {
            "phone_number": OTHER_NUMBER,
            "assistant": {
                "prompt": "Dis bonjour à {{name}}.",
                "first_sentence": "Bonjour !",
                "voice": {"provider": "cartesia", "id": "v1", "model": "sonic-3.5", "speed": 1.1},
                "webhook_url": "https://x.test/h",
                "structured_output_config": FIELDS,
                "call_retry_config": RETRY,
                "custom_tools": [TOOL],
                "voicemail_message": None,
            },
            "prompt_variables": {"name": "Zoé"},
            "metadata": {"k": "v", "": "empty key"},
            "scheduled_at": SOON,
            "from_phone_number": NUMBER,
            "skip_calling_window": True,
            "concurrency": {"key": "shop-7"},
        },
    ),
    (
        MakeCall,
        {
            "phone_number": NUMBER,
            "assistant_id": UUID,
            "scheduled_at": LATER,
            "skip_calling_window": False,
            "metadata": {},
            "prompt_variables": {},
        },
        "call.create",
        {
            "phone_number": NUMBER,
            "assistant_id": UUID,
            "scheduled_at": LATER,
            "skip_calling_window": False,
            "metadata": {},
            "prompt_variables": {},
        },
    ),
    (GetCall, {"call_id": UUID}, "call.retrieve", {"id": UUID}),
    (GetCall, {"call_id": ODD_ID, "transcript": "full"}, "call.retrieve", {"id": ODD_ID}),
    (GetCallHistory, {}, "call.search", NO_FILTERS),
    (GetCallHistory, ALL_FILTERS, "call.search", ALL_FILTERS),
    (
        GetCallHistory,
        {"page": 0, "statuses": ["errored"]},
        "call.search",
        {**NO_FILTERS, "page": 0, "statuses": ["errored"]},
    ),
    (CancelCall, {"call_id": UUID}, "call.cancel", {"id": UUID}),
    (CancelCall, {"call_id": ODD_ID}, "call.cancel", {"id": ODD_ID}),
    (PauseCall, {"call_id": UUID}, "call.pause", {"id": UUID}),
    (PauseCall, {"call_id": ODD_ID}, "call.pause", {"id": ODD_ID}),
    (ResumeCall, {"call_id": UUID}, "call.resume", {"id": UUID}),
    (ResumeCall, {"call_id": ODD_ID}, "call.resume", {"id": ODD_ID}),
    (ExportCalls, {}, "call.export", {"filters": NO_FILTERS}),
    (
        ExportCalls,
        {**ALL_FILTERS, "include_metadata": True, "include_structured_output_fields": False},
        "call.export",
        {"filters": ALL_FILTERS, "include_metadata": True, "include_structured_output_fields": False},
    ),
    (GetPhoneHistory, {}, "call.phone_history", {}),
    (GetPhoneHistory, {"phone_number": NUMBER}, "call.phone_history", {}),
    (ListAssistants, {}, "assistants.list", {}),
    (GetAssistant, {"assistant_id": UUID}, "assistants.retrieve", {"id": UUID}),
    (GetAssistant, {"assistant_id": ODD_ID}, "assistants.retrieve", {"id": ODD_ID}),
    (CreateAssistant, {"name": "N", "prompt": "P"}, "assistants.create", {"name": "N", "prompt": "P"}),
    (
        CreateAssistant,
        {
            "name": "Zoé",
            "prompt": "P",
            "first_sentence": "Bonjour",
            "first_sentence_mode": "static",
            "voice_provider": "elevenlabs",
            "voice_id": "v2",
            "max_call_duration_secs": 600,
            "structured_output_config": FIELDS,
            "webhook_url": "https://x.test/h",
            "settings": {
                "llm_model": {"type": "dedicated-instance", "name": "gpt-4.1"},
                "faq_items": [{"question": "q", "answer": "a"}],
                "voice": {"speed": 0.9},
                "stt_context": {"general": [{"key": "a", "value": "b"}], "terms": ["t"]},
                "background_sound": None,
            },
        },
        "assistants.create",
        {
            "name": "Zoé",
            "prompt": "P",
            "first_sentence": "Bonjour",
            "first_sentence_mode": "static",
            "voice": {"provider": "elevenlabs", "id": "v2", "speed": 0.9},
            "max_call_duration_secs": 600,
            "structured_output_config": FIELDS,
            "webhook_url": "https://x.test/h",
            "llm_model": {"type": "dedicated-instance", "name": "gpt-4.1"},
            "faq_items": [{"question": "q", "answer": "a"}],
            "stt_context": {"general": [{"key": "a", "value": "b"}], "terms": ["t"]},
            "background_sound": None,
        },
    ),
    (UpdateAssistant, {"assistant_id": UUID}, "assistants.update", {"id": UUID}),
    (
        UpdateAssistant,
        {"assistant_id": ODD_ID, "name": "M", "voice_provider": "gradium", "voice_id": "v3"},
        "assistants.update",
        {"id": ODD_ID, "name": "M", "voice": {"provider": "gradium", "id": "v3"}},
    ),
    (
        UpdateAssistant,
        {
            "assistant_id": UUID,
            "prompt": "Q",
            "first_sentence": "F",
            "first_sentence_mode": "none",
            "max_call_duration_secs": 60,
            "structured_output_config": [],
            "webhook_url": "https://x.test/2",
            "settings": {"call_retry_config": RETRY, "sms_enabled": True},
            "clear_fields": ["voicemail_message", "slack"],
        },
        "assistants.update",
        {
            "id": UUID,
            "prompt": "Q",
            "first_sentence": "F",
            "first_sentence_mode": "none",
            "max_call_duration_secs": 60,
            "structured_output_config": [],
            "webhook_url": "https://x.test/2",
            "call_retry_config": RETRY,
            "sms_enabled": True,
            "voicemail_message": None,
            "slack": None,
        },
    ),
    (CloneAssistant, {"assistant_id": UUID}, "assistants.clone", {"id": UUID}),
    (CloneAssistant, {"assistant_id": ODD_ID}, "assistants.clone", {"id": ODD_ID}),
    (DeleteAssistant, {"assistant_id": UUID}, "assistants.delete", {"id": UUID}),
    (DeleteAssistant, {"assistant_id": ODD_ID}, "assistants.delete", {"id": ODD_ID}),
    (ListVoices, {}, "voices.list", {}),
    (ListVoices, {"language": "French", "accent": "quebec", "gender": "female"}, "voices.list", {}),
    (GetVoice, {"voice_id": "v", "voice_provider": "cartesia"}, "voices.retrieve", {"id": "v", "provider": "cartesia"}),
    (
        GetVoice,
        {"voice_id": ODD_ID, "voice_provider": "gradium"},
        "voices.retrieve",
        {"id": ODD_ID, "provider": "gradium"},
    ),
    (
        CloneVoice,
        {"name": "Moi", "language": "fr", "audio": b"RIFF....", "content_type": "audio/wav"},
        "voices.clone",
        {"name": "Moi", "language": "fr", "audio": "UklGRi4uLi4=", "content_type": "audio/wav"},
    ),
    (
        PreviewVoice,
        {"voice_id": "v", "voice_provider": "cartesia"},
        "voices.preview",
        {"voice_id": "v", "provider": "cartesia"},
    ),
    (
        PreviewVoice,
        {
            "voice_id": "v",
            "voice_provider": "cartesia",
            "text": "你好",
            "model": "sonic-3.5",
            "speed": 1.5,
            "volume": 0.5,
        },
        "voices.preview",
        {"voice_id": "v", "provider": "cartesia", "text": "你好", "model": "sonic-3.5", "speed": 1.5, "volume": 0.5},
    ),
    (DeleteVoice, {"voice_id": UUID}, "voices.delete", {"id": UUID}),
    (DeleteVoice, {"voice_id": ODD_ID}, "voices.delete", {"id": ODD_ID}),
    (
        CreateCampaign,
        {"assistant_id": UUID, "name": "C", "contacts": [{"to_phone_number": NUMBER}]},
        "campaigns.create",
        {"assistant_id": UUID, "name": "C", "contacts": [{"to_phone_number": NUMBER, "prompt_variables": {}}]},
    ),
    (
        CreateCampaign,
        {
            "assistant_id": UUID,
            "name": "Été",
            "contacts": [
                {"to_phone_number": NUMBER, "prompt_variables": {"a": "1"}},
                {"to_phone_number": OTHER_NUMBER},
            ],
            "from_phone_number": NUMBER,
            "max_concurrent_calls": 3,
            "call_retry_config": RETRY,
        },
        "campaigns.create",
        {
            "assistant_id": UUID,
            "name": "Été",
            "contacts": [
                {"to_phone_number": NUMBER, "prompt_variables": {"a": "1"}},
                {"to_phone_number": OTHER_NUMBER, "prompt_variables": {}},
            ],
            "from_phone_number": NUMBER,
            "max_concurrent_calls": 3,
            "call_retry_config": RETRY,
        },
    ),
    (GetCampaign, {"campaign_id": UUID}, "campaigns.retrieve", {"id": UUID}),
    (GetCampaign, {"campaign_id": ODD_ID}, "campaigns.retrieve", {"id": ODD_ID}),
    (ListCampaigns, {}, "campaigns.list", {}),
    (UpdateCampaign, {"campaign_id": UUID}, "campaigns.update", {"id": UUID}),
    (
        UpdateCampaign,
        {
            "campaign_id": UUID,
            "name": "D",
            "from_phone_number": NUMBER,
            "max_concurrent_calls": 1,
            "call_retry_config": RETRY,
        },
        "campaigns.update",
        {
            "id": UUID,
            "name": "D",
            "from_phone_number": NUMBER,
            "max_concurrent_calls": 1,
            "call_retry_config": RETRY,
        },
    ),
    (
        UpdateCampaign,
        {"campaign_id": ODD_ID, "clear_fields": ["from_phone_number", "max_concurrent_calls", "call_retry_config"]},
        "campaigns.update",
        {"id": ODD_ID, "from_phone_number": None, "max_concurrent_calls": None, "call_retry_config": None},
    ),
    (DeleteCampaign, {"campaign_id": UUID}, "campaigns.delete", {"id": UUID}),
    (DeleteCampaign, {"campaign_id": ODD_ID}, "campaigns.delete", {"id": ODD_ID}),
    (
        LaunchCampaign,
        {"campaign_id": UUID},
        "campaigns.launch",
        {
            "id": UUID,
            "mode": "ai_first",
            "selection": {"filters": NO_SELECTION, "rows": {"mode": "all_except", "call_ids": []}},
        },
    ),
    (
        LaunchCampaign,
        {
            "campaign_id": ODD_ID,
            "mode": "ai_first",
            "row_mode": "only",
            "call_ids": ["a", "b"],
            "statuses": ["not_launched"],
            "results": ["none"],
            "outcomes": ["requested_callback_later"],
            "directions": ["outbound"],
            "assignee_ids": ["m"],
            "query": "x",
            "scheduled_at": SOON,
        },
        "campaigns.launch",
        {
            "id": ODD_ID,
            "mode": "ai_first",
            "selection": {
                "filters": {
                    "assignee_ids": ["m"],
                    "directions": ["outbound"],
                    "outcomes": ["requested_callback_later"],
                    "results": ["none"],
                    "statuses": ["not_launched"],
                    "query": "x",
                },
                "rows": {"mode": "only", "call_ids": ["a", "b"]},
            },
            "scheduled_at": SOON,
        },
    ),
    (
        LaunchCampaign,
        {"campaign_id": UUID, "mode": "speed_dial"},
        "campaigns.launch",
        {
            "id": UUID,
            "mode": "speed_dial",
            "selection": {"filters": NO_SELECTION, "rows": {"mode": "all_except", "call_ids": []}},
        },
    ),
    (PauseCampaign, {"campaign_id": UUID}, "campaigns.pause", {"id": UUID}),
    (PauseCampaign, {"campaign_id": ODD_ID}, "campaigns.pause", {"id": ODD_ID}),
    (ResumeCampaign, {"campaign_id": UUID}, "campaigns.resume", {"id": UUID}),
    (ResumeCampaign, {"campaign_id": ODD_ID}, "campaigns.resume", {"id": ODD_ID}),
    (CancelCampaign, {"campaign_id": UUID}, "campaigns.cancel", {"id": UUID}),
    (CancelCampaign, {"campaign_id": ODD_ID}, "campaigns.cancel", {"id": ODD_ID}),
    (GetCampaignRows, {"campaign_id": UUID}, "campaigns.get_rows", {"id": UUID}),
    (GetCampaignRows, {"campaign_id": ODD_ID}, "campaigns.get_rows", {"id": ODD_ID}),
    (ExportCampaignRows, {"campaign_id": UUID}, "campaigns.export_rows", {"id": UUID}),
    (ExportCampaignRows, {"campaign_id": ODD_ID}, "campaigns.export_rows", {"id": ODD_ID}),
    (GetCampaignStatistics, {"campaign_id": UUID}, "campaigns.statistics", {"id": UUID}),
    (GetCampaignStatistics, {"campaign_id": ODD_ID}, "campaigns.statistics", {"id": ODD_ID}),
    (ListPhoneNumbers, {}, "phone_numbers.list", {}),
    (UpdatePhoneNumber, {"phone_number_id": UUID}, "phone_numbers.update", {"id": UUID}),
    (
        UpdatePhoneNumber,
        {"phone_number_id": UUID, "label": "Accueil", "inbound_assistant_id": UUID},
        "phone_numbers.update",
        {"id": UUID, "label": "Accueil", "inbound_assistant_id": UUID},
    ),
    (
        UpdatePhoneNumber,
        {"phone_number_id": ODD_ID, "clear_fields": ["label", "inbound_assistant_id"]},
        "phone_numbers.update",
        {"id": ODD_ID, "label": None, "inbound_assistant_id": None},
    ),
    (DeletePhoneNumber, {"phone_number_id": UUID}, "phone_numbers.delete", {"id": UUID}),
    (DeletePhoneNumber, {"phone_number_id": ODD_ID}, "phone_numbers.delete", {"id": ODD_ID}),
    (AuthStatus, {}, "auth_status.retrieve", {}),
    (GetUser, {}, "users.retrieve", {}),
]
EACH_CASE = pytest.mark.parametrize(
    ("operation", "ours", "method", "theirs"),
    CASES,
    ids=[f"{case[0].spec.name}-{number}" for number, case in enumerate(CASES)],
)


class Recorder:
    """A server that remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.method, request.url.raw_path.decode("ascii"), body))
        if request.url.path.endswith("/preview"):
            return httpx.Response(200, content=b"\xff\xfb", headers={"content-type": "audio/mpeg"})
        return httpx.Response(200, json=EVERY_ANSWER)


def sdk_method(client: Any, path: str) -> Callable[..., Any]:
    for name in path.split("."):
        client = getattr(client, name)
    return client


def sdk_sends(method: str, arguments: dict[str, Any]) -> tuple[str, str, Any]:
    recorder = Recorder()
    with revox.Revox(
        api_key="k", base_url=BASE_URL, http_client=httpx.Client(transport=httpx.MockTransport(recorder))
    ) as client:
        sdk_method(client, method)(**arguments)
    return recorder.sent[0]


def test_there_is_a_case_for_every_operation_of_the_sdk() -> None:
    assert {case[0] for case in CASES} == {operation for operation in OPERATIONS if method_of(operation)}
    assert all(method_of(operation) == method for operation, _, method, _ in CASES)


def test_an_operation_that_the_sdk_does_not_have_declares_the_type_of_its_answer() -> None:
    for operation in OPERATIONS:
        assert (HANDLERS[operation].answer is None) is (method_of(operation) is not None), operation.spec.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.spec.name)
def test_the_example_is_sent_to_the_declared_route_and_read_back(operation: type[Operation]) -> None:
    request = operation.parse(arguments_of(operation))
    wire = request.wire()
    assert re.fullmatch(re.sub(r"{\w+}", "[^/]+", operation.spec.path or ""), wire.path)
    assert read_back(request) == request


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("method", sorted({case[2] for case in CASES}))
def test_every_argument_of_the_sdk_occurs_in_a_case_or_is_an_assistant_setting(method: str) -> None:
    with revox.Revox(api_key="k") as client:
        arguments = set(inspect.signature(sdk_method(client, method)).parameters)
    arguments -= {"extra_headers", "extra_query", "extra_body", "timeout"}
    if method in ("assistants.create", "assistants.update"):
        assert arguments - {"id"} == ASSISTANT_SETTINGS
    else:
        assert {name for case in CASES if case[2] == method for name in case[3]} == arguments


@EACH_CASE
def test_we_send_what_the_sdk_sends(
    operation: type[Operation], ours: dict[str, Any], method: str, theirs: dict[str, Any]
) -> None:
    recorder = Recorder()
    with Connection("k", base_url=BASE_URL, transport=httpx.MockTransport(recorder)) as connection:
        connection.send(operation(**ours))
    assert recorder.sent == [sdk_sends(method, theirs)]


@EACH_CASE
async def test_we_send_what_the_async_sdk_sends(
    operation: type[Operation], ours: dict[str, Any], method: str, theirs: dict[str, Any]
) -> None:
    mine, sdk = Recorder(), Recorder()
    async with Connection("k", base_url=BASE_URL, transport=httpx.MockTransport(mine)) as connection:
        await connection.asend(operation(**ours))
    transport = httpx.MockTransport(sdk)
    async with revox.AsyncRevox(
        api_key="k", base_url=BASE_URL, http_client=httpx.AsyncClient(transport=transport)
    ) as client:
        await sdk_method(client, method)(**theirs)
    assert mine.sent == sdk.sent


@pytest.mark.parametrize("operation", [MakeCall, GetCall, CancelCall, DeleteVoice, UpdateCampaign])
def test_our_headers_are_those_of_the_sdk(operation: type[Operation]) -> None:
    seen: list[dict[str, str]] = []

    def recorder(request: httpx.Request) -> httpx.Response:
        named = ("authorization", "accept", "content-type", "x-stainless-lang")
        seen.append({name: request.headers.get(name) for name in named})
        return httpx.Response(200, json=EVERY_ANSWER)

    case = next(case for case in CASES if case[0] is operation)
    transport = httpx.MockTransport(recorder)
    with Connection("k", base_url=BASE_URL, transport=transport) as connection:
        connection.send(operation(**case[1]))
    with revox.Revox(api_key="k", base_url=BASE_URL, http_client=httpx.Client(transport=transport)) as client:
        sdk_method(client, case[2])(**case[3])
    assert seen[0] == seen[1]


@EACH_CASE
def test_a_server_reads_back_what_was_sent(
    operation: type[Operation], ours: dict[str, Any], method: str, theirs: dict[str, Any]
) -> None:
    request = operation(**ours)
    assert read_back(request).wire() == request.wire()


words = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=12)
identifiers = st.text(string.ascii_letters + string.digits + "-_/%ü&?#+=:@.!", min_size=1, max_size=12).filter(
    lambda text: not set(text) <= {"."}
)
numbers = st.sampled_from([NUMBER, OTHER_NUMBER, "+442079460000", "+819012345678"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.sampled_from([UTC, PARIS]))
mappings = st.dictionaries(words, words, max_size=3)
fields = st.lists(st.sampled_from(FIELDS), max_size=2)
filter_settings = st.fixed_dictionaries(
    {"voicemail_message": st.none() | words},
    optional={
        "sms_enabled": st.booleans(),
        "background_sound_volume": st.floats(0, 1),
        "custom_tools": st.just([TOOL]),
    },
)


def some(literal: Any) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(get_args(literal)), max_size=3)


BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "phone_number": numbers,
    "to_phone_number": numbers,
    "from_phone_number": numbers,
    "from_phone_numbers": st.lists(numbers, max_size=2),
    "prompt_variables": mappings,
    "metadata": mappings,
    "scheduled_at": moments,
    "skip_calling_window": st.booleans(),
    "include_metadata": st.booleans(),
    "include_structured_output_fields": st.booleans(),
    "settings": filter_settings,
    "statuses": some(CallStatus),
    "outcomes": some(Outcome),
    "results": some(AttemptResult),
    "directions": some(Direction),
    "page": st.integers(0, 10**6),
    "page_size": st.integers(1, 100),
    "sort_direction": st.sampled_from(["asc", "desc"]),
    "first_sentence_mode": st.sampled_from(get_args(FirstSentenceMode)),
    "voice_provider": st.sampled_from(get_args(VoiceProvider)),
    "language": st.sampled_from(get_args(VoiceLanguage)),
    "model": st.sampled_from(get_args(VoiceModel)),
    "content_type": st.sampled_from(["audio/wav", "audio/mpeg"]),
    "audio": st.just("UklGRi4uLi4="),
    "speed": st.floats(0.6, 1.5),
    "volume": st.floats(0.5, 2.0),
    "max_call_duration_secs": st.integers(1, 7200),
    "max_concurrent_calls": st.integers(1, 100),
    "structured_output_config": fields,
    "call_retry_config": st.just(RETRY),
    "contacts": st.lists(
        st.fixed_dictionaries({"to_phone_number": numbers, "prompt_variables": mappings}), min_size=1, max_size=3
    ),
    "mode": st.sampled_from(["ai_first", "speed_dial"]),
    "row_mode": st.sampled_from(["all_except", "only"]),
    **dict.fromkeys(("call_ids", "assistant_ids", "campaign_ids", "assignee_ids"), st.lists(identifiers, max_size=2)),
}


@st.composite
def requests(draw: st.DrawFn, operation: type[Operation]) -> Operation:
    """Any request of this class, made of arguments by name; fields that are never sent are left out."""
    arguments: dict[str, Any] = {}
    for name, field in operation.model_fields.items():
        if field.exclude or name == "clear_fields":
            continue
        if field.is_required() or draw(st.booleans(), label=name):
            fallback = identifiers if name.endswith("_id") else words
            arguments[name] = draw(BY_NAME.get(name, fallback), label=name)
    pair = {"voice_id", "voice_provider"}
    if pair <= operation.model_fields.keys() and not pair <= arguments.keys():
        arguments = {name: value for name, value in arguments.items() if name not in pair}
    if operation is MakeCall:
        if "prompt" in arguments:
            arguments.pop("assistant_id", None)
        else:
            arguments["assistant_id"] = draw(identifiers)
            for name in ("first_sentence", "voice_id", "voice_provider", "settings"):
                arguments.pop(name, None)
    if operation is UpdateAssistant and "settings" in arguments:
        # On an update only `clear_fields` empties a field.
        arguments["settings"] = {name: value for name, value in arguments["settings"].items() if value is not None}
        if not arguments["settings"]:
            del arguments["settings"]
    if operation in (UpdateCampaign, UpdatePhoneNumber):
        absent = [n for n in get_args_of_clear_fields(operation) if n not in arguments]
        cleared = [name for name in absent if draw(st.booleans(), label=f"clear {name}")]
        if cleared:
            arguments["clear_fields"] = cleared
    return operation(**arguments)


def get_args_of_clear_fields(operation: type[Operation]) -> list[str]:
    schema = operation.model_json_schema()["properties"]["clear_fields"]
    return [name for name in operation.model_fields if name in schema["items"]["enum"]]


def read_back(request: Operation) -> Operation:
    """What a server makes of the request, by way of the bytes on the wire."""
    wire = request.wire()
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", request.spec.path or "")
    match = re.fullmatch(pattern, wire.path)
    assert match is not None
    path = {name: unquote(value) for name, value in match.groupdict().items()}
    query = dict(httpx.URL("http://x", params=wire.query).params)
    body = json.loads(json.dumps(wire.body or {}))
    return type(request)(**type(request).unwire(path, query, body))


@pytest.mark.a_few(every=6)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.spec.name)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_unwire_is_the_inverse_of_wire(operation: type[Operation], data: st.DataObject) -> None:
    request = data.draw(requests(operation))
    assert read_back(request) == request


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.spec.name)
def test_a_field_that_revox_does_not_have_is_named_by_its_place(operation: type[Operation]) -> None:
    path = dict.fromkeys(re.findall(r"{(\w+)}", operation.spec.path or ""), "x")
    arguments = operation.unwire(path, {}, {"nonsense": {"deep": 1}})
    with pytest.raises(ValidationError, match="nonsense"):
        operation(**arguments)
