"""A call's page in a real browser: it reads in every light and width, by keyboard and aloud, and asks for nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from revox_langchain.results.call import CallResult
from revox_langchain.results.page import draw, page_of
from tests.browser import opening_files, running_browser
from tests.results.orders import order, talk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> \u202egnp.exe"
DARK: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}


def whole_call() -> CallResult:
    """A call with something of everything."""
    spoken = talk(12, words="Guten Tag, مرحبا, 您好")
    spoken["transcript"] += [
        {"role": "tool", "content": "", "tool_name": "look_up", "tool_arguments": {"id": 4711}, "tool_output": "sent"},
        {"role": "tool", "content": "", "tool_name": "transfer", "tool_output": "no", "tool_is_error": True},
        {"role": "human_agent", "content": "Sam here."},
        {"role": "user", "content": HOSTILE},
    ]
    spoken["speech_events"][4]["was_cut"] = True
    spoken["structured_output"] = {"confirmed": "perhaps", "day": "2026-01-13"}
    busy = {"status": "error", "dial_error": "busy", "started_at": "2026-01-05T10:00:00Z"}
    return CallResult.from_call(
        order(
            spoken,
            busy,
            outcome="interested",
            outcome_summary="They want an offer.",
            metadata={"revox_langchain_intent": "b7e1f2c4-3d7b-5a1e-9c55-6f0f5f2f9a10"},
            assistant={"structured_output_config": [{"name": "confirmed", "type": "boolean", "required": True}]},
        )
    )


CALLS = {"whole": whole_call(), "bare": CallResult.from_call({"id": "c1"})}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    with opening_files(browser, tmp_path / "call.html") as open_page:
        yield open_page


@pytest.mark.parametrize("look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "dark-phone"])
@pytest.mark.parametrize("call", list(CALLS))
def test_axe_finds_no_violation(opened: Callable[..., Page], call: str, look: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(opened(CALLS[call].to_html(), **look))
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10


def test_axe_finds_no_violation_in_a_notebook(opened: Callable[..., Page]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown = CALLS["whole"]._repr_html_()
    page = opened(f"<!doctype html><html lang=en><title>Notebook</title><main>{shown}</main></html>")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_page_reads_the_same_without_scripts(opened: Callable[..., Page]) -> None:
    html = CALLS["whole"].to_html()
    texts = [opened(html, java_script_enabled=enabled).inner_text("main") for enabled in (True, False)]
    assert texts[0] == texts[1]
    assert "They want an offer." in texts[0]


def test_what_was_said_runs_nothing_and_the_browser_has_nothing_to_complain_of(opened: Callable[..., Page]) -> None:
    page = opened(CALLS["whole"].to_html())
    assert page.title().startswith("Call to +1202")
    assert "<script>document.title='taken'</script>" in page.inner_text("main")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_policy_stops_a_script_that_got_in_all_the_same(opened: Callable[..., Page]) -> None:
    html = CALLS["whole"].to_html().replace("</main>", "</main><script>document.title = 'taken'</script>")
    page = opened(html)
    assert page.title().startswith("Call to +1202")
    assert "Content Security Policy" in str(page.complaints)  # type: ignore[attr-defined]


def test_the_recording_is_asked_for_when_a_time_is_clicked_and_not_before(opened: Callable[..., Page]) -> None:
    page = opened(CALLS["whole"].to_html())
    page.wait_for_timeout(300)
    assert len(page.asked) == 1  # type: ignore[attr-defined]
    with page.expect_request("https://recordings.example/t1.mp3"):
        page.click("a[data-at='8.0']")
    assert page.url.startswith("file://")


def test_a_keyboard_reaches_the_table_and_every_time(opened: Callable[..., Page]) -> None:
    page = opened(CALLS["whole"].to_html())
    reached: list[tuple[str | None, str]] = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(e => [e.getAttribute('aria-label'), getComputedStyle(e).outlineStyle])(document.activeElement)"
            )
        )
    labels = [label for label, _ in reached]
    assert "Attempts, one a row" in labels
    times = [[label, outline] for label, outline in reached if label and label.startswith("Play from")]
    assert times[:2] == [["Play from 0:00", "solid"], ["Play from 0:04", "solid"]]


@pytest.mark.parametrize("width", [320, 375, 768, 1400])
def test_no_width_scrolls_sideways(opened: Callable[..., Page], width: int) -> None:
    long = order(talk(4, words="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3))
    page = opened(draw(page_of(CallResult.from_call(long))), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_prints_on_a4_in_ink_on_white(opened: Callable[..., Page]) -> None:
    page = opened(CALLS["whole"].to_html(), **DARK)
    pdf = page.pdf(prefer_css_page_size=True)
    assert re.search(rb"/MediaBox\s*\[0 0 59[45]\.\d+ 84[12]\.\d+\]", pdf)
    page.emulate_media(media="print")
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('main')).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


def test_words_from_right_to_left_stand_on_the_right(opened: Callable[..., Page]) -> None:
    page = opened(CallResult.from_call(order(talk(1, words="مرحبا، نعم، الموعد مناسب لي"))).to_html())
    assert page.evaluate("getComputedStyle(document.querySelector('.turns .what p')).direction") == "rtl"
    assert page.evaluate("getComputedStyle(document.querySelector('main')).direction") == "ltr"
