"""A call as Markdown: facts, with numbers masked and everything from outside as text."""

from __future__ import annotations

import pytest

from revox_langchain.results.call import CallResult
from revox_langchain.results.masking import masked_json, masked_text
from tests.results.orders import order, talk


def test_a_call_is_told_with_what_is_not_known_said() -> None:
    told = CallResult.from_call(order(talk(2), outcome="interested")).to_markdown()
    for words in (
        "## Call to +1202•••••00",
        "| conclusion | interested |",
        "Tue 6 Jan 2026, 05:00:00 −05:00",
        "**Callee** 0:04: Yes, go ahead",
    ):
        assert words in told
    bare = CallResult.from_call({"id": "c1"}).to_markdown()
    assert bare.count("not reported") >= 5


def test_numbers_are_masked_unless_they_are_asked_for() -> None:
    spoken = talk(1, words="Call me at +33 6 12 34 56 78 or (202) 555-0123")
    result = CallResult.from_call(order(spoken, outcome_summary="Wants +49 30 901820."))
    assert not any(digits in result.to_markdown() for digits in ("12 34", "555-0123", "901820", "5550100"))
    assert "+12025550100" in result.to_markdown(show_numbers=True)


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-01-06 10:00 at 10 Downing Street",
        "order 4711, 12.50 euros",
        "550e8400-e29b-41d4-a716-446655440000",
        "https://recordings.example/1234567890123.mp3",
        "06.01.2026 1000",
    ],
)
def test_what_is_no_phone_number_stays(text: str) -> None:
    assert masked_text(text) == text


def test_a_number_is_masked_wherever_it_stands_in_json() -> None:
    hidden = str(masked_json({"a": ["+12025550100", {"b": 33612345678}], "n": 5, "ok": True}))
    assert "2025550100" not in hidden
    assert "612345678" not in hidden
    assert "'n': 5, 'ok': True" in hidden


@pytest.mark.slow
def test_markup_in_what_was_said_is_text() -> None:
    words = "<script>alert(1)</script> | **bold** [x](javascript:alert(1)) \u202egnp.exe\n# head"
    told = CallResult.from_call(order(talk(1, words=words))).to_markdown()
    for raw in ("<script", "**bold", "[x](", "\u202e", "\n# head"):
        assert raw not in told
    assert "[U+202E]".replace("[", "\\[").replace("]", "\\]") in told
