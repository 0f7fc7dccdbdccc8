"""What of an answer is taken: no more than the limit is ever in memory, and nothing from another host."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.connection.connection import Connection
from revox_langchain.connection.limits import AnswerLimits
from revox_langchain.errors import AnswerError, InvalidInput, RevoxToolError
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.campaigns import GetCampaignRows
from revox_langchain.operations.fields import REDACTED
from revox_langchain.sandbox import Sandbox

KEY = "sk_secret_0123456789"
ROWS = GetCampaignRows(campaign_id="c")
MIB = 1024 * 1024

both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def send(connection: Connection, operation: Any, mode: str) -> Any:
    return connection.send(operation) if mode == "sync" else asyncio.run(connection.asend(operation))


@contextmanager
def answering(head: str, body: bytes) -> Iterator[str]:
    """A server on a socket that answers every request with these bytes, however many are asked for."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                received = b""
                while b"\r\n\r\n" not in received:
                    received += client.recv(65536)
                with suppress(OSError):
                    client.sendall(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
    finally:
        listening.close()


def bomb(megabytes: int) -> bytes:
    """Gzip that inflates to this much."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    blank = b" " * MIB
    return b"".join(
        [packer.compress(b'{"rows": "'), *(packer.compress(blank) for _ in range(megabytes)), packer.flush()]
    )


@pytest.mark.slow
@both_modes
def test_a_bomb_is_refused_before_it_has_gone_off(mode: str) -> None:
    packed = bomb(120)
    assert len(packed) < MIB
    head = f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
    with answering(head, packed) as url:
        connection = Connection(KEY, base_url=url, max_answer_bytes=4 * MIB)
        tracemalloc.start()
        try:
            with pytest.raises(AnswerError, match="larger than 4,194,304 bytes") as caught:
                send(connection, ROWS, mode)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 20 * MIB
    assert "revox_get_call_history" in caught.value.next_step
    assert "max_answer_bytes" in caught.value.next_step
    assert caught.value.retry_safe is False


@both_modes
@pytest.mark.parametrize("said", ["Content-Length: 300000\r\n", ""])
def test_an_answer_that_is_not_packed_is_bounded_too(mode: str, said: str) -> None:
    head = f"Content-Type: application/json\r\n{said}"
    body = b'{"rows": "' + b" " * 299_990
    with answering(head, body) as url, pytest.raises(AnswerError, match="larger than"):
        send(Connection(KEY, base_url=url, max_answer_bytes=100_000), ROWS, mode)


@both_modes
@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_what_is_packed_in_another_way_than_was_asked_for_is_not_unpacked(mode: str, encoding: str) -> None:
    head = f"Content-Encoding: {encoding}\r\nContent-Length: 3\r\n"
    with answering(head, b"abc") as url, pytest.raises(AnswerError, match="not asked for"):
        send(Connection(KEY, base_url=url), ROWS, mode)


@both_modes
def test_a_packed_answer_is_read_whole(mode: str) -> None:
    answer = {"rows": [{"id": str(number), "text": "x" * 997} for number in range(500)]}
    packed = gzip.compress(json.dumps(answer).encode())
    head = f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
    with answering(head, packed) as url:
        assert send(Connection(KEY, base_url=url), ROWS, mode) == answer


@given(st.binary(max_size=2000), st.integers(1, 300), st.integers(1, 100_000), st.booleans())
def test_no_more_than_the_limit_is_handed_on_and_nothing_is_lost_below_it(
    piece: bytes, times: int, limit: int, packed: bool
) -> None:
    content = piece * times
    sent = gzip.compress(content) if packed else content
    headers = {"content-encoding": "gzip"} if packed else {}
    request = httpx.Request("GET", "https://example.com")
    response = httpx.Response(200, headers=headers, stream=Chunks(sent), request=request)
    AnswerLimits(limit).check(response)
    if len(content) <= limit:
        assert response.read() == content
    else:
        taken: list[bytes] = []
        with pytest.raises(AnswerError):
            taken.extend(response.iter_raw())
        assert sum(map(len, taken)) <= limit


class Chunks(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 700):
            yield self._content[start : start + 700]


@both_modes
def test_the_limit_holds_for_a_sandbox_and_for_mock_transports(mode: str) -> None:
    sandbox = Sandbox()
    call = sandbox.connect().send(MakeCall(phone_number="+12025550100", prompt="p" * 5000))["call"]
    small = sandbox.connect(max_answer_bytes=4000)
    with pytest.raises(AnswerError, match="larger than 4,000 bytes"):
        send(small, GetCall(call_id=call["id"]), mode)


def test_an_error_that_is_too_large_is_one_clear_error_as_well() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(400, json={"error": "x" * 5000}))
    with pytest.raises(AnswerError, match="larger than"):
        Connection(KEY, transport=transport, max_answer_bytes=1000).send(ROWS)


@both_modes
@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("/api/elsewhere", True),
        ("https://api.example/api/elsewhere", True),
        ("https://api.example.evil/api/elsewhere", False),
        ("http://api.example/api/elsewhere", False),
        ("https://api.example:8443/api/elsewhere", False),
        ("//evil.example/api", False),
        ("https://api.example@evil.example/api", False),
    ],
)
def test_a_redirected_read_stays_on_its_host(location: str, followed: bool, mode: str) -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if len(asked) == 1:
            return httpx.Response(307, headers={"location": location})
        return httpx.Response(200, json={"call": {"id": "c"}})

    connection = Connection(KEY, base_url="https://api.example/api", transport=httpx.MockTransport(server))
    if followed:
        assert send(connection, GetCall(call_id="c"), mode) == {"call": {"id": "c"}}
    else:
        with pytest.raises(AnswerError, match="not followed"):
            send(connection, GetCall(call_id="c"), mode)
    assert len(asked) == 1 + followed


def test_a_key_that_is_echoed_in_an_answer_is_redacted_wherever_it_stands() -> None:
    body = {"call": {"id": "c", "summary": f"They said Bearer {KEY}.", KEY: [{"deep": KEY}]}}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    got = Connection(KEY, transport=transport).send(GetCall(call_id="c"))
    assert KEY not in json.dumps(got)
    assert got["call"]["summary"] == f"They said Bearer {REDACTED}."


def test_a_key_that_is_cut_by_the_end_of_an_error_is_redacted_too() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="x" * 50 + KEY))
    with pytest.raises(AnswerError) as caught:
        Connection(KEY, transport=transport).send(GetCall(call_id="c"))
    assert KEY[:8] not in str(caught.value)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"call": ' + "[" * 900 + "]" * 900 + "}", '{"a": ' * 100_000])
def test_an_answer_that_is_nested_too_deep_is_a_known_failure(body: str) -> None:
    headers = {"content-type": "application/json"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, text=body))
    connection = Connection(KEY, transport=transport)
    # Where the limit lies depends on the interpreter; below it the answer is one like any other.
    with suppress(RevoxToolError):
        connection.send(MakeCall(phone_number="+12025550100", prompt="p"))


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@www.getrevox.com/api", "https://hunter2@getrevox.com", "http://a:hunter2@:80/api"]
)
def test_a_password_in_the_base_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidInput, match="user name or password") as caught:
        Connection(KEY, base_url=url)
    assert "hunter2" not in str(caught.value)
