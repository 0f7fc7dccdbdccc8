"""Many cases of one rule: `make test` runs a few of them, `make test-all` every one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def a_few_of(cases: Iterable[Any], every: int) -> list[Any]:
    """All of the cases, of which only each `every`-th is run by `make test`."""
    return [
        case if place % every == 0 else pytest.param(case, marks=pytest.mark.slow) for place, case in enumerate(cases)
    ]
