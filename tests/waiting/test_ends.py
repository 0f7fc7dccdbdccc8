"""An end that this process has just read is not read again, and only whole orders count."""

from __future__ import annotations

from typing import Any

import pytest

from revox_langchain.waiting.ends import FRESH_S, Ends

NOW_S = 1_767_700_000.0


def order(call_id: str = "c1", status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "status": status, **more}


def proven() -> Ends:
    ends = Ends()
    ends.keep_row("c0", order("c0"), NOW_S)
    ends.compare("c0", order("c0"))
    return ends


def test_an_ended_order_is_known_for_a_few_seconds() -> None:
    ends = Ends()
    ends.keep("c1", order(), NOW_S)
    assert ends.known("c1", NOW_S + FRESH_S) == order()
    assert ends.known("c1", NOW_S + FRESH_S + 1) is None
    assert ends.known("c1", NOW_S - FRESH_S - 1) is None
    assert ends.known("c2", NOW_S) is None


def test_an_order_that_goes_on_is_never_kept() -> None:
    ends = Ends()
    ends.keep("c1", order(status="calling"), NOW_S)
    assert ends.known("c1", NOW_S) is None


def test_what_is_taken_is_kept_no_longer() -> None:
    ends = Ends()
    ends.keep("c1", order(), NOW_S)
    assert ends.take("c1", NOW_S) == order()
    assert ends.take("c1", NOW_S) is None


def test_a_row_of_a_search_counts_only_after_one_was_the_same_as_the_order() -> None:
    ends = Ends()
    ends.keep_row("c1", order(), NOW_S)
    assert ends.known("c1", NOW_S) is None
    ends.keep_row("c2", order("c2"), NOW_S)
    ends.compare("c1", order())
    assert ends.known("c1", NOW_S) == order()
    assert ends.known("c2", NOW_S) == order("c2")


@pytest.mark.parametrize("read", [order(transcript=["Hello."]), order(status="errored")])
def test_rows_that_show_less_than_the_order_never_count(read: dict[str, Any]) -> None:
    ends = Ends()
    for at in range(10):
        ends.keep_row(f"c{at}", order(f"c{at}"), NOW_S)
        ends.compare(f"c{at}", {**read, "id": f"c{at}"})
    ends.keep_row("c10", order("c10"), NOW_S)
    ends.compare("c10", order("c10"))
    ends.keep_row("c11", order("c11"), NOW_S)
    assert ends.known("c11", NOW_S) is None


@pytest.mark.slow
def test_one_order_that_changed_in_between_does_not_decide() -> None:
    ends = Ends()
    ends.keep_row("c1", order(), NOW_S)
    ends.compare("c1", order(outcome="good"))
    ends.keep_row("c2", order("c2"), NOW_S)
    ends.compare("c2", order("c2"))
    ends.keep_row("c3", order("c3"), NOW_S)
    assert ends.known("c3", NOW_S) == order("c3")


@pytest.mark.slow
def test_ends_that_nobody_asks_for_do_not_pile_up() -> None:
    ends = proven()
    for at in range(5000):
        ends.keep_row(f"row {at}", order(), NOW_S)
        ends.keep(f"read {at}", order(), NOW_S)
    kept = [name for kind in ("row", "read") for at in range(5000) if ends.known(name := f"{kind} {at}", NOW_S)]
    assert 0 < len(kept) <= 100
    assert f"read {4999}" in kept
