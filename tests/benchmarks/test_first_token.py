"""The benchmark of the first word: it serves each model, and shows what lies beyond the model's own time."""

from __future__ import annotations

import json

import pytest

from benchmarks import first_token


@pytest.mark.slow
def test_a_row_shows_the_time_beyond_the_models_own() -> None:
    each = first_token.row([51.0] * 98 + [54.0, 450.0])
    assert each == {"turns": 100, "p50_ms": 1.0, "p99_ms": 400.0, "max_ms": 400.0}
    assert "400" in first_token.table({"graph": each})


@pytest.mark.slow
def test_the_quick_mode_measures_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert first_token.main(["--quick", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [each["turns"] for each in rows.values()] == [5, 50] * 3
