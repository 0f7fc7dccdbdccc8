"""A campaign's contacts: each rung once, none that must not be rung, and many checked in linear time."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from revox_langchain.actions.requests import act, perform
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, Refused
from revox_langchain.flow import Work, run
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.operations.campaigns import CreateCampaign, LaunchCampaign, PauseCampaign, ResumeCampaign
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.sandbox import Sandbox, Switches

FRENCH = "01 42 68 53 00"
MANY = DialPolicy(max_orders=None)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def arguments(connection: Connection, *numbers: str, name: str = "Spring") -> dict[str, Any]:
    assistant = connection.send(CreateAssistant(name=f"for {name}", prompt="Say hello, I am an AI."))["assistant"]["id"]
    return {"assistant_id": assistant, "name": name, "contacts": [{"to_phone_number": number} for number in numbers]}


def created(connection: Connection, *numbers: str, name: str = "Spring", **policy: Any) -> dict[str, Any]:
    given = arguments(connection, *numbers, name=name)
    answer: dict[str, Any] = run(perform(CreateCampaign, given, Guard(DialPolicy(**policy))), connection)[1]["campaign"]
    return answer


def stored(connection: Connection, *numbers: str, name: str = "Spring") -> str:
    """A campaign that was made in the dashboard, past every check of ours."""
    return str(connection.send(CreateCampaign.parse(arguments(connection, *numbers, name=name)))["campaign"]["id"])


def launch_refused(connection: Connection, campaign_id: str, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        run(act(LaunchCampaign.parse({"campaign_id": campaign_id, **more}), Guard(MANY)), connection)
    return caught.value


def test_one_person_in_several_spellings_is_refused_and_named(sandbox: Sandbox) -> None:
    spellings = ("+33142685300", "+33 1 42 68 53 00", "tel:+33-1-42-68-53-00", "+33 (0)1 42 68 53 00")
    with pytest.raises(InvalidInput, match=r"contacts\.0 and contacts\.2") as caught:
        created(sandbox.connect(), spellings[0], "+12025550100", *spellings[1:])
    assert caught.value.code == "duplicate_contacts"
    assert not sandbox.world.campaigns


def test_of_many_repeated_contacts_a_few_are_named(sandbox: Sandbox) -> None:
    numbers = [f"+12025550{n}" for n in range(100, 190)]
    with pytest.raises(InvalidInput, match="and 87 more numbers") as caught:
        created(sandbox.connect(), *numbers, *numbers)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("policy", [{"default_region": "FR"}, {}], ids=["the policy's", "the organisation's"])
def test_contacts_in_national_form_have_a_country(sandbox: Sandbox, policy: dict[str, Any]) -> None:
    connection = sandbox.connect()
    campaign = created(connection, "+12025550100", FRENCH, **policy)
    rows = connection.send(GetCallHistory(campaign_ids=[campaign["id"]]))["calls"]
    assert {row["to_phone_number"] for row in rows} == {"+12025550100", "+33142685300"}


def test_a_contact_of_another_campaign_that_has_not_ended_is_not_rung_twice(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    one, other = (stored(connection, "+12025550111", f"+1202555012{n}", name=str(n)) for n in (1, 2))
    run(act(LaunchCampaign(campaign_id=one), Guard(MANY)), connection)
    refused = launch_refused(connection, other)
    assert refused.code == "recently_placed"
    assert "1 of the 2 numbers" in refused.message
    left_out = refused.details["call_ids"]
    assert left_out[0] in refused.next_step
    request = LaunchCampaign(campaign_id=other, row_mode="all_except", call_ids=left_out)
    assert run(act(request, Guard(MANY)), connection)["launched"] == 1


def test_a_number_that_rang_a_moment_ago_is_not_rung_by_a_launch(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    campaign_id = stored(connection, "+12025550111", "+12025550122")
    call = connection.send(MakeCall(phone_number="+12025550111", prompt="Say hello."))["call"]
    while connection.send(GetCallHistory(call_ids=[call["id"]], statuses=["completed"]))["total_count"] == 0:
        sandbox.world.advance(5)
    long = Guard(DialPolicy(max_orders=None, min_gap_s=1e6))
    with pytest.raises(Refused, match="rang less than") as caught:
        run(act(LaunchCampaign(campaign_id=campaign_id), long), connection)
    assert caught.value.code == "recently_placed"
    assert caught.value.retry_after_s
    assert len(caught.value.details["call_ids"]) == 1


def test_the_organisations_own_numbers_are_not_rung_by_a_launch(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    own = connection.send(ListPhoneNumbers())["phone_numbers"][0]["phone_number"]
    refused = launch_refused(connection, stored(connection, own, "+12025550122"))
    assert refused.code == "own_number"
    assert "call_ids" in refused.next_step


def test_a_number_that_stands_twice_in_a_campaign_is_launched_once_left_out(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    campaign_id = stored(connection, "+12025550122", "+12025550122")
    refused = launch_refused(connection, campaign_id)
    assert refused.code == "duplicate_contacts"
    request = LaunchCampaign(campaign_id=campaign_id, call_ids=refused.details["call_ids"])
    assert run(act(request, Guard(MANY)), connection)["launched"] == 1


def test_a_launch_in_the_past_is_refused(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    refused = launch_refused(connection, stored(connection, "+12025550122"), scheduled_at="2020-01-01T10:00:00Z")
    assert refused.code == "scheduled_in_the_past"
    assert sandbox.counts["revox_launch_campaign"] == 0


def calls_of_functions(sandbox: Sandbox, size: int) -> int:
    """How many functions run, ours and those we use, while a campaign of this size is created."""
    connection = sandbox.connect()
    given = arguments(connection, *(f"+1202{n}" for n in range(5_550_000, 5_550_000 + size)), name=str(size))
    count = 0

    def profile(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    flow = perform(CreateCampaign, given, Guard(MANY))
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run(flow, connection)
    finally:
        sys.setprofile(before)
    return count


def test_twice_the_contacts_are_twice_the_work(sandbox: Sandbox) -> None:
    calls_of_functions(sandbox, 50)
    assert calls_of_functions(sandbox, 180) < 2.4 * calls_of_functions(sandbox, 90)


@pytest.mark.slow
def test_many_contacts_are_checked_off_the_event_loop(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    given = arguments(connection, *(f"+1202{n}" for n in range(5_550_000, 5_550_300)))
    flow = perform(CreateCampaign, given, Guard(MANY))
    works, answer = 0, None
    for _ in range(3):
        step = flow.send(answer)
        if not isinstance(step, Work):
            break
        works, answer = works + 1, step.function()
    assert works == 3
    flow.close()


@pytest.mark.parametrize("act_on", ["launch", "resume"])
def test_contacts_that_the_search_does_not_show_yet_are_not_rung_unchecked(act_on: str) -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=30))
    connection = sandbox.connect()
    campaign_id = stored(connection, "+12025550100", "+12025550109")
    if act_on == "resume":
        connection.send(LaunchCampaign(campaign_id=campaign_id))
        connection.send(PauseCampaign(campaign_id=campaign_id))
    request = {"launch": LaunchCampaign, "resume": ResumeCampaign}[act_on].parse({"campaign_id": campaign_id})
    with pytest.raises(Refused) as caught:
        run(act(request, Guard(MANY)), connection)
    assert (caught.value.code, caught.value.retry_after_s) == ("contacts_unknown", 60)
    sandbox.world.advance(60)
    with pytest.raises(Refused) as caught:
        run(act(request, Guard(MANY)), connection)
    assert caught.value.code == "do_not_contact"
