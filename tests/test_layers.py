"""Imports point downward, from room to room and inside each; heavy packages are reached from few places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "revox_langchain"
NAME = PACKAGE.name

ROOMS = (
    "answers",
    "errors",
    "forks",
    "phone",
    "results",
    "speech",
    "contacts",
    "report",
    "operations",
    "flow",
    "connection",
    "dialing",
    "waiting",
    "actions",
    "webhooks",
    "mcp_server",
    "sandbox",
    "tracing",
    "tools",
    "graph",
    "service",
    "cli",
)
"""The rooms, lowest first: each imports only from those before it in this list, type-only imports included.

`__init__` and `__main__` are the front doors and may import any of them.
"""

STRANGERS = ({"connection", "dialing", "waiting"},)
"""Rooms that never import each other, whatever their order."""

UPWARD_IN_FUNCTIONS: set[tuple[str, str]] = set()
"""Imports that close a circle inside a room, in a function, each with its reason."""

ONLY_IN = {
    "revox": {"connection", "sandbox"},
    "langgraph": {"graph", "tools", "service", "cli.follow", "cli.campaign_run", "cli.thread"},
    "langchain_mcp_adapters": {"tools.hosted.adapters"},
    "mcp": {"tools.hosted", "mcp_server", "sandbox"},
    "python_calamine": {"contacts.workbook"},
    "charset_normalizer": {"contacts.encodings"},
    "typer": {"cli"},
    "rich": {"cli"},
    "jinja2": {"results.drawing"},
}
"""Which rooms may import a package."""

NEVER_AT_IMPORT = {"tools": {"langgraph"}, "connection": {"revox"}, "results": {"jinja2", "markupsafe"}}
"""What a room may import inside functions only."""

DRAWERS = {"utils", "util", "base", "constants", "types", "helpers", "common"}


@dataclass(frozen=True)
class Import:
    """One import: which module asks for which, and when."""

    importer: str
    name: str
    inside_function: bool
    type_checking: bool
    line: int

    @property
    def where(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name}"


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    def walk(node: ast.AST, inside: bool, checking: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(module, alias.name, inside, checking, child.lineno)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}:{child.lineno} imports relatively"
                for alias in child.names:
                    full = f"{child.module}.{alias.name}"
                    yield Import(
                        module, full if full in MODULES else child.module or "", inside, checking, child.lineno
                    )
            else:
                function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
                yield from walk(child, inside or function, checking or guarded)

    yield from walk(ast.parse(MODULES[module].read_text(encoding="utf-8")), False, False)


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for module in MODULES for found in imports_of(module))


def room(module: str) -> str:
    """The room a module of this package lies in; the package itself is the front door, above all rooms."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def inside(module: str, place: str) -> bool:
    return module.removeprefix(f"{NAME}.") == place or module.startswith(f"{NAME}.{place}.")


def own_imports() -> Iterator[Import]:
    return (found for found in all_imports() if found.name in MODULES and found.importer != found.name)


def test_every_module_lies_in_a_room() -> None:
    assert {room(module) for module in MODULES} - {"__init__", "__main__"} == set(ROOMS)


@pytest.mark.slow
def test_imports_between_rooms_point_downward() -> None:
    floors = {name: floor for floor, name in enumerate((*ROOMS, "__init__", "__main__"))}
    wrong = [
        found.where
        for found in own_imports()
        if floors[room(found.name)] > floors[room(found.importer)]
        or (floors[room(found.name)] == floors[room(found.importer)] and room(found.importer) not in ROOMS)
    ]
    # A front door's own version is all that a room may ask it for.
    assert [each for each in wrong if not each.endswith(f"imports {NAME}")] == []


@pytest.mark.slow
def test_rooms_that_are_strangers_do_not_import_each_other() -> None:
    wrong = [
        found.where
        for found in own_imports()
        for strangers in STRANGERS
        if room(found.importer) != room(found.name) and {room(found.importer), room(found.name)} <= strangers
    ]
    assert wrong == []


@pytest.mark.slow
def test_there_is_no_circle_anywhere() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in own_imports():
        late = found.inside_function and (found.importer, found.name) in UPWARD_IN_FUNCTIONS
        if not late:
            graph[found.importer].add(found.name)
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_every_exception_to_the_rule_is_still_needed() -> None:
    taken = {(found.importer, found.name) for found in own_imports() if found.inside_function}
    assert taken >= UPWARD_IN_FUNCTIONS


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    importers = {found.importer for found in all_imports() if found.name.split(".")[0] == package}
    assert [each for each in sorted(importers) if not any(inside(each, place) for place in ONLY_IN[package])] == []


@pytest.mark.parametrize("place", sorted(NEVER_AT_IMPORT))
def test_heavy_packages_are_imported_inside_functions(place: str) -> None:
    early = {
        found.name.split(".")[0]
        for found in all_imports()
        if inside(found.importer, place) and not found.inside_function and not found.type_checking
    }
    assert early & NEVER_AT_IMPORT[place] == set()


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES.values()}), ids=module_of)
def test_every_folder_says_in_one_sentence_what_lives_there(folder: Path) -> None:
    words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    assert words
    assert words.splitlines()[0].endswith(".")


def test_no_module_is_a_drawer() -> None:
    assert {module for module in MODULES if module.rpartition(".")[2] in DRAWERS} == set()


@pytest.mark.slow
def test_no_private_name_is_imported_across_files() -> None:
    wrong = []
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(NAME):
                private = [a.name for a in node.names if a.name.startswith("_") and not a.name.startswith("__")]
                wrong += [f"{module}:{node.lineno} imports {name}" for name in private]
    assert wrong == []
