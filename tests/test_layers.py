"""Imports point downward, and heavy packages are reached from few places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "revox_langchain"

ROWS = """
errors
operation numbers budget
language_names
language_detector accents
language
results
voice prompts
render
operations
failures
connection
flow
guard waiting search
placing
actions
mcp_server webhook report
sandbox
tools
hosted graph
__init__
cli
__main__
"""
"""What may import what, lowest first: a module imports only from rows above its own in this list.

A folder is one module, and so is a family: `hosted` stands for `hosted_calls` too. Within them everything may import
everything.
"""

ROW = {module: row for row, line in enumerate(ROWS.split("\n")) for module in line.split()}

MAY_REACH_UP_IN_FUNCTIONS = {
    ("tools", "hosted"),  # aget_tools: whoever stays with REST does not load the MCP client
}

ONLY_IN = {
    "revox": {"connection", "failures", "sandbox"},
    "langgraph": {"graph", "tools", "hosted"},
    "langchain_mcp_adapters": {"hosted"},
    "mcp": {"hosted", "mcp_server", "sandbox"},
    "typer": {"cli"},
    "rich": {"cli", "report"},
}
"""Which modules may import a package."""

NEVER_AT_IMPORT = {"tools": {"langgraph"}, "hosted": {"langgraph"}, "connection": {"revox"}, "failures": {"revox"}}
"""What a module may import inside functions only."""


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, and when."""

    importer: str
    name: str
    inside_function: bool
    type_checking: bool
    line: int


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def imports(path: Path, importer: str) -> Iterator[Import]:
    def walk(node: ast.AST, inside: bool, checking: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(importer, alias.name, inside, checking, child.lineno)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno} imports relatively"
                if child.module == "revox_langchain":
                    for alias in child.names:
                        yield Import(importer, f"revox_langchain.{alias.name}", inside, checking, child.lineno)
                else:
                    yield Import(importer, child.module or "", inside, checking, child.lineno)
            else:
                function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
                yield from walk(child, inside or function, checking or guarded)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, False)


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for importer, path in modules() for found in imports(path, importer))


def family(module: str) -> str:
    """The module's own name, or that of the module whose parts it holds: `hosted_calls` is of `hosted`."""
    head = module.partition("_")[0]
    return head if module not in ROW and head in ("hosted", "cli") else module


def test_every_module_has_a_row() -> None:
    assert {family(module) for module, _ in modules()} <= set(ROW)


def test_imports_point_downward() -> None:
    wrong = []
    for found in all_imports():
        parts = found.name.split(".")
        if parts[0] != "revox_langchain" or found.type_checking or found.importer == "__init__":
            continue
        importer = family(found.importer)
        # `from revox_langchain import X` of a public name goes through __init__, the top row.
        imported = family(parts[1]) if len(parts) > 1 and family(parts[1]) in ROW else "__init__"
        late = found.inside_function and (importer, imported) in MAY_REACH_UP_IN_FUNCTIONS
        if importer != imported and ROW[imported] >= ROW[importer] and not late:
            wrong.append(f"{found.importer}:{found.line} imports {found.name}")
    assert wrong == []


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    importers = {family(found.importer) for found in all_imports() if found.name.split(".")[0] == package}
    assert importers <= ONLY_IN[package]


@pytest.mark.parametrize("importer", sorted(NEVER_AT_IMPORT))
def test_heavy_packages_are_imported_inside_functions(importer: str) -> None:
    early = {
        found.name.split(".")[0]
        for found in all_imports()
        if family(found.importer) == importer and not found.inside_function and not found.type_checking
    }
    assert early & NEVER_AT_IMPORT[importer] == set()


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "base", "constants", "types", "helpers", "common"}
    assert drawers & {module for module, _ in modules()} == set()
