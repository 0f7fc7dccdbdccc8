"""Run the benchmarks and write what they measure to benchmarks/RESULTS.md: python -m benchmarks.collect.

Each section stands with the command, the machine, the versions and the time it was measured at; `--only NAME` measures
one anew and leaves the others. What a benchmark needs and is not installed leaves it out, with a word.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
FIGURES = FOLDER / "results.json"
"""The figures of every run, from which the page is written."""

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """One benchmark on the page.

    Attributes:
        title: What it answers.
        command: What follows `python -m`; `--json` is added.
        runs: How often it is run; of more runs the median and the spread are shown.
    """

    title: str
    command: str
    runs: int = 1


SECTIONS: dict[str, Section] = {
    "placing": Section("How often does a phone ring for one intent?", "benchmarks.placing"),
    "tokens": Section("How many tokens does a model read?", "benchmarks.tokens"),
    "overhead": Section("What does our own code add to a request and to a call?", "benchmarks.overhead", 3),
    "start": Section("How soon can a program begin?", "benchmarks.start"),
    "checkpoints": Section("What does an hour of waiting write?", "benchmarks.checkpoints"),
    "waiting-100": Section("What does waiting for 100 calls cost?", "benchmarks.waiting --calls 100 --minutes 2"),
    "waiting-1000": Section(
        "What does waiting for 1,000 calls cost?",
        "benchmarks.waiting --calls 1000 --schemes sdk watcher webhooks graphs-sqlite parked-swept",
    ),
    "waiting-5000": Section(
        "What does waiting for 5,000 calls cost?",
        "benchmarks.waiting --calls 5000 --minutes 2 --schemes sdk watcher webhooks",
    ),
    "campaign": Section("What do contacts of a campaign cost?", "benchmarks.campaign"),
    "campaign-watching": Section("What does watching a campaign ask for?", "benchmarks.campaign --watching"),
    "webhooks": Section("How soon do webhooks answer?", "benchmarks.webhooks", 3),
    "first_token": Section("How soon is the first word heard?", "benchmarks.first_token", 3),
    "detectors": Section("How well do libraries tell the language of prompts?", "benchmarks.detectors"),
}


def measured(section: Section, quick: bool = False) -> dict[str, Any]:
    """Run a benchmark as often as its section says.

    Raises:
        RuntimeError: It printed no figures; the message has the last line of what it said.
    """
    command = [sys.executable, "-m", *section.command.split(), *(["--quick"] if quick else []), "--json"]
    reports = []
    for _ in range(1 if quick else section.runs):
        # A benchmark whose promise is not kept ends with 1 and prints its figures all the same.
        ran = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent)
        if not ran.stdout.strip():
            raise RuntimeError((ran.stderr.strip().splitlines() or ["it said nothing"])[-1])
        reports.append(json.loads(ran.stdout.strip().splitlines()[-1]))
    cores = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return {
        "machine": f"{cores}, Python {platform.python_version()}",
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "versions": {name: value for name, value in _head(reports[0]) if value},
        "runs": [rows_of(report) for report in reports],
    }


def rows_of(report: Any) -> Rows:
    """The rows of a benchmark's JSON, whatever it calls them."""
    if isinstance(report, list):
        return {f"{each['rows']:,} rows": each for each in report}
    return dict(report.get("rows") or report["schemes"])


def page(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The page of results."""
    lines = [
        "# Results",
        "",
        "Written by `make bench`; `benchmarks/README.md` says what each row means. Absolute times drift with the",
        "machine: compare the rows of one table. Of more runs the median stands with the spread.",
    ]
    for name, section in SECTIONS.items():
        if name in figures:
            lines += ["", f"## {section.title}", "", *_section(section, figures[name])]
    return "\n".join(lines) + "\n"


def cell(values: Sequence[Any]) -> str:
    """What is shown of the figures of some runs."""
    known = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not known:
        return {True: "yes", False: "no", None: "–"}.get(values[0], str(values[0]))
    middle = statistics.median(known)
    shown = f"{middle:,}" if all(isinstance(value, int) for value in known) else f"{middle:,.3g}"
    if max(abs(value) for value in known) >= 1000 and not shown.replace(",", "").isdigit():
        shown = f"{middle:,.0f}"
    return shown if len(known) < 2 else f"{shown} ({min(known):,.3g} to {max(known):,.3g})"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the page, and return 1 if something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collect", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="NAME")
    parser.add_argument("--page", action="store_true", help="only write the page anew from benchmarks/results.json")
    options = parser.parse_args(argv)
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    missing = 0
    for name in [] if options.page else options.only:
        print(f"{name}: python -m {SECTIONS[name].command}", flush=True)
        try:
            figures[name] = measured(SECTIONS[name])
        except RuntimeError as error:
            missing, _ = missing + 1, print(f"  left out: {error}")
            continue
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    RESULTS.write_text(page(figures), "utf-8")
    return int(missing > 0)


def _head(report: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(report, dict):
        for name, value in report.items():
            if name not in ("rows", "schemes", "machine", "python") and not isinstance(value, (dict, list)):
                yield name, value


def _section(section: Section, found: Mapping[str, Any]) -> Iterator[str]:
    runs: list[Rows] = found["runs"]
    made_by = "".join(f", {name} {value}" for name, value in found["versions"].items())
    times = f", {len(runs)} runs" if len(runs) > 1 else ""
    yield f"`python -m {section.command}`{times}. {found['at']}, {found['machine']}{made_by}."
    yield ""
    columns = list(dict.fromkeys(name for row in runs[0].values() for name in row))
    yield "| | " + " | ".join(columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    for name in runs[0]:
        cells = ([run[name].get(column) for run in runs if name in run] for column in columns)
        yield f"| {name} | " + " | ".join(map(cell, cells)) + " |"


if __name__ == "__main__":
    raise SystemExit(main())
