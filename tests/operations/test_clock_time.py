"""Times of day: read as people write them, and refused where no one can tell which is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.operations.clock_time import as_documented, minute_of


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("09:00", 540),
        ("9:30pm", 21 * 60 + 30),
        ("6pm", 1080),
        ("09:00:00", 540),
        ("9h00", 540),
        ("9h", 540),
        ("9 h 30", 570),
        ("9 a.m.", 540),
        ("9 AM", 540),
        ("12 p.m.", 720),
        ("12am", 0),
        ("noon", 720),
        ("Midnight", 0),
        ("24:00", 1440),
        ("9.30", 570),
        ("9 Uhr 30", 570),
        ("9 Uhr", 540),
    ],
)
def test_a_time_of_day_is_read_as_people_write_it(text: str, minute: int) -> None:
    assert minute_of(text) == minute


@pytest.mark.parametrize(
    "text", ["13pm", "0am", "00:30pm", "24:01", "25:00", "9:60", "9:0", "09:00:30", "", "h", "9x", None]
)
def test_what_is_not_a_time_of_day_is_not_read(text: object) -> None:
    assert minute_of(text) is None


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_the_day_is_the_same_in_every_way_of_writing(hour: int, minute: int) -> None:
    half = f"{hour % 12 or 12}:{minute:02} {'a.m.' if hour < 12 else 'p.m.'}"
    ways = (f"{hour:02}:{minute:02}", f"{hour}h{minute:02}", f"{hour:02}:{minute:02}:00", half)
    assert {minute_of(way) for way in ways} == {hour * 60 + minute}
    assert {as_documented(way) for way in ways} == {f"{hour:02}:{minute:02}"}


@pytest.mark.slow
@given(st.text(max_size=12))
def test_any_text_is_a_minute_of_the_day_or_none(text: str) -> None:
    minute = minute_of(text)
    assert minute is None or 0 <= minute <= 1440
