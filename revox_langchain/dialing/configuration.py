"""The configuration an order will use: the assistant as it will speak, merged with what the request overrides.

It is what the guard checks, what an approval is bound to, and what the order is compared with once it is placed.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, NotFound
from revox_langchain.flow import Flow, Recent
from revox_langchain.operations.assistants import GetAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.clock_time import minute_of
from revox_langchain.operations.secrets import same_as_shown, without_secrets

OVERRIDES = ("from_phone_number", "call_retry_config")
"""What a call or a campaign may set beside its assistant, and which then counts instead of the assistant's own."""

DECIDES = (
    "call_retry_config",
    "custom_tools",
    "end_of_call_sentence",
    "faq_items",
    "first_sentence",
    "first_sentence_mode",
    "from_phone_number",
    "human_transfer_mode",
    "ivr_navigation_enabled",
    "llm_model",
    "max_call_duration_secs",
    "max_duration_end_message",
    "precall_lookup_url",
    "prompt",
    "prompt_flow",
    "sms_enabled",
    "sms_template",
    "structured_output_config",
    "structured_output_prompt",
    "transfer_destinations",
    "type",
    "voice",
    "voicemail_message",
    "voicemail_sms_prompt",
    "webhook_url",
)
"""Fields that decide who is rung, how often, what is said and who hears of it."""


def configuration_of(request: MakeCall) -> Flow[JsonObject]:
    """Read the configuration a call will use.

    A stored assistant is read anew, since someone may have edited it a moment ago; an inline one costs no request.

    Raises:
        RevoxToolError: The assistant cannot be read.
    """
    body = request.wire().body or {}
    assistant = body.get("assistant") or {}
    if request.assistant_id is not None:
        assistant = yield from stored_assistant(request.assistant_id)
    return merged(assistant, body)


def stored_assistant(assistant_id: str, *, max_age_s: float | None = None) -> Flow[JsonObject]:
    """Read an assistant that a call names.

    Args:
        assistant_id: As it was given.
        max_age_s: How old a remembered answer may be; None asks anew.

    Raises:
        NotFound: There is none with this id; nothing was placed.
        InvalidInput: It cannot be an id.
    """
    operation = GetAssistant.parse({"assistant_id": assistant_id})
    try:
        assistant: JsonObject = yield operation if max_age_s is None else Recent(operation, max_age_s=max_age_s)
    except (NotFound, InvalidInput) as error:
        raise NotFound(
            f"There is no assistant {assistant_id[:80]!r}; no call was placed.",
            next_step="Send the same call again without assistant_id and with prompt, or use an id from "
            "revox_list_assistants.",
            details=error.details,
        ) from error
    return assistant


def merged(assistant: Mapping[str, object], overrides: Mapping[str, object]) -> JsonObject:
    """An assistant's fields, with what a call or campaign sets beside it in their place."""
    given = {name: overrides[name] for name in OVERRIDES if overrides.get(name) is not None}
    return {**assistant, **given}


def digest(configuration: Mapping[str, object]) -> str:
    """A hash of what decides how the phone rings and what is said; no secret goes into it, nor comes out of it."""
    shown = without_secrets(configuration)
    decides = {name: shown[name] for name in DECIDES if shown.get(name) not in (None, [], {}, "")}
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def differences(checked: Mapping[str, object], used: Mapping[str, object]) -> list[str]:
    """Names of fields in which an order's assistant is not the one that was checked.

    A field that Revox leaves out of the order, or fills in where nothing was sent, is no difference.
    """
    return [
        name
        for name in DECIDES
        if checked.get(name) is not None and name in used and not same(checked[name], used[name])
    ]


def same(sent: object, held: object) -> bool:
    """Whether everything that would be sent is what Revox holds already; what it adds does not matter."""
    if isinstance(sent, Mapping):
        return isinstance(held, Mapping) and all(same(value, held.get(name)) for name, value in sent.items())
    if isinstance(sent, list):
        if not isinstance(held, list) or len(sent) != len(held):
            return False
        return all(same(one, other) for one, other in zip(sent, held, strict=True))
    if isinstance(sent, str) and isinstance(held, str) and _same_text(sent, held):
        return True
    return same_as_shown(sent, held)


def _same_text(sent: str, held: str) -> bool:
    # A server may trim a text, normalise its characters, or write 10am as 10:00; no call is cancelled for that.
    one, other = (unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip() for text in (sent, held))
    return one == other or (minute_of(one) is not None and minute_of(one) == minute_of(other))
