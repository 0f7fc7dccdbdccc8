"""The examples run as they stand, without a key, and do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def said_by(example: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    runpy.run_path(str(EXAMPLES / example), run_name="__main__")
    return capsys.readouterr().out.splitlines()


def test_a_front_desk_knows_who_has_called_before(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other, *threads = said_by("inbound_graph.py", capsys)
    assert "Hello!" in first
    assert "Welcome back!" in again
    assert "Hello!" in other
    assert threads == ["+33142685300: 2 calls", "+12025550100: 1 calls"]
