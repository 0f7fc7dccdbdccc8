"""`campaign`: call the contacts of a file, one campaign of Revox's per language, and watch it to its end."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.campaign_run import CampaignRun
from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import SAID, AsJson, AssistantId, Country, From, InSandbox, Schema, Speed, Yes, account
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.contacts import group_by_language, read_contacts, write_errors
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused

_WHOM, _WHEN, _FILES = "Whom", "When, and when to stop", "Files"
_MOST_SHOWN = 10

Contacts = Annotated[
    Path, typer.Argument(metavar="CONTACTS", help="CSV, TSV, JSON, JSONL or XLSX; a column has the numbers.")
]
Prompt = Annotated[
    str | None, typer.Option(help="What the assistants do; {{name}} is a column's value.", rich_help_panel=SAID)
]
PromptFile = Annotated[Path | None, typer.Option(help="A file with the prompt.", rich_help_panel=SAID)]
FirstSentence = Annotated[str | None, typer.Option(help="The assistants' first words.", rich_help_panel=SAID)]
Language = Annotated[
    str | None, typer.Option(help="Of contacts that name none; by default the prompt's.", rich_help_panel=_WHOM)
]
ByCountry = Annotated[
    bool,
    typer.Option("--language-by-country", help="A number's country decides instead.", rich_help_panel=_WHOM),
]
NumberColumn = Annotated[str | None, typer.Option(help="If it is not found.", rich_help_panel=_WHOM)]
LanguageColumn = Annotated[str | None, typer.Option(help="If it is not found.", rich_help_panel=_WHOM)]
KeyColumn = Annotated[str | None, typer.Option(help="What identifies a contact.", rich_help_panel=_WHOM)]
OptOut = Annotated[
    Path | None,
    typer.Option(help="File of who must not be called; who asks for it is added.", rich_help_panel=_WHOM),
]
ScheduledAt = Annotated[
    str | None, typer.Option(help="ISO 8601 with an offset; now by default.", rich_help_panel=_WHEN)
]
MaxAttempts = Annotated[int | None, typer.Option(help="Dial each contact at most so often.", rich_help_panel=_WHEN)]
MaxConcurrent = Annotated[
    int | None, typer.Option("--max-concurrent-calls", help="At a time, per language.", rich_help_panel=_WHEN)
]
Yeses = Annotated[int | None, typer.Option(min=1, help="Pause after so many are interested.", rich_help_panel=_WHEN)]
StopCalls = Annotated[int | None, typer.Option(min=1, help="Pause after so many calls.", rich_help_panel=_WHEN)]
StopMinutes = Annotated[float | None, typer.Option(help="Pause after so many minutes of talk.", rich_help_panel=_WHEN)]
Deadline = Annotated[str | None, typer.Option(help="Pause then: ISO 8601 with an offset.", rich_help_panel=_WHEN)]
Interval = Annotated[float, typer.Option("--interval-s", min=0.05, help="Seconds between looks.")]
Name = Annotated[str | None, typer.Option(help="What to call it in Revox's dashboard.")]
Resume = Annotated[
    str | None, typer.Option(metavar="ID", help="Go on with a campaign of an earlier run; launches no one twice.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check the contacts only; send nothing.")]
Open = Annotated[bool, typer.Option("--open", help="Write the campaign's page at the end and open it.")]
Store = Annotated[Path, typer.Option("--db", help="Where the rows are kept.", rich_help_panel=_FILES)]
Folder = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="For results and errors.", rich_help_panel=_FILES)
]


def campaign(
    contacts: Contacts,
    prompt: Prompt = None,
    prompt_file: PromptFile = None,
    assistant_id: AssistantId = None,
    first_sentence: FirstSentence = None,
    structured_output_schema: Schema = None,
    language: Language = None,
    language_by_country: ByCountry = False,
    number_column: NumberColumn = None,
    language_column: LanguageColumn = None,
    key_column: KeyColumn = None,
    country: Country = None,
    opt_out: OptOut = None,
    scheduled_at: ScheduledAt = None,
    max_attempts: MaxAttempts = None,
    max_concurrent_calls: MaxConcurrent = None,
    yeses: Yeses = None,
    stop_calls: StopCalls = None,
    stop_minutes: StopMinutes = None,
    deadline: Deadline = None,
    name: Name = None,
    from_phone_number: From = None,
    resume: Resume = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    sandbox: InSandbox = False,
    open_: Open = False,
    speed: Speed = 20.0,
    interval_s: Interval = 60.0,
    db: Store = Path("revox-campaigns.db"),
    output: Folder = Path(),
    as_json: AsJson = False,
) -> int:
    """Call the contacts of a file and watch until every call has ended.

    Dials real phones, and asks first unless --yes is given; --sandbox dials no real phone and needs no key. Every row
    comes out in one state, in a CSV of results beside what was read; rows to correct are in one of errors.
    Interrupted, the same command with --resume ID goes on: no one is called for the second time.

    Exit codes: 0 completed, 2 invalid input, 3 refused, 4 key, 5 unreachable, 6 unknown whether launched, 7 still
    running, 8 stopped before its end, 130 Ctrl-C.
    """
    screen = Screen(as_json=as_json)
    if dry_run:
        columns = {"number_column": number_column, "language_column": language_column, "key_column": key_column}
        spoken = {"language": language, "by_country": language_by_country}
        return _checked(contacts, {**columns, "default_country": country}, spoken, output, screen)
    given: JsonObject = {
        "contacts_file": contacts.name,
        "prompt": _text(prompt, prompt_file),
        "assistant_id": assistant_id,
        "first_sentence": first_sentence,
        "structured_output_schema": structured_output_schema,
        "language": language,
        "language_by_country": language_by_country or None,
        "number_column": number_column,
        "language_column": language_column,
        "key_column": key_column,
        "default_country": country,
        "scheduled_at": scheduled_at,
        "max_attempts": max_attempts,
        "max_concurrent_calls": max_concurrent_calls,
        "stop_when": _left({"yeses": yeses, "calls": stop_calls, "minutes": stop_minutes, "deadline": deadline}),
        "name": name,
        "from_phone_number": from_phone_number,
        "intent": resume or uuid.uuid4().hex[:12],
    }
    approve = not (sandbox or yes)
    if approve and not screen.can_ask():
        step = "Add --yes, --sandbox or --dry-run."
        raise usage_error("This would dial real phones, and there is no terminal to confirm on.", step)
    if sandbox:
        screen.line("Sandbox: no real phone rings.", "dim")
    run = CampaignRun(
        account(sandbox=sandbox, speed=speed),
        screen,
        DialPolicy(default_region=country),
        db=db,
        folder=contacts.parent,
        output=output,
        opt_out=opt_out,
        interval_s=interval_s,
        approve=approve,
        sandbox=sandbox,
        page=open_,
    )
    return run.follow(_left(given) or {})


def _checked(source: Path, options: JsonObject, spoken: JsonObject, folder: Path, screen: Screen) -> Exit:
    """Read and check the contacts, and say who would be called."""
    found = read_contacts(source, **options)
    guard, refused = Guard(DialPolicy()), 0
    for row in found.contacts:
        if row.phone is not None:
            try:
                guard.check_number(row.phone.e164)
            except Refused:
                refused += 1
    grouped = group_by_language(found.contacts, **spoken)
    languages = {language: len(rows) for language, rows in grouped.groups.items()}
    if grouped.undecided:
        languages["without a language"] = len(grouped.undecided)
    errors = None
    if found.problems:
        errors = str(folder / "errors.csv")
        write_errors(found, errors)
    screen.answer({"rows": len(found.rows), "states": found.counts, "refused": refused, "languages": languages})
    if not screen.as_json:
        screen.line(f"{len(found.rows)} rows: {_counts(found.counts)}.")
        screen.line(f"By language: {_counts(languages)}. By the guard refused: {refused}.")
        for problem in found.problems[:_MOST_SHOWN]:
            screen.line(f"Row {problem.line} ({problem.code}): {problem.message}")
    if errors:
        hint(f"What to correct is in {errors}.")
    hint("Nothing was sent.")
    return Exit.DONE


def _counts(counts: object) -> str:
    items = counts.items() if isinstance(counts, dict) else ()
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in items if count) or "none"


def _text(prompt: str | None, file: Path | None) -> str | None:
    if file is None:
        return prompt
    if prompt is not None:
        raise usage_error("--prompt and --prompt-file were both given.", "Give one of them.")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise usage_error(f"--prompt-file {str(file)!r} cannot be read.", "Give a file with UTF-8 text.") from None


def _left(options: JsonObject) -> JsonObject | None:
    return {name: value for name, value in options.items() if value is not None} or None
