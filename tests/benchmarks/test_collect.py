"""The page of results says of each figure where it comes from, and each section is a benchmark that is there."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from benchmarks import collect

MEASURED = json.loads(collect.FIGURES.read_text("utf-8"))
each_section = pytest.mark.parametrize("name", collect.SECTIONS)


@each_section
def test_a_section_is_a_benchmark_that_is_there(name: str) -> None:
    module, *_ = collect.SECTIONS[name].command.split()
    assert find_spec(module)


def test_the_page_is_what_its_figures_say() -> None:
    assert collect.RESULTS.read_text("utf-8") == collect.page(MEASURED), "run python -m benchmarks.collect --page"


@pytest.mark.parametrize("name", MEASURED)
def test_each_table_has_its_command_its_machine_and_its_versions(name: str) -> None:
    section, found = collect.SECTIONS[name], MEASURED[name]
    shown = collect.page({name: found})
    assert f"`python -m {section.command}`" in shown
    assert found["machine"] in shown
    assert found["at"] in shown
    assert len(found["runs"]) == section.runs
    assert all(f"| {row} | " in shown for row in found["runs"][0])


def test_of_more_runs_the_median_stands_with_the_spread() -> None:
    assert collect.cell([1.0, 3.0, 2.0]) == "2 (1 to 3)"
    assert collect.cell([7]) == "7"
    assert collect.cell([1234567]) == "1,234,567"
    assert collect.cell([None]) == "–"
    assert collect.cell([True]) == "yes"


@pytest.mark.slow
def test_what_cannot_be_measured_is_told() -> None:
    with pytest.raises(RuntimeError, match="No module named"):
        collect.measured(collect.Section("Nothing", "benchmarks.nothing"))
