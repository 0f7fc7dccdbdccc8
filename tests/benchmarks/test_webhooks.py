"""The benchmark of webhooks: it serves, measures every row, and says what is not met."""

from __future__ import annotations

import json

import pytest

from benchmarks import webhooks


@pytest.mark.slow
def test_a_row_says_what_lies_beyond_the_tools_own_time_and_whether_that_is_little_enough() -> None:
    took = [101.0] * 98 + [104.0, 400.0]
    each = webhooks.row(took, webhooks.SOON_MS, 100.0)
    assert (each["p50_ms"], each["p99_ms"], each["max_ms"], each["met"]) == (1.0, 300.0, 300.0, False)
    assert webhooks.row([101.0] * 200 + [400.0], webhooks.SOON_MS, 100.0)["met"]
    assert not webhooks.row([101.0] * 200 + [400.0], webhooks.TOGETHER_MS, 100.0)["met"]
    assert "NOT MET" in webhooks.table({"a": {**each, "cpu_ms": 1.0}})


@pytest.mark.slow
def test_the_quick_mode_measures_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert webhooks.main(["--quick", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [each["requests"] for each in rows.values()] == [20, 20, 30, 30, 20]
