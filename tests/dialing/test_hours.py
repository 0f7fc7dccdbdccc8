"""Calling windows: in whose time they are, and what they are compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.actions.requests import act
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.hours import check_windows
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused
from revox_langchain.flow import run
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.campaigns import UpdateCampaign
from revox_langchain.phone import parse_phone
from revox_langchain.phone.zones import same_rules, zones_of_regions
from revox_langchain.sandbox import Sandbox

NOW_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def windows(zone: str | None = None, start: str = "10:00", end: str = "18:00") -> dict[str, Any]:
    window = {"calling_window_start_time": start, "calling_window_end_time": end, "retry_delay_seconds": 60}
    return {
        "call_retry_config": {
            "allowed_days": ["monday"],
            "call_twice_in_a_row": False,
            "calling_windows": [window],
            "max_retry_attempts": 2,
            "timezone": zone,
        }
    }


def allowed(zone: str | None, number: str | None, home: str | None = None, **policy: Any) -> bool:
    try:
        phone = parse_phone(number) if number else None
        check_windows(DialPolicy(**policy), windows(zone), phone, home=home, now_s=NOW_S)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    ("zone", "number", "fits"),
    [
        ("Asia/Calcutta", "+911126543210", True),
        ("Asia/Kolkata", "+911126543210", True),
        ("Europe/Kiev", "+380443334455", True),
        ("Europe/Kyiv", "+380443334455", True),
        ("US/Eastern", "+12025550100", True),
        ("America/Detroit", "+12025550100", True),
        ("GB", "+442079460000", True),
        ("Europe/Berlin", "+33142685300", True),
        ("Asia/Tokyo", "+12025550100", False),
        ("America/Chicago", "+12025550100", False),
        ("America/Phoenix", "+13035550100", False),
        ("Etc/GMT+5", "+12025550100", False),
        ("Europe/London", "+33142685300", False),
        ("America/New_York", "+18003569377", False),
        ("Mars/Olympus", "+33142685300", False),
        ("../../etc/passwd", "+33142685300", False),
        (None, "+33142685300", True),
    ],
)
def test_zones_are_compared_by_the_time_they_show_and_not_by_name(zone: str | None, number: str, fits: bool) -> None:
    assert allowed(zone, number) is fits


@pytest.mark.parametrize(
    ("zone", "policy", "home", "fits"),
    [
        ("Europe/Paris", {"default_region": "FR"}, None, True),
        ("Europe/Berlin", {"default_region": "FR"}, None, True),
        ("US/Pacific", {"default_region": "US"}, None, True),
        ("Europe/Paris", {"allowed_countries": frozenset({"FR", "ES"})}, None, True),
        ("Asia/Tokyo", {"default_region": "FR"}, "JP", False),
        ("Asia/Tokyo", {}, "JP", True),
        ("Asia/Tokyo", {}, "FR", False),
        ("Europe/Paris", {}, None, False),
        ("Asia/Tokyo", {"allow_skip_calling_window": True}, None, True),
        (None, {}, None, True),
    ],
)
def test_without_a_number_a_zone_must_be_one_of_the_countries_that_are_called(
    zone: str | None, policy: dict[str, Any], home: str | None, fits: bool
) -> None:
    assert allowed(zone, None, home, **policy) is fits


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(*[st.sampled_from(sorted(zones_of_regions(["US", "FR", "IN", "AU", "MA"])))] * 2)
def test_having_the_same_rules_goes_both_ways(one: str, other: str) -> None:
    assert same_rules(one, one, NOW_S)
    assert same_rules(one, other, NOW_S) == same_rules(other, one, NOW_S)


@pytest.mark.parametrize("start", ["13pm", "soon", None, 9.5])
def test_a_window_of_an_owner_that_cannot_be_read_is_refused_for_that_reason(start: Any) -> None:
    with pytest.raises(Refused, match="is not a time of day"):
        check_windows(DialPolicy(), windows(start=start))


@pytest.mark.parametrize("window", ["10:00-18:00", 5, None, ["10:00"]])
def test_a_window_of_any_shape_is_refused_and_never_an_error_of_ours(window: Any) -> None:
    config = {"call_retry_config": {"calling_windows": [window]}}
    with pytest.raises(Refused):
        check_windows(DialPolicy(), config)


@pytest.mark.parametrize("kind", ["create an assistant", "update an assistant", "update a campaign"])
def test_a_foreign_zone_is_refused_before_any_number_is_known(kind: str) -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    held = connection.send(CreateAssistant(name="n", prompt="Say hello, I am an AI."))["assistant"]["id"]

    def request(zone: str) -> Any:
        config = windows(zone)
        if kind == "create an assistant":
            return CreateAssistant.parse({"name": zone, "prompt": "Say hello, I am an AI.", "settings": config})
        if kind == "update an assistant":
            return UpdateAssistant.parse({"assistant_id": held, "settings": config})
        return UpdateCampaign.parse({"campaign_id": "c1", **config})

    with pytest.raises(Refused) as caught:
        run(act(request("Asia/Tokyo"), Guard()), connection)
    assert caught.value.code == "outside_local_hours"
    assert "Leave the timezone out" in caught.value.next_step
    if kind != "update a campaign":
        assert run(act(request("Asia/Tokyo"), Guard(DialPolicy(allowed_countries=frozenset({"JP"})))), connection)


@pytest.mark.slow
def test_an_owners_windows_do_not_stand_in_the_way_of_another_change() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    held = connection.send(CreateAssistant(name="n", prompt="Say hello, I am an AI."))["assistant"]["id"]
    sandbox.world.assistants[held].update(windows("Asia/Tokyo"))
    answer = run(act(UpdateAssistant(assistant_id=held, name="m"), Guard()), connection)
    assert answer["assistant"]["name"] == "m"
