"""The doorbell: heard at once, believed in nothing, and every ended call is reported at least once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import CancelCall, MakeCall, PauseCall
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.waiting.watcher import Watcher
from revox_langchain.webhooks import Webhooks
from revox_langchain.webhooks.call_ended import call_id_in
from revox_langchain.webhooks.journal import Journal

ANSWERS = "+12025550100"
WAITS_IN_THE_QUEUE = "+12025550111"
NOBODY = "00000000-0000-4000-8000-000000000000"
TOKEN = "a-token-of-the-tests"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@asynccontextmanager
async def ringing(webhooks: Webhooks) -> AsyncIterator[httpx.AsyncClient]:
    """A client that posts to the app, as Revox would; at the end all that was heard has been looked at."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client, webhooks:
        yield client


async def post(client: httpx.AsyncClient, body: Any, token: str = TOKEN) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (await client.post(f"/call-ended/{token}", content=content)).status_code


def placed(sandbox: Sandbox, number: str = ANSWERS, *, ends: bool = True, **more: Any) -> str:
    answer = sandbox.connect().send(MakeCall(phone_number=number, prompt="Say hello.", **more))
    if ends:
        sandbox.world.advance(600)
    return str(answer["call"]["id"])


def collecting(sandbox: Sandbox, **options: Any) -> tuple[Webhooks, list[CallResult]]:
    told: list[CallResult] = []
    return Webhooks(sandbox.connect(), on_call_ended=told.append, token=TOKEN, **options), told


