"""Write revox_langchain/data/language_names.json from the CLDR names and regions in `language_data`.

    python -m scripts.generate_language_names          # write
    python -m scripts.generate_language_names --check  # fail if the committed file differs

`language_data` is needed here only: its name table is a Python dict of several megabytes, the
file written here loads in about two milliseconds.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import language_data
import phonenumbers
from langcodes import Language
from language_data.name_data import CODE_TO_NAMES

OUTPUT = Path(__file__).parents[1] / "revox_langchain" / "speech" / "data" / "language_names.json"

SPOKEN = ("en", "fr", "es", "de", "it", "pt", "ru", "zh")
REGIONAL = """
    en-US en-GB en-AU en-CA fr-CA fr-CH de-AT de-CH es-419 es-ES es-MX pt-BR pt-PT zh-Hans zh-Hant
"""
# Languages no voice speaks, so that naming one is answered with "not supported" instead of "unknown".
OTHERS = """
    ace af ak am an ar ary arz as ast ay az ba bar bcl be bg bm bn bo br bs ca ceb ckb co crh cs cy da dv dz
    ee el eo et eu ext fa ff fi fil fo fuv fy ga gcf gcr gd gl gn gom grc gsw gu gug guw ha hak haw hbo he hi
    hr ht hu hy id ig is ja jv ka kab ki kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mi mk ml mn mr ms
    mt my nan nb nds ne nl nl-BE nn no nso oc om or pa pcm pl ps qu rm ro rw sa sc scn sd sdh se si sk sl sm
    sn so sq sr st su sv sw ta te tg th ti tk tlh tr tt ug uk ur uz uzs vec vi vo wa wo wuu xh yi yo yue zu
"""
# Those of the others that a prompt may demand; not Latin ("Latin America"), nor names that are also words.
DEMANDED = """
    ar bg bn ca cs cy da el et eu fa fi fil ga gl gu he hi hr hu hy id ja ka kk ko lt lv ms nb nl no
    pa pl ro sk sl sq sr sv sw ta te th tr uk ur uz vi yue
"""
INTERFACES = ("en", "fr", "es", "de", "it", "pt", "ru", "zh", "zh-Hant")

# Names that people use and CLDR lacks.
ALIASES = {
    "mandarin": "zh",
    "mandarin chinese": "zh",
    "chinese simplified": "zh-Hans",
    "chinese traditional": "zh-Hant",
    "chinese mandarin": "zh",
    "taiwanese mandarin": "zh-TW",
    "putonghua": "zh",
    "普通话": "zh",
    "普通話": "zh",
    "国语": "zh",
    "國語": "zh",
    "汉语": "zh",
    "漢語": "zh",
    "华语": "zh",
    "華語": "zh",
    "中国语": "zh",
    "中文 简体": "zh-Hans",
    "中文 繁體": "zh-Hant",
    "中文 繁体": "zh-Hant",
    "英語": "en",
    "法語": "fr",
    "德語": "de",
    "俄語": "ru",
    "葡萄牙語": "pt",
    "西班牙語": "es",
    "意大利語": "it",
    "義大利語": "it",
    "castellano": "es",
    "castilian": "es",
    "castilian spanish": "es-ES",
    "latin american spanish": "es-419",
    "latam spanish": "es-419",
    "español latino": "es-419",
    "québécois": "fr-CA",
    "quebec french": "fr-CA",
    "français québécois": "fr-CA",
    "brasileiro": "pt-BR",
    "brazilian": "pt-BR",
    "inglés americano": "en-US",
    "inglese americano": "en-US",
    "inglês americano": "en-US",
    "french canadian": "fr-CA",
    "belgian french": "fr-BE",
    "us english": "en-US",
    "uk english": "en-GB",
    "indian english": "en-IN",
    "irish english": "en-IE",
    "argentinian spanish": "es-AR",
    "colombian spanish": "es-CO",
    "peninsular spanish": "es-ES",
    "high german": "de",
    "standard german": "de",
    "hochdeutsch": "de",
    "русский язык": "ru",
    "flemish": "nl-BE",
    "klingon": "tlh",
    "farsi": "fa",
    "tagalog": "fil",
    "cantonese": "yue",
    "hokkien": "nan",
    "shanghainese": "wuu",
}
TERRITORY_ALIASES = {
    "usa": "US",
    "america": "US",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "québec": "CA",
    "mainland china": "CN",
    "mainland": "CN",
    "prc": "CN",
    "hong kong": "HK",
    "macao": "MO",
    "macau": "MO",
    "latam": "419",
}


def build() -> dict[str, object]:
    territories = sorted(phonenumbers.SUPPORTED_REGIONS)
    official, hints = _territory_languages(territories)
    return {
        "source": {"language_data": version("language_data")},
        "names": _index((*SPOKEN, *REGIONAL.split(), *OTHERS.split()), ALIASES),
        "territories": _index((*territories, "419"), TERRITORY_ALIASES),
        "english": {code: CODE_TO_NAMES[code]["en"] for code in (*SPOKEN, *OTHERS.split())},
        "english_territories": {code: CODE_TO_NAMES[code]["en"] for code in (*territories, "419")},
        "mentions": {code: _names_by_interface(code) for code in (*SPOKEN, *DEMANDED.split())},
        "official": official,
        "hints": hints,
    }


def fold(name: str) -> str:
    """Make spellings of one name equal: no case, no diacritics, no punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).strip()


