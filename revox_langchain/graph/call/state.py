"""What goes into the call graph, what comes out, and what travels between. Plain JSON, so any checkpointer can keep it.

Inputs live in channels that empty themselves after the first step: a state outlives its run, and neither the input nor
the output of one run on a thread may count as input of the next.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from langgraph.channels import EphemeralValue
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from typing_extensions import TypedDict

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.fields import Moment, VoiceProvider
from revox_langchain.operations.operation import invalid
from revox_langchain.results.call import Disposition

CallStatus = Literal["completed", "cancelled", "errored", "refused", "unknown", "still_running", "given_up"]

WITH_PROMPT = ("language", "first_sentence", "voice_preferences", "structured_output_schema")
"""Inputs that shape an assistant, so that they make no sense beside an `assistant_id`."""


class VoicePreferences(BaseModel):
    """Which voice to take among those that speak the language."""

    model_config = ConfigDict(extra="forbid")

    voice_id: str | None = Field(default=None, description="Exactly this voice.")
    provider: VoiceProvider | None = Field(default=None, description="Only voices of this provider.")
    accent: str | None = Field(default=None, description="Preferred accent.", examples=["quebec", "british"])
    gender: str | None = Field(default=None, description="Preferred gender.", examples=["female", "male"])


class CallInput(BaseModel):
    """The call to place: a number, and either a prompt or an assistant."""

    model_config = ConfigDict(extra="forbid")

    phone_number: Annotated[str, EphemeralValue] = Field(
        description="Who to call, E.164.", examples=["+33142685300", "+12025550100"]
    )
    prompt: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="What the assistant must do, in the language it speaks. Or give an assistant_id.",
        examples=["Confirmez le rendez-vous de mardi à 15 h et demandez si l'adresse est toujours la même."],
    )
    assistant_id: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="An assistant that exists. Or give a prompt."
    )
    language: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Language to speak: a code or a name. Left out, it is read from the text.",
        examples=["fr", "fr-CA", "Brazilian Portuguese"],
    )
    first_sentence: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="What the assistant says first, word for word."
    )
    voice_preferences: Annotated[VoicePreferences | None, EphemeralValue] = Field(
        default=None, description="Which voice."
    )
    structured_output_schema: Annotated[dict[str, Any] | None, EphemeralValue] = Field(
        default=None,
        description="JSON schema of a flat object: what to extract from the conversation.",
        examples=[{"properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]}],
    )
    prompt_variables: Annotated[dict[str, str] | None, EphemeralValue] = Field(
        default=None, description="Values for {{variables}} in the prompt."
    )
    metadata: Annotated[dict[str, str] | None, EphemeralValue] = Field(
        default=None, description="Labels kept with the call."
    )
    scheduled_at: Annotated[Moment | None, EphemeralValue] = Field(
        default=None,
        description="When to call: ISO 8601 with an offset. Left out: now.",
        examples=["2027-01-12T10:00:00+01:00"],
    )
    skip_calling_window: Annotated[bool | None, EphemeralValue] = Field(
        default=None, description="Ring even outside calling hours (the policy must permit it)."
    )
    max_attempts: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=1, le=50, description="How often to dial at most, if nobody answers."
    )
    max_call_duration_s: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=10, le=7200, description="Seconds a conversation may last."
    )
    from_phone_number: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Caller id: one of your own numbers, E.164."
    )
    concurrency_key: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Calls with one key share a limit of calls at a time."
    )
    intent: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Name of this wish. In a thread, or without one, it is placed once; a new name is a new call.",
    )

    _problem: InvalidInput | None = PrivateAttr(None)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # LangGraph reads a thread's last input again before each new one: an error here would block the thread.
            super().__init__(phone_number="")
            self._problem = invalid(error, "call")

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, values: Any) -> Any:
        # Forms send an empty string for what was not filled in; for the two that matter that is a mistake to name.
        if not isinstance(values, dict):
            return values
        keep = ("prompt", "phone_number", "language")
        return {name: value for name, value in values.items() if name in keep or value not in ("", [], {})}

    def check(self) -> None:
        """Check what no single field can tell.

        Raises:
            InvalidInput: Both or neither of prompt and assistant_id, an empty prompt, or something beside an
                assistant_id that would shape the assistant.
        """
        if self._problem is not None:
            raise self._problem
        if self.prompt is not None and self.assistant_id is not None:
            raise InvalidInput("Both prompt and assistant_id were given.", next_step="Give one of them.")
        if self.prompt is None and self.assistant_id is None:
            raise InvalidInput("Neither prompt nor assistant_id was given.", next_step="Give one of them.")
        if self.prompt is not None and not self.prompt.strip():
            raise InvalidInput("The prompt is empty.", next_step="Say what the assistant must do on the call.")
        if self.assistant_id is not None:
            idle = [name for name in WITH_PROMPT if getattr(self, name) is not None]
            if idle:
                raise InvalidInput(
                    f"{', '.join(idle)} cannot be given beside an assistant_id, which brings its own.",
                    next_step="Leave it out, or give a prompt instead of the assistant_id.",
                )


class CallError(TypedDict):
    """Why a call did not happen, or is not known to have."""

    code: str
    kind: str
    message: str
    next_step: str
    retry_safe: bool
    retry_after_s: float | None


class CallOutput(BaseModel):
    """What became of the call."""

    status: CallStatus = Field(description="Revox's final status, or why there is none.")
    call_id: str | None = Field(description="Revox's id of the call.")
    intent_id: str | None = Field(description="The mark the order carries in its metadata.")
    adopted: bool = Field(description="Whether the order of an earlier run was found instead of placing one.")
    assistant_id: Annotated[str | None, EphemeralValue] = Field(description="Who talked; None if it was sent inline.")
    language: Annotated[str | None, EphemeralValue] = Field(description="Language that was spoken, as a tag.")
    voice: dict[str, Any] | None = Field(description="The voice: id, provider, name, language, accent.")
    disposition: Disposition | None = Field(description="How the last attempt went.")
    outcome: str | None = Field(description="Revox's verdict on the conversation, if it has one.")
    outcome_summary: str | None = Field(description="Why, in a sentence.")
    transcript: list[dict[str, str]] = Field(description="What was said: role and content.")
    structured_output: dict[str, Any] | None = Field(description="What was extracted from the conversation.")
    recording_url: str | None = Field(description="Where the recording is.")
    attempts: list[dict[str, Any]] = Field(description="Each time the phone was dialed, oldest first.")
    notes: list[str] = Field(description="How language, voice and order were chosen.")
    warnings: list[str] = Field(description="What may be wrong although the call went on.")
    error: CallError | None = Field(description="Why there was no call, or no known one.")


class CallState(TypedDict, total=False):
    """What the steps hand on, besides input and output.

    Attributes:
        wish: The input, normalised: number in E.164, moment as text.
        intent_mark: The intent's id, and whether somebody else could derive it again.
        spoken: Language, voice, notes and the assistant's configuration.
        scope: Thread whose budget counts.
        token: What `arm` wrote down before the dial.
        armed: Intent of this thread's latest dial; it outlives the run, unless that ended without an order.
        rearmed: Whether the same intent was armed before: its order may be too young to be found at once.
        mode: `look` if the next step may not dial.
        redials: How often an unknown outcome was dialed again because the caller's code says so.
        watch: How far the waiting has come.
        edited: The input as a person changed it while approving.
        approved: Whether a person said yes.
    """

    wish: dict[str, Any]
    intent_mark: dict[str, Any]
    spoken: dict[str, Any]
    scope: str | None
    token: str | None
    armed: str | None
    rearmed: bool
    mode: str | None
    redials: int
    watch: dict[str, Any] | None
    edited: dict[str, Any] | None
    approved: bool
    call_id: str | None
    intent_id: str | None
    adopted: bool
    voice: dict[str, Any] | None
    notes: list[str]
    warnings: list[str]
    error: dict[str, Any] | None


class Approval(BaseModel):
    """The answer to the question before the dial.

    Attributes:
        decision: `approve`, `edit` (with `edits`) or `reject`.
        arguments_hash: The hash from the question: a yes to other arguments than those about to be dialed is no yes.
        edits: Input fields to change.
        reason: Why not.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "edit", "reject"]
    arguments_hash: str
    edits: dict[str, Any] | None = None
    reason: str | None = None


class UnknownAnswer(BaseModel):
    """The answer to the question what to do about a call that may or may not have been placed."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["look_again", "dial", "give_up"]

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"decision": value} if isinstance(value, str) else value


def as_moment(text: str | None) -> datetime | None:
    """Read back a moment that `wish` holds as text."""
    return datetime.fromisoformat(text) if text else None
