"""A call's page as a file: written where it was asked for, and opened in a browser."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from revox_langchain.answers import JsonObject
from revox_langchain.cli.exits import usage_error
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.evidence import evidence_of
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import run
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import order_in
from revox_langchain.results.page import Page, draw, page_of

STDOUT = "-"


def read_page(
    call_id: str, connection: Connection, *, show_numbers: bool = False, output: Mapping[str, object] | None = None
) -> Page:
    """Read a call and look for other orders of its intent; dials nothing.

    Args:
        call_id: Which call.
        connection: The account, or a sandbox's.
        show_numbers: Whether phone numbers stand there whole.
        output: What the call graph said of it: notes and warnings.

    Raises:
        RevoxToolError: There is no such call, or Revox cannot be reached.
    """
    order = order_in(connection.send(GetCall.parse({"call_id": call_id})))
    if order is None:
        raise usage_error(f"Revox's answer for call {call_id} holds no call.", "Check the call id.")
    evidence = run(evidence_of(order), connection)
    said = output or {}
    return page_of(
        CallResult.from_call(order),
        show_numbers=show_numbers,
        marked=evidence.marked,
        doubt=evidence.doubt,
        notes=_texts(said.get("notes")),
        warnings=_texts(said.get("warnings")),
    )


def may_write(path: str, screen: Screen, *, force: bool) -> bool:
    """Whether a page may be written there: a file that exists is asked about.

    Raises:
        InvalidInput: It exists and no one can be asked, or nothing can be written there.
    """
    file = Path(path)
    if path == STDOUT or not file.exists():
        if path != STDOUT and not file.parent.is_dir():
            raise usage_error(f"There is no folder {str(file.parent)!r}.", "Make it, or give another -o.")
        return True
    if file.is_dir():
        raise usage_error(f"{path!r} is a folder.", "Give a file: -o page.html.")
    if force:
        return True
    if not screen.can_ask():
        raise usage_error(f"{path!r} exists already.", "Pass --force to overwrite it, or another -o.")
    return screen.ask(f"{path} exists. Overwrite it?")


def write_page(html: str, path: str) -> None:
    """Write a page into a file, or to stdout.

    Raises:
        InvalidInput: It cannot be written.
    """
    if path == STDOUT:
        sys.stdout.write(html)
        return
    try:
        Path(path).write_text(html, encoding="utf-8")
    except OSError as error:
        raise usage_error(f"{path!r} cannot be written: {error.strerror}.", "Give another -o.") from None


def show_page_of(output: JsonObject, connection: Connection) -> None:
    """Open the page of a call that was followed; what stands in the way is said, and the call's end stays as it is."""
    call_id = output.get("call_id")
    if not call_id:
        hint("There is no call to open a page of.")
        return
    try:
        html = draw(read_page(call_id, connection, output=output))
        # Only its owner may read the file.
        handle, path = tempfile.mkstemp(prefix="revox-call-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(html)
    except (RevoxToolError, OSError) as error:
        hint(f"The page could not be written: {error}")
        return
    open_in_browser(path)


def open_in_browser(path: str) -> None:
    """Open a file in the browser; where there is none, say where the file is."""
    try:
        opened = webbrowser.open(Path(path).resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    hint(f"The page is open in your browser: {path}" if opened else f"No browser could be opened. The page is {path}")


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
