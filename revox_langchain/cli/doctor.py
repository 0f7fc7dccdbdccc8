"""`doctor`: check an installation and an account, and say what is wrong and how to fix it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from itertools import chain
from typing import Literal
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.table import Table
from rich.text import Text

from revox_langchain.cli.exits import Exit, exit_of_error
from revox_langchain.cli.options import AsJson
from revox_langchain.cli.screen import Screen, plain
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.search import attempts_of, counts_attempts
from revox_langchain.errors import AuthError, RevoxToolError
from revox_langchain.flow import run
from revox_langchain.operations.account import AuthStatus, GetUser
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.operations.voices import ListVoices
from revox_langchain.speech.names import LANGUAGE_NAMES

Level = Literal["ok", "warn", "fail", "skip"]

PACKAGES = ("revox", "pydantic", "httpx", "langchain-core", "langgraph", "langchain", "langchain-mcp-adapters", "mcp")
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What.
        level: `skip` if something else has to be fixed first.
        said: What was found.
        fix: What to do about it.
        exit_code: What the command ends with if this fails.
    """

    name: str
    level: Level
    said: str
    fix: str = ""
    exit_code: Exit = Exit.DONE


def doctor(as_json: AsJson = False) -> int:
    """Check the installation, key and account; say what to fix and how."""
    screen = Screen(as_json=as_json)
    checks: list[Check] = []
    for check in chain(_installation(), _settings(), _account(screen)):
        checks.append(check)
        if not screen.as_json:
            _show(check, screen)
    worst = next((check.exit_code for check in checks if check.level == "fail"), Exit.DONE)
    screen.answer({"ok": worst is Exit.DONE, "checks": [{**asdict(c), "exit_code": int(c.exit_code)} for c in checks]})
    if not screen.as_json:
        warned = sum(check.level == "warn" for check in checks)
        failed = sum(check.level == "fail" for check in checks)
        ready = "Ready to call, in a sandbox: no real phone rings." if screen.sandbox else "Ready to call."
        screen.line()
        screen.line(*((f"{failed} to fix.", "bold red") if failed else (ready, "bold green")))
        if warned:
            screen.line(f"{warned} to check.", "yellow")
    return worst


def _installation() -> Iterator[Check]:
    python = platform.python_version()
    needs = SpecifierSet(metadata("revox-langchain")["Requires-Python"] or "")
    if needs.contains(python, prereleases=True):
        yield Check("Python", "ok", python)
    else:
        yield Check("Python", "warn", python, f"Use Python {needs}.")
    wanted = _wanted()
    yield Check("revox-langchain", "ok", version("revox-langchain"))
    for name in PACKAGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            extra = " (only agents need it)" if name == "langchain" else ""
            level: Level = "skip" if name == "langchain" else "warn"
            yield Check(name, level, f"not installed{extra}", f"pip install '{wanted.get(name, name)}'")
            continue
        if name in wanted and not wanted[name].specifier.contains(found, prereleases=True):
            fix = f"pip install '{name}{wanted[name].specifier}'"
            yield Check(name, "warn", f"{found}, untested here", fix)
        else:
            yield Check(name, "ok", found)


def _settings() -> Iterator[Check]:
    key = os.environ.get("REVOX_API_KEY", "")
    if not key.strip():
        fix = "Set REVOX_API_KEY to a key from the Revox dashboard (API Keys); the sandbox needs none."
        yield Check("API key", "fail", "REVOX_API_KEY is not set", fix, Exit.AUTH)
    elif key != key.strip() or key.strip("'\"") != key:
        yield Check("API key", "warn", "REVOX_API_KEY has spaces or quotes around it", "Set it without them.")
    else:
        yield Check("API key", "ok", "REVOX_API_KEY is set (not shown)")
    base_url = os.environ.get("REVOX_BASE_URL", "")
    if not base_url:
        yield Check("Base URL", "ok", "Revox's own")
        return
    parts = urlsplit(base_url)
    shown = f"{parts.scheme}://{parts.hostname or ''}{_port(base_url)}{parts.path} (REVOX_BASE_URL)"
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.path.rstrip("/").endswith("/api"):
        yield Check("Base URL", "warn", shown, "Revox's ends in /api; add it, unless a proxy of yours adds it.")
    elif parts.scheme != "https" and not local:
        yield Check("Base URL", "warn", shown, "Use https: the key travels with every request.")
    else:
        yield Check("Base URL", "ok", shown)


