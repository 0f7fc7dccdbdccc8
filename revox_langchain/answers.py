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
            return {safe_text(str(name)): safe_json(item, deepest - 1) for name, item in value.items()}
        return [safe_json(item, deepest - 1) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _safe_number(value)
    return value if value is None or isinstance(value, bool) else safe_text(str(value))


def is_safe(value: object) -> bool:
    """Whether `safe_json` would only copy decoded JSON: then there is nothing to do, in a tenth of the time."""
    texts: list[str] = []
    numbers: list[float] = []
    layer = [value]
    for _ in range(DEEPEST + 1):
        below: list[object] = []
        for item in layer:
            kind = type(item)
            if kind is str:
                texts.append(item)  # type: ignore[arg-type]
            elif kind is dict:
                texts += item  # type: ignore[arg-type]
                below += item.values()  # type: ignore[attr-defined]
            elif kind is list:
                below += item  # type: ignore[arg-type]
            elif kind is int or kind is float:
                numbers.append(item)  # type: ignore[arg-type]
            elif item is not None and kind is not bool:
                return False
        if not below:
            return _are_safe(texts, numbers)
        layer = below
    return False


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


def _are_safe(texts: list[str], numbers: list[float]) -> bool:
    try:
        text = "".join(texts)
    except TypeError:
        # A name that is not a text.
        return False
    plain = text.isascii() or not _SURROGATE.search(text)
    return plain and all(-_LARGEST <= number <= _LARGEST for number in numbers)


def _safe_number(number: float) -> float | None:
    # A checkpoint's encoder takes 64 bits, and Python refuses to write an integer of 5,000 digits at all.
    if isinstance(number, int) and abs(number) <= _LARGEST:
        return number
    try:
        decimal = float(number)
    except OverflowError:
        return None
    return decimal if math.isfinite(decimal) else None
