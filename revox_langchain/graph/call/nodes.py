"""What each step does: flows, without a client, a clock or a graph.

    prepare → choose_voice → ensure_assistant → (approve) → arm → place_call → (ask) → wait ⇄ itself → report

A step returns the update of the state, and where it chooses the next step, that step's name under `goto`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from revox_langchain.actions.assistants import create_assistant_once
from revox_langchain.dialing.budget import DEFAULT_RETRIES, Cost
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import MARK, Intent, Order, make_intent
from revox_langchain.dialing.numbers import default_region
from revox_langchain.dialing.placing import Earlier, place
from revox_langchain.dialing.words import check_voice, check_words
from revox_langchain.errors import (
    AuthError,
    InvalidInput,
    NotFound,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
)
from revox_langchain.flow import Event, Flow, Recent, Work
from revox_langchain.graph.call.state import CallInput, as_moment
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.voices import ListVoices
from revox_langchain.results.call import CallResult
from revox_langchain.results.schema import config_from_schema
from revox_langchain.speech.language import ResolvedLanguage, language_name, resolve_language
from revox_langchain.speech.voice import ChosenVoice, choose_voice, voice_by_id
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Watch, settled_result, watch

GOTO = "goto"
Update = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How the graph runs, decided where it is built.

    Attributes:
        guard: What may be dialed.
        wait: How patiently to wait.
        inline: Send the assistant inside the call instead of creating one.
        approve: Ask a person before the dial.
        on_unknown: What to do when it is not known whether a call was placed.
    """

    guard: Guard = field(default_factory=Guard)
    wait: WaitPolicy = field(default_factory=WaitPolicy)
    inline: bool = False
    approve: bool = False
    on_unknown: Literal["ask", "dial", "report"] = "ask"


def prepare(given: CallInput, settings: Settings, thread_id: str | None, *, approved: bool = False) -> Flow[Update]:
    """Check the input, normalise the number, derive the intent, and forget the run before."""
    given.check()
    guard = settings.guard
    if MARK in (given.metadata or {}):
        raise InvalidInput(f"metadata: the key {MARK!r} is reserved.", next_step="Give your label another name.")
    if given.structured_output_schema is not None:
        config_from_schema(given.structured_output_schema)
    fresh: Update = {
        "edited": None, "token": None, "mode": None, "redials": 0, "watch": None, "call_id": None,
        "intent_id": None, "adopted": False, "voice": None, "notes": [], "warnings": [], "error": None,
        "spoken": {}, "scope": thread_id, "approved": approved, "intent_mark": {},
        "wish": given.model_dump(mode="json"),
    }  # fmt: skip
    try:
        region = yield from default_region(guard.policy, given.phone_number)
        phone = guard.check_number(given.phone_number, region)
    except (Refused, InvalidInput) as error:
        return {**fresh, "error": error.as_dict(), GOTO: "report"}
    wish = {**fresh["wish"], "phone_number": phone.e164, "region": phone.region}
    if given.from_phone_number is not None:
        own = MakeCall.parse(
            {"phone_number": phone.e164, "assistant_id": "-", "from_phone_number": given.from_phone_number},
            default_region=region,
        )
        wish["from_phone_number"] = own.from_phone_number
    intent = make_intent(
        phone_number=phone.e164,
        prompt=given.prompt,
        assistant_id=given.assistant_id,
        prompt_variables=given.prompt_variables,
        scheduled_at=given.scheduled_at,
        scope=thread_id,
        intent=given.intent,
    )
    return {
        **fresh,
        "wish": wish,
        "intent_mark": {"intent_id": intent.intent_id, "durable": intent.durable},
        "intent_id": intent.intent_id,
        GOTO: "choose_voice",
    }


