"""What the operations on assistants and voices do."""

from __future__ import annotations

from revox.types import (
    AssistantCreateParams,
    AssistantUpdateParams,
    VoiceCloneParams,
    VoicePreviewParams,
    VoiceRetrieveParams,
)

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
    CloneVoice,
    DeleteVoice,
    GetVoice,
    ListVoices,
    PreviewVoice,
)
from revox_langchain.sandbox.api.checks import check_references
from revox_langchain.sandbox.api.handlers import Asked, Rejected, found, handles
from revox_langchain.sandbox.api.limits import MAX_AUDIO_BYTES
from revox_langchain.sandbox.world.assistants import declared_variables, new_assistant, patched
from revox_langchain.sandbox.world.voices import preview
from revox_langchain.sandbox.world.world import World


@handles(ListAssistants)
def list_assistants(world: World, asked: Asked) -> JsonObject:
    """Show the assistants, newest first, without sub-assistants."""
    shown = [each for each in world.assistants.values() if each["type"] != "sub-assistant"]
    return {"assistants": shown[::-1]}


@handles(GetAssistant)
def get_assistant(world: World, asked: Asked) -> JsonObject:
    """Show an assistant; this is the only answer without a wrapper."""
    return found(world.assistants, asked.id, "assistant")


@handles(CreateAssistant, takes=AssistantCreateParams)
def create_assistant(world: World, asked: Asked) -> JsonObject:
    """Store a new assistant."""
    check_references(world, asked.fields)
    assistant = new_assistant(world, asked.fields)
    world.assistants[assistant["id"]] = assistant
    return {"assistant": assistant}


@handles(UpdateAssistant, takes=AssistantUpdateParams)
def update_assistant(world: World, asked: Asked) -> JsonObject:
    """Change an assistant and its open orders, except those that lack a variable of the new prompt."""
    old = found(world.assistants, asked.id, "assistant")
    check_references(world, asked.fields)
    new = patched(old, asked.fields, world.stamp())
    world.assistants[asked.id] = new
    missing: list[set[str]] = []
    for order in world.book.values():
        if order.stored_assistant != asked.id or order.ended:
            continue
        lacks = declared_variables(new) - set(order.call["prompt_variables"] or {})
        if lacks:
            missing.append(lacks)
        else:
            order.assistant = order.call["assistant"] = new
            world.reaches_out |= order.reaches_out
    answer: JsonObject = {"assistant": new}
    if missing:
        answer["unpatchedCallsNotice"] = {"count": len(missing), "variables": sorted(set().union(*missing))}
    return answer


@handles(CloneAssistant)
def clone_assistant(world: World, asked: Asked) -> JsonObject:
    """Store a copy of an assistant."""
    old = found(world.assistants, asked.id, "assistant")
    copied = {key: value for key, value in old.items() if key not in ("id", "created_at", "updated_at", "created_by")}
    copied["faq_items"] = [{k: v for k, v in item.items() if k != "id"} for item in old["faq_items"]]
    assistant = new_assistant(world, {**copied, "name": f"{old['name']} (Copy)"})
    world.assistants[assistant["id"]] = assistant
    return {"assistant": assistant}


@handles(DeleteAssistant)
def delete_assistant(world: World, asked: Asked) -> JsonObject:
    """Delete an assistant; its orders keep their snapshot of it."""
    found(world.assistants, asked.id, "assistant")
    del world.assistants[asked.id]
    for entry in world.phone_numbers.values():
        if (entry["inbound_assistant"] or {}).get("id") == asked.id:
            entry["inbound_assistant"] = None
    return {"success": True}


@handles(ListVoices)
def list_voices(world: World, asked: Asked) -> JsonObject:
    """Show the whole catalogue."""
    return {"voices": list(world.voices.values())}


@handles(GetVoice, takes=VoiceRetrieveParams)
def get_voice(world: World, asked: Asked) -> JsonObject:
    """Show a voice; Revox shows only these three fields of it."""
    voice = _voice(world, asked.id, asked.fields["provider"])
    return {"voice": {key: voice[key] for key in ("id", "name", "description")}}


@handles(CloneVoice, takes=VoiceCloneParams)
def clone_voice(world: World, asked: Asked) -> JsonObject:
    """Add a voice made from a recording to the catalogue."""
    name, language = asked.fields["name"], asked.fields["language"]
    # Four characters of base64 are three bytes.
    if len(asked.fields["audio"]) * 3 // 4 > MAX_AUDIO_BYTES:
        raise Rejected(413, "audio: too large.")
    voice: JsonObject = {
        "id": world.new_id("voice"),
        "name": name,
        "description": "Cloned voice",
        "language": language,
        "provider": "cartesia",
        "isCloned": True,
    }
    world.voices[voice["id"]] = voice
    return {
        "id": voice["id"],
        "cartesiaVoiceId": world.new_id("cartesia"),
        "createdAt": world.stamp(),
        "language": language,
        "name": name,
    }


@handles(PreviewVoice, takes=VoicePreviewParams)
def preview_voice(world: World, asked: Asked) -> bytes:
    """Send a sample of a voice, which is silent here."""
    fields = asked.fields
    _voice(world, fields["voiceId"], fields["provider"])
    return preview(fields.get("text") or "Hello, this is how I sound.", fields.get("speed") or 1.0)


@handles(DeleteVoice)
def delete_voice(world: World, asked: Asked) -> JsonObject:
    """Delete a cloned voice that no assistant uses."""
    voice = found(world.voices, asked.id, "voice")
    if not voice["isCloned"]:
        raise Rejected(400, "Only cloned voices can be deleted.")
    users = [a["name"] for a in world.assistants.values() if (a["voice"] or {}).get("id") == asked.id]
    if users:
        raise Rejected(409, f"The voice is used by {', '.join(users)}.")
    del world.voices[asked.id]
    return {"success": True}


def _voice(world: World, voice_id: str, provider: str) -> JsonObject:
    voice = found(world.voices, voice_id, "voice")
    if voice["provider"] != provider:
        raise Rejected(404, f"{provider} has no voice {voice_id}.")
    return voice
