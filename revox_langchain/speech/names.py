"""Names and tags of languages: what people write for one, and which ones a text mentions.

Tags are read by `langcodes`; names are looked up in a generated index and must match exactly,
because a near match of a language name is another language.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

from revox_langchain.errors import UnknownLanguage, near

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


def tag_of(name: str) -> str:
    """Read a code, BCP-47 tag, locale string or language name as a BCP-47 tag.

    Raises:
        UnknownLanguage: It names no language.
    """
    if not isinstance(name, str):
        raise UnknownLanguage(
            f"The language is {name!r}, not text.",
            code="unknown_language",
            next_step='Pass it in quotes, such as language="fr"; YAML turns an unquoted no into False.',
        )
    text = unicodedata.normalize("NFC", name).strip().replace("\u2010", "-").replace("\u2011", "-")
    if not text:
        raise UnknownLanguage(
            "The language is empty.",
            code="unknown_language",
            next_step='Leave language out to have the text decide, or pass one, such as language="fr".',
        )
    stem = re.split("[.@]", text)[0]
    if _TAG.match(text) and (len(stem) <= 3 or "-" in stem or "_" in stem):
        return _valid_tag(stem, name)
    if len(text) > _LONGEST_NAME:
        raise _unknown(name)
    return _named_tag(text) or _named_tag_with_territory(text, name)


def spoken(tag: str) -> tuple[str, str | None]:
    """Reduce a valid tag to what can be heard: its language and region, the script left out."""
    from langcodes import Language

    parsed = Language.get(tag, normalize=True)
    return parsed.language or "und", parsed.territory


def language_name(tag: str) -> str:
    """Name a tag in English: `French (Canada)`."""
    from langcodes import Language

    parsed = Language.get(tag, normalize=True)
    language = str(names_data()["english"].get(parsed.language, parsed.language or tag))
    script = {"Hans": "Simplified", "Hant": "Traditional"}.get(parsed.script or "", parsed.script)
    region = names_data()["english_territories"].get(parsed.territory, parsed.territory)
    inside = ", ".join(part for part in (script, region) if part)
    return f"{language} ({inside})" if inside else language


def main_language(region: str | None) -> str | None:
    """Name the one main language of a region, if it has only one and voices speak it."""
    hints: dict[str, str] = names_data()["hints"]
    return hints.get(region) if region else None


def is_official(language: str, region: str) -> bool:
    """Tell whether a language that voices speak is official in the whole of a region."""
    return region in names_data()["official"].get(language, ())


def mentioned(text: str, written_in: str) -> tuple[str, ...]:
    """List the languages a text names, other than the one it is written in.

    It does not tell a demand ("speak French") from a mention ("French bakery"): a text that names
    another language is only a reason to stop guessing.
    """
    text = _origins(written_in).sub(" ", _NOT_A_LANGUAGE.sub(" ", unicodedata.normalize("NFC", text)))
    found = {code for token in set(_WORD.findall(text)) for code in _named_by(token, written_in)}
    if _HAN.search(text):
        found |= {_han_names()[name] for name in _han_pattern().findall(text)}
    found |= _named_by_tags(text) & set(names_data()["mentions"])
    return tuple(sorted(found - {written_in}, key=lambda code: (code not in LANGUAGES, code)))


@cache
def names_data() -> dict[str, Any]:
    """Load the generated index of names (about two milliseconds)."""
    path = files("revox_langchain") / "speech" / "data" / "language_names.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def fold(name: str) -> str:
    """Make spellings of one name equal: no case, no diacritics, no punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).strip()


