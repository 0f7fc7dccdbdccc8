"""What became of a call, read from whatever Revox says of it, and structured output to and from pydantic models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.calls import CancelCall, GetCall, MakeCall
from revox_langchain.operations.fields import StructuredOutputField
from revox_langchain.results.call import CallResult, Turn
from revox_langchain.results.schema import config_from_schema, output_model, structured_output_config
from revox_langchain.results.structured import Structured, structured
from revox_langchain.sandbox import STORIES, Sandbox

DISPOSITIONS = {
    "+12025550100": "answered",
    "+12025550101": "busy",
    "+12025550102": "answered",
    "+12025550103": "no_answer",
    "+12025550104": "voicemail",
    "+12025550105": "screened",
    "+12025550106": "ivr",
    "+12025550107": "answered",
    "+12025550108": "answered",
    "+12025550109": "answered",
    "+12025550110": "failed",
    "+12025550111": "answered",
    "+12025550112": "answered",
    "+12025550113": "answered",
    "+12025550114": "answered",
    "+12025550115": "answered",
    "+12025550116": "answered",
    "+12025550117": "failed",
    "+12025550118": "answered",
    "+12025550119": "answered",
    "+12025550120": "answered",
    "+12025550121": "unknown",
    "+12025550122": "answered",
    "+12025550123": "unknown",
    "+12025550124": "cancelled",
    "+12025550125": "answered",
    "+12025550126": "answered",
    "+12025550127": "answered",
    "+12025550128": "answered",
    "+12025550150": "no_answer",
}
TWO_TRIES_LATER = ["no_answer", "no_answer", "answered"]


class Plan(StrEnum):
    BASIC = "basic"
    PRO = "pro"


class Answers(BaseModel):
    """What the assistant is to find out."""

    confirmed: bool = Field(description="Did they confirm?")
    plan: Plan
    guests: int | None = None
    price: float = 0.0
    day: date | None = None
    at: Optional[datetime] = Field(None, description="When to call back.")  # noqa: UP045
    mood: Literal["good", "bad"] | None = None
    note: Annotated[str, Field(max_length=500)] = ""


@pytest.fixture(scope="module")
def calls() -> dict[str, dict[str, Any]]:
    """An order of every story at its end, by number."""
    connection = Sandbox().connect()
    settings = {"structured_output_config": structured_output_config(Answers)}
    wishes = [MakeCall(phone_number=number, prompt="Say hello.", settings=settings) for number in STORIES]
    ids = {wish.phone_number: connection.send(wish)["call"]["id"] for wish in wishes}
    connection.clock.sleep(86_400)
    return {number: connection.send(GetCall(call_id=call_id))["call"] for number, call_id in ids.items()}


def attempt(**more: Any) -> dict[str, Any]:
    return {"id": "t1", "status": "completed", **more}


def result_of(*attempts: dict[str, Any], **more: Any) -> CallResult:
    """A call with these attempts, newest first."""
    return CallResult.from_call({"id": "c1", "status": "completed", "call_attempts": list(attempts), **more})


def test_every_story_has_its_disposition(calls: dict[str, dict[str, Any]]) -> None:
    assert {number: CallResult.from_call(call).disposition for number, call in calls.items()} == DISPOSITIONS


@pytest.mark.parametrize("number", sorted(STORIES))
def test_a_result_agrees_with_the_order_it_was_read_from(calls: dict[str, dict[str, Any]], number: str) -> None:
    call = calls[number]
    result = CallResult.from_call(call)
    assert (result.call_id, result.status, result.phone_number) == (call["id"], call["status"], number)
    assert result.ended is (call["status"] in ("completed", "cancelled", "errored"))
    assert (result.outcome, result.outcome_summary) == (call["outcome"], call["outcome_summary"])
    assert [a.attempt_id for a in result.attempts] == [a["id"] for a in reversed(call["call_attempts"])]
    starts = [a.started_at for a in result.attempts]
    assert starts == sorted(starts, key=str)
    assert result.duration_s == pytest.approx(sum(a.duration_s or 0 for a in result.attempts))
    for tried in result.attempts:
        assert tried.duration_s is not None
        assert tried.talk_s is None or 0 <= tried.talk_s <= tried.duration_s
        assert (tried.talk_s is None) is (tried.answered_at is None)
    assert CallResult.model_validate_json(result.model_dump_json()) == result


def test_seconds_are_seconds(calls: dict[str, dict[str, Any]]) -> None:
    result = CallResult.from_call(calls["+12025550108"])
    assert 480 < result.talk_s < 900
    # It rings for six seconds.
    assert result.duration_s - result.talk_s == pytest.approx(6.0, abs=0.1)
    assert CallResult.from_call(calls["+12025550103"]).talk_s == 0


def test_retries_are_told_oldest_first(calls: dict[str, dict[str, Any]]) -> None:
    assert [a.disposition for a in CallResult.from_call(calls["+12025550102"]).attempts] == ["voicemail", "answered"]
    assert [a.disposition for a in CallResult.from_call(calls["+12025550125"]).attempts] == TWO_TRIES_LATER


def test_a_call_that_is_cancelled_says_so_whatever_its_attempts_were() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    call_id = connection.send(MakeCall(phone_number="+12025550108", prompt="Say hello."))["call"]["id"]
    sandbox.world.advance(60)
    running = CallResult.from_call(connection.send(GetCall(call_id=call_id))["call"])
    assert (running.ended, running.disposition, running.attempts[0].duration_s) == (False, "unknown", None)
    assert running.transcript
    connection.send(CancelCall(call_id=call_id))
    cancelled = CallResult.from_call(connection.send(GetCall(call_id=call_id))["call"])
    assert (cancelled.ended, cancelled.disposition) == (True, "cancelled")


@pytest.mark.parametrize(
    ("raw", "disposition"),
    [
        ({"result": "human"}, "answered"),
        ({"result": "voicemail", "end_reason": "tool_end_call"}, "voicemail"),
        ({"result": "IVR"}, "ivr"),
        ({"result": "ios-screening-filter"}, "screened"),
        ({"result": "unknown"}, "unknown"),
        ({"result": "alien"}, "unknown"),
        ({"result": None, "dial_error": "busy"}, "busy"),
        ({"dial_error": "no_answer"}, "no_answer"),
        ({"dial_error": "temporarily_unavailable"}, "no_answer"),
        ({"dial_error": "number_non_attributed"}, "failed"),
        ({"dial_error": "a_new_error"}, "failed"),
        ({"end_reason": "voicemail"}, "voicemail"),
        ({"end_reason": "ivr_no_navigate"}, "ivr"),
        ({"end_reason": "user_rejected"}, "busy"),
        ({"end_reason": "user_unavailable"}, "no_answer"),
        ({"end_reason": "max_duration", "result": "human"}, "answered"),
        ({"status": "error"}, "failed"),
        ({"status": "ongoing"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_disposition_is_read_from_result_then_dial_error_then_end_reason(
    raw: dict[str, Any], disposition: str
) -> None:
    assert result_of(attempt(**raw)).disposition == disposition


def test_the_last_attempt_decides_unless_the_order_was_cancelled_or_failed() -> None:
    tries = [attempt(result="voicemail"), attempt(result="human")]
    assert result_of(*tries).disposition == "voicemail"
    assert result_of(*tries, status="cancelled").disposition == "cancelled"
    assert result_of(*tries, status="errored").disposition == "failed"
    assert result_of().disposition == "unknown"


def test_the_transcript_made_from_the_recording_is_preferred() -> None:
    live, after = ([{"role": "user", "content": text}] for text in ("live", "after"))
    assert result_of(attempt(transcript=live, post_call_transcript=after)).transcript[0].content == "after"
    assert result_of(attempt(transcript=live, post_call_transcript=None)).transcript[0].content == "live"
    assert result_of(attempt(transcript=live, post_call_transcript=[])).transcript[0].content == "live"


def test_the_newest_attempt_that_has_something_gives_transcript_recording_and_output() -> None:
    newest = attempt(transcript=[], recording_url=None, structured_output=None)
    older = attempt(
        transcript=[{"role": "user", "content": "hi"}], recording_url="https://r", structured_output={"a": 1}
    )
    result = result_of(newest, older)
    assert result.transcript == (Turn(role="user", content="hi"),)
    assert (result.recording_url, result.structured_output) == ("https://r", {"a": 1})


def test_a_tool_is_shown_by_its_name() -> None:
    turns = [{"role": "tool", "content": None, "tool_name": "transfer_call"}, {"role": "user", "content": None}]
    assert [t.content for t in result_of(attempt(transcript=turns)).transcript] == ["transfer_call", ""]


def test_an_order_that_only_carries_its_last_attempt_is_read_all_the_same() -> None:
    call = {"id": "c1", "status": "completed", "last_call_attempt": attempt(result="human")}
    assert CallResult.from_call(call).disposition == "answered"


@pytest.mark.parametrize("status", [None, "a_status_of_2027", 5])
def test_an_unknown_status_has_not_ended(status: Any) -> None:
    result = CallResult.from_call({"id": "c1", "status": status})
    assert not result.ended
    assert isinstance(result.status, str)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-06T10:00:00.000Z", "2026-01-06T10:00:01.500Z", 1.5),
        ("2026-01-06T10:00:00Z", "2026-01-06T11:00:00+01:00", 0.0),
        ("2026-01-06T10:00:05Z", "2026-01-06T10:00:00Z", 0.0),
        ("2026-01-06T10:00:00", "2026-01-06T10:00:05Z", 5.0),
        ("2026-01-06T10:00:00", "2026-01-06T10:00:05", 5.0),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:05+14:00", 0.0),
        ("soon", "later", None),
        (None, "2026-01-06T10:00:00Z", None),
        (1_767_693_600, 1_767_693_605, 5.0),
        (1_767_693_600_000, "1767693605", 5.0),
        (float("nan"), float("inf"), None),
        (10**400, 10**400, None),
        (True, 5, None),
    ],
)
def test_a_duration_is_what_two_moments_say_or_nothing(start: Any, end: Any, seconds: float | None) -> None:
    assert result_of(attempt(started_at=start, ended_at=end)).attempts[0].duration_s == seconds


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["human", "completed", "busy"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "role", "content", "x"]), inner),
    max_leaves=5,
)
ATTEMPT_KEYS = (
    "id",
    "status",
    "result",
    "dial_error",
    "end_reason",
    "ended_by",
    "started_at",
    "answered_at",
    "ended_at",
    "transcript",
    "post_call_transcript",
    "recording_url",
    "structured_output",
)
CALL_KEYS = ("status", "to_phone_number", "outcome", "outcome_summary", "scheduled_at", "last_call_attempt")


@pytest.mark.slow
@given(
    call=st.dictionaries(st.sampled_from(CALL_KEYS), STRANGE),
    attempts=st.lists(st.dictionaries(st.sampled_from(ATTEMPT_KEYS), STRANGE) | STRANGE, max_size=3) | STRANGE,
)
def test_whatever_revox_may_answer_is_read_without_failing(call: dict[str, Any], attempts: Any) -> None:
    result = CallResult.from_call({"id": "c1", **call, "call_attempts": attempts})
    assert result.call_id == "c1"


def test_a_model_is_said_as_revoxs_configuration() -> None:
    assert structured_output_config(Answers) == [
        {"name": "confirmed", "type": "boolean", "required": True, "description": "Did they confirm?"},
        {"name": "plan", "type": "enum", "required": True, "enum_options": ["basic", "pro"]},
        {"name": "guests", "type": "number", "required": False},
        {"name": "price", "type": "number", "required": False},
        {"name": "day", "type": "date", "required": False},
        {"name": "at", "type": "datetime", "required": False, "description": "When to call back."},
        {"name": "mood", "type": "enum", "required": False, "enum_options": ["good", "bad"]},
        {"name": "note", "type": "string", "required": False},
    ]


class Documented(Enum):
    """Why they said so."""

    YES = "yes"
    NO = "no"


class Optionals(BaseModel):
    a: Annotated[str, Field(max_length=5)] | None = None
    b: Annotated[int, Field(ge=0)] | None = Field(None, description="How many.")
    c: Annotated[Literal["x", "y"], "anything"] | None = None
    d: Optional[Documented] = None  # noqa: UP045
    e: Literal["only"] = "only"


class Renamed(BaseModel):
    first: str = Field(alias="firstName")
    last: str = Field(validation_alias="lastName")


class Lenient(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)

    first: str = Field(alias="firstName")


@pytest.mark.parametrize("model", [Answers, Optionals, Renamed, Lenient])
def test_a_model_and_its_json_schema_say_the_same(model: type[BaseModel]) -> None:
    config = structured_output_config(model)
    assert config == config_from_schema(model.model_json_schema())
    assert [StructuredOutputField.model_validate(field) for field in config]


def test_the_docstring_of_an_enum_describes_it_in_both() -> None:
    class Asked(BaseModel):
        why: Documented

    config = structured_output_config(Asked)
    assert config == config_from_schema(Asked.model_json_schema())
    assert config[0]["description"] == "Why they said so."


class Number(IntEnum):
    ONE = 1


class Inner(BaseModel):
    x: str


REFUSED: list[Any] = [
    list[str],
    dict[str, str],
    Inner,
    int | str,
    Inner | None,
    list[int] | None,
    Literal["a", 1],
    Literal["a", None],
    tuple[str, str],
    Any,
    Number,
    Literal[1, 2],
    Literal[True],
]


@pytest.mark.parametrize("annotation", REFUSED, ids=str)
def test_what_revox_cannot_extract_is_refused_by_name(annotation: Any) -> None:
    model = type("Asked", (BaseModel,), {"__annotations__": {"field_in_question": annotation}})
    with pytest.raises(InvalidInput, match="field_in_question") as caught:
        structured_output_config(model)
    assert "flat" in caught.value.next_step
    with pytest.raises(InvalidInput, match="field_in_question"):
        config_from_schema(model.model_json_schema())


def test_a_type_that_json_does_not_know_is_refused_by_the_models_name() -> None:
    model = type("Asked", (BaseModel,), {"__annotations__": {"x": Callable[[], int]}})
    with pytest.raises(InvalidInput, match="Asked"):
        structured_output_config(model)


def test_a_model_without_fields_asks_for_nothing_and_is_refused() -> None:
    with pytest.raises(InvalidInput):
        structured_output_config(type("Nothing", (BaseModel,), {}))


@pytest.mark.parametrize(
    ("item", "config"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({"type": ["null", "integer"], "description": "d"}, {"type": "number", "description": "d"}),
        ({"type": "string", "format": "date"}, {"type": "date"}),
        ({"type": "string", "format": "date-time"}, {"type": "datetime"}),
        ({"type": "string", "format": "email"}, {"type": "string"}),
        ({"enum": ["a", "b"]}, {"type": "enum", "enum_options": ["a", "b"]}),
        ({"const": "a"}, {"type": "enum", "enum_options": ["a"]}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "enum", "enum_options": ["a"]}),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/P"}]}, {"type": "enum", "enum_options": ["x"]}),
    ],
)
def test_a_property_of_a_schema_is_said_in_revoxs_terms(item: dict[str, Any], config: dict[str, Any]) -> None:
    schema = {"properties": {"p": item}, "$defs": {"P": {"type": "string", "enum": ["x"]}}}
    assert config_from_schema(schema) == [{"name": "p", "required": False, **config}]


def test_required_properties_are_those_the_schema_lists() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}
    assert [field["required"] for field in config_from_schema(schema)] == [False, True]


@pytest.mark.parametrize(
    "item",
    [
        True,
        None,
        [],
        "string",
        {},
        {"type": "array", "items": {}},
        {"type": "object"},
        {"$ref": "#/$defs/Missing"},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"anyOf": [True]},
        {"anyOf": []},
        {"type": "null"},
        {"allOf": [{"type": "string"}]},
        {"type": "number", "enum": [1, 2]},
    ],
)
def test_a_property_that_is_not_flat_is_refused_by_name(item: Any) -> None:
    with pytest.raises(InvalidInput, match="'p'"):
        config_from_schema({"properties": {"p": item}})


@pytest.mark.parametrize(
    "schema", [{}, {"type": "array"}, {"properties": {}}, {"properties": ["a"]}, {"properties": None}]
)
def test_what_is_no_schema_of_an_object_is_refused_with_an_example(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="structured_output_schema") as caught:
        config_from_schema(schema)
    assert "properties" in caught.value.next_step


def with_output(output: Any, **raw: Any) -> CallResult:
    return result_of(attempt(**{"result": "human", "structured_output": output, **raw}))


GIVEN = {"confirmed": True, "plan": "pro", "day": "2026-01-09", "at": "2026-01-09T15:00:00Z", "guests": 4}


def test_values_that_fit_are_ready() -> None:
    read = structured(with_output(GIVEN), Answers)
    assert read.state == "ready"
    assert read.value is not None
    assert (read.value.plan, read.value.day, read.value.guests) == (Plan.PRO, date(2026, 1, 9), 4)
    assert read.errors == ()


def test_null_means_that_it_was_not_said() -> None:
    assert structured(with_output({**GIVEN, "price": None, "note": None}), Answers).state == "ready"


CONFIG = [
    {"name": "confirmed", "type": "boolean", "required": True},
    {"name": "plan", "type": "enum", "enum_options": ["pro", "basic"]},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "datetime"},
    {"name": "guests", "type": "number"},
    {"name": "_note to self", "type": "string"},
    {"name": "mood", "type": "a type of tomorrow"},
]


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ({**GIVEN, "_note to self": "hm", "mood": {"any": "thing"}, "not asked for": 1}, []),
        ({"confirmed": True, "plan": None, "guests": 2.5}, []),
        ({"plan": "pro"}, ["confirmed"]),
        ({"confirmed": None}, ["confirmed"]),
        (
            {"confirmed": 1, "plan": "gold", "day": "soon", "at": "later", "guests": "4", "_note to self": 7},
            ["confirmed", "plan", "day", "at", "guests", "_note to self"],
        ),
        (None, []),
        ({}, []),
    ],
)
def test_what_does_not_fit_the_configuration_of_the_assistant_is_named(output: Any, names: list[str]) -> None:
    order = {
        "id": "c",
        "status": "completed",
        "assistant": {"structured_output_config": CONFIG},
        "call_attempts": [attempt(result="human", structured_output=output)],
    }
    assert [problem.split(":")[0] for problem in CallResult.from_call(order).misfits] == names


def test_orders_of_one_assistant_share_the_model_their_output_is_compared_with() -> None:
    order = {"id": "c", "status": "completed", "call_attempts": [attempt(result="human", structured_output=GIVEN)]}
    output_model.cache_clear()
    for text in ("as it was", "as it was edited later"):
        described = [{**field, "description": text} for field in CONFIG]
        for _ in range(50):
            CallResult.from_call({**order, "assistant": {"structured_output_config": described}})
    assert (output_model.cache_info().misses, output_model.cache_info().hits) == (1, 99)
    stricter = [{**field, "required": True} for field in CONFIG]
    assert CallResult.from_call({**order, "assistant": {"structured_output_config": stricter}}).misfits
    assert output_model.cache_info().misses == 2


@pytest.mark.parametrize("config", [None, [], "nonsense", [None], [{"type": "enum", "name": "plan"}]])
def test_without_a_configuration_that_can_be_read_nothing_misfits(config: Any) -> None:
    order = {
        "id": "c",
        "status": "completed",
        "assistant": {"structured_output_config": config},
        "call_attempts": [attempt(result="human", structured_output=GIVEN)],
    }
    assert CallResult.from_call(order).misfits == ()


@pytest.mark.parametrize("output", [None, {}])
def test_output_that_never_came_is_absent(output: Any) -> None:
    assert structured(with_output(output), Answers) == Structured("absent")


def test_values_that_do_not_fit_are_named() -> None:
    read = structured(with_output({**GIVEN, "confirmed": "perhaps", "plan": "gold"}), Answers)
    assert (read.state, read.value) == ("invalid", None)
    assert [problem.split(":")[0] for problem in read.errors] == ["confirmed", "plan"]
    assert "perhaps" not in str(read.errors)


def test_a_required_value_that_is_missing_is_named() -> None:
    assert structured(with_output({"plan": "pro"}), Answers).errors == ("confirmed: Field required",)


@pytest.mark.parametrize("result", ["voicemail", "IVR", "ios-screening-filter"])
def test_values_from_a_call_that_reached_nobody_contradict_it(result: str) -> None:
    read = structured(with_output(GIVEN, result=result), Answers)
    assert read.state == "contradicts_disposition"
    assert read.value is not None


def test_values_are_believed_where_it_is_not_known_who_answered() -> None:
    assert structured(with_output(GIVEN, result="unknown"), Answers).state == "ready"


@pytest.mark.parametrize("model", [Renamed, Lenient])
def test_a_field_with_an_alias_comes_back_under_the_name_it_was_asked_by(model: type[BaseModel]) -> None:
    output = {field["name"]: "x" for field in structured_output_config(model)}
    assert structured(with_output(output), model).state == "ready"


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize(
    ("number", "state"),
    [
        ("+12025550100", "ready"),
        ("+12025550113", "ready"),
        ("+12025550114", "ready"),
        ("+12025550118", "absent"),
        ("+12025550119", "invalid"),
        ("+12025550103", "absent"),
        ("+12025550104", "absent"),
    ],
)
def test_the_output_of_a_story_comes_back_as_the_model(
    calls: dict[str, dict[str, Any]], number: str, state: str
) -> None:
    assert structured(CallResult.from_call(calls[number]), Answers).state == state
