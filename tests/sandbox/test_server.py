"""The sandbox on a socket: what other processes and other languages see."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
import revox
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import TimedOut, Unavailable
from revox_langchain.operations import GetCall, GetCallHistory, ListVoices, MakeCall, PreviewVoice
from revox_langchain.sandbox import STORIES, Fault, Sandbox, Switches
from revox_langchain.sandbox.mcp import HostedMcp
from revox_langchain.sandbox.server import SandboxServer, create_app
from tests.mcp_versions import needs_mcp_1
from tests.processes import patience_s, started

MAKE = MakeCall(phone_number="+12025550100", prompt="P")


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def sdk(server: SandboxServer) -> Iterator[revox.Revox]:
    client = revox.Revox(api_key="k", base_url=server.base_url, max_retries=0, _strict_response_validation=True)
    with client:
        yield client


@pytest.fixture
def raw(server: SandboxServer) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer k"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        yield client


def listening_sockets(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The sockets that uvicorn listens on from now on."""
    found: list[socket.socket] = []
    startup = uvicorn.Server.startup

    async def noted(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        found.extend(sockets or [])
        await startup(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "startup", noted)
    return found


def test_an_answer_does_not_wait_for_the_packet_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = listening_sockets(monkeypatch)
    with SandboxServer():
        # What is accepted inherits it.
        assert [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in found] == [1]


def control(raw: httpx.Client, name: str, body: Any) -> Any:
    answer = raw.post(f"/sandbox/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_sdk_makes_a_call_from_start_to_end(server: SandboxServer, sdk: revox.Revox, raw: httpx.Client) -> None:
    call = sdk.call.create(phone_number="+12025550102", assistant={"prompt": "P"}).call
    assert call.status == "initializing"
    control(raw, "advance", {"seconds": 3 * 3600})
    done = sdk.call.retrieve(call.id).call
    assert (done.status, done.calls_count) == ("completed", 2)


async def test_the_async_sdk_gets_the_same(server: SandboxServer) -> None:
    async with revox.AsyncRevox(api_key="k", base_url=server.base_url, _strict_response_validation=True) as client:
        assert len((await client.voices.list()).voices) > 40


def test_our_connection_works_against_it(server: SandboxServer) -> None:
    with Connection("k", base_url=server.base_url) as connection:
        call_id = connection.send(MAKE)["call"]["id"]
        assert connection.send(GetCall(call_id=call_id))["call"]["status"] == "initializing"
        voice = connection.send(ListVoices())["voices"][0]
        audio = connection.send(PreviewVoice(voice_id=voice["id"], voice_provider=voice["provider"]))
        assert audio.startswith(b"\xff\xfb")


def test_an_id_with_a_slash_stays_one_id(raw: httpx.Client) -> None:
    answer = raw.get("/api/call/a%2Fb")
    assert (answer.status_code, answer.json()) == (404, {"error": "There is no call a/b."})


def test_headers_and_statuses_come_through(server: SandboxServer, raw: httpx.Client) -> None:
    assert raw.get("/api/voices", headers={"authorization": ""}).status_code == 401
    assert raw.get("/api/nothing").status_code == 404
    server.sandbox.faults.add(Fault("rate_limited", retry_after_s=3))
    limited = raw.get("/api/voices")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize(("kind", "dials"), [("lose_before", 0), ("connect_error", 0), ("lose_after", 1)])
def test_a_lost_answer_is_a_closed_connection(server: SandboxServer, raw: httpx.Client, kind: Any, dials: int) -> None:
    server.sandbox.faults.add(Fault(kind, on=MakeCall))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        raw.post("/api/call", json=MAKE.wire().body)
    assert len(server.sandbox.dials) == dials
    assert raw.get("/api/auth-status").status_code == 200


def test_our_connection_does_not_know_whether_a_lost_dial_took_place(server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault("lose_after"))
    with Connection("k", base_url=server.base_url) as connection, pytest.raises(Unavailable) as caught:
        connection.send(MAKE)
    assert caught.value.sent is True
    assert len(server.sandbox.dials) == 1


@pytest.mark.slow
def test_a_delay_is_real_and_holds_up_nobody_else(server: SandboxServer, raw: httpx.Client) -> None:
    server.sandbox.faults.add(Fault("delay", on=MakeCall, seconds=600))
    slow: list[Exception] = []

    def dial() -> None:
        with Connection("k", base_url=server.base_url, timeout_s=0.2) as connection:
            try:
                connection.send(MAKE)
            except TimedOut as error:
                slow.append(error)

    thread = threading.Thread(target=dial)
    thread.start()
    thread.join()
    # Were the server held up, no one would be answered for ten minutes.
    assert raw.get("/api/auth-status").status_code == 200
    assert len(slow) == len(server.sandbox.dials) == 1


@pytest.mark.parametrize(
    ("fault", "content_type", "parses"),
    [("truncated", "application/json", False), ("html", "text/html; charset=utf-8", False), ("empty", None, False)],
)
def test_damaged_answers_are_whole_http(
    server: SandboxServer, raw: httpx.Client, fault: Any, content_type: str | None, parses: bool
) -> None:
    server.sandbox.faults.add(Fault(fault))
    answer = raw.get("/api/voices")
    assert (answer.status_code, answer.headers.get("content-type")) == (200, content_type)
    with pytest.raises(ValueError):
        answer.json()


def test_other_processes_can_steer_it(server: SandboxServer, raw: httpx.Client) -> None:
    raw.post("/api/call", json={**(MAKE.wire().body or {}), "metadata": {"k": "v"}})
    assert control(raw, "faults", {"kind": "server_error", "on": "list_voices"}) == {"pending": 1}
    assert raw.get("/api/voices").status_code == 500
    assert control(raw, "switches", {"page_base": 0})["page_base"] == 0
    assert control(raw, "advance", {"seconds": 300}) == {"now": "2026-01-06T10:05:00.000Z"}
    state = raw.get("/sandbox/state").json()
    assert (state["dials"], state["rang"]) == (1, 1)
    assert state["requests"] == {"revox_make_call": 1, "revox_list_voices": 1}
    assert state["orders"][0]["status"] == "completed"
    assert state["orders"][0]["metadata"] == {"k": "v"}
    control(raw, "reset", {})
    assert raw.get("/sandbox/state").json()["orders"] == []
    assert server.sandbox.switches == Switches(page_base=0, calling_hours=False)


@pytest.mark.a_few(every=2)
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("advance", {}),
        ("advance", {"seconds": "soon"}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "empty", "on": "make_cal"}),
        ("switches", {"page_base": 9}),
        ("switches", [1]),
    ],
)
def test_a_control_that_makes_no_sense_is_explained(raw: httpx.Client, name: str, body: Any) -> None:
    answer = raw.post(f"/sandbox/{name}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_page_names_the_base_url_and_every_story(server: SandboxServer, raw: httpx.Client) -> None:
    page = raw.get("/").text
    assert server.base_url in page
    assert [number for number in STORIES if number not in page] == []


def test_further_routes_come_before_the_api() -> None:
    async def hello(request: Any) -> PlainTextResponse:
        return PlainTextResponse("mcp")

    app = create_app(Sandbox(), mounts=[Mount("/api/mcp-servers/generic", routes=[Route("/mcp", hello)])])
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/api/mcp-servers/generic/mcp").text == "mcp"
        assert client.get("/api/voices", headers={"authorization": "Bearer k"}).status_code == 200


def test_another_server_gets_an_error_where_it_cannot_drop_a_connection() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_after"))
    with TestClient(create_app(sandbox), base_url="http://localhost") as client:
        assert client.get("/api/voices", headers={"authorization": "Bearer k"}).status_code == 502


@pytest.mark.slow
def test_a_world_with_a_speed_runs_by_itself(tmp_path: Any) -> None:
    with SandboxServer(Sandbox(speed=500)) as server, Connection("k", base_url=server.base_url) as connection:
        call_id = connection.send(MAKE)["call"]["id"]
        for _ in range(200):
            time.sleep(0.02)
            call = connection.send(GetCall(call_id=call_id))["call"]
            if call["status"] == "completed":
                break
        assert call["status"] == "completed"


@pytest.mark.slow
def test_webhooks_are_really_posted() -> None:
    received: list[bytes] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    urls = ["http://127.0.0.1:9/closed", "no url", f"http://127.0.0.1:{hook.server_port}/x"]
    thread = threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        with SandboxServer() as server, Connection("k", base_url=server.base_url) as connection:
            for url in urls:
                asked = {"webhook_url": url}
                connection.send(MakeCall(phone_number="+12025550100", prompt="P", settings=asked))
            server.sandbox.world.advance(300)
            give_up_s = time.monotonic() + 60
            while time.monotonic() < give_up_s:
                if sum("error" in post or "answered" in post for post in server.sandbox.outbox) == 3:
                    break
                time.sleep(0.02)
            posts = {post["url"]: post for post in server.sandbox.outbox}
    finally:
        hook.shutdown()
        thread.join()
        hook.server_close()
    assert b'"call_order_id"' in received[0]
    assert [posts[url].get("error") for url in urls] == ["ConnectError", "host not allowed", None]
    assert posts[urls[2]]["answered"] == 204


@pytest.mark.slow
def test_the_port_is_free_again_afterwards() -> None:
    with SandboxServer() as first:
        port = first.port
    with SandboxServer(port=port) as second:
        assert httpx.get(second.url, trust_env=False).status_code == 200


def test_a_port_that_is_taken_says_so(server: SandboxServer) -> None:
    with pytest.raises(OSError, match="in use"), SandboxServer(port=server.port):
        pass


@pytest.mark.slow
def test_serving_ends_cleanly_on_ctrl_c() -> None:
    code = (
        "from revox_langchain.sandbox import Sandbox\n"
        "from revox_langchain.sandbox.server import serve\n"
        "serve(Sandbox(), port=0, on_start=lambda url: print(url, flush=True))\n"
        "print('stopped')"
    )
    with started([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        give_up_s = time.monotonic() + patience_s()
        while True:
            try:
                answer = httpx.get(f"{base_url}/auth-status", headers={"authorization": "Bearer k"}, trust_env=False)
                break
            except httpx.ConnectError:
                assert time.monotonic() < give_up_s, "it never answered"
                time.sleep(0.05)
        assert answer.json() == {"authenticated": True}
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=patience_s())
    assert (output.strip(), process.returncode) == ("stopped", 0)


# Who may ask, and for what


FOREIGN_PAGES = [
    ({"host": "evil.example"}, 421),
    ({"host": "evil.example:8787"}, 421),
    ({"host": "127.0.0.1.evil.example"}, 421),
    ({"host": "localhost@evil.example"}, 421),
    ({"host": ""}, 421),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "http://localhost.evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "file://localhost"}, 403),
]


@pytest.mark.a_few(every=5)
@needs_mcp_1
@pytest.mark.parametrize(("headers", "status"), FOREIGN_PAGES)
@pytest.mark.parametrize("path", ["/", "/sandbox/reset", "/api/call", "/api/mcp-servers/generic/mcp"])
def test_a_page_of_another_host_reaches_nothing(path: str, headers: dict[str, str], status: int) -> None:
    sandbox = Sandbox()
    hosted = HostedMcp(sandbox)
    app = create_app(sandbox, [hosted.route], hosted.lifespan)
    body = {"phone_number": "+12025550100", "assistant": {"prompt": "Hello"}}
    with TestClient(app, base_url="http://localhost:8787", headers={"authorization": "Bearer k"}) as client:
        answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == status
    assert sandbox.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8787", "[::1]:8787", "LOCALHOST", "revox.internal"])
@pytest.mark.parametrize("origin", [None, "http://localhost:8787", "https://127.0.0.1"])
def test_its_own_page_and_programs_on_this_machine_are_served(host: str, origin: str | None) -> None:
    headers = {"host": host, **({"origin": origin} if origin else {})}
    with TestClient(create_app(Sandbox(), host="revox.internal"), base_url="http://localhost") as client:
        assert client.get("/sandbox/state", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "sandbox:8787"}, 200),
        ({"host": "sandbox:8787", "origin": "http://sandbox:8787"}, 200),
        ({"host": "sandbox:8787", "origin": "http://evil.example"}, 403),
        ({"host": "sandbox:8787", "origin": "http://sandbox.evil.example:8787"}, 403),
    ],
)
def test_on_every_address_any_name_will_do_but_not_another_hosts_page(headers: dict[str, str], status: int) -> None:
    with TestClient(create_app(Sandbox(), host="0.0.0.0"), base_url="http://localhost") as client:
        assert client.get("/sandbox/state", headers=headers).status_code == status


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize(
    "body",
    [
        '{"seconds": NaN}',
        '{"seconds": Infinity}',
        '{"seconds": -1}',
        '{"seconds": 1e308}',
        '{"seconds": -1e308}',
        '{"seconds": 1' + "0" * 400 + "}",
        '{"seconds": "soon"}',
        '{"seconds": null}',
        "[]",
        "{}",
        "",
        "[" * 5000,
    ],
)
def test_time_that_cannot_pass_is_a_400_and_the_server_lives_on(body: str) -> None:
    with SandboxServer(Sandbox(speed=1)) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        assert client.post("/sandbox/advance", content=body).status_code == 400
        assert client.post("/sandbox/advance", json={"seconds": 60}).status_code == 200
        assert client.get("/sandbox/state").json()["now"] < "2027"
        with Connection("k", base_url=server.base_url) as connection:
            assert connection.send(ListVoices())["voices"]