_TAG = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*([.@].*)?$", re.DOTALL)
_WORD_LANGUAGE = re.compile(r"\b(?:language|langue|idioma|lengua|lingua|sprache|язык)\b")
_WITH_TERRITORY = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?P<name>[^()]+?)\s*[(（\[](?P<territory>[^()（）\[\]]+)[)）\]]$",
        r"^(?P<name>[^,]+?)\s*,\s*(?P<territory>[^,]+)$",
        r"^(?P<name>.+?)\s*[-\u2013\u2014/]\s*(?P<territory>.+)$",
        r"^(?P<name>.+?)\s+(?:d[aeo]|d[ao]s|d[ei]l|della|des|di|du|of|from|aus)\s+(?P<territory>.+)$",
        r"^(?P<name>.+?)\s+(?-i:(?P<territory>[A-Z]{2}))$",
    )
)
_LONGEST_NAME = 100
# Codes set aside for private use are valid and mean nothing; Kosovo's is in use.
_NOWHERE = re.compile("AA|Q[M-Z]|X[A-JL-Z]|ZZ")
_NO_LANGUAGE = ("und", "mul", "mis", "zxx")


def _valid_tag(stem: str, given: str) -> str:
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        parsed = Language.get(stem.replace("_", "-"), normalize=True)
    except LanguageTagError:
        raise _unknown(given) from None
    # An invalid tag must not be tried as a name: "jp" or "cn" would find something.
    if not parsed.is_valid() or parsed.language in (None, *_NO_LANGUAGE) or _NOWHERE.match(parsed.territory or ""):
        raise _unknown(given)
    language = "zh" if parsed.language == "cmn" else parsed.language
    return Language.make(language=language, script=parsed.script, territory=parsed.territory).to_tag()


def _named_tag(text: str) -> str | None:
    names: dict[str, str] = names_data()["names"]
    folded = fold(text)
    return names.get(folded) or names.get(" ".join(_WORD_LANGUAGE.sub(" ", folded).split()))


def _named_tag_with_territory(text: str, given: str) -> str:
    from langcodes import Language

    for pattern in _WITH_TERRITORY:
        if not (match := pattern.match(text)):
            continue
        code = match["name"].lower()
        if not (tag := code if code in LANGUAGES else _named_tag(match["name"])):
            continue
        territory = _territory(match["territory"])
        if territory is None:
            break
        base = Language.get(tag)
        return Language.make(language=base.language, territory=territory).to_tag()
    raise _unknown(given)


def _territory(text: str) -> str | None:
    if re.fullmatch("[A-Za-z]{2}", text):
        code = {"UK": "GB"}.get(text.upper(), text.upper())
        return code if code in names_data()["english_territories"] else None
    territories: dict[str, str] = names_data()["territories"]
    return territories.get(fold(text))


def _unknown(given: str) -> UnknownLanguage:
    return UnknownLanguage(
        f"{given[:80]!r} names no language{near(given[:80].title(), LANGUAGE_NAMES.values())}",
        code="unknown_language",
        next_step=(
            "Give language as one of "
            + ", ".join(f"{code} ({name})" for code, name in LANGUAGE_NAMES.items())
            + ', such as language="fr", or leave it out.'
        ),
    )


_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u4e00-\u9fff]")
# Seen in ordinary prompts; add to it only what was seen too.
_NOT_A_LANGUAGE = re.compile(r"\b(?:Turkish Airlines|French fries|Polish (?:your|the|up))\b", re.IGNORECASE)
_NOTHING = re.compile(r"(?!)")
_ADJECTIVE_LAST = ("fr", "es", "it", "pt")
_SURNAMES = ("Russo", "Tedesco", "Greco")
_KEY_AND_TAG = re.compile(
    r"\b(?i:language|lang|locale|voice|langue|idioma|lingua|sprache|язык)\b[\"'*`]*\s*[:=>]\s*[\"'*`]*"
    r"([A-Za-z]{2}(?:[-_](?:[A-Za-z]{2}|\d{3}|[A-Z][a-z]{3}))*)(?![\w-])(?P<then> *[^\W\d_])?"
)
# Two letters that cannot be a word either: "voice: it must be warm", "language: no jargon".
_NO_WORD = ("fr", "pt", "ru", "zh")
_BARE_TAG = re.compile(r"(?<![\w-])((?:en|fr|es|de|it|pt|ru|zh)[-_][A-Z]{2})(?![\w-])")
_OTHER_WORDS = {
    "mandarin": "zh",
    "putonghua": "zh",
    "castellano": "es",
    "castilian": "es",
    "anglophone": "en",
    "francophone": "fr",
    "germanophone": "de",
    "hispanophone": "es",
    "lusophone": "pt",
    "russophone": "ru",
    "hispanohablante": "es",
    "québécois": "fr",
    "brasileiro": "pt",
    "flemish": "nl",
    "farsi": "fa",
    "tagalog": "fil",
}


