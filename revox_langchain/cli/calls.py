"""`calls`: the calls of the account, newest first, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import AsJson, Country, Interval, MaxWait, Output, account, screen_of
from revox_langchain.cli.screen import Screen, hint, write_json
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.search import Calls, search_all
from revox_langchain.errors import RateLimited, Unavailable
from revox_langchain.flow import run
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.phone import mask_phone, parse_phone
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import unix_s
from revox_langchain.results.wording import DISPOSITIONS

_COLUMNS = ("call_id", "status", "disposition", "phone_number", "created_at", "outcome")
_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EVERY_S = 5.0


def calls(
    status: Annotated[
        list[str] | None, typer.Option(help="Only with this status, such as completed. Repeat for several.")
    ] = None,
    number: Annotated[str | None, typer.Option(help="Only to this number.")] = None,
    country: Country = None,
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Only of this campaign.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only placed since: 2h, 3d, or a date as YYYY-MM-DD (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on, and show what changes.")] = False,
    interval_s: Interval = None,
    max_wait_s: MaxWait = None,
    show_numbers: Annotated[bool, typer.Option("--show-numbers", help="Write phone numbers whole.")] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> int:
    """List calls, newest first, and follow them. Never dials.

    With --follow each new or changed call is a line, oldest first; with --json a line of JSON.
    """
    screen = screen_of(output, as_json)
    filters = {
        "statuses": [word.strip().lower() for word in status or []],
        "campaign_ids": [campaign] if campaign else [],
        "to_phone_number": parse_phone(number, country).e164 if number else None,
    }
    wanted = GetCallHistory.parse(filters)
    with account(sandbox=False) as connection:
        now_s = connection.clock.now_s()
        search = _Search(connection, wanted, limit, None if since is None else _since_s(since, now_s), show_numbers)
        with screen.busy("Reading …"):
            found = search.rows()
        screen.sandbox = connection.sandbox
        if not follow:
            _show(found, screen, more=search.more)
            return Exit.DONE
        return _follow(search, found, screen, interval_s or _EVERY_S, max_wait_s)


class _Search:
    """Asks for the newest calls that are wanted.

    Attributes:
        more: Whether there are more than were asked for.
    """

    def __init__(
        self, connection: Connection, wanted: GetCallHistory, limit: int, since_s: float | None, show_numbers: bool
    ) -> None:
        self.connection = connection
        self.more = False
        self._wanted = wanted
        self._limit = limit
        self._since_s = since_s
        self._show_numbers = show_numbers

    def rows(self) -> list[JsonObject]:
        """The calls as a program reads them, newest first."""
        # One more than is shown tells whether there are more; the search lists the newest first.
        found = run(search_all(self._wanted, seen_enough=self._enough, sure=self._enough), self.connection)
        listed = [call for call in found.calls.values() if self._recent(call)]
        self.more = len(listed) > self._limit
        return [self._row(call) for call in listed[: self._limit]]

    def _enough(self, seen: Calls) -> bool:
        if len(seen) > self._limit:
            return True
        return bool(seen) and not self._recent(next(reversed(seen.values())))

    def _recent(self, call: JsonObject) -> bool:
        placed_s = unix_s(call.get("created_at"))
        return self._since_s is None or placed_s is None or placed_s >= self._since_s

    def _row(self, call: JsonObject) -> JsonObject:
        read = CallResult.from_call(call)
        number = read.phone_number
        return {
            "call_id": read.call_id,
            "status": read.status,
            "disposition": read.disposition if read.ended else None,
            "phone_number": number if number is None or self._show_numbers else mask_phone(number),
            "created_at": read.created_at,
            "outcome": read.outcome,
        }


def _show(found: list[JsonObject], screen: Screen, *, more: bool) -> None:
    screen.answer({"calls": found, "more": more})
    if screen.as_json:
        return
    if not found:
        hint("There is no such call.")
    _lines(found, screen)
    if more:
        hint(f"There are more than these {len(found)}; --limit shows them.")


def _lines(found: Iterable[JsonObject], screen: Screen, *, heading: bool = True) -> None:
    if screen.live and not screen.markdown:
        screen.entries(_COLUMNS, [_entry(row) for row in found])
    else:
        cells = [[str(row[column] or "-") for column in _COLUMNS] for row in found]
        screen.table(_COLUMNS, cells, heading=heading)


def _entry(row: JsonObject) -> tuple[str, str, str, str]:
    """A call as two lines that fit into 60 columns."""
    how = [row["status"], row["disposition"] and DISPOSITIONS.get(row["disposition"], row["disposition"])]
    words = [", ".join(str(word).replace("_", " ") for word in how if word), _minute(row["created_at"]), row["outcome"]]
    return str(row["call_id"]), "", str(row["phone_number"] or ""), " · ".join(str(word) for word in words if word)


def _minute(moment: str | None) -> str:
    at_s = unix_s(moment)
    return "" if at_s is None else f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"


def _follow(search: _Search, found: list[JsonObject], screen: Screen, every_s: float, max_wait_s: float | None) -> Exit:
    """Show what is there, and then each change."""
    clock, shown, heading = search.connection.clock, dict[str, JsonObject](), True
    begun_s = clock.now_s()
    while True:
        changed = [row for row in reversed(found) if shown.get(row["call_id"]) != row]
        shown.update({row["call_id"]: row for row in changed})
        if screen.as_json:
            for row in changed:
                write_json({**row, **({"sandbox": True} if screen.sandbox else {})}, whole=False)
        elif changed:
            _lines(changed, screen, heading=heading)
            heading = False
        if max_wait_s is not None and clock.now_s() - begun_s >= max_wait_s:
            return Exit.DONE
        clock.sleep(every_s)
        try:
            found = search.rows()
        except (Unavailable, RateLimited) as error:
            hint(f"{error.message} Trying again.")


def _since_s(given: str, now_s: float) -> float:
    """Read how long ago, or a moment, as seconds since the epoch.

    Raises:
        InvalidInput: It is neither.
    """
    if span := _SPAN.fullmatch(given.strip().lower()):
        return now_s - timedelta(**{_UNITS[span[2]]: int(span[1])}).total_seconds()
    try:
        moment = datetime.fromisoformat(given.strip())
    except ValueError:
        raise usage_error(f"--since {given!r} is not a time.", "Write 2h, 3d, or a date as YYYY-MM-DD.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
