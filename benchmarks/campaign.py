"""Measure what contacts cost: python -m benchmarks.campaign, or --quick; with --watching, what watching them does.

A file of contacts from eight countries is read, checked, guarded, grouped and kept, each size in a process of its own.
Or a campaign of a sandbox's is watched until its last call has ended, and its requests are counted: with a search
that sorts by the time of a change, with one that ignores the wish, and with one that shows last what has just ended.
No phone rings.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from revox_langchain import DialPolicy, Guard, Refused
from revox_langchain.contacts import (
    Change,
    ContactList,
    SqliteContacts,
    group_by_language,
    read_contacts,
    write_errors,
    write_results,
)
from revox_langchain.flow import run
from revox_langchain.graph.campaign.progress import LAUNCHED
from revox_langchain.graph.campaign.watch import Launched, watch
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.campaigns import Contact, CreateCampaign, LaunchCampaign
from revox_langchain.sandbox import Sandbox, Switches

T = TypeVar("T")

SIZES = (10_000, 100_000)
QUICK = (200, 400)
MOST_S_FOR_10_000 = 5.0
MOST_BYTES = 3000
"""What is promised: seconds for 10,000 contacts read, checked, guarded and grouped, and memory for each contact."""

WATCHED = 10_000
QUICK_WATCHED = 300
AT_ONE_TIME = 100
"""How many contacts are watched, and how many of them are called at one time."""

HEADER = ("customer id", "Téléphone", "language", "name", "city", "amount")
_COUNTRIES = (
    ("+336", 8, "fr", "Zoë Lefèvre"),
    ("+4915", 9, "German", "Jürgen Groß"),
    ("+1202555", 4, "en-US", "Pat Doe"),
    ("+447", 9, "", "Sam Jones"),
    ("+346", 8, "español", "Íñigo Núñez"),
    ("+8613", 9, "中文", "王伟"),
    ("+7916", 7, "русский", "Ольга Смирнова"),
    ("+5511", 9, "pt_BR.UTF-8", "João"),
)


def file_of(count: int, seed: int = 0) -> bytes:
    """A CSV file of contacts; some of its numbers are in no service, and some come twice."""
    draw = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for place in range(count):
        start, digits, language, name = draw.choice(_COUNTRIES)
        number = start + "".join(draw.choices("0123456789", k=digits))
        writer.writerow((f"K-{place}", number, language, f"{name} {place}", "Paris", draw.randrange(1000)))
    return text.getvalue().encode()


def measured(count: int) -> dict[str, Any]:
    """Take every step with a file of so many rows, and say what each cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        path.write_bytes(file_of(count))
        warm_up()
        before = _peak_bytes()
        contacts, read_s = _timed(lambda: read_contacts(path))
        memory = _peak_bytes() - before
        _, guard_s = _timed(lambda: guarded(contacts))
        grouped, group_s = _timed(lambda: group_by_language(contacts.contacts, language="en"))
        found = {"rows": len(contacts.rows), "contacts": len(contacts.contacts), "languages": len(grouped.groups)}
        found |= {"read_s": read_s, "guard_s": guard_s, "group_s": group_s, "total_s": read_s + guard_s + group_s}
        found["bytes_per_row"] = round(memory / count)
        with SqliteContacts(Path(folder) / "contacts.db") as store:
            _, found["keep_s"] = _timed(lambda: store.add("benchmark", contacts.columns, contacts.rows))
        _, found["errors_s"] = _timed(lambda: write_errors(contacts, Path(folder) / "errors.csv"))
        results = {str(row.key): {"outcome": "completed"} for row in contacts.contacts}
        target = Path(folder) / "results.csv"
        _, found["results_s"] = _timed(
            lambda: write_results(target, contacts.columns, contacts.rows, results, ["outcome"])
        )
        return found


def warm_up() -> None:
    """Load what is loaded once per process: the numbering plans of the countries, and the names of languages."""
    group_by_language(read_contacts(file_of(200, seed=1)).contacts, language="en")


def guarded(contacts: ContactList) -> int:
    """Check every contact against what needs no request; return how many may be called."""
    guard = Guard(DialPolicy())
    return sum(_allowed(guard, row.phone.e164) for row in contacts.contacts if row.phone)


