"""Validation of assistants: the SDK's own types, and the limits that the API's documentation adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter, ValidationError

from revox_langchain.answers import JsonObject
from revox_langchain.operations.operation import invalid
from revox_langchain.sandbox.api.handlers import Rejected
from revox_langchain.sandbox.world.timeline import END_S, as_seconds
from revox_langchain.sandbox.world.windows import clock_time

if TYPE_CHECKING:
    from revox_langchain.sandbox.world.world import World

_RANGES = {
    "background_sound_volume": (0.0, 1.0),
    "thinking_sound_volume": (0.0, 1.0),
    "thinking_sound_probability": (0.0, 1.0),
}
_SPEEDS = {"cartesia": (0.6, 1.5), "elevenlabs": (0.7, 1.2), "gradium": (0.6, 1.5)}
_VOLUMES = (0.5, 2.0)
_DELAYS_S = (0.0, 10 * 365 * 86_400.0)


def check_assistant(world: World, fields: JsonObject, *, new: bool = True) -> None:
    """Refuse fields of an assistant that have the wrong type, are out of range, or refer to something unknown.

    Args:
        world: The voices and phone numbers to look up.
        fields: The fields that were sent.
        new: Whether all required fields must be present.

    Raises:
        Rejected: Naming the field that is wrong.
    """
    where = "body"
    try:
        # An inline assistant has no name, which the SDK's type requires.
        checked = _type(new).validate_python({"name": "-", **fields} if new else fields, strict=True)
        for where, value in checked.items():  # noqa: B007, the handler below names it
            _consume(value)
    except ValidationError as error:
        raise Rejected(world.switches.invalid_status, invalid(error, where).message) from error
    for name, limits in _RANGES.items():
        _check_range(world, name, fields.get(name), limits)
    check_retry_config(world, fields.get("call_retry_config"))
    check_voice(world, fields.get("voice"))
    if fields.get("from_phone_number"):
        caller_id(world, fields["from_phone_number"])


def check_voice(world: World, voice: JsonObject | None) -> None:
    """Refuse a voice that is not in the catalogue, or a speed or volume that it does not take.

    Raises:
        Rejected: Naming what is wrong.
    """
    if voice is None:
        return
    provider = voice["provider"]
    known = world.voices.get(voice["id"])
    if known is None or known["provider"] != provider:
        raise Rejected(400, f"voice: {provider} has no voice {voice['id']}.")
    check_speed(world, provider, voice.get("speed"))
    _check_range(world, "voice.volume", voice.get("volume"), _VOLUMES)


def check_speed(world: World, provider: str, speed: float | None) -> None:
    """Refuse a speed that the provider does not take.

    Raises:
        Rejected: Naming the limits.
    """
    _check_range(world, "speed", speed, _SPEEDS[provider])


def check_retry_config(world: World, config: JsonObject | None) -> None:
    """Refuse calling windows with invalid times, and unknown time zones.

    Raises:
        Rejected: Naming what is wrong.
    """
    zone = (config or {}).get("timezone")
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        words = f"call_retry_config: timezone: {zone} is not a valid time zone; give one such as Europe/Paris."
        raise Rejected(world.switches.invalid_status, words) from error
    for window in (config or {}).get("calling_windows", ()):
        _check_range(world, "call_retry_config: retry_delay_seconds", window.get("retry_delay_seconds"), _DELAYS_S)
        for key in ("calling_window_start_time", "calling_window_end_time"):
            try:
                clock_time(window[key])
            except ValueError as error:
                raise Rejected(world.switches.invalid_status, f"call_retry_config: {key}: {error}.") from error


def moment(world: World, name: str, asked: datetime | None) -> float | None:
    """A moment that was asked for, in seconds.

    Raises:
        Rejected: No clock and no calendar reaches it.
    """
    if asked is None:
        return None
    at_s = as_seconds(asked)
    if not 0 <= at_s <= END_S:
        raise Rejected(world.switches.invalid_status, f"{name}: {asked.isoformat()} is out of range.")
    return at_s


def caller_id(world: World, number: str | None) -> str:
    """The number an order calls from; the organization's first one by default.

    Raises:
        Rejected: The number does not belong to the organization.
    """
    own = [entry["phone_number"] for entry in world.phone_numbers.values()]
    if number is None:
        return own[0] if own else "+12025550199"
    if number not in own and world.switches.foreign_caller_id == "refuse":
        raise Rejected(400, f"from_phone_number: {number} does not belong to your organization.")
    return number


@cache
def _type(new: bool) -> TypeAdapter[Any]:
    from revox.types.assistant_create_params import AssistantCreateParams
    from revox.types.assistant_update_params import AssistantUpdateParams

    return TypeAdapter(AssistantCreateParams if new else AssistantUpdateParams)


def _consume(value: object) -> None:
    """Walk through validated data: pydantic validates the items of an `Iterable` only when they are iterated."""
    items = value.values() if isinstance(value, Mapping) else value
    if isinstance(items, Iterable) and not isinstance(items, str):
        for item in items:
            _consume(item)


def _check_range(world: World, name: str, value: float | None, limits: tuple[float, float]) -> None:
    if value is not None and not limits[0] <= value <= limits[1]:
        raise Rejected(world.switches.invalid_status, f"{name}: takes {limits[0]} to {limits[1]}.")
