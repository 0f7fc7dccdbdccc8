"""Whose number it is: whether a text that somebody gave holds a number, in whatever way it is written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from revox_langchain.phone import Phone
from revox_langchain.phone.writing import cleaned

_TAIL = 6
_BEFORE, _AFTER = 48, 24


@dataclass(frozen=True)
class Given:
    """What was said by those whose word counts: the user, the developer, and tools that are not ours.

    Attributes:
        texts: What they said, each by itself.
    """

    texts: tuple[str, ...]

    def holds(self, phone: Phone, region: str | None = None) -> bool:
        """Whether a number occurs as a whole.

        Args:
            phone: The number.
            region: The country in which a number in national form is read, besides the number's own.
        """
        text, tail = self._text, phone.e164[-_TAIL:]
        # Searched for by its last digits first: reading every number of a long conversation takes seconds.
        for found in re.finditer(r"[^\d\n]{0,3}".join(tail), text):
            around = text[max(0, found.start() - _BEFORE) : found.end() + _AFTER]
            if any(phone.e164 in _numbers_in(around, each) for each in {region, phone.region}):
                return True
        return False

    @cached_property
    def _text(self) -> str:
        lines = (cleaned(line) for text in self.texts for line in text.splitlines())
        return "\n".join("".join(map(_ascii_digit, line)) for line in lines)


def _ascii_digit(sign: str) -> str:
    return str(unicodedata.decimal(sign)) if not sign.isascii() and unicodedata.category(sign) == "Nd" else sign


@lru_cache(maxsize=4096)
def _numbers_in(text: str, region: str | None) -> frozenset[str]:
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

    found = PhoneNumberMatcher(text, region, leniency=Leniency.VALID)
    return frozenset(format_number(match.number, PhoneNumberFormat.E164) for match in found)
