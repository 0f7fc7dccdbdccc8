"""`tools`: what a model can be given, with its risk."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from revox_langchain.actions.requests import REQUESTS
from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import AsJson, Output, screen_of
from revox_langchain.errors import near
from revox_langchain.operations.operation import Risk


class RiskName(StrEnum):
    """`Risk` as typed on a command line: typer offers an enum's values, and those of `Risk` are numbers."""

    READ = "read"
    WRITE = "write"
    DIAL = "dial"
    DELETE = "delete"

    @property
    def risk(self) -> Risk:
        """The risk it names."""
        return Risk[self.name]


def tools(
    risk: Annotated[RiskName | None, typer.Option(help="Only tools of this risk.")] = None,
    toolset: Annotated[str | None, typer.Option(help="Only this toolset, such as calling.")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> int:
    """List the tools: name, risk, route and what they do."""
    # langchain-core's tools take 0.4 s to import, which no other command needs.
    from revox_langchain.tools.toolkit import TOOLSETS

    if toolset is not None and toolset not in TOOLSETS:
        raise usage_error(f"There is no toolset {toolset!r}{near(toolset, TOOLSETS)}", f"Known: {', '.join(TOOLSETS)}.")
    names = set(TOOLSETS[toolset]) if toolset else {request.spec.name for request in REQUESTS}
    rows = [
        {
            "name": spec.name,
            "risk": spec.risk.name.lower(),
            "toolset": spec.toolset,
            "route": f"{spec.verb} {spec.path}" if spec.verb else None,
            "summary": spec.title,
        }
        for spec in (request.spec for request in REQUESTS)
        if spec.name in names and (risk is None or spec.risk is risk.risk)
    ]
    screen = screen_of(output, as_json)
    screen.answer({"tools": rows})
    if not screen.as_json:
        cells = [(r["name"] or "", r["risk"] or "", r["route"] or "several requests", r["summary"] or "") for r in rows]
        screen.entries(("tool", "risk", "route", "what it does"), cells)
    return Exit.DONE
