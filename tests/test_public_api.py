"""What `import revox_langchain` gives: public names that are documented, typed and cheap to load."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import revox_langchain
import revox_langchain.contacts
import revox_langchain.graph
import revox_langchain.sandbox
import revox_langchain.service
import revox_langchain.tracing
import revox_langchain.webhooks
from revox_langchain import Budget, RevoxToolkit, Risk
from revox_langchain.connection.connection import Connection, ConnectionOptions
from revox_langchain.graph import call_graph, create_call_graph
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.tools.toolkit import ToolkitOptions
from scripts.generate_snapshots import public
from tests.processes import patience_s

LISTED = json.loads((Path(__file__).parent / "snapshots" / "public.json").read_text(encoding="utf-8"))
HEAVY = ("langgraph.graph", "langchain_mcp_adapters", "py3langid", "mcp", "revox", "starlette")

MODULES = (
    revox_langchain,
    revox_langchain.contacts,
    revox_langchain.graph,
    revox_langchain.sandbox,
    revox_langchain.service,
    revox_langchain.tracing,
    revox_langchain.webhooks,
)


def loaded_by(statement: str) -> set[str]:
    """The modules a new interpreter has loaded after `statement`."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=patience_s()
    )
    return set(json.loads(done.stdout))


@pytest.mark.slow
def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import revox_langchain") & set(HEAVY) == set()


@pytest.mark.slow
def test_importing_the_service_loads_nothing_heavy_and_no_database() -> None:
    assert loaded_by("import revox_langchain.service") & {*HEAVY, "sqlite3", "psycopg", "procrastinate"} == set()
    loaded = loaded_by("from revox_langchain.service import Postgres, Runner, Service, Threads, Worker, service_app")
    assert loaded & {"psycopg", "procrastinate", "aiosqlite", "starlette", "uvicorn"} == set()


@pytest.mark.slow
def test_the_toolkit_loads_neither_langgraph_nor_mcp_nor_the_language_model() -> None:
    loaded = loaded_by("from revox_langchain import RevoxToolkit")
    assert loaded & {"langgraph.graph", "langchain_mcp_adapters", "py3langid", "mcp", "starlette"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_sorted_and_there(module: object) -> None:
    names = list(module.__all__)  # type: ignore[attr-defined]
    assert names == sorted(names, key=sort_key)
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.fixture(scope="module")
def now_public() -> dict[str, Any]:
    return public()


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("kind", LISTED)
def test_what_other_code_relies_on_changes_only_on_purpose(kind: str, now_public: dict[str, Any]) -> None:
    assert LISTED[kind] == now_public[kind], "run `make docs` and review the difference"


def test_what_is_listed_is_all_that_other_code_relies_on(now_public: dict[str, Any]) -> None:
    assert LISTED.keys() == now_public.keys()


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'RevoxToolkitt'"):
        revox_langchain.RevoxToolkitt  # noqa: B018


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_documented(module: object) -> None:
    public = {name: getattr(module, name) for name in module.__all__}  # type: ignore[attr-defined]
    callables = {name: thing for name, thing in public.items() if callable(thing)}
    assert [name for name, thing in callables.items() if not (inspect.getdoc(thing) or "").strip()] == []
    for name, thing in callables.items():
        if not inspect.isclass(thing):
            continue
        methods = {
            method: value
            for method, value in vars(thing).items()
            if not method.startswith("_") and (inspect.isfunction(value) or isinstance(value, (classmethod, property)))
        }
        bare = [f"{name}.{method}" for method, value in methods.items() if not (inspect.getdoc(value) or "").strip()]
        assert bare == []


@pytest.mark.parametrize(
    ("options", "taker"),
    [
        (ConnectionOptions, Connection),
        (ToolkitOptions, revox_langchain.RevoxToolkit),
        (CallGraphOptions, revox_langchain.graph.create_call_graph),
    ],
)
def test_options_that_are_passed_on_are_those_that_are_taken(options: type, taker: Any) -> None:
    taken = set(inspect.signature(taker).parameters) - {"api_key", "connection"}
    assert set(options.__annotations__) == taken


def test_type_checkers_find_the_types() -> None:
    assert files("revox_langchain").joinpath("py.typed").is_file()


@pytest.mark.slow
def test_a_key_in_the_environment_is_no_matter_to_the_import() -> None:
    environment = {**os.environ, "REVOX_API_KEY": "", "REVOX_BASE_URL": "nonsense"}
    subprocess.run(
        [sys.executable, "-c", "import revox_langchain.tools"], env=environment, check=True, timeout=patience_s()
    )


def sort_key(name: str) -> tuple[int, str]:
    """As ruff sorts: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_copies_share_the_account_and_its_limits() -> None:
    connection, budget = Connection("sk_key_of_no_one"), Budget(orders=1)
    toolkit = RevoxToolkit(connection=connection, budget=budget, max_risk=Risk.DIAL)
    for made in (copy.copy(toolkit), copy.deepcopy(toolkit), copy.deepcopy({"kit": toolkit})["kit"]):
        assert made.connection is connection
        assert made.budget is budget
        assert [tool.name for tool in made.get_tools()] == [tool.name for tool in toolkit.get_tools()]
    assert copy.deepcopy(connection) is connection
    copied = copy.deepcopy(toolkit.guard())
    assert copied.budget is budget


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("what", ["connection", "toolkit", "tool", "graph", "uncompiled"])
def test_what_holds_a_key_refuses_to_be_pickled_with_a_sentence(what: str) -> None:
    connection = Connection("sk_key_of_no_one")
    toolkit = RevoxToolkit(connection=connection)
    made: dict[str, object] = {
        "connection": connection,
        "toolkit": toolkit,
        "tool": toolkit.get_tools()[0],
        "graph": call_graph(connection),
        "uncompiled": create_call_graph(connection),
    }
    with pytest.raises(TypeError, match=r"not pickled. Make ") as refused:
        pickle.dumps(made[what])
    assert "sk_key" not in str(refused.value)
