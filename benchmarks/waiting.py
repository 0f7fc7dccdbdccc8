"""Compare ways to wait for many calls: python -m benchmarks.waiting, or --quick.

Nothing rings: a toy Revox on this machine answers. `benchmarks/README.md` says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from benchmarks.schemes import SCHEMES
from benchmarks.toy_revox import serving

PACKAGES = ("revox-langchain", "revox", "httpx", "langgraph", "langgraph-checkpoint-sqlite")
QUICK = {"calls": 40, "interval_s": 0.5, "minutes": 0.05}
"""Enough to see that everything works; its figures say nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each scheme, print, and return 1 if an end was not noticed."""
    options = _options(argv)
    made_by = {"machine": _machine(), "python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    report: dict[str, Any] = {**made_by, "calls": options.calls, "interval_s": options.interval_s}
    report |= {"minutes": options.minutes, "seed": options.seed}
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in report.items()))
    with serving(*_shared(options)) as url:
        rows = {name: row(cost(name, url, options)) for name in options.schemes}
    for measured in rows.values():
        measured |= ratios(measured, rows.get("sdk"))
    report["schemes"] = rows
    print(json.dumps(report) if options.json else table(rows))
    return int(any(measured["missed"] for measured in rows.values()))


def cost(scheme: str, url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one scheme in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.schemes", scheme, "--url", url, *_shared(options)]
    command += ["--interval-s", str(options.interval_s), "--minutes", str(options.minutes)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(ran.stdout)
    return measured


def row(cost: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a cost."""
    latencies = cost["latencies_s"]
    shown = {name: cost[name] for name in ("requests", "bytes", "cpu_s", "peak_rss_mb", "ended", "missed")}
    shown |= {"p50_s": _quantile(latencies, 0.5), "p95_s": _quantile(latencies, 0.95)}
    return {**shown, "bytes / floor": _ratio(cost["bytes"], cost["floor_bytes"]), **cost["extra"]}


def ratios(row: Mapping[str, Any], sdk: Mapping[str, Any] | None) -> dict[str, float | None]:
    """How many times cheaper than a loop of the SDK per call."""
    # A parked thread was measured in another time, and has nothing to notice.
    if sdk is None or row["p50_s"] is None:
        return {}
    return {f"{name}, times less": _ratio(sdk[name], row[name]) for name in ("requests", "bytes", "cpu_s")}


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The rows as columns of text."""
    names = list(dict.fromkeys(name for each in rows.values() for name in each))
    lines = [" " * 26 + "".join(scheme.rjust(15) for scheme in rows)]
    return "\n".join(
        [*lines, *(name.ljust(26) + "".join(_cell(row.get(name)) for row in rows.values()) for name in names)]
    )


def _cell(value: float | None) -> str:
    return ("-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3g}").rjust(15)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _ratio(of: float, to: float) -> float | None:
    return of / to if to else None


def _shared(options: argparse.Namespace) -> list[str]:
    return ["--calls", str(options.calls), "--seed", str(options.seed)]


def _machine() -> str:
    return f"{platform.system()} {platform.machine()} with {os.cpu_count()} CPUs"


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=1000, help="how many to wait for; one in five ends per six intervals"
    )
    parser.add_argument("--interval-s", type=float, default=10.0, help="seconds between two looks")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long each scheme runs")
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES), metavar="SCHEME")
    parser.add_argument("--seed", type=int, default=0, help="of when each call ends")
    parser.add_argument("--quick", action="store_true", help="a few calls and seconds, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        vars(options).update(QUICK)
    return options


if __name__ == "__main__":
    raise SystemExit(main())
