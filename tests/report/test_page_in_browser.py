"""A campaign's page in a real browser: it reads in every light and width, and its table is filtered without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from revox_langchain.report.campaign import CampaignFacts, campaign_page, draw_campaign
from tests.browser import opening_files, running_browser
from tests.report.test_campaign import BUSY, SPRING, contact
from tests.results.orders import talk
from tests.results.test_page_in_browser import DARK, HOSTILE, PHONE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

GERMAN = CampaignFacts(campaign_id="cam-2", name="Frühling", status="paused", language="de", sandbox=True)
PAGES = {
    "whole": draw_campaign(
        campaign_page(
            [SPRING, GERMAN],
            [
                contact(talk(2), id="a", outcome="interested", outcome_summary=HOSTILE),
                contact(talk(2), id="b", outcome="not_interested", outcome_summary="مرحبا، نعم", language="de"),
                contact(BUSY, id="c", status="completed", language="de"),
                contact(id="d", status="not_launched"),
            ],
            missing=2,
        )
    ),
    "bare": draw_campaign(campaign_page([CampaignFacts(campaign_id="c")], [])),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    with opening_files(browser, tmp_path / "campaign.html") as open_page:
        yield open_page


@pytest.mark.parametrize("look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "dark-phone"])
@pytest.mark.parametrize("name", list(PAGES))
def test_axe_finds_no_violation(opened: Callable[..., Page], name: str, look: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(PAGES[name], **look)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_choice_shows_its_contacts_with_scripts_and_without(opened: Callable[..., Page], scripts: bool) -> None:
    page = opened(PAGES["whole"], java_script_enabled=scripts)
    rows = page.locator(".contacts tbody tr")
    assert [row.is_visible() for row in rows.all()] == [True] * 4
    page.get_by_label("not reached").check()
    assert [row.is_visible() for row in rows.all()] == [False, False, True, False]
    page.get_by_label("all", exact=False).first.check()
    assert [row.is_visible() for row in rows.all()] == [True] * 4


def test_the_filter_is_reached_by_keyboard(opened: Callable[..., Page]) -> None:
    page = opened(PAGES["whole"])
    page.locator("#show-all").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".contacts tbody tr:visible").count() == 1


def test_what_was_said_runs_nothing_and_the_browser_has_nothing_to_complain_of(opened: Callable[..., Page]) -> None:
    page = opened(PAGES["whole"])
    assert page.title().startswith("Spring and Frühling")
    assert "<script>document.title='taken'</script>" in page.inner_text("main")
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [320, 768, 1400])
def test_no_width_scrolls_sideways(opened: Callable[..., Page], width: int) -> None:
    page = opened(PAGES["whole"], viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
