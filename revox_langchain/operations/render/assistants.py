"""What a model reads about assistants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from revox_langchain.answers import JsonObject
from revox_langchain.operations.render.text import (
    counted,
    fenced,
    notes_of,
    one_line,
    table,
    word,
)

if TYPE_CHECKING:
    from revox_langchain.operations.operation import Request


def assistants(answer: JsonObject, request: Request | None = None) -> str:
    """Assistants as a table."""
    rows = [(a["id"], a["name"], _voice_of(a)) for a in answer["assistants"]]
    head = counted(len(rows), "assistant") + "."
    return table(head, ("assistant_id", "name", "voice"), rows, "revox_get_assistant reads one")


def assistant(answer: JsonObject, request: Request | None = None) -> str:
    """One assistant, without its prompt: the prompt is for the phone call, not for this conversation."""
    a = answer.get("assistant", answer)
    lines = [
        f"Assistant {word(a['id'])} speaks with {_voice_of(a)}; "
        f"at most {word(a.get('max_call_duration_secs') or '?')} s a call.",
        *fenced(
            [
                f"name: {one_line(a.get('name'), 80)}",
                f"first sentence: {one_line(a.get('first_sentence'), 200)}",
            ]
        ),
    ]
    if answer.get("existed"):
        lines.insert(0, "It exists already; none was created.")
    lines += notes_of(answer)
    notice = answer.get("unpatchedCallsNotice")
    if notice:
        lines.append(
            f"{int(notice.get('count') or 0)} pending calls could not take the change; "
            f"they lack: {one_line(', '.join(notice.get('variables') or []), 200)}."
        )
    return "\n".join([*lines, "Next: revox_make_call with this assistant_id."])


def _voice_of(a: Mapping[str, Any]) -> str:
    spoken = a.get("voice") or {}
    return word(f"{spoken['provider']}:{spoken['id']}") if spoken.get("id") else "the default voice (American English)"
