"""Which failures are worth another try, and after how long: the one layer that retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from tenacity import RetryCallState, retry_if_exception, stop_after_attempt

from revox_langchain.errors import AnswerError, RateLimited, Unavailable

if TYPE_CHECKING:
    from tenacity.retry import retry_base
    from tenacity.stop import stop_base

_LONGEST_RETRY_AFTER_S = 60.0


class Retries(TypedDict):
    """Arguments for tenacity's `Retrying` and `AsyncRetrying` alike."""

    stop: stop_base
    retry: retry_base
    wait: Callable[[RetryCallState], float]
    reraise: bool


def retries(attempts: int) -> Retries:
    """Try up to `attempts` times, as long as the failure passes by itself."""
    return {
        "stop": stop_after_attempt(attempts),
        "retry": retry_if_exception(_worth_repeating),
        "wait": _pause_s,
        "reraise": True,
    }


def _worth_repeating(error: BaseException) -> bool:
    return (
        isinstance(error, (Unavailable, RateLimited, AnswerError))
        and error.retry_safe
        and (error.retry_after_s or 0.0) <= _LONGEST_RETRY_AFTER_S
    )


def _pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = getattr(error, "retry_after_s", None)
    if asked_s is not None:
        return float(asked_s)
    return float(min(8.0, 0.5 * 2 ** (state.attempt_number - 1)) * random.uniform(0.75, 1.0))
