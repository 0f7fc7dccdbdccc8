"""A call's result in the terms a program asks about: whether it was answered, by whom, what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.results.order import (
    attempts_of,
    id_of,
    object_of,
    status_of,
    text_of,
    turns_of,
    unix_s,
)
from revox_langchain.results.schema import misfits

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
        sandbox: Whether it is a sandbox's: no phone rang.
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
    sandbox: bool = False

    @classmethod
    def from_call(cls, call: Mapping[str, object]) -> CallResult:
        """Read the JSON of one call leniently: unknown values pass through, missing ones stay empty."""
        raw = attempts_of(call)
        attempts = tuple(_attempt(item) for item in raw)
        output = next((found for item in reversed(raw) if (found := object_of(item.get("structured_output")))), None)
        status = status_of(call)
        return cls(
            call_id=id_of(call),
            status=status,
            ended=status in ENDED,
            disposition=_order_disposition(status, attempts),
            phone_number=text_of(call.get("to_phone_number")),
            outcome=text_of(call.get("outcome")),
            outcome_summary=text_of(call.get("outcome_summary")),
            attempts=attempts,
            duration_s=sum(a.duration_s or 0.0 for a in attempts),
            talk_s=sum(a.talk_s or 0.0 for a in attempts),
            transcript=_transcript(raw),
            recording_url=_recording(raw),
            structured_output=output,
            misfits=misfits(output, call.get("assistant")),
            scheduled_at=text_of(call.get("scheduled_at")),
            sandbox=call.get("sandbox") is True,
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
            "sandbox": self.sandbox,
        }


def _attempt(raw: Mapping[str, object]) -> Attempt:
    return Attempt(
        attempt_id=text_of(raw.get("id")),
        status=status_of(raw),
        disposition=_attempt_disposition(raw),
        started_at=text_of(raw.get("started_at")),
        answered_at=text_of(raw.get("answered_at")),
        ended_at=text_of(raw.get("ended_at")),
        duration_s=_seconds(raw.get("started_at"), raw.get("ended_at")),
        talk_s=_seconds(raw.get("answered_at"), raw.get("ended_at")),
        ended_by=text_of(raw.get("ended_by")),
        end_reason=text_of(raw.get("end_reason")),
        dial_error=text_of(raw.get("dial_error")),
    )


def _attempt_disposition(raw: Mapping[str, object]) -> Disposition:
    # The result comes first: it says who or what answered, the end reason only why the call was closed.
    result, dial_error, end_reason = (text_of(raw.get(name)) or "" for name in ("result", "dial_error", "end_reason"))
    if result in _BY_RESULT:
        return _BY_RESULT[result]
    if raw.get("dial_error"):
        return _BY_DIAL_ERROR.get(dial_error, "failed")
    if end_reason in _BY_END_REASON:
        return _BY_END_REASON[end_reason]
    return "failed" if raw.get("status") == "error" else "unknown"


def _order_disposition(status: str, attempts: tuple[Attempt, ...]) -> Disposition:
    if status == "cancelled":
        return "cancelled"
    if status == "errored":
        return "failed"
    return attempts[-1].disposition if attempts else "unknown"


def _transcript(raw: Sequence[Mapping[str, object]]) -> tuple[Turn, ...]:
    turns = next((found for attempt in reversed(raw) if (found := turns_of(attempt))), [])
    return tuple(Turn(role=said.role, content=said.content) for said in turns)


def _recording(raw: Sequence[Mapping[str, object]]) -> str | None:
    found = (attempt.get("recording_url") for attempt in reversed(raw))
    return next((text_of(url) for url in found if url and isinstance(url, str)), None)


def _seconds(start: object, end: object) -> float | None:
    start_s, end_s = unix_s(start), unix_s(end)
    return None if start_s is None or end_s is None else round(max(0.0, end_s - start_s), 6)
