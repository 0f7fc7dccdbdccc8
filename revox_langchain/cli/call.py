"""`call`: place a call and follow it until it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import usage_error
from revox_langchain.cli.follow import CallRun
from revox_langchain.cli.options import (
    SAID,
    AsJson,
    AssistantId,
    Country,
    From,
    InSandbox,
    Interval,
    MaxWait,
    Open,
    Schema,
    Settle,
    Speed,
    Yes,
    account,
    pairs,
    wait_policy,
)
from revox_langchain.cli.screen import Screen
from revox_langchain.cli.service import call_via
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.policy import DialPolicy

_VOICE, _TIMING = "Which voice", "When and how long"

Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The number to call: +12025550100, or national with --country.")
]
Prompt = Annotated[str | None, typer.Option(help="What the assistant must do.", rich_help_panel=SAID)]
FirstSentence = Annotated[str | None, typer.Option(help="The assistant's first words.", rich_help_panel=SAID)]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        "--variable",
        help="name=value for {{name}} in the prompt; may be repeated.",
        rich_help_panel=SAID,
        callback=pairs,
    ),
]
Inline = Annotated[
    bool, typer.Option("--inline", help="Send the assistant with the call; store none.", rich_help_panel=SAID)
]
Language = Annotated[
    str | None, typer.Option(help="Code or name; detected from the text by default.", rich_help_panel=_VOICE)
]
VoiceId = Annotated[str | None, typer.Option(help="Exactly this voice.", rich_help_panel=_VOICE)]
Provider = Annotated[str | None, typer.Option(help="cartesia, elevenlabs or gradium.", rich_help_panel=_VOICE)]
Accent = Annotated[str | None, typer.Option(help="Such as quebec, british.", rich_help_panel=_VOICE)]
Gender = Annotated[str | None, typer.Option(help="Such as female, male.", rich_help_panel=_VOICE)]
ScheduledAt = Annotated[
    str | None, typer.Option(help="ISO 8601 with an offset; now by default.", rich_help_panel=_TIMING)
]
SkipCallingWindow = Annotated[
    bool, typer.Option("--skip-calling-window", help="Call outside calling hours.", rich_help_panel=_TIMING)
]
MaxAttempts = Annotated[int | None, typer.Option(help="Maximum number of dial attempts.", rich_help_panel=_TIMING)]
MaxDuration = Annotated[
    int | None,
    typer.Option("--max-call-duration-s", help="Maximum length of a conversation.", rich_help_panel=_TIMING),
]
Metadata = Annotated[
    list[str] | None, typer.Option(help="name=value to store with the call; may be repeated.", callback=pairs)
]
ConcurrencyKey = Annotated[str | None, typer.Option(help="Calls with the same key share a concurrency limit.")]
IntentName = Annotated[
    str | None,
    typer.Option(
        help="Idempotency key for this number: running the command again places no second call. Put the occasion into "
        "it: appointment-4711, not reminder."
    ),
]
RepeatOf = Annotated[
    str | None,
    typer.Option(metavar="CALL_ID", help="To call again on purpose: id of an ended call to this number."),
]
Via = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Have the service at this address place it (see serve); REVOX_SERVICE_TOKEN."),
]


def call(
    context: typer.Context,
    phone_number: Number,
    prompt: Prompt = None,
    assistant_id: AssistantId = None,
    first_sentence: FirstSentence = None,
    structured_output_schema: Schema = None,
    prompt_variables: Variables = None,
    inline: Inline = False,
    language: Language = None,
    voice_id: VoiceId = None,
    provider: Provider = None,
    accent: Accent = None,
    gender: Gender = None,
    scheduled_at: ScheduledAt = None,
    skip_calling_window: SkipCallingWindow = False,
    max_attempts: MaxAttempts = None,
    max_call_duration_s: MaxDuration = None,
    from_phone_number: From = None,
    country: Country = None,
    metadata: Metadata = None,
    concurrency_key: ConcurrencyKey = None,
    intent: IntentName = None,
    repeat_of: RepeatOf = None,
    yes: Yes = False,
    sandbox: InSandbox = False,
    via: Via = None,
    open_: Open = False,
    speed: Speed = 20.0,
    max_wait_s: MaxWait = None,
    interval_s: Interval = None,
    settle_s: Settle = 15.0,
    as_json: AsJson = False,
) -> int:
    """Call a number and follow the call until it ends.

    Dials a real phone, and asks first unless --yes is given; --sandbox dials no real phone and needs no key.
    Each run places a new call. With --intent NAME it is safe to run the same command again, whatever happened the
    first time: an existing call is found and followed instead of placing another. So it is with --repeat-of CALL_ID,
    which repeats an ended call once.

    Exit codes: 0 completed (whatever the answer), 2 invalid input, 3 refused, 4 key, 5 unreachable, 6 unknown
    whether placed, 7 still running, 8 cancelled or errored, 130 Ctrl-C.
    """
    policy, wait = DialPolicy(default_region=country, settle_s=settle_s), wait_policy(max_wait_s, interval_s)
    given, screen, approve = _request(context), Screen(as_json=as_json), not (sandbox or yes)
    if via is not None:
        if sandbox or inline or open_:
            raise usage_error("--via does not go with --sandbox, --inline and --open.", "Give the first two to serve.")
        return call_via(via, given, screen, yes=yes, max_wait_s=max_wait_s)
    with _announced(account(sandbox=sandbox, speed=speed), screen, sandbox, approve) as revox:
        run = CallRun(revox, screen, policy, wait, inline=inline, sandbox=sandbox, approve=approve, page=open_)
        return run.follow(given)


_CONFIRM = "Add --yes, or --sandbox."


def _announced(connection: Connection, screen: Screen, sandbox: bool, approve: bool) -> Connection:
    if approve and not screen.can_ask():
        raise usage_error("This would dial a real phone, and there is no terminal to confirm on.", _CONFIRM)
    if sandbox:
        screen.line("Sandbox: no real phone rings.", "dim")
    return connection


def _request(context: typer.Context) -> JsonObject:
    """Read the graph's input from the options, which carry the names of its fields.

    Raises:
        InvalidInput: They do not make a call.
    """
    from revox_langchain.graph import CallInput, VoicePreferences

    def given(names: Iterable[str]) -> JsonObject:
        options = {name: context.params.get(name) for name in names}
        # Not by truth: an empty prompt and 0 attempts are mistakes for the graph to name.
        return {name: value for name, value in options.items() if not any(value is left for left in (None, False))}

    request = given(CallInput.model_fields)
    if preferences := given(VoicePreferences.model_fields):
        request["voice_preferences"] = preferences
    CallInput.parse(request)
    return request
