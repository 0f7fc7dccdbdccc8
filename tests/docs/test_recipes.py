"""Recipes for other people's engines: no test runs them and they say so; what they name of ours exists."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from tests.blocks import blocks_of

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = ("temporal.md", "dbos.md")
each_recipe = pytest.mark.parametrize("recipe", RECIPES)


def tree_of(recipe: str) -> ast.Module:
    blocks = blocks_of((DOCS / recipe).read_text(encoding="utf-8"), "python")
    assert blocks
    return ast.parse("\n".join(blocks))


@each_recipe
def test_a_recipe_says_at_its_top_that_it_is_untested(recipe: str) -> None:
    assert (DOCS / recipe).read_text(encoding="utf-8").split("\n\n")[1].startswith("**Untested.**")


@each_recipe
def test_a_recipe_compiles(recipe: str) -> None:
    compile(tree_of(recipe), recipe, "exec")


@each_recipe
def test_what_a_recipe_imports_of_ours_exists(recipe: str) -> None:
    imports = [node for node in ast.walk(tree_of(recipe)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").partition(".")[0] == "revox_langchain"]
    named = [(node.module, name.name) for node in ours for name in node.names]
    assert named
    assert [pair for pair in named if not hasattr(import_module(str(pair[0])), pair[1])] == []


@each_recipe
def test_the_arguments_that_a_recipe_gives_to_our_call_graph_exist(recipe: str) -> None:
    from revox_langchain.graph.call.settings import CallGraphOptions

    calls = [node for node in ast.walk(tree_of(recipe)) if isinstance(node, ast.Call)]
    [made] = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "call_graph"]
    assert {keyword.arg for keyword in made.keywords} <= {*CallGraphOptions.__annotations__, "checkpointer", "name"}
