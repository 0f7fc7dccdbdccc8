"""Print how well the call's language is found, on the labelled texts of the tests.

python -m benchmarks.language_accuracy
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from revox_langchain.errors import AmbiguousLanguage, InvalidInput
from revox_langchain.speech.language import LANGUAGES, detect, resolve_language
from tests.speech import language_lines as lines

PHONES = {
    "en": "+12025550100",
    "fr": "+33142685300",
    "es": "+34911234567",
    "de": "+4930123456",
    "it": "+390612345678",
    "pt": "+5511987654321",
    "ru": "+74951234567",
    "zh": "+8613812345678",
}


def outcome(**given: str) -> str:
    """Say what resolving gives: a language, or the name of the error."""
    try:
        return resolve_language(**given).language  # type: ignore[arg-type]
    except InvalidInput as error:
        return type(error).__name__


def gates() -> dict[str, float]:
    """Measure every gate; shares are between 0 and 1, the rest are counts or seconds."""
    labelled = list(lines.prompts())
    found = [detect(text) for _, _, text in labelled]
    verdicts = [
        "right" if seen.outcome == "language" and seen.language == language else seen.outcome
        for (language, _, _), seen in zip(labelled, found, strict=True)
    ]
    terse = [(language, detect(text)) for language, texts in lines.TERSE.items() for text in texts]
    flagged = [text for _, _, text in labelled if _flagged(text)] + [t for t in lines.ORDINARY if _flagged(t)]
    return {
        "prompts": len(labelled),
        "right": verdicts.count("right") / len(labelled),
        "wrong": verdicts.count("language") / len(labelled),
        "terse": len(terse),
        "terse_right": _count(seen.outcome == "language" and seen.language == said for said, seen in terse)
        / len(terse),
        "terse_wrong": _count(seen.outcome == "language" and seen.language != said for said, seen in terse)
        / len(terse),
        "foreign": len(lines.FOREIGN),
        "foreign_labelled": _count(outcome(prompt=text) in LANGUAGES for _, text in lines.FOREIGN),
        "no_language_labelled": _count(outcome(prompt=text) in LANGUAGES for text in lines.NO_LANGUAGE),
        "romanised_labelled": _count(outcome(prompt=text) in LANGUAGES for text in lines.ROMANISED),
        "demands": len(lines.DEMANDS),
        "demands_misvoiced": _count(
            outcome(prompt=text) in set(LANGUAGES) - {language} for language, text in lines.DEMANDS
        ),
        "ordinary_flagged": len(flagged) / (len(labelled) + len(lines.ORDINARY)),
    }


def greetings() -> Counter[str]:
    """Count how tiny greetings are settled: by the text, by the phone number, or by asking."""
    counted: Counter[str] = Counter()
    for language, text in lines.GREETINGS:
        alone = outcome(first_sentence=text)
        with_phone = outcome(first_sentence=text, phone=PHONES[language])
        if alone in LANGUAGES:
            counted["text" if alone == language else "wrong"] += 1
        else:
            counted["phone" if with_phone == language else "wrong" if with_phone in LANGUAGES else "asks"] += 1
    return counted


def golden() -> dict[str, str]:
    """Say the outcome for every text whose outcome is not simply its label."""
    texts = [text for _, text in (*lines.FOREIGN, *lines.GREETINGS)] + [*lines.NO_LANGUAGE, *lines.ROMANISED]
    return {text: f"{seen.outcome} {seen.language}" for text in texts for seen in [detect(text)]}


def warm_s() -> float:
    """Measure the slowest of the labelled prompts, each taken at its best of three."""
    return max(min(_timed(text) for _ in range(3)) for _, _, text in lines.prompts())


def cold_s() -> float:
    """Measure import, load and first detection in a process of its own, in seconds of processor time.

    It reads nothing from a network and waits for nothing, so on an idle machine that is its time on the wall too; on
    a busy one the wall would measure the neighbours.
    """
    code = (
        "import time; start = time.process_time(); from revox_langchain.speech.language import detect; "
        "detect('Good morning, I am calling about the order.'); print(time.process_time() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def _count(hits: Iterable[bool]) -> int:
    return sum(hits)


def _flagged(text: str) -> bool:
    """Tell whether a text was found ambiguous because it names a language."""
    try:
        resolve_language(prompt=text)
    except AmbiguousLanguage as error:
        return len(error.details["candidates"]) > 1
    except InvalidInput:
        pass
    return False


def _timed(text: str) -> float:
    start = time.perf_counter()
    detect(text)
    return time.perf_counter() - start


def main() -> None:
    if "--write-golden" in sys.argv:
        text = json.dumps(golden(), ensure_ascii=False, indent=0)
        (Path(__file__).parents[1] / "tests" / "speech" / "language_golden.json").write_text(
            text + "\n", encoding="utf-8"
        )
        return
    for name, value in gates().items():
        print(f"{name:22} {value:.4g}")
    print("greetings             ", dict(greetings()))
    print(f"cold start, s          {cold_s():.2f}")
    print(f"slowest warm call, ms  {warm_s() * 1000:.2f}")
    if "--faults" in sys.argv:
        faults()


def faults() -> None:
    """Print the texts that are not found as labelled."""
    for language, shape, text in lines.prompts():
        seen = detect(text)
        if seen.language != language or seen.outcome != "language":
            print(language, shape, seen.outcome, seen.language, repr(text[:90]))
    for language, text in lines.FOREIGN:
        if (said := outcome(prompt=text)) in LANGUAGES:
            print("leak", language, said, text)
    for language, text in lines.DEMANDS:
        if (said := outcome(prompt=text)) in LANGUAGES:
            print("demand", language, said, text)
    for text in lines.NO_LANGUAGE + lines.ROMANISED:
        if (said := outcome(prompt=text)) in LANGUAGES:
            print("none", said, repr(text))
    for text in [text for _, _, text in lines.prompts()] + list(lines.ORDINARY):
        if _flagged(text):
            print("flagged", text)


if __name__ == "__main__":
    main()
