"""A real browser for tests of pages: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a browser without a window. Skips where there is none, unless it is required."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _is_missing("Playwright is not installed: make install")
    if program is None:
        _is_missing("Chromium is not on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # As root Chromium does not start with its sandbox.
        arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opening_files(browser: Browser, file: Path) -> Iterator[Callable[..., Page]]:
    """Gives what opens a page from a file; what it asks for and what the browser complains of is kept on it."""
    contexts = []

    def open_page(html: str, **options: Any) -> Page:
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []  # type: ignore[attr-defined]
        page.route("**/*", lambda route: route.continue_() if route.request.url == file.as_uri() else route.abort())
        page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.goto(file.as_uri())
        assert page.asked == [file.as_uri()]  # type: ignore[attr-defined]
        return page

    yield open_page
    for context in contexts:
        context.close()


def _is_missing(why: str) -> None:
    if os.environ.get("TEST_BROWSER"):
        pytest.fail(why)
    pytest.skip(why)
