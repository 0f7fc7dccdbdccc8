"""Which language a call speaks: what was asked for, else what the text is written in, else a question.

There is no built-in English. Text is detected with all the labels the detector knows, so that a
language no voice speaks is refused instead of being read aloud by the wrong voice; where the text
leaves a doubt, an error names the argument that settles it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from revox_langchain.errors import AmbiguousLanguage, InvalidInput, UnknownLanguage, UnsupportedLanguage, near
from revox_langchain.numbers import GLOBAL_REGION, Phone, parse_phone

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

log = logging.getLogger(__name__)

LANGUAGE_NAMES: dict[str, str] = {
    "en": "English",
    "fr": "French",
    "es": "Spanish",
    "de": "German",
    "it": "Italian",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
}
LANGUAGES: tuple[str, ...] = tuple(LANGUAGE_NAMES)

Source = Literal["explicit", "first_sentence", "prompt", "phone+text", "default"]
Confidence = Literal["certain", "high", "low"]


@dataclass(frozen=True, slots=True)
class ResolvedLanguage:
    """The language a call speaks, and how that was found out.

    Attributes:
        tag: BCP-47 tag, such as `fr` or `fr-CA`.
        language: One of `LANGUAGES`.
        region: Territory of the tag, if any; it only chooses the accent.
        source: What decided.
        confidence: `certain` if asked for, `high` if read from the text, `low` if the text was too
            little and the phone number or the configured default decided.
        candidates: Languages that were considered, best first.
        notes: Sentences worth showing to whoever wrote the text.
    """

    tag: str
    language: str
    region: str | None
    source: Source
    confidence: Confidence
    candidates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """What the detector says of one text.

    Attributes:
        outcome: `language` (one that voices speak), `unsupported`, `uncertain`, or `no_text`.
        language: The language found; with `uncertain` the best guess, with `no_text` None.
        notes: Sentences worth showing.
    """

    outcome: Literal["language", "unsupported", "uncertain", "no_text"]
    language: str | None
    notes: tuple[str, ...] = ()


def resolve_language(
    language: str | None = None,
    *,
    first_sentence: str | None = None,
    prompt: str | None = None,
    phone: str | Phone | None = None,
    default: str | None = None,
    on_ambiguous: Literal["raise", "warn"] = "raise",
    check: bool | None = None,
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
        check: Whether to compare a given `language` with the first sentence, for a note. True loads
            the detector for it; None compares only if it is loaded already.

    Raises:
        UnknownLanguage: The language given is none.
        UnsupportedLanguage: It, or the language of the text, is spoken by no voice.
        AmbiguousLanguage: The text does not tell, or names another language than its own.
    """
    if language is not None and not _means_detect(language):
        return _explicit(language, first_sentence, check)
    found, source = _from_text(first_sentence, prompt, on_ambiguous)
    if found.outcome == "language" and found.language:
        notes = _mention_notes(found.language, first_sentence, prompt, on_ambiguous)
        region = _accent_region(found.language, phone)
        return _resolved(found.language, region, source, "high", found.notes + notes)
    if found.language and (region := _hint_region(found.language, phone)):
        notes = (f"The text is too little to tell; the phone number makes {_named(found.language)} likely.",)
        return _resolved(found.language, region, "phone+text", "low", found.notes + notes)
    if default is not None:
        return replace(parse_language(default), source="default", confidence="low")
    raise _undecided(found)


def parse_language(name: str) -> ResolvedLanguage:
    """Read a code, BCP-47 tag, locale string or language name.

    Raises:
        UnknownLanguage: It names no language.
        UnsupportedLanguage: It names one that no voice speaks.
    """
    tag = _tag_of(name)
    language, region = spoken(tag)
    if language not in LANGUAGE_NAMES:
        raise _unsupported(language, f"No Revox voice speaks {language_name(tag)} ({tag}).")
    return ResolvedLanguage(tag, language, region, "explicit", "certain", (language,))


def spoken(tag: str) -> tuple[str, str | None]:
    """Reduce a valid tag to what can be heard: language and region, the script left out."""
    from langcodes import Language

    parsed = Language.get(tag, normalize=True)
    return parsed.language or "und", parsed.territory


def language_name(tag: str) -> str:
    """Name a tag in English: `French (Canada)`."""
    from langcodes import Language

    parsed = Language.get(tag, normalize=True)
    language = _data()["english"].get(parsed.language, parsed.language or tag)
    script = {"Hans": "Simplified", "Hant": "Traditional"}.get(parsed.script or "", parsed.script)
    region = _data()["english_territories"].get(parsed.territory, parsed.territory)
    inside = ", ".join(part for part in (script, region) if part)
    return f"{language} ({inside})" if inside else str(language)


def main_language(region: str | None) -> str | None:
    """Name the one main language of a region, if it has only one and voices speak it."""
    hints: dict[str, str] = _data()["hints"]
    return hints.get(region) if region else None


def detect(text: str) -> Detection:
    """Tell the language a text is written in."""
    cleaned = clean(text)
    letters, han = _count(cleaned)
    if letters < 3 and han < 2:
        return Detection("no_text", None)
    # Han characters alone are Chinese to the detector; these two scripts say that they are not.
    if re.search("[\u3040-\u30ff]", cleaned):
        return Detection("unsupported", "ja")
    if re.search("[\uac00-\ud7af]", cleaned):
        return Detection("unsupported", "ko")
    return _by_mass(cleaned)


def warm_up() -> None:
    """Load the detector now (about half a second) instead of at the first text."""
    detect("Good morning, this is a short sentence.")


