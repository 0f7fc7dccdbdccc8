"""A real browser for tests of pages: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


def _is_missing(why: str) -> None:
    if os.environ.get("TEST_BROWSER"):
        pytest.fail(why)
    pytest.skip(why)
