"""Write the README's table "What happens when …" from the table that the tests of faults and crashes run.

python scripts/generate_fault_table.py            writes README.md
python scripts/generate_fault_table.py --check    changes nothing, and fails if the table is stale
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_MARKERS = re.compile(r"(<!-- faults:start -->\n).*?(<!-- faults:end -->)", re.DOTALL)


def render() -> str:
    """The table in Markdown."""
    head = ("What happens", "What you see", "Orders")
    lines = [head, tuple("---" for _ in head), *((row.what, row.sees, row.orders) for row in _rows().values())]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def main(arguments: list[str]) -> int:
    """Write or check README.md; return the exit code."""
    there = README.read_text(encoding="utf-8")
    fresh, found = _MARKERS.subn(lambda match: f"{match[1]}{render()}\n{match[2]}", there)
    if found != 1:
        print(f"README.md must have the markers of the table once, and has them {found} times.", file=sys.stderr)
        return 1
    if there == fresh:
        return 0
    if "--check" in arguments:
        print("README.md is stale: run scripts/generate_fault_table.py.", file=sys.stderr)
        return 1
    README.write_text(fresh, encoding="utf-8")
    print("README.md was written anew.")
    return 0


def _rows() -> dict[str, Any]:
    name = "crash_table"
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "crash" / "table.py")
    assert spec is not None
    assert spec.loader is not None
    # Dataclasses look their module up by name while it is loaded.
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows: dict[str, Any] = module.ROWS
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
