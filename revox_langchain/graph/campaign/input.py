"""What the caller of the campaign graph gives: contacts, and what to say to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from langgraph.channels import EphemeralValue
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from revox_langchain.errors import InvalidInput, near
from revox_langchain.graph.call.input import VoicePreferences, blank
from revox_langchain.graph.campaign.stopping import StopWhen
from revox_langchain.operations.fields import Moment
from revox_langchain.operations.operation import invalid
from revox_langchain.operations.own_words import Spoken, learn_words_of

_WITH_PROMPT = (
    "prompts",
    "first_sentence",
    "first_sentences",
    "voice_preferences",
    "structured_output_schema",
    "max_call_duration_s",
)


class CampaignInput(BaseModel):
    """Whom to call, and what about."""

    model_config = ConfigDict(extra="forbid")

    contacts: Annotated[list[dict[str, Any]] | None, EphemeralValue] = Field(
        default=None,
        description="One object for each contact: a number, and values for the prompt under names of your own.",
        examples=[[{"phone": "+12025550100", "language": "en", "name": "Ada"}]],
    )
    contacts_file: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Or the name of a file in the folder that this graph was given.",
        examples=["contacts.csv"],
    )
    prompt: Annotated[Spoken | None, EphemeralValue] = Field(
        default=None,
        description="What the assistants must do; {{name}} stands for a contact's value. Or prompts, or assistant_id.",
        examples=["You are an AI assistant. Ask {{name}} whether Tuesday at 3 pm suits them."],
    )
    prompts: Annotated[dict[str, Spoken] | None, EphemeralValue] = Field(
        default=None,
        description="A prompt for each language, by its code; prompt is for the others.",
        examples=[{"fr": "Vous êtes une IA. Demandez à {{name}} si mardi à 15 h convient."}],
    )
    assistant_id: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="An assistant that exists, for all contacts. Or give a prompt.",
        examples=["9c1e0f5c-6f0e-4b6d-8a55-0d4c8f9a7e21"],
    )
    first_sentence: Annotated[Spoken | None, EphemeralValue] = Field(
        default=None,
        description="What the assistants say first, word for word.",
        examples=["Hello {{name}}, this is an AI assistant."],
    )
    first_sentences: Annotated[dict[str, Spoken] | None, EphemeralValue] = Field(
        default=None, description="The same for each language, by its code.", examples=[{"fr": "Bonjour {{name}}."}]
    )
    language: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Language of contacts that name none. Left out, it is that of the prompt.",
        examples=["en", "fr-CA"],
    )
    language_by_country: Annotated[bool | None, EphemeralValue] = Field(
        default=None,
        description="Whether a number's country decides where a contact names no language.",
        examples=[False],
    )
    voice_preferences: Annotated[VoicePreferences | None, EphemeralValue] = Field(
        default=None, description="Which voices, of those that speak the languages.", examples=[{"gender": "female"}]
    )
    structured_output_schema: Annotated[dict[str, Any] | None, EphemeralValue] = Field(
        default=None,
        description="JSON schema of a flat object: what to extract from each conversation.",
        examples=[{"properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]}],
    )
    name: Annotated[str | None, EphemeralValue] = Field(
        default=None, max_length=100, description="What to call it in Revox's dashboard.", examples=["Spring visits"]
    )
    scheduled_at: Annotated[Moment | None, EphemeralValue] = Field(
        default=None,
        description="When to begin: date, time and offset from UTC, in ISO 8601. Left out: now.",
        examples=["YYYY-MM-DDThh:mm:ss+hh:mm"],
    )
    max_attempts: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=1, le=50, description="How often to dial each contact at most.", examples=[3]
    )
    max_call_duration_s: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=10, le=7200, description="Seconds a conversation may last.", examples=[300]
    )
    max_concurrent_calls: Annotated[int | None, EphemeralValue] = Field(
        default=None, ge=1, description="How many conversations at a time, in each language.", examples=[5]
    )
    from_phone_number: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Caller id: one of your own numbers, E.164.", examples=["+12025550199"]
    )
    stop_when: Annotated[StopWhen | None, EphemeralValue] = Field(
        default=None, description="What is enough: the campaign is paused then.", examples=[{"yeses": 20}]
    )
    number_column: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Name of the column with the numbers, if it is not found.", examples=["phone"]
    )
    language_column: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Name of the column with the languages, if it is not found.", examples=["language"]
    )
    key_column: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Name of the column that identifies a contact.", examples=["customer_id"]
    )
    default_country: Annotated[str | None, EphemeralValue] = Field(
        default=None, description="Two-letter country of numbers in national form.", examples=["US", "FR"]
    )
    intent: Annotated[str | None, EphemeralValue] = Field(
        default=None,
        description="Idempotency key, for code: it names one campaign in any thread or process.",
        examples=["spring-visits-2026"],
    )

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        if unknown := sorted(str(name) for name in values if name not in cls.model_fields):
            raise ValueError(f"unknown field {unknown[0]!r} ({near(unknown[0], cls.model_fields).strip('; .')})")
        # Forms send a blank for what was not filled in; a list without contacts is a mistake to be named.
        return {name: value for name, value in values.items() if name == "contacts" or not blank(value)}

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> CampaignInput:
        """Read and check input that is not your own code's.

        Raises:
            InvalidInput: A key is unknown, a value does not fit, or the values contradict each other.
        """
        try:
            given = cls.model_validate(dict(values))
        except ValidationError as error:
            raise invalid(error, "campaign") from None
        given.check()
        return given

    def check(self) -> None:
        """Check what no single field can tell.

        Raises:
            InvalidInput: Contacts or words are missing or given twice.
        """
        if (self.contacts is None) == (self.contacts_file is None):
            raise InvalidInput(
                "Give the contacts, or the name of a file with them: one of the two.",
                next_step="Give contacts: a list of objects, each with a phone number.",
            )
        if self.assistant_id is None and self.prompt is None and not self.prompts:
            raise InvalidInput(
                "Neither prompt, prompts nor assistant_id was given.",
                next_step="Give prompt: what the assistants must do on the phone.",
            )
        if self.assistant_id is not None:
            idle = [name for name in ("prompt", *_WITH_PROMPT) if getattr(self, name) is not None]
            if idle:
                raise InvalidInput(
                    f"{', '.join(idle)} cannot be given beside an assistant_id, which brings its own.",
                    next_step=f"Leave {', '.join(idle)} out, or give prompt instead of assistant_id.",
                )


learn_words_of(CampaignInput)


class GraphCampaignInput(CampaignInput):
    """The same input as LangGraph reads it: wrong values are kept as a problem, which `check` raises."""

    # Studio shows the schema of this class; it must read like the public one's.
    model_config = ConfigDict(title="CampaignInput", json_schema_extra={"description": CampaignInput.__doc__ or ""})

    # Without an annotation: LangGraph makes a channel of every name that has one.
    _problem = PrivateAttr(default=None)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            super().__init__()
            self._problem = invalid(error, "campaign")

    def check(self) -> None:
        """Check the input as `CampaignInput` does, wrong values included."""
        if self._problem is not None:
            raise self._problem
        super().check()
