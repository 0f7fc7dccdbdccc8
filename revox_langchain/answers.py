"""Revox's answers as decoded JSON, and what makes any of them safe to handle."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

JsonObject = dict[str, Any]
"""A JSON object whose shape Revox may change: read it leniently, field by field."""

DEEPEST = 64
"""How many lists and objects may stand inside one another; Revox's own answers have fewer than ten."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63 - 1


def safe_json(value: object, deepest: int = DEEPEST) -> Any:
    """Copy decoded JSON so that every encoder, saver and terminal can take it.

    Half a surrogate pair becomes U+FFFD, what is not a finite number becomes null, and so does what lies too deep.
    """
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, (dict, list, tuple)):
        if deepest <= 0:
            return None
        if isinstance(value, dict):
            # Most of an answer is plain text under plain names; a call for each took most of the time.
            return {
                name if type(name) is str and name.isascii() else safe_text(str(name)): item
                if item is None or (type(item) is str and item.isascii())
                else safe_json(item, deepest - 1)
                for name, item in value.items()
            }
        return [safe_json(item, deepest - 1) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _safe_number(value)
    return value if value is None or isinstance(value, bool) else safe_text(str(value))


def safe_text(text: str) -> str:
    """Text that UTF-8 can encode: halves of a surrogate pair are joined, and one alone is replaced."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def canonical(value: object) -> str:
    """Write JSON so that equal values give equal texts, in every process and release."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: object) -> str:
    """Hash JSON in its canonical form, as hexadecimal text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _safe_number(number: float) -> float | None:
    # A checkpoint's encoder takes 64 bits, and Python refuses to write an integer of 5,000 digits at all.
    if isinstance(number, int) and abs(number) <= _LARGEST:
        return number
    try:
        decimal = float(number)
    except OverflowError:
        return None
    return decimal if math.isfinite(decimal) else None
