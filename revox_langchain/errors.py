"""Everything that can go wrong, in one drawing; each error says what to do next.

    RevoxToolError(RuntimeError)      kind                  may be sent again?
    ├── InvalidInput                  invalid               after correcting it
    │   ├── UnknownLanguage           (code unknown_language)
    │   ├── UnsupportedLanguage       (code unsupported_language)
    │   ├── AmbiguousLanguage         (code ambiguous_language)
    │   └── NoVoice                   (code no_voice)
    ├── AuthError                     auth                  after fixing the key
    ├── NotFound                      not_found             no
    ├── Refused                       refused               after changing what the code names
    ├── RateLimited                   rate_limited          later
    │   └── ConcurrencyLimited        concurrency_limited   later
    ├── Unavailable                   unavailable           reads: yes; dials: only if `sent` is False
    │   └── TimedOut                  timeout
    ├── AnswerError                   answer                reads: yes; dials: no
    └── PlacementUnknown              placement_unknown     no: look first

`kind` is the branch of the tree, and no new ones are added; `code` is the precise, stable name within it
(`recently_placed`, `premium_number`, ...) and equals `kind` where nothing more precise is known.
A person reads what is wrong and then what to do, a model the other way round (`for_model`), since small models act on
the first words. So `next_step` names an argument and what to put there or that it is left out, or a tool, and each
sentence holds on its own. A message of validation begins with its tool and arguments, and stays in front.
They derive from `RuntimeError` so that LangGraph servers show their message and a default
`RetryPolicy` does not repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Literal, TypedDict, Unpack

from revox_langchain.answers import JsonObject, safe_json, safe_text

PAGES = "https://github.com/revox-langchain/revox-langchain/blob/main/docs/errors"
"""Where each code has a page."""


class _Options(TypedDict, total=False):
    code: str | None
    next_step: str | None
    retry_safe: bool
    retry_after_s: float | None
    details: JsonObject | None


class RevoxToolError(RuntimeError):
    """Base class of all known failures of this package.

    Args:
        message: One sentence: what is wrong.
        code: Precise stable name; defaults to the kind.
        next_step: One sentence: what to do about it.
        retry_safe: Whether sending exactly the same again can do no harm.
        retry_after_s: How many seconds to wait first, if known.
        details: Plain JSON for programs (never secrets).

    Attributes:
        kind: Branch of the tree, see the module's docstring.
    """

    kind: ClassVar[str] = "error"
    default_next_step: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        next_step: str | None = None,
        retry_safe: bool = False,
        retry_after_s: float | None = None,
        details: JsonObject | None = None,
    ) -> None:
        # Errors quote what models and servers wrote, and are read by models, written as JSON, and kept in checkpoints.
        message = safe_text(message)
        super().__init__(message)
        self.message = message
        self.code = code or self.kind
        self.next_step = self.default_next_step if next_step is None else safe_text(next_step)
        self.retry_safe = retry_safe
        self.retry_after_s = retry_after_s
        self.details = safe_json(details or {})

    def add_note(self, note: str) -> None:
        """Keep a note, except LangGraph's on which task ran: it would stand after the message of the traceback."""
        if not note.startswith("During task with name "):
            super().add_note(note)

    @property
    def http_status(self) -> int | None:
        """The HTTP status Revox answered with, if it answered."""
        status = self.details.get("http_status")
        return status if isinstance(status, int) else None

    @property
    def docs_url(self) -> str | None:
        """Address of the page about this code: whether a phone rang, and the fix. A code of others has none."""
        return f"{PAGES}/{self.code}.md" if _IS_CODE.fullmatch(self.code) else None

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    @property
    def for_model(self) -> str:
        """The error as a model reads it: first what to change, then why."""
        return step_first(self.message, self.next_step)

    def as_dict(self) -> JsonObject:
        """The error as plain JSON, as artifacts, graph outputs and `--json` carry it."""
        return {
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "next_step": self.next_step,
            "retry_safe": self.retry_safe,
            "retry_after_s": self.retry_after_s,
            "docs_url": self.docs_url,
            **({"details": self.details} if self.details else {}),
        }


class InvalidInput(RevoxToolError):
    """The input is not valid; nothing was sent."""

    kind = "invalid"
    default_next_step = "Correct the arguments and send them again."


