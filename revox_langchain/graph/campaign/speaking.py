"""Who speaks with each group: a voice of its language, and an assistant that has it."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from revox_langchain.actions.assistants import create_assistant_once
from revox_langchain.answers import JsonObject, digest
from revox_langchain.contacts.store import ContactStore
from revox_langchain.dialing.budget import DEFAULT_RETRIES, Cost
from revox_langchain.dialing.configuration import stored_assistant
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.voices import Speech, choose_speaker
from revox_langchain.dialing.words import check_voice, check_words, checked
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Event, Flow, Work
from revox_langchain.graph.call.assistant import configured, split_fields, voice_of
from revox_langchain.graph.call.state import CallRequest
from revox_langchain.graph.campaign.reading import members_of
from revox_langchain.graph.campaign.rows import READY, REFUSED, counts_of, set_aside
from revox_langchain.graph.campaign.settings import CampaignSettings
from revox_langchain.graph.campaign.state import CampaignState, Group
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.speech.language import ResolvedLanguage
from revox_langchain.speech.voice import ChosenVoice


def choose_voice(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Choose a voice for each language; a language that no voice speaks is set aside, and the others go on."""
    asked, rows = state["asked"], settings.rows(state)
    ready: list[Group] = []
    notes, warnings = list(state["notes"]), list(state["warnings"])
    for group in state["groups"]:
        if group.get("assistant_id"):
            ready.append((yield from _given(group, asked)))
            continue
        language = group["language"]
        speech = Speech(group["prompt"], group["first_sentence"], language)
        try:
            resolved, chosen = yield from choose_speaker(speech, asked.get("voice_preferences") or {})
            check = partial(_check, group, chosen, resolved, settings.guard.policy)
            warnings += yield from checked(check, group["prompt"], group["first_sentence"])
        except (InvalidInput, Refused) as error:
            count = yield Work(partial(_refuse, state, settings, rows, language, error))
            warnings.append(f"{count} contacts in {language} are not called: {error.message}")
            continue
        configuration = configured(_as_call(group, asked), chosen)
        voice = chosen.as_dict()
        notes += [f"{language}: voice {chosen.name} ({chosen.provider}).", *chosen.notes]
        yield Event({"type": "revox.voice", "language": language, "voice": voice, "why": list(chosen.why)})
        ready.append({**group, "voice": voice, "settings": configuration, "cost": Cost.of(configuration).model_dump()})
    return {
        **settings.kept(rows),
        "groups": ready,
        "states": (yield from counts_of(rows, state["key"])),
        "notes": notes,
        "warnings": list(dict.fromkeys(warnings)),
        GOTO: "ensure_assistant" if ready else "report",
    }


def ensure_assistant(state: CampaignState, settings: CampaignSettings) -> Flow[Update]:
    """Reuse the assistant that has exactly a group's configuration, else create it."""
    groups: list[Group] = []
    notes = list(state["notes"])
    for group in state["groups"]:
        if not group.get("assistant_id"):
            body = {"prompt": group["prompt"], **group["settings"]}
            name = f"revox-langchain {group['language']} {digest(body)[:12]}"
            flat, rest = split_fields(body, CreateAssistant.model_fields)
            answer = yield from create_assistant_once(CreateAssistant(name=name, settings=rest or None, **flat))
            assistant_id, existed = str(answer["assistant"]["id"]), bool(answer["existed"])
            yield Event({"type": "revox.assistant", "assistant_id": assistant_id, "existed": existed})
            notes.append(f"{'Reused' if existed else 'Created'} assistant {assistant_id} for {group['language']}.")
            group = {**group, "assistant_id": assistant_id}
        groups.append(group)
    return {"groups": groups, "notes": notes}


def _given(group: Group, asked: JsonObject) -> Flow[Group]:
    """A group whose assistant was given: its own limits count, except for the attempts that were asked for."""
    assistant = yield from stored_assistant(group["assistant_id"], max_age_s=60)
    retries = None
    if asked.get("max_attempts"):
        own = assistant.get("call_retry_config") or DEFAULT_RETRIES
        retries = {**own, "max_retry_attempts": asked["max_attempts"]}
        assistant = {**assistant, "call_retry_config": retries}
    voice = yield from voice_of(assistant)
    first = assistant.get("first_sentence")
    cost = Cost.of(assistant).model_dump()
    return {**group, "voice": voice, "cost": cost, "retries": retries, "first_sentence": first}


def _as_call(group: Group, asked: JsonObject) -> CallRequest:
    names = ("structured_output_schema", "max_call_duration_s", "max_attempts")
    request: dict[str, Any] = {name: asked.get(name) for name in names}
    return cast("CallRequest", {**request, "prompt": group["prompt"], "first_sentence": group["first_sentence"]})


def _check(group: Group, chosen: ChosenVoice, language: ResolvedLanguage, policy: DialPolicy) -> tuple[str, ...]:
    words = check_words(
        policy, group["prompt"], group["first_sentence"], None, language=language.language, variables_known=False
    )
    return (*language.notes, *check_voice(policy, chosen.id, {chosen.language}, language.language), *words)


def _refuse(
    state: CampaignState,
    settings: CampaignSettings,
    rows: ContactStore,
    language: str,
    error: InvalidInput | Refused,
) -> int:
    members = [kept for said, kept in members_of(state, settings, rows) if said == language and kept.state == READY]
    rows.record(state["key"], set_aside(members, REFUSED, error.code, error.message))
    return len(members)
