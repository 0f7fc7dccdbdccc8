"""One look at many orders names those that are over, and leaves alone those that go on."""

from __future__ import annotations

import pytest

from revox_langchain.flow import run
from revox_langchain.operations.calls import MakeCall
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.waiting.sweep import over_among


@pytest.mark.slow
@pytest.mark.parametrize("searchable", [True, False])
def test_what_has_ended_or_does_not_exist_is_over(searchable: bool) -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=10_000))
    with sandbox.connect() as connection:
        ended = [connection.send(MakeCall(phone_number="+12025550100", prompt="Hi."))["call"]["id"] for _ in range(3)]
        sandbox.world.advance(3600)
        pending = connection.send(MakeCall(phone_number="+12025550100", prompt="Hi."))["call"]["id"]
        gone = "00000000-0000-4000-8000-000000000000"
        if not searchable:
            sandbox.faults.add(Fault("status", on="revox_get_call_history", status=400, times=None))
        found = run(over_among({*ended, pending, gone}), connection)
    assert sorted(found) == sorted([*ended, gone])