@pytest.mark.slow
@settings(deadline=None)
@given(st.floats(min_value=0, allow_nan=False) | st.integers(min_value=0))
def test_whatever_time_passes_the_world_can_still_say_what_time_it_is(seconds: float) -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    connection.send(MakeCall(phone_number="+12025550102", prompt="Hello"))
    with contextlib.suppress(ValueError, OverflowError):
        sandbox.world.advance(seconds)
    assert sandbox.world.stamp() < "9000-01-02"
    assert connection.send(GetCallHistory())["total_count"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/faults", '{"kind": "delay", "seconds": NaN}'),
        ("/sandbox/faults", '{"kind": "delay", "seconds": -5}'),
        ("/sandbox/faults", '{"kind": "rate_limited", "retry_after_s": Infinity}'),
        ("/sandbox/switches", '{"search_lag_s": NaN}'),
        ("/sandbox/switches", '{"default_max_duration_s": Infinity}'),
    ],
)
def test_a_control_that_is_given_no_number_is_a_400(path: str, body: str) -> None:
    sandbox = Sandbox()
    with TestClient(create_app(sandbox), base_url="http://localhost") as client:
        assert client.post(path, content=body).status_code == 400
    assert sandbox.faults.pending == []


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "9000-06-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T00:00:00Z",
    ],
)
@pytest.mark.parametrize("real_zones", [False, True])
def test_a_moment_that_no_calendar_reaches_is_refused(moment: str, real_zones: bool) -> None:
    sandbox = Sandbox(switches=Switches(real_zones=real_zones))
    with TestClient(create_app(sandbox), base_url="http://localhost", headers={"authorization": "Bearer k"}) as client:
        inline = {"phone_number": "+12025550100", "assistant": {"prompt": "Hello"}, "scheduled_at": moment}
        answers = [client.post("/api/call", json=inline)]
        assistant = client.post("/api/assistants", json={"name": "n", "prompt": "p"}).json()["assistant"]
        contacts = [{"to_phone_number": "+12025550100", "prompt_variables": {}}]
        asked = {"name": "c", "assistant_id": assistant["id"], "contacts": contacts}
        campaign = client.post("/api/campaigns", json=asked).json()["campaign"]
        launch = {"mode": "ai_first", "scheduled_at": moment}
        answers.append(client.post(f"/api/campaigns/{campaign['id']}/launch-calls", json=launch))
        later = client.post("/api/call", json={**inline, "scheduled_at": "2999-12-31T23:59:59Z"})
    assert [answer.status_code for answer in answers] == [422, 422]
    assert later.status_code == 200


@pytest.mark.slow
def test_a_pause_between_attempts_that_no_calendar_reaches_is_refused() -> None:
    window = {"calling_window_start_time": "9:00", "calling_window_end_time": "17:00", "retry_delay_seconds": 10**30}
    retry = {"allowed_days": ["monday"], "calling_windows": [window], "max_retry_attempts": 2}
    body = {"name": "n", "prompt": "p", "call_retry_config": {**retry, "call_twice_in_a_row": False}}
    with TestClient(create_app(Sandbox()), base_url="http://localhost") as client:
        answer = client.post("/api/assistants", json=body, headers={"authorization": "Bearer k"})
    assert answer.status_code == 422
