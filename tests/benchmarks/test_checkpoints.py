"""The benchmark of checkpoints counts what waiting writes, for the call graph and for a node per look."""

from __future__ import annotations

import pytest

from benchmarks import checkpoints


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, float]]:
    with checkpoints.sqlite() as saver:
        return {way: checkpoints.grown(way, saver, hours=0.2) for way in checkpoints.WAYS}


@pytest.mark.slow
def test_an_hour_of_waiting_writes_less_than_is_promised(rows: dict[str, dict[str, float]]) -> None:
    assert rows["call_graph"]["kB a minute"] <= checkpoints.MOST_KB_A_MINUTE


@pytest.mark.slow
def test_a_node_for_each_look_writes_rows_for_each(rows: dict[str, dict[str, float]]) -> None:
    looks = 3600 / checkpoints.LOOK_S
    assert rows["a node per look"]["rows an hour"] >= looks
    assert rows["call_graph"]["rows an hour"] < looks / 10