def choose(state: Mapping[str, Any], settings: Settings) -> Flow[Update]:
    """Settle language and voice; with an `assistant_id`, read which ones it has."""
    wish = state["wish"]
    if wish["assistant_id"] is not None:
        return (yield from _voice_of_assistant(wish, settings))
    resolved = yield Work(
        partial(
            resolve_language,
            wish["language"],
            first_sentence=wish["first_sentence"],
            prompt=wish["prompt"],
            phone=wish["phone_number"],
            # It runs in a thread, so that loading the detector for this note blocks no event loop.
            check=True,
        )
    )
    preferences = wish["voice_preferences"] or {}
    voices = (yield Recent(ListVoices(), max_age_s=600))["voices"]
    chosen = yield Work(partial(_voice_for, voices, preferences, resolved))
    voice = chosen.as_dict()
    notes = [
        f"Language {language_name(resolved.tag)} ({resolved.source}, {resolved.confidence}).",
        *resolved.notes, f"Voice {chosen.name} ({chosen.provider}).", *chosen.why, *chosen.notes,
    ]  # fmt: skip
    policy = settings.guard.policy
    try:
        warnings = [
            *check_voice(policy, chosen.id, {chosen.language}, resolved.language, "The call"),
            *check_words(
                policy,
                wish["prompt"],
                wish["first_sentence"],
                wish["prompt_variables"] or {},
                language=resolved.language,
            ),
        ]
    except Refused as error:
        return {"error": error.as_dict(), "voice": voice, "notes": notes, GOTO: "report"}
    yield Event({"type": "revox.voice", "language": resolved.tag, "source": resolved.source, "voice": voice,
                 "why": list(chosen.why)})  # fmt: skip
    assistant = _assistant_settings(wish, chosen)
    spoken = {
        "language": resolved.tag,
        "settings": assistant,
        "cost": Cost.of(assistant).model_dump(),
        "wants_output": wish["structured_output_schema"] is not None,
    }
    return {"spoken": spoken, "voice": voice, "notes": notes, "warnings": warnings, GOTO: "ensure_assistant"}


def ensure_assistant(state: Mapping[str, Any], settings: Settings) -> Flow[Update]:
    """Reuse the assistant that has exactly this configuration, else create it; nothing to do for a given or inline one.

    Its name carries the hash of its configuration, and the configuration is compared all the same: somebody may have
    edited it since.
    """
    spoken = state["spoken"]
    following = "approve" if settings.approve else "arm"
    if settings.inline or spoken.get("assistant_id"):
        return {GOTO: following}
    body = {"prompt": state["wish"]["prompt"], **spoken["settings"]}
    name = f"revox-langchain {spoken['language']} {_digest(body)[:12]}"
    flat = {key: value for key, value in body.items() if key in CreateAssistant.model_fields}
    rest = {key: value for key, value in body.items() if key not in flat}
    answer = yield from create_assistant_once(CreateAssistant(name=name, settings=rest or None, **flat))
    assistant_id = str(answer["assistant"]["id"])
    verb = "Reused" if answer["existed"] else "Created"
    yield Event({"type": "revox.assistant", "assistant_id": assistant_id, "existed": answer["existed"]})
    notes = [*state["notes"], f"{verb} assistant {assistant_id}."]
    return {"spoken": {**spoken, "assistant_id": assistant_id}, "notes": notes, GOTO: following}


