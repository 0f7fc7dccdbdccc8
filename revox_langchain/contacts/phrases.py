"""Whether someone asked on a call not to be called again, in the languages that voices speak."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from revox_langchain.speech.language import LANGUAGES


def opted_out(said: Iterable[str], language: str | None = None) -> str | None:
    """Find the sentence in which someone says not to be called again.

    It is conservative: "not today" or "not before Monday" is no such sentence, and neither is "I have no time".

    Args:
        said: What the callee said, turn by turn; not what the assistant said.
        language: The language of the call, looked at first; people also answer in another one.

    Returns:
        The first such sentence, None if there is none.
    """
    order = sorted(LANGUAGES, key=lambda each: each != (language or "")[:2])
    for turn in said:
        for sentence in _SENTENCE.findall(_plain(turn)):
            if any(_phrases()[each].fit(sentence) for each in order):
                return str(sentence).strip()
    return None


class _Phrases(NamedTuple):
    means: tuple[re.Pattern[str], ...]
    only_after: re.Pattern[str]
    only_before: re.Pattern[str]
    condition: re.Pattern[str]

    @classmethod
    def of(cls, written: dict[str, Any]) -> _Phrases:
        """Compile a language's phrases; Chinese has no blanks between words."""
        edge = "" if re.search("[\u4e00-\u9fff]", written["if"]) else r"\b"
        unless = f"{edge}(?:{written['unless']}){edge}"
        return cls(
            tuple(map(re.compile, written["means"])),
            re.compile(rf"\s*(?:\S+\s+)?{unless}"),
            re.compile(rf"{unless}(?:\s+\S+)?\s*$"),
            re.compile(f"{edge}(?:{written['if']}){edge}"),
        )

    def fit(self, sentence: str) -> bool:
        """Whether a sentence means it, without a time or a condition next to the words."""
        return any(self._for_good(sentence, found) for each in self.means for found in each.finditer(sentence))

    def _for_good(self, sentence: str, found: re.Match[str]) -> bool:
        before = sentence[: found.start()]
        limited = self.only_after.match(sentence, found.end()) or self.only_before.search(before)
        return not limited and not self.condition.search(before)


_SENTENCE = re.compile(r"[^.!?:;。！？…\n]+")
_APOSTROPHES = str.maketrans("\u2018\u2019`\u00b4\u02bc", "'''''")


@cache
def _phrases() -> dict[str, _Phrases]:
    path = files("revox_langchain") / "contacts" / "data" / "opt_out_phrases.json"
    data: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {language: _Phrases.of(written) for language, written in data.items()}


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    return re.sub(r"[ \t,«»\"“”]+", " ", composed)
