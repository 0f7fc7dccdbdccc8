"""Run the notebooks anew and keep their outputs.

python -m scripts.run_notebooks            writes the outputs into the notebooks
python -m scripts.run_notebooks --check    changes nothing, and fails if an output is stale
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def executed(path: Path) -> Any:
    """Run a notebook in a kernel of its own, and return it with its outputs."""
    notebook = _read(path)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # What a cell prints arrives in as many pieces as the machine is busy.
        coalesce_streams=True,
        # Times of execution would make every run a change.
        record_timing=False,
    )
    client.execute()
    return notebook


def outputs(notebook: Any) -> list[list[str]]:
    """What each code cell printed and showed, without what no reader sees."""
    return [[_shown(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def main(arguments: list[str]) -> int:
    """Run every notebook; return the exit code."""
    stale = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        committed = _read(path)
        fresh = executed(path)
        if outputs(committed) != outputs(fresh):
            stale.append(path.name)
        if "--check" not in arguments:
            fresh.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
            path.write_text(nbformat.writes(fresh) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
    if stale:
        print(f"{'stale' if '--check' in arguments else 'rewritten'}: {', '.join(stale)}")
    return 1 if stale and "--check" in arguments else 0


def _read(path: Path) -> Any:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def _shown(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.data.get("text/markdown") or output.data.get("text/html") or output.data["text/plain"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
