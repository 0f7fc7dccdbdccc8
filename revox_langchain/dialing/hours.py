"""Moments and hours of the day, as Revox and people write them, and which of them a phone may ring in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused
from revox_langchain.phone import Phone

_CLOCK_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))? *([ap]m)?", re.IGNORECASE)


def minute_of(moment: object) -> int | None:
    """Minute of the day of `18:00`, `6pm` or `6:30pm`; None for anything else."""
    found = _CLOCK_TIME.fullmatch(str(moment).strip())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute if hour <= 24 and minute < 60 else None


def check_windows(policy: DialPolicy, settings: Mapping[str, object] | None, phone: Phone | None = None) -> None:
    """Check the calling windows in an assistant's or a campaign's settings.

    They decide when a phone rings just as `skip_calling_window` does, so the same permission covers both.

    Args:
        policy: Which hours are allowed.
        settings: May hold a `call_retry_config`.
        phone: The number, if it is known: a time zone that is not its own would shift the windows.

    Raises:
        Refused: With code `outside_local_hours`.
    """
    config = (settings or {}).get("call_retry_config")
    if not isinstance(config, Mapping) or policy.allow_skip_calling_window:
        return
    zone = config.get("timezone")
    shifted = zone and phone is not None and phone.time_zones and zone not in phone.time_zones
    if shifted or not all(_within(policy.local_hours, window) for window in config.get("calling_windows") or []):
        raise Refused(
            f"These calling windows reach beyond {' to '.join(policy.local_hours)} where the phone rings.",
            code="outside_local_hours",
            next_step="Choose windows within these hours and leave the timezone out.",
        )


def _within(local_hours: tuple[str, str], window: Mapping[str, object]) -> bool:
    first, last = minute_of(local_hours[0]), minute_of(local_hours[1])
    start, end = minute_of(window.get("calling_window_start_time")), minute_of(window.get("calling_window_end_time"))
    if first is None or last is None or start is None or end is None:
        return False
    # Allowed hours that span midnight are not checked: a window is one stretch of one day and cannot span it.
    return first >= last or first <= start < end <= last
