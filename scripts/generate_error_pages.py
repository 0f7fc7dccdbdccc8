"""Write a page for each error code, and the table of them all, from `docs/errors/codes.toml`.

python -m scripts.generate_error_pages            writes docs/errors
python -m scripts.generate_error_pages --check    changes nothing, and fails if something is stale
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "errors"
DECLARED = FOLDER / "codes.toml"
INDEX = "README.md"

_HOMES = (
    "revox_langchain",
    "revox_langchain.contacts",
    "revox_langchain.graph",
    "revox_langchain.operations.assistants",
    "revox_langchain.operations.calls",
    "revox_langchain.operations.campaigns",
    "revox_langchain.operations.phone_numbers",
    "revox_langchain.operations.voices",
    "revox_langchain.sandbox",
    "langgraph.checkpoint.memory",
    "langgraph.types",
)
"""Where the names that a block uses are imported from: the first module that has one."""

_CALL = '"prompt": "Say hello, I am an AI."'


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What one code means to whoever meets it.

    Attributes:
        code: Its stable name.
        kind: Branch of the tree of errors.
        means: What went wrong.
        rang: Whether a phone rang.
        repeat: Whether the same may be sent again.
        fix: What to do.
        block: Python that reproduces it and prints the code; empty where none can.
        seen: In its place, where the code is met.
    """

    code: str
    kind: str
    means: str
    rang: str
    repeat: str
    fix: str
    block: str
    seen: str

    @property
    def page(self) -> str:
        """The page in Markdown."""
        shown = f"```python\n{self.block}```\n\n```text\n{self.code}\n```" if self.block else self.seen
        return (
            f"# `{self.code}`\n\n{self.means}\n\n"
            f"**Did it ring?** {self.rang}\n\n**May I send it again?** {self.repeat}\n\n**The fix.** {self.fix}\n\n"
            f"Its kind is `{self.kind}`.\n\n"
            f"## Reproduce it\n\n{shown}\n\n[All error codes]({INDEX})\n"
        )


@cache
def codes() -> dict[str, ErrorCode]:
    """Every declared code, by name."""
    declared = tomllib.loads(DECLARED.read_text(encoding="utf-8"))
    return {name: _read(name, given, declared["kinds"][given["kind"]]) for name, given in declared["codes"].items()}


def pages() -> dict[str, str]:
    """Every page that stands in `docs/errors`, by the name of its file."""
    rows = [
        f"| [`{each.code}`]({each.code}.md) | {each.means.partition('. ')[0].rstrip('.')}. |"
        for each in sorted(codes().values(), key=lambda each: each.code)
    ]
    table = "\n".join(["| code | what it means |", "| --- | --- |", *rows])
    return {INDEX: f"{_INTRODUCTION}\n{table}\n", **{f"{each.code}.md": each.page for each in codes().values()}}


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Write or check the pages; return the exit code."""
    fresh = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    if there == fresh:
        return 0
    if "--check" in arguments:
        print("docs/errors is stale: run `make docs`.", file=sys.stderr)
        return 1
    for name in there.keys() - fresh.keys():
        (folder / name).unlink()
    for name, page in fresh.items():
        (folder / name).write_text(page, encoding="utf-8")
    print("docs/errors was written anew.")
    return 0


_INTRODUCTION = """# Error codes

Every known failure is a `RevoxToolError`. It has a stable `code`, a `message`, a `next_step`, and in `docs_url` the
address of its page here. A tool result carries the same in its artifact, and a result of the call graph in `error`. The
text that a model reads has no address in it: it says what to change.

Each page answers the same questions: did a phone ring, may the same be sent again, and what fixes it. Most show
code that reproduces the failure in the sandbox, where no phone rings.
"""


def _read(name: str, given: dict[str, str], kind: dict[str, str]) -> ErrorCode:
    return ErrorCode(
        code=name,
        kind=given["kind"],
        means=given["means"],
        rang=given.get("rang", kind["rang"]),
        repeat=given.get("repeat", kind["repeat"]),
        fix=given["fix"],
        block="" if "seen" in given else _block(given),
        seen=given.get("seen", ""),
    )


def _block(given: dict[str, str]) -> str:
    setup = given.get("setup", "")
    options = given.get("refused", given.get("fails"))
    if options is not None:
        connection = "sandbox.connect()" if "sandbox" in setup else "Sandbox().connect()"
        number = given.get("number", "+12025550100")
        body = (
            f"graph = call_graph({connection}{', ' if options else ''}{options})\n"
            f'request = {{"phone_number": "{number}", {given.get("given", _CALL)}}}\n'
        )
        body += (
            'print(graph.invoke(request)["error"]["code"])' if "refused" in given else _caught("graph.invoke(request)")
        )
    elif "prints" in given:
        body = f"print({given['prints']})"
    else:
        body = _caught(given["raises"])
    code = f"{setup}\n{body}".strip()
    return f"{_imports(code)}\n\n{code}\n"


def _caught(statement: str) -> str:
    return f"try:\n    {statement}\nexcept RevoxToolError as error:\n    print(error.code)"


def _imports(code: str) -> str:
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    lines: dict[str, list[str]] = {}
    for name in sorted(used):
        home = next((home for home in _HOMES if name in _offered(home)), None)
        if home is not None:
            lines.setdefault(home, []).append(name)
    ours = [f"from {home} import {', '.join(lines[home])}" for home in _HOMES if home in lines and "revox" in home]
    others = [
        f"from {home} import {', '.join(lines[home])}" for home in _HOMES if home in lines and "revox" not in home
    ]
    others[:0] = ["import httpx"] if "httpx" in used else []
    return "\n\n".join("\n".join(group) for group in (others, ours) if group)


@cache
def _offered(home: str) -> frozenset[str]:
    module = import_module(home)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", None) == home)
    return frozenset(getattr(module, "__all__", None) or own)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
