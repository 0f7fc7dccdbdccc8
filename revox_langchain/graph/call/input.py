"""What the caller of the graph gives: a number, and either a prompt or an assistant.

Inputs live in channels that empty themselves after the first step: a state outlives its run, and the input of one run
on a thread must not count as input of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from langgraph.channels import EphemeralValue
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.fields import Moment, VoiceProvider
from revox_langchain.operations.operation import invalid
from revox_langchain.operations.own_words import Spoken, learn_words_of

WITH_PROMPT = ("language", "first_sentence", "voice_preferences", "structured_output_schema")
"""Inputs that shape an assistant, so that they make no sense beside an `assistant_id`."""


class VoicePreferences(BaseModel):
    """Which voice to take among those that speak the language."""

    model_config = ConfigDict(extra="forbid")

    voice_id: str | None = Field(
        default=None, description="Exactly this voice.", examples=["a249eaff-1e96-4d2c-b23b-12efa4f66f41"]
    )
    provider: VoiceProvider | None = Field(
        default=None, description="Only voices of this provider.", examples=["cartesia"]
    )
    accent: str | None = Field(default=None, description="Preferred accent.", examples=["quebec", "british"])
    gender: str | None = Field(default=None, description="Preferred gender.", examples=["female", "male"])

    @model_validator(mode="before")
    @classmethod
    def _given(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if not blank(value)}


class CallInput(BaseModel):
    """The call to place: a number, and either a prompt or an assistant."""

    model_config = ConfigDict(extra="forbid")

    phone_number: Annotated[str, EphemeralValue] = Field(
        description="Who to call: +, country code, number.", examples=["+12025550100"]
    )
    prompt: Annotated[Spoken | None, EphemeralValue] = Field(
        default=None,
        description="What the assistant must do, in the language it speaks. Or give an assistant_id.",
        examples=["Confirmez le rendez-vous de mardi à 15 h et demandez si l'adresse est toujours la même."],
    )
    assistant_id: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="An assistant that exists. Or give a prompt.",
        examples=["9c1e0f5c-6f0e-4b6d-8a55-0d4c8f9a7e21"],
    )
    language: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Language to speak: a code or a name. Left out, it is read from the text.",
        examples=["fr", "fr-CA", "Brazilian Portuguese"],
    )
    first_sentence: Annotated[Spoken | None, EphemeralValue] = Field(
        default=None,
        description="What the assistant says first, word for word.",
        examples=["Bonjour, ici l'assistante virtuelle du cabinet."],
    )
    voice_preferences: Annotated[VoicePreferences | None, EphemeralValue] = Field(
        default=None,
        description="Which voice, of those that speak the language.",
        examples=[{"gender": "female", "accent": "quebec"}],
    )
    structured_output_schema: Annotated[dict[str, Any] | None, EphemeralValue] = Field(
        default=None,
        description="JSON schema of a flat object: what to extract from the conversation.",
        examples=[{"properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]}],
    )
    prompt_variables: Annotated[dict[str, str] | None, EphemeralValue] = Field(
        default=None, description="Values for {{variables}} in the prompt.", examples=[{"name": "Ada"}]
    )
    metadata: Annotated[dict[str, str] | None, EphemeralValue] = Field(
        default=None, description="Labels kept with the call.", examples=[{"team": "reception"}]
    )
    scheduled_at: Annotated[Moment | None, EphemeralValue] = Field(
        default=None,
        description="When to call: date, time and offset from UTC, in ISO 8601. Left out: now.",
        examples=["YYYY-MM-DDThh:mm:ss+hh:mm"],
    )
    skip_calling_window: Annotated[bool | None, EphemeralValue] = Field(
        default=None, description="Ring even outside calling hours (the policy must permit it).", examples=[False]
    )
    max_attempts: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=1, le=50, description="How often to dial at most, if no one answers.", examples=[3]
    )
    max_call_duration_s: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=10, le=7200, description="Seconds a conversation may last.", examples=[300]
    )
    from_phone_number: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Caller id: one of your own numbers, E.164.", examples=["+12025550199"]
    )
    concurrency_key: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Calls with one key share a limit of calls at a time.", examples=["reception"]
    )
    intent: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Idempotency key, for code: with the number it names one call in any thread or process. Put the "
        "occasion into it.",
        examples=["appointment-4711"],
    )
    repeat_of: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="To call again on purpose: id of an ended call to this number.",
        examples=["6e726551-8ffa-5020-aaca-7bcfd7e77e8c"],
    )

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        _check_names(values)
        # Forms send a blank for what was not filled in. What a call cannot do without is named as empty instead.
        needed = ("phone_number",) if not blank(values.get("assistant_id")) else ("phone_number", "prompt")
        return {name: value for name, value in values.items() if name in needed or not _left_out(name, value)}

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> CallInput:
        """Read and check input that is not your own code's.

        Raises:
            InvalidInput: A key is unknown or missing, a value does not fit, or the values contradict each other.
        """
        try:
            given = cls.model_validate(dict(values))
        except ValidationError as error:
            raise invalid(error, "call") from None
        given.check()
        return given

    def check(self) -> None:
        """Check what no single field can tell.

        Raises:
            InvalidInput: Both or neither of prompt and assistant_id, an empty prompt, or something beside an
                assistant_id that would shape the assistant.
        """
        if self.prompt is not None and self.assistant_id is not None:
            raise InvalidInput("Both prompt and assistant_id were given.", next_step="Leave assistant_id out.")
        if self.prompt is None and self.assistant_id is None:
            raise InvalidInput(
                "Neither prompt nor assistant_id was given.",
                next_step="Give prompt: what the assistant must do on the phone.",
            )
        if self.prompt is not None and not self.prompt.strip():
            raise InvalidInput(
                "The prompt is empty.", next_step="Give prompt: say what the assistant must do on the call."
            )
        if self.intent is not None and self.repeat_of is not None:
            raise InvalidInput("Both intent and repeat_of were given.", next_step="Leave intent out.")
        if self.assistant_id is not None:
            idle = [name for name in WITH_PROMPT if getattr(self, name) is not None]
            if idle:
                raise InvalidInput(
                    f"{', '.join(idle)} cannot be given beside an assistant_id, which brings its own.",
                    next_step=f"Leave {', '.join(idle)} out, or give prompt instead of assistant_id.",
                )


learn_words_of(CallInput)


class GraphInput(CallInput):
    """The same input as LangGraph reads it: wrong values are kept as a problem, which `check` raises.

    LangGraph reads a thread's last input again before each new one; an error there would block the thread for good.
    """

    # Studio shows the schema of this class; it must read like the public one's.
    model_config = ConfigDict(title="CallInput", json_schema_extra={"description": CallInput.__doc__ or ""})

    # Without an annotation: LangGraph makes a channel of every name that has one.
    _problem = PrivateAttr(default=None)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            super().__init__(phone_number="")
            self._problem = invalid(error, "call")

    def check(self) -> None:
        """Check the input as `CallInput` does, wrong values included."""
        if self._problem is not None:
            raise self._problem
        super().check()


def _left_out(name: str, value: object) -> bool:
    if name == "voice_preferences" and isinstance(value, dict):
        return all(map(blank, value.values()))
    return blank(value)


def blank(value: object) -> bool:
    """Whether a form's field was left as it was: nothing, white space, or a list or object of nothing but that."""
    match value:
        case None:
            return True
        case str():
            return not value.strip()
        case list():
            return all(map(blank, value))
        case dict():
            # A variable or a label may be empty on purpose; one without a name is a row that was not filled in.
            return all(blank(name) for name in value)
    return False


def _check_names(values: Iterable[str]) -> None:
    """Refuse names that are no input of the graph, with the nearest that are.

    Raises:
        ValueError: As a pydantic validator raises it.
    """
    unknown = sorted(set(values) - set(CallInput.model_fields))
    if unknown:
        hint = near(unknown[0], CallInput.model_fields).strip("; .")
        raise ValueError(f"unknown field {', '.join(map(repr, unknown))}{f' ({hint})' if hint else ''}")
