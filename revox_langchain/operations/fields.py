"""The types that operations share: what a value may be, and what a model reads about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.clock_time import as_documented
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.schema import Written
from revox_langchain.phone import parse_phone
from revox_langchain.speech.language import resolve_language
from revox_langchain.speech.ranking import named_gender

REDACTED = "[redacted]"
"""What stands in answers where Revox echoes a secret; it is refused where it would be sent back."""

_LONGEST_ID = 200

VoiceProvider = Literal["cartesia", "elevenlabs", "gradium"]
VoiceLanguage = Literal["en", "fr", "es", "de", "it", "pt", "ru", "zh"]
VoiceModel = Literal["sonic-3", "sonic-3.5"]
CallStatus = Literal[
    "initializing",
    "queued_for_calling",
    "calling",
    "post_processing",
    "not_launched",
    "scheduled",
    "paused",
    "completed",
    "cancelled",
    "errored",
]
AttemptResult = Literal["IVR", "voicemail", "human", "unknown", "ios-screening-filter", "none"]
Outcome = Literal["not_interested", "interested", "completed", "requested_callback_later", "none"]
Direction = Literal["inbound", "outbound"]
FirstSentenceMode = Literal["generated", "static", "none"]
TranscriptWindow = Literal["none", "last", "full"]

ASSISTANT_SETTINGS: frozenset[str] = frozenset(
    [
        "after_call_sms_outcomes",
        "after_call_sms_prompt",
        "background_sound",
        "background_sound_volume",
        "calendly",
        "call_retry_config",
        "cartesia_dictionary_pronunciation_id",
        "custom_tools",
        "email_notification_address",
        "email_notification_outcomes",
        "end_of_call_sentence",
        "faq_items",
        "first_sentence",
        "first_sentence_delay_ms",
        "first_sentence_mode",
        "from_phone_number",
        "human_transfer_mode",
        "ivr_navigation_enabled",
        "llm_model",
        "logo_url",
        "max_call_duration_secs",
        "max_duration_end_message",
        "name",
        "position",
        "precall_lookup_url",
        "prompt",
        "prompt_flow",
        "slack",
        "sms_enabled",
        "sms_template",
        "structured_output_config",
        "structured_output_prompt",
        "stt_context",
        "stt_model",
        "thinking_sound",
        "thinking_sound_probability",
        "thinking_sound_volume",
        "transfer_destinations",
        "type",
        "voice",
        "voicemail_message",
        "voicemail_sms_prompt",
        "warm_transfer_summary_instructions",
        "webhook_url",
        "zoho",
    ]
)
"""Every field Revox takes for an assistant; a test holds it to the SDK's own list."""


NOT_CLEARABLE: frozenset[str] = frozenset(
    [
        "background_sound_volume",
        "call_retry_config",
        "end_of_call_sentence",
        "faq_items",
        "first_sentence",
        "first_sentence_delay_ms",
        "first_sentence_mode",
        "ivr_navigation_enabled",
        "llm_model",
        "max_call_duration_secs",
        "name",
        "prompt",
        "sms_enabled",
        "structured_output_config",
        "stt_model",
        "thinking_sound_probability",
        "thinking_sound_volume",
        "type",
        "voice",
        "webhook_url",
    ]
)
"""Fields of an assistant that cannot be emptied; a test holds it to the SDK's own types."""


ClockTime = Annotated[str, AfterValidator(as_documented)]


class CallingWindow(Written):
    """Hours of the day, in the recipient's time zone, in which a call order may dial."""

    model_config = ConfigDict(extra="forbid")

    calling_window_start_time: ClockTime
    calling_window_end_time: ClockTime
    retry_delay_seconds: int = Field(ge=0)


class CallRetryConfig(Written):
    """When and how often one call order dials; Revox wants every field but the time zone."""

    model_config = ConfigDict(extra="forbid")

    allowed_days: list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]]
    call_twice_in_a_row: bool
    calling_windows: list[CallingWindow]
    max_retry_attempts: int = Field(ge=1)
    timezone: str | None = None


class StructuredOutputField(Written):
    """One value to extract from the conversation."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    type: Literal["string", "number", "boolean", "enum", "date", "datetime"]
    required: bool
    description: str | None = None
    enum_options: list[str] | None = None


def checked_by(model: type[BaseModel]) -> AfterValidator:
    """Validate a free-form mapping with `model`, without putting the model's whole schema before a language model."""
    items = TypeAdapter[list[BaseModel]](list[model])  # type: ignore[valid-type]

    def check(value: Any) -> Any:
        if isinstance(value, list):
            # Models write null for an option they do not use, and Revox refuses it.
            return [item.model_dump(exclude_none=True) for item in items.validate_python(value)]
        return model.model_validate(value).model_dump(exclude_unset=True)

    return AfterValidator(check)


