"""The scenarios of the agent benchmark are whole, and ring nobody's phone even by mistake."""

from __future__ import annotations

import re

import pytest

from benchmarks.scenario import FOLDER, Scenario, half, load
from revox_langchain.phone import parse_phone

ALL = [scenario for path in sorted(FOLDER.glob("*.toml")) for scenario in load(path)]
# US, London, Paris and Berlin numbers that their regulators keep for films and books.
FICTION = re.compile(r"\+1202555\s?01\d\d|\+442079460\d{3}|\+33199\d{6}|\+493023125\d{3}")


def test_every_name_is_unique() -> None:
    assert len({scenario.name for scenario in ALL}) == len(ALL)


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_every_number_to_dial_is_valid_and_reserved_for_fiction(scenario: Scenario) -> None:
    for number in scenario.numbers:
        assert parse_phone(number).e164 == number
        assert FICTION.fullmatch(number), number


@pytest.mark.slow
def test_the_half_set_apart_has_every_kind_and_every_language() -> None:
    held = half("held")
    assert len(held) >= 30
    assert {scenario.language for scenario in held} == {"en", "fr", "es", "de", "it", "pt", "ru", "zh"}
    assert len({scenario.kind for scenario in held}) == 7
