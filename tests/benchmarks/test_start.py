"""The benchmark of starting measures processes, in turn."""

from __future__ import annotations

import pytest

from benchmarks import start


@pytest.mark.slow
def test_each_start_is_a_process_that_ends_well() -> None:
    taken = start.times({"SDK": "pass", "package": "import json"}, 1)
    assert {name: len(each) for name, each in taken.items()} == {"SDK": 1, "package": 1}


def test_the_median_stands_beside_the_sdks() -> None:
    shown = start.rows({"SDK": [(1.0, 0.5), (3.0, 0.5), (2.0, 0.5)], "package": [(1.0, 0.9)]})
    assert shown["SDK"]["spread_s"] == 2.0
    assert shown["package"]["of the SDK's"] == 0.5


@pytest.mark.parametrize(("package", "its_help", "kept"), [(1.0, 0.4, True), (1.01, 0.4, False), (1.0, 0.41, False)])
def test_more_than_is_promised_is_told(package: float, its_help: float, kept: bool) -> None:
    shown = {"package": {"of the SDK's": package, "s": 0.3}, "--help": {"of the SDK's": 1.0, "s": its_help}}
    assert start.kept(shown) is kept
