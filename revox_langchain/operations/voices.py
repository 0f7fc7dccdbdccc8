"""Operations on voices."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from revox_langchain.operations.fields import Gender, SpokenLanguage, VoiceId, VoiceLanguage, VoiceModel, VoiceProvider
from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.operations.render import text
from revox_langchain.operations.render import voices as render
from revox_langchain.operations.schema import HIDDEN

MAX_AUDIO_BYTES = 7_500_000
"""Revox's limit for the sample of a cloned voice, decoded (API page Voices, clone)."""


def _audio(value: Any) -> Any:
    if isinstance(value, Path):
        value = value.read_bytes()
    if isinstance(value, bytes):
        if len(value) > MAX_AUDIO_BYTES:
            raise ValueError(f"{len(value)} bytes are more than Revox takes; keep the sample under {MAX_AUDIO_BYTES}")
        return base64.b64encode(value).decode()
    return value


@operation("GET /voices", risk=Risk.READ, answer="voices", render=render.voices)
class ListVoices(Operation):
    """List voices, if the user asks for them; a call chooses its own."""

    language: SpokenLanguage | None = Field(default=None, exclude=True)
    accent: str | None = Field(default=None, exclude=True, json_schema_extra=HIDDEN)
    gender: Gender | None = Field(default=None, exclude=True)


@operation("GET /voices/{voice_id}", risk=Risk.READ, answer="voice", render=render.voice)
class GetVoice(Operation):
    """Read one voice's name and description."""

    voice_id: VoiceId
    voice_provider: VoiceProvider = Field(serialization_alias="provider")


@operation("POST /voices/clone", risk=Risk.WRITE, answer="id", render=render.cloned_voice, for_models=False)
class CloneVoice(Operation):
    """Make a new voice from a recording of at most 7.5 MB: a path, bytes or base64 text."""

    name: str = Field(min_length=1)
    language: VoiceLanguage
    audio: Annotated[str, BeforeValidator(_audio)]
    content_type: Literal["audio/webm", "audio/wav", "audio/mpeg", "audio/ogg", "audio/mp4", "video/webm"] = Field(
        serialization_alias="contentType"
    )


@operation("POST /voices/preview", risk=Risk.WRITE, render=render.audio, binary=True, for_models=False)
class PreviewVoice(Operation):
    """Hear a voice: answers MP3 bytes."""

    voice_id: VoiceId = Field(serialization_alias="voiceId")
    voice_provider: VoiceProvider = Field(serialization_alias="provider")
    text: str | None = Field(default=None, min_length=1, max_length=2000)
    model: VoiceModel | None = None
    speed: float | None = Field(default=None, ge=0.6, le=1.5)
    volume: float | None = Field(default=None, ge=0.5, le=2.0)


@operation("DELETE /voices/{voice_id}", risk=Risk.DELETE, answer="success", render=text.done)
class DeleteVoice(Operation):
    """Delete a cloned voice for good; refused while an assistant uses it."""

    voice_id: VoiceId
