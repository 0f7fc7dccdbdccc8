"""What a model reads about voices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.operations.render.text import (
    counted,
    fenced,
    one_line,
    table,
    word,
)
from revox_langchain.speech.voice import filter_voices

if TYPE_CHECKING:
    from revox_langchain.operations.operation import Request


def voices(answer: JsonObject, request: Request | None = None) -> str:
    """Voices as a table, filtered as the request says."""
    wanted = {name: getattr(request, name, None) for name in ("language", "accent", "gender")}
    found = filter_voices(answer["voices"], **wanted)
    asked = one_line(", ".join(f"{name} {value}" for name, value in wanted.items() if value), 120)
    rows = [
        (v["id"], v["provider"], v["language"], v.get("accent") or "-", v.get("gender") or "-", v["name"])
        for v in found
    ]
    if not rows:
        languages = answer.get("languages") or sorted({v["language"] for v in answer["voices"]})
        languages = one_line(", ".join(languages), 120)
        return f"No voice{f' with {asked}' if asked else ''}. Languages there are: {languages}."
    head = f"{counted(len(rows), 'voice')}{f' with {asked}' if asked else ''}."
    return table(
        head,
        ("voice_id", "voice_provider", "language", "accent", "gender", "name"),
        rows,
        "narrow it by language, accent or gender",
    )


def voice(answer: JsonObject, request: Request | None = None) -> str:
    """One voice."""
    v = answer["voice"]
    return "\n".join(
        [f"Voice {word(v['id'])}.", *fenced([one_line(v.get("name"), 80), one_line(v.get("description"), 300)])]
    )


def cloned_voice(answer: JsonObject, request: Request | None = None) -> str:
    """A new voice."""
    named = f"{word(answer['id'])} ({word(answer['language'])})"
    return f"Cloned voice {named}. Use it as voice_id with voice_provider cartesia."


def audio(answer: JsonObject, request: Request | None = None) -> str:
    """How much audio came."""
    return f"{answer['bytes']} bytes of audio in {one_line(answer['path'], 300)}."
