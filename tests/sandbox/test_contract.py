"""The official SDK, in strict mode, accepts every answer of the sandbox."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Literal

import httpx
import pytest
import revox
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox import STORIES, Sandbox, Switches
from revox_langchain.sandbox.sandbox import BASE_URL, SandboxTransport
from tests.examples import example
from tests.sdk import answer_type_of, method_of

Ask = Callable[..., Awaitable[Any]]
NO_FILTERS: dict[str, Any] = {
    "assignee_ids": [],
    "assistant_ids": [],
    "campaign_ids": [],
    "directions": [],
    "from_phone_numbers": [],
    "outcomes": [],
    "results": [],
    "statuses": [],
    "page": 1,
    "page_size": 100,
}
NO_SELECTION: dict[str, Any] = {"assignee_ids": [], "directions": [], "outcomes": [], "results": [], "statuses": []}
FIELDS = [
    {"name": kind, "type": kind, "required": True} | ({"enum_options": ["yes", "no"]} if kind == "enum" else {})
    for kind in ("string", "number", "boolean", "enum", "date", "datetime")
]
RETRY: dict[str, Any] = {
    "allowed_days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "00:00", "calling_window_end_time": "24:00", "retry_delay_seconds": 60}
    ],
    "max_retry_attempts": 2,
}
EVERYTHING: dict[str, Any] = {
    "name": "Léa",
    "prompt": "Tu confirmes le rendez-vous de {{first_name}}.",
    "first_sentence": "Bonjour {{first_name}} !",
    "first_sentence_mode": "static",
    "voice": {"id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41", "provider": "cartesia", "model": "sonic-3", "speed": 1.0},
    "structured_output_config": FIELDS,
    "call_retry_config": RETRY,
    "webhook_url": "https://hook.test/x",
    "voicemail_message": "Rappelez-nous.",
    "voicemail_sms_prompt": "Rappelez-nous.",
    "after_call_sms_prompt": "Merci {{first_name}}.",
    "after_call_sms_outcomes": ["completed", "none"],
    "email_notification_address": "a@example.com, b@example.com",
    "email_notification_outcomes": ["completed"],
    "faq_items": [{"question": "Où ?", "answer": "Ici."}],
    "custom_tools": [
        {
            "name": "stock",
            "description": "d",
            "url": "https://shop.test",
            "method": "GET",
            "headers": [{"key": "a", "value": "b"}],
            "query_params": [],
            "body_template": None,
            "input_schema": [{"name": "n", "type": "string", "required": True}],
        }
    ],
    "stt_context": {"general": [{"key": "k", "value": "v"}], "terms": ["t"]},
    "transfer_destinations": [{"label": "sales", "phone_number": "+33142685300"}],
    "slack": {"connection_id": "c", "channels": [{"id": "C1"}], "outcomes": ["interested"]},
    "llm_model": {"type": "custom", "api_url": "https://llm.test", "api_key": "secret", "model_name": "m"},
    "prompt_flow": {"nodes": [], "edges": []},
    "position": {"x": 1, "y": 2},
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(switches=Switches(key_limit=5))


@pytest.fixture(params=["sync", "async"])
async def ask(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Ask]:
    """Ask the sandbox through the SDK's typed method, and hold the answer to its type."""
    options: dict[str, Any] = {"api_key": "k", "base_url": BASE_URL, "max_retries": 0}
    transport = SandboxTransport(sandbox)
    client: revox.Revox | revox.AsyncRevox
    if request.param == "sync":
        client = revox.Revox(http_client=httpx.Client(transport=transport), _strict_response_validation=True, **options)
    else:
        client = revox.AsyncRevox(
            http_client=httpx.AsyncClient(transport=transport), _strict_response_validation=True, **options
        )

    async def asked(method: str, *args: Any, **arguments: Any) -> Any:
        target: Any = client
        for name in method.split("."):
            target = getattr(target, name)
        answer = target(*args, **arguments)
        if isinstance(client, revox.AsyncRevox):
            answer = await answer
        assert list(strange_fields(answer)) == []
        return answer

    yield asked
    if isinstance(client, revox.AsyncRevox):
        await client.close()
    else:
        client.close()


