"""Time zones: where a number may be, which zones keep the same time, and whether it is day there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from revox_langchain.phone.number import Phone

_DAY_S = 86_400
_HOURS_AHEAD = 366 * 24


def inside_local_hours(phone: Phone, now_s: float, start: str = "08:00", end: str = "21:00") -> bool | None:
    """Tell whether it is between two wall-clock times wherever the number may be.

    Args:
        phone: The number to be called.
        now_s: Unix time in seconds.
        start: First allowed minute, `HH:MM` local time.
        end: First minute no longer allowed. Earlier than `start` means over midnight.

    Returns:
        True if inside in all zones of the number, False if outside in any, None if no zone is known.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    first, last = time.fromisoformat(start), time.fromisoformat(end)
    if first == last:
        raise ValueError(f"start and end are both {start}; give two different times.")
    now = datetime.fromtimestamp(now_s, UTC)
    try:
        local = [now.astimezone(ZoneInfo(zone)).time() for zone in phone.time_zones]
    except ZoneInfoNotFoundError:  # A system without a zone database knows no zone at all.
        return None
    if not local:
        return None
    if first < last:
        return all(first <= at < last for at in local)
    return all(at >= first or at < last for at in local)


def is_zone(name: object) -> bool:
    """Whether the system's zone database has a zone of this name."""
    return isinstance(name, str) and _offsets(name, 0) is not None


def same_rules(one: str, other: str, now_s: float) -> bool:
    """Whether two zones show the same time from now on for a year, whatever they are called.

    `Asia/Calcutta` and `Asia/Kolkata` do, and so do `US/Eastern` and `America/New_York`.
    """
    day = int(now_s) // _DAY_S
    return one == other or ((rules := _offsets(one, day)) is not None and rules == _offsets(other, day))


def zones_of_regions(regions: Iterable[str]) -> frozenset[str]:
    """Zones of whole countries; countries that share a calling code share their zones here as well."""
    import phonenumbers
    from phonenumbers import timezone

    zones: set[str] = set()
    for region in regions:
        if code := phonenumbers.country_code_for_region(region.upper()):
            # A number with nothing but the calling code is looked up as "anywhere under this code".
            number = phonenumbers.PhoneNumber(country_code=code, national_number=0)
            zones |= set(timezone.time_zones_for_geographical_number(number))
    return frozenset(zones - {timezone.UNKNOWN_TIMEZONE})


@lru_cache(maxsize=1024)
def _offsets(zone: str, day: int) -> tuple[timedelta | None, ...] | None:
    """A zone's offset in every hour of the year that begins on this day; None if there is no such zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # A name such as "../etc" is a ValueError.
        return None
    start = datetime.fromtimestamp(day * _DAY_S, UTC)
    return tuple((start + timedelta(hours=hour)).astimezone(rules).utcoffset() for hour in range(_HOURS_AHEAD))
