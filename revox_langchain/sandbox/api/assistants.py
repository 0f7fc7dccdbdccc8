"""What the operations on assistants and voices do."""

from __future__ import annotations

import base64
import binascii

from revox_langchain.answers import JsonObject
from revox_langchain.operations.assistants import (
    CloneAssistant,
    CreateAssistant,
    DeleteAssistant,
    GetAssistant,
    ListAssistants,
    UpdateAssistant,
)
from revox_langchain.operations.voices import (
    MAX_AUDIO_BYTES,
    CloneVoice,
    DeleteVoice,
    GetVoice,
    ListVoices,
    PreviewVoice,
)
from revox_langchain.sandbox.api.checks import check_assistant, check_speed
from revox_langchain.sandbox.api.handlers import Rejected, found, handles
from revox_langchain.sandbox.world.assistants import declared_variables, new_assistant, patched
from revox_langchain.sandbox.world.voices import preview
from revox_langchain.sandbox.world.world import World


@handles(ListAssistants)
def list_assistants(world: World, op: ListAssistants) -> JsonObject:
    """Show the assistants, newest first, without sub-assistants."""
    shown = [each for each in world.assistants.values() if each["type"] != "sub-assistant"]
    return {"assistants": shown[::-1]}


@handles(GetAssistant)
def get_assistant(world: World, op: GetAssistant) -> JsonObject:
    """Show an assistant; this is the only answer without a wrapper."""
    return found(world.assistants, op.assistant_id, "assistant")


@handles(CreateAssistant)
def create_assistant(world: World, op: CreateAssistant) -> JsonObject:
    """Store a new assistant."""
    fields = op.wire().body or {}
    check_assistant(world, fields)
    assistant = new_assistant(world, fields)
    world.assistants[assistant["id"]] = assistant
    return {"assistant": assistant}


@handles(UpdateAssistant)
def update_assistant(world: World, op: UpdateAssistant) -> JsonObject:
    """Change an assistant and its open orders, except those that lack a variable of the new prompt."""
    old = found(world.assistants, op.assistant_id, "assistant")
    fields = op.wire().body or {}
    check_assistant(world, fields, new=False)
    new = patched(old, fields, world.stamp())
    world.assistants[op.assistant_id] = new
    missing: list[set[str]] = []
    for order in world.book.values():
        if order.stored_assistant != op.assistant_id or order.ended:
            continue
        lacks = declared_variables(new) - set(order.call["prompt_variables"] or {})
        if lacks:
            missing.append(lacks)
        else:
            order.assistant = order.call["assistant"] = new
    answer: JsonObject = {"assistant": new}
    if missing:
        answer["unpatchedCallsNotice"] = {"count": len(missing), "variables": sorted(set().union(*missing))}
    return answer


@handles(CloneAssistant)
def clone_assistant(world: World, op: CloneAssistant) -> JsonObject:
    """Store a copy of an assistant."""
    old = found(world.assistants, op.assistant_id, "assistant")
    copied = {key: value for key, value in old.items() if key not in ("id", "created_at", "updated_at", "created_by")}
    copied["faq_items"] = [{k: v for k, v in item.items() if k != "id"} for item in old["faq_items"]]
    assistant = new_assistant(world, {**copied, "name": f"{old['name']} (Copy)"})
    world.assistants[assistant["id"]] = assistant
    return {"assistant": assistant}


@handles(DeleteAssistant)
def delete_assistant(world: World, op: DeleteAssistant) -> JsonObject:
    """Delete an assistant; its orders keep their snapshot of it."""
    found(world.assistants, op.assistant_id, "assistant")
    del world.assistants[op.assistant_id]
    for entry in world.phone_numbers.values():
        if (entry["inbound_assistant"] or {}).get("id") == op.assistant_id:
            entry["inbound_assistant"] = None
    return {"success": True}


@handles(ListVoices)
def list_voices(world: World, op: ListVoices) -> JsonObject:
    """Show the whole catalogue."""
    return {"voices": list(world.voices.values())}


@handles(GetVoice)
def get_voice(world: World, op: GetVoice) -> JsonObject:
    """Show a voice; Revox shows only these three fields of it."""
    voice = _voice(world, op.voice_id, op.voice_provider)
    return {"voice": {key: voice[key] for key in ("id", "name", "description")}}


@handles(CloneVoice)
def clone_voice(world: World, op: CloneVoice) -> JsonObject:
    """Add a voice made from a recording to the catalogue."""
    try:
        sample = base64.b64decode(op.audio, validate=True)
    except binascii.Error as error:
        raise Rejected(world.switches.invalid_status, "audio: not valid base64.") from error
    if not 0 < len(sample) <= MAX_AUDIO_BYTES:
        raise Rejected(413 if sample else world.switches.invalid_status, "audio: empty, or too large.")
    voice: JsonObject = {
        "id": world.new_id("voice"),
        "name": op.name,
        "description": "Cloned voice",
        "language": op.language,
        "provider": "cartesia",
        "isCloned": True,
    }
    world.voices[voice["id"]] = voice
    return {
        "id": voice["id"],
        "cartesiaVoiceId": world.new_id("cartesia"),
        "createdAt": world.stamp(),
        "language": op.language,
        "name": op.name,
    }


@handles(PreviewVoice)
def preview_voice(world: World, op: PreviewVoice) -> bytes:
    """Send a sample of a voice, which is silent here."""
    _voice(world, op.voice_id, op.voice_provider)
    check_speed(world, op.voice_provider, op.speed)
    return preview(op.text or "Hello, this is how I sound.", op.speed or 1.0)


@handles(DeleteVoice)
def delete_voice(world: World, op: DeleteVoice) -> JsonObject:
    """Delete a cloned voice that no assistant uses."""
    voice = found(world.voices, op.voice_id, "voice")
    if not voice["isCloned"]:
        raise Rejected(400, "Only cloned voices can be deleted.")
    users = [a["name"] for a in world.assistants.values() if (a["voice"] or {}).get("id") == op.voice_id]
    if users:
        raise Rejected(409, f"The voice is used by {', '.join(users)}.")
    del world.voices[op.voice_id]
    return {"success": True}


def _voice(world: World, voice_id: str, provider: str) -> JsonObject:
    voice = found(world.voices, voice_id, "voice")
    if voice["provider"] != provider:
        raise Rejected(404, f"{provider} has no voice {voice_id}.")
    return voice
