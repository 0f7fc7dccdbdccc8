"""Results beside what was read: the input's rows, order and columns, and after them the columns of results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike

from revox_langchain.contacts.row import Columns, Row
from revox_langchain.contacts.written import OWN_PREFIX, write_csv

Results = Mapping[str, Mapping[str, object]]
"""Values by the key of the contact and the name of the result's column."""


def write_results(
    path: str | PathLike[str], columns: Columns, rows: Iterable[Row], results: Results, names: Sequence[str]
) -> None:
    """Write a CSV file with what was read and what became of it.

    A row whose number was called for an earlier row has the results of that one. The columns of results begin with
    `revox_`, so that the file can be read as contacts again.

    Args:
        path: Where to.
        columns: The columns of the rows.
        rows: All rows, in the order they were read in.
        results: What is known of each contact, by its key.
        names: The columns of results, in this order.
    """
    own = [name if name.startswith(OWN_PREFIX) else OWN_PREFIX + name for name in names]
    header = [*columns.names, f"{OWN_PREFIX}row_state", f"{OWN_PREFIX}row_code", *own]
    write_csv(path, header, _lines(columns, rows, results, names))


def _lines(columns: Columns, rows: Iterable[Row], results: Results, names: Sequence[str]) -> Iterator[list[str]]:
    width = len(columns.names)
    keys: dict[str, str] = {}
    for row in rows:
        number = row.phone.e164 if row.phone else ""
        if row.state == "ready" and row.key is not None:
            keys[number] = row.key
        said = results.get(keys.get(number, ""), {}) if row.state in ("ready", "duplicate") else {}
        cells = [*row.cells[: width - 1], " ".join(row.cells[width - 1 :])] if len(row.cells) > width else row.cells
        codes = "; ".join(problem.code for problem in row.problems)
        padding = [""] * (width - len(row.cells))
        yield [*cells, *padding, row.state, codes, *(_text(said.get(name)) for name in names)]


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