def strange_fields(value: Any, where: str = "") -> Iterator[str]:
    """Fields the SDK's types do not have, and fields of theirs that the answer lacks although they are required."""
    if isinstance(value, BaseModel):
        where = f"{where}/{type(value).__name__}"
        yield from (f"{where}.{name} unknown" for name in value.model_extra or {})
        for name, field in type(value).model_fields.items():
            if field.is_required() and name not in value.model_fields_set:
                yield f"{where}.{name} missing"
            yield from strange_fields(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strange_fields(item, f"{where}[{key}]")
    elif isinstance(value, list):
        for item in value:
            yield from strange_fields(item, where)


async def test_a_tour_of_the_api_answers_what_the_sdk_expects(ask: Ask, sandbox: Sandbox) -> None:
    await ask("auth_status.retrieve")
    await ask("users.retrieve")
    voices = (await ask("voices.list")).voices
    await ask("voices.retrieve", voices[0].id, provider=voices[0].provider)
    audio = base64.b64encode(b"RIFF").decode()
    clone = await ask("voices.clone", audio=audio, content_type="audio/wav", language="fr", name="Moi")
    await ask("voices.list")
    preview = await ask("voices.with_raw_response.preview", provider="cartesia", voice_id=clone.id, text="Bonjour")
    assert preview.http_response.content.startswith(b"\xff\xfb")
    await ask("voices.delete", clone.id)

    first = (await ask("assistants.create", name="A", prompt="P")).assistant
    full = (await ask("assistants.create", **EVERYTHING)).assistant
    await ask("assistants.list")
    assert (await ask("assistants.retrieve", full.id)).name == "Léa"
    await ask("assistants.update", first.id, name="B", voicemail_message=None)
    assert (await ask("assistants.clone", full.id)).assistant.name == "Léa (Copy)"

    call = (await ask("call.create", phone_number="+12025550123", assistant_id=full.id)).call
    notice = (await ask("assistants.update", full.id, prompt="{{a}}")).unpatched_calls_notice
    assert (notice.count, notice.variables) == (1, ["a", "first_name"])
    await ask("call.pause", call.id)
    await ask("call.resume", call.id)
    await ask("call.retrieve", call.id)
    await ask("call.cancel", call.id)
    await ask("call.search", **NO_FILTERS)
    await ask("call.export", filters=NO_FILTERS, include_metadata=True, include_structured_output_fields=True)
    await ask("call.phone_history")

    numbers = (await ask("phone_numbers.list")).phone_numbers
    await ask("phone_numbers.update", numbers[0].id, inbound_assistant_id=full.id, label="L")
    await ask("phone_numbers.list")
    await ask("phone_numbers.delete", numbers[1].id)

    await tour_of_campaigns(ask, sandbox, full.id)
    await ask("assistants.delete", first.id)
    assert set(sandbox.counts) == {operation.spec.name for operation in OPERATIONS if method_of(operation)}


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.spec.name)
def test_every_operation_answers_in_the_type_of_the_sdk_or_in_its_own(
    operation: type[Operation], sandbox: Sandbox
) -> None:
    wire = operation.parse(example(operation, sandbox.connect())).wire()
    url = f"{BASE_URL}{wire.path}"
    with httpx.Client(transport=SandboxTransport(sandbox), headers={"authorization": "Bearer k"}) as client:
        response = client.request(wire.verb, url, params=wire.query, json=wire.body)
    assert response.status_code == 200, response.text
    if operation.spec.binary:
        assert response.content
    else:
        assert unlike(response.json(), answer_type_of(operation)) == []


class Invoice(TypedDict):
    """What an operation that the SDK does not have may answer."""

    paid: bool


class Answer(TypedDict):
    """The whole answer."""

    invoice: Invoice


def test_an_answer_of_another_shape_is_seen() -> None:
    assert unlike({"invoice": {"paid": True}}, Answer) == []
    assert unlike({"invoice": {"paid": "yes"}}, Answer)
    assert unlike({"invoice": {}}, Answer)
    assert unlike({"invoice": {"paid": True, "more": 1}}, Answer)


def unlike(answer: Any, kind: Any) -> list[str]:
    """Where an answer is not of this type: a model of the SDK, or a model or TypedDict of ours."""
    if isinstance(kind, type) and issubclass(kind, revox.BaseModel):
        return list(strange_fields(kind.model_validate(answer, strict=True)))
    try:
        # Only what is in the type comes back: a field beyond it is a difference.
        adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
        checked = adapter.dump_python(adapter.validate_python(answer, strict=True), mode="json")
    except ValidationError as error:
        return [str(error)]
    return [] if checked == answer else [f"{answer} is not {checked}"]


