"""Voices: which ones are listed, and whether one can say what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.words import check_prompt
from revox_langchain.flow import Flow, Recent
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.voice import filter_voices, model_needed

SpokenT = TypeVar("SpokenT", MakeCall, CreateAssistant)


@flow_of.register
def list_voices(request: ListVoices, context: Context) -> Flow[JsonObject]:
    """List the voices that fit; `languages` says which ones there are at all."""
    answer: JsonObject = yield request
    wanted = (request.language, request.accent, request.gender)
    if not any(wanted):
        return answer
    # Revox does not filter. Filtering here and not in `render` gives a program that reads the JSON what a model sees.
    languages = sorted({voice["language"] for voice in answer["voices"]})
    return {**answer, "voices": filter_voices(answer["voices"], *wanted), "languages": languages}


def check_speech(
    request: SpokenT, policy: DialPolicy, prompt_variables: Mapping[str, str] | None, *, variables_known: bool = True
) -> Flow[tuple[SpokenT, tuple[str, ...]]]:
    """Check that the voice can speak the prompt, and name the voice's model where it must be named.

    Returns:
        The request to send, and notes for whoever reads the answer.
    """
    if request.prompt is None:
        return request, ()
    settings = request.settings or {}
    notes = yield from check_prompt(
        policy,
        request.prompt,
        first_sentence=request.first_sentence,
        prompt_variables=prompt_variables,
        voice_id=request.voice_id or (settings.get("voice") or {}).get("id"),
        voice_provider=request.voice_provider,
        speaks_itself=(settings.get("llm_model") or {}).get("type") == "realtime",
        variables_known=variables_known,
    )
    return (yield from _with_voice_model(request)), notes


def _with_voice_model(request: SpokenT) -> Flow[SpokenT]:
    """Name the model a voice needs where it is not Revox's default: without it the voice cannot speak."""
    settings = request.settings or {}
    voice = settings.get("voice") or {}
    if request.voice_id is None or voice.get("model"):
        return request
    voices = (yield Recent(ListVoices(), max_age_s=600))["voices"]
    wanted = (request.voice_id, request.voice_provider)
    model = next((model_needed(v) for v in voices if (v.get("id"), v.get("provider")) == wanted), None)
    if model is None:
        return request
    return request.model_copy(update={"settings": {**settings, "voice": {**voice, "model": model}}})
