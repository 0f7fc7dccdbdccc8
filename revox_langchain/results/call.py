"""What became of a call, in the terms a program asks about: was it answered, by whom, what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictStr, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema

from revox_langchain.errors import InvalidInput

Disposition = Literal["answered", "voicemail", "no_answer", "busy", "screened", "ivr", "failed", "cancelled", "unknown"]
ModelT = TypeVar("ModelT", bound=BaseModel)

_BY_RESULT: dict[str, Disposition] = {
    "human": "answered",
    "voicemail": "voicemail",
    "IVR": "ivr",
    "ios-screening-filter": "screened",
}
_BY_DIAL_ERROR: dict[str, Disposition] = {
    "busy": "busy",
    "no_answer": "no_answer",
    "temporarily_unavailable": "no_answer",
}
_BY_END_REASON: dict[str, Disposition] = {
    "voicemail": "voicemail",
    "ivr_no_navigate": "ivr",
    "user_unavailable": "no_answer",
    "user_rejected": "busy",
}
_TYPES: dict[str, Any] = {
    "string": StrictStr, "number": StrictFloat, "boolean": StrictBool, "date": date, "datetime": datetime
}  # fmt: skip
_ENDED = ("completed", "cancelled", "errored")
_KEEP_FLAT = "Keep it flat: strings, numbers, booleans, dates, date-times, choices of strings; each may be optional."


class Turn(BaseModel):
    """One thing said (or one tool used) in a conversation."""

    model_config = ConfigDict(frozen=True)

    role: str
    content: str


class Attempt(BaseModel):
    """One time the phone was dialed.

    Attributes:
        disposition: How it went.
        duration_s: From start to end, in seconds; None while it runs.
        talk_s: From answer to end, in seconds; None if nobody answered.
    """

    model_config = ConfigDict(frozen=True)

    attempt_id: str | None = None
    status: str
    disposition: Disposition
    started_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    duration_s: float | None = None
    talk_s: float | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    dial_error: str | None = None


class CallResult(BaseModel):
    """A call order as far as it is known, read from one answer of `GetCall`.

    Attributes:
        ended: Whether nothing more will happen (completed, cancelled or errored).
        disposition: How the last attempt went; `cancelled` and `failed` speak of the order.
        attempts: Oldest first.
        talk_s: Seconds of conversation over all attempts.
        transcript: Of the newest attempt that has one; the version made from the recording if it is there.
        structured_output: What was extracted from the conversation, of the newest attempt that has any.
        misfits: Where that does not fit the assistant's configuration, a sentence each.
    """

    model_config = ConfigDict(frozen=True)

    call_id: str
    status: str
    ended: bool
    disposition: Disposition
    phone_number: str | None = None
    outcome: str | None = None
    outcome_summary: str | None = None
    attempts: tuple[Attempt, ...] = ()
    duration_s: float = 0.0
    talk_s: float = 0.0
    transcript: tuple[Turn, ...] = ()
    recording_url: str | None = None
    structured_output: dict[str, Any] | None = None
    misfits: tuple[str, ...] = ()
    scheduled_at: str | None = None

    @classmethod
    def from_call(cls, call: Mapping[str, Any]) -> CallResult:
        """Read the JSON of one call, leniently: unknown values pass through, missing ones stay empty."""
        raw = _mappings(call.get("call_attempts")) or _mappings([call.get("last_call_attempt")])
        attempts = tuple(_attempt(item) for item in reversed(raw))
        output = _first(raw, "structured_output", dict)
        return cls(
            call_id=str(call["id"]),
            status=str(call.get("status")),
            ended=call.get("status") in _ENDED,
            disposition=_order_disposition(call, attempts),
            phone_number=_text(call.get("to_phone_number")),
            outcome=_text(call.get("outcome")),
            outcome_summary=_text(call.get("outcome_summary")),
            attempts=attempts,
            duration_s=sum(a.duration_s or 0.0 for a in attempts),
            talk_s=sum(a.talk_s or 0.0 for a in attempts),
            transcript=_transcript(raw),
            recording_url=_first(raw, "recording_url", str),
            structured_output=output,
            misfits=_misfits(output, call.get("assistant")),
            scheduled_at=_text(call.get("scheduled_at")),
        )

    def as_output(self) -> dict[str, Any]:
        """Say in plain JSON what came out, under the names the call graph gives it."""
        return {
            "status": self.status if self.ended else "still_running",
            "disposition": self.disposition if self.attempts or self.ended else None,
            "outcome": self.outcome,
            "outcome_summary": self.outcome_summary,
            "transcript": [turn.model_dump() for turn in self.transcript],
            "structured_output": self.structured_output,
            "recording_url": self.recording_url,
            "attempts": [attempt.model_dump() for attempt in self.attempts],
        }


@dataclass(frozen=True, slots=True)
class Structured(Generic[ModelT]):
    """Structured output read back into a pydantic model.

    Attributes:
        state: `ready`: `value` holds it. `absent`: Revox gave none. `invalid`: it does not fit, see `errors`.
            `contradicts_disposition`: values were extracted although nobody was reached.
    """

    state: Literal["ready", "absent", "invalid", "contradicts_disposition"]
    value: ModelT | None = None
    errors: tuple[str, ...] = ()


def structured(result: CallResult, model: type[ModelT]) -> Structured[ModelT]:
    """Read the structured output of `result` as `model`."""
    if not result.structured_output:
        return Structured("absent")
    value, errors = _read(result.structured_output, model)
    if value is None:
        return Structured("invalid", errors=errors)
    if result.disposition not in ("answered", "unknown"):
        return Structured("contradicts_disposition", value)
    return Structured("ready", value)


def _read(output: Mapping[str, Any], model: type[ModelT]) -> tuple[ModelT | None, tuple[str, ...]]:
    # Revox says null where a value was not mentioned.
    given = {name: value for name, value in output.items() if value is not None}
    try:
        return model.model_validate(given), ()
    except ValidationError as error:
        return None, tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))


def _misfits(output: Mapping[str, Any] | None, assistant: Any) -> tuple[str, ...]:
    config = _mappings(assistant.get("structured_output_config")) if isinstance(assistant, Mapping) else []
    if not output or not config:
        return ()
    fields: dict[str, Any] = {}
    for number, field in enumerate(config):
        options = field.get("enum_options")
        type_ = _TYPES.get(str(field.get("type")), Any)
        if isinstance(options, list) and options:
            type_ = Literal[tuple(options)]
        needed = ... if field.get("required") else None
        fields[f"field_{number}"] = (type_, Field(needed, alias=str(field.get("name"))))
    return _read(output, create_model("StructuredOutput", **fields))[1]


def structured_output_config(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Say a flat pydantic model as Revox's `structured_output_config`.

    Fields may be str, int, float, bool, date, datetime, Literal of strings, Enum of strings, or Optional of these.

    Raises:
        InvalidInput: A field is of another type; it is named.
    """
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema as error:
        raise InvalidInput(f"{model.__name__}: {error.message}.", next_step=_KEEP_FLAT) from error
    return config_from_schema(schema, model.__name__)


