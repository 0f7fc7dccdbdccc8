"""Which voices of a catalogue fit what is wanted, and in which order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from revox_langchain.errors import InvalidInput, NoVoice, near
from revox_langchain.speech.accents import distance, region_of, same_accent
from revox_langchain.speech.language import ResolvedLanguage, parse_language
from revox_langchain.speech.names import LANGUAGE_NAMES, fold, names_data

Voice = Mapping[str, Any]
"""A voice as `GET /voices` lists it; nothing but its id is sure to be there."""

_GENDERS = {
    "f": "female",
    "woman": "female",
    "feminine": "female",
    "m": "male",
    "man": "male",
    "masculine": "male",
}
# "The world" and "Europe": tags such as en-001 are valid, but no accent belongs to them.
_WIDE_REGIONS = ("001", "150")


@dataclass(frozen=True, slots=True)
class WantedVoice:
    """What is asked of a voice.

    Attributes:
        language: Language it must speak.
        region: Region it should sound like, if any.
        accent: Accent it should have, folded, if any.
        gender: Gender it should have, folded, if any.
    """

    language: str
    region: str | None
    accent: str | None
    gender: str | None

    @classmethod
    def of(cls, language: str | ResolvedLanguage, accent: str | None, gender: str | None) -> WantedVoice:
        """Read what a caller asks for; the region comes from the language's tag, else from the accent."""
        from langcodes import Language

        found = parse_language(language) if isinstance(language, str) else language
        region = found.region if found.region not in _WIDE_REGIONS else None
        if region is None and Language.get(found.tag).script == "Hant":
            region = "TW"
        asked = folded(accent)
        region = region or (region_of(found.language, asked) if asked else None)
        return cls(found.language, region, asked, folded(gender))

    def accent_fits(self, voice: Voice) -> bool:
        """Whether a voice has exactly the accent."""
        return same_accent(spoken_by(voice), text_of(voice, "accent"), self.accent or "")

    def gender_rank(self, voice: Voice) -> int:
        """0 if a voice has the gender, 1 if it does not state one, 2 if it has another."""
        if not self.gender:
            return 0
        has = fold(text_of(voice, "gender"))
        if not has:
            return 1
        return 0 if _GENDERS.get(has, has) == _GENDERS.get(self.gender, self.gender) else 2

    def region_rank(self, voice: Voice) -> tuple[int, int]:
        """How far a voice sounds from the region, as `accents.distance` counts."""
        return distance(self.language, self.region, text_of(voice, "accent"))

    def key(self, voice: Voice, priority: Mapping[str, float]) -> tuple[object, ...]:
        """Sort key: the best voice is the smallest."""
        return (
            bool(self.accent) and not self.accent_fits(voice),
            self.gender_rank(voice),
            self.region_rank(voice),
            -priority.get(text_of(voice, "id"), 0.0),
            # From here on only so that the same catalogue, however it is sorted, gives the same voice.
            text_of(voice, "id"),
            text_of(voice, "provider"),
            dump(voice),
        )


def check_gender(gender: str | None, known: Iterable[Voice]) -> None:
    """See that a gender is one a voice can have.

    Raises:
        InvalidInput: It is not; code `unknown_gender`, with the nearest ones.
    """
    there = sorted({"female", "male", "neutral"} | {fold(text_of(voice, "gender")) for voice in known} - {""})
    asked = folded(gender)
    if asked is not None and asked not in (*there, *_GENDERS):
        raise InvalidInput(
            f"{gender!r} is not a gender that voices have{near(asked, there)}",
            code="unknown_gender",
            next_step=f"Leave gender out, or give one of {', '.join(there)}.",
        )


def named_gender(word: str) -> str:
    """Read a gender as voices have it.

    Raises:
        InvalidInput: It is none; code `unknown_gender`, with the nearest ones.
    """
    check_gender(word, ())
    asked = folded(word) or word
    return _GENDERS.get(asked, asked)


def fitting_voices(
    known: list[Voice], wanted: WantedVoice, provider: str | None, cloned: bool | None, model: str | None
) -> list[Voice]:
    """Apply the hard filters one after the other, so that the error can say which one left nothing.

    Raises:
        NoVoice: Nothing is left; says what there is instead.
    """
    voices = _speaking(known, wanted)
    if provider:
        voices = _of_provider(voices, wanted, provider)
    if cloned is not None:
        voices = _of_kind(voices, wanted, cloned)
    return voices if model is None else _working_with(voices, wanted, model)


