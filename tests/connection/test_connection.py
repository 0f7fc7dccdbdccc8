"""One place talks to Revox: it repeats reads and nothing else, checks answers, and never shows the key."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from revox_langchain.connection.clock import SystemClock
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import (
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
)
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.account import GetUser
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, ListAssistants
from revox_langchain.operations.calls import GetCall, GetCallHistory, MakeCall
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.operation import Operation, Risk
from revox_langchain.operations.voices import ListVoices, PreviewVoice
from revox_langchain.sandbox import Sandbox
from tests.examples import arguments_of

KEY = "sk_secret_0123456789"
DIAL = MakeCall(phone_number="+12025550100", assistant_id="a")


class Now(SystemClock):
    """A clock on which sleeping takes no time."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Server:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.clock = Now()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def connect(self, **options: Any) -> Connection:
        return Connection(KEY, transport=httpx.MockTransport(self), clock=self.clock, **options)


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def send(connection: Connection, operation: Operation, mode: str) -> Any:
    return connection.send(operation) if mode == "sync" else asyncio.run(connection.asend(operation))


both_modes = pytest.mark.parametrize("mode", ["sync", "async"])
PASSING = {
    "500": httpx.Response(500, json={"error": "oops"}),
    "502": httpx.Response(502, html="<html>bad gateway</html>"),
    "408": httpx.Response(408),
    "429": httpx.Response(429, headers={"retry-after": "2"}),
    "timeout": httpx.ReadTimeout("slow"),
    "lost": httpx.RemoteProtocolError("closed"),
    "refused": httpx.ConnectError("no route"),
    "truncated": httpx.Response(200, headers={"content-type": "application/json"}, content=b'{"call": {"id'),
}


@both_modes
@pytest.mark.parametrize("fault", PASSING)
def test_a_read_survives_a_passing_failure(mode: str, fault: str) -> None:
    server = Server(PASSING[fault], ok({"call": {"id": "c"}}))
    assert send(server.connect(), GetCall(call_id="c"), mode) == {"call": {"id": "c"}}
    assert len(server.requests) == 2


@both_modes
@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.spec.name)
def test_only_reads_are_repeated(operation: type[Operation], fault: str, mode: str) -> None:
    server = Server(PASSING[fault])
    with pytest.raises(RevoxToolError):
        send(server.connect(), operation.parse(arguments_of(operation)), mode)
    assert len(server.requests) == (3 if operation.spec.risk is Risk.READ else 1)


def test_a_search_is_a_read_although_it_is_a_post() -> None:
    server = Server(PASSING["500"], ok({"calls": [], "total_count": 0}))
    assert server.connect().send(GetCallHistory()) == {"calls": [], "total_count": 0}


def test_retry_after_is_honoured_by_reads() -> None:
    server = Server(PASSING["429"], ok({"voices": []}))
    server.connect().send(ListVoices())
    assert server.clock.slept == [2.0]


def test_a_long_retry_after_is_told_instead_of_waited_for() -> None:
    server = Server(httpx.Response(429, headers={"retry-after": "3600"}))
    with pytest.raises(RateLimited) as caught:
        server.connect().send(ListVoices())
    assert caught.value.retry_after_s == 3600
    assert server.clock.slept == []


def test_a_server_that_says_not_to_retry_is_believed() -> None:
    server = Server(httpx.Response(500, headers={"x-should-retry": "false"}, json={"error": "bug"}))
    with pytest.raises(Unavailable):
        server.connect().send(ListVoices())
    assert len(server.requests) == 1


STATUSES: list[tuple[int, type[RevoxToolError], str]] = [
    (400, InvalidInput, "invalid"),
    (401, AuthError, "auth"),
    (402, Refused, "payment_required"),
    (403, AuthError, "auth"),
    (404, NotFound, "not_found"),
    (405, Refused, "refused"),
    (409, Refused, "conflict"),
    (422, InvalidInput, "invalid"),
    (425, Unavailable, "unavailable"),
    (429, RateLimited, "rate_limited"),
    (500, Unavailable, "unavailable"),
    (503, Unavailable, "unavailable"),
]


