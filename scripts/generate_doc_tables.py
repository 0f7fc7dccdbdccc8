"""Write the tables in the pages of `docs` that are read off the code.

python -m scripts.generate_doc_tables            writes the pages
python -m scripts.generate_doc_tables --check    changes nothing, and fails if something is stale
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

from revox_langchain.actions.requests import REQUESTS
from revox_langchain.cli import exits
from revox_langchain.sandbox import STORIES, Fault, Switches
from tests.graph.crash.table import ROWS

DOCS = Path(__file__).parents[1] / "docs"


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


def fault_kinds() -> str:
    """What can be made to go wrong in the sandbox: the table of `Fault`'s docstring."""
    return "\n".join(line for line in (inspect.getdoc(Fault) or "").splitlines() if line.startswith("|"))


def switches() -> str:
    """What the sandbox assumes of Revox: the attributes of `Switches`, with what they are if nothing is said."""
    text = (inspect.getdoc(Switches) or "").partition("Attributes:\n")[2]
    told = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    usual = {field.name: field.default for field in fields(Switches)}
    rows = [(f"`{name}`", f"`{_plain(usual[name])}`", " ".join(words.split())) for name, words in told]
    return _table(("switch", "is", "what it decides"), rows)


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "tools": ("tools.md", tools),
    "numbers": ("sandbox.md", numbers),
    "fault-kinds": ("sandbox.md", fault_kinds),
    "switches": ("sandbox.md", switches),
    "exit-codes": ("cli.md", exit_codes),
    "faults": ("outcomes.md", faults),
}
"""The page and the text of what stands between `<!-- NAME:start -->` and `<!-- NAME:end -->`."""


def filled(page: str, text: str) -> str:
    """A page with every generated part written anew."""
    for name, (home, section) in SECTIONS.items():
        if home != page:
            continue
        fresh = section()
        markers = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text, found = markers.subn(lambda match, fresh=fresh: f"{match[1]}{fresh}\n{match[2]}", text)  # type: ignore[misc]
        if found != 1:
            raise SystemExit(f"docs/{page} must have the markers of {name!r} once, and has them {found} times.")
    return text


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    stale = {}
    for page in sorted({home for home, _ in SECTIONS.values()}):
        there = (DOCS / page).read_text(encoding="utf-8")
        if (fresh := filled(page, there)) != there:
            stale[page] = fresh
    for page, fresh in stale.items():
        if "--check" in arguments:
            print(f"docs/{page} is stale: run `make docs`.", file=sys.stderr)
        else:
            (DOCS / page).write_text(fresh, encoding="utf-8")
            print(f"docs/{page} was written anew.")
    return 1 if stale and "--check" in arguments else 0


def _plain(value: object) -> str:
    # A set has no order that stays from run to run.
    return str(sorted(value)) if isinstance(value, frozenset) else repr(value)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
