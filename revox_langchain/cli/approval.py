"""The graph's question before it dials, put to a person at the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from revox_langchain.answers import JsonObject
from revox_langchain.cli.live import voice_words
from revox_langchain.cli.screen import Screen, hint

_LONGEST_PROMPT = 160


def ask_approval(question: Mapping[str, Any], screen: Screen) -> JsonObject:
    """Show what is about to be dialed, and ask for a yes.

    Args:
        question: As the call graph interrupts with it.
        screen: Where to ask.

    Returns:
        What to resume the graph with. The hash ties the answer to the arguments that were shown.
    """
    hint("This dials a real phone and costs money.")
    for name, words in _facts(question["arguments"]):
        hint(words, name=name)
    for warning in question["warnings"]:
        hint(warning, name="Warning")
    decision = "approve" if screen.ask("Call now?") else "reject"
    return {"decision": decision, "arguments_hash": question["arguments_hash"]}


def _facts(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    first = arguments["first_sentence"]
    says = str(arguments["prompt"] or f"assistant {arguments['assistant_id']}")
    shown = says if len(says) <= _LONGEST_PROMPT else f"{says[: _LONGEST_PROMPT - 1]}…"
    attempts, minutes = arguments["max_attempts"], arguments["max_minutes"]
    return [
        ("Number", f"{arguments['phone_number']} ({arguments['country'] or 'unknown country'})"),
        ("Voice", voice_words(arguments["voice"], arguments["language"])),
        *([("First", str(first))] if first else []),
        ("Prompt", shown),
        *([("Again", f"repeats call {arguments['repeat_of']}")] if arguments.get("repeat_of") else []),
        ("When", arguments["scheduled_at"] or "now, or when the calling window opens"),
        ("At most", f"{attempts} attempts, {minutes:g} minutes of talk"),
    ]
