"""House rules for declarations, held to every operation and procedure."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import revox
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.utils.function_calling import convert_to_openai_tool
from revox.types.assistant_create_params import AssistantCreateParams

from revox_langchain.actions.requests import PROCEDURES, REQUESTS, RecoverCall, WaitForCall, find_request
from revox_langchain.errors import InvalidInput
from revox_langchain.operations import OPERATIONS, find
from revox_langchain.operations.assistants import AssistantFields, CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import CallFilters, GetCall, GetCallHistory, MakeCall
from revox_langchain.operations.campaigns import CreateCampaign, LaunchCampaign, UpdateCampaign
from revox_langchain.operations.fields import ASSISTANT_SETTINGS, REDACTED
from revox_langchain.operations.operation import Operation, Request, Risk, operation, procedure
from revox_langchain.operations.phone_numbers import UpdatePhoneNumber
from revox_langchain.operations.settings import AssistantSettings
from revox_langchain.operations.voices import ListVoices
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.tool import make_tool
from tests.examples import EXAMPLES, NUMBER, arguments_of

RETRY = {
    "allowed_days": ["monday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "09:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 60}
    ],
    "max_retry_attempts": 2,
}
DIALING = {"revox_make_call", "revox_resume_call", "revox_launch_campaign", "revox_resume_campaign"}

every_request = pytest.mark.parametrize("request_type", REQUESTS, ids=lambda r: r.spec.name)
every_operation = pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.spec.name)


def refusal(request_type: type[Request], **arguments: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        request_type.parse({**arguments_of(request_type), **arguments})
    return caught.value


def test_every_request_has_one_name_and_one_example() -> None:
    assert len({request.spec.name for request in REQUESTS}) == len(REQUESTS)
    assert list(EXAMPLES) == [request.__name__ for request in REQUESTS]


@every_request
def test_an_example_is_the_smallest_that_is_valid(request_type: type[Request]) -> None:
    arguments = arguments_of(request_type)
    for name in arguments:
        with pytest.raises(InvalidInput):
            request_type.parse({key: value for key, value in arguments.items() if key != name})
    request_type.parse(arguments)


def test_every_class_of_an_operation_is_in_the_list() -> None:
    def declared(base: type[Request]) -> Iterator[type[Request]]:
        for cls in base.__subclasses__():
            if "spec" in vars(cls) and cls.__module__.startswith("revox_langchain.operations"):
                yield cls
            yield from declared(cls)

    assert set(declared(Operation)) == set(OPERATIONS)


def test_no_two_operations_share_a_route() -> None:
    routes = [(op.spec.verb, op.spec.path) for op in OPERATIONS]
    assert len(set(routes)) == len(routes)


@every_request
def test_the_first_line_of_the_docstring_is_one_short_sentence(request_type: type[Request]) -> None:
    first, *rest = request_type.spec.doc.splitlines()
    assert first == request_type.spec.title
    assert first.endswith(".")
    assert len(first) < 90
    assert ". " not in first or rest == [] or not first.count(". ") > 1
    assert rest[:1] in ([], [""])


@every_request
def test_every_tool_a_description_names_exists(request_type: type[Request]) -> None:
    schema = json.dumps(request_type.model_json_schema())
    named = set(re.findall(r"revox_[a-z_]+[a-z]", request_type.spec.doc + schema))
    assert named <= {request.spec.name for request in REQUESTS}


@every_operation
def test_path_fields_are_required_arguments(op: type[Operation]) -> None:
    for name in re.findall(r"{(\w+)}", op.spec.path or ""):
        assert op.model_fields[name].is_required()


@every_operation
def test_get_only_reads_and_delete_only_deletes(op: type[Operation]) -> None:
    if op.spec.verb == "GET":
        assert op.spec.risk is Risk.READ
    if op.spec.verb == "DELETE":
        assert op.spec.risk is Risk.DELETE


def test_a_phone_can_ring_because_of_four_operations_only() -> None:
    assert {request.spec.name for request in REQUESTS if request.spec.dials} == DIALING
    assert {procedure.spec.risk for procedure in PROCEDURES} == {Risk.READ}


def test_what_reads_although_it_is_a_post_is_known_by_name() -> None:
    reads = {op.spec.name for op in OPERATIONS if op.spec.verb != "GET" and op.spec.risk is Risk.READ}
    assert reads == {"revox_get_call_history", "revox_export_calls"}


def test_forgetting_the_risk_is_an_error_at_import() -> None:
    with pytest.raises(TypeError, match="risk"):
        operation("GET /nothing", render=lambda answer, request: "")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="risk"):
        procedure(render=lambda answer, request: "")  # type: ignore[call-arg]


def test_an_operation_declared_elsewhere_needs_no_other_place_to_be_told() -> None:
    @operation("PATCH /billing/{invoice_id}", risk=Risk.WRITE, render=lambda answer, request: str(answer["paid"]))
    class PayInvoice(Operation):
        """Pay an invoice."""

        invoice_id: str
        amount: float | None = None

    tool = make_tool(PayInvoice, Sandbox().connect())
    assert tool.name == "revox_pay_invoice"
    assert tool.description == "Pay an invoice."
    assert tool.metadata["risk"] == "write"
    wire = PayInvoice(invoice_id="i/1", amount=2).wire()
    assert (wire.verb, wire.path, wire.body) == ("PATCH", "/billing/i%2F1", {"amount": 2.0})
    assert PayInvoice.spec.render({"paid": True}, None) == "True"


OPTIONAL_FIELDS = [
    pytest.param(request_type, name, id=f"{request_type.spec.name}-{name}")
    for request_type in REQUESTS
    for name, field in request_type.model_fields.items()
    if not field.is_required() and name not in arguments_of(request_type)
]


@pytest.mark.parametrize(("request_type", "name"), OPTIONAL_FIELDS)
def test_null_means_left_out(request_type: type[Request], name: str) -> None:
    given, left_out = (request_type.parse({**arguments_of(request_type), **more}) for more in ({name: None}, {}))
    assert given == left_out
    if isinstance(given, Operation) and isinstance(left_out, Operation):
        assert given.wire() == left_out.wire()


@every_operation
def test_all_null_at_once_is_the_smallest_request(op: type[Operation]) -> None:
    nulls = {name: None for name, field in op.model_fields.items() if not field.is_required()}
    arguments = {**nulls, **arguments_of(op)}
    assert op.parse(arguments).wire() == op.parse(arguments_of(op)).wire()


@every_operation
def test_no_null_is_sent_unless_a_field_is_cleared(op: type[Operation]) -> None:
    body = op.parse(arguments_of(op)).wire().body
    assert body is None or "null" not in json.dumps(body)


@pytest.mark.parametrize(
    ("op", "name"),
    [
        (UpdateAssistant, "voicemail_message"),
        (UpdateAssistant, "from_phone_number"),
        (UpdateCampaign, "max_concurrent_calls"),
        (UpdateCampaign, "from_phone_number"),
        (UpdatePhoneNumber, "label"),
        (UpdatePhoneNumber, "inbound_assistant_id"),
    ],
)
def test_clearing_a_field_is_explicit(op: type[Operation], name: str) -> None:
    assert op.parse({**arguments_of(op), "clear_fields": [name]}).wire().body == {name: None}


@pytest.mark.parametrize(
    ("op", "name"),
    [
        (UpdateAssistant, "prompt"),
        (UpdateAssistant, "assistant_id"),
        (UpdateAssistant, "settings"),
        (UpdateAssistant, "voice_id"),
        (UpdateAssistant, "voicemale_message"),
        (UpdateCampaign, "name"),
        (UpdateCampaign, "campaign_id"),
        (UpdatePhoneNumber, "phone_number_id"),
    ],
)
def test_what_cannot_be_empty_cannot_be_cleared(op: type[Operation], name: str) -> None:
    assert "clear_fields" in str(refusal(op, clear_fields=[name]))


@pytest.mark.parametrize("empty", [{"settings": {}}, {"settings": None}])
def test_an_assistant_id_is_never_sent_beside_an_inline_assistant(empty: dict[str, Any]) -> None:
    request = MakeCall.parse({"phone_number": NUMBER, "assistant_id": "a1", **empty})
    assert request.wire().body == {"phone_number": NUMBER, "assistant_id": "a1"}


def test_an_empty_first_sentence_beside_an_assistant_id_is_left_out_where_a_model_wrote_it() -> None:
    given = {"phone_number": NUMBER, "assistant_id": "a1", "first_sentence": ""}
    assert MakeCall.parse(given).wire().body == {"phone_number": NUMBER, "assistant_id": "a1"}
    with pytest.raises(ValueError, match="first_sentence"):
        MakeCall(**given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "prompt: give it"),
        ({"prompt": "p", "assistant_id": "a"}, "assistant_id: send the same call again without it"),
        ({"prompt": "   "}, "it is empty"),
        ({"assistant_id": "a", "first_sentence": "Hi"}, "without first_sentence: an assistant_id brings its own"),
        ({"assistant_id": "a", "voice_id": "v", "voice_provider": "cartesia"}, "without voice_provider, voice_id: an"),
        ({"assistant_id": "a", "settings": {"type": "standalone"}}, "without settings: an"),
        ({"prompt": "p", "voice_id": "v"}, "without voice_id and voice_provider"),
        ({"prompt": "p", "voice_provider": "cartesia"}, "without voice_id and voice_provider"),
    ],
)
def test_arguments_that_exclude_each_other_are_told(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        MakeCall.parse({"phone_number": NUMBER, **arguments})


@pytest.mark.parametrize("op", [CreateAssistant, UpdateAssistant])
def test_half_a_voice_is_refused(op: type[Operation]) -> None:
    assert "without voice_id and voice_provider" in str(refusal(op, voice_id="v1"))
    assert "without voice_id and voice_provider" in str(refusal(op, voice_provider="cartesia"))


@pytest.mark.parametrize("arguments", [{"name": "  "}, {"prompt": " \n"}])
@pytest.mark.parametrize("op", [CreateAssistant, UpdateAssistant])
def test_a_blank_name_or_prompt_is_refused(op: type[Operation], arguments: dict[str, str]) -> None:
    assert next(iter(arguments)) in str(refusal(op, **arguments))


@every_request
def test_an_unknown_argument_is_refused_and_named(request_type: type[Request]) -> None:
    error = refusal(request_type, colour_of_the_phone="red")
    assert "colour_of_the_phone" in error.message
    assert "red" not in str(error)
    assert error.next_step
    assert error.details["fields"] == ["colour_of_the_phone"]


@every_request
def test_every_required_argument_that_is_missing_is_named(request_type: type[Request]) -> None:
    required = [name for name, field in request_type.model_fields.items() if field.is_required()]
    for name in required:
        for arguments in (arguments_of(request_type), {**arguments_of(request_type), name: None}):
            if arguments[name] is not None:
                del arguments[name]
            with pytest.raises(InvalidInput) as caught:
                request_type.parse(arguments)
            assert name in caught.value.message
            assert caught.value.message.startswith(request_type.spec.name)


@pytest.mark.parametrize("op", [MakeCall, LaunchCampaign])
@pytest.mark.parametrize("moment", ["2027-05-04T10:00:00", "2027-05-04", "2027-05-04 10:00"])
def test_a_moment_without_an_offset_is_refused_with_the_fix(op: type[Operation], moment: str) -> None:
    error = refusal(op, scheduled_at=moment)
    assert "again with its offset from UTC" in error.message
    assert f"send {moment.replace(' ', 'T')}" in error.message


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("2027-05-04T10:00:00+02:00", "2027-05-04T10:00:00+02:00"),
        ("2027-05-04T10:00:00Z", "2027-05-04T10:00:00+00:00"),
        ("2027-05-04T10:00:00.5-0500", "2027-05-04T10:00:00.500000-05:00"),
    ],
)
def test_a_moment_is_sent_with_its_offset(moment: str, sent: str) -> None:
    body = MakeCall.parse({"phone_number": NUMBER, "prompt": "p", "scheduled_at": moment}).wire().body
    assert body is not None
    assert body["scheduled_at"] == sent


ID_FIELDS = [
    pytest.param(op, name, id=f"{op.spec.name}-{name}")
    for op in OPERATIONS
    for name in re.findall(r"{(\w+)}", op.spec.path or "")
]


@pytest.mark.parametrize(("op", "name"), ID_FIELDS)
def test_an_id_that_is_no_single_word_is_refused(op: type[Operation], name: str) -> None:
    for value in ("", " ", "a b", "a\n", "\ta", ".", "..", "...", "a\u2028b", "a\u00a0b"):
        assert f"{name}: give the id exactly as Revox returned it" in refusal(op, **{name: value}).message


@pytest.mark.parametrize("value", [5, ["a"], {"id": "a"}, True])
def test_an_id_of_another_type_is_refused(value: Any) -> None:
    assert "call_id" in refusal(GetCall, call_id=value).message


@pytest.mark.parametrize(
    "value", ["a/b", "a/../b", "%2e%2e", "a?b#c", "é", "a;b", "..a", "~a", "a|b\\c", "{x}", "a\x00"]
)
def test_an_id_is_percent_encoded_as_the_sdk_does(value: str) -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"call": {}})

    client = httpx.Client(transport=httpx.MockTransport(record))
    with revox.Revox(api_key="k", base_url="https://revox.test/api", http_client=client) as sdk:
        sdk.call.retrieve(value)
    Sandbox().connect(transport=httpx.MockTransport(record)).send(GetCall(call_id=value))
    ours, theirs = (request.url.raw_path.decode().partition("/call/")[2] for request in reversed(seen))
    assert ours == theirs
    assert "/" not in ours
    assert unquote(ours) == value


@given(st.text(min_size=1, max_size=30))
def test_an_id_stays_one_segment_of_the_path_or_is_refused(value: str) -> None:
    try:
        value.encode()
        wire = GetCall.parse({"call_id": value}).wire()
    except (InvalidInput, UnicodeEncodeError):
        return
    assert wire.path.count("/") == 2
    assert unquote(wire.path.rpartition("/")[2]) == value


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("banana", "not_a_number"),
        ("0142685300", "missing_country"),
        ("+1202", "too_short"),
        ("112", "emergency_number"),
        ("+33142685300;ext=3", "extension"),
    ],
)
@pytest.mark.parametrize(
    ("request_type", "field", "place"),
    [
        (MakeCall, "phone_number", None),
        (MakeCall, "from_phone_number", None),
        (GetCallHistory, "to_phone_number", None),
        (CreateCampaign, "contacts", "to_phone_number"),
    ],
)
def test_why_a_number_is_none_survives_as_the_code(
    request_type: type[Request], field: str, place: str | None, number: str, code: str
) -> None:
    error = refusal(request_type, **{field: [{place: number}] if place else number})
    assert error.code == code
    assert error.kind == "invalid"
    assert field in error.details["fields"][0]
    # The code too_short is also the name of one of pydantic's errors.
    assert "it is empty" not in str(error)


@pytest.mark.parametrize("intent_id", ["short_number", "revox_make_call", "Error (invalid)"])
def test_what_is_no_intent_is_not_looked_for(intent_id: str) -> None:
    error = refusal(RecoverCall, intent_id=intent_id, phone_number="+12025550100")
    assert error.details["fields"] == ["intent_id"]
    assert "revox_make_call" in str(error)


def test_a_number_in_national_form_is_read_where_the_country_is_known() -> None:
    request = MakeCall.parse({"phone_number": "01 42 68 53 00", "prompt": "p"}, default_region="FR")
    assert request.phone_number == "+33142685300"


SECRET = "sk_live_not_to_be_seen"


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        (MakeCall, {"llm_model": {"api_key": SECRET}}),
        (MakeCall, {"settings": {"llm_model": {"api_key": SECRET}, "no_such_setting": 1}}),
        (MakeCall, {"settings": SECRET}),
        (MakeCall, {"metadata": {"token": [SECRET]}}),
        (MakeCall, {"prompt_variables": {"pin": {"x": SECRET}}}),
        (MakeCall, {"scheduled_at": SECRET}),
        (MakeCall, {"voice_provider": SECRET, "voice_id": "v"}),
        (MakeCall, {"skip_calling_window": SECRET}),
        (CreateAssistant, {"settings": {"call_retry_config": {"max_retry_attempts": SECRET}}}),
        (CreateAssistant, {"settings": {"call_retry_config": SECRET}}),
        (CreateAssistant, {"settings": {"structured_output_config": [{"name": SECRET}]}}),
        (CreateAssistant, {"structured_output_config": [{"type": SECRET}]}),
        (CreateAssistant, {"structured_output_config": SECRET}),
        (CreateAssistant, {"max_call_duration_secs": SECRET}),
        (CreateAssistant, {"settings": {"llm_model": {"api_key": REDACTED, "api_url": SECRET}}}),
        (CreateCampaign, {"call_retry_config": {"timezone": [SECRET]}}),
        (CreateCampaign, {"contacts": [{"to_phone_number": NUMBER, "prompt_variables": {"pin": [SECRET]}}]}),
    ],
)
def test_an_error_never_repeats_the_values(op: type[Operation], arguments: dict[str, Any]) -> None:
    error = refusal(op, **arguments)
    assert SECRET not in str(error) + json.dumps(error.as_dict())
    assert "pydantic" not in str(error)


@pytest.mark.parametrize("value", [5, "text", {"a": 1}, [5], [None], ["x"], [{"name": "", "type": "string"}], True])
@pytest.mark.parametrize("place", ["structured_output_config", "settings"])
def test_an_output_configuration_of_any_wrong_shape_is_an_error_that_names_it(place: str, value: Any) -> None:
    arguments = {place: value if place != "settings" else {"structured_output_config": value}}
    assert "structured_output_config" in refusal(CreateAssistant, **arguments).message


@pytest.mark.parametrize(
    "value", [5, "text", [RETRY], {**RETRY, "max_retry_attempts": 0}, {"timezone": "Europe/Paris"}]
)
@pytest.mark.parametrize("op", [CreateAssistant, CreateCampaign, UpdateCampaign])
def test_a_retry_configuration_of_any_wrong_shape_is_an_error_that_names_it(op: type[Operation], value: Any) -> None:
    config = {"call_retry_config": value}
    error = refusal(op, **({"settings": config} if op is CreateAssistant else config))
    assert "call_retry_config" in error.message


@pytest.mark.parametrize("value", [{"voize": {}}, {"max_call_duration": 5}])
def test_a_setting_revox_does_not_have_is_refused_with_what_is_near(value: dict[str, Any]) -> None:
    assert "did you mean" in refusal(CreateAssistant, settings=value).message


def test_a_flat_argument_wins_over_the_same_setting_and_the_rest_is_merged() -> None:
    request = CreateAssistant(
        name="n",
        prompt="p",
        voice_provider="cartesia",
        voice_id="v1",
        settings={"name": "other", "voice": {"id": "v2", "speed": 1.2}, "sms_enabled": True},
    )
    assert request.wire().body == {
        "name": "n",
        "prompt": "p",
        "voice": {"provider": "cartesia", "id": "v1", "speed": 1.2},
        "sms_enabled": True,
    }


@every_request
def test_a_request_is_found_by_its_name_with_and_without_prefix(request_type: type[Request]) -> None:
    name = request_type.spec.name
    assert find_request(name) is find_request(name.removeprefix("revox_")) is request_type
    if issubclass(request_type, Operation):
        assert find(name) is find(name.removeprefix("revox_")) is request_type


@pytest.mark.parametrize(
    ("name", "near"),
    [("revox_make_cal", "revox_make_call"), ("call_history", "revox_get_call_history"), ("get_voices", "get_voice")],
)
def test_a_name_that_is_unknown_is_answered_with_those_that_are_near(name: str, near: str) -> None:
    for look, error in ((find, InvalidInput), (find_request, InvalidInput)):
        with pytest.raises(error, match=near):
            look(name)


@pytest.mark.parametrize("name", ["", "qqqqqqqqqq", "wait_for_call"])
def test_a_name_that_is_no_operation_is_an_error(name: str) -> None:
    with pytest.raises(InvalidInput, match="no operation"):
        find(name)


def schema_for_a_model(request_type: type[Request]) -> dict[str, Any]:
    function: dict[str, Any] = convert_to_openai_tool(make_tool(request_type, Sandbox().connect()))["function"]
    return function


def size(request_type: type[Request]) -> int:
    return len(json.dumps(schema_for_a_model(request_type), separators=(",", ":")))


@every_request
def test_the_schema_of_a_tool_is_within_its_budget(request_type: type[Request]) -> None:
    assert size(request_type) <= (1800 if request_type is MakeCall else 1600)


def test_an_average_schema_is_within_the_budget() -> None:
    # In characters, about four to a token: a model reads every schema on every turn.
    assert sum(map(size, REQUESTS)) / len(REQUESTS) <= 480


@every_request
def test_a_schema_has_no_branches_at_its_top_and_no_null(request_type: type[Request]) -> None:
    for schema in (request_type.model_json_schema(), schema_for_a_model(request_type)["parameters"]):
        assert not {"anyOf", "oneOf", "allOf", "not"} & set(schema)
        assert schema["type"] == "object"
        assert '"null"' not in json.dumps(schema)
        assert '"title"' not in json.dumps(schema["properties"]).replace('"title":{', "")


@every_request
def test_a_schema_asks_for_exactly_the_required_arguments(request_type: type[Request]) -> None:
    required = {name for name, field in request_type.model_fields.items() if field.is_required()}
    assert set(schema_for_a_model(request_type)["parameters"].get("required", [])) == required


def test_hidden_filters_are_for_programs_only() -> None:
    shown = schema_for_a_model(GetCallHistory)["parameters"]["properties"]
    hidden = set(CallFilters.model_fields) - set(shown)
    assert hidden == {"directions", "from_phone_numbers", "assignee_ids", "sort_by", "sort_direction"}
    assert GetCallHistory.parse({"sort_by": "status", "directions": ["inbound"]}).sort_by == "status"


def test_what_takes_or_gives_audio_is_not_for_models() -> None:
    assert {r.spec.name for r in REQUESTS if not r.spec.for_models} == {"revox_clone_voice", "revox_preview_voice"}
    assert {r.spec.name for r in OPERATIONS if r.spec.binary} == {"revox_preview_voice"}


def test_assistant_settings_are_those_of_the_sdk() -> None:
    namespace = {**vars(typing), **vars(__import__("typing_extensions"))}
    module = vars(__import__("revox.types.assistant_create_params", fromlist=["x"]))
    annotations = typing.get_type_hints(AssistantCreateParams, {**namespace, **module}, include_extras=True)
    assert set(annotations) == ASSISTANT_SETTINGS


def test_our_flat_fields_of_an_assistant_are_among_them() -> None:
    for op in (CreateAssistant, UpdateAssistant):
        sent = [name for name, field in op.model_fields.items() if not field.exclude]
        flat = {op.wire_name(name).partition(".")[0] for name in sent} - {"*", "assistant_id", "clear_fields"}
        assert flat <= ASSISTANT_SETTINGS
    inline = {MakeCall.wire_name(n) for n in MakeCall.model_fields}
    flat = {name.split(".")[1] for name in inline if name.startswith("assistant.")} - {"*"}
    assert flat <= ASSISTANT_SETTINGS
    assert set(AssistantFields.model_fields)


@pytest.mark.parametrize(("written", "tag"), [("French", "fr"), ("fr-CA", "fr-CA"), ("ESPAÑOL", "es")])
def test_a_language_may_be_named_or_coded(written: str, tag: str) -> None:
    assert ListVoices.parse({"language": written}).language == tag


def test_a_language_nobody_speaks_is_refused_by_name() -> None:
    assert "language" in refusal(ListVoices, language="Klingonese").message


@pytest.mark.parametrize("arguments", [{"interval_s": 0}, {"timeout_s": 0}, {"timeout_s": 1e9}, {"transcript": "some"}])
def test_a_wait_has_limits(arguments: dict[str, Any]) -> None:
    assert next(iter(arguments)) in refusal(WaitForCall, **arguments).message


@every_request
def test_a_request_cannot_be_changed_after_it_was_made(request_type: type[Request]) -> None:
    request = request_type.parse(arguments_of(request_type))
    for name in request_type.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(request, name, "other")


@pytest.mark.slow
@pytest.mark.parametrize("bad", ["+1202", "banana" * 60, None, 7])
def test_ten_thousand_wrong_contacts_are_named_in_a_few_words(bad: Any) -> None:
    contacts = [{"to_phone_number": bad, "x" * 500: 1}] * 10_000
    with pytest.raises(InvalidInput) as caught:
        CreateCampaign.parse({"assistant_id": "a1", "name": "c", "contacts": contacts})
    assert "contacts.0" in str(caught.value)
    assert "more like these" in str(caught.value)
    assert len(str(caught.value)) < 1_500
    assert len(json.dumps(caught.value.as_dict())) < 10_000


def test_a_few_wrong_arguments_are_all_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        CreateCampaign.parse({"assistant_id": "a b", "name": "", "max_concurrent_calls": 0, "contacts": []})
    assert all(field in str(caught.value) for field in ("assistant_id", "name", "max_concurrent_calls", "contacts"))
    assert "more like these" not in str(caught.value)


WRONG_SHAPES: list[tuple[str, Any]] = [
    ("max_call_duration_secs", -1e6),
    ("max_call_duration_secs", 0),
    ("max_call_duration_secs", float("nan")),
    ("max_call_duration_secs", float("inf")),
    ("max_call_duration_secs", "abc"),
    ("max_call_duration_secs", True),
    ("max_call_duration_secs", [60]),
    ("llm_model", "gpt-4.1"),
    ("llm_model", ["gpt-4.1"]),
    ("llm_model", {"type": 5}),
    ("voice", "marin"),
    ("voice", 5),
    ("voice", {"id": ["v1"]}),
    ("voice", {"speed": float("nan")}),
    ("transfer_destinations", "+12025550100"),
    ("transfer_destinations", {"phone_number": "+12025550100"}),
    ("transfer_destinations", ["+12025550100"]),
    ("transfer_destinations", [{"label": "desk"}]),
    ("transfer_destinations", [{"phone_number": "the front desk"}]),
    ("transfer_destinations", [{"phone_number": 12025550100}]),
    ("transfer_destinations", [{"phone_number": "+12025550100;ext=5"}]),
    ("from_phone_number", "desk"),
    ("from_phone_number", 12025550100),
    ("custom_tools", "https://example.com"),
    ("custom_tools", {"url": "https://example.com"}),
    ("custom_tools", ["https://example.com"]),
    ("custom_tools", [{"url": 5}]),
    ("custom_tools", [{"headers": "secret"}]),
    ("faq_items", "Who? Us."),
    ("first_sentence", ["Hello."]),
    ("prompt", {"text": "Hello."}),
    ("webhook_url", ["https://example.com"]),
    ("slack", "channel"),
    ("sms_enabled", "perhaps"),
    ("background_sound_volume", float("inf")),
]


@pytest.mark.parametrize(("name", "value"), WRONG_SHAPES)
def test_a_setting_of_a_wrong_shape_is_an_error_that_names_it(name: str, value: Any) -> None:
    for op in (CreateAssistant, UpdateAssistant, MakeCall):
        error = refusal(op, settings={name: value})
        assert f"settings.{name}" in error.message
        assert "http" not in error.message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(ASSISTANT_SETTINGS)), ANYTHING)
def test_a_setting_of_any_shape_is_taken_or_an_error(name: str, value: Any) -> None:
    arguments = {"phone_number": NUMBER, "prompt": "Say hello.", "settings": {name: value}}
    try:
        request = MakeCall.parse(arguments)
    except InvalidInput:
        return
    assert request.wire().body


def test_every_setting_has_a_shape() -> None:
    assert set(AssistantSettings.model_fields) == ASSISTANT_SETTINGS


def test_numbers_in_settings_are_read_as_people_write_them() -> None:
    written = {
        "from_phone_number": "01 42 68 53 00",
        "transfer_destinations": [{"label": "desk", "phone_number": "06 12 34 56 78", "priority": 1}],
    }
    arguments = {"phone_number": NUMBER, "prompt": "Say hello.", "settings": written}
    assert MakeCall.parse(arguments, default_region="FR").settings == {
        "from_phone_number": "+33142685300",
        "transfer_destinations": [{"label": "desk", "phone_number": "+33612345678", "priority": 1}],
    }


def test_what_revox_adds_to_an_object_goes_through() -> None:
    given = {
        "llm_model": {"type": "quantum", "qubits": 7},
        "voice": {"id": "v1", "provider": "cartesia", "mood": "calm"},
        "custom_tools": [{"name": "t", "url": "https://example.com", "retries": 3}],
    }
    assert MakeCall.parse({"phone_number": NUMBER, "prompt": "Hi.", "settings": given}).settings == given


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("09:00", "09:00"),
        ("9am", "9am"),
        ("09:00:00", "09:00"),
        ("9h00", "09:00"),
        ("9 a.m.", "09:00"),
        ("noon", "12:00"),
    ],
)
def test_a_calling_window_is_sent_in_a_form_that_revox_documents(written: str, sent: str) -> None:
    window = {**RETRY["calling_windows"][0], "calling_window_start_time": written}  # type: ignore[index]
    config = {**RETRY, "calling_windows": [window]}
    for request in (
        CreateCampaign.parse({**arguments_of(CreateCampaign), "call_retry_config": config}).wire().body,
        CreateAssistant.parse({"name": "n", "prompt": "p", "settings": {"call_retry_config": config}}).wire().body,
    ):
        assert request is not None
        assert request["call_retry_config"]["calling_windows"][0]["calling_window_start_time"] == sent


@pytest.mark.parametrize("moment", ["13pm", "0am", "25:00", "9:75", "soon", ""])
def test_a_calling_window_that_is_not_a_time_of_day_is_refused_for_that_reason(moment: str) -> None:
    window = {**RETRY["calling_windows"][0], "calling_window_end_time": moment}  # type: ignore[index]
    error = refusal(CreateCampaign, call_retry_config={**RETRY, "calling_windows": [window]})
    assert "calling_window_end_time: write hours and minutes" in error.message


@pytest.mark.parametrize("word", ["cancel", "delete", "update"])
def test_what_cannot_be_undone_is_said_to_be_destructive(word: str) -> None:
    named = [request.spec for request in REQUESTS if f"_{word}_" in request.spec.name]
    assert named
    assert all(spec.annotations["destructiveHint"] is True for spec in named)


@pytest.mark.parametrize("request_type", [GetCall, MakeCall], ids=lambda each: each.__name__)
def test_an_id_of_seventy_thousand_characters_is_named_as_that(request_type: type[Request]) -> None:
    name = "call_id" if request_type is GetCall else "assistant_id"
    with pytest.raises(InvalidInput, match=f"{name}: give the id exactly as Revox returned it; 70000 characters"):
        request_type.parse({**({"phone_number": NUMBER} if request_type is MakeCall else {}), name: "x" * 70_000})


@pytest.mark.parametrize("word", ["dial", "DIAL", " Dial "])
def test_a_risk_may_be_a_word(word: str) -> None:
    assert Risk.named(word) is Risk.DIAL


@pytest.mark.slow
def test_a_wrong_word_for_a_risk_names_the_choices() -> None:
    with pytest.raises(InvalidInput, match="read, write, dial, delete"):
        Risk.named("everything")
