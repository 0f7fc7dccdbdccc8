"""Operations on assistants: who talks, with which voice, and what they are told."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from revox_langchain.operations.fields import (
    AssistantId,
    ClearFields,
    FirstSentenceMode,
    Id,
    OutputConfig,
    SpokenLanguage,
    SpokenText,
    Text,
    VoiceProvider,
    WebhookUrl,
)
from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.render import assistants as render
from revox_langchain.operations.render import text
from revox_langchain.operations.schema import FOR_CODE, HIDDEN
from revox_langchain.operations.settings import Settings


@operation("GET /assistants", risk=Risk.READ, answer="assistants", render=render.assistants)
class ListAssistants(Operation):
    """List assistants: ids, voices, languages."""


@operation("GET /assistants/{assistant_id}", risk=Risk.READ, answer="id", render=render.assistant)
class GetAssistant(Operation):
    """Read one assistant: voice, first sentence, limits."""

    assistant_id: AssistantId


class AssistantFields(Operation):
    """What create and update have in common."""

    first_sentence: Spoken | None = None
    first_sentence_mode: FirstSentenceMode | None = Field(
        default=None,
        description="static: said word for word; generated: made from it; none: the person speaks first.",
        json_schema_extra=FOR_CODE,
    )
    voice_provider: VoiceProvider | None = Field(default=None, serialization_alias="voice.provider")
    voice_id: Id | None = Field(default=None, serialization_alias="voice.id")
    language: SpokenLanguage | None = Field(default=None, exclude=True, description="Only if the user names it.")
    max_call_duration_secs: int | None = Field(default=None, ge=1, json_schema_extra=FOR_CODE)
    structured_output_config: OutputConfig | None = Field(default=None, json_schema_extra=FOR_CODE)
    webhook_url: WebhookUrl | None = Field(default=None, json_schema_extra=FOR_CODE)

    @model_validator(mode="after")
    def _voice_whole(self) -> Self:
        if (self.voice_id is None) != (self.voice_provider is None):
            raise ValueError(
                "send the same again without voice_id and voice_provider, or give both; one alone names no voice"
            )
        return self


@operation("POST /assistants", risk=Risk.WRITE, answer="assistant", render=render.assistant)
class CreateAssistant(AssistantFields):
    """Keep an assistant for many calls; a single call needs none."""

    name: Text
    prompt: SpokenText = Field(description="What it must do, in the language it speaks.")
    language: SpokenLanguage | None = Field(default=None, exclude=True, json_schema_extra=HIDDEN)
    settings: Settings | None = Field(default=None, serialization_alias="*", json_schema_extra=FOR_CODE)


@operation("PATCH /assistants/{assistant_id}", risk=Risk.WRITE, answer="assistant", render=render.assistant)
class UpdateAssistant(AssistantFields):
    """Change an assistant; what is left out stays. Changes its future calls.

    To change the voice give voice_provider and voice_id.
    """

    assistant_id: AssistantId
    name: Text | None = None
    prompt: SpokenText | None = None
    settings: Settings | None = Field(default=None, serialization_alias="*", json_schema_extra=FOR_CODE)
    clear_fields: ClearFields = Field(default=[], json_schema_extra=FOR_CODE)

    @model_validator(mode="after")
    def _null_clears_nothing(self) -> Self:
        emptied = [name for name, value in (self.settings or {}).items() if value is None]
        if emptied:
            raise ValueError(
                f"clear_fields: write {emptied} there to empty it, and leave it out of settings, where it is null"
            )
        return self


@operation("POST /assistants/{assistant_id}/clone", risk=Risk.WRITE, answer="assistant", render=render.assistant)
class CloneAssistant(Operation):
    """Copy an assistant with all its settings; the copy's name ends in (Copy)."""

    assistant_id: AssistantId


@operation("DELETE /assistants/{assistant_id}", risk=Risk.DELETE, answer="success", render=text.done)
class DeleteAssistant(Operation):
    """Delete an assistant for good; its past calls stay."""

    assistant_id: AssistantId
