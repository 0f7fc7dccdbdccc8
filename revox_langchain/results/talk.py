"""Who spoke when, read from speech events: shares, response latencies, interruptions and silences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict

from revox_langchain.results.order import number_of, objects_of, text_of

Speaker = Literal["assistant", "callee"]

SILENCE_S = 2.0
"""How long no one has to speak until it counts as a silence."""

# Nobody talks for eleven days; a moment beyond it is none.
_LONGEST_MS = 1e9
_SPEAKERS: dict[str | None, Speaker] = {"agent": "assistant", "user": "callee"}


class Segment(BaseModel):
    """One stretch of speech; all moments are seconds since the conversation began.

    Attributes:
        speaker: The assistant, or a person who took over from it, counts as `assistant`.
        started_s: When it began.
        stopped_s: When it ended; None if the session ended before or Revox does not say.
        real: Whether it is a turn, not a noise.
        cut: Whether the assistant was interrupted in it.
        transcription_s: From the end of the callee's words to their transcript.
        model_s: From the transcript to the first token of the model's reply.
        voice_s: From there to the first sound of the voice.
        model: Which model replied.
    """

    model_config = ConfigDict(frozen=True)

    speaker: Speaker
    started_s: float
    stopped_s: float | None = None
    real: bool = True
    cut: bool = False
    transcription_s: float | None = None
    model_s: float | None = None
    voice_s: float | None = None
    model: str | None = None


class Response(BaseModel):
    """How long the callee waited for an answer of the assistant.

    Attributes:
        at_s: When the assistant began to speak, in seconds since the conversation began.
        latency_s: From the callee's last word to the assistant's first.
        transcription_s: Of it, until the words were transcribed; None if Revox does not say, as for the next two.
        model_s: Of it, until the model's first token.
        voice_s: Of it, until the voice's first sound.
    """

    model_config = ConfigDict(frozen=True)

    at_s: float
    latency_s: float
    transcription_s: float | None = None
    model_s: float | None = None
    voice_s: float | None = None


class Interruption(BaseModel):
    """One speaker began before the other had ended, or Revox says that the assistant was cut off.

    Attributes:
        at_s: When, in seconds since the conversation began.
        by: Who interrupted.
    """

    model_config = ConfigDict(frozen=True)

    at_s: float
    by: Speaker


class Silence(BaseModel):
    """A time in which no one spoke, in seconds since the conversation began."""

    model_config = ConfigDict(frozen=True)

    started_s: float
    stopped_s: float


def segments_of(attempt: Mapping[str, object]) -> tuple[Segment, ...]:
    """The speech events of an attempt, in the order of their beginnings; those without a moment are left out."""
    events = objects_of(attempt.get("speech_events"))
    return tuple(sorted(filter(None, map(_segment, events)), key=lambda segment: segment.started_s))


def talk_share(segments: Iterable[Segment]) -> float | None:
    """The assistant's part of the time in which someone spoke, from 0 to 1; None if no one is known to have."""
    spoken = dict.fromkeys(("assistant", "callee"), 0.0)
    for segment in _real(segments):
        spoken[segment.speaker] += (segment.stopped_s or segment.started_s) - segment.started_s
    whole = sum(spoken.values())
    return round(spoken["assistant"] / whole, 4) if whole else None


def responses(segments: Sequence[Segment]) -> tuple[Response, ...]:
    """Each answer of the assistant to the callee, with how long it took; one that interrupted is none."""
    found: list[Response] = []
    for before, reply in pairwise(_real(segments)):
        if (before.speaker, reply.speaker) != ("callee", "assistant") or before.stopped_s is None:
            continue
        latency_s = round(reply.started_s - before.stopped_s, 3)
        if latency_s >= 0:
            parts = {"transcription_s": before.transcription_s, "model_s": reply.model_s, "voice_s": reply.voice_s}
            found.append(Response(at_s=reply.started_s, latency_s=latency_s, **parts))
    return tuple(found)


def interruptions(segments: Sequence[Segment]) -> tuple[Interruption, ...]:
    """Where one cut into the other's words, in order."""
    real = _real(segments)
    found: list[Interruption] = []
    for segment, after in zip(real, [*real[1:], None], strict=True):
        ended_s = segment.started_s if segment.stopped_s is None else segment.stopped_s
        if after is not None and after.speaker != segment.speaker and after.started_s < ended_s:
            found.append(Interruption(at_s=after.started_s, by=after.speaker))
        elif segment.cut:
            found.append(Interruption(at_s=ended_s, by="callee"))
    return tuple(sorted(found, key=lambda one: one.at_s))


def silences(segments: Sequence[Segment]) -> tuple[Silence, ...]:
    """The times between segments in which no one spoke for `SILENCE_S` or longer."""
    found: list[Silence] = []
    spoken_until_s: float | None = None
    for number, segment in enumerate(segments):
        if number and spoken_until_s is not None and segment.started_s - spoken_until_s >= SILENCE_S:
            found.append(Silence(started_s=spoken_until_s, stopped_s=segment.started_s))
        # After a segment without an end no one knows how long it went on.
        ended_s = segment.stopped_s
        spoken_until_s = None if ended_s is None else max(spoken_until_s or 0.0, ended_s)
    return tuple(found)


def _real(segments: Iterable[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.real]


def _segment(event: Mapping[str, object]) -> Segment | None:
    speaker = _SPEAKERS.get(text_of(event.get("speaker")))
    started_s, stopped_s = moment_s(event.get("started_speaking_at_ms")), moment_s(event.get("stopped_speaking_at_ms"))
    if speaker is None or started_s is None:
        return None
    return Segment(
        speaker=speaker,
        started_s=started_s,
        stopped_s=None if stopped_s is None or stopped_s < started_s else stopped_s,
        real=event.get("is_real_turn") is not False,
        cut=event.get("was_cut") is True,
        transcription_s=moment_s(event.get("stt_transcription_delay_ms")),
        model_s=moment_s(event.get("llm_ttft_ms")),
        voice_s=moment_s(event.get("tts_ttfb_ms")),
        model=text_of(event.get("llm_winner_model")),
    )


def moment_s(milliseconds: object) -> float | None:
    """Seconds of a moment in a conversation; None for what is none."""
    number = number_of(milliseconds)
    return None if number is None or not 0 <= number < _LONGEST_MS else round(number / 1000, 3)
