"""The benchmark of placing counts what rang, for us and for the ways that ring twice."""

from __future__ import annotations

import pytest

from benchmarks import placing


@pytest.mark.a_few(every=5)
@pytest.mark.parametrize("fault", [*placing.FAULTS, placing.KILLED])
@pytest.mark.parametrize("way", placing.OURS)
def test_one_intent_is_one_order_whatever_goes_wrong(way: str, fault: str) -> None:
    assert placing.orders(way, fault) == (None if fault == placing.KILLED and way not in placing.RESUMED else 1)


@pytest.mark.parametrize("fault", ["answer lost", "empty answer", placing.KILLED])
def test_a_node_of_the_sdk_that_is_resumed_rings_twice(fault: str) -> None:
    assert placing.orders("node, resumed", fault) == 2


def test_a_program_of_the_sdk_that_is_started_again_rings_twice() -> None:
    assert placing.orders("SDK", placing.KILLED) == 2


def test_the_most_of_each_way_stands_below() -> None:
    rows = {"a": {"one": 1, "other": None}, "b": {"one": 1, "other": 2}}
    assert placing.table(rows).splitlines()[-1].split() == ["most", "1", "2"]
