"""Speech events: who spoke when, with the latencies of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.plan import Said

_LLM_ROLE = {"assistant": "assistant", "user": "user"}


def speech_event(
    event_id: str, said: Said, before: Sequence[Said], system_prompt: str, model: str, chance: Random
) -> JsonObject:
    """One spoken turn as a speech event; the assistant's carry the whole prompt of the turn, as Revox's do."""
    agent = said.role == "assistant"
    return {
        "id": event_id,
        "speaker": "agent" if agent else "user",
        "started_speaking_at_ms": round(said.start_s * 1000),
        "stopped_speaking_at_ms": round(said.stop_s * 1000),
        "transcript": said.content,
        "is_real_turn": True,
        "was_cut": said.cut if agent else None,
        "llm_ttft_ms": chance.randint(280, 620) if agent else None,
        "llm_winner_model": model if agent else None,
        "llm_system_prompt": _whole_prompt(before, system_prompt) if agent else None,
        "tts_ttfb_ms": chance.randint(70, 160) if agent else None,
        "stt_transcription_delay_ms": None if agent else chance.randint(90, 260),
    }


def _whole_prompt(before: Sequence[Said], system_prompt: str) -> str:
    messages = [{"role": "system", "content": system_prompt}]
    messages += [{"role": _LLM_ROLE[s.role], "content": s.content} for s in before if s.role in _LLM_ROLE]
    return json.dumps(messages, ensure_ascii=False)
