"""Operations on calls. Revox says *call* where this package says *order*: one call request, one or more attempts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AliasGenerator, ConfigDict, Field, model_validator

from revox_langchain.operations.fields import (
    E164,
    AttemptResult,
    CallId,
    CallStatus,
    Direction,
    Id,
    Moment,
    Outcome,
    OwnNumber,
    SpokenLanguage,
    TranscriptWindow,
    Variables,
    VoiceProvider,
)
from revox_langchain.operations.operation import Operation, Risk, View, operation
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.render import calls as render
from revox_langchain.operations.render import text
from revox_langchain.operations.schema import FOR_CODE, HIDDEN
from revox_langchain.operations.settings import Settings

Transcript = Annotated[TranscriptWindow, Field(exclude=True, description="last: 6 turns.")]


@operation("POST /call", risk=Risk.DIAL, answer="call", render=render.call)
class MakeCall(Operation):
    """Place a phone call with an AI assistant, now or at a scheduled time.

    Rings a real person; only for a number that the user gave. A voice of the prompt's language is chosen. Returns a
    call id; then revox_wait_for_call.
    """

    view = View(
        one_of=("prompt", "assistant_id"),
        excludes={
            "prompt": ("assistant_id",),
            "assistant_id": ("prompt", "first_sentence", "voice_provider", "voice_id", "language", "settings"),
        },
    )

    phone_number: E164
    assistant_id: Id | None = Field(default=None, description="Only if the user names one.")
    prompt: Spoken | None = Field(
        default=None,
        min_length=1,
        serialization_alias="assistant.prompt",
        description="What the user wants done on the call, in its language.",
    )
    first_sentence: Spoken | None = Field(
        default=None, serialization_alias="assistant.first_sentence", description="What it says first."
    )
    voice_provider: VoiceProvider | None = Field(
        default=None, serialization_alias="assistant.voice.provider", json_schema_extra=FOR_CODE
    )
    voice_id: Id | None = Field(default=None, serialization_alias="assistant.voice.id", json_schema_extra=FOR_CODE)
    language: SpokenLanguage | None = Field(
        default=None, exclude=True, description="Leave out: the prompt's language is spoken."
    )
    prompt_variables: Variables | None = None
    metadata: dict[str, str] | None = Field(
        default=None, description="Labels kept with the call.", json_schema_extra=FOR_CODE
    )
    scheduled_at: Moment | None = Field(default=None, description="Only if the user names a time: ISO 8601.")
    from_phone_number: OwnNumber | None = Field(default=None, json_schema_extra=FOR_CODE)
    skip_calling_window: bool | None = Field(
        default=None, description="Ring even outside calling hours.", json_schema_extra=FOR_CODE
    )
    concurrency_key: str | None = Field(
        default=None,
        min_length=1,
        serialization_alias="concurrency.key",
        description="Calls with one key share a limit.",
        json_schema_extra=FOR_CODE,
    )
    settings: Settings | None = Field(default=None, serialization_alias="assistant.*", json_schema_extra=FOR_CODE)
    intent: str | None = Field(
        default=None,
        min_length=1,
        exclude=True,
        description="For code: names this request.",
        json_schema_extra=FOR_CODE,
    )
    repeat_of: Id | None = Field(default=None, exclude=True, description="To call again: the ended call's id.")

    @model_validator(mode="after")
    def _one_assistant(self) -> Self:
        if self.assistant_id is None and self.prompt is None:
            raise ValueError("prompt: give it, and say what the assistant must do on the phone")
        if self.assistant_id is not None and self.prompt is not None:
            raise ValueError(
                "assistant_id: send the same call again without it; prompt and assistant_id were both given"
            )
        if self.prompt is not None and not self.prompt.strip():
            raise ValueError("prompt: say what the assistant must do; it is empty")
        if self.assistant_id is not None:
            idle = [n for n in self.view.excludes["assistant_id"] if getattr(self, n) not in (None, {})]
            if idle:
                raise ValueError(f"send the same again without {', '.join(idle)}: an assistant_id brings its own")
        if (self.voice_id is None) != (self.voice_provider is None):
            raise ValueError(
                "send the same again without voice_id and voice_provider, or give both; one alone names no voice"
            )
        if self.intent is not None and self.repeat_of is not None:
            raise ValueError("intent: send the same again without it; intent and repeat_of were both given")
        return self


@operation("GET /call/{call_id}", risk=Risk.READ, answer="call", render=render.call)
class GetCall(Operation):
    """Read one call: status, outcome, what was said."""

    call_id: CallId
    transcript: Transcript = "none"


class CallFilters(Operation):
    """Which calls: every filter that is given must hold."""

    to_phone_number: E164 | None = None
    statuses: list[CallStatus] = Field(default=[])
    outcomes: list[Outcome] = Field(default=[])
    results: list[AttemptResult] = Field(default=[], description="How the last attempt was answered.")
    assistant_ids: list[Id] = []
    campaign_ids: list[Id] = []
    call_ids: list[Id] | None = None
    directions: list[Direction] = Field(default=[], json_schema_extra=HIDDEN)
    from_phone_numbers: list[str] = Field(default=[], json_schema_extra=HIDDEN)
    assignee_ids: list[Id] = Field(default=[], json_schema_extra=HIDDEN)
    query: str | None = Field(default=None, description="Text to search for.")
    sort_by: str | None = Field(default=None, json_schema_extra=HIDDEN)
    sort_direction: Literal["asc", "desc"] | None = Field(default=None, json_schema_extra=HIDDEN)
    page: int = Field(default=1, ge=0)
    page_size: int = Field(default=20, ge=1, le=100)


@operation("POST /call/search", risk=Risk.READ, answer="calls", render=render.calls)
class GetCallHistory(CallFilters):
    """List calls, newest first, by number, status, outcome, assistant or campaign.

    Returns one line per call; read one with revox_get_call.
    """


@operation("POST /call/{call_id}/cancel", risk=Risk.WRITE, answer="success", render=text.done)
class CancelCall(Operation):
    """Cancel a running or scheduled call for good."""

    call_id: CallId


@operation("POST /call/{call_id}/pause", risk=Risk.WRITE, answer="success", render=text.done)
class PauseCall(Operation):
    """Pause a call: the attempt under way ends normally, no new one starts."""

    call_id: CallId


@operation("POST /call/{call_id}/resume", risk=Risk.DIAL, answer="success", render=text.done)
class ResumeCall(Operation):
    """Resume a paused call: the phone may ring again."""

    call_id: CallId


@operation("POST /call/export", risk=Risk.READ, answer="csv", render=text.csv)
class ExportCalls(CallFilters):
    """Export calls as CSV, filtered like revox_get_call_history.

    For programs.
    """

    # The filters of a search, one level down.
    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias="filters.{}".format))

    page: int = Field(default=1, ge=0, json_schema_extra=HIDDEN)
    page_size: int = Field(default=20, ge=1, le=100, json_schema_extra=HIDDEN)
    include_metadata: bool | None = Field(
        default=None, serialization_alias="include_metadata", json_schema_extra=HIDDEN
    )
    include_structured_output_fields: bool | None = Field(
        default=None, serialization_alias="include_structured_output_fields", json_schema_extra=HIDDEN
    )


@operation("GET /calls/phone-history", risk=Risk.READ, answer="phone_history", render=render.phone_history)
class GetPhoneHistory(Operation):
    """Read what is known of the numbers called so far: how often, last outcome, do-not-contact.

    Look here before calling a number again.
    """

    phone_number: E164 | None = Field(default=None, exclude=True, description="Show only this number.")