class UnknownLanguage(InvalidInput):
    """The text given as a language is not a known language."""


class UnsupportedLanguage(InvalidInput):
    """A language that no Revox voice speaks."""


class AmbiguousLanguage(InvalidInput):
    """The text does not say which language to speak."""


class NoVoice(InvalidInput):
    """The catalogue has no voice of the kind that was asked for."""


class AuthError(RevoxToolError):
    """The API key is missing or was refused."""

    kind = "auth"
    default_next_step = "Set REVOX_API_KEY to a key from the Revox dashboard (API Keys); a model tells the user to."


class NotFound(RevoxToolError):
    """Revox knows nothing under this id."""

    kind = "not_found"
    default_next_step = "Check the id; list the resource to see which ids exist."


class Refused(RevoxToolError):
    """The guard, or Revox itself, refused; nothing was placed."""

    kind = "refused"


class RateLimited(RevoxToolError):
    """Revox wants fewer requests (429); this one was not accepted."""

    kind = "rate_limited"
    default_next_step = "Wait before sending it again."


class ConcurrencyLimited(RateLimited):
    """Revox has as many calls running as the account or key allows (429)."""

    kind = "concurrency_limited"
    default_next_step = "Wait until a running call has ended."


class Unavailable(RevoxToolError):
    """Revox could not be reached, or failed on its side.

    Attributes:
        sent: False if the request certainly never left (the connection did not open).
            True means it may have been acted upon.
    """

    kind = "unavailable"
    default_next_step = "Check the network and REVOX_BASE_URL, then try again."

    def __init__(self, message: str, *, sent: bool = True, **options: Unpack[_Options]) -> None:
        super().__init__(message, **options)
        self.sent = sent


class TimedOut(Unavailable):
    """No answer within the time limit; whether Revox acted is not known."""

    kind = "timeout"
    default_next_step = "Look whether it took effect before doing it again."


class AnswerError(RevoxToolError):
    """Revox answered with a success status, but not with the JSON it documents."""

    kind = "answer"
    default_next_step = "Check that REVOX_BASE_URL points at the Revox API (it ends in /api)."


class PlacementUnknown(RevoxToolError):
    """A call may or may not have been placed; it was not placed a second time.

    Attributes:
        intent_id: Mark the order would carry in its metadata.
        phone_number: Number the order would go to, E.164.
    """

    kind = "placement_unknown"

    def __init__(self, message: str, *, intent_id: str = "", phone_number: str = "") -> None:
        super().__init__(
            message,
            next_step=(
                "Do not dial again. Look with "
                f"run(recover(intent_id={intent_id!r}, phone_number=the same number), connection) "
                "(tool revox_recover_call, `revox-langchain recover`); if the order still is not there and the call "
                "is wanted, place it under a new intent."
            ),
            details={"intent_id": intent_id, "phone_number": phone_number},
        )
        self.intent_id = intent_id
        self.phone_number = phone_number


def outcome_of(error: RevoxToolError) -> Literal["refused", "rate_limited", "not_sent", "unknown"]:
    """Say what a failed `POST /call` means for the phone.

    `refused`: not placed. `rate_limited`: not accepted now. `not_sent`: never left. `unknown`: anything else; it may
    ring.
    """
    if isinstance(error, Unavailable) and not error.sent:
        return "not_sent"
    if isinstance(error, RateLimited):
        return "rate_limited"
    status = error.http_status
    if status is None:
        # Without an answer only what was refused before sending is certain.
        return "refused" if error.kind in ("invalid", "refused", "auth") else "unknown"
    # 408, 409 and 425 do not say whether the request was acted upon.
    return "refused" if 400 <= status < 500 and status not in (408, 409, 425, 429) else "unknown"


_IS_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*")
_NAMES_ARGUMENTS = re.compile(r"revox_\w+: ")


def step_first(message: str, next_step: str) -> str:
    """Say what to change, and then why."""
    if _NAMES_ARGUMENTS.match(message):
        message, next_step = next_step, message
    return f"{next_step} {message}".strip()


def near(name: str, known: Iterable[str]) -> str:
    """Suggest which of `known` resemble `name`, as a sentence end: `; did you mean 'a' or 'b'?`."""
    from difflib import get_close_matches

    matches = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else "."
