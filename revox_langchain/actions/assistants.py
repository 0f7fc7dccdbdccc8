"""Assistants: created once, with a voice that speaks their language, and calling within their hours."""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.actions.create import find_or_create, matches
from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.actions.voices import check_speech
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.hours import check_windows
from revox_langchain.flow import Flow
from revox_langchain.operations.assistants import CreateAssistant, ListAssistants, UpdateAssistant

_CONSEQUENTIAL = (
    "first_sentence",
    "end_of_call_sentence",
    "max_duration_end_message",
    "voicemail_message",
    "custom_tools",
    "transfer_destinations",
    "webhook_url",
    "structured_output_config",
    "structured_output_prompt",
)
"""Settings that change what an assistant says, or where it reports."""


@flow_of.register
def create_assistant(request: CreateAssistant, context: Context) -> Flow[JsonObject]:
    """Create an assistant, unless there is the same one."""
    check_windows(context.guard.policy, request.settings or {})
    request, notes = yield from check_speech(request, context.guard.policy, None, variables_known=False)
    return (yield from create_assistant_once(request, notes))


@flow_of.register
def update_assistant(request: UpdateAssistant, context: Context) -> Flow[JsonObject]:
    """Change an assistant, but not to hours in which no one may be called."""
    check_windows(context.guard.policy, request.settings)
    answer: JsonObject = yield request
    return answer


def create_assistant_once(request: CreateAssistant, notes: tuple[str, ...] = ()) -> Flow[JsonObject]:
    """Create an assistant unless one with this name and configuration exists; a lost answer is looked for.

    Returns:
        Revox's answer, with `existed` saying whether it was there already, and `notes`.
    """
    body = request.wire().body or {}

    def find() -> Flow[JsonObject | None]:
        # The list shows assistants whole; an edited one must not be taken for the one that is asked for.
        listed = (yield ListAssistants())["assistants"]
        return next((held for held in listed if matches(body, held) and not _has_more(body, held)), None)

    found = yield from find_or_create("assistant", request, request.name, find)
    return {**found, "notes": list(notes)}


def _has_more(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Whether the assistant was given something since that makes it another one."""
    return any(held.get(name) and name not in sent for name in _CONSEQUENTIAL)
