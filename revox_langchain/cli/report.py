"""`report`: a call as a page."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import AsJson, account
from revox_langchain.cli.pages import STDOUT, may_write, open_in_browser, read_page, write_page
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.results.page import Page, page_in


def report(
    call_id: Annotated[str, typer.Argument(help="ID of the call, or a page written earlier, to draw it anew.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where; - is stdout.")] = "call.html",
    show_numbers: Annotated[bool, typer.Option("--show-numbers", help="Write phone numbers whole.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file without asking.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a call as one HTML page that loads nothing. Never dials.

    It shows when and how often the phone was dialed, who spoke when, the transcript, what was extracted, and the
    evidence that one order was placed. Phone numbers are masked.
    """
    screen = Screen(as_json=as_json)
    if output == STDOUT and (as_json or open_):
        raise usage_error("-o - does not go with --json and --open.", "Give a file: -o call.html.")
    if not may_write(output, screen, force=force):
        hint("Nothing was written.")
        return Exit.USAGE
    with screen.console.status("Reading the call …") if screen.live else nullcontext():
        page = _page(call_id, show_numbers=show_numbers)
    write_page(page, output)
    screen.answer({"file": output, "call_id": page.call.call_id, "conclusion": page.call.conclusion})
    if output != STDOUT and not as_json:
        screen.line(f"Written: {output}")
    if open_:
        open_in_browser(output)
    return Exit.DONE


def _page(source: str, *, show_numbers: bool) -> Page:
    file = Path(source)
    if source.endswith(".html") and file.is_file():
        if show_numbers:
            raise usage_error("A page has only the numbers it was written with.", "Give the call's id.")
        try:
            return page_in(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            raise usage_error(f"{source!r} cannot be read.", "Give a file that `report` wrote.") from None
    with account(sandbox=False) as connection:
        return read_page(source, connection, show_numbers=show_numbers)
