"""Moments and hours of the day, as Revox and people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_LATEST_S = 1e11  # Beyond it a number counts milliseconds.


_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))? *([ap]m)?", re.IGNORECASE)


def unix_s(moment: Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 text as Revox writes them, or of a number; None if it is none."""
    if isinstance(moment, (int, float)) and not isinstance(moment, bool):
        return moment / 1000 if moment > _LATEST_S else float(moment)
    if not isinstance(moment, str):
        return None
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def minute_of(moment: Any) -> int | None:
    """Minute of the day of `18:00`, `6pm` or `6:30pm`; None if it is none."""
    found = _CLOCK.fullmatch(str(moment).strip())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute if hour <= 24 and minute < 60 else None