@pytest.mark.parametrize(("status", "kind", "code"), STATUSES)
def test_each_status_becomes_one_known_error_with_revox_own_words(
    status: int, kind: type[RevoxToolError], code: str
) -> None:
    server = Server(httpx.Response(status, json={"error": "the reason"}))
    with pytest.raises(kind, match="the reason") as caught:
        server.connect().send(DIAL)
    assert caught.value.code == code
    assert caught.value.http_status == status
    assert caught.value.next_step


@pytest.mark.parametrize(
    "body",
    [
        {"error": "the reason"},
        {"message": "the reason"},
        {"error": {"message": "the reason"}},
        {"detail": [{"message": "the reason"}]},
        "the reason",
    ],
)
def test_the_reason_is_found_in_any_shape_of_error_body(body: Any) -> None:
    answer = httpx.Response(400, text=body) if isinstance(body, str) else httpx.Response(400, json=body)
    with pytest.raises(InvalidInput, match="the reason"):
        Server(answer).connect().send(DIAL)


def test_too_many_calls_at_once_is_told_apart_from_too_many_requests() -> None:
    server = Server(httpx.Response(429, json={"error": "Concurrency limit reached"}))
    with pytest.raises(ConcurrencyLimited) as caught:
        server.connect().send(DIAL)
    assert caught.value.kind == "concurrency_limited"


NOT_JSON = {
    "html": httpx.Response(200, html="<html>log in</html>"),
    "text": httpx.Response(200, text="fine"),
    "nothing": httpx.Response(204),
    "an empty body": httpx.Response(200, headers={"content-type": "application/json"}),
    "a list": httpx.Response(200, json=[1]),
    "a number": httpx.Response(200, json=3),
    "half": PASSING["truncated"],
    "redirect": httpx.Response(307, headers={"location": "https://elsewhere.invalid/"}),
}


@both_modes
@pytest.mark.parametrize("what", NOT_JSON)
def test_an_answer_that_is_not_the_documented_json_is_never_a_value(what: str, mode: str) -> None:
    server = Server(NOT_JSON[what])
    with pytest.raises(AnswerError) as caught:
        send(server.connect(), DIAL, mode)
    assert not caught.value.retry_safe
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.ProxyError("x"), False),
        (httpx.ReadTimeout("x"), True),
        (httpx.WriteTimeout("x"), True),
        (httpx.ReadError("x"), True),
        (httpx.RemoteProtocolError("x"), True),
    ],
)
def test_it_is_known_whether_a_request_left(failure: Exception, sent: bool) -> None:
    with pytest.raises(Unavailable) as caught:
        Server(failure).connect().send(DIAL)
    assert caught.value.sent is sent
    assert caught.value.retry_safe is not sent


def test_no_answer_in_time_is_its_own_kind() -> None:
    with pytest.raises(TimedOut):
        Server(httpx.ReadTimeout("x")).connect().send(DIAL)


def test_audio_comes_as_bytes() -> None:
    server = Server(httpx.Response(200, headers={"content-type": "audio/mpeg"}, content=b"\xff\xfb\x90"))
    preview = PreviewVoice(voice_id="v", voice_provider="cartesia")
    assert server.connect().send(preview) == b"\xff\xfb\x90"
    assert asyncio.run(server.connect().asend(preview)) == b"\xff\xfb\x90"


def test_one_connection_serves_event_loop_after_event_loop() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    for _ in range(3):
        assert asyncio.run(connection.asend(ListVoices()))["voices"]


def test_one_connection_serves_several_threads_at_once() -> None:
    connection = Sandbox().connect()
    counts: list[int] = []

    def read() -> None:
        counts.append(len(connection.send(ListVoices())["voices"]))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 8
    assert len(set(counts)) == 1


def test_a_closed_connection_opens_again() -> None:
    connection = Sandbox().connect()
    with connection:
        connection.send(ListVoices())
    assert connection.send(ListVoices())["voices"]

    async def twice() -> None:
        async with connection:
            await connection.asend(ListVoices())
        await connection.asend(ListVoices())
        await connection.aclose()

    asyncio.run(twice())


def test_connections_with_different_keys_live_side_by_side() -> None:
    seen: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return ok({"user": {}})

    for key in ("one", "two"):
        Connection(key, transport=httpx.MockTransport(server)).send(GetUser())
    assert seen == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("key", ["", "   "])
