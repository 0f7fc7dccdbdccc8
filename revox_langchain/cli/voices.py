"""`voices`: the catalogue as a table, or why a call would take which voice."""

from __future__ import annotations

from typing import Any

from rich.padding import Padding
from rich.text import Text

from revox_langchain.cli.exits import Exit
from revox_langchain.cli.screen import Screen, hint, plain
from revox_langchain.connection.connection import Connection
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.language import language_name, parse_language
from revox_langchain.speech.voice import filter_voices, rank_voices

_SHOWN = 8


def list_voices(
    connection: Connection, screen: Screen, *, language: str | None, accent: str | None, gender: str | None,
    provider: str | None,
) -> Exit:  # fmt: skip
    """List the voices that match exactly."""
    spoken = None if language is None else parse_language(language)
    found = filter_voices(connection.send(ListVoices())["voices"], spoken, accent, gender)
    if provider:
        found = [voice for voice in found if str(voice.get("provider")).casefold() == provider.strip().casefold()]
    screen.answer({"language": spoken.tag if spoken else None, "voices": found})
    if screen.as_json:
        return Exit.DONE
    if not found:
        nearest = "add --explain" if language else "add --language and --explain"
        hint(f"No voice is exactly like that. Ask for less, or {nearest} to rank the nearest.")
        if screen.live:
            return Exit.DONE
    columns = ["voice_id", "provider", "lang", "accent", "gender", "name"]
    if spoken and screen.live:
        columns.remove("lang")
    fields = [{"voice_id": "id", "lang": "language"}.get(column, column) for column in columns]
    rows = [[str(voice.get(field) or "-") for field in fields] for voice in found]
    screen.table(columns, rows, whole=("voice_id", "provider", "accent"))
    if screen.live:
        what = f" that speak {language_name(spoken.tag)}" if spoken else ""
        screen.line(f"\n{len(found)} voices{what}.", "dim")
    return Exit.DONE


def explain_voices(
    connection: Connection, screen: Screen, *, language: str | None, accent: str | None, gender: str | None,
    provider: str | None,
) -> Exit:  # fmt: skip
    """Rank the voices of a language as a call would, each with its reasons.

    Raises:
        RevoxToolError: No such language, or no voice for it.
    """
    spoken = parse_language(language or "")
    ranked = rank_voices(connection.send(ListVoices())["voices"], spoken, accent, gender, provider)
    if screen.as_json:
        candidates: list[dict[str, Any]] = [
            {**voice.as_dict(), "accent_matched": voice.accent_matched, "why": voice.why, "notes": voice.notes}
            for voice in ranked
        ]
        screen.answer({"language": spoken.tag, "candidates": candidates})
        return Exit.DONE
    screen.line(f'"{plain(language)}" is {spoken.tag}, {language_name(spoken.tag)}. A call takes the first:', "bold")
    for place, voice in enumerate(ranked[:_SHOWN], 1):
        about = f"{voice.provider}, {voice.accent or 'no accent'}, {voice.gender or 'gender not said'}"
        why = "; ".join(voice.why)
        if not screen.live:
            screen.line(plain(f"{place}. {voice.name} ({about}) {voice.id}: {why}"))
            continue
        screen.line()
        screen.line(Text.assemble((f"{place}. {plain(voice.name)}", "bold cyan" if place == 1 else "bold"),
                                  f"  {plain(about)}"))  # fmt: skip
        screen.console.print(Padding(Text(f"{plain(voice.id)}\n{plain(why)}", style="dim"), (0, 0, 0, 3)))
    for note in ranked[0].notes:
        screen.line(plain(note), "yellow")
    if len(ranked) > _SHOWN:
        screen.line(f"\n{len(ranked) - _SHOWN} more speak it; --json lists all.", "dim")
    return Exit.DONE
