"""A call's result, read from whatever Revox says of its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from revox_langchain.answers import JsonObject
from revox_langchain.results.cost import attempts_ceiling, minutes_ceiling
from revox_langchain.results.drawing import can_draw
from revox_langchain.results.facts import ENDED, Attempt, CallFacts, Conclusion, Disposition, Turn
from revox_langchain.results.markdown import markdown
from revox_langchain.results.masking import masked
from revox_langchain.results.order import (
    MARK,
    Said,
    attempts_of,
    id_of,
    metadata_of,
    object_of,
    part_of,
    status_of,
    text_of,
    unix_s,
    whole_turns_of,
)
from revox_langchain.results.page import PageMore, draw, fragment, page_of
from revox_langchain.results.schema import ModelT, misfits
from revox_langchain.results.spoken import begun_at_s
from revox_langchain.results.structured import Structured, structured
from revox_langchain.results.talk import Segment, responses, segments_of, talk_share
from revox_langchain.results.wording import zones_of

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
_BY_OUTCOME: dict[str, Conclusion] = {
    "completed": "completed",
    "interested": "interested",
    "not_interested": "not_interested",
    "requested_callback_later": "requested_callback_later",
}


class CallResult(CallFacts):
    """A call order as far as it is known, read from one answer of `GetCall`; its attributes are `CallFacts`'."""

    @classmethod
    def from_call(cls, call: Mapping[str, object]) -> CallResult:
        """Read the JSON of one call leniently: unknown values pass through, missing ones stay empty."""
        raw = attempts_of(call)
        attempts = tuple(_attempt(item) for item in raw)
        output = next((found for item in reversed(raw) if (found := object_of(item.get("structured_output")))), None)
        status, outcome = status_of(call), text_of(call.get("outcome"))
        talk_s = sum(a.talk_s or 0.0 for a in attempts)
        talked_in, transcript, speech = _conversation(raw)
        return cls(
            call_id=id_of(call),
            status=status,
            ended=status in ENDED,
            disposition=_order_disposition(status, attempts),
            conclusion=_conclusion(status, outcome, attempts),
            phone_number=text_of(call.get("to_phone_number")),
            from_phone_number=text_of(call.get("from_phone_number")),
            direction=text_of(call.get("direction")),
            assistant_name=text_of(part_of(call, "assistant").get("name")),
            created_at=text_of(call.get("created_at")),
            outcome=outcome,
            outcome_summary=text_of(call.get("outcome_summary")),
            attempts=attempts,
            duration_s=sum(a.duration_s or 0.0 for a in attempts),
            talk_s=talk_s,
            transcript=transcript,
            talked_in=talked_in,
            speech=speech,
            talk_share=talk_share(speech),
            responses=responses(speech),
            recording_url=next((a.recording_url for a in reversed(attempts) if a.recording_url), None),
            structured_output=output,
            misfits=misfits(output, call.get("assistant")),
            minutes_used=round(talk_s / 60, 2),
            minutes_ceiling=minutes_ceiling(call),
            attempts_ceiling=attempts_ceiling(call),
            intent_id=text_of(metadata_of(call).get(MARK)),
            scheduled_at=text_of(call.get("scheduled_at")),
            sandbox=call.get("sandbox") is True,
        )

    def structured(self, model: type[ModelT]) -> Structured[ModelT]:
        """Read the structured output as `model`."""
        return structured(self, model)

    def to_markdown(self, *, show_numbers: bool = False) -> str:
        """The call as Markdown: facts, attempts, what was extracted, transcript.

        Args:
            show_numbers: Whether phone numbers stand there whole.
        """
        return markdown(self if show_numbers else masked(self), zones_of(self))

    def to_html(self, *, show_numbers: bool = False, **more: Unpack[PageMore]) -> str:
        """The call as one HTML file that asks no one for anything; the recording is loaded when it is played.

        Args:
            show_numbers: Whether phone numbers stand there whole.
            more: `notes` and `warnings`, as the call graph gives them.
        """
        return draw(page_of(self, show_numbers=show_numbers, **more))

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str | None:
        # A notebook shows the Markdown then.
        return fragment(page_of(self)) if can_draw() else None

    def as_output(self) -> JsonObject:
        """The result as plain JSON, under the names the call graph uses."""
        return {
            "status": self.status if self.ended else "still_running",
            "disposition": self.disposition if self.attempts or self.ended else None,
            "conclusion": self.conclusion,
            "outcome": self.outcome,
            "outcome_summary": self.outcome_summary,
            "transcript": [{"role": turn.role, "content": turn.content} for turn in self.transcript],
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
        recording_url=_url(raw),
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


def _conclusion(status: str, outcome: str | None, attempts: tuple[Attempt, ...]) -> Conclusion:
    disposition = _order_disposition(status, attempts)
    if status not in ENDED:
        return "pending"
    if disposition == "cancelled" or status == "errored":
        return "cancelled" if disposition == "cancelled" else "failed"
    # A verdict on what a mailbox said is none on the callee.
    if disposition == "answered" or any(attempt.disposition == "answered" for attempt in attempts):
        return _BY_OUTCOME.get(outcome or "", "talked")
    if disposition == "unknown":
        return _BY_OUTCOME.get(outcome or "", "unknown")
    return "failed" if disposition == "failed" else "not_reached"


def _conversation(raw: Sequence[Mapping[str, object]]) -> tuple[int | None, tuple[Turn, ...], tuple[Segment, ...]]:
    """The number, words and speech of the attempt that counts: the newest with a transcript, or else with speech."""
    newest_first = list(reversed(list(enumerate(raw, 1))))
    for number, attempt in newest_first:
        if turns := whole_turns_of(attempt):
            moments = begun_at_s(attempt, [said for said, _ in turns])
            told = tuple(_turn(said, whole, begun_s) for (said, whole), begun_s in zip(turns, moments, strict=True))
            return number, told, segments_of(attempt)
    spoken = ((number, speech) for number, attempt in newest_first if (speech := segments_of(attempt)))
    number_of_speech, speech = next(spoken, (None, ()))
    return number_of_speech, (), speech


def _turn(said: Said, whole: Mapping[str, object], begun_s: float | None) -> Turn:
    arguments = whole.get("tool_arguments")
    return Turn(
        role=said.role,
        content=said.content,
        begun_s=begun_s,
        tool_name=text_of(whole.get("tool_name")),
        tool_arguments=object_of(arguments) if isinstance(arguments, Mapping) else text_of(arguments),
        tool_output=text_of(whole.get("tool_output")),
        tool_failed=whole.get("tool_is_error") is True,
    )


def _url(attempt: Mapping[str, object]) -> str | None:
    url = attempt.get("recording_url")
    return text_of(url) if url and isinstance(url, str) else None


def _seconds(start: object, end: object) -> float | None:
    start_s, end_s = unix_s(start), unix_s(end)
    return None if start_s is None or end_s is None else round(max(0.0, end_s - start_s), 6)


__all__ = ["ENDED", "Attempt", "CallResult", "Conclusion", "Disposition", "Turn"]