def _number(value: Any, info: ValidationInfo) -> Any:
    default_region = (info.context or {}).get("default_region") if isinstance(info.context, Mapping) else None
    if not isinstance(value, str):
        return value
    try:
        phone = parse_phone(value, default_region)
    except InvalidInput as error:
        raise _coded(error.code, error.for_model.rstrip("."), error.details) from error
    if phone.extension:
        raise _coded("extension", f"leave the extension {phone.extension!r} out; Revox cannot dial it")
    return phone.e164


def _coded(code: str, message: str, details: JsonObject | None = None) -> PydanticCustomError:
    """A validation error that keeps its stable code, and what its details hold for programs and people."""
    return PydanticCustomError(code, "{message}", {"message": message, "code": code, "details": details or {}})


def _identifier(value: str) -> str:
    if len(value) > _LONGEST_ID:
        raise ValueError(f"give the id exactly as Revox returned it; {len(value)} characters are too many")
    if value.split() != [value] or not value.strip("."):
        raise ValueError("give the id exactly as Revox returned it; an id is one word")
    return value


def _intent_id(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise ValueError(
            "copy the UUID from the answer that said unknown; if none did, correct the arguments of revox_make_call"
        ) from None


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("write something there; it is empty")
    return value


def _with_offset(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(
            f"send {value.isoformat()} again with its offset from UTC at the end, or a Z for UTC; it has no time zone"
        )
    return value


def _clearable(names: list[str]) -> list[str]:
    for name in names:
        if name in NOT_CLEARABLE:
            raise ValueError(f"leave {name!r} out, or give it a new value; Revox cannot empty it")
        if name not in ASSISTANT_SETTINGS:
            raise ValueError(
                f"leave {name!r} out; there is no such setting{near(name, ASSISTANT_SETTINGS - NOT_CLEARABLE)}"
            )
    return names


def refuse_redacted(value: object) -> None:
    """Refuse a value that holds our stand-in for a secret: sending it would overwrite the secret.

    Raises:
        ValueError: The stand-in occurs somewhere in `value`, also inside a longer text.
    """
    if isinstance(value, str) and (REDACTED in value or "%5bredacted%5d" in value.casefold()):
        raise ValueError(f"leave the field out to keep it; {REDACTED} stands for a secret that was not shown")
    if isinstance(value, Mapping):
        for item in value.values():
            refuse_redacted(item)
    elif isinstance(value, list):
        for item in value:
            refuse_redacted(item)


def _without_stand_in(value: str) -> str:
    refuse_redacted(value)
    return value


def _texts(value: Any) -> Any:
    """Take numbers for texts, as models write them: `{"age": 4}`."""
    if not isinstance(value, dict):
        return value
    plain = (int, float)
    return {
        name: str(item) if isinstance(item, plain) and not isinstance(item, bool) else item
        for name, item in value.items()
    }


Id = Annotated[str, AfterValidator(_identifier)]
Text = Annotated[str, AfterValidator(_not_blank)]
SpokenText = Annotated[Spoken, AfterValidator(_not_blank)]
WebhookUrl = Annotated[str, AfterValidator(_without_stand_in), Field(description="Gets a POST when a call ends.")]
CallId = Id
IntentId = Annotated[str, AfterValidator(_intent_id), Field(description="Of that call.")]
AssistantId = Annotated[Id, Field(description="Assistant id.")]
VoiceId = Annotated[Id, Field(description="Voice id from revox_list_voices.")]
CampaignId = Annotated[Id, Field(description="Campaign id.")]
PhoneNumberId = Annotated[Id, Field(description="Id of one of your phone numbers.")]


def _language_tag(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return resolve_language(value).tag
    except InvalidInput as error:
        raise ValueError(error.for_model) from error


SpokenLanguage = Annotated[str, BeforeValidator(_language_tag)]
"""A language that a voice speaks, as a tag: read from a code, a tag or a name."""


def _gender(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return named_gender(value)
    except InvalidInput as error:
        raise _coded(error.code, error.for_model.rstrip(".")) from error


Gender = Annotated[Literal["female", "male", "neutral"], BeforeValidator(_gender)]
"""A voice's gender, also as a letter or a related word."""

E164 = Annotated[str, BeforeValidator(_number), Field(description="+, country code, number.")]
OwnNumber = Annotated[str, BeforeValidator(_number), Field(description="Caller id: one of your numbers.")]
Moment = Annotated[datetime, AfterValidator(_with_offset), PlainSerializer(datetime.isoformat, when_used="json")]
ClearFields = Annotated[list[str], AfterValidator(_clearable), Field(description="Fields to empty, by name.")]
Variables = Annotated[dict[str, str], BeforeValidator(_texts), Field(description="Values for {{variables}}.")]
RetryConfig = Annotated[
    dict[str, Any],
    checked_by(CallRetryConfig),
    Field(description="allowed_days, calling_windows, max_retry_attempts, call_twice_in_a_row, all four; timezone."),
]
OutputConfig = Annotated[
    list[dict[str, Any]],
    checked_by(StructuredOutputField),
    Field(
        description="[{name, type: string|number|boolean|enum|date|datetime, required, description?, enum_options?}]"
    ),
]
