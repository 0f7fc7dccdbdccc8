"""Measure what contacts cost: python -m benchmarks.campaign, or --quick.

A file of contacts from eight countries is read, checked, guarded, grouped and kept, each size in a process of its own.
Nothing rings, and nothing is sent.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from revox_langchain import DialPolicy, Guard, Refused
from revox_langchain.contacts import (
    ContactList,
    SqliteContacts,
    group_by_language,
    read_contacts,
    write_errors,
    write_results,
)

T = TypeVar("T")

SIZES = (10_000, 100_000)
QUICK = (200, 400)
MOST_S_FOR_10_000 = 5.0
MOST_BYTES = 3000
"""What is promised: seconds for 10,000 contacts read, checked, guarded and grouped, and memory for each contact."""

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


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size, print, and return 1 if it costs more than is promised."""
    options = _options(argv)
    if options.one is not None:
        print(json.dumps(measured(options.one)))
        return 0
    rows = [_in_a_process(size) for size in (QUICK if options.quick else SIZES)]
    print(json.dumps(rows) if options.json else table(rows))
    return int(not options.quick and any(map(too_much, rows)))


def too_much(row: dict[str, Any]) -> bool:
    """Whether a size costs more than is promised; time is to grow no faster than the rows."""
    most_s = MOST_S_FOR_10_000 * max(1.0, row["rows"] / 10_000)
    return max(row["total_s"], row["keep_s"]) > most_s or bool(row["bytes_per_row"] > MOST_BYTES)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The sizes as columns of text."""
    return "\n".join(name.ljust(16) + "".join(_cell(row[name]) for row in rows) for name in rows[0])


def _allowed(guard: Guard, number: str) -> bool:
    try:
        guard.check_number(number)
    except Refused:
        return False
    return True


def _cell(value: float) -> str:
    return (f"{value:,}" if isinstance(value, int) else f"{value:.3g}").rjust(12)


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
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", type=int, help="measure one size in this process")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