async def tour_of_campaigns(ask: Ask, sandbox: Sandbox, assistant_id: str) -> None:
    contacts = [
        {"to_phone_number": number, "prompt_variables": {"first_name": "Zoé", "a": "1"}} for number in list(STORIES)[:8]
    ]
    created = await ask(
        "campaigns.create",
        assistant_id=assistant_id,
        name="C",
        contacts=contacts,
        max_concurrent_calls=3,
        call_retry_config=RETRY,
        from_phone_number="+12025550199",
    )
    campaign_id = created.campaign.id

    async def look() -> None:
        for method in ("retrieve", "get_rows", "export_rows", "statistics"):
            await ask(f"campaigns.{method}", campaign_id)
        await ask("campaigns.list")

    await look()
    rows = {
        "mode": "only",
        "call_ids": [row.call.id for row in (await ask("campaigns.get_rows", campaign_id)).rows[:6]],
    }
    await ask("campaigns.launch", campaign_id, mode="ai_first", selection={"filters": NO_SELECTION, "rows": rows})
    for seconds in (0, 3, 20, 60, 300):
        sandbox.world.advance(seconds)
        await look()
    await ask("campaigns.pause", campaign_id)
    await ask("campaigns.update", campaign_id, name="D", max_concurrent_calls=None)
    await ask("campaigns.resume", campaign_id)
    everyone = {"mode": "all_except", "call_ids": []}
    dialed = await ask(
        "campaigns.launch", campaign_id, mode="speed_dial", selection={"filters": NO_SELECTION, "rows": everyone}
    )
    assert dialed.session is not None
    sandbox.world.advance(5)
    await look()
    await ask("campaigns.cancel", campaign_id)
    sandbox.world.advance(3600)
    await look()
    await ask("campaigns.delete", campaign_id)


@pytest.mark.a_few(every=5)
@pytest.mark.parametrize("number", sorted(STORIES))
async def test_a_call_is_valid_at_every_point_of_its_life(ask: Ask, sandbox: Sandbox, number: str) -> None:
    assistant = {name: value for name, value in EVERYTHING.items() if name != "name"}
    placed = await ask(
        "call.create",
        phone_number=number,
        assistant=assistant,
        prompt_variables={"first_name": "Zoé"},
        metadata={"k": "v"},
        concurrency={"key": "k"},
        skip_calling_window=True,
    )
    seen = set()
    for seconds in (0, 1.5, 1.5, 4, 5, 15, 25, 60, 60, 3600, 86400):
        sandbox.world.advance(seconds)
        call = (await ask("call.retrieve", placed.call.id)).call
        seen.add(call.status)
        assert call.calls_count == len(call.call_attempts)
        assert (call.last_call_attempt and call.last_call_attempt.id) == (
            call.call_attempts[0].id if call.call_attempts else None
        )
    assert (await ask("call.search", **NO_FILTERS)).total_count == 1
    assert seen & {"completed", "errored", "cancelled", "paused"}


async def test_what_is_not_known_is_null_and_not_left_out(ask: Ask, sandbox: Sandbox) -> None:
    placed = await ask("call.create", phone_number="+12025550102", assistant={"prompt": "P"})
    sandbox.world.advance(60)
    call = (await ask("call.retrieve", placed.call.id)).call
    rare = {"is_inbound_receptionist", "is_realestate_assistant"}
    for thing in (call, call.assistant, call.last_call_attempt, call.contact):
        assert set(type(thing).model_fields) - thing.model_fields_set <= rare


@pytest.mark.parametrize("llm", ["gpt-4.1", "openrouter", "realtime"])
async def test_every_family_of_language_models_is_shown_as_it_was_given(ask: Ask, llm: str) -> None:
    given: dict[str, Any] = {
        "gpt-4.1": {"type": "dedicated-instance", "name": "gpt-4.1"},
        "openrouter": {"type": "openrouter", "openrouter_model_id": "a/b", "openrouter_provider": "c"},
        "realtime": {"type": "realtime", "provider": "openai", "realtime_model_id": "m"},
    }[llm]
    assistant = (await ask("assistants.create", name="A", prompt="P", llm_model=given)).assistant
    assert assistant.llm_model.to_dict(exclude_unset=True) == given


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"phone_number": "12"}, revox.UnprocessableEntityError),
        ({"phone_number": "+12025550100", "assistant_id": "no-such"}, revox.NotFoundError),
        ({"phone_number": "+12025550100", "assistant": {}}, revox.UnprocessableEntityError),
        (
            {"phone_number": "+12025550100", "assistant": {"prompt": "p", "nonsense": 1}},
            revox.UnprocessableEntityError,
        ),
    ],
)
@pytest.mark.parametrize("shape", ["error", "message", "issues", "text"])
async def test_bad_input_is_refused_with_the_error_body_of_the_switches(
    ask: Ask,
    sandbox: Sandbox,
    wrong: dict[str, Any],
    expected: type[revox.APIStatusError],
    shape: Literal["error", "message", "issues", "text"],
) -> None:
    sandbox.switches = Switches(error_shape=shape)
    with pytest.raises(expected) as caught:
        await ask("call.create", **wrong)
    assert caught.value.body
    assert sandbox.dials == []