def question(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a person is shown before the dial, with the hash that ties the answer to it."""
    wish, spoken = state["wish"], state["spoken"]
    cost = Cost(**spoken["cost"])
    arguments = {
        "phone_number": wish["phone_number"],
        "country": wish.get("region"),
        "language": spoken.get("language"),
        "voice": state.get("voice"),
        "first_sentence": wish["first_sentence"],
        "prompt": wish["prompt"],
        "assistant_id": wish["assistant_id"],
        "prompt_variables": wish["prompt_variables"],
        "scheduled_at": wish["scheduled_at"],
        "skip_calling_window": wish["skip_calling_window"],
        "from_phone_number": wish["from_phone_number"],
        "max_attempts": cost.attempts,
        "max_minutes": round(cost.minutes, 1),
        "intent_id": state["intent_mark"]["intent_id"],
    }
    return {
        "type": "revox.approve_call",
        "message": f"Call {wish['phone_number']}? At worst {cost.attempts} attempts, {cost.minutes:.0f} minutes.",
        "arguments": arguments,
        "arguments_hash": _digest(arguments),
        "warnings": state.get("warnings") or [],
    }


def place_call(
    state: Mapping[str, Any],
    settings: Settings,
    *,
    earlier: Earlier,
    can_ask: bool,
) -> Flow[Update]:
    """Place the call through the one placing flow; never interrupts."""
    order = _order(state, settings)
    try:
        placed = yield from place(order, settings.guard, earlier=earlier)
    except PlacementUnknown as error:
        update: Update = {"error": error.as_dict(), "mode": None}
        if settings.on_unknown == "dial" and not state.get("redials"):
            return {**update, "redials": 1, GOTO: "arm"}
        if settings.on_unknown == "report":
            return {**update, GOTO: "report"}
        if not can_ask:
            raise
        return {**update, GOTO: "ask"}
    except (AuthError, Refused, InvalidInput, RateLimited, NotFound) as error:
        # Refused on the first attempt is certainly not placed; after an earlier one nobody knows.
        armed = state.get("armed") if state.get("rearmed") else None
        return {"error": error.as_dict(), "mode": None, "armed": armed, GOTO: "report"}
    yield Event({"type": "revox.placed", "call_id": placed.call_id, "intent_id": placed.intent_id,
                 "adopted": placed.adopted, "status": placed.call.get("status")})  # fmt: skip
    notes = [
        *state["notes"],
        *(
            ["The order of an earlier run was found; nothing rang again."]
            if placed.adopted and not placed.notes
            else []
        ),
    ]
    return {
        "call_id": placed.call_id,
        "adopted": placed.adopted,
        "watch": Watch(call_id=placed.call_id).model_dump(),
        "notes": notes,
        "warnings": [*state["warnings"], *placed.notes],
        "error": None,
        "mode": None,
        GOTO: "wait",
    }


def unknown_question(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a person is asked when a call may or may not have been placed."""
    error, number = state.get("error") or {}, state["wish"]["phone_number"]
    return {
        "type": "revox.placement_unknown",
        "message": f"A call to {number} may have been placed. {error.get('message', '')}".strip(),
        "phone_number": number,
        "intent_id": state["intent_mark"]["intent_id"],
        "options": {
            "look_again": "Search for the order once more; dials nothing.",
            "dial": "Place the call now. If the first one was placed after all, the phone rings twice.",
            "give_up": "End the run; recover(intent_id, phone_number) still finds the order later.",
        },
    }


def wait(state: Mapping[str, Any], settings: Settings) -> Flow[Update]:
    """Watch the order for one slice."""
    seen = yield from watch(Watch(**(state["watch"] or {})), settings.wait, slice_s=settings.wait.slice_s)
    goes_on = seen.stopped in ("slice", "drain")
    return {"watch": seen.model_dump(), GOTO: "wait" if goes_on else "report"}


def report(state: Mapping[str, Any], settings: Settings) -> Flow[Update]:
    """Say what became of the call. The transcript enters the state here, once."""
    error = state.get("error")
    spoken = state.get("spoken") or {}
    seen = Watch(**state["watch"]) if state.get("watch") else None
    base: Update = {
        "call_id": state.get("call_id"), "intent_id": state.get("intent_id"), "adopted": bool(state.get("adopted")),
        "assistant_id": spoken.get("assistant_id"), "language": spoken.get("language"), "voice": state.get("voice"),
        "disposition": None, "outcome": None, "outcome_summary": None, "transcript": [], "structured_output": None,
        "recording_url": None, "attempts": [], "notes": state.get("notes") or [],
        "warnings": state.get("warnings") or [], "error": error,
    }  # fmt: skip
    if seen is None:
        status = {"placement_unknown": "unknown", "given_up": "given_up"}.get((error or {}).get("code", ""), "refused")
        yield Event({"type": "revox.report", "status": status, "call_id": None, "code": (error or {}).get("code")})
        return {**base, "status": status}
    order = (yield GetCall(call_id=seen.call_id))["call"]
    if spoken.get("wants_output"):
        order = yield from settled_result(order, settings.wait)
    result = CallResult.from_call(order)
    warnings = list(base["warnings"])
    if result.ended and spoken.get("wants_output") and result.structured_output is None:
        warnings.append("Structured output was asked for, and none came.")
    if result.misfits:
        warnings.append(f"Structured output does not fit what was asked for: {'; '.join(result.misfits)}.")
    out = result.as_output()
    yield Event({"type": "revox.report", "call_id": seen.call_id, **{k: out[k] for k in ("status", "disposition")}})
    return {
        **base,
        **out,
        "error": None if result.ended else _still_running(seen).as_dict(),
        "warnings": warnings,
    }


def _voice_for(voices: list[dict[str, Any]], preferences: Mapping[str, Any], language: ResolvedLanguage) -> ChosenVoice:
    provider = preferences.get("provider")
    if preferences.get("voice_id"):
        return voice_by_id(voices, preferences["voice_id"], language, provider)
    return choose_voice(voices, language, preferences.get("accent"), preferences.get("gender"), provider)


def _voice_of_assistant(wish: Mapping[str, Any], settings: Settings) -> Flow[Update]:
    assistant = yield Recent(GetAssistant(assistant_id=wish["assistant_id"]), max_age_s=60)
    cost = Cost.of(assistant)
    for name, asked, has in (
        ("max_attempts", wish["max_attempts"], cost.attempts),
        ("max_call_duration_s", wish["max_call_duration_s"], cost.call_duration_s),
    ):
        if asked is not None and has > asked:
            raise InvalidInput(
                f"{name}={asked} cannot be kept: the assistant's own limit is {has:g}, and a call cannot lower it.",
                next_step="Lower it in the assistant (revox_update_assistant), or leave it out.",
            )
    held = assistant.get("voice") or {}
    voice: dict[str, Any] | None = None
    if held.get("id"):
        voices = (yield Recent(ListVoices(), max_age_s=600))["voices"]
        listed: dict[str, Any] = next(
            (v for v in voices if (v["id"], v["provider"]) == (held["id"], held.get("provider"))), {}
        )
        voice = {
            key: listed.get(key, held.get(key)) for key in ("id", "provider", "name", "language", "accent", "gender")
        }
    try:
        warnings = list(
            check_words(
                settings.guard.policy,
                assistant.get("prompt") or None,
                assistant.get("first_sentence"),
                wish["prompt_variables"] or {},
            )
        )
    except Refused as error:
        return {"error": error.as_dict(), "voice": voice, GOTO: "report"}
    spoken = {
        "language": (voice or {}).get("language"),
        "assistant_id": wish["assistant_id"],
        "cost": cost.model_dump(),
        "wants_output": bool(assistant.get("structured_output_config")),
    }
    return {"spoken": spoken, "voice": voice, "warnings": warnings, GOTO: "ensure_assistant"}


def _assistant_settings(wish: Mapping[str, Any], voice: ChosenVoice) -> dict[str, Any]:
    """The assistant's configuration besides its prompt, as flat arguments."""
    settings: dict[str, Any] = {"voice_id": voice.id, "voice_provider": voice.provider}
    if voice.model is not None:
        settings["voice"] = {"model": voice.model}
    if wish["first_sentence"]:
        settings |= {"first_sentence": wish["first_sentence"], "first_sentence_mode": "static"}
    if wish["structured_output_schema"] is not None:
        settings["structured_output_config"] = config_from_schema(wish["structured_output_schema"])
    if wish["max_call_duration_s"] is not None:
        settings["max_call_duration_secs"] = wish["max_call_duration_s"]
    if wish["max_attempts"] is not None:
        settings["call_retry_config"] = {**DEFAULT_RETRIES, "max_retry_attempts": wish["max_attempts"]}
    return settings


def _order(state: Mapping[str, Any], settings: Settings) -> Order:
    wish, spoken, intent = state["wish"], state["spoken"], state["intent_mark"]
    common = {
        name: wish[name]
        for name in ("phone_number", "prompt_variables", "metadata", "skip_calling_window", "from_phone_number",
                     "concurrency_key")
    }  # fmt: skip
    if spoken.get("assistant_id"):
        who: dict[str, Any] = {"assistant_id": spoken["assistant_id"]}
    else:
        flat = {k: v for k, v in spoken["settings"].items() if k in MakeCall.model_fields}
        rest = {k: v for k, v in spoken["settings"].items() if k not in flat}
        who = {"prompt": wish["prompt"], **flat, "settings": rest or None}
    request = MakeCall(**common, **who, scheduled_at=as_moment(wish["scheduled_at"]))
    return Order(request, Intent(**intent), scope=state.get("scope") or "process", cost=Cost(**spoken["cost"]))


def _still_running(seen: Watch) -> RevoxToolError:
    return RevoxToolError(
        f"The call is {seen.status} after {seen.waited_s:.0f} s of waiting; it goes on.",
        code="still_running",
        next_step=f"Invoke the thread again, or watch call {seen.call_id} (`revox-langchain watch`).",
        retry_safe=True,
    )


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
