"""How much a call may cost at most, as far as its order says."""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.results.order import number_of, part_of

DEFAULT_ATTEMPTS = 3
"""How often Revox dials at most where nothing else is configured."""


def attempts_ceiling(order: Mapping[str, object]) -> int | None:
    """How often the phone may be dialed for an order; None if its configuration is not known."""
    assistant = part_of(order, "assistant")
    retries = part_of(order, "call_retry_config") or part_of(assistant, "call_retry_config")
    if not (retries or assistant):
        return None
    most = number_of(retries.get("max_retry_attempts"))
    return int(most) if most is not None and most >= 1 else DEFAULT_ATTEMPTS


def minutes_ceiling(order: Mapping[str, object]) -> float | None:
    """Minutes of talk if every attempt lasts as long as it may; None if no longest duration is known."""
    attempts = attempts_ceiling(order)
    longest_s = number_of(part_of(order, "assistant").get("max_call_duration_secs"))
    if attempts is None or longest_s is None or longest_s <= 0:
        return None
    return round(attempts * longest_s / 60, 2)