def _index(codes: tuple[str, ...], aliases: dict[str, str]) -> dict[str, str]:
    index: dict[str, str] = {}
    for code in codes:
        names = CODE_TO_NAMES.get(code, {})
        # Codes come in order of importance: the first to claim a name keeps it.
        for interface in (*INTERFACES, code, code.split("-")[0]):
            if name := fold(names.get(interface, "")):
                index.setdefault(name, code)
    for name, code in aliases.items():
        index.setdefault(fold(name), code)
    return dict(sorted(index.items()))


def _names_by_interface(code: str) -> dict[str, str]:
    """Name a language in each interface language, spelled as CLDR spells it."""
    return {interface: CODE_TO_NAMES[code][interface] for interface in INTERFACES}


def _territory_languages(territories: list[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """List where each spoken language is official, and the regions that have one main language only."""
    supplemental = Path(language_data.__file__).parent / "data" / "supplementalData.xml"
    official: dict[str, list[str]] = {language: [] for language in SPOKEN}
    hints: dict[str, str] = {}
    for territory in ElementTree.parse(supplemental).iterfind("territoryInfo/territory"):
        region = territory.get("type", "")
        if region not in territories:
            continue
        share: dict[str, float] = defaultdict(float)
        stated: set[str] = set()
        for row in territory.iterfind("languagePopulation"):
            language = row.get("type", "").split("_")[0]
            share[language] += float(row.get("populationPercent", "0"))
            if row.get("officialStatus") in ("official", "de_facto_official"):
                stated.add(language)
        for language in stated & set(SPOKEN):
            official[language].append(region)
        if hint := _single_language(region, share, stated):
            hints[region] = hint
    return {code: sorted(regions) for code, regions in official.items()}, dict(sorted(hints.items()))


def _single_language(region: str, share: dict[str, float], stated: set[str]) -> str | None:
    """Name the main language of a region, if voices speak it and no other official one rivals it."""
    main = Language.get(f"und-{region}").maximize().language
    # Southern Min is counted beside Mandarin in Taiwan; both are written, and read aloud, as Chinese.
    rivals = {language for language in stated - {main, "nan"} if share[language] >= 20}
    counts = main in SPOKEN and (main in stated or not stated)
    return main if counts and not rivals else None


def main() -> int:
    text = json.dumps(build(), ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"') + "\n"
    if "--check" in sys.argv:
        return int(OUTPUT.read_text(encoding="utf-8") != text)
    OUTPUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
