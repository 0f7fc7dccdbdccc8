"""Voices: which ones are listed, and whether one can say what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.voices import VOICES_MAX_AGE_S, settle_voice
from revox_langchain.errors import NoVoice, near
from revox_langchain.flow import Flow, Recent
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.ranking import accents_of, check_gender
from revox_langchain.speech.voice import filter_voices, model_needed

SpokenT = TypeVar("SpokenT", MakeCall, CreateAssistant, UpdateAssistant)


@flow_of.register
def list_voices(request: ListVoices, context: Context) -> Flow[JsonObject]:
    """List the voices that fit; `languages` says which ones there are at all."""
    # Always read anew, and kept for whoever chooses a voice next. Revox does not filter.
    answer: JsonObject = yield Recent(ListVoices(), max_age_s=-1)
    wanted = (request.language, request.accent, request.gender)
    if not any(wanted):
        return answer
    check_gender(request.gender, answer["voices"])
    # Filtering here and not in `render` gives a program that reads the JSON what a model sees.
    languages = sorted({voice["language"] for voice in answer["voices"]})
    found = filter_voices(answer["voices"], *wanted)
    if request.accent and not found:
        _refuse_accent(request, filter_voices(answer["voices"], request.language, None, request.gender))
    if request.gender and not found:
        _refuse_gender(request, filter_voices(answer["voices"], request.language, request.accent))
    return {**answer, "voices": found, "languages": languages}


def _refuse_accent(request: ListVoices, without: list[JsonObject]) -> None:
    """Refuse an accent that none of the voices has which fit otherwise; if there are none, it is not the accent."""
    accents = accents_of(without)
    if without:
        raise NoVoice(
            f"No voice has the accent {request.accent!r}{near(str(request.accent).casefold(), accents)}",
            code="no_voice",
            next_step=f"Leave accent out, or give one of {', '.join(accents) or 'none'}.",
        )


def _refuse_gender(request: ListVoices, without: list[JsonObject]) -> None:
    """Refuse a gender that none of the voices has which fit otherwise."""
    genders = sorted({str(voice["gender"]) for voice in without if voice.get("gender")})
    if without:
        raise NoVoice(
            f"No voice has the gender {request.gender!r} there",
            code="no_voice",
            next_step=f"Leave gender out: {len(without)} voices fit without it"
            + (f" ({', '.join(genders)})." if genders else "."),
        )


def with_voice(
    request: SpokenT, policy: DialPolicy, stored: Mapping[str, object] | None = None
) -> Flow[tuple[SpokenT, tuple[str, ...]]]:
    """Check that the voice can speak what the request has it say; without a voice, choose one that does.

    Args:
        request: Makes an assistant, or changes one.
        policy: What to do about a voice that does not fit.
        stored: The assistant it changes: what is said is what the change makes of it.

    Returns:
        The request to send, with a voice and with the model it needs, and notes for whoever reads the answer.

    Raises:
        Refused: As `settle_voice` says.
    """
    body = request.wire().body or {}
    written = (body.get("assistant") or {}) if isinstance(request, MakeCall) else body
    phone = request.phone_number if isinstance(request, MakeCall) else None
    voice = yield from _voice_after(request.language, stored or {}, written)
    configuration = {**(stored or {}), **written, "voice": voice}
    chosen, notes = yield from settle_voice(policy, configuration, request.language, phone)
    if chosen is None:
        return (yield from _with_voice_model(request)), notes
    model = {"model": chosen.model} if chosen.model else {}
    return _with(request, {"id": chosen.id, "provider": chosen.provider, **model}), notes


def _with(request: SpokenT, voice: Mapping[str, str]) -> SpokenT:
    settings = request.settings or {}
    rest = {**_mapping(settings.get("voice")), **voice}
    changed: JsonObject = {"voice_id": voice["id"], "voice_provider": voice["provider"]}
    # The fields hold these two; the rest of a voice has its place among the settings.
    more = {name: value for name, value in rest.items() if name not in ("id", "provider")}
    if more:
        changed["settings"] = {**settings, "voice": more}
    return request.model_copy(update=changed)


def _voice_after(
    language: str | None, stored: Mapping[str, object], written: Mapping[str, object]
) -> Flow[Mapping[str, object]]:
    """The voice an assistant has after a change; without an id where the change leaves the choice to us."""
    held, given = _mapping(stored.get("voice")), _mapping(written.get("voice"))
    # A new voice does not inherit the model of the one before.
    if given.get("id") or not held.get("id"):
        return given or held
    if language is not None:
        voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
        if held["id"] not in {voice["id"] for voice in filter_voices(voices, language)}:
            return given
    return {**held, **given}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _with_voice_model(request: SpokenT) -> Flow[SpokenT]:
    """Name the model a voice needs where it is not Revox's default: without it the voice cannot speak."""
    settings = request.settings or {}
    voice = _mapping(settings.get("voice"))
    wanted = (request.voice_id or voice.get("id"), request.voice_provider or voice.get("provider"))
    if wanted[0] is None or voice.get("model"):
        return request
    voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
    model = next((model_needed(v) for v in voices if (v.get("id"), v.get("provider")) == wanted), None)
    if model is None:
        return request
    return request.model_copy(update={"settings": {**settings, "voice": {**voice, "model": model}}})
