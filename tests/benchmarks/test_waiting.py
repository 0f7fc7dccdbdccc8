"""The benchmark of waiting: its toy keeps Revox's rules, and each way to wait notices every end."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from benchmarks import waiting
from benchmarks.schemes import SCHEMES
from benchmarks.toy_revox import ORDER_BYTES, ToyRevox


def found(toy: ToyRevox, **body: Any) -> list[str]:
    return [order["id"] for order in json.loads(toy.search(body))["calls"]]


def test_the_same_seed_ends_the_same_orders_one_in_five_within_six_intervals() -> None:
    toy, again, other = ToyRevox(50, 1), ToyRevox(50, 1), ToyRevox(50, 2)
    assert toy.ends_s == again.ends_s
    assert toy.ids != other.ids
    assert sum(share <= 0.2 for share in toy.ends_s.values()) == 10


def test_a_search_of_the_toy_honours_ids_statuses_pages_and_counts() -> None:
    toy = ToyRevox(10, 0)
    assert {toy.status(call_id) for call_id in toy.ids} == {"queued_for_calling"}
    toy.begun_s, toy.over_s = time.time() - 500, 1000
    over = [call_id for call_id in toy.ids if toy.ends_s[call_id] < 0.5]
    assert len(over) == 5
    assert found(toy, statuses=["completed"]) == over
    assert found(toy, statuses=["completed"], call_ids=toy.ids[:4], page_size=100) == [
        call_id for call_id in toy.ids[:4] if call_id in over
    ]
    assert found(toy, page=2, page_size=4, statuses=[]) == toy.ids[4:8]
    assert json.loads(toy.search({"page_size": 1}))["total_count"] == 10
    assert found(toy, call_ids=["nope"]) == []


def test_an_order_of_the_toy_is_as_large_as_a_real_one_with_a_transcript() -> None:
    toy = ToyRevox(1, 0)
    assert 0.9 * ORDER_BYTES < len(toy.order(toy.ids[0])) < 1.1 * ORDER_BYTES


@pytest.mark.slow
def test_a_placed_order_is_found_by_its_number_with_its_metadata() -> None:
    toy = ToyRevox(2, 0)
    placed = json.loads(toy.place({"phone_number": "+12025550123", "metadata": {"a": "b"}}))["call"]
    assert placed["metadata"] == {"a": "b"}
    assert found(toy, to_phone_number="+12025550123") == [placed["id"]]
    assert found(toy, to_phone_number="+12025550124") == []


@pytest.mark.slow
def test_the_quick_mode_runs_every_scheme_and_misses_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert waiting.main(["--quick", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = report["schemes"]
    assert rows.keys() == SCHEMES.keys()
    assert report["revox"]
    assert all(row["ended"] > 0 and row["missed"] == 0 for row in rows.values())
    assert rows["watcher"]["requests"] < rows["sdk"]["requests"] / 5
    assert rows["parked"]["requests"] == 0
    assert rows["graphs-sqlite"]["kB per waiting run"] > 0