def test_an_empty_key_is_an_error_that_names_the_variable(key: str) -> None:
    with pytest.raises(AuthError, match="REVOX_API_KEY"):
        Connection(key)


def test_without_a_key_in_the_environment_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVOX_API_KEY", raising=False)
    with pytest.raises(AuthError, match="REVOX_API_KEY"):
        Connection.from_env()


def test_the_environment_gives_key_and_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOX_API_KEY", KEY)
    monkeypatch.setenv("REVOX_BASE_URL", "http://127.0.0.1:9/api")
    connection = Connection.from_env()
    assert connection.base_url == "http://127.0.0.1:9/api"
    assert connection.api_key.get_secret_value() == KEY


@pytest.mark.parametrize("url", ["revox", "ftp://x/api", "http://", "//host/api"])
def test_a_base_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidInput, match="base URL"):
        Connection(KEY, base_url=url)


def test_a_host_nobody_knows_is_one_clear_error() -> None:
    connection = Connection(KEY, base_url="http://127.0.0.1:1/api", clock=Now())
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1.*REVOX_BASE_URL") as caught:
        connection.send(ListVoices())
    assert not caught.value.sent


def test_the_key_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    echo = httpx.Response(400, json={"error": f"bad header Bearer {KEY}"})
    shown: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for answer in (echo, httpx.Response(500, text=KEY), httpx.ReadTimeout(KEY), httpx.Response(200, text=KEY)):
            connection = Server(answer).connect(read_retries=0)
            shown += [repr(connection), str(connection.__dict__)]
            for operation in (DIAL, GetCall(call_id="c")):
                try:
                    connection.send(operation)
                except RevoxToolError as error:
                    shown += [str(error), repr(error), json.dumps(error.as_dict())]
                    shown += traceback.format_exception(error)
    assert caplog.records
    shown += [record.getMessage() for record in caplog.records]
    assert not [text for text in shown if KEY in text]


def test_phone_numbers_are_masked_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Server(ok({"call": {"id": "c"}})).connect().send(DIAL)
    assert caplog.records
    assert not [record for record in caplog.records if "+12025550100" in record.getMessage()]


def test_a_secret_that_revox_echoes_is_redacted() -> None:
    assistant = {
        "id": "a",
        "llm_model": {"type": "custom", "api_key": "llm-key", "api_url": "https://x.invalid", "model_name": "m"},
        "custom_tools": [
            {
                "name": "t",
                "headers": [{"key": "Authorization", "value": "Bearer z"}, {"key": "Accept", "value": "json"}],
            }
        ],
    }
    for operation, answer in [
        (GetAssistant(assistant_id="a"), assistant),
        (ListAssistants(), {"assistants": [assistant]}),
        (GetCall(call_id="c"), {"call": {"id": "c", "assistant": assistant, "llm_model": assistant["llm_model"]}}),
    ]:
        got = json.dumps(Server(ok(answer)).connect().send(operation))
        assert "llm-key" not in got
        assert "Bearer z" not in got
        assert REDACTED in got
        assert '"value": "json"' in got


def test_a_redacted_secret_cannot_be_sent_back_over_the_real_one() -> None:
    settings = {"llm_model": {"type": "custom", "api_key": REDACTED}}
    with pytest.raises(InvalidInput, match="leave the field out"):
        CreateAssistant.parse({"name": "n", "prompt": "p", "settings": settings})


def test_what_was_remembered_is_forgotten_when_it_may_have_changed() -> None:
    connection = Sandbox().connect()
    listed = connection.send(ListAssistants())
    connection.remember(ListAssistants(), listed)
    assert connection.recalled(ListAssistants(), 60) == listed
    assert connection.recalled(ListVoices(), 60) is None
    connection.send(CreateAssistant(name="n", prompt="Call them."))
    assert connection.recalled(ListAssistants(), 60) is None


@pytest.mark.slow
def test_clients_of_event_loops_that_are_gone_are_dropped() -> None:
    connection = Sandbox().connect()
    for _ in range(5):
        asyncio.run(connection.asend(ListVoices()))
    gc.collect()
    assert len(connection._aclients) <= 1
