"""The sandbox's page over HTTP: what is served, what its events tell, what it may steer, and what it never shows."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from revox_langchain.operations import ListVoices, MakeCall
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant
from revox_langchain.operations.campaigns import CreateCampaign
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.page.pieces import pieces_of
from revox_langchain.sandbox.server import SandboxServer, create_app
from revox_langchain.sandbox.world.phone import Phone

KEY = "sk_live_0123456789abcdef"
SCRIPTS = ["draw.js", "page.js"]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def page(sandbox: Sandbox) -> Iterator[TestClient]:
    with TestClient(create_app(sandbox), base_url="http://localhost") as client:
        yield client


def shown(sandbox: Sandbox) -> dict[str, Any]:
    """What the page shows, by piece."""
    return {name: json.loads(text) for name, text in pieces_of(sandbox).items()}


def dial(sandbox: Sandbox, number: str = Phone.number, **more: Any) -> str:
    return str(sandbox.connect(KEY).send(MakeCall(phone_number=number, prompt="P", **more))["call"]["id"])


def ringing(sandbox: Sandbox) -> dict[str, Any]:
    dial(sandbox)
    sandbox.world.advance(5)
    [call] = shown(sandbox)["phone"]
    found: dict[str, Any] = call
    return found


# The page


def test_the_page_asks_only_its_own_server_for_anything(page: TestClient) -> None:
    answer = page.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    asked = re.findall(r'(?:src|href)="([^"#][^"]*)"', answer.text)
    assert sorted(asked) == ["/page/page.css", "/page/page.js", "data:,"]
    for path in ["/page/page.css", "/page/page.js", "/page/draw.js"]:
        got = page.get(path)
        assert (got.status_code, got.headers["x-content-type-options"]) == (200, "nosniff")
        assert "http:" not in got.text
        assert "https:" not in got.text
    # Neither scripts nor styles stand in it, and what is not there is not found.
    assert not re.search(r"<script>|<style| on\w+=| style=", answer.text)
    assert page.get("/page/page.py").status_code == 404


def test_a_base_url_is_escaped() -> None:
    app = create_app(Sandbox(), host="0.0.0.0")
    with TestClient(app, base_url="http://localhost") as client:
        text = client.get("/", headers={"host": "a<b>&quot;"}).text
    assert "<b>" not in text


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_of_a_text(name: str) -> None:
    script = files("revox_langchain.sandbox.page").joinpath(name).read_text(encoding="utf-8")
    risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setTimeout\(\"|srcdoc"
    assert not re.search(risky, script)


# What it shows


def test_every_part_of_the_world_is_a_piece_of_its_own(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    assistant = connection.send(CreateAssistant(name="Desk", prompt="x" * 500))["assistant"]["id"]
    contacts = [{"to_phone_number": "+12025550100", "prompt_variables": {}}]
    campaign = CreateCampaign.model_validate({"name": "Spring", "assistant_id": assistant, "contacts": contacts})
    connection.send(campaign)
    call_id = dial(sandbox, "+12025550102", settings={"webhook_url": "http://127.0.0.1:9/x"})
    sandbox.faults.add(Fault("server_error", on=ListVoices, times=2))
    sandbox.world.advance(3 * 3600)
    told = shown(sandbox)
    call = told[f"call/{call_id}"]
    assert call_id in told["calls"]
    assert (call["status"], call["calls_count"], len(call["attempts"])) == ("completed", 2, 2)
    assert [turn["role"] for turn in call["transcript"]][:2] == ["assistant", "user"]
    assert (told["assistants"][0]["name"], len(told["assistants"][0]["prompt"])) == ("Desk", 301)
    assert told["campaigns"][0] | {"id": ""} == {
        "id": "",
        "name": "Spring",
        "status": "running",
        "contacts": 1,
        "ended": 0,
    }
    assert len(told["voices"]) > 40
    assert [(fault["kind"], fault["on"], fault["times"]) for fault in told["faults"]] == [
        ("server_error", "revox_list_voices", 2)
    ]
    assert told["webhook/1"]["payload"]["call_order_id"] == call_id
    assert (told["clock"]["speed"], told["clock"]["now"][:16]) == (None, "2026-01-06T13:00")


def test_an_order_that_waits_says_until_when(sandbox: Sandbox) -> None:
    call_id = dial(sandbox, "+12025550102")
    sandbox.world.advance(120)
    call = shown(sandbox)[f"call/{call_id}"]
    assert (call["waits"], call["waits_until"][:13]) == (True, "2026-01-06T12")


def test_a_transcript_grows_turn_by_turn(sandbox: Sandbox) -> None:
    call_id = dial(sandbox, "+12025550100")
    lengths = []
    for _ in range(30):
        sandbox.world.advance(2)
        lengths.append(len(shown(sandbox)[f"call/{call_id}"]["transcript"]))
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 4


def test_of_many_calls_and_requests_the_latest_are_shown(sandbox: Sandbox) -> None:
    ids = [dial(sandbox, "+12025550100") for _ in range(120)]
    told = shown(sandbox)
    assert told["calls"] == ids[:69:-1]
    assert told["exchanges"] == list(range(120, 20, -1))
    assert sum(name.startswith("call/") for name in told) == 50
    assert told["clock"]["calls"] == told["clock"]["requests"] == 120


def test_no_key_is_shown_wherever_it_stands() -> None:
    sandbox = Sandbox(key=KEY)
    connection = sandbox.connect(KEY)
    model = {"type": "custom", "api_url": "http://127.0.0.1:9/v1", "api_key": "model-key-0123", "model_name": "m"}
    tool = {
        "name": "slots",
        "description": "Free slots",
        "url": "http://127.0.0.1:9/slots",
        "method": "POST",
        "headers": [{"key": "Authorization", "value": "Bearer tool-key-0123"}],
        "query_params": [],
        "body_template": None,
        "input_schema": [],
    }
    settings = {
        "llm_model": model,
        "custom_tools": [tool],
        "webhook_url": "http://user:passw0rd@127.0.0.1:9/x?token=hook-key-0123",
    }
    made = CreateAssistant.model_validate({"name": "Desk", "prompt": f"Say {KEY}.", "settings": settings})
    assistant = connection.send(made)["assistant"]["id"]
    connection.send(GetAssistant(assistant_id=assistant))
    dial(sandbox, "+12025550100", settings=settings)
    sandbox.faults.add(Fault("truncated"))
    connection.send(GetAssistant(assistant_id=assistant))
    sandbox.world.advance(600)
    told = pieces_of(sandbox)
    assert sum(name.startswith("exchange/") for name in told) == 5
    assert json.loads(told["exchange/1"])["authorization"] == "Bearer [redacted]"
    assert "bytes that are not JSON" in told["exchange/4"]
    # Only what its reader wrote into a prompt is theirs to show.
    del told["assistants"]
    everything = json.dumps(told)
    for secret in (KEY, "model-key", "tool-key", "hook-key", "passw0rd"):
        assert secret not in everything, secret


@pytest.mark.parametrize(("kind", "status"), [("lose_after", None), ("server_error", 500), ("html", 200)])
def test_a_fault_is_shown_with_the_request_that_it_struck(sandbox: Sandbox, kind: Any, status: int | None) -> None:
    sandbox.faults.add(Fault(kind))
    with pytest.raises(Exception):
        dial(sandbox)
    exchange = shown(sandbox)["exchange/1"]
    assert (exchange["fault"], exchange["status"], exchange["operation"]) == (kind, status, "revox_make_call")
    assert (exchange["answered"] is None) is (status is None)


def test_what_cannot_be_written_is_shown_all_the_same(sandbox: Sandbox, page: TestClient) -> None:
    page.post("/api/call", content=b'{"phone_number": "\\ud83d", "a": "\xff"', headers={"authorization": "Bearer k"})
    page.post("/api/\u202e", content=b"[" * 100_000)
    for text in pieces_of(sandbox).values():
        assert text.encode()


# What it steers


def test_a_call_is_answered_spoken_on_and_hung_up(sandbox: Sandbox, page: TestClient) -> None:
    call = ringing(sandbox)
    assert call["state"] == "rings"

    def act(what: str, words: str | None = None) -> Any:
        return page.post("/sandbox/phone", json={"id": call["id"], "act": what, "words": words}).json()

    assert act("pick_up") == {"state": "listens"}
    sandbox.world.advance(10)
    assert shown(sandbox)["phone"][0]["state"] == "speaks"
    assert act("say", "<script>alert(1)</script> 您好") == {"state": "listens"}
    sandbox.world.advance(1)
    assert act("hang_up") == {"state": "over"}
    sandbox.world.advance(60)
    told = shown(sandbox)[f"call/{call['call_id']}"]
    assert {"role": "user", "content": "<script>alert(1)</script> 您好"} in told["transcript"]
    assert (told["status"], told["attempts"][0]["ended_by"]) == ("completed", "user")


@pytest.mark.parametrize(("act", "became"), [("decline", ("busy", None)), ("voicemail", (None, "voicemail"))])
def test_a_call_is_not_taken(sandbox: Sandbox, page: TestClient, act: str, became: tuple[Any, Any]) -> None:
    call = ringing(sandbox)
    assert page.post("/sandbox/phone", json={"id": call["id"], "act": act}).status_code == 200
    sandbox.world.advance(60)
    attempt = shown(sandbox)[f"call/{call['call_id']}"]["attempts"][0]
    assert (attempt["dial_error"], attempt["result"]) == became


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "other"}, "that call is over"),
        ({"act": "shout"}, "a phone can pick_up, decline, voicemail, hang_up, say, not shout"),
        ({"act": "say"}, "say something"),
        ({"act": "say", "words": "Hello?"}, "that does not go with a call that rings"),
        ({"act": []}, "unhashable"),
    ],
)
def test_what_makes_no_sense_is_explained(
    sandbox: Sandbox, page: TestClient, change: dict[str, Any], words: str
) -> None:
    call = ringing(sandbox)
    answer = page.post("/sandbox/phone", json={"id": call["id"], "act": "pick_up", **change})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_the_speed_is_changed_and_a_wrong_one_refused(sandbox: Sandbox, page: TestClient) -> None:
    assert page.post("/sandbox/speed", json={"speed": 50}).json() == {"speed": 50}
    assert page.post("/sandbox/speed", json={"speed": None}).json() == {"speed": None}
    for wrong in (0, -1, "fast", 1e9, [], True, "nan"):
        answer = page.post("/sandbox/speed", json={"speed": wrong})
        assert answer.status_code == (200 if wrong is True else 400)


def test_faults_are_cleared(sandbox: Sandbox, page: TestClient) -> None:
    sandbox.faults.add(Fault("html"))
    assert page.delete("/sandbox/faults").json() == {"pending": 0}
    assert sandbox.faults.pending == []


@pytest.mark.parametrize(
    ("headers", "status"), [({"origin": "https://evil.example"}, 403), ({"host": "evil.example"}, 421)]
)
@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/sandbox/phone"),
        ("POST", "/sandbox/speed"),
        ("DELETE", "/sandbox/faults"),
        ("GET", "/sandbox/events"),
        ("GET", "/page/page.js"),
    ],
)
def test_no_page_of_another_host_hears_or_steers(
    sandbox: Sandbox, page: TestClient, verb: str, path: str, headers: dict[str, str], status: int
) -> None:
    call = ringing(sandbox)
    sandbox.faults.add(Fault("html"))
    body = {"id": call["id"], "act": "pick_up", "speed": 5}
    assert page.request(verb, path, json=body, headers=headers).status_code == status
    assert (shown(sandbox)["phone"][0]["state"], len(sandbox.faults.pending)) == ("rings", 1)
    assert sandbox.world.speed is None


# Its events


def messages(server: SandboxServer) -> Iterator[dict[str, Any]]:
    with (
        httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client,
        client.stream("GET", "/sandbox/events") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def until(heard: Iterator[dict[str, Any]], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    return next(message for message in heard if fits(message))


@pytest.mark.slow
def test_a_listener_hears_everything_and_then_what_changes() -> None:
    with SandboxServer() as server:
        call_id = dial(server.sandbox, "+12025550100")
        heard = messages(server)
        first = next(heard)
        assert first["whole"] is True
        assert f"call/{call_id}" in first["changed"]
        assert {"clock", "phone", "voices", "exchange/1"} <= first["changed"].keys()
        server.sandbox.faults.add(Fault("html"))
        second = next(heard)
        assert (second["whole"], second["gone"], list(second["changed"])) == (False, [], ["faults"])
        server.sandbox.world.advance(300)
        third = until(heard, lambda message: f"call/{call_id}" in message["changed"])
        assert third["changed"][f"call/{call_id}"]["status"] == "completed"
        assert "voices" not in third["changed"]
        server.sandbox.reset()
        assert f"call/{call_id}" in until(heard, lambda message: bool(message["gone"]))["gone"]


@pytest.mark.slow
def test_a_listener_does_not_hold_up_the_end_of_the_server() -> None:
    with SandboxServer() as server:
        heard = messages(server)
        next(heard)
        began_s = time.monotonic()
    # It would take the whole grace period, and be cut off then.
    assert list(heard) == []
    assert time.monotonic() - began_s < 30


@pytest.mark.slow
def test_a_listener_who_goes_away_is_forgotten() -> None:
    with SandboxServer() as server:
        before = threading.active_count()
        for _ in range(3):
            heard = messages(server)
            next(heard)
            heard.close()  # type: ignore[attr-defined]
        assert httpx.get(server.url, trust_env=False).status_code == 200
        assert threading.active_count() <= before + 8
