"""Orders as Revox might send them, whole and strange, for what reads them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.results.test_call import STRANGE


def event(speaker: str, started_ms: Any, stopped_ms: Any, **more: Any) -> dict[str, Any]:
    """A speech event."""
    return {
        "id": f"e{started_ms}",
        "speaker": speaker,
        "started_speaking_at_ms": started_ms,
        "stopped_speaking_at_ms": stopped_ms,
        "is_real_turn": True,
        "llm_system_prompt": "THE SECRET PROMPT",
        **more,
    }


def talk(turns: int, *, words: str = "Yes, go ahead, I have a minute for you.") -> dict[str, Any]:
    """An attempt with a conversation of so many turns, a second of silence between each."""
    roles = [("assistant", "agent"), ("user", "user")]
    transcript, events = [], []
    for number in range(turns):
        role, speaker = roles[number % 2]
        said = f"{words} ({number})"
        transcript.append({"role": role, "content": said})
        events.append(
            event(
                speaker,
                number * 4000,
                number * 4000 + 3000,
                transcript=said,
                llm_ttft_ms=400 if speaker == "agent" else None,
                tts_ttfb_ms=100 if speaker == "agent" else None,
                stt_transcription_delay_ms=None if speaker == "agent" else 200,
            )
        )
    return {
        "id": "t1",
        "status": "completed",
        "result": "human",
        "started_at": "2026-01-06T10:00:00Z",
        "answered_at": "2026-01-06T10:00:06Z",
        "ended_at": "2026-01-06T10:20:06Z",
        "transcript": transcript,
        "speech_events": events,
        "recording_url": "https://recordings.example/t1.mp3",
    }


def order(*attempts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An order with these attempts, newest first."""
    return {
        "id": "c1",
        "status": "completed",
        "to_phone_number": "+12025550100",
        "created_at": "2026-01-06T10:00:00Z",
        "call_attempts": list(attempts),
        **more,
    }


ATTEMPT_TEXTS = ("id", "status", "result", "dial_error", "end_reason", "ended_by", "recording_url")
ORDER_TEXTS = (
    "outcome",
    "outcome_summary",
    "call_retry_config",
    "metadata",
    "created_at",
    "from_phone_number",
    "direction",
)
MOMENTS = STRANGE | st.floats() | st.integers() | st.integers(-(10**6), 10**6)
EVENTS = st.lists(
    st.dictionaries(st.sampled_from(["speaker", "transcript", "is_real_turn", "was_cut"]), STRANGE)
    | st.fixed_dictionaries(
        {
            "speaker": st.sampled_from(["agent", "user", "robot", None]),
            "started_speaking_at_ms": MOMENTS,
            "stopped_speaking_at_ms": MOMENTS,
        },
        optional={
            "was_cut": STRANGE,
            "is_real_turn": STRANGE,
            "llm_ttft_ms": MOMENTS,
            "stt_transcription_delay_ms": MOMENTS,
            "transcript": STRANGE,
        },
    )
    | STRANGE,
    max_size=6,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["assistant", "user", "tool", "human_agent", "x"]), "content": STRANGE | st.text()},
        optional={
            "tool_name": STRANGE,
            "tool_arguments": STRANGE,
            "tool_output": STRANGE | st.text(),
            "tool_is_error": STRANGE,
        },
    )
    | STRANGE,
    max_size=5,
)
ATTEMPTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(
                ("id", "status", "result", "dial_error", "end_reason", "ended_by", "recording_url"), STRANGE
            ),
            **dict.fromkeys(("started_at", "answered_at", "ended_at"), MOMENTS),
            "transcript": TURNS | STRANGE,
            "post_call_transcript": TURNS | STRANGE,
            "speech_events": EVENTS | STRANGE,
            "structured_output": STRANGE,
        },
    )
    | STRANGE,
    max_size=4,
)
ORDERS = st.fixed_dictionaries(
    {"id": st.just("c1"), "call_attempts": ATTEMPTS | STRANGE},
    optional={
        **dict.fromkeys(
            (
                "outcome",
                "outcome_summary",
                "assistant",
                "call_retry_config",
                "metadata",
                "created_at",
                "from_phone_number",
                "direction",
            ),
            STRANGE,
        ),
        "status": STRANGE | st.sampled_from(["completed", "cancelled", "errored", "calling"]),
        "to_phone_number": STRANGE | st.just("+12025550100"),
        "assistant": st.fixed_dictionaries(
            {}, optional={"max_call_duration_secs": MOMENTS, "call_retry_config": STRANGE, "name": STRANGE}
        )
        | STRANGE,
    },
)
"""Whatever Revox may send, and what it will not."""
