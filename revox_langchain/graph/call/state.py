"""What travels between the nodes of the call graph, and what comes out of it.

Everything is plain JSON, so any checkpointer can keep it, and its version is written down: calls are in flight when
people upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired, cast, get_type_hints

from langgraph.channels import EphemeralValue
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from typing_extensions import TypedDict

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.policy import Within
from revox_langchain.errors import InvalidInput
from revox_langchain.results.call import Conclusion, Disposition
from revox_langchain.waiting.watch import Seen

FinalStatus = Literal["completed", "cancelled", "errored", "refused", "unknown", "still_running", "given_up"]

VERSION = 2
"""Of the state below. Release 0.1 wrote none; raise it when a channel changes its meaning, and teach `current`."""


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

    status: FinalStatus = Field(description="Revox's final status, or why there is none.")
    call_id: str | None = Field(description="Revox's id of the call.")
    intent_id: str | None = Field(description="The mark the order carries in its metadata.")
    adopted: bool = Field(description="Whether the order of an earlier run was found instead of placing one.")
    placed_at: str | None = Field(
        description="When it was placed, if it had ended before this run began; a warning then says so first."
    )
    assistant_id: Annotated[str | None, EphemeralValue] = Field(description="Who talked; None if it was sent inline.")
    language: Annotated[str | None, EphemeralValue] = Field(description="Language that was spoken, as a tag.")
    voice: dict[str, Any] | None = Field(description="The voice: id, provider, name, language, accent.")
    disposition: Disposition | None = Field(description="How the last attempt went.")
    conclusion: Conclusion | None = Field(description="What became of it, of a closed list; None if it was not placed.")
    outcome: str | None = Field(description="Revox's verdict on the conversation, if it has one.")
    outcome_summary: str | None = Field(description="Why, in a sentence.")
    transcript: list[dict[str, str]] = Field(description="What was said: role and content.")
    structured_output: dict[str, Any] | None = Field(description="What was extracted from the conversation.")
    recording_url: str | None = Field(description="Where the recording is.")
    attempts: list[dict[str, Any]] = Field(description="Each time the phone was dialed, oldest first.")
    notes: list[str] = Field(description="How language, voice and order were chosen.")
    warnings: list[str] = Field(description="What may be wrong although the call went on.")
    error: CallError | None = Field(description="Why there was no call, or no known one.")
    sandbox: bool = Field(description="Whether a sandbox answered: no phone rang.")


class CallRequest(TypedDict):
    """What is asked: the input, normalised, with the number in E.164 and the moment as text."""

    phone_number: str
    region: NotRequired[str | None]
    prompt: str | None
    assistant_id: str | None
    language: str | None
    first_sentence: str | None
    voice_preferences: dict[str, str | None] | None
    structured_output_schema: JsonObject | None
    prompt_variables: dict[str, str] | None
    metadata: dict[str, str] | None
    scheduled_at: str | None
    skip_calling_window: bool | None
    max_attempts: int | None
    max_call_duration_s: int | None
    from_phone_number: str | None
    concurrency_key: str | None
    intent: str | None
    repeat_of: NotRequired[str | None]


class IntentMark(TypedDict):
    """The intent, as `Intent` has it; release 0.1 wrote the first two."""

    intent_id: str
    durable: bool
    also: NotRequired[list[str]]
    content: NotRequired[str | None]
    named: NotRequired[bool]


class Spoken(TypedDict, total=False):
    """What is spoken: the language, and the assistant that speaks it.

    Attributes:
        language: As a tag; None if an assistant's voice does not say.
        settings: The assistant's configuration besides its prompt, as flat arguments; absent for a given assistant.
        assistant_id: The assistant in the account; absent for an inline one.
        cost: The worst it can cost, as `Cost` dumps it.
        wants_output: Whether structured output is to come.
        shown: What a person is shown of the assistant, with the hash of all of it.
    """

    language: str | None
    settings: JsonObject
    assistant_id: str
    cost: JsonObject
    wants_output: bool
    shown: JsonObject


class Asking(TypedDict):
    """A question that is open.

    Attributes:
        hash: Of the arguments it shows.
        again: Whether it was asked before with other arguments, so that a bare yes may be meant for those.
    """

    hash: str
    again: bool


class Progress(TypedDict):
    """Where a call stands that is waited for.

    Attributes:
        status: Of the order.
        attempt: The latest attempt's number, from 1; 0 before the first.
        last_turn: What was said last in it, and by whom, at most 200 characters.
    """

    status: str | None
    attempt: int
    last_turn: str | None


class CallState(TypedDict, total=False):
    """What the nodes hand on: what is asked, what is spoken, what is placed.

    Attributes:
        version: Version of this layout, written by `prepare`.
        asked: The call request.
        intent_mark: Its intent; None if the number was refused.
        scope: Thread or run whose budget counts.
        within: Which of them; absent in threads that an earlier release left behind.
        began_s: When the run began, in seconds since the epoch.
        edited: The input as a person changed it while approving.
        asking: The question that was asked last; it outlives a run that left it open.
        problem: Why the last answer did not count.
        approved: Whether a person said yes.
        spoken: Language, assistant and cost.
        token: What `arm` wrote down before the dial.
        armed: Intent of this thread's latest dial; it outlives the run, unless that ended without an order.
        rearmed: Whether the same intent was armed before: its order may be too young to be found at once.
        mode: `look` if the next step may not dial.
        sandbox: Whether a sandbox answers, for the questions; absent before one is asked.
        redials: How often an unknown outcome was dialed again because the caller's code says so.
        watch: How far the waiting has come, as `Seen` dumps it.
        deadline_at: When a parked thread stops waiting, ISO 8601 in UTC.
        woken: Why a parked thread was woken: `timeout` ends the waiting, anything else has it look.
        progress: The same for people who follow the run, while it waits.
        wish: Read-only: what release 0.1 called `asked`. Without the channel LangGraph would drop the value from the
            checkpoints of calls that were in flight during the upgrade.
    """

    version: int

    asked: CallRequest
    intent_mark: IntentMark | None
    scope: str | None
    within: Within
    began_s: float | None
    edited: JsonObject | None
    asking: Asking | None
    problem: str | None
    approved: bool

    spoken: Spoken
    voice: JsonObject | None

    token: str | None
    armed: str | None
    rearmed: bool
    mode: str | None
    redials: int
    watch: JsonObject | None
    progress: Progress | None
    deadline_at: str | None
    woken: str | None
    call_id: str | None
    intent_id: str | None
    adopted: bool
    placed_at: str | None
    sandbox: bool

    notes: list[str]
    warnings: list[str]
    error: JsonObject | None

    wish: CallRequest


def current(state: Mapping[str, object]) -> CallState:
    """Read a state in today's layout, whichever release wrote it.

    Raises:
        InvalidInput: A newer release wrote it.
    """
    version = state.get("version") or 1
    if not isinstance(version, int) or version > VERSION:
        raise InvalidInput(
            f"This thread's state has version {version}; this release reads up to version {VERSION}.",
            code="newer_state",
            next_step="Upgrade revox-langchain, then resume the thread.",
        )
    read = cast("CallState", dict(state))
    if version == 1 and "wish" in read:
        read["asked"] = read["wish"]
    return read


_NEEDS: dict[str, tuple[str, ...]] = {
    "choose_voice": ("asked",),
    "ensure_assistant": ("asked", "spoken"),
    "show": ("asked", "intent_mark", "spoken.assistant_id|settings"),
    "approve": ("asked", "intent_mark", "spoken.cost"),
    "arm": ("asked", "intent_mark", "spoken.assistant_id|settings"),
    "place_call": ("asked", "intent_mark", "spoken.assistant_id|settings"),
    "ask": ("asked", "intent_mark"),
    "wait": ("watch",),
    "park": ("watch",),
}
"""What each step reads without asking whether it is there; of the keys after a dot, one."""


def current_for(step: str, state: Mapping[str, object]) -> CallState:
    """Read a state as one step needs it: a person or a program may have written it with `update_state`.

    Raises:
        InvalidInput: A newer release wrote it, something is missing, or something has another shape.
    """
    read = current(state)
    wrong = [name for name, shape in _shapes().items() if not _fits(read.get(name), shape)]
    missing = [] if wrong else [name for name in _NEEDS.get(step, ()) if _lacks(read, name)]
    if wrong or missing:
        what = [*(f"{name} has another shape" for name in wrong), *(f"{name} is missing" for name in missing)]
        raise InvalidInput(
            f"The step {step} cannot run on this thread's state: {', '.join(what)}.",
            code="wrong_state",
            next_step="Invoke the thread with an input, or go back to a checkpoint that a run wrote.",
        )
    read["notes"], read["warnings"] = read.get("notes") or [], read.get("warnings") or []
    return read


def _lacks(read: Mapping[str, Any], name: str) -> bool:
    channel, _, keys = name.partition(".")
    value = read.get(channel)
    return not value or (bool(keys) and not any(value.get(key) for key in keys.split("|")))


@lru_cache(maxsize=1)
def _shapes() -> dict[str, TypeAdapter[object]]:
    hints = get_type_hints(CallState)
    return {name: TypeAdapter(hint) for name, hint in hints.items()} | {"watch": TypeAdapter(Seen)}


def _fits(value: object, shape: TypeAdapter[object]) -> bool:
    try:
        return value is None or shape.validate_python(value) is not None
    except ValidationError:
        return False


class Approval(BaseModel):
    """The answer to the question before the dial.

    Attributes:
        decision: `approve`, `edit` (with `edits`) or `reject`.
        arguments_hash: The hash from the question: a yes to other arguments than those about to be dialed is no yes.
            May be left out where the question was not asked before with other arguments.
        edits: Input fields to change.
        reason: Why not.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "edit", "reject"]
    arguments_hash: str | None = None
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
