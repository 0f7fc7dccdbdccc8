"""Assistants: created once, with a voice that speaks their language, and calling within their hours."""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.actions.create import find_or_create
from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.actions.voices import with_voice
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.configuration import DECIDES, same
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.flow import Flow
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, ListAssistants, UpdateAssistant

# Revox fills these in where nothing was sent, so that a value says nothing of an edit.
_FILLED_IN = {
    "first_sentence_mode",
    "ivr_navigation_enabled",
    "llm_model",
    "max_call_duration_secs",
    "sms_enabled",
    "type",
}
_SPEECH = {"prompt", "first_sentence", "voice", "llm_model"}


@flow_of.register
def create_assistant(request: CreateAssistant, context: Context) -> Flow[JsonObject]:
    """Create an assistant, unless there is the same one."""
    request, notes = yield from with_voice(request, context.guard.policy)
    body = request.wire().body or {}
    notes += yield from context.guard.check_configuration(body, written=body)
    return (yield from _create_decided(request, context.decided, tuple(dict.fromkeys(notes))))


@flow_of.register
def update_assistant(request: UpdateAssistant, context: Context) -> Flow[JsonObject]:
    """Change an assistant, but to nothing that a call with it would be refused for."""
    stored = yield GetAssistant(assistant_id=request.assistant_id)
    notes: tuple[str, ...] = ()
    if _changes_speech(request):
        request, notes = yield from with_voice(request, context.guard.policy, stored)
    body = request.wire().body or {}
    notes += yield from context.guard.check_configuration({**stored, **body}, written=body)
    answer: JsonObject = yield request
    return {**answer, "notes": list(dict.fromkeys(notes))}


def create_assistant_once(request: CreateAssistant, notes: tuple[str, ...] = ()) -> Flow[JsonObject]:
    """Create an assistant unless one with this name and configuration exists; a lost answer is looked for.

    Returns:
        Revox's answer, with `existed` saying whether it was there already, and `notes`.
    """
    body = request.wire().body or {}

    def find() -> Flow[JsonObject | None]:
        # The list shows assistants whole; an edited one must not be taken for the one that is asked for.
        listed = (yield ListAssistants())["assistants"]
        return next((held for held in listed if same(body, held) and not _has_more(body, held)), None)

    found = yield from find_or_create("assistant", request, request.name, find)
    return {**found, "notes": list(notes)}


def _create_decided(request: CreateAssistant, decided: Decided, notes: tuple[str, ...]) -> Flow[JsonObject]:
    """Create an assistant with what code decided in it; one that exists gets today's secrets, which nobody can see."""
    if decided == NOTHING:
        return (yield from create_assistant_once(request, notes))
    # Anyone may call with it, so that its tools cannot count on a variable that names the call.
    settings = decided.into(request.settings, names_call=False)
    answer = yield from create_assistant_once(request.model_copy(update={"settings": settings}), notes)
    if not answer["existed"]:
        return answer
    fields = {name: settings[name] for name in decided.fields(names_call=False)}
    updated = yield UpdateAssistant(assistant_id=str(answer["assistant"]["id"]), settings=fields)
    return {**answer, "assistant": updated["assistant"]}


def _changes_speech(request: UpdateAssistant) -> bool:
    """Whether the change touches what is said, or who says it."""
    return request.language is not None or not _SPEECH.isdisjoint(request.wire().body or {})


def _has_more(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Whether the assistant was given something since that makes it another one."""
    if any(held.get(name) and name not in sent for name in DECIDES if name not in _FILLED_IN):
        return True
    model = held.get("llm_model")
    # A custom model hears the whole conversation; Revox would never fill that in.
    return "llm_model" not in sent and isinstance(model, Mapping) and model.get("type") in ("custom", "realtime")
