"""Which voice speaks: one of the call's language, then the nearest accent and gender.

The language is never traded for anything. Accents are ordered as they sound, by a short table of
neighbours and otherwise by the distance of the regions in CLDR. The order is total: the same
catalogue gives the same voice, however it is sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from revox_langchain.errors import InvalidInput, NoVoice, near
from revox_langchain.speech.accents import distance, region_of, same_accent
from revox_langchain.speech.language import ResolvedLanguage, parse_language
from revox_langchain.speech.names import LANGUAGE_NAMES, fold, names_data

Voice = Mapping[str, Any]
DEFAULT_MODEL = "sonic-3"


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """A voice, and why it was chosen.

    Attributes:
        accent_matched: False if an accent was asked for that this voice does not have.
        why: One line for each thing that counted, in the order in which they count.
        notes: Sentences worth showing to whoever asked.
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

    def as_dict(self) -> dict[str, Any]:
        """Say in plain JSON which voice it is."""
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
        cloned: False leaves out cloned voices (a person's voice is not taken unasked), True takes
            only those, None takes both.
        model: Cartesia model the voice must work with; left out, any, and the result says which it needs.
        priority: Voice ids to prefer among equals, higher first.
        strict_gender: Refuse instead of taking another gender.
        strict_accent: Refuse instead of taking another accent (or, without `accent`, region).

    Raises:
        NoVoice: The catalogue has none of the kind.
        UnsupportedLanguage: No voice speaks the language.
        UnknownLanguage: `language` names none.
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
    wanted = _wish(language, accent, gender)
    fitting = _fitting(list(voices), wanted, provider, cloned, model)
    fitting = _strictly(fitting, wanted, strict_gender, strict_accent)
    accents = _accents_of(fitting)
    order = sorted(fitting, key=lambda voice: _key(voice, wanted, priority or {}))
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
    voice = min(found, key=_dump)
    notes = []
    asked = parse_language(language) if isinstance(language, str) else language
    if asked and asked.language != _spoken_by(voice):
        notes.append(
            f"The voice {_text(voice, 'name')!r} speaks {_name(_spoken_by(voice))}, but the call is in "
            f"{_name(asked.language)}: the text will sound wrong."
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
) -> list[dict[str, Any]]:
    """Keep the voices that match exactly, in their order, for tables.

    Raises:
        UnknownLanguage: `language` names none.
        UnsupportedLanguage: No voice speaks it.
    """
    spoken = parse_language(language) if isinstance(language, str) else language
    wanted = _Wish(spoken.language if spoken else "", None, _none_if_blank(accent), _none_if_blank(gender))
    return [
        dict(voice)
        for voice in voices
        if (spoken is None or _spoken_by(voice) == spoken.language)
        and (wanted.accent is None or _has_accent(voice, wanted))
        and _gender_rank(voice, wanted) == 0
    ]


@dataclass(frozen=True, slots=True)
class _Wish:
    language: str
    region: str | None
    accent: str | None
    gender: str | None


_GENDERS = {
    "f": "female",
    "woman": "female",
    "feminine": "female",
    "m": "male",
    "man": "male",
    "masculine": "male",
}
_WIDE_REGIONS = ("001", "150")


def _wish(language: str | ResolvedLanguage, accent: str | None, gender: str | None) -> _Wish:
    from langcodes import Language

    found = parse_language(language) if isinstance(language, str) else language
    region = found.region if found.region not in _WIDE_REGIONS else None
    if region is None and Language.get(found.tag).script == "Hant":
        region = "TW"
    asked = _none_if_blank(accent)
    region = region or (region_of(found.language, asked) if asked else None)
    return _Wish(found.language, region, asked, _none_if_blank(gender))


def _none_if_blank(text: str | None) -> str | None:
    return fold(text) or None if text else None


def _fitting(
    known: list[Voice], wanted: _Wish, provider: str | None, cloned: bool | None, model: str | None
) -> list[Voice]:
    """Apply the hard filters one after the other, so that the error can say which one left nothing."""
    speaking = [voice for voice in known if _spoken_by(voice) == wanted.language]
    if not speaking:
        there = sorted({_spoken_by(voice) for voice in known} & set(LANGUAGE_NAMES))
        raise _none_left(
            f"The catalogue has no voice that speaks {_name(wanted.language)}",
            ", ".join(f"{_name(code)} ({code})" for code in there),
            "Choose one of these languages, or clone a voice of the language.",
        )
    if provider:
        of_provider = [v for v in speaking if _text(v, "provider").casefold() == provider.strip().casefold()]
        if not of_provider:
            providers = sorted({_text(voice, "provider") for voice in speaking})
            raise _none_left(
                f"{provider} has no voice that speaks {_name(wanted.language)}",
                ", ".join(providers),
                f'Leave the provider out, or pass provider="{providers[0]}".',
            )
        speaking = of_provider
    if cloned is not None:
        of_kind = [voice for voice in speaking if bool(voice.get("isCloned")) == cloned]
        if not of_kind:
            raise _none_left(
                f"No {'cloned' if cloned else 'preset'} voice speaks {_name(wanted.language)}",
                ", ".join(sorted(_text(voice, "name") for voice in speaking)),
                "Pass cloned=None to take either kind.",
            )
        speaking = of_kind
    working = [v for v in speaking if model is None or v.get("modelCompat") in (None, "universal", model)]
    if not working:
        models = sorted({_text(voice, "modelCompat") for voice in speaking})
        raise _none_left(
            f"No voice that speaks {_name(wanted.language)} works with the model {model}",
            ", ".join(models),
            f'Pass model="{models[0]}".',
        )
    return working


def _strictly(fitting: list[Voice], wanted: _Wish, gender: bool, accent: bool) -> list[Voice]:
    """Turn the wishes for a gender and an accent into filters, if they are to be."""
    if gender and wanted.gender:
        exact = [voice for voice in fitting if _gender_rank(voice, wanted) == 0]
        there = sorted({_text(voice, "gender") for voice in fitting} - {""})
        fitting = exact or _refuse_strictly(f"gender {wanted.gender!r}", there, "strict_gender")
    if accent and (wanted.accent or wanted.region):
        asked = repr(wanted.accent) if wanted.accent else f"of {_place(wanted.region)}"
        exact = [
            voice
            for voice in fitting
            if (_has_accent(voice, wanted) if wanted.accent else _region_rank(voice, wanted)[0] == 0)
        ]
        fitting = exact or _refuse_strictly(f"accent {asked}", _accents_of(fitting), "strict_accent")
    return fitting


def _refuse_strictly(what: str, there: list[str], argument: str) -> NoReturn:
    raise _none_left(
        f"No voice has the {what}",
        ", ".join(there),
        f"Ask for one of these, or leave out {argument} to take the nearest.",
    )


def _accents_of(voices: list[Voice]) -> list[str]:
    return sorted({_text(voice, "accent") for voice in voices} - {""})


def _none_left(message: str, there: str, next_step: str) -> NoVoice:
    return NoVoice(f"{message}; there is {there or 'none at all'}.", code="no_voice", next_step=next_step)


def _unknown_id(known: list[Voice], voice_id: str, provider: str | None) -> NoVoice:
    named = [v for v in known if _text(v, "name").casefold() == str(voice_id).strip().casefold()]
    if named:
        resembling = f"; it is the name of {_text(named[0], 'id')!r}."
    else:
        resembling = near(str(voice_id), [_text(v, "id") for v in known] + [_text(v, "name") for v in known])
    where = f" at {provider}" if provider else ""
    return NoVoice(
        f"No voice has the id {voice_id!r}{where}{resembling}",
        code="no_voice",
        next_step="List the voices and pass the id of one.",
    )


def _key(voice: Voice, wanted: _Wish, priority: Mapping[str, float]) -> tuple[Any, ...]:
    return (
        int(bool(wanted.accent) and not _has_accent(voice, wanted)),
        _gender_rank(voice, wanted),
        _region_rank(voice, wanted),
        -priority.get(_text(voice, "id"), 0.0),
        _text(voice, "id"),
        _text(voice, "provider"),
        _dump(voice),
    )


def _has_accent(voice: Voice, wanted: _Wish) -> bool:
    return same_accent(_spoken_by(voice), _text(voice, "accent"), wanted.accent or "")


def _region_rank(voice: Voice, wanted: _Wish) -> tuple[int, int]:
    return distance(wanted.language, wanted.region, _text(voice, "accent"))


def _gender_rank(voice: Voice, wanted: _Wish) -> int:
    if not wanted.gender:
        return 0
    has, asked = fold(_text(voice, "gender")), _GENDERS.get(wanted.gender, wanted.gender)
    if not has:
        return 1
    return 0 if _GENDERS.get(has, has) == asked else 2


def _chosen(voice: Voice, wanted: _Wish, accents: list[str]) -> ChosenVoice:
    matched = not wanted.accent or _has_accent(voice, wanted)
    why = [f"speaks {_name(wanted.language)}"]
    notes = []
    accent = _text(voice, "accent") or "no particular accent"
    if wanted.accent and matched:
        why.append(f"has the accent asked for: {accent}")
    elif wanted.accent:
        known = "" if region_of(wanted.language, wanted.accent) else " (and it is not known where that is spoken)"
        notes.append(
            f"No voice fits the accent {wanted.accent!r}{known}; {_name(wanted.language)} voices have "
            f"{', '.join(accents) or 'no particular accent'}."
        )
    if wanted.gender:
        why.append(
            (f"is {wanted.gender}, as asked", "does not state its gender", f"is {_text(voice, 'gender')}")[
                _gender_rank(voice, wanted)
            ]
        )
        if _gender_rank(voice, wanted) == 2:
            notes.append(f"This voice is {_text(voice, 'gender')}, not {wanted.gender}.")
    why.append(_why_region(voice, wanted, accent))
    return _build(voice, matched, tuple(why), tuple(notes))


def _why_region(voice: Voice, wanted: _Wish, accent: str) -> str:
    rank = _region_rank(voice, wanted)[0]
    if wanted.region is None:
        reasons = {
            0: f"has {accent}, and no region was asked for",
            1: f"has the most common accent: {accent}",
        }
        return reasons.get(rank, f"has another accent than the most common one: {accent}")
    place = _place(wanted.region)
    reasons = {
        0: f"sounds like {place}: {accent}",
        1: f"sounds nearest to {place}: {accent}",
        2: f"sounds Latin American, like {place}: {accent}",
        3: f"has no particular accent, which suits {place}",
    }
    return reasons.get(rank, f"is at a distance from {place}: {accent}")


def _place(region: str | None) -> str:
    return str(names_data()["english_territories"].get(region, region))


def _build(voice: Voice, matched: bool, why: tuple[str, ...], notes: tuple[str, ...]) -> ChosenVoice:
    return ChosenVoice(
        id=_text(voice, "id"),
        provider=_text(voice, "provider"),
        name=_text(voice, "name"),
        language=_spoken_by(voice),
        accent=_text(voice, "accent") or None,
        gender=_text(voice, "gender") or None,
        accent_matched=matched,
        why=why,
        notes=notes,
        model=model_needed(voice),
    )


def _spoken_by(voice: Voice) -> str:
    return _text(voice, "language").replace("_", "-").split("-")[0].lower()


def _text(voice: Voice, field: str) -> str:
    return str(voice.get(field) or "")


def _dump(voice: Voice) -> str:
    return json.dumps(dict(voice), sort_keys=True, default=str)


def _name(language: str) -> str:
    return LANGUAGE_NAMES.get(language, language)