def strictly_fitting(voices: list[Voice], wanted: WantedVoice, *, gender: bool, accent: bool) -> list[Voice]:
    """Filter by gender and accent, where these are more than preferences.

    Raises:
        NoVoice: Nothing is left; says what there is instead.
    """
    if gender and wanted.gender:
        exact = [voice for voice in voices if wanted.gender_rank(voice) == 0]
        if not exact:
            there = sorted({text_of(voice, "gender") for voice in voices} - {""})
            raise _too_strict(f"gender {wanted.gender!r}", there, "strict_gender")
        voices = exact
    if accent and (wanted.accent or wanted.region):
        exact = [
            voice
            for voice in voices
            if (wanted.accent_fits(voice) if wanted.accent else wanted.region_rank(voice)[0] == 0)
        ]
        if not exact:
            asked = repr(wanted.accent) if wanted.accent else f"of {place_name(wanted.region)}"
            raise _too_strict(f"accent {asked}", accents_of(voices), "strict_accent")
        voices = exact
    return voices


def accents_of(voices: Iterable[Voice]) -> list[str]:
    """The accents there are, sorted."""
    return sorted({text_of(voice, "accent") for voice in voices} - {""})


def spoken_by(voice: Voice) -> str:
    """The language a voice speaks, without a region."""
    return text_of(voice, "language").replace("_", "-").split("-")[0].lower()


def text_of(voice: Voice, field: str) -> str:
    """A field of a voice as text; empty if it is missing."""
    return str(voice.get(field) or "")


def folded(text: str | None) -> str | None:
    """Fold a text; None if nothing is left of it."""
    return fold(text) or None if text else None


def dump(voice: Voice) -> str:
    """All of a voice as one text, to order voices that differ in nothing else."""
    return json.dumps(dict(voice), sort_keys=True, default=str)


def name_of(language: str) -> str:
    """The English name of a language that voices speak."""
    return LANGUAGE_NAMES.get(language, language)


def place_name(region: str | None) -> str:
    """The English name of a region."""
    return str(names_data()["english_territories"].get(region, region))


def _speaking(known: list[Voice], wanted: WantedVoice) -> list[Voice]:
    speaking = [voice for voice in known if spoken_by(voice) == wanted.language]
    if speaking:
        return speaking
    there = sorted({spoken_by(voice) for voice in known} & set(LANGUAGE_NAMES))
    raise _none_left(
        f"The catalogue has no voice that speaks {name_of(wanted.language)}",
        (f"{name_of(code)} ({code})" for code in there),
        "Give language as one of these, or clone a voice of the language.",
    )


def _of_provider(voices: list[Voice], wanted: WantedVoice, provider: str) -> list[Voice]:
    of_provider = [v for v in voices if text_of(v, "provider").casefold() == provider.strip().casefold()]
    if of_provider:
        return of_provider
    providers = sorted({text_of(voice, "provider") for voice in voices})
    raise _none_left(
        f"{provider} has no voice that speaks {name_of(wanted.language)}",
        providers,
        f'Leave the provider out, or pass provider="{providers[0]}".',
    )


def _of_kind(voices: list[Voice], wanted: WantedVoice, cloned: bool) -> list[Voice]:
    of_kind = [voice for voice in voices if bool(voice.get("isCloned")) == cloned]
    if of_kind:
        return of_kind
    raise _none_left(
        f"No {'cloned' if cloned else 'preset'} voice speaks {name_of(wanted.language)}",
        sorted(text_of(voice, "name") for voice in voices),
        "Pass cloned=None to take either kind.",
    )


def _working_with(voices: list[Voice], wanted: WantedVoice, model: str) -> list[Voice]:
    working = [voice for voice in voices if voice.get("modelCompat") in (None, "universal", model)]
    if working:
        return working
    models = sorted({text_of(voice, "modelCompat") for voice in voices})
    raise _none_left(
        f"No voice that speaks {name_of(wanted.language)} works with the model {model}",
        models,
        f'Pass model="{models[0]}".',
    )


def _too_strict(what: str, there: list[str], argument: str) -> NoVoice:
    next_step = f"Ask for one of these, or leave out {argument} to take the nearest."
    return _none_left(f"No voice has the {what}", there, next_step)


def _none_left(message: str, there: Iterable[str], next_step: str) -> NoVoice:
    return NoVoice(f"{message}; there is {', '.join(there) or 'none at all'}.", code="no_voice", next_step=next_step)
