"""The service over HTTP: nobody uses it without the token, and whoever starts calls cannot approve them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput
from revox_langchain.sandbox import Sandbox
from revox_langchain.service.app import Tokens, service_app
from revox_langchain.service.service import Service
from revox_langchain.webhooks import Webhooks

ANSWERS = "+12025550100"
REQUEST = {"phone_number": ANSWERS, "prompt": "Say hello, you are an AI."}
TOKEN, APPROVAL, HOOK = "the-token-for-using-it", "the-token-for-approving", "the-token-of-the-hook"
USES = {"Authorization": f"Bearer {TOKEN}"}
APPROVES = {"Authorization": f"Bearer {APPROVAL}"}


@asynccontextmanager
async def served(sandbox: Sandbox, db: Path, *, hook: bool = False, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    connection = sandbox.connect()
    service = Service(connection, db, **options)
    webhooks = Webhooks(connection, on_call_ended=service.heard, token=HOOK) if hook else None
    app = service_app(service, Tokens(TOKEN, APPROVAL), webhooks=webhooks)
    transport = httpx.ASGITransport(app)
    async with service, httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


async def reached(client: httpx.AsyncClient, thread_id: str, *states: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        while True:
            shown: dict[str, Any] = (await client.get(f"/calls/{thread_id}", headers=USES)).json()
            if shown["state"] in states:
                return shown
            await asyncio.sleep(0.001)

    return await asyncio.wait_for(look(), 30)


async def test_a_call_is_started_listed_and_read_over_http(sandbox: Sandbox, db: Path) -> None:
    async with served(sandbox, db) as client:
        started = await client.post("/calls", json={"request": REQUEST, "thread_id": "t"}, headers=USES)
        assert started.status_code == 202
        again = await client.post("/calls", json={"request": REQUEST, "thread_id": "t"}, headers=USES)
        assert again.status_code == 202
        shown = await reached(client, "t", "ended")
        listed = (await client.get("/calls", params={"state": "ended"}, headers=USES)).json()["calls"]
        status = (await client.get("/status", headers=USES)).json()
        health = await client.get("/healthz")
    assert shown["result"]["status"] == "completed"
    assert shown["sandbox"] is True
    assert [each["thread_id"] for each in listed] == ["t"]
    assert "result" not in listed[0]
    assert status["threads"] == {"running": 0, "waiting": 0, "asking": 0, "ended": 1, "failed": 0}
    assert health.json()["ok"] is True
    assert len(sandbox.dials) == 1


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize(
    "token", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {APPROVAL}", HOOK]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/calls"), ("GET", "/calls"), ("GET", "/calls/t"), ("POST", "/calls/t/cancel"), ("GET", "/status")],
)
async def test_without_the_token_nothing_is_told_or_done(
    sandbox: Sandbox, db: Path, method: str, path: str, token: str | None
) -> None:
    async with served(sandbox, db) as client:
        headers = {} if token is None else {"Authorization": token}
        answer = await client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert not sandbox.requests


async def test_whoever_starts_calls_cannot_approve_them(sandbox: Sandbox, db: Path) -> None:
    async with served(sandbox, db, approve=True) as client:
        await client.post("/calls", json={"request": REQUEST, "thread_id": "t"}, headers=USES)
        asked = await reached(client, "t", "asking")
        refused = await client.post("/calls/t/answer", json={"answer": True}, headers=USES)
        assert refused.status_code == 401
        assert "does not answer them" in refused.json()["error"]
        assert not sandbox.dials
        yes = asked["question"]["answers"]["approve"]
        assert (await client.post("/calls/t/answer", json={"answer": yes}, headers=APPROVES)).status_code == 200
        assert (await client.post("/calls", json={"request": REQUEST}, headers=APPROVES)).status_code == 401
        await reached(client, "t", "ended")
    assert len(sandbox.dials) == 1


async def test_a_question_is_rejected_by_cancelling(sandbox: Sandbox, db: Path) -> None:
    async with served(sandbox, db, approve=True) as client:
        await client.post("/calls", json={"request": REQUEST, "thread_id": "t"}, headers=USES)
        await reached(client, "t", "asking")
        assert (await client.post("/calls/t/cancel", headers=USES)).status_code == 200
        shown = await reached(client, "t", "ended")
        again = await client.post("/calls/t/cancel", headers=USES)
    assert shown["result"]["error"]["code"] == "rejected"
    assert again.status_code == 409
    assert not sandbox.dials


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/calls", b"not json", 422, "is not JSON"),
        ("/calls", b"[" * 100_000, 422, "is not JSON"),
        ("/calls", b"[]", 422, "not a JSON object"),
        ("/calls", b"{}", 422, "not a call request"),
        ("/calls", b'{"request": {}}', 422, "phone_number"),
        ("/calls", b'{"request": {"phone_number": "+12025550100", "promt": "Hi"}}', 422, "promt"),
        ("/calls", b'{"request": {"phone_number": "+12025550100", "prompt": "Hi"}, "thread_id": ""}', 422, "thread_id"),
        ("/calls", b'{"request": {"prompt": "' + b"a" * 10_000_000 + b'"}}', 422, "larger than"),
        ("/calls/nobody/cancel", b"", 404, "no thread"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_does_not_fit_is_told_and_dials_nothing(
    sandbox: Sandbox, db: Path, path: str, body: bytes, status: int, words: str
) -> None:
    async with served(sandbox, db) as client:
        answer = await client.post(path, content=body, headers=USES)
        listed = (await client.get("/calls", headers=USES)).json()["calls"]
    assert answer.status_code == status
    assert words in json.dumps(answer.json())
    assert listed == []
    assert not sandbox.dials


@pytest.mark.parametrize("query", ["state=done", "limit=0", "limit=many", "before=yesterday"])
async def test_a_list_that_cannot_be_made_says_which_part_is_wrong(sandbox: Sandbox, db: Path, query: str) -> None:
    async with served(sandbox, db) as client:
        answer = await client.get(f"/calls?{query}", headers=USES)
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["error"]["message"]


async def test_the_list_goes_on_where_it_stopped(sandbox: Sandbox, db: Path) -> None:
    async with served(sandbox, db, policy=DialPolicy(min_gap_s=0)) as client:
        for at in range(5):
            request = {**REQUEST, "intent": f"n{at}"}
            await client.post("/calls", json={"request": request, "thread_id": f"t{at}"}, headers=USES)
            sandbox.world.advance(1)
        seen: list[str] = []
        before: dict[str, str] = {}
        while page := (await client.get("/calls", params={"limit": "2", **before}, headers=USES)).json()["calls"]:
            seen += [each["thread_id"] for each in page]
            before = {"before": page[-1]["created_at"]}
    assert seen == ["t4", "t3", "t2", "t1", "t0"]


@pytest.mark.parametrize("headers", [{"Host": "evil.example.com"}, {"Origin": "https://evil.example.com"}])
async def test_a_page_in_a_browser_does_not_reach_it(sandbox: Sandbox, db: Path, headers: dict[str, str]) -> None:
    async with served(sandbox, db) as client:
        answer = await client.post("/calls", json={"request": REQUEST}, headers={**USES, **headers})
    assert answer.status_code in (403, 421)
    assert not sandbox.dials


async def test_what_revox_posts_wakes_the_thread(sandbox: Sandbox, db: Path) -> None:
    async with served(sandbox, db, hook=True, interval_s=86_400) as client:
        await client.post("/calls", json={"request": REQUEST, "thread_id": "t"}, headers=USES)
        shown = await reached(client, "t", "waiting", "ended")
        sandbox.world.advance(600)
        body = {"call_order_id": shown["call_id"]}
        assert (await client.post("/call-ended/wrong", json=body)).status_code == 404
        for _ in range(3):
            assert (await client.post(f"/call-ended/{HOOK}", json=body)).status_code == 202
        shown = await reached(client, "t", "ended")
    assert shown["result"]["status"] == "completed"


@pytest.mark.parametrize(
    ("token", "approval"), [("short", APPROVAL), (TOKEN, "short"), (TOKEN, TOKEN), ("ünïcödé" * 4, None)]
)
def test_tokens_that_protect_nothing_are_refused(token: str, approval: str | None) -> None:
    with pytest.raises(InvalidInput):
        Tokens(token, approval)
