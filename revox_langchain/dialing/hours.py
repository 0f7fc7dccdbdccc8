"""Hours of the day in which a phone may ring."""

from __future__ import annotations

import time
from collections.abc import Mapping

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused
from revox_langchain.operations.clock_time import minute_of
from revox_langchain.phone.number import Phone
from revox_langchain.phone.zones import is_zone, same_rules, zones_of_regions

_EDGES = ("calling_window_start_time", "calling_window_end_time")


def wants_zone(settings: Mapping[str, object] | None) -> bool:
    """Whether the calling windows in these settings are to be read in a time zone of their own."""
    config = (settings or {}).get("call_retry_config")
    return isinstance(config, Mapping) and bool(config.get("timezone"))


def check_windows(
    policy: DialPolicy,
    settings: Mapping[str, object] | None,
    phone: Phone | None = None,
    *,
    home: str | None = None,
    now_s: float | None = None,
) -> None:
    """Check the calling windows in an assistant's or a campaign's settings.

    They decide when a phone rings just as `skip_calling_window` does, so the same permission covers both. A time zone
    would shift them, so it must keep the time of the number's own zones over the coming year, whatever its name. Where
    no number is known it must be a zone of the policy's countries, since no one looks at queued orders again.

    Args:
        policy: Which hours are allowed, and which countries.
        settings: May hold a `call_retry_config`.
        phone: The number, if it is known.
        home: The organisation's country, which counts where no number is known and the policy names no country.
        now_s: Seconds since the epoch; the system's clock by default.

    Raises:
        Refused: With code `outside_local_hours`.
    """
    config = (settings or {}).get("call_retry_config")
    if not isinstance(config, Mapping) or policy.allow_skip_calling_window:
        return
    if zone := config.get("timezone"):
        _check_zone(policy, str(zone), phone, home, time.time() if now_s is None else now_s)
    windows = config.get("calling_windows") or []
    for window in windows if isinstance(windows, list) else [windows]:
        _check_window(policy.local_hours, window)


def _check_zone(policy: DialPolicy, zone: str, phone: Phone | None, home: str | None, now_s: float) -> None:
    if not is_zone(zone):
        raise _zone_refused(f"{zone[:60]!r} is not a time zone known here.")
    if phone is not None:
        # All of them: a mobile number may be anywhere in its country, and somewhere there it could be night.
        if not all(same_rules(zone, own, now_s) for own in phone.time_zones):
            raise _zone_refused(f"{zone} would shift the calling windows: clocks at the number show another time.")
        return
    regions = set(policy.allowed_countries or ()) | {r for r in (policy.default_region,) if r}
    if not regions and home:
        regions = {home}
    if not any(same_rules(zone, one, now_s) for one in zones_of_regions(sorted(regions))):
        where = (
            f"not a time zone of {', '.join(sorted(regions))}" if regions else "a time zone, and no country is known"
        )
        raise _zone_refused(f"{zone} is {where}: phones could ring at night.")


def _zone_refused(why: str) -> Refused:
    return Refused(
        why,
        code="outside_local_hours",
        next_step="Leave the timezone out of call_retry_config: its windows then count in the zone of each number.",
    )


def _check_window(local_hours: tuple[str, str], window: object) -> None:
    texts = [window.get(edge) if isinstance(window, Mapping) else None for edge in _EDGES]
    first, last, start, end = map(minute_of, (*local_hours, *texts))
    if start is None or end is None:
        edge, text = (_EDGES[0], texts[0]) if start is None else (_EDGES[1], texts[1])
        raise Refused(
            f"{edge} {str(text)[:40]!r} is not a time of day.",
            code="outside_local_hours",
            next_step="Write the calling_windows of call_retry_config as 09:00 or 9am.",
        )
    # Allowed hours that span midnight are not checked: a window is one stretch of one day and cannot span it.
    if first is None or last is None or (first < last and not first <= start < end <= last):
        raise Refused(
            f"These calling windows reach beyond {' to '.join(local_hours)} where the phone rings.",
            code="outside_local_hours",
            next_step="Leave call_retry_config out, or choose windows within these hours. Leave the timezone out.",
        )