def clean(text: str) -> str:
    """Take out of a prompt what is not prose: code, placeholders, addresses, headings, marks."""
    text = text[:_RAW_LIMIT]
    for pattern in _NOISE:
        text = pattern.sub(" ", text)
    without_headings = _HEADING.sub(" ", text)
    if sum(_count(without_headings)) >= _ENOUGH_LETTERS:
        text = without_headings
    text = _MARKS.sub(" ", text)
    text = _WITH_DIGIT.sub(lambda token: "".join(_HAN.findall(token[0])), text)
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    cased = sum(c.isupper() or c.islower() for c in text)
    if cased and sum(c.isupper() for c in text) > 0.7 * cased:
        text = text.lower()
    return text[:_CLEAN_LIMIT]


_RAW_LIMIT, _CLEAN_LIMIT = 16_000, 4_000
_ENOUGH_LETTERS, _ENOUGH_HAN = 12, 4
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NOISE = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"```.*?```|~~~.*?~~~|`[^`\n]*`",
        r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^{}\n]{0,200}\}|\{[^{}\n]{0,200}\}|</?[A-Za-z][^<>\n]{0,200}>",
        r"(?:https?://|www\.)[!-~]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    )
)
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t].*$", re.MULTILINE)
_MARKS = re.compile(r"^[ \t]*(?:[-*+•>]|\d{1,3}[.)])[ \t]+|\|?[ \t]*:?-{3,}:?[ \t]*\|?|[*_#|~`>•]+", re.MULTILINE)
_WITH_DIGIT = re.compile(r"\S*\d\S*")
# Measured on a plateau (0.1 to 0.4): lower lets other languages through, higher asks more often.
_MASS, _SHARE, _OTHER = 0.30, 0.5, 0.50
_LOADING = Lock()


def _by_mass(cleaned: str) -> Detection:
    """Apply the mass rule: all labels compete, then only the supported ones share what they won."""
    chances: dict[str, float] = {}
    dialects = 0.0
    for label, chance in _identifier().rank(cleaned):
        name = "zh" if label in ("yue", "wuu") else label
        chances[name] = chances.get(name, 0.0) + chance
        dialects += chance if name != label else 0.0
    best = max(LANGUAGES, key=lambda each: chances.get(each, 0.0))
    mass = sum(chances.get(each, 0.0) for each in LANGUAGES)
    if mass >= _MASS and chances[best] / mass >= _SHARE:
        cantonese = best == "zh" and _CANTONESE.search(cleaned) and dialects > 0.5 * chances["zh"]
        note = "The text looks like written Cantonese; a Mandarin voice will read it."
        return Detection("language", best, (note,) if cantonese else ())
    other, chance = max(
        ((label, chance) for label, chance in chances.items() if label not in LANGUAGE_NAMES),
        key=lambda pair: pair[1],
    )
    if chance >= _OTHER:
        return Detection("unsupported", other)
    return Detection("uncertain", best)


# The detector shares short Chinese text out among three labels; only these characters are Cantonese.
_CANTONESE = re.compile("[嘅咗喺冇嚟唔啲哋咁佢嗰]")


def _identifier() -> LanguageIdentifier:
    with _LOADING:
        return _load_identifier()


@cache
def _load_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # An instance of our own: the module-level one can be restricted by anybody in the process.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _count(text: str) -> tuple[int, int]:
    """Count letters other than Han characters, and Han characters."""
    han = len(_HAN.findall(text))
    return sum(c.isalpha() for c in text) - han, han


def _long_enough(text: str) -> bool:
    letters, han = _count(clean(text))
    return letters >= _ENOUGH_LETTERS or han >= _ENOUGH_HAN


def _means_detect(language: object) -> bool:
    return isinstance(language, str) and language.strip().casefold() in ("auto", "detect")


def _explicit(language: str, first_sentence: str | None, check: bool | None) -> ResolvedLanguage:
    found = parse_language(language)
    if check is None:
        check = "py3langid.langid" in sys.modules
    if not check or not first_sentence or not _long_enough(first_sentence):
        return found
    said = detect(first_sentence)
    if said.outcome not in ("language", "unsupported") or not said.language or said.language == found.language:
        return found
    note = f"The first sentence looks {_named(said.language)}, but {_named(found.language)} was asked for and is kept."
    _warn_once(note)
    return replace(found, candidates=(found.language, said.language), notes=(note,))


def _from_text(
    first_sentence: str | None, prompt: str | None, on_ambiguous: str
) -> tuple[Detection, Literal["first_sentence", "prompt"]]:
    """Detect on the first sentence if it is long enough, else on the prompt."""
    first = detect(first_sentence) if first_sentence else Detection("no_text", None)
    body = detect(prompt) if prompt else Detection("no_text", None)
    sure = ("language", "unsupported")
    if first_sentence and _long_enough(first_sentence) and first.outcome in sure:
        if body.outcome in sure and body.language != first.language:
            _ambiguous_pair(first, body, on_ambiguous)
        return first, "first_sentence"
    if body.outcome in sure or first.outcome == "no_text":
        return body, "prompt"
    if first.outcome in sure or body.outcome == "no_text":
        return first, "first_sentence"
    return body, "prompt"


def _ambiguous_pair(first: Detection, body: Detection, on_ambiguous: str) -> None:
    said, told = first.language or "", body.language or ""
    message = f"The first sentence is {_named(said)}, the prompt is {_named(told)}."
    if on_ambiguous == "warn" and first.outcome == "language":
        _warn_once(message)
        return
    raise AmbiguousLanguage(
        message,
        code="ambiguous_language",
        next_step=_pass_one_of(said, told),
        details={"candidates": [said, told]},
    )
