"""`report`: a call, or a campaign, as a page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.campaign_page import read_campaign_page
from revox_langchain.cli.exits import Exit, usage_error
from revox_langchain.cli.options import AsJson, account
from revox_langchain.cli.pages import STDOUT, may_write, open_in_browser, read_page, write_page
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.errors import NotFound
from revox_langchain.report.campaign import CampaignPage, campaign_page_in, draw_campaign, is_campaign_page
from revox_langchain.results.page import Page, draw, page_in


def report(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...",
            help="ID of a call, or of one or more campaigns, or a page written earlier, to draw it anew.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where; - is stdout.  [default: call.html, campaign.html]"),
    ] = None,
    show_numbers: Annotated[bool, typer.Option("--show-numbers", help="Write phone numbers whole.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file without asking.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a call or a campaign as one HTML page that loads nothing. Never dials.

    A call's page shows when and how often the phone was dialed, who spoke when, the transcript, what was extracted, and
    the evidence that one order was placed. A campaign's shows how far it came, outcomes by language, when people
    answered, and every contact; give the ids of several campaigns to see them together. Phone numbers are masked.
    """
    screen = Screen(as_json=as_json)
    if output == STDOUT and (as_json or open_):
        raise usage_error("-o - does not go with --json and --open.", "Give a file: -o call.html.")
    if output is not None and not may_write(output, screen, force=force):
        return _nothing_written()
    with screen.busy("Reading …"):
        page = _page(ids, show_numbers=show_numbers)
    if output is None:
        output = "campaign.html" if isinstance(page, CampaignPage) else "call.html"
        if not may_write(output, screen, force=force):
            return _nothing_written()
    write_page(draw_campaign(page) if isinstance(page, CampaignPage) else draw(page), output)
    screen.answer({"file": output, **_summary(page)})
    if output != STDOUT and not as_json:
        screen.line(f"Written: {output}")
    if open_:
        open_in_browser(output)
    return Exit.DONE


def _page(sources: list[str], *, show_numbers: bool) -> Page | CampaignPage:
    file = Path(sources[0])
    if len(sources) == 1 and sources[0].endswith(".html") and file.is_file():
        if show_numbers:
            raise usage_error("A page has only the numbers it was written with.", "Give the call's id.")
        try:
            html = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise usage_error(f"{sources[0]!r} cannot be read.", "Give a file that `report` wrote.") from None
        return campaign_page_in(html) if is_campaign_page(html) else page_in(html)
    with account(sandbox=False) as connection:
        try:
            if len(sources) == 1:
                return read_page(sources[0], connection, show_numbers=show_numbers)
        except NotFound as no_call:
            # Calls and campaigns have ids of the same form.
            try:
                return read_campaign_page(sources, connection, show_numbers=show_numbers)
            except NotFound:
                raise no_call from None
        return read_campaign_page(sources, connection, show_numbers=show_numbers)


def _summary(page: Page | CampaignPage) -> JsonObject:
    if isinstance(page, Page):
        return {"call_id": page.call.call_id, "conclusion": page.call.conclusion}
    conclusions = Counter(contact.conclusion for contact in page.contacts)
    return {
        "campaign_ids": [each.campaign_id for each in page.campaigns],
        "contacts": len(page.contacts),
        "missing": page.missing,
        "conclusions": dict(conclusions),
    }


def _nothing_written() -> Exit:
    hint("Nothing was written.")
    return Exit.USAGE
