"""How long it takes to say something."""

from __future__ import annotations

SLOWNESS = {"long": 2.0, "endless": 3.0}
"""How much slower than others the callee of a scene talks."""

LONG_TALK_S = 600.0
"""Length of a long conversation."""

_SECONDS_PER_CHARACTER = {"zh": 0.22}


def duration_s(text: str, language: str, slowness: float) -> float:
    """Seconds that it takes to say a text."""
    return max(0.7, len(text) * _SECONDS_PER_CHARACTER.get(language, 0.062) * slowness)
