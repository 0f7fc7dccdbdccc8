"""The page on Studio is true: its Python runs, and what it tells people to type is what the graphs take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import langsmith
import pytest

from revox_langchain.tracing import FACTS
from tests.blocks import blocks_of, run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "studio.md").read_text(encoding="utf-8")
TYPED = (ROOT / "scripts" / "studio.txt").read_text(encoding="utf-8")


@pytest.fixture
def _own_tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-key-of-the-tests")
    langsmith.utils.get_env_var.cache_clear()
    yield
    langsmith.configure(client=None)
    langsmith.utils.get_env_var.cache_clear()


def test_the_conversation_runs_and_the_question_shows_its_answers(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks_of(PAGE, "python")[0])
    said = capsys.readouterr().out
    assert 'To approve: {"decisions": [{"type": "approve"}]}' in said
    assert "called - The call is over: answered" in said


@pytest.mark.usefixtures("_own_tracing")
def test_the_line_that_masks_traces_runs() -> None:
    run(blocks_of(PAGE, "python")[1])
    client = langsmith.run_trees.get_cached_client()
    assert client._anonymizer({"phone_number": "+12025550100"}) == {"phone_number": "+1202•••••00"}
    assert len(blocks_of(PAGE, "python")) == 2


def test_it_names_the_graphs_that_studio_opens_and_what_make_prints_is_there() -> None:
    graphs = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"]
    for name in graphs:
        assert f"| `{name}` |" in PAGE
        assert f"\n  {name} " in TYPED
    for typed in ("+12025550100", "Ask whether Tuesday at 3 pm suits them.", '{"decisions": [{"type": "approve"}]}'):
        assert typed in PAGE
        assert typed in TYPED
    assert "cat scripts/studio.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_names_what_traces_carry() -> None:
    assert [name for name in FACTS if f"`revox_{name}`" not in PAGE] == []
