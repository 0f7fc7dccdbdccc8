"""A call's result in the terms a program asks about: whether it was answered, by whom, what was said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.results.schema import mappings, misfits

Disposition = Literal["answered", "voicemail", "no_answer", "busy", "screened", "ivr", "failed", "cancelled", "unknown"]

_BY_RESULT: dict[str, Disposition] = {
    "human": "answered",
    "voicemail": "voicemail",
    "IVR": "ivr",
    "ios-screening-filter": "screened",
}
_BY_DIAL_ERROR: dict[str, Disposition] = {
    "busy": "busy",
    "no_answer": "no_answer",
    "temporarily_unavailable": "no_answer",
}
_BY_END_REASON: dict[str, Disposition] = {
    "voicemail": "voicemail",
    "ivr_no_navigate": "ivr",
    "user_unavailable": "no_answer",
    "user_rejected": "busy",
}

ENDED: frozenset[str] = frozenset({"completed", "cancelled", "errored"})
"""The statuses after which a call order changes no more."""

T = TypeVar("T")


class Turn(BaseModel):
    """One thing said (or one tool used) in a conversation."""

    model_config = ConfigDict(frozen=True)

    role: str
    content: str


class Attempt(BaseModel):
    """One time the phone was dialed.

    Attributes:
        disposition: How it went.
        duration_s: From start to end, in seconds; None while it runs.
        talk_s: From answer to end, in seconds; None if it was not answered.
    """

    model_config = ConfigDict(frozen=True)

    attempt_id: str | None = None
    status: str
    disposition: Disposition
    started_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    duration_s: float | None = None
    talk_s: float | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    dial_error: str | None = None


class CallResult(BaseModel):
    """A call order as far as it is known, read from one answer of `GetCall`.

    Attributes:
        ended: Whether nothing more will happen (completed, cancelled or errored).
        disposition: How the last attempt went; `cancelled` and `failed` speak of the order.
        attempts: Oldest first.
        talk_s: Seconds of conversation over all attempts.
        transcript: Of the newest attempt that has one; the version made from the recording if it is there.
        structured_output: What was extracted from the conversation, of the newest attempt that has any.
        misfits: Where that does not fit the assistant's configuration, a sentence each.
    """

    model_config = ConfigDict(frozen=True)

    call_id: str
    status: str
    ended: bool
    disposition: Disposition
    phone_number: str | None = None
    outcome: str | None = None
    outcome_summary: str | None = None
    attempts: tuple[Attempt, ...] = ()
    duration_s: float = 0.0
    talk_s: float = 0.0
    transcript: tuple[Turn, ...] = ()
    recording_url: str | None = None
    structured_output: JsonObject | None = None
    misfits: tuple[str, ...] = ()
    scheduled_at: str | None = None

    @classmethod
    def from_call(cls, call: Mapping[str, Any]) -> CallResult:
        """Read the JSON of one call leniently: unknown values pass through, missing ones stay empty."""
        raw = mappings(call.get("call_attempts")) or mappings([call.get("last_call_attempt")])
        # Revox lists the newest attempt first.
        attempts = tuple(_attempt(item) for item in reversed(raw))
        output = _first(raw, "structured_output", dict)
        return cls(
            call_id=str(call["id"]),
            status=str(call.get("status")),
            ended=str(call.get("status")) in ENDED,
            disposition=_order_disposition(call, attempts),
            phone_number=_text(call.get("to_phone_number")),
            outcome=_text(call.get("outcome")),
            outcome_summary=_text(call.get("outcome_summary")),
            attempts=attempts,
            duration_s=sum(a.duration_s or 0.0 for a in attempts),
            talk_s=sum(a.talk_s or 0.0 for a in attempts),
            transcript=_transcript(raw),
            recording_url=_first(raw, "recording_url", str),
            structured_output=output,
            misfits=misfits(output, call.get("assistant")),
            scheduled_at=_text(call.get("scheduled_at")),
        )

    def as_output(self) -> JsonObject:
        """The result as plain JSON, under the names the call graph uses."""
        return {
            "status": self.status if self.ended else "still_running",
            "disposition": self.disposition if self.attempts or self.ended else None,
            "outcome": self.outcome,
            "outcome_summary": self.outcome_summary,
            "transcript": [turn.model_dump() for turn in self.transcript],
            "structured_output": self.structured_output,
            "recording_url": self.recording_url,
            "attempts": [attempt.model_dump() for attempt in self.attempts],
        }


def _attempt(raw: Mapping[str, Any]) -> Attempt:
    return Attempt(
        attempt_id=_text(raw.get("id")),
        status=str(raw.get("status")),
        disposition=_attempt_disposition(raw),
        started_at=_text(raw.get("started_at")),
        answered_at=_text(raw.get("answered_at")),
        ended_at=_text(raw.get("ended_at")),
        duration_s=_seconds(raw.get("started_at"), raw.get("ended_at")),
        talk_s=_seconds(raw.get("answered_at"), raw.get("ended_at")),
        ended_by=_text(raw.get("ended_by")),
        end_reason=_text(raw.get("end_reason")),
        dial_error=_text(raw.get("dial_error")),
    )


def _attempt_disposition(raw: Mapping[str, Any]) -> Disposition:
    # The result comes first: it says who or what answered, the end reason only why the call was closed.
    result, end_reason = str(raw.get("result")), str(raw.get("end_reason"))
    if result in _BY_RESULT:
        return _BY_RESULT[result]
    if raw.get("dial_error"):
        return _BY_DIAL_ERROR.get(str(raw["dial_error"]), "failed")
    if end_reason in _BY_END_REASON:
        return _BY_END_REASON[end_reason]
    return "failed" if raw.get("status") == "error" else "unknown"


def _order_disposition(call: Mapping[str, Any], attempts: tuple[Attempt, ...]) -> Disposition:
    if call.get("status") == "cancelled":
        return "cancelled"
    if call.get("status") == "errored":
        return "failed"
    return attempts[-1].disposition if attempts else "unknown"


def _transcript(raw: list[Mapping[str, Any]]) -> tuple[Turn, ...]:
    for attempt in raw:
        turns = mappings(attempt.get("post_call_transcript")) or mappings(attempt.get("transcript"))
        if turns:
            return tuple(
                Turn(role=str(t.get("role")), content=str(t.get("content") or t.get("tool_name") or "")) for t in turns
            )
    return ()


def _first(raw: list[Mapping[str, Any]], key: str, kind: type[T]) -> T | None:
    """The newest attempt's value under `key` that has the right type; attempts come newest first."""
    return next((value for attempt in raw if (value := attempt.get(key)) and isinstance(value, kind)), None)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _seconds(start: object, end: object) -> float | None:
    if not (isinstance(start, str) and isinstance(end, str)):
        return None
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (ValueError, TypeError):
        return None
