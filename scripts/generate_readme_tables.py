"""Write the parts of README.md that are read off the code: the picture of the graph and the tables.

python -m scripts.generate_readme_tables            writes README.md
python -m scripts.generate_readme_tables --check    changes nothing, and fails if something is stale
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from langchain_core.runnables.graph import NodeStyles

from revox_langchain.actions.requests import REQUESTS
from revox_langchain.cli import exits
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import STORIES, Sandbox
from tests.graph.crash.table import ROWS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

# Colours of their own for text and lines, since GitHub also shows the picture on black.
_COLOURS = NodeStyles(
    default="fill:#f2f0ff,stroke:#7c6fd6,color:#1f1f2e",
    first="fill:#ffffff,stroke:#7c6fd6,color:#1f1f2e",
    last="fill:#bfb6fc,stroke:#7c6fd6,color:#1f1f2e",
)


def graph() -> str:
    """The call graph as GitHub draws it."""
    drawn = call_graph(Sandbox().connect()).get_graph().draw_mermaid(node_colors=_COLOURS)
    plain = drawn.replace("&nbsp;", "").replace("<p>__start__</p>", "start").replace("<p>__end__</p>", "end")
    return f"```mermaid\n{plain.strip()}\n```"


def tools() -> str:
    """All tools: what they are called, how dangerous they are, where they go, what they do."""
    rows = []
    for request in REQUESTS:
        spec = request.spec
        route = f"`{spec.verb} {spec.path}`" if spec.verb else "several requests"
        rows.append((f"`{spec.name}`", spec.risk.name, route, spec.title))
    return _table(("tool", "risk", "route", "what it does"), rows)


def numbers() -> str:
    """Who picks up in the sandbox."""
    return _table(("dial", "and this happens"), ((f"`{number}`", story.what) for number, story in STORIES.items()))


def exit_codes() -> str:
    """How the command line ends, read off the docstrings of the enum's members."""
    body = ast.parse(inspect.getsource(exits.Exit)).body[0]
    assert isinstance(body, ast.ClassDef)
    rows: list[tuple[str, str]] = []
    for member, doc in zip(body.body, body.body[1:], strict=False):
        match member, doc:
            case ast.Assign(value=ast.Constant(value=code)), ast.Expr(value=ast.Constant(value=str(words))):
                rows.append((f"`{code!r}`", words))
    return _table(("code", "what it means"), rows)


def faults() -> str:
    """What happens when something goes wrong, from the table the tests of faults and crashes run."""
    return _table(
        ("What happens", "What you see", "Orders"), ((row.what, row.sees, row.orders) for row in ROWS.values())
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "graph": graph,
    "tools": tools,
    "numbers": numbers,
    "exit-codes": exit_codes,
    "faults": faults,
}
"""What stands between `<!-- NAME:start -->` and `<!-- NAME:end -->`."""


def filled(readme: str) -> str:
    """The README with every generated part written anew."""
    for name, section in SECTIONS.items():
        text = section()
        markers = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        readme, found = markers.subn(lambda match, text=text: f"{match[1]}{text}\n{match[2]}", readme)  # type: ignore[misc]
        if found != 1:
            raise SystemExit(f"README.md must have the markers of {name!r} once, and has them {found} times.")
    return readme


def main(arguments: list[str]) -> int:
    """Write or check README.md; return the exit code."""
    there = README.read_text(encoding="utf-8")
    fresh = filled(there)
    if there == fresh:
        return 0
    if "--check" in arguments:
        print("README.md is stale: run `make docs`.", file=sys.stderr)
        return 1
    README.write_text(fresh, encoding="utf-8")
    print("README.md was written anew.")
    return 0


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
