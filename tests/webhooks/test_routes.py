"""Every route is held to its token and its limits, and each request leaves one line that gives nothing away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import Response, StreamingResponse

from revox_langchain.errors import InvalidInput
from revox_langchain.webhooks.routes import Asked, WebhookRoute, answered, app_of, checked_token, token_for

IN_PATH = SecretStr("the-token-in-the-path")
IN_HEADER = SecretStr("the-token-in-the-header")
NUMBER = "+12025550100"


async def echo(asked: Asked) -> Response:
    asked.noted.update(tool="book", said_to=NUMBER)
    return answered(200, body=asked.body.decode(), query=dict(asked.query))


async def streams(asked: Asked) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one, "
        yield b"two"

    return StreamingResponse(pieces())


async def never(asked: Asked) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def breaks(asked: Asked) -> Response:
    raise RuntimeError("a secret of the program")


async def times_out_itself(asked: Asked) -> Response:
    raise TimeoutError("of the handler's own")


ROUTES = [
    WebhookRoute(name="echo", path="/echo/{token}", token=IN_PATH, handler=echo, max_body_bytes=10),
    WebhookRoute(name="looks", path="/looks/{name}", token=IN_HEADER, handler=echo, method="GET"),
    WebhookRoute(name="streams", path="/streams", token=IN_HEADER, handler=streams),
    WebhookRoute(name="never", path="/never", token=IN_HEADER, handler=never, timeout_s=0),
    WebhookRoute(name="breaks", path="/breaks", token=IN_HEADER, handler=breaks),
    WebhookRoute(name="times out", path="/times-out", token=IN_HEADER, handler=times_out_itself),
]


@pytest.fixture
async def client(caplog: pytest.LogCaptureFixture) -> AsyncIterator[httpx.AsyncClient]:
    caplog.set_level(logging.INFO, "revox_langchain.webhooks")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_of(ROUTES)), base_url="http://us") as client:
        yield client


def bearer(token: SecretStr = IN_HEADER) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.get_secret_value()}"}


async def test_a_request_with_the_token_reaches_its_handler(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/echo/{IN_PATH.get_secret_value()}?a=1", content=b"hello")
    assert (answer.status_code, answer.json()) == (200, {"body": "hello", "query": {"a": "1"}})
    assert (await client.get("/looks/x", headers=bearer())).status_code == 200
    assert (await client.post("/streams", headers=bearer())).text == "one, two"


@pytest.mark.parametrize(
    "headers",
    [{}, bearer(IN_PATH), {"Authorization": IN_HEADER.get_secret_value()}, {"Authorization": "Bearer"}, bearer()],
)
async def test_no_token_opens_the_route_of_another(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    right = headers == bearer()
    assert (await client.get("/looks/x", headers=headers)).status_code == (200 if right else 404)
    assert (await client.post("/echo/wrong", headers=headers)).status_code == 404
    assert (await client.post(f"/echo/{IN_HEADER.get_secret_value()}", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/echo/{IN_PATH.get_secret_value()}", b"more than ten", 413),
        ("/echo/wrong", b"a" * 10_000_000, 404),
        ("/never", b"", 503),
        ("/breaks", b"", 500),
        ("/times-out", b"", 500),
        ("/nothing/here", b"", 404),
        ("/looks/x", b"", 405),
    ],
)
async def test_what_goes_wrong_is_answered_without_a_word_of_why(
    client: httpx.AsyncClient, path: str, body: bytes, status: int
) -> None:
    answer = await client.post(path, content=body, headers=bearer())
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert answer.json().keys() == {"error"}


async def test_a_body_that_comes_too_slowly_is_not_waited_for(client: httpx.AsyncClient) -> None:
    async def slow() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    assert (await client.post("/never", content=slow(), headers=bearer())).status_code == 408


async def test_each_request_leaves_one_line_without_token_and_number(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = IN_PATH.get_secret_value()
    for path in (f"/echo/{token}", "/echo/wrong", f"/nothing/{token}", "/breaks"):
        await client.post(path, content=b"I'd like", headers=bearer())
    lines = [
        json.loads(each.getMessage())
        for each in caplog.records
        if each.name == "revox_langchain.webhooks" and each.levelno == logging.INFO
    ]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("echo", 200),
        ("echo", 404),
        (None, 404),
        ("breaks", 500),
    ]
    assert lines[0]["tool"] == "book"
    assert lines[3]["error"] == "RuntimeError"
    assert all(line["ms"] >= 0 for line in lines)
    said = json.dumps(lines)
    for secret in (token, IN_HEADER.get_secret_value(), NUMBER, "I'd like"):
        assert secret not in said


def test_a_routes_own_token_tells_nothing_of_the_secret_or_of_another_routes() -> None:
    secret = checked_token("a-secret-of-the-tests")
    tokens = {token_for(route, secret).get_secret_value() for route in ("call-tools", "caller", "call-tools")}
    assert len(tokens) == 2
    assert not any("secret" in token for token in tokens)
    assert token_for("caller", SecretStr("another-secret-of-the-tests")).get_secret_value() not in tokens


@pytest.mark.parametrize("token", ["", "short", "ünïcödé-ünïcödé-ünïcödé"])
def test_a_token_that_can_be_guessed_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        checked_token(SecretStr(token))
