"""The notebooks run from a fresh kernel, and show what is committed."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def _quiet_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A kernel starts Python as its own process: it must not read a profile or write a history of somebody's.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_its_outputs_are_not_stale(path: Path) -> None:
    runner = import_module("scripts.run_notebooks")
    committed = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    assert runner.outputs(runner.executed(path)) == runner.outputs(committed), "run `make notebooks`"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_with_outputs_and_without_traces_of_a_machine(path: Path) -> None:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []
    assert all(set(cell.metadata) == set() for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec"}
    shown = "\n".join(line for cell in import_module("scripts.run_notebooks").outputs(notebook) for line in cell)
    assert str(Path.home()) not in shown
    assert os.getcwd() not in shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_steps_are_numbered(path: Path) -> None:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    headings = re.findall(
        r"^## (\d+)\.", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M
    )
    assert headings == [str(number) for number in range(1, len(headings) + 1)]
    assert re.match(r"\d\d_", path.stem)


def test_they_are_numbered_without_a_gap_and_begin_with_the_first_call() -> None:
    assert NOTEBOOKS[0].name == "01_first_call.ipynb"
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_short_and_installs_the_package_where_it_is_opened_in_colab(path: Path) -> None:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    assert len(notebook.cells) < 15
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert 'if "google.colab" in sys.modules:\n    %pip install' in first
    assert "from_env" not in "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
