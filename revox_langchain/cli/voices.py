"""`voices`: the catalog as a table, or why a call would use which voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import AsJson, Output, account, screen_of
from revox_langchain.cli.screen import Screen, hint, plain
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.language import language_name, parse_language
from revox_langchain.speech.ranking import check_gender
from revox_langchain.speech.voice import ChosenVoice, filter_voices, rank_voices

_SHOWN = 8


def voices(
    language: Annotated[str | None, typer.Option(help='Code or name: fr-CA, "Brazilian Portuguese".')] = None,
    accent: Annotated[str | None, typer.Option(help="Such as quebec, british.")] = None,
    gender: Annotated[str | None, typer.Option(help="Such as female, male.")] = None,
    provider: Annotated[str | None, typer.Option(help="cartesia, elevenlabs or gradium.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Rank the voices as a call would, and say why.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="The sandbox's voices; needs no key.")] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> int:
    """List voices, or explain which one a call would use."""
    if explain and language is None:
        raise usage_error("--explain ranks voices for a language.", "Add --language, such as --language fr.")
    wanted, screen = _Wanted(language, accent, gender, provider), screen_of(output, as_json)
    with account(sandbox=sandbox) as connection, screen.busy("Reading …"):
        catalog = connection.send(ListVoices())["voices"]
        screen.sandbox = connection.sandbox
    if screen.sandbox and not screen.as_json:
        hint("These are a sandbox's voices.")
    return (_explain if explain else _list)(catalog, wanted, screen)


@dataclass(frozen=True, slots=True)
class _Wanted:
    language: str | None
    accent: str | None
    gender: str | None
    provider: str | None


def _list(catalog: list[JsonObject], wanted: _Wanted, screen: Screen) -> Exit:
    """List the voices that match exactly."""
    check_gender(wanted.gender, catalog)
    spoken = None if wanted.language is None else parse_language(wanted.language)
    found = filter_voices(catalog, spoken, wanted.accent, wanted.gender)
    if wanted.provider:
        provider = wanted.provider.strip().casefold()
        found = [voice for voice in found if str(voice.get("provider")).casefold() == provider]
    screen.answer({"language": spoken.tag if spoken else None, "voices": found})
    if screen.as_json:
        return Exit.DONE
    if not found:
        ranking = "add --explain" if wanted.language else "add --language and --explain"
        hint(f"No voice matches exactly. Ask for less, or {ranking} to rank the closest.")
        if screen.live:
            return Exit.DONE
    _table(found, screen, with_language=not (spoken and screen.live))
    if screen.live:
        what = f" that speak {language_name(spoken.tag)}" if spoken else ""
        screen.line(f"\n{len(found)} voices{what}.", "dim")
    return Exit.DONE


def _table(found: Sequence[JsonObject], screen: Screen, *, with_language: bool) -> None:
    columns = ["voice_id", "provider", "lang", "accent", "gender", "name"]
    if not with_language:
        columns.remove("lang")
    fields = [{"voice_id": "id", "lang": "language"}.get(column, column) for column in columns]
    rows = [[str(voice.get(field) or "-") for field in fields] for voice in found]
    screen.table(columns, rows, whole=("voice_id", "provider", "accent"))


def _explain(catalog: list[JsonObject], wanted: _Wanted, screen: Screen) -> Exit:
    """Rank the voices of a language as a call would, each with its reasons.

    Raises:
        RevoxToolError: No such language, or no voice for it.
    """
    spoken = parse_language(wanted.language or "")
    ranked = rank_voices(catalog, spoken, wanted.accent, wanted.gender, wanted.provider)
    if screen.as_json:
        candidates = [
            {**voice.as_dict(), "accent_matched": voice.accent_matched, "why": voice.why, "notes": voice.notes}
            for voice in ranked
        ]
        screen.answer({"language": spoken.tag, "candidates": candidates})
        return Exit.DONE
    asked = plain(wanted.language)
    screen.line(f'"{asked}" is {spoken.tag}, {language_name(spoken.tag)}. A call uses the first:', "bold")
    for place, voice in enumerate(ranked[:_SHOWN], 1):
        _candidate(place, voice, screen)
    for note in ranked[0].notes:
        screen.line(plain(note), "yellow")
    if len(ranked) > _SHOWN:
        screen.line(f"\n{len(ranked) - _SHOWN} more speak it; --json lists all.", "dim")
    return Exit.DONE


def _candidate(place: int, voice: ChosenVoice, screen: Screen) -> None:
    about = f"{voice.provider}, {voice.accent or 'no accent'}, {voice.gender or 'gender unknown'}"
    why = "; ".join(voice.why)
    if not screen.live:
        screen.line(plain(f"{place}. {voice.name} ({about}) {voice.id}: {why}"))
        return
    name = (f"{place}. {plain(voice.name)}", "bold cyan" if place == 1 else "bold")
    screen.line()
    screen.line(Text.assemble(name, f"  {plain(about)}"))
    screen.console.print(Padding(Text(f"{plain(voice.id)}\n{plain(why)}", style="dim"), (0, 0, 0, 3)))
