"""What is known of a call, in the terms a program asks about: whether it was answered, by whom, what was said."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.results.talk import Response, Segment

Disposition = Literal["answered", "voicemail", "no_answer", "busy", "screened", "ivr", "failed", "cancelled", "unknown"]

Conclusion = Literal[
    "pending",
    "completed",
    "interested",
    "not_interested",
    "requested_callback_later",
    "talked",
    "not_reached",
    "failed",
    "cancelled",
    "unknown",
]
"""What a program branches on; exactly one of these, whatever Revox sends.

- `pending`: the order has not ended.
- `completed`, `interested`, `not_interested`, `requested_callback_later`: someone was reached, and this is Revox's
  verdict on the conversation.
- `talked`: someone was reached, and Revox gives no verdict, or one that this release does not know.
- `not_reached`: voicemail, no answer, busy, call screening or a phone menu.
- `failed`: Revox could not place it, or it broke.
- `cancelled`: it was cancelled.
- `unknown`: it has ended, and Revox does not say how.
"""

ENDED: frozenset[str] = frozenset({"completed", "cancelled", "errored"})
"""The statuses after which a call order changes no more."""


class Turn(BaseModel):
    """One thing said (or one tool used) in a conversation.

    Attributes:
        role: `assistant`, `user`, `human_agent` or `tool`; what else Revox says stays as it is.
        content: The words; of a tool its name, if there are none.
        begun_s: When it was said, in seconds since the conversation began; None if Revox does not say.
        tool_name: Which tool was used.
        tool_arguments: What it was given.
        tool_output: What came back.
        tool_failed: Whether that is an error.
    """

    model_config = ConfigDict(frozen=True)

    role: str
    content: str
    begun_s: float | None = None
    tool_name: str | None = None
    tool_arguments: JsonObject | str | None = None
    tool_output: str | None = None
    tool_failed: bool = False


class Attempt(BaseModel):
    """One time the phone was dialed.

    Attributes:
        disposition: How it went.
        duration_s: From start to end, in seconds; None while it runs.
        talk_s: From answer to end, in seconds; None if it was not answered.
        recording_url: Where its recording is.
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
    recording_url: str | None = None


class CallFacts(BaseModel):
    """A call order as far as it is known.

    Attributes:
        ended: Whether nothing more will happen (completed, cancelled or errored).
        disposition: How the last attempt went; `cancelled` and `failed` speak of the order.
        conclusion: What became of it, as one word of a closed list to branch on; see `Conclusion`.
        outcome: Revox's verdict on the conversation, in its own words.
        attempts: Oldest first.
        talk_s: Seconds of conversation over all attempts.
        transcript: Of the newest attempt that has one; the version made from the recording if it is there.
        talked_in: The number of that attempt, from 1; without a transcript that of the newest with speech events.
        speech: Who spoke when in it.
        talk_share: The assistant's part of the time in which someone spoke, from 0 to 1; None without speech events.
        responses: How long the callee waited for each answer, and on what.
        structured_output: What was extracted from the conversation, of the newest attempt that has any.
        misfits: Where that does not fit the assistant's configuration, a sentence each.
        minutes_used: Minutes of conversation over all attempts.
        minutes_ceiling: Minutes it could cost at most: all attempts, each as long as it may last; None if the longest
            duration is not known.
        attempts_ceiling: How often the phone may be dialed at most; None if it is not known.
        intent_id: The intent whose mark the order carries.
        sandbox: Whether it is a sandbox's: no phone rang.
    """

    model_config = ConfigDict(frozen=True)

    call_id: str
    status: str
    ended: bool
    disposition: Disposition
    conclusion: Conclusion = "unknown"
    phone_number: str | None = None
    from_phone_number: str | None = None
    direction: str | None = None
    assistant_name: str | None = None
    created_at: str | None = None
    outcome: str | None = None
    outcome_summary: str | None = None
    attempts: tuple[Attempt, ...] = ()
    duration_s: float = 0.0
    talk_s: float = 0.0
    transcript: tuple[Turn, ...] = ()
    talked_in: int | None = None
    speech: tuple[Segment, ...] = ()
    talk_share: float | None = None
    responses: tuple[Response, ...] = ()
    recording_url: str | None = None
    structured_output: JsonObject | None = None
    misfits: tuple[str, ...] = ()
    minutes_used: float = 0.0
    minutes_ceiling: float | None = None
    attempts_ceiling: int | None = None
    intent_id: str | None = None
    scheduled_at: str | None = None
    sandbox: bool = False
