"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import importlib
import json
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import usage_error
from revox_langchain.cli.screen import Screen
from revox_langchain.connection.connection import Connection
from revox_langchain.results.schema import schema_of
from revox_langchain.waiting.policy import WaitPolicy


def country_code(given: str | None) -> str | None:
    """Read a country as typed; `fr` counts as FR, and nothing as no country."""
    return (given or "").strip().upper() or None


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; everything else on stderr.")]


class Format(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


Output = Annotated[
    Format | None, typer.Option("--output", metavar="FORMAT", help="Write the list as table, json or markdown.")
]
Speed = Annotated[float, typer.Option(min=0, help="How many times faster than real time; 0 skips all waiting.")]
Interval = Annotated[
    float | None, typer.Option("--interval-s", min=0.05, help="Seconds between polls; adaptive by default.")
]
MaxWait = Annotated[
    float | None, typer.Option("--max-wait-s", min=0.1, help="Stop watching after this long; the call continues.")
]
Open = Annotated[bool, typer.Option("--open", help="Open the call's page in the browser at the end.")]
Settle = Annotated[float, typer.Option("--settle-s", min=0, help="Seconds a new order may take to appear in search.")]
SAID = "What is said"
"""Panel of the options about the words of a call."""

AssistantId = Annotated[
    str | None, typer.Option(help="An existing assistant, instead of a prompt.", rich_help_panel=SAID)
]
From = Annotated[str | None, typer.Option("--from", help="Caller ID: one of your own numbers.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Dial without asking.")]
InSandbox = Annotated[bool, typer.Option("--sandbox", help="Dial no real phone: use a sandbox in this process.")]
Country = Annotated[
    str | None, typer.Option(help="Country of a national number, two letters: FR, US.", callback=country_code)
]


def screen_of(output: Format | None, as_json: bool) -> Screen:
    """The screen for a list.

    Raises:
        InvalidInput: The two options contradict each other.
    """
    if as_json and output not in (None, Format.JSON):
        raise usage_error(f"--json does not go with --output {output}.", "Give one of them.")
    return Screen(as_json=as_json or output is Format.JSON, markdown=output is Format.MARKDOWN)


def wait_policy(max_wait_s: float | None, interval_s: float | None) -> WaitPolicy:
    """How long and how often to poll, as the options say."""
    more = {} if max_wait_s is None else {"max_wait_s": max_wait_s}
    return WaitPolicy(**more) if interval_s is None else WaitPolicy.every(interval_s, **more)


def account(*, sandbox: bool, speed: float = 0.0) -> Connection:
    """Connect to the account of REVOX_API_KEY, or to a new sandbox in this process."""
    if not sandbox:
        return Connection.from_env()
    from revox_langchain.sandbox import Sandbox

    return Sandbox(speed=speed or None).connect()


def pairs(option: typer.CallbackParam, given: list[str] | None) -> dict[str, str] | None:
    """Read `name=value` texts.

    Raises:
        InvalidInput: One of them has no name or no equals sign.
    """
    found: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            flag = option.opts[0]
            raise usage_error(f"{flag} {text!r} is not of the form name=value.", f"Write {flag} name=value.")
        found[name.strip()] = value
    return found or None


def json_schema(given: str | None) -> JsonObject | None:
    """Read a JSON schema from a file, from a pydantic model (`package.module:Model`), or from the option itself.

    Raises:
        InvalidInput: The file cannot be read, there is no JSON object in it, or there is no such model.
    """
    if given is None:
        return None
    if _MODEL.fullmatch(given) and not Path(given).exists():
        return schema_of(_model(*given.split(":")))
    text = given if given.lstrip().startswith(("{", "[", '"')) else _file(given)
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise usage_error(f"--schema is not valid JSON: {error}.", "Fix it.") from None
    if not isinstance(schema, dict):
        raise usage_error("--schema is not a JSON object.", f"Pass the schema of an object, {_EXAMPLE}.")
    return schema


Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        help="What to extract: a file with a JSON schema, package.module:Model, or the JSON itself.",
        rich_help_panel=SAID,
        metavar="SCHEMA",
        callback=json_schema,
    ),
]

_MODEL = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def _model(module: str, name: str) -> type[BaseModel]:
    # As `python -m` does: what lies in this folder can be named.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name)
    except AttributeError:
        raise usage_error(f"--schema: {module} has no {name}.", "Pass package.module:Model.") from None
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise usage_error(f"--schema: {module} cannot be imported: {why}.", "Pass package.module:Model.") from None
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise usage_error(f"--schema: {module}:{name} is not a pydantic model.", "Derive it from pydantic.BaseModel.")
    return found


_EXAMPLE = 'such as {"properties": {"ok": {"type": "boolean"}}}'


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise usage_error(f"--schema {path!r} cannot be read: {why}.", f"Pass a file, or JSON {_EXAMPLE}.") from None
