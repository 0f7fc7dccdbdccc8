"""Times of day as people, models and Revox write them."""

from __future__ import annotations

import re

_WORDS = {"noon": 12 * 60, "midday": 12 * 60, "midnight": 0}
_DOCUMENTED = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:1[0-2]|[1-9])(?::[0-5]\d)?[ap]m", re.IGNORECASE)
_CLOCK_TIME = re.compile(
    r"(?P<hour>\d{1,2})"
    r"(?:[:.](?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0+)?)?| ?h ?(?P<french>\d{2})?| ?uhr(?: (?P<german>\d{2}))?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE | re.ASCII,
)


def minute_of(moment: object) -> int | None:
    """Minute of the day of `18:00`, `6pm`, `9 a.m.`, `9h00` or `noon`; None for what is not a time of day."""
    text = " ".join(str(moment).split())
    if (word := _WORDS.get(text.lower())) is not None:
        return word
    found = _CLOCK_TIME.fullmatch(text)
    if found is None:
        return None
    hour = int(found["hour"])
    minute = int(found["minute"] or found["french"] or found["german"] or 0)
    if found["half"]:
        # 13pm and 0am are slips, and of a slip no one knows which half of the day was meant.
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    if int(found["second"] or 0) or minute > 59:
        return None
    return hour * 60 + minute if hour < 24 or (hour, minute) == (24, 0) else None


def as_documented(moment: str) -> str:
    """A time of day in a form that Revox documents; one that is in such a form already stays as it is.

    Raises:
        ValueError: It is not a time of day.
    """
    if _DOCUMENTED.fullmatch(moment):
        return moment
    minute = minute_of(moment)
    if minute is None:
        raise ValueError("write hours and minutes as HH:MM, or an hour with am or pm; this is not a time of day")
    return f"{minute // 60:02}:{minute % 60:02}"
