"""Which voice speaks: one of the call's language, then the nearest accent and gender.

The language always has to match. Accents are ordered as they sound, by a short table of neighbours and otherwise by the
distance of the regions in CLDR. The order is total: the same catalogue gives the same voice, however it is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, NoVoice, near
from revox_langchain.speech.accents import region_of
from revox_langchain.speech.language import ResolvedLanguage, parse_language
from revox_langchain.speech.ranking import (
    Voice,
    WantedVoice,
    accents_of,
    check_gender,
    dump,
    fitting_voices,
    folded,
    name_of,
    place_name,
    spoken_by,
    strictly_fitting,
    text_of,
)

DEFAULT_MODEL = "sonic-3"


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """A voice, and why it was chosen.

    Attributes:
        accent_matched: False if an accent was asked for that this voice does not have.
        why: One line for each thing that counted, in the order in which they count.
        notes: Sentences to show to the caller.
        model: The Cartesia model it has to be used with; None if Revox's default will do.
    """

    id: str
    provider: str
    name: str
    language: str
    accent: str | None
    gender: str | None
    accent_matched: bool
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model: str | None = None

    def as_dict(self) -> JsonObject:
        """Which voice it is, as plain JSON."""
        return {
            "id": self.id,
            "provider": self.provider,
            "name": self.name,
            "language": self.language,
            "accent": self.accent,
            "gender": self.gender,
        }


def choose_voice(
    voices: Iterable[Voice],
    language: str | ResolvedLanguage,
    accent: str | None = None,
    gender: str | None = None,
    provider: str | None = None,
    *,
    cloned: bool | None = False,
    model: str | None = None,
    priority: Mapping[str, float] | None = None,
    strict_gender: bool = False,
    strict_accent: bool = False,
) -> ChosenVoice:
    """Choose the best voice of a catalogue for a language.

    Args:
        voices: Items of `GET /voices`.
        language: Tag or name, or what `resolve_language` gave; its region chooses the accent.
        accent: Accent wanted, as the catalogue writes it (`quebec`, `british`).
        gender: Gender wanted, as the catalogue writes it.
        provider: Only voices of this provider.
        cloned: False leaves out cloned voices (a person's voice is used only on request), True takes
            only those, None takes both.
        model: Cartesia model the voice must work with; left out, any, and the result says which it needs.
        priority: Voice ids to prefer among equals, higher first.
        strict_gender: Refuse instead of taking another gender.
        strict_accent: Refuse instead of taking another accent (or, without `accent`, region).

    Raises:
        NoVoice: The catalogue has none of the kind.
        UnsupportedLanguage: No voice speaks the language.
        UnknownLanguage: `language` is not a known language.
        InvalidInput: `gender` is not one that voices have (code `unknown_gender`).
    """
    return rank_voices(
        voices,
        language,
        accent,
        gender,
        provider,
        cloned=cloned,
        model=model,
        priority=priority,
        strict_gender=strict_gender,
        strict_accent=strict_accent,
    )[0]


def rank_voices(
    voices: Iterable[Voice],
    language: str | ResolvedLanguage,
    accent: str | None = None,
    gender: str | None = None,
    provider: str | None = None,
    *,
    cloned: bool | None = False,
    model: str | None = None,
    priority: Mapping[str, float] | None = None,
    strict_gender: bool = False,
    strict_accent: bool = False,
) -> tuple[ChosenVoice, ...]:
    """List all voices that fit, best first; arguments and errors as for `choose_voice`."""
    known = list(voices)
    check_gender(gender, known)
    wanted = WantedVoice.of(language, accent, gender)
    fitting = fitting_voices(known, wanted, provider, cloned, model)
    fitting = strictly_fitting(fitting, wanted, gender=strict_gender, accent=strict_accent)
    accents = accents_of(fitting)
    order = sorted(fitting, key=lambda voice: wanted.key(voice, priority or {}))
    return tuple(_chosen(voice, wanted, accents) for voice in order)


def voice_by_id(
    voices: Iterable[Voice],
    voice_id: str,
    language: str | ResolvedLanguage | None = None,
    provider: str | None = None,
) -> ChosenVoice:
    """Find the voice that was asked for by its id and keep it, with a note if it speaks another language.

    Raises:
        NoVoice: No voice has this id.
        InvalidInput: Two providers have it (code `ambiguous_voice`).
    """
    known = list(voices)
    found = [v for v in known if v.get("id") == voice_id and provider in (None, v.get("provider"))]
    if not found:
        raise _unknown_id(known, voice_id, provider)
    providers = sorted({str(v.get("provider")) for v in found})
    if len(providers) > 1:
        raise InvalidInput(
            f"The voice id {voice_id!r} exists at {' and '.join(providers)}.",
            code="ambiguous_voice",
            next_step=f'Say which one, such as provider="{providers[0]}".',
        )
    # Should a catalogue list an id twice, every run has to pick the same entry.
    voice = min(found, key=dump)
    notes = []
    asked = parse_language(language) if isinstance(language, str) else language
    if asked and asked.language != spoken_by(voice):
        notes.append(
            f"The voice {text_of(voice, 'name')!r} speaks {name_of(spoken_by(voice))}, but the call is in "
            f"{name_of(asked.language)}: the text will sound wrong."
        )
    return _build(voice, True, ("asked for by its id",), tuple(notes))


def model_needed(voice: Voice) -> str | None:
    """The Cartesia model a voice has to be used with; None if Revox's default will do."""
    compatible = voice.get("modelCompat")
    return str(compatible) if compatible not in (None, "universal", DEFAULT_MODEL) else None


def filter_voices(
    voices: Iterable[Voice],
    language: str | ResolvedLanguage | None = None,
    accent: str | None = None,
    gender: str | None = None,
) -> list[JsonObject]:
    """Keep the voices that match exactly, in their order, for tables.

    Raises:
        UnknownLanguage: `language` is not a known language.
        UnsupportedLanguage: No voice speaks it.
    """
    spoken = parse_language(language) if isinstance(language, str) else language
    wanted = WantedVoice(spoken.language if spoken else "", None, folded(accent), folded(gender))
    return [
        dict(voice)
        for voice in voices
        if (spoken is None or spoken_by(voice) == spoken.language)
        and (wanted.accent is None or wanted.accent_fits(voice))
        and wanted.gender_rank(voice) == 0
    ]


def _unknown_id(known: list[Voice], voice_id: str, provider: str | None) -> NoVoice:
    named = [v for v in known if text_of(v, "name").casefold() == str(voice_id).strip().casefold()]
    if named:
        resembling = f"; it is the name of {text_of(named[0], 'id')!r}."
    else:
        resembling = near(str(voice_id), [text_of(v, "id") for v in known] + [text_of(v, "name") for v in known])
    where = f" at {provider}" if provider else ""
    return NoVoice(
        f"No voice has the id {voice_id!r}{where}{resembling}",
        code="no_voice",
        next_step="Send the same call again without voice_id and voice_provider, or use an id from revox_list_voices.",
    )


def _chosen(voice: Voice, wanted: WantedVoice, accents: list[str]) -> ChosenVoice:
    matched = not wanted.accent or wanted.accent_fits(voice)
    why = [f"speaks {name_of(wanted.language)}"]
    notes = []
    accent = text_of(voice, "accent") or "no particular accent"
    if wanted.accent and matched:
        why.append(f"has the accent asked for: {accent}")
    elif wanted.accent:
        known = "" if region_of(wanted.language, wanted.accent) else " (and it is not known where that is spoken)"
        notes.append(
            f"No voice fits the accent {wanted.accent!r}{known}; {name_of(wanted.language)} voices have "
            f"{', '.join(accents) or 'no particular accent'}."
        )
    if wanted.gender:
        rank, gender = wanted.gender_rank(voice), text_of(voice, "gender")
        why.append((f"is {wanted.gender}, as asked", "does not state its gender", f"is {gender}")[rank])
        if rank == 2:
            notes.append(f"This voice is {gender}, not {wanted.gender}.")
    why.append(_why_region(voice, wanted, accent))
    return _build(voice, matched, tuple(why), tuple(notes))


def _why_region(voice: Voice, wanted: WantedVoice, accent: str) -> str:
    rank = wanted.region_rank(voice)[0]
    if wanted.region is None:
        reasons = {
            0: f"has {accent}, and no region was asked for",
            1: f"has the most common accent: {accent}",
        }
        return reasons.get(rank, f"has another accent than the most common one: {accent}")
    place = place_name(wanted.region)
    reasons = {
        0: f"sounds like {place}: {accent}",
        1: f"sounds nearest to {place}: {accent}",
        2: f"sounds Latin American, like {place}: {accent}",
        3: f"has no particular accent, which suits {place}",
    }
    return reasons.get(rank, f"is at a distance from {place}: {accent}")


def _build(voice: Voice, matched: bool, why: tuple[str, ...], notes: tuple[str, ...]) -> ChosenVoice:
    return ChosenVoice(
        id=text_of(voice, "id"),
        provider=text_of(voice, "provider"),
        name=text_of(voice, "name"),
        language=spoken_by(voice),
        accent=text_of(voice, "accent") or None,
        gender=text_of(voice, "gender") or None,
        accent_matched=matched,
        why=why,
        notes=notes,
        model=model_needed(voice),
    )
