"""Traces in LangSmith: what a run was about as its tags and metadata, and numbers and conversations out of them.

LangGraph and langchain trace the state, the messages and the arguments of tools by themselves, whenever tracing is on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from revox_langchain.operations.render.text import FENCE
from revox_langchain.results.masking import masked_json, masked_text

if TYPE_CHECKING:
    from langsmith import Client

__all__ = ["mask_traces", "masked_trace"]

HIDDEN = "[hidden]"
FACTS = ("call_id", "intent_id", "language", "status", "disposition")
_TAGGED = ("language", "disposition")
_WORDS = ("content", "text")
_TALK = (
    "transcript",
    "post_call_transcript",
    "last_turn",
    "outcome_summary",
    "structured_output",
    "speech_events",
    "recording_url",
    "tool_arguments",
    "tool_output",
    "sms_log",
    "email_log",
    "follow_up_emails",
)
"""What is known from a conversation alone, wherever it stands in a state, an order or a result of a tool."""


def mask_traces(*, messages: bool = False, **client: Any) -> Client:
    """Keep phone numbers and what was said on calls out of all that this process sends to LangSmith.

    It makes the client of LangSmith that traces, so call it once, before the first run.

    Args:
        messages: Hide the texts of all messages as well: a model may tell in its own words what was said on a call.
        client: For `langsmith.Client`.

    Returns:
        The client, which `flush()` makes send what is still to be sent.
    """
    from langsmith import Client, configure

    def mask(traced: dict[str, Any]) -> dict[str, Any]:
        return masked_trace(traced, messages=messages)

    made = Client(anonymizer=mask, **client)
    configure(client=made)
    return made


def masked_trace(traced: dict[str, Any], *, messages: bool = False) -> dict[str, Any]:
    """Inputs, outputs or metadata of a run without numbers and conversations, for `langsmith.Client(anonymizer=…)`.

    Args:
        traced: What is about to be sent, as JSON.
        messages: Hide the texts of messages as well.
    """
    return {masked_text(name): _masked(value, name, messages) for name, value in traced.items()}


def note_step(config: RunnableConfig, facts: Mapping[str, object]) -> None:
    """Put what a call turns out to be into the trace of a graph's step, and of the graph.

    Args:
        config: The step's.
        facts: Where call id, intent, language, status and disposition may stand, among others.
    """
    callbacks: Any = config.get("callbacks")
    for handler in getattr(callbacks, "handlers", ()):
        # A tracer's; other handlers keep no runs.
        runs = getattr(handler, "run_map", {})
        if step := runs.get(str(callbacks.parent_run_id)):
            _note(step, facts)
            _note(runs.get(str(step.parent_run_id)), facts)


def note_tool(facts: Callable[[], Mapping[str, object]]) -> None:
    """The same for the tool that is running, whose config is that of whoever uses it; asked only in a trace."""
    # langchain-core loads it before the first run; whoever calls the function bare has no trace.
    if "langsmith.run_helpers" in sys.modules:
        from langsmith.run_helpers import get_current_run_tree

        if (run := get_current_run_tree()) is not None:
            _note(run, facts())


def _note(run: Any, facts: Mapping[str, object]) -> None:
    known = {f"revox_{name}": facts[name] for name in FACTS if facts.get(name)}
    if run is None or not known:
        return
    tags = ["revox", *(f"{name}:{facts[name]}" for name in _TAGGED if facts.get(name))]
    run.add_metadata(known)
    run.add_tags([tag for tag in tags if tag not in (run.tags or ())])


def _masked(value: object, name: str, messages: bool) -> object:
    if name in _TALK:
        return _hidden(value)
    if isinstance(value, dict):
        hidden = messages and _holds_words(value, name)
        return {
            masked_text(str(key)): HIDDEN if hidden and key in _WORDS else _masked(item, str(key), messages)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, "", messages) for item in value]
    return _masked_words(value, messages) if isinstance(value, str) else masked_json(value)


def _masked_words(words: str, messages: bool) -> str:
    if words[:1] in ("{", "[") and words[-1:] in ("}", "]"):
        with suppress(ValueError):
            return json.dumps(_masked(json.loads(words), "", messages), ensure_ascii=False)
    if FENCE in words:
        words = "\n".join(f"| {HIDDEN}" if line.startswith("|") else line for line in words.splitlines())
    return masked_text(words)


def _hidden(value: object) -> object:
    """The same without its words; who spoke how often, and which fields were extracted, stays."""
    if isinstance(value, dict):
        return {masked_text(str(key)): item if key == "role" else _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return HIDDEN if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else value


def _holds_words(value: Mapping[str, object], name: str) -> bool:
    """Whether this is a message, as a dict of its own or in langchain's serialization, or what a model generated."""
    return name == "kwargs" or "role" in value or "type" in value
