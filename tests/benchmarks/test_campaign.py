"""The benchmark of contacts takes every step, and says when more is needed than is promised."""

from __future__ import annotations

import json

import pytest

from benchmarks import campaign
from revox_langchain.contacts import read_contacts


def test_the_quick_benchmark_takes_every_step(capsys):
    assert campaign.main(["--one", "100"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 100
    assert 50 < found["contacts"] <= 100
    assert found["languages"] == 8
    assert found["total_s"] > 0


def test_its_file_has_the_same_contacts_each_time():
    assert campaign.file_of(20) == campaign.file_of(20)
    assert len(read_contacts(campaign.file_of(20)).rows) == 20


@pytest.mark.slow
def test_more_than_is_promised_is_told():
    good = {"rows": 100_000, "total_s": 49.0, "keep_s": 9.0, "bytes_per_row": 2900}
    assert not campaign.too_much(good)
    assert campaign.too_much(good | {"total_s": 51.0})
    assert campaign.too_much(good | {"keep_s": 51.0})
    assert campaign.too_much(good | {"bytes_per_row": 3100})
    assert campaign.too_much({"rows": 10_000, "total_s": 5.1, "keep_s": 1.0, "bytes_per_row": 0})


def test_watching_asks_once_a_minute_and_once_per_hundred_contacts_that_ended():
    found = campaign.watched(120)
    assert found["ended"] == found["contacts"] == 120
    assert 0 < found["requests"] <= found["promised"] <= 1.1 * (120 / 100 + found["minutes"] + 2) + 1
