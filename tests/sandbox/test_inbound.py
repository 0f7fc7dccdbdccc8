"""Somebody calls one of the organization's numbers: the look-up before, the talk, the webhook after."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import revox
from revox.types import CallRetrieveResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import CancelCall, GetCall, GetCallHistory, GetPhoneHistory, MakeCall, PauseCall
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer, create_app

OURS, OTHER = "+12025550199", "+33199005001"
CALLER = "+33142685300"
LOOKUP = "http://127.0.0.1:9/who?phone={{phone}}"
KNOWN = {"prompt_variables": {"first_name": "Zoé"}}


class Caller:
    """The other end of the look-up; it notes whom it is asked about."""

    def __init__(self, answer: Response | Exception | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answer = answer
        app = Starlette(routes=[Route("/who", self._look_up)])
        self.transport = httpx.ASGITransport(app=app)

    async def _look_up(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.query))
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is None:
            await asyncio.Event().wait()
        assert self._answer is not None
        return self._answer


def answering(sandbox: Sandbox, **fields: Any) -> str:
    """Have an assistant answer our first number."""
    connection = sandbox.connect()
    given = {"name": "Desk", "prompt": "Greet {{first_name}}.", **fields}
    assistant = connection.send(CreateAssistant.model_validate(given))["assistant"]["id"]
    numbers = connection.send(ListPhoneNumbers())["phone_numbers"]
    attached = UpdatePhoneNumber(phone_number_id=numbers[0]["id"], inbound_assistant_id=assistant)
    connection.send(attached)
    return str(assistant)


def received(sandbox: Sandbox, caller: str = CALLER, seconds: float = 3600) -> dict[str, Any]:
    """The order of a call that somebody made, after a while."""
    call_id = sandbox.receive(caller, OURS)["id"]
    sandbox.world.advance(seconds)
    call: dict[str, Any] = sandbox.connect().send(GetCall(call_id=call_id))["call"]
    return call


def looked_up(answer: Response | Exception | None, **more: Any) -> tuple[dict[str, Any], Caller, Sandbox]:
    caller = Caller(answer)
    sandbox = Sandbox(outside=caller.transport, **more)
    answering(sandbox, settings={"precall_lookup_url": LOOKUP, "webhook_url": "http://127.0.0.1:9/ended"})
    return received(sandbox), caller, sandbox


def test_the_caller_is_looked_up_and_the_assistant_answers() -> None:
    call, caller, sandbox = looked_up(JSONResponse(KNOWN))
    assert caller.asked == [("GET", "phone=%2B33142685300")]
    assert (call["direction"], call["from_phone_number"], call["to_phone_number"]) == ("inbound", CALLER, OURS)
    assert (call["status"], call["outcome"], call["calls_count"]) == ("completed", "completed", 1)
    assert call["prompt_variables"] == KNOWN["prompt_variables"]
    assert call["contact"]["first_name"] == "Zoé"
    attempt = call["last_call_attempt"]
    assert (attempt["phone_number"], attempt["result"], attempt["handled_by_ai"]) == (CALLER, "human", True)
    assert "speaking with an AI assistant" in attempt["transcript"][0]["content"]
    assert "Greet Zoé." in attempt["speech_events"][0]["llm_system_prompt"]
    assert [post["payload"]["call_order_id"] for post in sandbox.outbox] == [call["id"]]
    assert sandbox.outbox[0]["payload"]["status"] == "completed"


def test_nobodys_phone_rings() -> None:
    _, _, sandbox = looked_up(JSONResponse(KNOWN))
    assert (sandbox.rang, sandbox.dials) == (0, [])
    assert CALLER not in sandbox.connect().send(GetPhoneHistory())["phone_history"]


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("gone", 404),
        PlainTextResponse("no JSON"),
        JSONResponse(["no object"]),
        JSONResponse({"variables": {}}),
        JSONResponse({"prompt_variables": {"first_name": 1}}),
        RuntimeError("traceback"),
    ],
)
def test_a_look_up_that_fails_ends_the_call_or_does_not(answer: Response | Exception) -> None:
    call, _, sandbox = looked_up(answer)
    assert (call["status"], call["call_attempts"], call["prompt_variables"]) == ("errored", [], None)
    assert [post["payload"]["status"] for post in sandbox.outbox] == ["errored"]
    call, _, _ = looked_up(answer, switches=Switches(lookup_failed="answered"))
    assert (call["status"], call["calls_count"], call["prompt_variables"]) == ("completed", 1, None)


@pytest.mark.parametrize(("failed", "status"), [("errored", "errored"), ("answered", "completed")])
def test_a_look_up_that_never_answers_is_given_up(failed: Any, status: str) -> None:
    call, _, sandbox = looked_up(None, switches=Switches(lookup_failed=failed, lookup_timeout_s=0.05))
    assert call["status"] == status
    assert [(each["kind"], each["error"]) for each in sandbox.asked] == [("lookup", "timed out")]


@pytest.mark.parametrize("failed", ["errored", "answered"])
def test_an_answer_that_lacks_a_variable_ends_the_call_as_documented(failed: Any) -> None:
    lacking = JSONResponse({"prompt_variables": {"other": "x"}})
    assert looked_up(lacking, switches=Switches(lookup_failed=failed))[0]["status"] == "errored"


def test_a_look_up_elsewhere_is_refused() -> None:
    caller = Caller(JSONResponse(KNOWN))
    sandbox = Sandbox(outside=caller.transport)
    answering(sandbox, settings={"precall_lookup_url": "https://crm.example.com/{{phone}}"})
    assert received(sandbox)["status"] == "errored"
    assert (caller.asked, sandbox.asked[0]["error"]) == ([], "host not allowed")


@pytest.mark.parametrize(
    ("missing", "status"), [("spoken", "completed"), ("errored", "errored"), ("refuse", "errored")]
)
def test_without_a_look_up_a_missing_variable_does_what_the_switch_says(missing: Any, status: str) -> None:
    sandbox = Sandbox(switches=Switches(missing_variable=missing))
    answering(sandbox)
    assert received(sandbox)["status"] == status


def test_without_variables_no_look_up_is_needed() -> None:
    sandbox = Sandbox(switches=Switches(missing_variable="errored"))
    answering(sandbox, prompt="Say hello.")
    assert received(sandbox)["status"] == "completed"
    assert sandbox.asked == []


@pytest.mark.parametrize(
    ("caller", "to", "words"),
    [
        ("0142685300", OURS, "E.164"),
        (CALLER, "desk", "E.164"),
        (CALLER, "+12025550198", "not a number of the organization's"),
        (CALLER, OTHER, "no assistant answers"),
    ],
)
def test_a_call_that_cannot_come_in_says_why(caller: str, to: str, words: str) -> None:
    sandbox = Sandbox()
    answering(sandbox)
    with pytest.raises(ValueError, match=words):
        sandbox.receive(caller, to)
    assert sandbox.world.orders == {}


def test_the_assistant_as_it_is_now_answers() -> None:
    sandbox = Sandbox()
    assistant = answering(sandbox)
    sandbox.connect().send(UpdateAssistant(assistant_id=assistant, prompt="Sing."))
    assert received(sandbox)["assistant"]["prompt"] == "Sing."


@pytest.mark.parametrize("number", ["+12025550101", "+12025550102", "+12025550103", "+12025550106", "+12025550114"])
def test_whoever_calls_talks_whatever_they_do_when_they_are_called(number: str) -> None:
    sandbox = Sandbox()
    answering(sandbox)
    call = received(sandbox, number)
    assert (call["status"], call["last_call_attempt"]["result"], call["calls_count"]) == ("completed", "human", 1)
    assert "I am calling about" in call["last_call_attempt"]["transcript"][1]["content"]


def test_a_caller_may_want_what_a_tool_does() -> None:
    app = Starlette(routes=[Route("/slots", lambda request: PlainTextResponse("Noon."), methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app))
    tool = {
        "name": "slots",
        "description": "Free slots",
        "url": "http://127.0.0.1:9/slots",
        "method": "POST",
        "headers": [],
        "query_params": [],
        "body_template": None,
        "input_schema": [],
    }
    answering(sandbox, settings={"custom_tools": [tool]})
    transcript = received(sandbox, "+12025550126")["last_call_attempt"]["transcript"]
    assert [turn["tool_output"] for turn in transcript if turn["role"] == "tool"] == ["Noon."]


def test_a_search_finds_inbound_calls_by_their_direction() -> None:
    sandbox = Sandbox()
    answering(sandbox)
    connection = sandbox.connect()
    connection.send(MakeCall(phone_number=CALLER, prompt="P"))
    call = received(sandbox)
    found = connection.send(GetCallHistory.model_validate({"directions": ["inbound"]}))
    assert ([each["id"] for each in found["calls"]], found["total_count"]) == ([call["id"]], 1)


def test_an_inbound_call_is_cancelled_but_not_paused() -> None:
    sandbox = Sandbox()
    answering(sandbox)
    connection = sandbox.connect()
    call_id = sandbox.receive(CALLER, OURS)["id"]
    with pytest.raises(RevoxToolError, match="cannot be paused"):
        connection.send(PauseCall(call_id=call_id))
    sandbox.world.advance(10)
    connection.send(CancelCall(call_id=call_id))
    call = connection.send(GetCall(call_id=call_id))["call"]
    assert (call["status"], call["last_call_attempt"]["ended_by"]) == ("cancelled", "system")


def test_an_inbound_call_is_valid_at_every_point_of_its_life() -> None:
    sandbox = Sandbox(outside=Caller(JSONResponse(KNOWN)).transport)
    answering(sandbox, settings={"precall_lookup_url": LOOKUP})
    http_client = httpx.Client(transport=httpx.MockTransport(sandbox))
    seen = []
    with revox.Revox(api_key="k", base_url="https://sandbox.invalid/api", http_client=http_client) as client:
        call_id = sandbox.receive(CALLER, OURS)["id"]
        for seconds in (0, 0.2, 0.5, 3, 10, 60, 60):
            sandbox.world.advance(seconds)
            answer = client.call.retrieve(call_id)
            seen.append(
                CallRetrieveResponse.model_validate(answer.to_dict(exclude_unset=True), strict=True).call.status
            )
    assert (seen[0], seen[1], seen[-1]) == ("initializing", "calling", "completed")


async def test_somebody_calls_over_a_port() -> None:
    sandbox = Sandbox()
    answering(sandbox)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(sandbox)), base_url="http://127.0.0.1")
    async with client:
        answer = await client.post("/sandbox/receive", json={"from_number": CALLER, "to_number": OURS})
        wrong = await client.post("/sandbox/receive", json={"from_number": CALLER, "to_number": OTHER})
        lacking = await client.post("/sandbox/receive", json={"from_number": CALLER})
    assert answer.json()["call"]["direction"] == "inbound"
    assert list(sandbox.world.orders) == [answer.json()["call"]["id"]]
    assert (wrong.status_code, lacking.status_code) == (400, 400)
    assert "no assistant answers" in wrong.json()["error"]


@pytest.mark.slow
@pytest.mark.parametrize(("hosts", "came"), [((), False), (("hooks.example.com",), True)])
def test_the_webhook_is_posted_where_the_sandbox_may_post(hosts: tuple[str, ...], came: bool) -> None:
    posted: list[Any] = []

    async def ended(request: Request) -> Response:
        posted.append(await request.json())
        return PlainTextResponse("thanks")

    app = Starlette(routes=[Route("/x", ended, methods=["POST"])])
    sandbox = Sandbox(speed=2000, outside=httpx.ASGITransport(app=app), allowed_hosts=hosts)
    with SandboxServer(sandbox):
        answering(sandbox, settings={"webhook_url": "https://hooks.example.com/x"})
        call_id = sandbox.receive(CALLER, OURS)["id"]
        for _ in range(500):
            if sandbox.outbox and sandbox.outbox[0].keys() & {"error", "answered"}:
                break
            asyncio.run(asyncio.sleep(0.02))
    assert [each["call_order_id"] for each in posted] == ([call_id] if came else [])
    assert sandbox.outbox[0].get("error") == (None if came else "host not allowed")
