"""Who calls: looked up before the phone is answered, and whatever goes wrong, Revox gets every variable."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox
from revox_langchain.webhooks import CallerLookup, Webhooks
from revox_langchain.webhooks.caller import e164_of

ADA = "+12025550100"
TOKEN = "a-token-of-the-tests"


class Caller(BaseModel):
    name: str = "there"
    visits: int = 0
    last_visit: date | None = None
    member: bool = False


def known(phone: str) -> Caller | None:
    return Caller(name="Ada", visits=3, last_visit=date(2026, 11, 2), member=True) if phone == ADA else None


async def asked(webhooks: Webhooks, phone: str = ADA, url: str | None = None) -> httpx.Response:
    """What Revox would hear: it fills the number into the URL, encoded."""
    whole = url or webhooks.caller_url("https://us.example.com/revox")
    path = whole.removeprefix("https://us.example.com/revox").replace("{{phone}}", quote(phone, safe=""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client:
        return await client.get(path)


async def variables(caller: Any, phone: str = ADA) -> Any:
    answer = await asked(Webhooks(Sandbox().connect(), caller=caller, token=TOKEN), phone)
    assert answer.status_code == 200
    assert answer.json().keys() == {"prompt_variables"}
    return answer.json()["prompt_variables"]


STRANGER = {"name": "there", "visits": "0", "last_visit": "", "member": "false"}


async def test_a_known_caller_is_answered_with_texts_whatever_their_types() -> None:
    assert await variables(known) == {"name": "Ada", "visits": "3", "last_visit": "2026-11-02", "member": "true"}


async def test_an_unknown_caller_gets_the_defaults_of_the_model_that_the_lookup_returns() -> None:
    assert await variables(known, "+12025550199") == STRANGER


@pytest.mark.parametrize("phone", ["", "anonymous", "Restricted", "{{phone}}", "+", "+1" * 30, "0"])
async def test_a_withheld_number_is_an_unknown_caller_and_not_looked_up(phone: str) -> None:
    looked_up: list[str] = []
    assert await variables(CallerLookup(lambda p: looked_up.append(p), default={"name": "there"}), phone) == {
        "name": "there"
    }
    assert looked_up == []


@pytest.mark.parametrize("phone", ["+12025550100", " 12025550100", "12025550100"])
def test_a_plus_that_was_lost_on_the_way_is_put_back(phone: str) -> None:
    assert e164_of(phone) == ADA


@pytest.mark.parametrize("kind", ["sync", "async", "returns an awaitable", "an object"])
async def test_the_lookup_may_be_of_any_kind(kind: str) -> None:
    async def later(phone: str) -> Mapping[str, object]:
        await asyncio.sleep(0)
        return {"name": "Ada"}

    class Book:
        def __call__(self, phone: str) -> Mapping[str, object]:
            return {"name": "Ada"}

    lookups: dict[str, Any] = {
        "sync": lambda phone: {"name": "Ada"},
        "async": later,
        "returns an awaitable": lambda phone: later(phone),
        "an object": Book(),
    }
    assert await variables(lookups[kind]) == {"name": "Ada"}


async def test_what_the_lookup_leaves_out_or_does_not_know_comes_from_the_default() -> None:
    default = {"name": "there", "city": "your town", "plan": "none"}
    found = CallerLookup(lambda phone: {"name": "Ada", "city": None, "note": "VIP"}, default=default)
    assert await variables(found) == {"name": "Ada", "city": "your town", "plan": "none", "note": "VIP"}


def raises(phone: str) -> Caller:
    raise RuntimeError("the address book is at db.internal, password hunter2")


def nested(phone: str) -> Any:
    return {"name": {"first": "Ada"}}


def text(phone: str) -> Any:
    return "Ada"


def times_out(phone: str) -> Any:
    raise TimeoutError


def wrong_type(phone: str) -> Any:
    return {"visits": "many"}


@pytest.mark.parametrize("broken", [raises, nested, text, times_out, wrong_type])
async def test_a_lookup_that_fails_is_harmless_on_the_line(
    broken: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert await variables(CallerLookup(broken, default=Caller())) == STRANGER
    [line] = [json.loads(r.getMessage()) for r in caplog.records if r.name == "revox_langchain.webhooks"]
    assert (line["route"], line["status"], line["caller"]) == ("caller", 200, "failed")
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_lookup_that_takes_too_long_is_answered_with_the_default(kind: str) -> None:
    hangs = threading.Event()

    async def waits(phone: str) -> Caller:
        await asyncio.Event().wait()
        return Caller(name="Ada")

    def blocks(phone: str) -> Caller:
        hangs.wait()
        return Caller(name="Ada")

    lookup: Any = {"sync": blocks, "async": waits}[kind]
    try:
        found = CallerLookup(lookup, timeout_s=0.01)
        assert await variables(found) == STRANGER
        assert (await found.variables(ADA))[1] == "too late"
    finally:
        hangs.set()


@pytest.mark.slow
async def test_lookups_that_hang_leave_the_threads_of_everything_else_alone() -> None:
    hangs = threading.Event()
    lookup = CallerLookup(lambda phone: hangs.wait() and None, default={"name": "there"}, timeout_s=0.01)
    try:
        for _ in range(50):
            assert (await lookup.variables(ADA))[0] == {"name": "there"}
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "runs"), 30) == "runs"
    finally:
        hangs.set()


async def test_a_wrong_token_hears_nothing_and_another_route_has_another_token() -> None:
    looked_up: list[str] = []
    webhooks = Webhooks(Sandbox().connect(), caller=lambda phone: looked_up.append(phone), token=TOKEN)
    url = f"https://us.example.com/revox/caller/{TOKEN}?phone={{{{phone}}}}"
    assert (await asked(webhooks, url=url)).status_code == 404
    assert looked_up == []
    assert TOKEN not in webhooks.caller_url("https://us.example.com")


async def test_the_line_in_the_log_names_neither_number_nor_token(caplog: pytest.LogCaptureFixture) -> None:
    webhooks = Webhooks(Sandbox().connect(), caller=known, token=TOKEN)
    with caplog.at_level(logging.INFO, "revox_langchain"):
        await asked(webhooks)
    secret = urlsplit(webhooks.caller_url("https://us.example.com")).path.rpartition("/")[2]
    assert ADA not in caplog.text
    assert secret not in caplog.text
    assert '"caller": "known"' in caplog.text


def test_an_assistant_takes_the_address_and_shows_it_without_the_token() -> None:
    connection = Sandbox().connect()
    url = Webhooks(connection, caller=known, token=TOKEN).caller_url("https://us.example.com/revox/")
    made = connection.send(
        CreateAssistant(name="Front desk", prompt="Greet {{name}}.", settings={"precall_lookup_url": url})
    )["assistant"]
    assert made["precall_lookup_url"] == "https://us.example.com/revox/caller/[redacted]?phone={{phone}}"


class Needs(BaseModel):
    name: str
    city: str = "your town"


def needs(phone: str) -> Needs | None:
    return None


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CallerLookup(needs), "Needs has no default for name"),
        (lambda: CallerLookup(known, default={"name": {"first": ""}}), "'name' of a caller is nested"),
        (lambda: CallerLookup("+12025550100"), "cannot be called"),  # type: ignore[arg-type]
        (lambda: CallerLookup(known, timeout_s=0), "timeout_s is not above zero"),
        (lambda: Webhooks(Sandbox().connect(), caller=needs), "Needs has no default for name"),
        (lambda: Webhooks(Sandbox().connect()).caller_url("https://us.example.com"), "look no callers up"),
        (lambda: Webhooks(Sandbox().connect(), caller=known).caller_url("us.example.com"), "not valid"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(make: Callable[[], object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        make()


@pytest.mark.slow
def test_an_inbound_call_is_answered_with_what_was_looked_up_and_reported_when_it_ends() -> None:
    told: list[CallResult] = []
    app = Starlette()
    sandbox = Sandbox(outside=httpx.ASGITransport(app))
    webhooks = Webhooks(sandbox.connect(), caller=known, on_call_ended=told.append, token=TOKEN)
    app.mount("/revox", webhooks)
    here, connection = "http://127.0.0.1/revox", sandbox.connect()
    front = CreateAssistant(
        name="Front desk",
        prompt="Greet {{name}}.",
        first_sentence="Hello {{name}}.",
        webhook_url=webhooks.url(here),
        settings={"precall_lookup_url": webhooks.caller_url(here)},
    )
    made = connection.send(front)["assistant"]["id"]
    number = connection.send(ListPhoneNumbers())["phone_numbers"][0]
    connection.send(UpdatePhoneNumber(phone_number_id=number["id"], inbound_assistant_id=made))
    received = sandbox.receive(ADA, number["phone_number"])
    sandbox.world.advance(3600)
    [post] = sandbox.outbox

    async def posted() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://us") as client, webhooks:
            return (await client.post(urlsplit(post["url"]).path, json=post["payload"])).status_code

    assert asyncio.run(posted()) == 202
    [result] = told
    assert (result.call_id, result.direction, result.from_phone_number) == (received["id"], "inbound", ADA)
    assert result.transcript[0].content == "Hello Ada."
