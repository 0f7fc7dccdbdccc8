"""The commands that follow a call: `call`, `watch`, `recover` and `demo`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.follow import confirm_dial, run_call, run_watch
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused
from revox_langchain.flow import run
from revox_langchain.phone import parse_phone
from revox_langchain.waiting.policy import WaitPolicy


def _country(given: str | None) -> str | None:
    return (given or "").strip().upper() or None


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; all else goes to stderr.")]
Speed = Annotated[
    float, typer.Option(min=0, help="How many times faster than life the sandbox runs; 0 lets time jump.")
]
Interval = Annotated[
    float | None, typer.Option("--interval-s", min=0.05, help="Seconds between looks; left out, adaptive.")
]
MaxWait = Annotated[
    float | None, typer.Option("--max-wait-s", min=0.1, help="Stop watching after this; the call goes on.")
]
Settle = Annotated[float, typer.Option("--settle-s", min=0, help="Seconds a new order may take to show up in search.")]
Country = Annotated[
    str | None, typer.Option(help="Country of a national number, in two letters: FR, US.", callback=_country)
]
_HOW, _WHO, _WHEN = "What is said", "Which voice", "When and how long"


def call(
    number: Annotated[str, typer.Argument(help="Who to call: +33142685300, or national with --country.")],
    prompt: Annotated[str | None, typer.Option(help="What the assistant must do.", rich_help_panel=_HOW)] = None,
    assistant_id: Annotated[
        str | None, typer.Option(help="An assistant that exists, instead of a prompt.", rich_help_panel=_HOW)
    ] = None,
    first_sentence: Annotated[str | None, typer.Option(help="What it says first.", rich_help_panel=_HOW)] = None,
    schema: Annotated[
        str | None,
        typer.Option(help="JSON schema of what to extract: a file, or the JSON itself.", rich_help_panel=_HOW),
    ] = None,
    variable: Annotated[
        list[str] | None, typer.Option(help="name=value for a {{name}} in the prompt.", rich_help_panel=_HOW)
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Send the assistant inside the call; keep none.", rich_help_panel=_HOW)
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(help="Code or name; left out, it is read from the text.", rich_help_panel=_WHO),
    ] = None,
    voice_id: Annotated[str | None, typer.Option(help="Exactly this voice.", rich_help_panel=_WHO)] = None,
    provider: Annotated[str | None, typer.Option(help="cartesia, elevenlabs or gradium.", rich_help_panel=_WHO)] = None,
    accent: Annotated[str | None, typer.Option(help="Such as quebec, british.", rich_help_panel=_WHO)] = None,
    gender: Annotated[str | None, typer.Option(help="Such as female, male.", rich_help_panel=_WHO)] = None,
    scheduled_at: Annotated[
        str | None, typer.Option(help="ISO 8601 with offset; left out: now.", rich_help_panel=_WHEN)
    ] = None,
    skip_calling_window: Annotated[
        bool, typer.Option("--skip-calling-window", help="Ring outside calling hours.", rich_help_panel=_WHEN)
    ] = False,
    max_attempts: Annotated[int | None, typer.Option(help="Dial at most so often.", rich_help_panel=_WHEN)] = None,
    max_call_duration_s: Annotated[
        int | None, typer.Option("--max-call-duration-s", help="Longest talk, in seconds.", rich_help_panel=_WHEN)
    ] = None,
    from_number: Annotated[str | None, typer.Option("--from", help="Caller id: one of your own numbers.")] = None,
    country: Country = None,
    metadata: Annotated[list[str] | None, typer.Option(help="name=value to keep with the call.")] = None,
    concurrency_key: Annotated[str | None, typer.Option(help="Calls with one key share a limit.")] = None,
    intent: Annotated[
        str | None, typer.Option(help="Name of this wish: makes re-running safe, the call is placed once.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Dial without asking.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ring nobody: use a sandbox in this process.")] = False,
    speed: Speed = 20.0,
    max_wait_s: MaxWait = None,
    interval_s: Interval = None,
    settle_s: Settle = 15.0,
    as_json: AsJson = False,
) -> int:
    """Call a number and follow the call until it has ended.

    Rings a real phone, and asks first unless --yes is given; with --sandbox it rings nobody and needs no key.
    Each run is a new wish and so a new call. With --intent NAME it is safe to run the same command again, whatever
    happened the first time: the call that exists is found and followed instead of placing another.

    Exit codes: 0 completed (whatever the answer), 2 wrong input, 3 refused, 4 key, 5 unreachable, 6 unknown
    whether placed, 7 still running, 8 cancelled or errored, 130 Ctrl-C.
    """
    from revox_langchain.graph import CallInput

    screen = Screen(as_json=as_json)
    wishes = {
        "phone_number": number, "prompt": prompt, "assistant_id": assistant_id, "first_sentence": first_sentence,
        "language": language, "scheduled_at": scheduled_at, "max_attempts": max_attempts,
        "skip_calling_window": skip_calling_window or None, "max_call_duration_s": max_call_duration_s,
        "from_phone_number": from_number, "concurrency_key": concurrency_key, "intent": intent,
        "voice_preferences": _present(voice_id=voice_id, provider=provider, accent=accent, gender=gender),
        "structured_output_schema": None if schema is None else _schema(schema),
        "prompt_variables": _pairs("--variable", variable), "metadata": _pairs("--metadata", metadata),
    }  # fmt: skip
    given = _present(**wishes)
    CallInput.parse(given)
    policy = DialPolicy(default_region=country, settle_s=settle_s)
    connection = _sandbox(speed) if sandbox else Connection.from_env()
    if not sandbox and not yes:
        if not screen.can_ask():
            raise usage_error("This would ring a real phone, and nobody is there to ask.", "Add --yes, or --sandbox.")
        with connection:
            confirmed = confirm_dial(given, connection, policy, screen)
        if not confirmed:
            hint("Nothing was dialed.")
            screen.answer({"error": Refused("Not confirmed.", code="rejected").as_dict()})
            return Exit.REFUSED
    if sandbox:
        screen.line("Sandbox: this rings nobody.", "dim")
    wait = wait_policy(max_wait_s, interval_s)
    with connection:
        return run_call(given, connection, screen, policy=policy, wait=wait, inline=inline, sandbox=sandbox)


def watch(
    call_id: Annotated[str, typer.Argument(help="Id of the call.")],
    max_wait_s: MaxWait = None,
    interval_s: Interval = None,
    as_json: AsJson = False,
) -> int:
    """Follow a call that exists until it has ended."""
    with Connection.from_env() as connection:
        return run_watch(call_id, connection, Screen(as_json=as_json), wait=wait_policy(max_wait_s, interval_s))


def recover(
    intent_id: Annotated[str, typer.Argument(help="The intent id from the error.")],
    number: Annotated[
        str, typer.Argument(help="The number that was called: +33142685300, or national with --country.")
    ],
    country: Country = None,
    settle_s: Settle = 15.0,
    as_json: AsJson = False,
) -> int:
    """Look for a call whose placing ended unknown. Never dials.

    Ends with exit code 0 if the call exists, and 6 if it does not show up.
    """
    from revox_langchain.actions.requests import RecoverCall, act

    screen = Screen(as_json=as_json)
    asked = RecoverCall.parse({"intent_id": intent_id, "phone_number": parse_phone(number, country).e164})
    guard = Guard(DialPolicy(settle_s=settle_s))
    with Connection.from_env() as connection:
        if screen.live:
            with screen.console.status(f"Looking for the call, for up to {settle_s:g} s …"):
                found = run(act(asked, guard), connection)
        else:
            found = run(act(asked, guard), connection)
    screen.answer(found)
    if not found["found"]:
        hint(
            f"No call with intent {intent_id} to {asked.phone_number} shows up: most likely it was not placed. "
            "If it is still wanted, place it again under a new --intent."
        )
        return Exit.UNKNOWN
    order = found["call"]
    if not as_json:
        screen.line(f"The call exists: {order['id']} is {order.get('status')}.", "bold green")
        screen.line(f"Follow it with: revox-langchain watch {order['id']}")
    return Exit.DONE


def demo(
    language: Annotated[str, typer.Option(help="Code or name of one of the languages voices speak.")] = "fr",
    speed: Speed = 5.0,
    as_json: AsJson = False,
) -> int:
    """Watch a call in the sandbox: no key, no phone, twelve seconds."""
    # Whatever key lies around, the demo must not be able to use it.
    for name in [name for name in os.environ if name.upper().startswith("REVOX_")]:
        del os.environ[name]
    from revox_langchain.cli.demo import SCRIPTS
    from revox_langchain.speech.language import language_name, parse_language

    spoken = parse_language(language)
    screen = Screen(as_json=as_json)
    pace = f", {speed:g} times as fast as life" if speed else ""
    screen.line(f"Sandbox: rings nobody. A call in {language_name(spoken.tag)}{pace}.", "bold")
    screen.line()
    return run_call(
        SCRIPTS[spoken.language].call(spoken.tag), _sandbox(speed), screen, policy=DialPolicy(),
        wait=wait_policy(None, 1.0 if speed and speed < 50 else None), sandbox=True,
    )  # fmt: skip


def wait_policy(max_wait_s: float | None, interval_s: float | None) -> WaitPolicy:
    """How patiently to watch, as the options say."""
    more = {} if max_wait_s is None else {"max_wait_s": max_wait_s}
    return WaitPolicy(**more) if interval_s is None else WaitPolicy.every(interval_s, **more)


def _sandbox(speed: float) -> Connection:
    from revox_langchain.sandbox import Sandbox

    return Sandbox(speed=speed or None).connect()


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != {}}


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise usage_error(f"{option} {text!r} is not of the form name=value.", f"Write {option} name=value.")
        pairs[name.strip()] = value
    return pairs


def _schema(given: str) -> dict[str, Any]:
    """Read a JSON schema from a file, or from the option itself."""
    text = given
    if not given.lstrip().startswith(("{", "[", '"')):
        try:
            text = Path(given).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            step = 'Give a file, or JSON such as {"properties": {"ok": {"type": "boolean"}}}.'
            raise usage_error(f"--schema {given!r} cannot be read: {why}.", step) from None
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise usage_error(f"--schema is not JSON: {error}.", "Correct it.") from None
    if not isinstance(schema, dict):
        step = 'Give the JSON schema of an object, such as {"properties": {"ok": {"type": "boolean"}}}.'
        raise usage_error("--schema is not a JSON object.", step)
    return schema
