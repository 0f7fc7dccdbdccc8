"""Which language a call speaks: the one asked for, else the one the text is written in, else an error that asks.

English is never assumed. Where the text leaves a doubt, an error names the argument that settles it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from revox_langchain.errors import AmbiguousLanguage, InvalidInput, UnsupportedLanguage
from revox_langchain.phone import GLOBAL_REGION, Phone, parse_phone
from revox_langchain.speech.detector import Detection, clean, detect, long_enough, warm_up
from revox_langchain.speech.names import (
    LANGUAGE_NAMES,
    LANGUAGES,
    is_official,
    language_name,
    main_language,
    mentioned,
    spoken,
    tag_of,
)

__all__ = [
    "LANGUAGES",
    "LANGUAGE_NAMES",
    "Detection",
    "ResolvedLanguage",
    "clean",
    "detect",
    "language_name",
    "main_language",
    "mentioned",
    "parse_language",
    "resolve_language",
    "spoken",
    "warm_up",
]

log = logging.getLogger(__name__)

Source = Literal["explicit", "first_sentence", "prompt", "phone+text", "default"]
Confidence = Literal["certain", "high", "low"]


@dataclass(frozen=True, slots=True)
class ResolvedLanguage:
    """The language a call speaks, and how that was found out.

    Attributes:
        tag: BCP-47 tag, such as `fr` or `fr-CA`.
        language: One of `LANGUAGES`.
        region: Territory of the tag, if any; it chooses the accent, nothing else.
        source: What decided.
        confidence: `certain` if asked for, `high` if read from the text, `low` if the text was too
            little and the phone number or the configured default decided.
        candidates: Languages that were considered, best first.
        notes: Sentences to show to the author of the text.
    """

    tag: str
    language: str
    region: str | None
    source: Source
    confidence: Confidence
    candidates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def resolve_language(
    language: str | None = None,
    *,
    first_sentence: str | None = None,
    prompt: str | None = None,
    phone: str | Phone | None = None,
    default: str | None = None,
    on_ambiguous: Literal["raise", "warn"] = "raise",
    check: bool = False,
) -> ResolvedLanguage:
    """Decide the language of a call; never one that no voice speaks.

    Args:
        language: Code, BCP-47 tag, locale or name (`fr`, `pt_BR.UTF-8`, `Brazilian Portuguese`,
            `français`). It always wins. None, `auto` and `detect` mean: look at the text.
        first_sentence: What the agent says first; looked at before the prompt.
        prompt: What the agent is told.
        phone: Number to be called. It settles a doubt or refines the accent, never overrides text.
        default: Language to fall back to if the text does not tell.
        on_ambiguous: `warn` keeps the detected language although the text names another one.
        check: Compare a given `language` with the first sentence, for a note. It loads the detector, which a given
            language does not need.

    Raises:
        UnknownLanguage: `language` is not a known language.
        UnsupportedLanguage: No voice speaks it, or the language of the text.
        AmbiguousLanguage: The text does not tell, or mentions a language other than its own.
    """
    if language is not None and not _means_detect(language):
        return _explicit(language, first_sentence, check)
    found, source, notes = _from_text(first_sentence, prompt, on_ambiguous)
    if found.outcome == "unsupported":
        raise _unsupported(str(found.language), f"The text is written in {_name(found.language)}.", found.guess)
    if found.outcome == "language" and found.language:
        notes += _mention_notes(found.language, first_sentence, prompt, on_ambiguous)
        region = _accent_region(found.language, _phone(phone))
        return _resolved(found.language, region, source, "high", notes)
    number = _phone(phone)
    if found.language and number and main_language(number.region) == found.language:
        notes += (f"The text is too short to tell; the country of the number says {_name(found.language)}.",)
        region = _accent_region(found.language, number)
        return _resolved(found.language, region, "phone+text", "low", notes)
    if default is not None:
        return replace(parse_language(default), source="default", confidence="low")
    raise _undecided(found)


def parse_language(name: str) -> ResolvedLanguage:
    """Read a code, BCP-47 tag, locale string or language name that a voice can speak.

    Raises:
        UnknownLanguage: It names no language.
        UnsupportedLanguage: It names one that no voice speaks.
    """
    tag = tag_of(name)
    language, region = spoken(tag)
    if language not in LANGUAGES:
        raise _unsupported(language, f"No Revox voice speaks {language_name(tag)} ({tag}).")
    return ResolvedLanguage(tag, language, region, "explicit", "certain", (language,))


_UNCERTAIN = "The text does not tell its language with certainty."
# What a speaker of these may accept instead; suggested in the error, never used silently.
_CLOSEST = {
    "yue": "zh",
    "nan": "zh",
    "wuu": "zh",
    "hak": "zh",
    "gsw": "de",
    "nds": "de",
    "bar": "de",
    "lb": "de",
}


def _means_detect(language: object) -> bool:
    return isinstance(language, str) and language.strip().casefold() in ("auto", "detect")


def _explicit(language: str, first_sentence: str | None, check: bool) -> ResolvedLanguage:
    asked = parse_language(language)
    if not check or not long_enough(first_sentence):
        return asked
    said = detect(first_sentence)
    if not said.sure or not said.language or said.language == asked.language:
        return asked
    note = (
        f"The first sentence is written in {_name(said.language)}, but {_name(asked.language)} was "
        "asked for: a voice of the latter will read it."
    )
    _warn_once(note)
    return replace(asked, candidates=(asked.language, said.language), notes=(note,))


def _from_text(
    first_sentence: str | None, prompt: str | None, on_ambiguous: str
) -> tuple[Detection, Literal["first_sentence", "prompt"], tuple[str, ...]]:
    """Detect on the first sentence if it is long enough, else on the prompt, else on what there is."""
    first, body = detect(first_sentence), detect(prompt)
    long = first.sure and long_enough(first_sentence)
    notes: tuple[str, ...] = ()
    if (long or first.outcome == "language") and body.sure and body.language != first.language:
        notes = _conflict(first, body, on_ambiguous)
    if long:
        return first, "first_sentence", first.notes + notes
    if body.sure or (not first.sure and (body.language or first.outcome == "no_text")):
        return body, "prompt", body.notes + notes
    return first, "first_sentence", first.notes


def _conflict(first: Detection, body: Detection, on_ambiguous: str) -> tuple[str, ...]:
    message = f"The first sentence is written in {_name(first.language)}, the prompt in {_name(body.language)}."
    return _ambiguous(message, [str(first.language), str(body.language)], on_ambiguous)


def _mention_notes(language: str, first_sentence: str | None, prompt: str | None, on_ambiguous: str) -> tuple[str, ...]:
    others = mentioned(f"{first_sentence or ''}\n{prompt or ''}", language)
    if not others:
        return ()
    names = " and ".join(_name(other) for other in others)
    message = f"The text is written in {_name(language)}, but names {names}."
    return _ambiguous(message, [language, *others], on_ambiguous)


def _ambiguous(message: str, candidates: list[str], on_ambiguous: str) -> tuple[str, ...]:
    if on_ambiguous == "warn":
        _warn_once(message)
        return (message,)
    unspoken = [_name(code) for code in candidates if code not in LANGUAGES]
    raise AmbiguousLanguage(
        f"{message} No voice speaks {' or '.join(unspoken)}." if unspoken else message,
        code="ambiguous_language",
        next_step=f"Say which one the voice must speak: {_pass(candidates)}.",
        details={"candidates": candidates},
    )


def _undecided(found: Detection) -> InvalidInput:
    if found.language is None:
        nothing = found.outcome == "no_text"
        message = "There is no text to tell the language from." if nothing else _UNCERTAIN
        step = f"Pass language={_quoted('fr')} or another of {', '.join(LANGUAGES)}."
    else:
        message = _UNCERTAIN
        step = f"Say it: {_pass([found.language])}, or another of {', '.join(LANGUAGES)}."
    return AmbiguousLanguage(
        message,
        code="ambiguous_language",
        next_step=step,
        details={"candidates": [found.language] if found.language else []},
    )


def _unsupported(language: str, message: str, guess: str | None = None) -> UnsupportedLanguage:
    closest = _CLOSEST.get(language)
    hint = f"The closest one is {_name(closest)}. " if closest else ""
    if guess:
        hint = f"If it is {_name(guess)} after all, {_pass([guess])}. "
    speak = ", ".join(f"{name} ({code})" for code, name in LANGUAGE_NAMES.items())
    return UnsupportedLanguage(
        f"{message} Voices speak {speak}.",
        code="unsupported_language",
        next_step=f"{hint}Write the text in a language that voices speak, and {_pass([closest or 'en'])}.",
        details={"language": language},
    )


def _pass(codes: list[str]) -> str:
    """Spell the arguments that settle the matter: `pass language="fr" (French) or ...`."""
    supported = [code for code in codes if code in LANGUAGES] or ["en"]
    return "pass " + " or ".join(f"language={_quoted(code)} ({_name(code)})" for code in supported)


def _quoted(code: str) -> str:
    return f'"{code}"'


def _name(language: str | None) -> str:
    return language_name(language or "und")


def _phone(phone: str | Phone | None) -> Phone | None:
    """Read the number if it is valid; refusing it is the guard's business."""
    if phone is None or isinstance(phone, Phone):
        return phone
    try:
        return parse_phone(phone)
    except InvalidInput:
        return None


def _accent_region(language: str, phone: Phone | None) -> str | None:
    """Name the region of the number, if people there speak this language by law."""
    if phone is None or phone.region in (None, GLOBAL_REGION) or phone.kind == "toll_free":
        return None
    return phone.region if phone.region and is_official(language, phone.region) else None


def _resolved(
    language: str, region: str | None, source: Source, confidence: Confidence, notes: tuple[str, ...]
) -> ResolvedLanguage:
    tag = f"{language}-{region}" if region else language
    return ResolvedLanguage(tag, language, region, source, confidence, (language,), notes)


@cache
def _warn_once(message: str) -> None:
    log.warning("%s", message)
