"""When an order may dial: calling windows, allowed days and the callee's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.phone import parse_phone
from revox_langchain.sandbox.world.timeline import END_S

DEFAULT_RETRY: JsonObject = {
    "allowed_days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    "call_twice_in_a_row": False,
    "calling_windows": [
        {"calling_window_start_time": "10:00", "calling_window_end_time": "18:00", "retry_delay_seconds": 7200}
    ],
    "max_retry_attempts": 3,
    "timezone": None,
}
"""The rules where neither the campaign nor the assistant sets any."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LOOK_AHEAD_DAYS = 15
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")
_CLOCK_12 = re.compile(r"(1[0-2]|[1-9])(?::([0-5]\d))?([ap])m", re.IGNORECASE)


def next_opening(config: JsonObject, from_s: float, zone: tzinfo) -> float | None:
    """The first moment not before `from_s` inside a calling window; None if no window ever opens."""
    if from_s > END_S:
        return None
    start = datetime.fromtimestamp(from_s, zone)
    openings = []
    # Yesterday's window may end after midnight.
    for days in range(-1, _LOOK_AHEAD_DAYS):
        day = start.date() + timedelta(days=days)
        if _DAYS[day.weekday()] not in config["allowed_days"]:
            continue
        for window in config["calling_windows"]:
            if (hours := _hours(window)) is None:
                continue
            opens, closes = hours
            opens_s = datetime.combine(day, opens, zone).timestamp()
            closes_s = datetime.combine(day + timedelta(days=int(closes <= opens)), closes, zone).timestamp()
            if from_s < closes_s:
                openings.append(max(from_s, opens_s))
        if openings:
            break
    return min(openings, default=None)


def retry_delay_s(config: JsonObject, now_s: float, zone: tzinfo) -> float:
    """Seconds between two attempts: those of the current window, else of the first one."""
    now = datetime.fromtimestamp(now_s, zone).time()
    windows = config["calling_windows"]
    for window in windows:
        if (hours := _hours(window)) is None:
            continue
        opens, closes = hours
        if opens <= now < closes or (closes <= opens and (now >= opens or now < closes)):
            return float(window["retry_delay_seconds"])
    return float(windows[0]["retry_delay_seconds"]) if windows else 7200.0


def zone_of(number: str, config: JsonObject, real_zones: bool) -> tzinfo:
    """The time zone of an order to `number`: the configured one, else the first of the number's country."""
    if not real_zones:
        return UTC
    try:
        names = [config["timezone"]] if config.get("timezone") else list(parse_phone(number).time_zones)
        return ZoneInfo(names[0]) if names else UTC
    except (InvalidInput, ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _hours(window: JsonObject) -> tuple[time, time] | None:
    try:
        return clock_time(window["calling_window_start_time"]), clock_time(window["calling_window_end_time"])
    except ValueError:
        return None


@cache
def clock_time(text: str) -> time:
    """Read `09:00`, `9:30pm` or `6pm`.

    Raises:
        ValueError: The text is not such a time.
    """
    if found := _CLOCK.fullmatch(text):
        minutes = int(found[1]) * 60 + int(found[2])
    elif found := _CLOCK_12.fullmatch(text):
        minutes = int(found[1]) % 12 * 60 + int(found[2] or 0) + (720 if found[3].lower() == "p" else 0)
    else:
        minutes = -1
    if not 0 <= minutes <= 24 * 60:
        raise ValueError(f"{text!r} is not a time of day; write 17:00 or 5pm")
    # 24:00 is midnight at the end of a day.
    return time(minutes // 60 % 24, minutes % 60)