@cache
def _origins(written_in: str) -> re.Pattern[str]:
    """Match what a language's name says of a thing: "Italian restaurant", "ristorante francese".

    Only words on a list count. A rule for all of them would take "a Spanish conversation" for a thing as well, and an
    English voice would hold it; a word that is missing merely makes us ask.
    """
    things = _things().get(written_in)
    if not things:
        return _NOTHING
    names = sorted(word for word, uses in _words().items() if any(use[1] in ("en", written_in) for use in uses))
    named, thing = "|".join(map(re.escape, names)), "|".join(map(re.escape, things))
    # In Romance languages the adjective follows its noun, in its form for gender and number.
    if written_in in _ADJECTIVE_LAST:
        return re.compile(rf"\b(?:{thing})(?:e?s|[ei])? (?:{named})(?:e?s|[aei])?\b", re.IGNORECASE)
    return re.compile(rf"\b(?:{named})[ -](?:{thing})(?:e?s)?\b(?![ -](?:speak|call|convers))", re.IGNORECASE)


@cache
def _things() -> dict[str, list[str]]:
    path = files("revox_langchain") / "speech" / "data" / "things_of_origin.json"
    things: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return things


def _named_by(token: str, written_in: str) -> set[str]:
    """Tell which languages one word names, given the language of the text around it."""
    found = set()
    for code, interface, name in _words().get(token.casefold(), ()):
        exact = token.casefold() == name.casefold()
        own_name = interface == code
        here = interface in ("en", written_in)
        if token in _SURNAMES or (not here and not own_name and token.istitle() and interface != "de"):
            continue
        # "Frances" is a person, "frances" the language without its accent.
        if not exact and not own_name and token.istitle():
            continue
        if code not in LANGUAGES and (not here or not exact or token == "polish"):
            continue
        found.add(code)
    return found


@cache
def _words() -> dict[str, list[tuple[str, str, str]]]:
    """Index the words that name languages, with and without their diacritics."""
    words: dict[str, list[tuple[str, str, str]]] = {}
    for code, names in names_data()["mentions"].items():
        for interface, name in names.items():
            for form in _forms(name, interface):
                for key in {form.casefold(), fold(form)}:
                    words.setdefault(key, []).append((code, interface, form))
    for word, code in _OTHER_WORDS.items():
        for key in {word, fold(word)}:
            words.setdefault(key, []).append((code, code if code in LANGUAGES else "en", word))
    return words


def _forms(name: str, interface: str) -> list[str]:
    if interface == "ru" and name.endswith("ий"):
        return [name, name[:-2] + "и", name[:-2] + "ом"]
    if interface == "de":
        return [name, name + "sprachig", name + "sprachige", name + "sprachigen"]
    return [name]


def _named_by_tags(text: str) -> set[str]:
    codes = {match[1][:2].lower() for match in _BARE_TAG.finditer(text)}
    for match in _KEY_AND_TAG.finditer(text):
        code = match[1][:2].lower()
        if len(match[1]) > 2 or not match["then"] or code in _NO_WORD:
            codes.add(code)
    return codes


@cache
def _han_names() -> dict[str, str]:
    codes, names = names_data()["mentions"], names_data()["names"]
    chinese = {name: tag.split("-")[0] for name, tag in names.items() if _HAN.match(name) and " " not in name}
    return {name: code for name, code in chinese.items() if code in codes}


@cache
def _han_pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_han_names(), key=lambda name: (-len(name), name))))
