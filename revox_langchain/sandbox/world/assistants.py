"""Assistants as the API shows them, with the defaults that Revox fills in."""

from __future__ import annotations

import copy

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.variables import variables_in
from revox_langchain.sandbox.world.account import member
from revox_langchain.sandbox.world.world import World

_NULLABLE = (
    "after_call_sms_outcomes",
    "after_call_sms_prompt",
    "background_sound",
    "calendly",
    "call_retry_config",
    "cartesia_dictionary_pronunciation_id",
    "custom_tools",
    "email_notification_address",
    "email_notification_outcomes",
    "end_of_call_sentence",
    "first_sentence",
    "from_phone_number",
    "human_transfer_mode",
    "logo_url",
    "max_duration_end_message",
    "position",
    "precall_lookup_url",
    "prompt_flow",
    "slack",
    "sms_template",
    "structured_output_config",
    "structured_output_prompt",
    "stt_context",
    "thinking_sound",
    "transfer_destinations",
    "voice",
    "voicemail_message",
    "voicemail_sms_prompt",
    "warm_transfer_summary_instructions",
    "webhook_url",
    "zoho",
)

_FILLED_IN: JsonObject = {
    "background_sound_volume": 0.5,
    "first_sentence_delay_ms": 400,
    "first_sentence_mode": "static",
    "ivr_navigation_enabled": False,
    "llm_model": {"type": "dedicated-instance", "name": "gpt-4.1"},
    "sms_enabled": False,
    "stt_model": "stt-rt-v5",
    "thinking_sound_probability": 0.2,
    "thinking_sound_volume": 0.5,
    "type": "standalone",
    "faq_items": [],
    "pending_faq_count": 0,
}


def new_assistant(world: World, fields: JsonObject) -> JsonObject:
    """An assistant with `fields`, everything else as Revox fills it in. It is not stored."""
    now = world.stamp()
    assistant = dict.fromkeys(_NULLABLE) | copy.deepcopy(_FILLED_IN)
    assistant["max_call_duration_secs"] = world.switches.default_max_duration_s
    assistant |= {
        "id": world.new_id("assistant"),
        "organization_id": world.organization_id,
        "created_by": member(world),
        "created_at": now,
        "name": "Inline assistant",
    }
    return patched(assistant, fields, now)


def patched(assistant: JsonObject, fields: JsonObject, now: str) -> JsonObject:
    """The assistant with some fields changed."""
    new = {**assistant, **copy.deepcopy(dict(fields)), "updated_at": now}
    for number, item in enumerate(new["faq_items"], 1):
        item.setdefault("id", f"{new['id']}-faq-{number}")
        item.setdefault("needs_human_answer", False)
        item.setdefault("source", "human")
    for tool in new["custom_tools"] or []:
        tool.setdefault("body_template", None)
    return new


def language_of(world: World, assistant: JsonObject) -> str:
    """The language an assistant speaks: that of its voice; English if the voice is unknown."""
    voice = world.voices.get((assistant.get("voice") or {}).get("id", ""))
    return str(voice["language"]) if voice else "en"


def declared_variables(assistant: JsonObject) -> set[str]:
    """Names of the variables an assistant needs values for."""
    return variables_in(assistant.get("prompt"), assistant.get("first_sentence"))
