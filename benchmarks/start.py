"""Measure how soon a program can begin: python -m benchmarks.start, or --quick.

Each line of code runs in processes of its own, in turn with the others, so that all meet the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from benchmarks.rows import as_columns

PACKAGES = ("revox-langchain", "revox", "langchain-core", "langgraph")
MOST_OF_THE_SDK = 1.0
MOST_S_FOR_HELP = 0.4
"""What is promised: the package begins no later than the SDK alone, and the help is there soon."""

_CLI = "from revox_langchain.__main__ import main; import sys; sys.argv = ['revox-langchain', '--help']; main()"
_CONNECTION = "from revox_langchain import Connection; any = Connection('sk_any')"
STARTS: dict[str, str] = {
    "python": "pass",
    "package": "import revox_langchain",
    "SDK": "import revox",
    "toolkit": f"{_CONNECTION}; from revox_langchain import RevoxToolkit as Kit; Kit(connection=any).get_tools()",
    "langchain-core's tools": "from langchain_core.tools import StructuredTool",
    "graph": f"{_CONNECTION}; from revox_langchain.graph import call_graph; call_graph(any)",
    "langgraph": "from langgraph.graph import StateGraph",
    "--help": _CLI,
}


def times(starts: Mapping[str, str], runs: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds on the clock and of the processor, for each start and run."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for run in range(runs + 1):
        for name, code in starts.items():
            measured = _started(code)
            # The first time reads files from the disk and compiles them.
            if run:
                taken[name].append(measured)
    return taken


def rows(taken: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, dict[str, float]]:
    """The median of each start, how far its runs lie apart, and the median beside the SDK's."""
    medians = {name: statistics.median(wall for wall, _ in each) for name, each in taken.items()}
    return {
        name: {
            "s": medians[name],
            "spread_s": max(wall for wall, _ in each) - min(wall for wall, _ in each),
            "cpu_s": statistics.median(cpu for _, cpu in each),
            "of the SDK's": medians[name] / medians["SDK"],
        }
        for name, each in taken.items()
    }


def kept(shown: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether what is promised holds."""
    return shown["package"]["of the SDK's"] <= MOST_OF_THE_SDK and shown["--help"]["s"] <= MOST_S_FOR_HELP


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if it takes longer than is promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="how often each is started")
    parser.add_argument("--quick", action="store_true", help="twice each, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    shown = rows(times(STARTS, 2 if options.quick else options.runs))
    made_by: dict[str, Any] = {name: version(name) for name in PACKAGES}
    print(json.dumps({**made_by, "rows": shown}) if options.json else as_columns(shown))
    return int(not options.quick and not kept(shown))


def _started(code: str) -> tuple[float, float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVOX_")}
    before, begun_s = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, check=True)
    wall_s, after = time.perf_counter() - begun_s, os.times()
    spent = (after.children_user - before.children_user, after.children_system - before.children_system)
    return wall_s, sum(spent)


if __name__ == "__main__":
    raise SystemExit(main())
