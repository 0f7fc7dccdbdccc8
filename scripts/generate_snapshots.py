"""Write what may change on purpose only: all that a model sees, and every public name.

python -m scripts.generate_snapshots            writes the files
python -m scripts.generate_snapshots --check    changes nothing, and fails if something is stale
"""

from __future__ import annotations

import ast
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from langchain_core.utils.function_calling import convert_to_openai_tool

from revox_langchain import RevoxToolkit, errors, operations
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.answers import JsonObject
from revox_langchain.cli.app import app
from revox_langchain.operations.narrowed import narrowed
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.tool import make_tool
from revox_langchain.tools.toolkit import TOOLSETS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "revox_langchain"
DOORS = (
    "revox_langchain",
    "revox_langchain.graph",
    "revox_langchain.sandbox",
    "revox_langchain.service",
    "revox_langchain.webhooks",
    "revox_langchain.contacts",
    "revox_langchain.tracing",
)
_EVENT = re.compile(r"revox\.[a-z][a-z_]*")
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*")
_MAKES_ERRORS = re.compile(r"refus|coded|problem|note$", re.IGNORECASE)
SERVERS = ("revox_langchain.sandbox.mcp", "revox_langchain.sandbox.server")


def tools() -> JsonObject:
    """All that a model sees of the tools."""
    connection = Sandbox().connect()
    requests = [narrowed(request) for request in REQUESTS]
    functions = [convert_to_openai_tool(make_tool(request, connection))["function"] for request in requests]
    return {
        "instructions": RevoxToolkit(connection=connection).instructions(),
        "toolsets": {name: list(tools) for name, tools in TOOLSETS.items()},
        "tools": {function["name"]: function for function in functions},
    }


def public() -> JsonObject:
    """Every name that somebody else's code may rely on."""
    return {
        "names": {door: list(import_module(door).__all__) for door in DOORS}
        | {module: _defined_in(import_module(module)) for module in SERVERS},
        "operations": {name: classes for name in _submodules(operations) if (classes := _operations_of(name))},
        "tools": [request.spec.name for request in REQUESTS],
        "events": sorted({text for text in _strings() if _EVENT.fullmatch(text)}),
        "errors": sorted(name for name, thing in vars(errors).items() if _is_error(thing)),
        "error_codes": sorted(set(_codes())),
        "commands": {name: _options(command) for name, command in _commands().items()},
    }


FILES: dict[Path, Callable[[], JsonObject]] = {
    ROOT / "tests" / "tools" / "snapshots" / "tools.json": tools,
    ROOT / "tests" / "snapshots" / "public.json": public,
}


def written(content: JsonObject) -> str:
    """The text of a snapshot."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check the snapshots; return the exit code."""
    stale = {
        path: written(content())
        for path, content in FILES.items()
        if not path.exists() or path.read_text(encoding="utf-8") != written(content())
    }
    for path, text in stale.items():
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is stale: run `make docs`.", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)} was written anew.")
    return 1 if stale and "--check" in arguments else 0


def _defined_in(module: ModuleType) -> list[str]:
    return sorted(
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
    )


def _submodules(package: ModuleType) -> list[str]:
    return [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]


def _operations_of(module: str) -> list[str]:
    classes = [thing for thing in vars(import_module(module)).values() if inspect.isclass(thing)]
    return sorted(
        each.__name__
        for each in classes
        if issubclass(each, Operation) and each in operations.OPERATIONS and each.__module__ == module
    )


def _is_error(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Exception) and thing.__module__ == errors.__name__


def _trees() -> Iterator[ast.Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _strings() -> Iterator[str]:
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _codes() -> Iterator[str]:
    for tree in _trees():
        for node in ast.walk(tree):
            for value in _code_values(node):
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and _CODE.fullmatch(value.value):
                    yield value.value


def _code_values(node: ast.AST) -> list[ast.expr]:
    """Where the code of an error is written: `code="…"`, `kind = "…"`, a table of codes, `_refusal("…", "code")`."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            given = arguments if _MAKES_ERRORS.search(name) else []
            return [*given, *(branch for word in keywords if word.arg == "code" for branch in _branches(word.value))]
        case ast.Assign(targets=[ast.Name(id="kind")], value=value):
            return [value]
        case ast.Assign(targets=[ast.Name(id="_CODES")], value=ast.Dict(values=values)):
            return values
        case ast.AnnAssign(target=ast.Name(id="kind"), value=ast.expr() as value):
            return [value]
        case ast.Dict(values=values) if all(ast.unparse(value).endswith("_number'") for value in values):
            return values
    return []


def _branches(value: ast.expr) -> list[ast.expr]:
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def _commands() -> dict[str, Any]:
    return dict(getattr(typer.main.get_command(app), "commands", {}))


def _options(command: Any) -> list[str]:
    return sorted(option for parameter in command.params for option in parameter.opts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
