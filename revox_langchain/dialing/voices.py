"""Who speaks: one rule for graphs, tools, MCP and campaigns.

Without a voice Revox takes an American English one, whatever it is to read. So a voice that fits is chosen where the
language is certain, and where it is not, the order is refused until someone says which language it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.words import check_voice, judged
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Flow, Recent, Work
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.language import ResolvedLanguage, language_name, resolve_language
from revox_langchain.speech.prompts import PromptNote, check_length
from revox_langchain.speech.typical import typical_of
from revox_langchain.speech.voice import ChosenVoice, choose_voice, voice_by_id

VOICES_MAX_AGE_S = 600.0
"""How old a list of voices may be that a voice is chosen from."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What will be said, as far as it decides who can say it.

    Attributes:
        prompt: What the assistant is told.
        first_sentence: What it says first.
        language: Language that was asked for; it always wins over the text.
        phone: Number to be called; it may settle a doubt, and chooses the accent.
    """

    prompt: str | None
    first_sentence: str | None = None
    language: str | None = None
    phone: str | None = None

    @classmethod
    def of(cls, configuration: Mapping[str, object], language: str | None, phone: str | None = None) -> Speech:
        """Read it from an assistant's configuration."""
        return cls(_text(configuration, "prompt"), _text(configuration, "first_sentence"), language, phone)

    def resolved(self) -> ResolvedLanguage:
        """Find the language; `check` loads the detector, so this belongs in a thread.

        Raises:
            InvalidInput: It is unknown, unsupported, uncertain or ambiguous, or the text is too long to tell.
        """
        check_length(self.prompt, "prompt")
        check_length(self.first_sentence, "first_sentence")
        return resolve_language(
            self.language, first_sentence=self.first_sentence, prompt=self.prompt, phone=self.phone, check=True
        )


def choose_speaker(speech: Speech, preferences: Mapping[str, str | None]) -> Flow[tuple[ResolvedLanguage, ChosenVoice]]:
    """Find the language, and the voice that speaks it best.

    Args:
        speech: What will be said.
        preferences: `voice_id`, `provider`, `accent`, `gender` and `model`, each of them optional.

    Raises:
        InvalidInput: The language is unknown, unsupported, uncertain or ambiguous.
        NoVoice: No voice of the catalogue fits.
    """
    language: ResolvedLanguage = yield Work(speech.resolved)
    voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
    chosen: ChosenVoice = yield Work(partial(_voice_for, voices, preferences, language))
    return language, chosen


def settle_voice(
    policy: DialPolicy, configuration: Mapping[str, object], language: str | None, phone: str | None = None
) -> Flow[tuple[ChosenVoice | None, tuple[str, ...]]]:
    """Apply the rule to an assistant's configuration: check its voice, or choose one.

    Args:
        policy: `voice_mismatch` says what to do about a voice that does not fit; `off` refuses nothing.
        configuration: The assistant as it will speak, by Revox's names.
        language: Language that was asked for, if any.
        phone: Number to be called, if it is known.

    Returns:
        The voice that was chosen, None if there is one already or none is needed; and notes, one sentence each.

    Raises:
        Refused: No voice was given and the language is uncertain, ambiguous or unsupported, or the policy refuses
            the voice that was given.
    """
    speech = Speech.of(configuration, language, phone)
    if speech.prompt is None or _speaks_itself(configuration):
        return None, ()
    voice = configuration.get("voice")
    held = {name: _text(voice, name) for name in ("id", "provider", "model")} if isinstance(voice, Mapping) else {}
    if held.get("id"):
        return None, (yield from _check_given(policy, speech, held))
    try:
        wanted = {"provider": held.get("provider"), "model": held.get("model")}
        resolved, chosen = yield from choose_speaker(speech, wanted)
    except InvalidInput as error:
        if policy.voice_mismatch == "off":
            return None, ()
        raise _refused(error) from None
    said = f"Voice {chosen.name} ({chosen.provider}:{chosen.id}) was chosen for {language_name(resolved.tag)}."
    return chosen, (said, *resolved.notes, *chosen.notes)


def refuse_default_voice(policy: DialPolicy, configuration: Mapping[str, object]) -> Flow[None]:
    """Refuse an assistant that would be read by Revox's default voice, an American English one, in another language.

    Where a request makes or changes an assistant, `settle_voice` gives it a voice; this is for one that was stored.

    Raises:
        Refused: With code `voice_missing`.
    """
    speech = Speech.of(configuration, None)
    if policy.voice_mismatch == "off" or speech.prompt is None or _speaks_itself(configuration):
        return
    voice = configuration.get("voice")
    if isinstance(voice, Mapping) and voice.get("id"):
        return
    if typical_of(speech.prompt) == ("en", True):
        return
    try:
        language = (yield Work(speech.resolved)).language
    except InvalidInput:
        return
    if language != "en":
        raise Refused(
            f"The prompt is {language_name(language)}; without a voice an American English one would read it.",
            code="voice_missing",
            next_step=f"Give the assistant a voice: revox_update_assistant with language={language!r}.",
        )


def _speaks_itself(configuration: Mapping[str, object]) -> bool:
    """Whether a realtime model speaks, in any language, so that no voice matters."""
    model = configuration.get("llm_model")
    return isinstance(model, Mapping) and model.get("type") == "realtime"


def _check_given(policy: DialPolicy, speech: Speech, held: Mapping[str, str | None]) -> Flow[tuple[str, ...]]:
    if policy.voice_mismatch == "off":
        return ()
    voices = (yield Recent(ListVoices(), max_age_s=VOICES_MAX_AGE_S))["voices"]
    voice_id, provider = held["id"], held["provider"]
    spoken = {v["language"] for v in voices if v["id"] == voice_id and provider in (None, v["provider"])}
    try:
        resolved: ResolvedLanguage = yield Work(speech.resolved)
    except InvalidInput as error:
        if not spoken or spoken == _only_candidate(error):
            return ()
        return judged(policy.voice_mismatch, [PromptNote(error.code, error.message, error.next_step)])
    notes = () if speech.language is None else resolved.notes
    subject = "The prompt" if speech.language is None else "The language asked for"
    return (*notes, *check_voice(policy, str(voice_id), spoken, resolved.language, subject))


def _only_candidate(error: InvalidInput) -> set[str]:
    """The one language a doubtful text seems to be in, or one that is certain but that few voices speak."""
    candidates = error.details.get("candidates") or [error.details.get("language")]
    return set(candidates) if len(candidates) == 1 else set()


def _refused(error: InvalidInput) -> Refused:
    return Refused(error.message, code=error.code, next_step=error.next_step, details=dict(error.details))


def _voice_for(
    voices: list[JsonObject], preferences: Mapping[str, str | None], language: ResolvedLanguage
) -> ChosenVoice:
    provider, voice_id = preferences.get("provider"), preferences.get("voice_id")
    if voice_id:
        return voice_by_id(voices, voice_id, language, provider)
    accent, gender = preferences.get("accent"), preferences.get("gender")
    return choose_voice(voices, language, accent, gender, provider, model=preferences.get("model"))


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value.strip() else None
