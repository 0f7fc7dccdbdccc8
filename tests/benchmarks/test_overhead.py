"""The benchmark of overhead takes every step, and places every call that it measures."""

from __future__ import annotations

import pytest

from benchmarks import overhead


@pytest.mark.slow
def test_the_quick_benchmark_takes_every_step() -> None:
    rows = overhead.measured(rounds=1, per_round=2, posts=2, calls=3)
    assert rows["call graphs"]["calls"] == rows["SDK, create and poll"]["calls"] == 3
    assert all(row["ms"] > 0 for row in rows.values() if "ms" in row)


@pytest.mark.parametrize(("ours", "kept"), [(1.0, True), (1.3, False)])
def test_more_than_is_promised_is_told(ours: float, kept: bool) -> None:
    assert overhead.kept({"revox_list_voices, invoke": {"of the SDK's": ours}, "SDK, voices.list": {"ms": 2.0}}) is kept
