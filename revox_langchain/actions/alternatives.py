"""Arguments that exclude each other, as models give them: they fill every optional field they see.

What is harmless is left out, and the result says so; what decides who talks, or with which voice, is refused with the
way on. Code that builds a request itself gets no such help: there the request refuses.
"""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.configuration import stored_assistant
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.voices import VOICES_MAX_AGE_S
from revox_langchain.errors import InvalidInput, NotFound
from revox_langchain.flow import Flow, Recent
from revox_langchain.operations.operation import Request
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.voice import voice_by_id

Notes = tuple[str, ...]

_NO_VALUE = ("default", "none", "null", "nil", "n/a", "undefined", "unspecified", "not specified", "string")
_NOW = ("now", "immediately", "asap", "as soon as possible")
_MAY_BE_LEFT_OUT = (
    "accent",
    "assistant_id",
    "first_sentence",
    "gender",
    "language",
    "prompt_variables",
    "repeat_of",
    "scheduled_at",
    "voice_id",
    "voice_provider",
)


def reconciled(
    request_type: type[Request], arguments: Mapping[str, object], policy: DialPolicy
) -> Flow[tuple[JsonObject, Notes]]:
    """Settle which of several arguments count.

    Args:
        request_type: What is asked for.
        arguments: By field name, as a model wrote them.
        policy: Where it refuses no voice, an unknown one goes through.

    Returns:
        The arguments that count, and a sentence on each that was left out or taken from elsewhere.

    Raises:
        InvalidInput: Two alternatives were given and both could be meant, or a voice id is ambiguous.
        NoVoice: There is no voice with this id.
    """
    given, dropped = _without_placeholders(request_type, arguments)
    given, unknown = yield from _prompt_or_assistant(request_type, given)
    given, ignored = _without_language(request_type, given)
    given, voice = yield from _voice_and_provider(request_type, given, policy)
    return given, (*dropped, *unknown, *ignored, *voice)


def _without_placeholders(request_type: type[Request], arguments: Mapping[str, object]) -> tuple[JsonObject, Notes]:
    given = dict(arguments)
    notes = []
    for name in _MAY_BE_LEFT_OUT:
        field, value = request_type.model_fields.get(name), given.get(name)
        if field is None or field.is_required() or not isinstance(value, str):
            continue
        word = value.strip().strip("<>{}[]\"'").casefold()
        if word in _NO_VALUE or (name == "scheduled_at" and word in _NOW):
            del given[name]
            notes.append(f"{name} was left out: {word} is no value for it.")
    return given, tuple(notes)


def _prompt_or_assistant(request_type: type[Request], given: JsonObject) -> Flow[tuple[JsonObject, Notes]]:
    """Take the prompt where the assistant beside it does not exist; where it does, both could be meant."""
    if not set(request_type.view.one_of) or not all(_shown(request_type, given, name) for name in _TALKS):
        return given, ()
    assistant_id = str(given["assistant_id"])
    try:
        yield from stored_assistant(assistant_id)
    except (NotFound, InvalidInput):
        return _without(given, "assistant_id"), (f"The prompt was used: there is no assistant {assistant_id[:60]!r}.",)
    raise InvalidInput(
        f"{request_type.spec.name}: assistant_id: both were given; leave assistant_id out to have the prompt used.",
        next_step="Send the same call again without assistant_id; nothing was placed.",
        details={"fields": list(_TALKS)},
    )


_TALKS = ("prompt", "assistant_id")


def _without_language(request_type: type[Request], given: JsonObject) -> tuple[JsonObject, Notes]:
    excluded = request_type.view.excludes.get("assistant_id", ())
    if "language" not in excluded or not (_is_given(given, "assistant_id") and _shown(request_type, given, "language")):
        return given, ()
    return _without(given, "language"), ("language was ignored: the assistant has a voice of its own.",)


def _voice_and_provider(
    request_type: type[Request], given: JsonObject, policy: DialPolicy
) -> Flow[tuple[JsonObject, Notes]]:
    voiced = {"voice_id", "voice_provider", "prompt"} <= request_type.model_fields.keys()
    if not voiced or request_type.view.withheld & {"voice_id", "voice_provider"}:
        return given, ()
    voice_id, provider = given.get("voice_id") or None, given.get("voice_provider") or None
    if voice_id is None and provider is not None:
        note = "voice_provider was ignored: without voice_id it names no voice."
        return _without(given, "voice_provider"), (note,)
    if voice_id is None or (provider is not None and policy.voice_mismatch == "off"):
        return given, ()
    voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
    of_id = [voice for voice in voices if voice.get("id") == voice_id]
    if provider in {voice.get("provider") for voice in of_id}:
        return given, ()
    # Names those that are near, or the providers among which to choose.
    found = voice_by_id(voices, str(voice_id))
    note = f"voice_provider {found.provider} was taken, which has the voice {found.name}."
    return {**given, "voice_provider": found.provider}, (note,)


def _without(given: JsonObject, name: str) -> JsonObject:
    return {each: value for each, value in given.items() if each != name}


def _shown(request_type: type[Request], given: Mapping[str, object], name: str) -> bool:
    return name not in request_type.view.withheld and _is_given(given, name)


def _is_given(given: Mapping[str, object], name: str) -> bool:
    return given.get(name) not in (None, "")
