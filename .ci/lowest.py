"""Print the package's lower bounds as pip constraints: `httpx>=0.27,<1` becomes `httpx==0.27`.

Usage: lowest.py EXTRA...
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def constraints(pyproject: Path, extras: list[str]) -> list[str]:
    """The lowest version of each dependency of the package and of the named extras."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    lowest = []
    for requirement in wanted:
        name, bound = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?\s*>=\s*([\w.]+)", requirement).groups()  # type: ignore[union-attr]
        lowest.append(f"{name}=={bound}")
    return lowest


if __name__ == "__main__":
    print("\n".join(constraints(Path(__file__).parents[1] / "pyproject.toml", sys.argv[1:])))
