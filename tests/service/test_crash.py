"""Whenever the service dies, no order is lost, none is placed twice, and each reaches its report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.service.crash.harness import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
    pytest.mark.xdist_group("service crash"),
]


def test_killed_six_times_it_loses_no_order_doubles_none_and_reports_each(tmp_path: Path) -> None:
    figures = run(tmp_path, 40)
    assert figures.kills == 6
    figures.check()


def test_where_nothing_dies_each_call_is_reported_once(tmp_path: Path) -> None:
    figures = run(tmp_path, 20, kills=False)
    assert figures.kills == 0
    figures.check()
