"""Words that give a language away where a text is too short, or too strangely spelled, for statistics.

The table is data (`data/typical_words.json`): `typical` words of the languages that voices speak, the words of a
language written in Latin letters instead of its own (`romanised`), and those that only `pidgin` has and English has
not.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TypedDict

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# Longer texts are left to the detector, which is better at them.
_SHORT = 12
_LOOKED_AT = 400
_SURELY_ENGLISH = frozenset({"hi", "hello", "thanks", "please", "goodbye", "welcome"})


class _Table(TypedDict):
    typical: dict[str, list[str]]
    romanised: dict[str, list[str]]
    pidgin: list[str]


def typical_of(text: str) -> tuple[str | None, bool]:
    """Tell which language the words of a short text are typical of, and whether there are enough to be certain.

    Returns:
        The language, or None if less than a third of the words or words of several languages are typical; and whether
        half of the words are, at least two of them. "Hello" alone is certain too, being a word of no other language,
        while "Hola" is Catalan as well.
    """
    words = _words(text) if len(text) < _LOOKED_AT else set()
    if not words or len(words) > _SHORT:
        return None, False
    counted = {language: len(words & typical) for language, typical in _sets("typical").items()}
    best = max(counted, key=lambda language: counted[language])
    found = counted.pop(best)
    if found == 0 or found <= 2 * max(counted.values()):
        return None, False
    alone = words <= _SURELY_ENGLISH
    certain = alone or (found >= 2 and 2 * found >= len(words))
    return (best if certain or 3 * found >= len(words) else None), certain


def romanised(text: str) -> str | None:
    """Name the language of a text that is written in Latin letters although its own script is another one."""
    words = _words(text)
    for language, known in _sets("romanised").items():
        found = len(words & known)
        if found >= 2 and 3 * found >= len(words) and any(len(word) > 3 for word in words & known):
            return language
    return None


def is_pidgin(text: str) -> bool:
    """Whether a text has words that Nigerian Pidgin has and English has not; most of its words are English."""
    return not _words(text).isdisjoint(_table()["pidgin"])


def _words(text: str) -> set[str]:
    return {word.casefold().replace("’", "'") for word in _WORD.findall(text[:_LOOKED_AT])}


@cache
def _sets(name: str) -> dict[str, frozenset[str]]:
    groups = _table()["typical"] if name == "typical" else _table()["romanised"]
    return {language: frozenset(words) for language, words in groups.items()}


@cache
def _table() -> _Table:
    path = files("revox_langchain") / "speech" / "data" / "typical_words.json"
    table: _Table = json.loads(path.read_text(encoding="utf-8"))
    return table
