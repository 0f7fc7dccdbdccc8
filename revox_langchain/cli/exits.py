"""How a command ends: one exit code for each kind of end, and one sentence for each failure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput, RevoxToolError


class Exit(IntEnum):
    """What a command's exit code means; part of the interface, so that scripts can tell what happened."""

    DONE = 0
    """It did what was asked; a call has completed, whatever its disposition."""
    BUG = 1
    """A bug in this package."""
    USAGE = 2
    """The command line or an input is wrong; nothing was dialed."""
    REFUSED = 3
    """The guard or Revox said no; nothing was placed."""
    AUTH = 4
    """The API key is missing or was refused."""
    UNREACHABLE = 5
    """Revox could not be reached, or its answer is not one it documents."""
    UNKNOWN = 6
    """It is unknown whether a call was placed, or no order appears."""
    STILL_RUNNING = 7
    """The call continues; the time to wait is over."""
    NOT_COMPLETED = 8
    """The call was cancelled or errored."""
    INTERRUPTED = 130
    """Ctrl-C."""


_BY_KIND = {
    "invalid": Exit.USAGE,
    "not_found": Exit.USAGE,
    "auth": Exit.AUTH,
    "refused": Exit.REFUSED,
    "rate_limited": Exit.REFUSED,
    "concurrency_limited": Exit.REFUSED,
    "unavailable": Exit.UNREACHABLE,
    "timeout": Exit.UNREACHABLE,
    "answer": Exit.UNREACHABLE,
    "placement_unknown": Exit.UNKNOWN,
}
_NO_NUMBER = frozenset(
    {
        "not_a_number",
        "missing_country",
        "unknown_region",
        "too_short",
        "short_number",
        "too_long",
        "invalid_number",
        "ambiguous_number",
        "extension",
    }
)
"""Codes for what is not a phone number at all: a mistake in the command line, not a refusal by the guard."""


def exit_of_error(error: Mapping[str, object]) -> Exit:
    """The exit code of an error in plain JSON, as `RevoxToolError.as_dict` gives it."""
    if error.get("code") in _NO_NUMBER:
        return Exit.USAGE
    return _BY_KIND.get(str(error.get("kind")), Exit.REFUSED)


def exit_of_call(output: Mapping[str, object]) -> Exit:
    """The exit code of a call's output."""
    status = output.get("status")
    error = output.get("error")
    if status == "refused":
        return exit_of_error(error if isinstance(error, Mapping) else {})
    if was_not_read(output):
        # A call was placed, so no code may say that none was.
        return Exit.AUTH if isinstance(error, Mapping) and error.get("kind") == "auth" else Exit.UNREACHABLE
    return {
        "completed": Exit.DONE,
        "cancelled": Exit.NOT_COMPLETED,
        "errored": Exit.NOT_COMPLETED,
        "still_running": Exit.STILL_RUNNING,
    }.get(str(status), Exit.UNKNOWN)


def next_step_for_people(error: Mapping[str, object]) -> str:
    """What to do about an error, with the phone numbers that are kept out of what a model reads."""
    step, details = str(error.get("next_step") or ""), error.get("details")
    readings = details.get("readings") if isinstance(details, Mapping) else None
    if not isinstance(readings, list):
        return step
    return f"{step} It can be {' or '.join(map(str, readings))}.".strip()


def was_not_read(output: Mapping[str, object]) -> bool:
    """Whether a call exists whose end could not be read."""
    error = output.get("error")
    return bool(output.get("call_id")) and isinstance(error, Mapping) and error.get("code") != "still_running"


def usage_error(message: str, next_step: str = "See --help.") -> RevoxToolError:
    """A command line that cannot be understood, as an error of our tree."""
    return InvalidInput(message, code="usage", next_step=next_step)


def interrupted(message: str, next_step: str = "") -> JsonObject:
    """The error of a run that ended with Ctrl-C."""
    return RevoxToolError(message, code="interrupted", next_step=next_step).as_dict()
