"""Fields of an assistant that are given by name: each of the shape that Revox documents.

Only what this package reads, or what would fail on its way, is checked: Revox adds fields faster than a package can
follow, so keys inside an object that are not known here go through as they are.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from revox_langchain.answers import JsonObject
from revox_langchain.errors import near
from revox_langchain.operations.fields import (
    ASSISTANT_SETTINGS,
    E164,
    CallRetryConfig,
    OwnNumber,
    StructuredOutputField,
    refuse_redacted,
)
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.schema import decoded


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("give a number")
    return value


Amount = Annotated[int | float, BeforeValidator(_no_flag), Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[int | float, BeforeValidator(_no_flag), Field(ge=1, allow_inf_nan=False)]
Object = dict[str, Any]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Model(_Open):
    type: str | None = None
    name: str | None = None
    model_name: str | None = None
    api_url: str | None = None
    api_key: str | None = None


class _Voice(_Open):
    id: str | None = None
    provider: str | None = None
    model: str | None = None
    speed: Amount | None = None
    volume: Amount | None = None


class _Destination(_Open):
    phone_number: E164
    label: str | None = None


class _Tool(_Open):
    name: str | None = None
    description: str | None = None
    url: str | None = None
    headers: list[Object] | Object | None = None
    query_params: list[Object] | Object | None = None
    input_schema: list[Object] | Object | None = None
    body_template: str | None = None


class AssistantSettings(BaseModel):
    """Every setting of an assistant and its shape."""

    after_call_sms_outcomes: list[str] | None = None
    after_call_sms_prompt: str | None = None
    background_sound: str | None = None
    background_sound_volume: Amount | None = None
    calendly: Object | None = None
    call_retry_config: CallRetryConfig | None = None
    cartesia_dictionary_pronunciation_id: str | None = None
    custom_tools: list[_Tool] | None = None
    email_notification_address: str | None = None
    email_notification_outcomes: list[str] | None = None
    end_of_call_sentence: str | None = None
    faq_items: list[Object] | None = None
    first_sentence: Spoken | None = None
    first_sentence_delay_ms: Amount | None = None
    first_sentence_mode: str | None = None
    from_phone_number: OwnNumber | None = None
    human_transfer_mode: str | None = None
    ivr_navigation_enabled: bool | None = None
    llm_model: _Model | None = None
    logo_url: str | None = None
    max_call_duration_secs: Seconds | None = None
    max_duration_end_message: str | None = None
    name: str | None = None
    position: Object | None = None
    precall_lookup_url: str | None = None
    prompt: Spoken | None = None
    prompt_flow: Object | None = None
    slack: Object | None = None
    sms_enabled: bool | None = None
    sms_template: str | None = None
    structured_output_config: list[StructuredOutputField] | None = None
    structured_output_prompt: str | None = None
    stt_context: Object | None = None
    stt_model: str | None = None
    thinking_sound: str | None = None
    thinking_sound_probability: Amount | None = None
    thinking_sound_volume: Amount | None = None
    transfer_destinations: list[_Destination] | None = None
    type: str | None = None
    voice: _Voice | None = None
    voicemail_message: str | None = None
    voicemail_sms_prompt: str | None = None
    warm_transfer_summary_instructions: str | None = None
    webhook_url: str | None = None
    zoho: Object | None = None


# Read into one form: numbers as E.164, and no null for an option that is not used.
_NORMALIZED = {
    "from_phone_number",
    "max_call_duration_secs",
    "structured_output_config",
    "transfer_destinations",
}


def _known_settings(value: JsonObject, info: ValidationInfo) -> JsonObject:
    for key in value:
        if key not in ASSISTANT_SETTINGS:
            raise ValueError(f"leave {key[:60]!r} out; there is no such setting{near(key[:60], ASSISTANT_SETTINGS)}")
    value = decoded(AssistantSettings, value)
    refuse_redacted(value)
    # An error keeps the path to its field, since pydantic takes a validation error inside a validator apart.
    checked = AssistantSettings.model_validate(value, context=info.context)
    read = checked.model_dump(include=_NORMALIZED, exclude_unset=True, exclude_none=True)
    if checked.call_retry_config is not None:
        read["call_retry_config"] = checked.call_retry_config.model_dump(exclude_unset=True)
    # Null stays null: in an update it says that a field is to be emptied, which is answered with the way to do it.
    return {**value, **read}


Settings = Annotated[
    dict[str, Any],
    AfterValidator(_known_settings),
    Field(description="Further assistant fields of Revox's API, by name."),
]
