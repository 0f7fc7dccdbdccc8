"""On a port it is never night, and an order that waits says until when."""

from __future__ import annotations

import json

import httpx
import pytest

from revox_langchain.operations import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.sandbox.page.pieces import pieces_of
from revox_langchain.sandbox.server import SandboxServer

NIGHT_S = 12 * 3600.0
MORNING = "2026-01-07T10:00:00.000Z"
MAKE = MakeCall(phone_number="+12025550100", prompt="P")


def call_at_night(sandbox: Sandbox) -> dict[str, object]:
    connection = sandbox.connect()
    sandbox.world.advance(NIGHT_S)
    call_id = connection.send(MAKE)["call"]["id"]
    sandbox.world.advance(300)
    call: dict[str, object] = connection.send(GetCall(call_id=call_id))["call"]
    return call


def test_on_a_port_orders_are_dialed_at_any_hour() -> None:
    with SandboxServer() as server:
        assert call_at_night(server.sandbox)["status"] == "completed"
        page = httpx.get(server.url).text
        shown = pieces_of(server.sandbox)
    assert "do not wait for their calling windows" in page
    assert not any('"waits": true' in piece for piece in shown.values())


@pytest.mark.slow
def test_they_stay_awake_after_a_reset() -> None:
    with SandboxServer() as server:
        httpx.post(f"{server.url}/sandbox/reset")
        assert call_at_night(server.sandbox)["status"] == "completed"


@pytest.mark.parametrize("served", [True, False])
def test_with_calling_hours_they_wait_and_say_until_when(served: bool) -> None:
    sandbox = Sandbox(switches=Switches(calling_hours=True if served else None))
    call = call_at_night(sandbox)
    assert (call["status"], call["scheduled_at"]) == ("scheduled", MORNING)
    text = sandbox.connect().send(GetCall(call_id=str(call["id"])))
    assert MORNING in GetCall.spec.render(text, GetCall(call_id=str(call["id"])))


def test_the_page_and_the_state_say_until_when_an_order_waits() -> None:
    with SandboxServer(Sandbox(switches=Switches(calling_hours=True))) as server:
        call_at_night(server.sandbox)
        page = httpx.get(server.url).text
        [order] = httpx.get(f"{server.url}/sandbox/state").json()["orders"]
        shown = json.loads(pieces_of(server.sandbox)[f"call/{order['id']}"])
    assert (shown["waits"], shown["waits_until"]) == (True, MORNING)
    assert "wait for their calling windows" in page
    assert (order["status"], order["waits_until"]) == ("scheduled", MORNING)


def test_an_order_between_attempts_says_until_when() -> None:
    sandbox = Sandbox(switches=Switches(calling_hours=False))
    connection = sandbox.connect()
    voicemail = MakeCall(phone_number="+12025550102", prompt="P")
    call_id = connection.send(voicemail)["call"]["id"]
    sandbox.world.advance(120)
    call = connection.send(GetCall(call_id=call_id))["call"]
    ended, until = (str(moment) for moment in (call["last_call_attempt"]["ended_at"], call["scheduled_at"]))
    assert (call["status"], until[:13], ended[:13]) == ("scheduled", "2026-01-06T12", "2026-01-06T10")
    sandbox.world.advance(7200)
    assert sandbox.world.book[call_id].waits is False


@pytest.mark.slow
def test_an_order_whose_windows_never_open_says_that() -> None:
    never = {"allowed_days": [], "call_twice_in_a_row": False, "calling_windows": [], "max_retry_attempts": 1}
    with SandboxServer(Sandbox(switches=Switches(calling_hours=True))) as server:
        body = {"phone_number": "+12025550100", "assistant": {"prompt": "P", "call_retry_config": never}}
        httpx.post(f"{server.base_url}/call", json=body, headers={"authorization": "Bearer k"})
        server.sandbox.world.advance(60)
        [call_id] = server.sandbox.world.orders
        shown = json.loads(pieces_of(server.sandbox)[f"call/{call_id}"])
    assert (shown["waits"], shown["waits_until"]) == (True, None)
