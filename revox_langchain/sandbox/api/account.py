"""What the operations on phone numbers and on the account do."""

from __future__ import annotations

from revox.types import PhoneNumberUpdateParams

from revox_langchain.answers import JsonObject
from revox_langchain.operations.account import AuthStatus, GetUser
from revox_langchain.operations.phone_numbers import DeletePhoneNumber, ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.sandbox.api.handlers import Asked, found, handles
from revox_langchain.sandbox.world.account import member
from revox_langchain.sandbox.world.timeline import START_S, as_stamp
from revox_langchain.sandbox.world.world import World


@handles(AuthStatus)
def auth_status(world: World, asked: Asked) -> JsonObject:
    """Confirm that the key is valid; an invalid one is refused before."""
    return {"authenticated": True}


@handles(GetUser)
def get_user(world: World, asked: Asked) -> JsonObject:
    """Show the owner of the key."""
    started = as_stamp(START_S - 90 * 86400)
    return {
        "user": {
            **member(world),
            "has_completed_onboarding": True,
            "organization_id": world.organization_id,
            "organization_country": "FR",
            "created_at": started,
            "updated_at": started,
        }
    }


@handles(ListPhoneNumbers)
def list_phone_numbers(world: World, asked: Asked) -> JsonObject:
    """Show the organization's numbers."""
    return {"phone_numbers": list(world.phone_numbers.values())}


@handles(UpdatePhoneNumber, takes=PhoneNumberUpdateParams)
def update_phone_number(world: World, asked: Asked) -> JsonObject:
    """Change a number's label, or the assistant that answers it."""
    entry = found(world.phone_numbers, asked.id, "phone number")
    if "label" in asked.fields:
        entry["label"] = asked.fields["label"]
    if "inbound_assistant_id" in asked.fields:
        chosen = asked.fields["inbound_assistant_id"]
        entry["inbound_assistant"] = found(world.assistants, chosen, "assistant") if chosen else None
    return {"phone_number": entry}


@handles(DeletePhoneNumber)
def delete_phone_number(world: World, asked: Asked) -> JsonObject:
    """Release a number."""
    found(world.phone_numbers, asked.id, "phone number")
    del world.phone_numbers[asked.id]
    return {"success": True}