def _account(screen: Screen) -> Iterator[Check]:
    """Ask the account; without a key, only whether Revox answers."""
    has_key = bool(os.environ.get("REVOX_API_KEY", "").strip())
    later = ("Organisation", "Own numbers", "Voices", "Search")
    try:
        key = os.environ["REVOX_API_KEY"] if has_key else "no-key"
        base_url = os.environ.get("REVOX_BASE_URL") or None
        with Connection(key, base_url=base_url, timeout_s=15.0, read_retries=0) as connection:
            try:
                connection.send(AuthStatus())
            except AuthError as error:
                yield _reached(connection, screen)
                if has_key:
                    yield Check("Key accepted", "fail", error.message, error.next_step, Exit.AUTH)
                yield from _skipped(later)
                return
            yield _reached(connection, screen)
            if not has_key:
                yield from _skipped(later)
                return
            yield Check("Key accepted", "ok", "yes")
            yield from _asked(connection)
    except RevoxToolError as error:
        yield Check("Reachable", "fail", error.message, error.next_step, exit_of_error(error.as_dict()))
        yield from _skipped(later)


def _reached(connection: Connection, screen: Screen) -> Check:
    screen.sandbox = connection.sandbox
    return Check("Reachable", "ok", "a sandbox answers: no real phone rings" if screen.sandbox else "it answers")


def _asked(connection: Connection) -> Iterator[Check]:
    for name, ask in (("Organisation", _country), ("Own numbers", _numbers), ("Voices", _voices), ("Search", _search)):
        try:
            yield ask(connection)
        except RevoxToolError as error:
            yield Check(name, "fail", error.message, error.next_step, exit_of_error(error.as_dict()))


def _country(connection: Connection) -> Check:
    country = connection.send(GetUser())["user"].get("organization_country")
    if country:
        return Check("Organisation", "ok", f"country {country}: national numbers are read as numbers of this country")
    return Check("Organisation", "warn", "no country", "Write numbers with +, or give --country.")


def _numbers(connection: Connection) -> Check:
    own = connection.send(ListPhoneNumbers())["phone_numbers"]
    if not own:
        return Check(
            "Own numbers", "warn", "none", "Get one in the Revox dashboard if calls need a caller ID of your own."
        )
    shown = ", ".join(str(number.get("phone_number")) for number in own[:4])
    more = f" and {len(own) - 4} more" if len(own) > 4 else ""
    return Check("Own numbers", "ok", shown + more)


def _voices(connection: Connection) -> Check:
    voices = connection.send(ListVoices())["voices"]
    spoken = {str(voice.get("language")).replace("_", "-").split("-")[0].lower() for voice in voices}
    missing = [code for code in LANGUAGE_NAMES if code not in spoken]
    if missing:
        return Check("Voices", "warn", f"{len(voices)}, none for {', '.join(missing)}", "Clone a voice that speaks it.")
    return Check("Voices", "ok", f"{len(voices)} in {len(spoken)} languages")


def _search(connection: Connection) -> Check:
    """Find out what a search counts, which Revox does not say."""
    calls = connection.send(GetCallHistory(page_size=100))["calls"]
    dialed_twice = next((c for c in calls if isinstance(c, dict) and c.get("id") and attempts_of(c) > 1), None)
    if dialed_twice is None:
        return Check("Search", "skip", "no call was dialed twice yet, so what total_count counts cannot be told")
    counts = run(counts_attempts(dialed_twice), connection)
    if counts is None:
        return Check("Search", "warn", "total_count counts neither calls nor attempts", "Dials may be refused.")
    return Check("Search", "ok", f"total_count counts {'attempts' if counts else 'calls'}")


def _skipped(names: tuple[str, ...]) -> Iterator[Check]:
    for name in names:
        yield Check(name, "skip", "not checked")


def _show(check: Check, screen: Screen) -> None:
    if not screen.live:
        screen.line(
            f"{check.level:<5} {check.name:<23} {plain(check.said)}" + (f" -> {check.fix}" if check.fix else "")
        )
        return
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(width=4, style=_STYLES[check.level])
    row.add_column(width=22, style="bold")
    row.add_column(overflow="fold")
    row.add_row(check.level, check.name, Text(plain(check.said)))
    if check.fix:
        row.add_row("", "", Text(plain(check.fix), style="yellow"))
    screen.console.print(row)


def _wanted() -> dict[str, Requirement]:
    """What this package requires of others, by name."""
    found: dict[str, Requirement] = {}
    for text in requires("revox-langchain") or []:
        requirement = Requirement(text)
        found.setdefault(requirement.name, requirement)
    return found


def _port(url: str) -> str:
    try:
        port = urlsplit(url).port
    except ValueError:
        return ""
    return f":{port}" if port else ""
