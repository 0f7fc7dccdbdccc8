"""What the SDK and httpx raise, turned into our errors: what happened, whether it left, what to do next."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from revox_langchain.answers import safe_json
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    import revox

LOOK_FIRST = "Look whether it took effect before doing it again."
_CODES = {402: "payment_required", 409: "conflict"}
_STEPS = {
    402: "Check the account's credit in the Revox dashboard.",
    409: "Something else uses it or changed it; read its state first.",
}


def known_failure(
    error: Exception,
    *,
    name: str,
    reads: bool,
    lists: bool = False,
    base_url: str,
    now_s: float,
    cleaned: Callable[[str], str],
) -> RevoxToolError | None:
    """Translate an exception of the SDK into one of our errors.

    Args:
        error: What was raised.
        name: Operation that was sent.
        reads: Whether it only reads, so that repeating it can do no harm.
        lists: Whether it reads something that every account has, so that 404 speaks of the base URL.
        base_url: Where it was sent.
        now_s: Seconds since the epoch, for `Retry-After` dates.
        cleaned: Takes secrets out of a text.

    Returns:
        Our error; None for an exception of an unknown kind, that is, a bug.
    """
    import httpx
    import revox

    if isinstance(error, RevoxToolError):
        return error
    if isinstance(error, revox.APIStatusError):
        # Every account has a list of calls or voices: if there is none, the base URL is wrong.
        if lists and error.status_code == 404:
            return AnswerError(f"There is no {name} at {base_url} (HTTP 404).", details={"http_status": 404})
        return _of_status(error, name, reads, now_s, cleaned)
    if isinstance(error, revox.APIConnectionError):
        return _of_connection(error, name, reads, base_url, cleaned)
    # JSON that is nested too deep raises RecursionError.
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError, revox.APIResponseValidationError)):
        return AnswerError(f"Revox answered {name} with something that is not JSON.", retry_safe=reads)
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return InvalidInput(f"The base URL {base_url!r} cannot be used.", next_step="Check REVOX_BASE_URL.")
    if isinstance(error, (httpx.HTTPError, revox.RevoxError)):
        return Unavailable(f"{name} failed: {cleaned(str(error))[:200]}", retry_safe=reads)
    if isinstance(error, UnicodeEncodeError):
        # The body is encoded before it comes here; what is left is the address and the headers.
        return InvalidInput(f"{name} was not sent: the API key or an id holds characters that cannot be sent.")
    if isinstance(error, (ValueError, RecursionError)):
        # Python reads neither JSON that is nested too deeply nor integers of thousands of digits.
        return AnswerError(f"Revox answered {name} with JSON that cannot be read.", retry_safe=reads)
    return None


def certainly_not_sent(error: BaseException) -> bool:
    """Whether what httpx raised proves that no byte of the request left, so that sending it again is safe."""
    import httpx

    return isinstance(
        error,
        (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
        ),
    )


def _of_connection(
    error: revox.APIConnectionError, name: str, reads: bool, base_url: str, cleaned: Callable[[str], str]
) -> RevoxToolError:
    import revox

    # The SDK wraps what httpx raised; only the original says whether the request left.
    cause = error.__cause__ or error
    if isinstance(cause, RevoxToolError):
        # From one of the client's hooks, which refuse some answers.
        return cause
    sent = not certainly_not_sent(cause)
    safe = reads or not sent
    if isinstance(error, revox.APITimeoutError) and sent:
        return TimedOut(f"Revox did not answer {name} in time.", retry_safe=safe)
    why = cleaned(str(cause))[:200] or type(cause).__name__
    if sent:
        return Unavailable(
            f"The connection broke during {name} ({why}).",
            retry_safe=safe,
            next_step="Try again." if reads else LOOK_FIRST,
        )
    return Unavailable(f"Revox could not be reached ({base_url}: {why}).", sent=False, retry_safe=True)


def _of_status(
    error: revox.APIStatusError, name: str, reads: bool, now_s: float, cleaned: Callable[[str], str]
) -> RevoxToolError:
    headers = error.response.headers
    return status_failure(
        error.status_code,
        f"Revox answered {name} with HTTP {error.status_code}",
        cleaned(words_of(safe_json(error.body))),
        retry_safe=reads and headers.get("x-should-retry") != "false",
        next_step="Try again later." if reads else LOOK_FIRST,
        retry_after_s=retry_after_s(headers, now_s),
    )


def status_failure(
    status: int,
    said: str,
    words: str,
    *,
    retry_safe: bool,
    next_step: str,
    retry_after_s: float | None = None,
    sent: bool = True,
    fenced: bool = False,
) -> RevoxToolError:
    """Translate an HTTP status other than success into one of our errors.

    Args:
        status: The status.
        said: Who answered what with it.
        words: The server's own words, without secrets.
        retry_safe: Whether a failure on the server's side may simply be tried again.
        next_step: What to do about such a failure.
        retry_after_s: Seconds to wait before asking again, if the server said so.
        sent: Whether the request may have been acted upon.
        fenced: Keep the words out of the message, in `details` as `said`, for a model to read behind a fence.
    """
    words = words[:300].rstrip(".")
    message = f"{said}: {words}." if words and not fenced else f"{said}."
    more: dict[str, Any] = {"details": {"http_status": status, **({"said": words} if words and fenced else {})}}
    if status == 429:
        limited = ConcurrencyLimited if "concurren" in words.casefold() else RateLimited
        return limited(message, retry_safe=True, retry_after_s=retry_after_s, **more)
    # A gateway answers these when it gave up on a server that may still be working on the request.
    if status in (408, 425) or status >= 500:
        return Unavailable(
            message, sent=sent, retry_safe=retry_safe, retry_after_s=retry_after_s, next_step=next_step, **more
        )
    if status < 400:
        # A redirect that was not followed: whoever answered, it was not the API.
        return AnswerError(message, **more)
    if status in (401, 403):
        return AuthError(message, **more)
    if status in (404, 410):
        return NotFound(message, **more)
    if status in (400, 413, 415, 422):
        return InvalidInput(message, **more)
    return Refused(message, code=_CODES.get(status), next_step=_STEPS.get(status, "Change the request."), **more)


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds to wait before asking a server again, from its headers: a number or a date."""
    for header, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(header)
        if value is None:
            continue
        try:
            seconds = float(value) * unit_s
        except ValueError:
            pass
        else:
            return max(0.0, seconds) if math.isfinite(seconds) else None
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - now_s)
        except (ValueError, TypeError):
            pass
    return None


def words_of(body: object) -> str:
    """Find the message in an error body, whose shape Revox does not document."""
    if isinstance(body, Mapping):
        for key in ("error", "message", "detail", "title"):
            if body.get(key):
                return words_of(body[key])
        return json.dumps(body, ensure_ascii=False)
    if isinstance(body, list):
        return "; ".join(words_of(item) for item in body[:5])
    text = " ".join(str(body or "").split())
    return "an HTML page" if text[:200].casefold().lstrip().startswith(("<!doctype", "<html")) else text
