"""Rows of figures as text."""

from __future__ import annotations

from collections.abc import Mapping


def as_lines(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each row, with the name of each figure beside it."""
    width = max(map(len, rows), default=0) + 2
    return "\n".join(
        name.ljust(width) + "  ".join(f"{what} {value:,.4g}" for what, value in row.items())
        for name, row in rows.items()
    )


def as_columns(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each row, and a column for each figure."""
    names = list(next(iter(rows.values())))
    width = max(map(len, rows)) + 2
    lines = [" " * width + "".join(name.rjust(len(name) + 3) for name in names)]
    for each, row in rows.items():
        lines.append(each.ljust(width) + "".join(f"{row[name]:.3g}".rjust(len(name) + 3) for name in names))
    return "\n".join(lines)