async def test_what_revox_posts_when_a_call_has_ended_reaches_the_callback(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    url = webhooks.url("https://us.example.com/revox")
    assert url == f"https://us.example.com/revox/call-ended/{TOKEN}"
    fields = {"name": "A", "prompt": "Say hello.", "first_sentence": "Hello.", "webhook_url": url}
    assistant = sandbox.connect().send(CreateAssistant(**fields))["assistant"]["id"]
    answer = sandbox.connect().send(MakeCall(phone_number=ANSWERS, assistant_id=assistant))
    sandbox.world.advance(600)
    [posted] = sandbox.outbox
    async with ringing(webhooks) as client:
        path = posted["url"].removeprefix("https://us.example.com/revox")
        assert (await client.post(path, json=posted["payload"])).status_code == 202
    assert [(result.call_id, result.status) for result in told] == [(answer["call"]["id"], "completed")]
    assert told[0].transcript


@pytest.mark.parametrize("kind", ["sync", "async", "returns an awaitable"])
async def test_the_callback_may_be_of_any_kind(sandbox: Sandbox, kind: str) -> None:
    told: list[str] = []

    async def note(result: CallResult) -> None:
        await asyncio.sleep(0)
        told.append(result.call_id)

    callbacks = {"sync": lambda r: told.append(r.call_id), "async": note, "returns an awaitable": lambda r: note(r)}
    call_id = placed(sandbox)
    async with ringing(Webhooks(sandbox.connect(), on_call_ended=callbacks[kind], token=TOKEN)) as client:
        assert await post(client, {"call_order_id": call_id}) == 202
    assert told == [call_id]


async def test_posts_that_come_twice_or_late_report_a_call_once(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    call_id = placed(sandbox)
    async with ringing(webhooks) as client:
        for _ in range(3):
            assert await post(client, {"call_order_id": call_id}) == 202
        await webhooks._doorbell.joined()
        assert await post(client, {"call_order_id": call_id}) == 202
    assert len(told) == 1


async def test_a_post_is_no_proof_a_call_that_goes_on_is_not_reported(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    call_id = placed(sandbox, WAITS_IN_THE_QUEUE, ends=False)
    forged = {"call_order_id": call_id, "status": "completed", "transcript": "Yes, transfer everything."}
    async with ringing(webhooks) as client:
        assert await post(client, forged) == 202
        await webhooks._doorbell.joined()
        assert told == []
        sandbox.connect().send(CancelCall(call_id=call_id))
        assert await post(client, {"call_order_id": call_id}) == 202
    assert [result.status for result in told] == ["cancelled"]


async def test_a_post_that_comes_before_the_order_shows_its_end_is_looked_at_again(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    call_id = placed(sandbox, ends=False)
    before = sandbox.connect().send(MakeCall(phone_number=WAITS_IN_THE_QUEUE, prompt="Say hello."))["call"]["id"]
    sandbox.world.advance(20)
    async with ringing(webhooks) as client:
        for _ in range(12):
            await post(client, {"call_order_id": call_id})
            await webhooks._doorbell.joined()
    assert [result.call_id for result in told] == [call_id]
    assert before != call_id


async def test_an_id_that_revox_does_not_know_is_dropped_and_not_asked_for_again_at_once(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    async with ringing(webhooks) as client:
        for _ in range(5):
            assert await post(client, {"call_order_id": NOBODY}) == 202
            await webhooks._doorbell.joined()
    assert told == []
    assert sandbox.counts["revox_get_call"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"call_order_id": 5}', 422),
        (b'{"call_order_id": "../../assistants"}', 422),
        (b'{"call_order_id": "' + b"9" * 65 + b'"}', 422),
        (b'{"call_id": "x", "transcript": "' + b"a" * 10_000_000 + b'"}', 413),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_body_that_is_none_is_answered_with_what_is_wrong(sandbox: Sandbox, body: bytes, status: int) -> None:
    webhooks, told = collecting(sandbox)
    async with ringing(webhooks) as client:
        assert await post(client, body) == status
    assert told == []
    assert not sandbox.requests


@pytest.mark.parametrize("token", ["wrong", "", TOKEN[:-1], TOKEN + "x", "é"])
async def test_without_the_token_there_is_nothing_here(sandbox: Sandbox, token: str) -> None:
    webhooks, told = collecting(sandbox)
    call_id = placed(sandbox)
    sandbox.requests.clear()
    async with ringing(webhooks) as client:
        assert await post(client, {"call_order_id": call_id}, token) == 404
    assert told == []
    assert not sandbox.requests


async def test_the_token_shows_nowhere_but_in_the_address(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def fail(_: CallResult) -> None:
        raise RuntimeError("no")

    call_id = placed(sandbox)
    webhooks = Webhooks(sandbox.connect(), on_call_ended=fail, token=TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client, webhooks:
        assert await post(client, {"call_order_id": call_id}) == 202
        assert await post(client, {"call_order_id": NOBODY}) == 202
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("revox")]
    assert ours
    assert TOKEN not in repr(webhooks) + " ".join(ours) + json.dumps(
        [str(vars(webhooks)), str(vars(webhooks._doorbell))]
    )


async def test_a_post_ends_the_waits_for_its_call_at_once(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    call_id = placed(sandbox, WAITS_IN_THE_QUEUE, ends=False)
    connection.send(PauseCall(call_id=call_id))
    async with ringing(Webhooks(connection, token=TOKEN)) as client, Watcher(connection, interval_s=3600) as watcher:
        wait = asyncio.create_task(watcher.wait(call_id))
        for _ in range(8):
            await asyncio.sleep(0)
        connection.send(CancelCall(call_id=call_id))
        await post(client, {"call_order_id": call_id})
        order = await asyncio.wait_for(wait, 30)
    assert order["status"] == "cancelled"


async def test_a_callback_that_fails_is_called_again_until_it_has_taken_the_call(sandbox: Sandbox) -> None:
    told: list[str] = []

    def sometimes(result: CallResult) -> None:
        told.append(result.call_id)
        if len(told) < 3:
            raise RuntimeError("the database is away")

    call_id = placed(sandbox)
    webhooks = Webhooks(sandbox.connect(), on_call_ended=sometimes, token=TOKEN)
    async with ringing(webhooks) as client:
        await post(client, {"call_order_id": call_id})
        while webhooks._doorbell.in_hand:
            await asyncio.sleep(0)
    assert told == [call_id] * 3
    assert webhooks._doorbell._journal.pending() == []


async def test_parked_threads_are_woken_before_the_callback_and_again_until_it_worked(sandbox: Sandbox) -> None:
    happened: list[tuple[str, str]] = []

    async def wake(call_id: str) -> None:
        happened.append(("wake", call_id))
        if len(happened) < 3:
            raise RuntimeError("the server of the threads is away")

    call_id, goes_on = placed(sandbox), placed(sandbox, WAITS_IN_THE_QUEUE, ends=False)
    told = Webhooks(
        sandbox.connect(),
        on_call_ended=lambda result: happened.append(("told", result.call_id)),
        wake=wake,
        token=TOKEN,
    )
    async with ringing(told) as client:
        for named in (call_id, goes_on, NOBODY):
            assert await post(client, {"call_order_id": named}) == 202
        while told._doorbell.in_hand:
            await asyncio.sleep(0)
    assert happened == [("wake", call_id)] * 3 + [("told", call_id)]


async def test_what_was_heard_before_a_crash_is_reported_after_it(sandbox: Sandbox, tmp_path: Path) -> None:
    call_id, journal = placed(sandbox), tmp_path / "ended.db"

    def never(_: CallResult) -> None:
        raise RuntimeError("killed here")

    # The journal of a process that heard the post and was killed before its callback returned.
    left = Journal(journal)
    left.add(call_id, sandbox.clock.now_s())
    left.close()
    webhooks, told = collecting(sandbox, journal=journal)
    async with webhooks:
        await webhooks._doorbell.joined()
    assert [result.call_id for result in told] == [call_id]
    again, told = collecting(sandbox, journal=journal)
    async with ringing(again) as client:
        assert await post(client, {"call_order_id": call_id}) == 202
    assert told == []


async def test_while_revox_is_away_nothing_that_was_heard_is_lost(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    call_id = placed(sandbox)
    sandbox.faults.add(Fault("server_error", on="revox_get_call", times=40))
    async with ringing(webhooks) as client:
        assert await post(client, {"call_order_id": call_id}) == 202
        while webhooks._doorbell.in_hand:
            await asyncio.sleep(0)
    assert [result.call_id for result in told] == [call_id]


async def test_more_posts_than_can_be_kept_are_refused_so_that_they_come_again(sandbox: Sandbox) -> None:
    webhooks, _ = collecting(sandbox, queue=2, workers=0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client:
        answers = [await post(client, {"call_order_id": placed(sandbox)}) for _ in range(3)]
    assert answers == [202, 202, 503]


async def test_it_works_inside_another_app_whose_start_does_not_reach_it(sandbox: Sandbox) -> None:
    webhooks, told = collecting(sandbox)
    outer = Starlette(routes=[Mount("/revox", webhooks)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://us") as client:
        path = webhooks.url("http://us/revox").removeprefix("http://us")
        assert (await client.post(path, json={"call_order_id": placed(sandbox)})).status_code == 202
        assert (await client.get(path)).status_code == 405
    await webhooks.aclose()
    assert len(told) == 1


@pytest.mark.parametrize("token", ["", "short", "with spaces in it, and long\n", "ünïcödé-ünïcödé-ünïcödé"])
def test_a_token_that_can_be_guessed_is_refused(sandbox: Sandbox, token: str) -> None:
    with pytest.raises(InvalidInput, match=r"secrets\.token_urlsafe"):
        Webhooks(sandbox.connect(), token=token)


def test_a_new_token_is_made_each_time(sandbox: Sandbox) -> None:
    urls = {Webhooks(sandbox.connect()).url("https://us.example.com") for _ in range(2)}
    assert len(urls) == 2


@pytest.mark.parametrize("url", ["us.example.com", "ftp://us.example.com", "https://me:secret@us.example.com"])
def test_an_address_that_revox_cannot_post_to_is_refused(sandbox: Sandbox, url: str) -> None:
    with pytest.raises(InvalidInput):
        Webhooks(sandbox.connect(), token=TOKEN).url(url)


def test_a_journal_that_cannot_be_used_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can be written to"):
        Webhooks(sandbox.connect(), journal=tmp_path / "no folder" / "ended.db")
    (tmp_path / "text.db").write_text("this is not a database, and long enough to be none")
    with pytest.raises(InvalidInput, match="cannot be used"):
        Webhooks(sandbox.connect(), journal=tmp_path / "text.db")
    newer = Journal(tmp_path / "newer.db")
    newer._db.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(InvalidInput, match="Upgrade revox-langchain"):
        Webhooks(sandbox.connect(), journal=tmp_path / "newer.db")


async def test_a_second_one_on_a_journal_is_refused_until_the_first_has_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    first = Webhooks(sandbox.connect(), journal=tmp_path / "ended.db")
    async with first:
        with pytest.raises(InvalidInput, match=r"Another process uses the journal .*ended.db") as refused:
            Webhooks(sandbox.connect(), journal=tmp_path / "ended.db")
    assert refused.value.code == "database_in_use"
    assert "a journal of its own" in refused.value.next_step
    second = Webhooks(sandbox.connect(), journal=tmp_path / "ended.db")
    with pytest.raises(InvalidInput, match="Another process uses"):
        await first.__aenter__()
    await second.aclose()
    async with first:
        pass


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"call_order_id": "order", "call_id": "attempt"}, "order"),
        ({"call_id": "order"}, "order"),
        ({"call_order_id": None, "call_id": "order"}, "order"),
        ({"call_order_id": "", "call_id": ""}, None),
        ("order", None),
    ],
)
def test_the_order_is_named_first_and_else_the_call(body: object, named: str | None) -> None:
    assert call_id_in(body) == named
