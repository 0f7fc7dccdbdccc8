"""Whether Revox would take a request: the SDK's types, the documented limits, and what things refer to."""

from __future__ import annotations

from datetime import UTC, datetime

from typing_extensions import TypedDict

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.api.handlers import Rejected
from revox_langchain.sandbox.api.limits import broken
from revox_langchain.sandbox.api.shape import Misshapen, Shape, shaped
from revox_langchain.sandbox.world.timeline import END_S, as_seconds
from revox_langchain.sandbox.world.world import World

_MOST_NAMED = 4


class Nothing(TypedDict):
    """What an operation takes that takes nothing."""


def check(world: World, shape: Shape | None, given: JsonObject, *, texts: bool = False) -> JsonObject:
    """What was sent, without the keys that Revox does not know.

    Args:
        world: Its switches decide what is unknown about Revox.
        shape: The SDK's type of it; None takes nothing.
        given: What was sent.
        texts: Whether every value comes as text, as in a query.

    Raises:
        Rejected: Naming each field that has the wrong type or breaks a limit.
    """
    switches = world.switches
    shape = shape or Nothing
    try:
        fields = shaped(shape, given, unknown_keys=switches.unknown_keys == "ignore", texts=texts)
    except Misshapen as error:
        raise Rejected(switches.invalid_status, f"{error.words}.") from error
    words = list(broken(shape, fields, formats=switches.check_formats))
    if words:
        more = [f"and {len(words) - _MOST_NAMED} more"] if len(words) > _MOST_NAMED else []
        raise Rejected(switches.invalid_status, f"{'; '.join([*words[:_MOST_NAMED], *more])}.")
    return fields


def check_references(world: World, assistant: JsonObject) -> None:
    """Refuse a voice that is not in the catalogue, and a number that is not the organization's.

    Raises:
        Rejected: Naming what is unknown.
    """
    voice = assistant.get("voice")
    if voice is not None:
        known = world.voices.get(voice["id"])
        if known is None or known["provider"] != voice["provider"]:
            raise Rejected(400, f"voice: {voice['provider']} has no voice {voice['id']}.")
    if assistant.get("from_phone_number"):
        caller_id(world, assistant["from_phone_number"])


def moment(world: World, name: str, asked: str | None) -> float | None:
    """A moment that was asked for, in seconds; one without an offset is in UTC.

    Raises:
        Rejected: No clock and no calendar reaches it.
    """
    if asked is None:
        return None
    read = datetime.fromisoformat(asked)
    try:
        at_s = as_seconds(read if read.tzinfo else read.replace(tzinfo=UTC))
    except OverflowError:
        at_s = -1.0
    if not 0 <= at_s <= END_S:
        raise Rejected(world.switches.invalid_status, f"{name}: {asked} is out of range.")
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