def watched(count: int, search: Literal["sorts", "ignores", "reverses"] = "sorts") -> dict[str, Any]:
    """Watch a campaign to its end, and count what that cost, given what the search does with the wish to sort."""
    numbers = [f"+3319900{place:04}" for place in range(count)]
    sandbox = Sandbox(switches=Switches(organization_limit=10 * count, ignore_sort_by=search == "ignores"))
    answers = reversing(sandbox) if search == "reverses" else sandbox
    connection = sandbox.connect(transport=httpx.MockTransport(answers))
    with tempfile.TemporaryDirectory() as folder, SqliteContacts(Path(folder) / "contacts.db") as store:
        contacts = read_contacts([{"phone": number} for number in numbers])
        store.add("benchmark", contacts.columns, contacts.rows)
        store.record("benchmark", [Change(row.mark, LAUNCHED) for row in contacts.contacts])
        assistant = connection.send(CreateAssistant(name="Benchmark", prompt="Say hello."))["assistant"]
        people = [Contact(to_phone_number=number) for number in numbers]
        wanted = CreateCampaign(
            assistant_id=assistant["id"], name="Benchmark", contacts=people, max_concurrent_calls=AT_ONE_TIME
        )
        campaign_id = connection.send(wanted)["campaign"]["id"]
        connection.send(LaunchCampaign(campaign_id=campaign_id))
        sandbox.requests.clear()
        begun_s = sandbox.clock.now_s()
        done = run(watch([Launched(campaign_id, "en")], store, "benchmark"), connection)
        lasted_s = sandbox.clock.now_s() - begun_s
    requests = len(sandbox.requests)
    found = {"contacts": count, "ended": done.tally.ended, "minutes": round(lasted_s / 60, 1), "requests": requests}
    return found | {"requests_per_contact": requests / count, "promised": promised(count, lasted_s)}


def promised(count: int, lasted_s: float) -> int:
    """How many requests watching may take: one per 100 contacts that ended, and one a minute; a tenth for the rest."""
    return math.ceil(1.1 * (count / 100 + lasted_s / 60 + 2))


def reversing(sandbox: Sandbox) -> Callable[[httpx.Request], httpx.Response]:
    """A Revox whose searches show first what changed longest ago."""

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/call/search"):
            return sandbox(request)
        body = {**json.loads(request.content), "sort_direction": "asc"}
        headers = {"Authorization": request.headers["Authorization"]}
        return sandbox(httpx.Request("POST", request.url, json=body, headers=headers))

    return answer


def watchings(count: int) -> dict[str, dict[str, Any]]:
    """What watching costs, by what the search does with the wish to sort."""
    return {"sorts": watched(count), "ignores": watched(count, "ignores"), "reverses": watched(count, "reverses")}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size, print, and return 1 if it costs more than is promised."""
    options = _options(argv)
    if options.one is not None:
        print(json.dumps(measured(options.one)))
        return 0
    if options.watching:
        costs = watchings(QUICK_WATCHED if options.quick else WATCHED)
        print(
            json.dumps({"rows": costs})
            if options.json
            else table([{"search": name, **costs[name]} for name in costs], 22)
        )
        return int(costs["sorts"]["requests"] > costs["sorts"]["promised"])
    rows = [_in_a_process(size) for size in (QUICK if options.quick else SIZES)]
    print(json.dumps(rows) if options.json else table(rows))
    return int(not options.quick and any(map(too_much, rows)))


def too_much(row: dict[str, Any]) -> bool:
    """Whether a size costs more than is promised; time is to grow no faster than the rows."""
    most_s = MOST_S_FOR_10_000 * max(1.0, row["rows"] / 10_000)
    return max(row["total_s"], row["keep_s"]) > most_s or bool(row["bytes_per_row"] > MOST_BYTES)


def table(rows: Sequence[dict[str, Any]], width: int = 16) -> str:
    """The sizes as columns of text."""
    return "\n".join(name.ljust(width) + "".join(_cell(row[name]) for row in rows) for name in rows[0])


def _allowed(guard: Guard, number: str) -> bool:
    try:
        guard.check_number(number)
    except Refused:
        return False
    return True


def _cell(value: float | str) -> str:
    return (
        value.rjust(12)
        if isinstance(value, str)
        else (f"{value:,}" if isinstance(value, int) else f"{value:.3g}").rjust(12)
    )


def _timed(step: Callable[[], T]) -> tuple[T, float]:
    begun = time.process_time()
    return step(), time.process_time() - begun


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _in_a_process(size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.campaign", "--one", str(size)]
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few hundred contacts, to see that it runs")
    parser.add_argument("--watching", action="store_true", help="count what watching a campaign asks for, instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", type=int, help="measure one size in this process")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
