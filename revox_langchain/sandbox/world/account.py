"""The organization: its member and its phone numbers."""

from __future__ import annotations

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.world.timeline import START_S, as_stamp
from revox_langchain.sandbox.world.world import World

MEMBER = {"id": "", "email": "camille@example.com", "first_name": "Camille", "last_name": "Perrin"}
"""The member that the API key belongs to; the id comes from the world."""

OWN_NUMBERS = (("+12025550199", "Main line", "telnyx"), ("+33199005001", "Paris", "twilio"))
"""Phone numbers the organization has from the start; orders call from the first one by default."""


def member(world: World) -> JsonObject:
    """The one member of the organization, as the API shows it."""
    return {**MEMBER, "id": world.organization_id[::-1]}


def seed_phone_numbers(world: World) -> None:
    """Give the organization its first numbers."""
    for number, label, provider in OWN_NUMBERS:
        entry = {
            "id": world.new_id("phone number"),
            "phone_number": number,
            "label": label,
            "provider": provider,
            "source": "revox_purchased",
            "type": "owned_number",
            "created_at": as_stamp(START_S - 60 * 86400),
            "created_by": member(world),
            "inbound_assistant": None,
            "inbound_sip_uri": None,
            "livekit_outbound_trunk_id": None,
        }
        world.phone_numbers[str(entry["id"])] = entry
