"""What is spoken: the language, the voice, and the assistant that has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from revox_langchain.actions.assistants import create_assistant_once
from revox_langchain.answers import JsonObject, digest
from revox_langchain.dialing.budget import DEFAULT_RETRIES, Cost
from revox_langchain.dialing.configuration import stored_assistant
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.voices import VOICES_MAX_AGE_S, Speech, choose_speaker
from revox_langchain.dialing.words import check_voice, check_words, checked
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Event, Flow, Recent
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import CallRequest, CallState, Spoken
from revox_langchain.graph.call.webhook import does_not_have, keep_secrets
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.voices import ListVoices
from revox_langchain.results.schema import config_from_schema
from revox_langchain.speech.language import ResolvedLanguage, language_name
from revox_langchain.speech.voice import ChosenVoice


def choose(state: CallState, settings: Settings) -> Flow[Update]:
    """Settle language and voice; with an `assistant_id`, read which ones it has."""
    asked = state["asked"]
    if asked["assistant_id"] is not None:
        return (yield from _take_assistant(asked, asked["assistant_id"], settings))
    speech = Speech(asked["prompt"], asked["first_sentence"], asked["language"], asked["phone_number"])
    language, chosen = yield from choose_speaker(speech, asked["voice_preferences"] or {})
    voice = chosen.as_dict()
    notes = [
        f"Language {language_name(language.tag)} ({language.source}, {language.confidence}).",
        *language.notes,
        f"Voice {chosen.name} ({chosen.provider}).",
        *chosen.why,
        *chosen.notes,
    ]
    try:
        check = partial(_check, asked, chosen, language, settings.guard.policy)
        warnings = yield from checked(check, asked["prompt"], asked["first_sentence"])
    except Refused as error:
        return {"error": error.as_dict(), "voice": voice, "notes": notes, GOTO: "report"}
    event = {"language": language.tag, "source": language.source, "voice": voice, "why": list(chosen.why)}
    yield Event({"type": "revox.voice", **event})
    configuration = configured(asked, chosen)
    spoken: Spoken = {
        "language": language.tag,
        "settings": configuration,
        "cost": Cost.of(configuration).model_dump(),
        "wants_output": asked["structured_output_schema"] is not None,
    }
    return {"spoken": spoken, "voice": voice, "notes": notes, "warnings": list(warnings), GOTO: "ensure_assistant"}


def ensure_assistant(state: CallState, settings: Settings) -> Flow[Update]:
    """Reuse the assistant that has exactly this configuration, else create it.

    Its name carries the hash of its configuration; the configuration is compared all the same, because it may have
    been edited since. For an assistant that was given or goes inline there is nothing to do.
    """
    spoken = state["spoken"]
    following = "show" if settings.approve else "arm"
    if settings.inline or spoken.get("assistant_id"):
        return {GOTO: following}
    body = {"prompt": state["asked"]["prompt"], **spoken["settings"]}
    # The name is for everybody's eyes: it stands for what code decided without its secrets.
    name = f"revox-langchain {spoken['language']} {digest({**body, **settings.decided.shown()})[:12]}"
    flat, rest = split_fields(body, CreateAssistant.model_fields)
    request = CreateAssistant(name=name, settings=settings.decided.into(rest, names_call=True) or None, **flat)
    answer = yield from create_assistant_once(request)
    assistant_id = str(answer["assistant"]["id"])
    warned = yield from keep_secrets(assistant_id, settings.decided, existed=answer["existed"])
    yield Event({"type": "revox.assistant", "assistant_id": assistant_id, "existed": answer["existed"]})
    notes = [*state["notes"], f"{'Reused' if answer['existed'] else 'Created'} assistant {assistant_id}."]
    ready: Spoken = {**spoken, "assistant_id": assistant_id}
    return {"spoken": ready, "notes": notes, "warnings": [*state["warnings"], *warned], GOTO: following}


def split_fields(settings: JsonObject, fields: Mapping[str, object]) -> tuple[JsonObject, JsonObject]:
    """Split an assistant's settings into those a request has fields for, and the rest."""
    flat = {name: value for name, value in settings.items() if name in fields}
    return flat, {name: value for name, value in settings.items() if name not in flat}


def _check(asked: CallRequest, chosen: ChosenVoice, language: ResolvedLanguage, policy: DialPolicy) -> tuple[str, ...]:
    variables = asked["prompt_variables"] or {}
    return (
        *check_voice(policy, chosen.id, {chosen.language}, language.language, "The call"),
        *check_words(policy, asked["prompt"], asked["first_sentence"], variables, language=language.language),
    )


def _take_assistant(asked: CallRequest, assistant_id: str, settings: Settings) -> Flow[Update]:
    assistant = yield from stored_assistant(assistant_id, max_age_s=60)
    cost = Cost.of(assistant)
    _check_limits(asked, cost)
    voice = yield from voice_of(assistant)
    policy, variables = settings.guard.policy, asked["prompt_variables"] or {}
    try:
        words = (assistant.get("prompt") or None, assistant.get("first_sentence"))
        warnings = yield from checked(partial(check_words, policy, *words, variables), *words)
    except Refused as error:
        return {"error": error.as_dict(), "voice": voice, GOTO: "report"}
    spoken: Spoken = {
        "language": (voice or {}).get("language"),
        "assistant_id": assistant_id,
        "cost": cost.model_dump(),
        "wants_output": bool(assistant.get("structured_output_config")),
    }
    warned = [*warnings, *does_not_have(assistant, settings.decided)]
    return {"spoken": spoken, "voice": voice, "warnings": warned, GOTO: "ensure_assistant"}


def _check_limits(asked: CallRequest, cost: Cost) -> None:
    limits = (
        ("max_attempts", asked["max_attempts"], cost.attempts),
        ("max_call_duration_s", asked["max_call_duration_s"], cost.call_duration_s),
    )
    for name, wanted, has in limits:
        if wanted is not None and has > wanted:
            raise InvalidInput(
                f"{name}={wanted} cannot be kept: the assistant's own limit is {has:g}, and a call cannot lower it.",
                next_step=f"Leave {name} out, or lower it in the assistant with revox_update_assistant.",
            )


def voice_of(assistant: JsonObject) -> Flow[JsonObject | None]:
    """The voice an assistant has, with what the catalogue knows of it; None if it names none."""
    held = assistant.get("voice") or {}
    if not held.get("id"):
        return None
    voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
    wanted = (held["id"], held.get("provider"))
    listed: JsonObject = next((v for v in voices if (v["id"], v["provider"]) == wanted), {})
    names = ("id", "provider", "name", "language", "accent", "gender")
    return {name: listed.get(name, held.get(name)) for name in names}


def configured(asked: CallRequest, voice: ChosenVoice) -> JsonObject:
    """The assistant's configuration besides its prompt, as flat arguments: voice, first sentence, output and limits."""
    settings: JsonObject = {"voice_id": voice.id, "voice_provider": voice.provider}
    if voice.model is not None:
        settings["voice"] = {"model": voice.model}
    if asked["first_sentence"]:
        settings |= {"first_sentence": asked["first_sentence"], "first_sentence_mode": "static"}
    if asked["structured_output_schema"] is not None:
        settings["structured_output_config"] = config_from_schema(asked["structured_output_schema"])
    if asked["max_call_duration_s"] is not None:
        settings["max_call_duration_secs"] = asked["max_call_duration_s"]
    if asked["max_attempts"] is not None:
        settings["call_retry_config"] = {**DEFAULT_RETRIES, "max_retry_attempts": asked["max_attempts"]}
    return settings
