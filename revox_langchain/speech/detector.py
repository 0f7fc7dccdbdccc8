"""Which language a text is written in: one that voices speak, another one, or not certain.

The detector compares all the languages it knows. Restricted to the eight that voices speak, it would find one of them
in any text, and the wrong voice would read it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Literal

from revox_langchain.speech.names import LANGUAGES
from revox_langchain.speech.typical import is_pidgin, romanised, typical_of

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier


@dataclass(frozen=True, slots=True)
class Detection:
    """What is known about the language of one text.

    Attributes:
        outcome: `language` (one that voices speak), `unsupported`, `uncertain`, or `no_text`.
        language: The language found; with `uncertain` the best guess if there is a fair one, with `no_text` None.
        notes: Sentences to show to the author of the text.
        guess: With `unsupported`, the likeliest of the languages that voices do speak.
    """

    outcome: Literal["language", "unsupported", "uncertain", "no_text"]
    language: str | None
    notes: tuple[str, ...] = ()
    guess: str | None = None

    @property
    def sure(self) -> bool:
        """Whether the language is known, be it one that voices speak or not."""
        return self.outcome in ("language", "unsupported")


def detect(text: str | None) -> Detection:
    """Tell the language a text is written in."""
    cleaned = clean(text or "")
    letters, han = _count(cleaned)
    if letters < 3 and han < 2:
        return Detection("language", "en") if typical_of(cleaned) == ("en", True) else Detection("no_text", None)
    # To the detector Han characters are Chinese; kana and hangul among them say that they are not, or that the text
    # quotes a Japanese or Korean name.
    for language, script in (("ja", _KANA), ("ko", _HANGUL)):
        if foreign := len(script.findall(cleaned)):
            return Detection("unsupported", language, guess="zh" if han > 2 * foreign else None)
    return _by_mass(cleaned)


def long_enough(text: str | None) -> bool:
    """Tell whether a first sentence is long enough to be judged without its prompt."""
    letters, han = _count(clean(text or ""))
    return letters >= _ENOUGH_LETTERS or han >= _ENOUGH_HAN


def warm_up() -> None:
    """Load the detector now (about half a second) instead of at the first text."""
    detect("Good morning, this is a short sentence.")


def clean(text: str) -> str:
    """Remove from a prompt what is not prose: code, placeholders, addresses, headings, list marks."""
    text = text[:_RAW_LIMIT]
    for pattern in _NOISE:
        text = pattern.sub(" ", text)
    without_headings = _HEADING.sub(" ", text)
    if sum(_count(without_headings)) >= _ENOUGH_LETTERS:
        text = without_headings
    text = _MARKS.sub(" ", text)
    words = (word if not _DIGIT.search(word) else "".join(_UNSPACED.findall(word)) for word in text.split())
    text = unicodedata.normalize("NFC", " ".join(word for word in words if word))
    upper = sum(map(str.isupper, text))
    if upper > 0.7 * (upper + sum(map(str.islower, text))):
        text = text.lower()
    return text[:_CLEAN_LIMIT]


_RAW_LIMIT, _CLEAN_LIMIT = 16_000, 4_000
_ENOUGH_LETTERS, _ENOUGH_HAN = 12, 4
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HAN_RUN = re.compile(f"{_HAN.pattern}+")
_KANA = re.compile("[\u3041-\u30fa\u30fd-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_LATIN = re.compile("[A-Za-z]")
_SCRIPTS = {"zh": _HAN, "ru": re.compile("[\u0400-\u04ff]")}
# These scripts are written without spaces, so that a word with a digit in it may be a whole sentence.
_UNSPACED = re.compile(
    f"(?:{_HAN.pattern}|{_KANA.pattern}|{_HANGUL.pattern}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])+"
)
_NOISE = (
    re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]*`", re.DOTALL),
    re.compile(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^{}\n]{0,200}\}|\{[^{}\n]{0,200}\}", re.DOTALL),
    re.compile(r"</?[A-Za-z][^<>\n]{0,200}>"),
    re.compile(r"(?:https?://|www\.)[!-~]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,64}(?:\.[A-Za-z0-9-]{1,64})+"),
)
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t].*$", re.MULTILINE)
_MARKS = re.compile(r"^[ \t]*(?:[-+•]|\d{1,3}[.)])[ \t]|-{3,}|[*_#|~`>•\[\]]+", re.MULTILINE)
_DIGIT = re.compile(r"\d")
# Measured on a plateau from 0.1 to 0.4: lower lets other languages through, higher asks more often.
_MASS, _SHARE, _OTHER = 0.30, 0.5, 0.50
_FAIR = 0.15
# The labels that share out one and the same written Chinese.
_CHINESE = ("zh", "yue", "wuu")
# To the detector plain English such as "Say hello, I am an AI." is as likely to be Nigerian Pidgin.
_PIDGIN = "pcm"
_NO_LANGUAGE = "zxx"
_CANTONESE = re.compile("[嘅咗喺冇嚟唔啲哋咁佢嗰]")
_LOADING = Lock()


def _by_mass(cleaned: str) -> Detection:
    """Let all labels compete, then share what the supported ones won among these."""
    if written := romanised(cleaned):
        return Detection("unsupported", written)
    typical, certain = typical_of(cleaned)
    chances = _chances(cleaned, english=typical == "en" and not is_pidgin(cleaned))
    best = max(LANGUAGES, key=lambda each: chances.get(each, 0.0))
    mass = sum(chances.get(each, 0.0) for each in LANGUAGES)
    if mass >= _MASS and chances[best] / mass >= _SHARE:
        note = "The text looks like written Cantonese; a Mandarin voice will read it."
        return Detection("language", best, (note,) if best == "zh" and _CANTONESE.search(cleaned) else ())
    other = max((label for label in chances if label not in LANGUAGES), key=lambda each: chances[each])
    if chances[other] >= _OTHER and other != _NO_LANGUAGE:
        script = _SCRIPTS.get(best, _LATIN)
        return Detection("unsupported", other, guess=best if script.search(cleaned) else None)
    if typical and certain:
        return Detection("language", typical)
    # The likeliest of eight unlikely languages is no suggestion: for "Hola" it would be Chinese.
    fair = chances[best] >= max(_FAIR, chances[other]) and _SCRIPTS.get(best, _LATIN).search(cleaned)
    return Detection("uncertain", typical or (best if fair else None))


def _chances(cleaned: str, *, english: bool) -> dict[str, float]:
    """The chance of each language, those of labels that mean the same one added up."""
    folded = {**dict.fromkeys(_CHINESE, "zh"), **({_PIDGIN: "en"} if english else {})}
    chances: dict[str, float] = {}
    for label, chance in _identifier().rank(cleaned):
        name = folded.get(label, label)
        chances[name] = chances.get(name, 0.0) + chance
    return chances


def _identifier() -> LanguageIdentifier:
    with _LOADING:
        return _load_identifier()


@cache
def _load_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # Our own instance: any other code in the process may restrict the languages of the module's shared one.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _count(text: str) -> tuple[int, int]:
    """Count the letters that are not Han characters, and those that are."""
    han = len(text) - len(_HAN_RUN.sub("", text))
    return sum(map(str.isalpha, text)) - han, han
