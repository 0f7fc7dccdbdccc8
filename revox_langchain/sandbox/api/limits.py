"""What the SDK's types cannot say: each limit with the place that documents it.

The sources: *SDK docs* are the docstrings of the official SDK's types, *API docs* the reference on the vendor's site,
*SDK tests* the sample values in the SDK's generated test suite, which are the smallest that the schema allows, and
*assumed* is what no source says.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from revox.types import (
    AssistantCreateParams,
    AssistantUpdateParams,
    CallCreateParams,
    CallExportParams,
    CallSearchParams,
    CampaignCreateParams,
    CampaignLaunchParams,
    CampaignUpdateParams,
    VoiceCloneParams,
    VoicePreviewParams,
)

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.api.shape import Shape
from revox_langchain.sandbox.world.windows import clock_time

Check = Callable[[Any], str | None]
"""Says what is wrong with a value, if anything is."""

MAX_AUDIO_BYTES = 7_864_320
"""Longest recording for a cloned voice: 7.5 MB."""

_LARGEST = 2**53 - 1


class Limit(NamedTuple):
    """What a field takes beyond its type.

    Attributes:
        field: Its name, dotted; `[]` stands for every item of a list.
        check: Says what is wrong.
        source: Where that is documented.
        is_format: Whether it is about the form of a text, which the schema itself leaves open.
    """

    field: str
    check: Check
    source: str
    is_format: bool = False


def broken(shape: Shape, body: JsonObject, *, formats: bool) -> Iterator[str]:
    """The limits that a body breaks, each as the field and what is wrong with it.

    Args:
        shape: The SDK's type that the body has.
        body: The body.
        formats: Whether to look at the form of texts, too.
    """
    for limit in LIMITS.get(shape, ()):
        if formats or not limit.is_format:
            for where, value in _values(body, limit.field.split("."), ""):
                if (words := limit.check(value)) is not None:
                    yield f"{where}: {words}"


def _values(thing: Any, path: list[str], where: str) -> Iterator[tuple[str, Any]]:
    """The values at a path, without those that are left out or null."""
    name, *rest = path
    key = name.removesuffix("[]")
    value = thing.get(key) if isinstance(thing, Mapping) else None
    if value is None:
        return
    here = f"{where}.{key}" if where else key
    found = [(f"{here}.{n}", item) for n, item in enumerate(value)] if key != name else [(here, value)]
    for place, item in found:
        if rest:
            yield from _values(item, rest, place)
        else:
            yield place, item


def between(least: float, most: float) -> Check:
    """Takes numbers of a range, both ends included."""
    limits = f"takes {least:g} to {most:g}" if most < _LARGEST else f"must be {least:g} or more"
    return lambda value: None if least <= value <= most else limits


def written(pattern: str, words: str) -> Check:
    """Takes texts of a form."""
    form = re.compile(pattern)
    return lambda value: None if form.fullmatch(value) else words


def said_as(read: Callable[[str], object], words: str) -> Check:
    """Takes texts that can be read."""

    def check(value: Any) -> str | None:
        try:
            read(value)
        except (ValueError, TypeError, OSError, ZoneInfoNotFoundError):
            return f"{str(value)[:80]!r} {words}"
        return None

    return check


def filled_in(value: Any) -> str | None:
    """Takes texts that are not blank."""
    return None if value.strip() else "must not be empty"


def _voice_speed(voice: Any) -> str | None:
    least, most = {"elevenlabs": (0.7, 1.2)}.get(voice["provider"], (0.6, 1.5))
    speed = voice.get("speed")
    return None if speed is None or least <= speed <= most else f"speed: takes {least} to {most} with this provider"


def _recording(value: Any) -> str | None:
    try:
        sample = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "not valid base64"
    return None if sample else "the recording is empty"


def _variables(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object"


_E164 = written(r"\+[1-9]\d{1,14}", "must be a phone number in the E.164 format, such as +1234567890")
_SOME = between(1, _LARGEST)
_NONE_OR_SOME = between(0, _LARGEST)
_SHARE = between(0, 1)
_VOLUME = between(0.5, 2)
_MOMENT = said_as(datetime.fromisoformat, "is not a date and time in ISO 8601 format")
_CLOCK = said_as(clock_time, "is not a time of day; HH:mm and H:mma are, as in 17:00 or 5pm")
_ZONE = said_as(ZoneInfo, "is not an IANA time zone, such as Europe/Paris")
_LOOKUP = written(r"https?://.+\{\{phone\}\}.*", "must be an http(s) URL that contains {{phone}}")
_ONE_CHARACTER = "SDK tests: minLength 1"

_RETRIES = (
    Limit("call_retry_config.max_retry_attempts", _SOME, "SDK tests: minimum 1"),
    Limit("call_retry_config.calling_windows[].retry_delay_seconds", _NONE_OR_SOME, "SDK tests: minimum 0"),
    Limit("call_retry_config.calling_windows[].calling_window_start_time", _CLOCK, "SDK docs: HH:mm or H:mma", True),
    Limit("call_retry_config.calling_windows[].calling_window_end_time", _CLOCK, "SDK docs: HH:mm or H:mma", True),
    Limit("call_retry_config.timezone", _ZONE, "SDK docs: IANA identifier", True),
)

_ASSISTANT = (
    Limit("prompt", filled_in, "assumed: no source says what an agent without a prompt would do"),
    Limit("first_sentence_delay_ms", _NONE_OR_SOME, "SDK tests: minimum 0"),
    Limit("max_call_duration_secs", _NONE_OR_SOME, "SDK tests: minimum 0"),
    Limit("background_sound_volume", _SHARE, "SDK docs: 0 to 1"),
    Limit("thinking_sound_volume", _SHARE, "SDK docs: 0 to 1"),
    Limit("thinking_sound_probability", _SHARE, "SDK docs: 0 to 1"),
    Limit("voice.id", filled_in, _ONE_CHARACTER),
    Limit("voice", _voice_speed, "SDK docs: the range of each provider"),
    Limit("voice.volume", _VOLUME, "SDK docs: 0.5 to 2.0"),
    Limit(
        "custom_tools[].name", written("[a-z0-9_]+", "must be lowercase_snake_case"), "SDK docs: lowercase_snake_case"
    ),
    Limit("custom_tools[].description", filled_in, _ONE_CHARACTER),
    Limit("custom_tools[].url", filled_in, _ONE_CHARACTER),
    Limit("custom_tools[].headers[].key", filled_in, _ONE_CHARACTER),
    Limit("custom_tools[].query_params[].key", filled_in, _ONE_CHARACTER),
    Limit("custom_tools[].input_schema[].name", filled_in, _ONE_CHARACTER),
    Limit("structured_output_config[].name", filled_in, _ONE_CHARACTER),
    Limit("stt_context.general[].key", filled_in, _ONE_CHARACTER),
    Limit("stt_context.general[].value", filled_in, _ONE_CHARACTER),
    Limit("stt_context.terms[]", filled_in, _ONE_CHARACTER),
    Limit("transfer_destinations[].label", filled_in, _ONE_CHARACTER),
    Limit("transfer_destinations[].phone_number", _E164, "SDK docs: E.164", True),
    Limit("zoho.module", filled_in, _ONE_CHARACTER),
    Limit("zoho.field_mapping[].source", filled_in, _ONE_CHARACTER),
    Limit("zoho.field_mapping[].zoho_field", filled_in, _ONE_CHARACTER),
    Limit("cartesia_dictionary_pronunciation_id", filled_in, _ONE_CHARACTER),
    Limit("logo_url", written(r"https?://\S+", "must be a URL"), "SDK tests: format uri"),
    Limit("precall_lookup_url", _LOOKUP, "SDK docs: http(s) URL containing {{phone}}", True),
    Limit("from_phone_number", _E164, "SDK docs: E.164", True),
    *_RETRIES,
)

_SEARCH = (
    # Whether pages start at 0 or at 1 is a switch; below 0 there are none.
    Limit("page", _NONE_OR_SOME, "SDK tests: minimum 1, API docs: starting at 0"),
    Limit("page_size", _SOME, "SDK tests: minimum 1"),
)


def _below(field: str, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    return tuple(limit._replace(field=f"{field}.{limit.field}") for limit in limits)


LIMITS: Mapping[Shape, tuple[Limit, ...]] = {
    AssistantCreateParams: _ASSISTANT,
    AssistantUpdateParams: _ASSISTANT,
    CallCreateParams: (
        Limit("phone_number", _E164, "SDK docs: E.164", True),
        Limit("from_phone_number", _E164, "SDK docs: such as +1234567890", True),
        Limit("scheduled_at", _MOMENT, "SDK docs: ISO 8601"),
        *_below("assistant", _ASSISTANT),
    ),
    CallSearchParams: _SEARCH,
    CallExportParams: _below("filters", _SEARCH),
    CampaignCreateParams: (
        Limit("name", filled_in, _ONE_CHARACTER),
        Limit("contacts[].to_phone_number", _E164, "assumed: as phone_number of a call", True),
        Limit("contacts[].prompt_variables", _variables, "API docs: an object"),
        Limit("from_phone_number", _E164, "SDK docs: E.164", True),
        Limit("max_concurrent_calls", _SOME, "SDK tests: minimum 1"),
        *_RETRIES,
    ),
    CampaignUpdateParams: (
        Limit("name", filled_in, _ONE_CHARACTER),
        Limit("from_phone_number", _E164, "SDK docs of the creation: E.164", True),
        Limit("max_concurrent_calls", _SOME, "SDK tests: minimum 1"),
        *_RETRIES,
    ),
    CampaignLaunchParams: (Limit("scheduled_at", _MOMENT, "SDK docs: ISO 8601"),),
    VoiceCloneParams: (
        Limit("name", filled_in, _ONE_CHARACTER),
        Limit("audio", _recording, "SDK docs: base64", True),
    ),
    VoicePreviewParams: (
        Limit("text", lambda text: None if len(text) <= 2000 else "takes 2000 characters", "API docs: maxLength 2000"),
        Limit("volume", _VOLUME, "SDK docs: 0.5 to 2.0"),
    ),
}
"""The limits by the SDK's type of the body."""