def config_from_schema(schema: Mapping[str, Any], subject: str = "structured_output_schema") -> list[dict[str, Any]]:
    """Say a flat JSON schema (an object's `properties`) as Revox's `structured_output_config`.

    Args:
        schema: A JSON schema with `properties`.
        subject: What errors call it.

    Raises:
        InvalidInput: It is no object schema, or a property is nested or of an unknown type.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise InvalidInput(
            f"{subject}: not a JSON schema of an object with properties.",
            next_step='Give for example {"properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]}.',
        )
    required, defs = schema.get("required") or [], schema.get("$defs") or {}
    return [_schema_field(subject, name, item, name in required, defs) for name, item in properties.items()]


def _schema_field(subject: str, name: str, item: Any, required: bool, defs: Mapping[str, Any]) -> dict[str, Any]:
    arms = item.get("anyOf", [item]) if isinstance(item, Mapping) else []
    branches = [arm for arm in arms if not (isinstance(arm, Mapping) and arm.get("type") == "null")]
    branch = branches[0] if len(branches) == 1 and isinstance(branches[0], Mapping) else {}
    branch = defs.get(str(branch.get("$ref", "")).rpartition("/")[2], branch)
    options = branch.get("enum") or ([branch["const"]] if "const" in branch else None)
    kind = branch.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
        options = [option for option in options or [] if option is not None]
    if options:
        type_ = "enum" if all(isinstance(o, str) for o in options) else None
    elif kind == "string":
        type_ = {"date": "date", "date-time": "datetime"}.get(branch.get("format", ""), "string")
    else:
        type_ = {"integer": "number", "number": "number", "boolean": "boolean"}.get(str(kind))
    if type_ is None:
        raise InvalidInput(f"{subject}: property {name!r} is nested or of an unknown type.", next_step=_KEEP_FLAT)
    config: dict[str, Any] = {"name": name, "type": type_, "required": required}
    description = item.get("description") or branch.get("description")
    if description:
        config["description"] = description
    if type_ == "enum":
        config["enum_options"] = list(options or [])
    return config


def _attempt(raw: Mapping[str, Any]) -> Attempt:
    return Attempt(
        attempt_id=_text(raw.get("id")),
        status=str(raw.get("status")),
        disposition=_attempt_disposition(raw),
        started_at=_text(raw.get("started_at")),
        answered_at=_text(raw.get("answered_at")),
        ended_at=_text(raw.get("ended_at")),
        duration_s=_seconds(raw.get("started_at"), raw.get("ended_at")),
        talk_s=_seconds(raw.get("answered_at"), raw.get("ended_at")),
        ended_by=_text(raw.get("ended_by")),
        end_reason=_text(raw.get("end_reason")),
        dial_error=_text(raw.get("dial_error")),
    )


def _attempt_disposition(raw: Mapping[str, Any]) -> Disposition:
    result, end_reason = str(raw.get("result")), str(raw.get("end_reason"))
    if result in _BY_RESULT:
        return _BY_RESULT[result]
    if raw.get("dial_error"):
        return _BY_DIAL_ERROR.get(str(raw["dial_error"]), "failed")
    if end_reason in _BY_END_REASON:
        return _BY_END_REASON[end_reason]
    return "failed" if raw.get("status") == "error" else "unknown"


def _order_disposition(call: Mapping[str, Any], attempts: tuple[Attempt, ...]) -> Disposition:
    if call.get("status") == "cancelled":
        return "cancelled"
    if call.get("status") == "errored":
        return "failed"
    return attempts[-1].disposition if attempts else "unknown"


def _transcript(raw: list[Mapping[str, Any]]) -> tuple[Turn, ...]:
    for attempt in raw:
        turns = _mappings(attempt.get("post_call_transcript")) or _mappings(attempt.get("transcript"))
        if turns:
            return tuple(
                Turn(role=str(t.get("role")), content=str(t.get("content") or t.get("tool_name") or "")) for t in turns
            )
    return ()


def _first(raw: list[Mapping[str, Any]], key: str, kind: type) -> Any:
    return next((attempt[key] for attempt in raw if attempt.get(key) and isinstance(attempt[key], kind)), None)


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _seconds(start: Any, end: Any) -> float | None:
    if not (isinstance(start, str) and isinstance(end, str)):
        return None
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (ValueError, TypeError):
        return None
