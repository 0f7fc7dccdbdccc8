"""The sandbox uses an assistant's custom tools during a talk, as Revox would."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import httpx
import pytest
import revox
from revox.types import AssistantCreateParams, CallRetrieveResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from revox_langchain import Connection
from revox_langchain.operations.calls import CancelCall, GetCall, MakeCall
from revox_langchain.sandbox import Fault, Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.sandbox.world.switches import Switches as Assumptions
from revox_langchain.sandbox.world.tool_calls import CALL_ID_HEADER, question_of

ASKS, SLOW, LOST = "+12025550126", "+12025550127", "+12025550128"
HOST = "http://127.0.0.1:9"


def tool(name: str = "check_calendar", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Look up free slots. Use it before booking.",
        "url": f"{HOST}/{name}",
        "method": "POST",
        "headers": [{"key": "X-Secret", "value": "s3cret"}],
        "query_params": [],
        "body_template": '{"day": "{{day}}", "guests": "{{guests}}"}',
        "input_schema": [
            {"name": "day", "type": "date", "required": True, "description": "Which day?"},
            {"name": "guests", "type": "number", "required": True},
            {"name": "note", "type": "string", "required": False},
        ],
        **changes,
    }


BOOK = tool(
    "book",
    description="Book a slot",
    body_template=None,
    input_schema=[{"name": "slot", "type": "datetime", "required": True}],
)

Answer = Callable[[Request], Awaitable[Response]]


class Desk:
    """The other end: an app with tools that notes what it is asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self._answers = list(answers)
        self.app: ASGIApp = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]
        )
        self.transport = httpx.ASGITransport(app=self.app)

    async def _answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        self.asked.append((request.method, str(request.url), dict(request.headers), body))
        answer = self._answers.pop(0) if self._answers else PlainTextResponse("Free at 2026-01-12T15:30:00Z.")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for *_, body in self.asked]


def talk(sandbox: Sandbox, number: str = ASKS, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The last attempt of a call whose assistant has these tools."""
    connection = sandbox.connect()
    settings = {"custom_tools": list(tools) or [tool()], **more.pop("settings", {})}
    placed = connection.send(MakeCall(phone_number=number, prompt="Say hello.", settings=settings, **more))
    sandbox.world.advance(3600)
    call = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    assert call["status"] == "completed"
    attempt: dict[str, Any] = call["last_call_attempt"]
    return attempt


def used(attempt: dict[str, Any]) -> list[dict[str, Any]]:
    return [turn for turn in attempt["transcript"] if turn["role"] == "tool"]


def said(attempt: dict[str, Any]) -> list[str]:
    return [turn["content"] for turn in attempt["transcript"] if turn["role"] == "assistant"]


def seconds(attempt: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(attempt[key]) for key in ("answered_at", "ended_at"))
    return (ended - begun).total_seconds()


def test_a_tool_is_asked_as_the_assistant_says_and_its_answer_is_spoken() -> None:
    desk = Desk()
    attempt = talk(Sandbox(outside=desk.transport))
    [(method, url, headers, _)] = desk.asked
    assert (method, url, headers["x-secret"]) == ("POST", f"{HOST}/check_calendar", "s3cret")
    assert headers["content-type"] == "application/json"
    [turn] = used(attempt)
    assert turn == {
        "role": "tool",
        "content": "",
        "tool_name": "check_calendar",
        "tool_arguments": {"day": "2026-01-09", "guests": 4},
        "tool_output": "Free at 2026-01-12T15:30:00Z.",
        "tool_is_error": False,
    }
    assert desk.bodies == [{"day": "2026-01-09", "guests": "4"}]
    assert any("Free at 2026-01-12T15:30:00Z." in sentence for sentence in said(attempt))
    assert any("2026-01-09" in turn["content"] for turn in attempt["transcript"] if turn["role"] == "user")
    assert attempt["post_call_transcript"] == attempt["transcript"]


def test_what_one_tool_offered_is_what_the_callee_asks_of_the_next() -> None:
    desk = Desk()
    attempt = talk(Sandbox(outside=desk.transport), ASKS, tool(), BOOK)
    assert [turn["tool_name"] for turn in used(attempt)] == ["check_calendar", "book"]
    assert desk.bodies[1] == {"slot": "2026-01-12T15:30:00Z"}


def test_equal_seeds_give_equal_talks() -> None:
    attempts = [talk(Sandbox(outside=Desk().transport, seed=3), SLOW, tool(), BOOK) for _ in range(2)]
    assert attempts[0] == attempts[1]


def test_a_slow_tool_is_waited_for_until_the_assumed_limit() -> None:
    quick, slow = (talk(Sandbox(outside=Desk().transport), number) for number in (ASKS, SLOW))
    assert 14 < seconds(slow) - seconds(quick) < 16
    roles = [turn["role"] for turn in slow["transcript"]]
    assert roles[roles.index("tool") - 3 : roles.index("tool")] == ["assistant", "user", "assistant"]
    assert used(slow)[0]["tool_is_error"] is False
    impatient = talk(Sandbox(outside=Desk().transport, switches=Switches(tool_timeout_s=5)), SLOW)
    assert (used(impatient)[0]["tool_is_error"], used(impatient)[0]["tool_output"]) == (True, "timed out")
    assert any("sorry" in sentence for sentence in said(impatient))


@pytest.mark.parametrize(("retries", "runs", "failed"), [(0, 1, True), (1, 2, False)])
def test_a_lost_answer_is_an_apology_unless_revox_asks_again(retries: int, runs: int, failed: bool) -> None:
    desk = Desk()
    attempt = talk(Sandbox(outside=desk.transport, switches=Switches(tool_retries=retries)), LOST)
    assert len(desk.asked) == runs
    assert [turn["tool_is_error"] for turn in used(attempt)] == [failed]
    assert any("sorry" in sentence for sentence in said(attempt)) is failed


@pytest.mark.parametrize(
    ("answer", "output", "retried"),
    [
        (PlainTextResponse("no such day", 422), "HTTP 422: no such day", False),
        (PlainTextResponse("oh", 503), "HTTP 503: oh", True),
        (RuntimeError("traceback"), "RuntimeError", True),
        (Response(status_code=307, headers={"location": f"{HOST}/elsewhere"}), "HTTP 307: ", False),
    ],
)
def test_a_tool_that_fails_is_apologized_for(answer: Response | Exception, output: str, retried: bool) -> None:
    attempt = talk(Sandbox(outside=Desk(answer).transport))
    assert (used(attempt)[0]["tool_is_error"], used(attempt)[0]["tool_output"]) == (True, output)
    assert any("sorry" in sentence for sentence in said(attempt))
    desk = Desk(answer)
    talk(Sandbox(outside=desk.transport, switches=Switches(tool_retries=1)))
    assert len(desk.asked) == (2 if retried else 1)


@pytest.mark.parametrize(
    ("kind", "runs", "output"),
    [("tool_lost", 1, "ReadError"), ("tool_unreached", 0, "ConnectError"), ("tool_late", 1, "timed out")],
)
def test_faults_happen_to_tools(kind: Any, runs: int, output: str) -> None:
    desk = Desk()
    sandbox = Sandbox(outside=desk.transport)
    sandbox.faults.add(Fault(kind))
    attempt = talk(sandbox, ASKS, tool(), BOOK)
    assert [turn["tool_is_error"] for turn in used(attempt)] == [True, False]
    assert used(attempt)[0]["tool_output"] == output
    assert len(desk.asked) == runs + 1
    assert not sandbox.faults.pending


def test_json_is_spoken_as_its_values() -> None:
    attempt = talk(
        Sandbox(outside=Desk(JSONResponse({"ok": True, "slots": ["three", "four"], "more": None, "n": 2})).transport)
    )
    assert "three, four, 2" in said(attempt)


def test_an_assistant_without_tools_talks_as_usual() -> None:
    connection = (sandbox := Sandbox()).connect()
    placed = connection.send(MakeCall(phone_number=ASKS, prompt="Say hello."))
    sandbox.world.advance(3600)
    call = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    assert (call["status"], call["outcome"], used(call["last_call_attempt"])) == ("completed", "completed", [])


class TestTheRequest:
    """What Revox does not document about it is a switch."""

    def made(self, given: dict[str, Any], arguments: dict[str, Any], **switches: Any) -> Any:
        return question_of(given, arguments, {"name": "Zoé", "plan": "a/b &c"}, "call-1", Assumptions(**switches))

    @pytest.mark.parametrize(
        ("values", "body"),
        [
            ("text", {"who": 'A "B"', "n": "4", "sure": "true", "line": "n=4"}),
            ("typed", {"who": 'A "B"', "n": 4, "sure": True, "line": "n=4"}),
        ],
    )
    def test_values_are_filled_in_as_text_or_as_they_are(self, values: str, body: Any) -> None:
        given = tool(body_template='{"who": "{{who}}", "n": "{{ n }}", "sure": "{{sure}}", "line": "n={{n}}"}')
        question = self.made(given, {"who": 'A "B"', "n": 4, "sure": True}, tool_values=values)
        assert json.loads(question.content) == body

    def test_values_may_be_filled_in_without_escaping(self) -> None:
        assert self.made(tool(body_template='{"a": "{{a}}"}'), {"a": '"'}, tool_values="raw").content == '{"a": """}'

    @pytest.mark.parametrize(
        ("missing", "body"), [("empty", '{"a": ""}'), ("null", '{"a": null}'), ("kept", '{"a": "{{a}}"}')]
    )
    def test_what_has_no_value_is_empty_null_or_kept(self, missing: str, body: str) -> None:
        assert self.made(tool(body_template='{"a": "{{a}}"}'), {}, tool_missing=missing).content == body

    @pytest.mark.parametrize(("without", "body"), [("arguments", '{"day": "x"}'), ("nothing", None)])
    def test_without_a_template_the_body_is_the_arguments_or_nothing(self, without: str, body: str | None) -> None:
        assert self.made(tool(body_template=None), {"day": "x"}, tool_without_template=without).content == body
        assert self.made(tool(body_template=None, method="GET"), {"day": "x"}).content is None

    @pytest.mark.parametrize(
        ("comes", "header", "body"),
        [("none", None, '{"c": ""}'), ("variable", None, '{"c": "call-1"}'), ("header", "call-1", '{"c": ""}')],
    )
    def test_the_call_id_comes_along_or_not(self, comes: str, header: str | None, body: str) -> None:
        question = self.made(tool(body_template='{"c": "{{call_id}}"}'), {}, tool_call_id=comes)
        assert (dict(question.headers).get(CALL_ID_HEADER), question.content) == (header, body)

    def test_variables_are_filled_into_url_query_and_headers(self) -> None:
        given = tool(
            url=f"{HOST}/of/{{{{plan}}}}?x=1",
            query_params=[{"key": "q", "value": "{{name}} {{day}}"}],
            headers=[{"key": "X-Plan", "value": "{{plan}}"}],
            method="GET",
            body_template=None,
        )
        question = self.made(given, {"day": "2\n3"})
        assert question.url == f"{HOST}/of/a%2Fb%20%26c?x=1&q=Zo%C3%A9+2%0A3"
        assert question.headers == (("X-Plan", "a/b &c"),)

    def test_what_the_callee_said_comes_before_a_variable_of_the_order(self) -> None:
        assert self.made(tool(body_template="{{name}}"), {"name": "Ann"}).content == "Ann"


def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": True, **more}


def test_arguments_have_the_types_of_the_schema() -> None:
    schema = [
        field("sure", "boolean"),
        field("how_many", "number"),
        field("kind", "enum", enum_options=["a", "b"]),
        field("day", "date"),
        field("at", "datetime"),
        field("email", "string"),
        field("slot", "string"),
        field("optional", "string", required=False),
    ]
    given = tool(input_schema=schema, body_template=None)
    [turn] = used(talk(Sandbox(outside=Desk().transport), ASKS, given))
    arguments = turn["tool_arguments"]
    assert (arguments["sure"], arguments["how_many"], arguments["kind"]) == (True, 4, "a")
    assert date.fromisoformat(arguments["day"])
    assert datetime.fromisoformat(arguments["at"]).tzinfo
    assert datetime.fromisoformat(arguments["slot"]).tzinfo
    assert arguments["email"] == "contact@example.com"
    assert "optional" not in arguments


class TestWhereItMayAsk:
    @pytest.mark.parametrize(
        ("url", "hosts", "allowed"),
        [
            ("http://127.0.0.1:8000/x", (), True),
            ("http://127.9.9.9/x", (), True),
            ("http://[::1]:80/", (), True),
            ("http://LOCALHOST/", (), True),
            ("https://hooks.example.com/", (), False),
            ("https://hooks.example.com/", ("hooks.example.com",), True),
            ("https://hooks.example.com/", ("*.example.com",), True),
            ("https://example.com/", ("*.example.com",), False),
            ("http://127.0.0.1@hooks.example.com/", (), False),
            ("http://localhost.example.com/", (), False),
            ("http://10.0.0.1/", (), False),
            ("http://0.0.0.0/", (), False),
            ("http://169.254.169.254/", (), False),
            ("not a url", (), False),
            ("http://[/", (), False),
        ],
    )
    def test_only_this_machine_and_allowed_hosts(self, url: str, hosts: tuple[str, ...], allowed: bool) -> None:
        assert Sandbox(allowed_hosts=hosts).allows(url) is allowed

    def test_a_list_of_hosts_is_no_text(self) -> None:
        with pytest.raises(TypeError, match="a list of hosts"):
            Sandbox(allowed_hosts="example.com")

    def test_a_refused_request_is_a_failed_tool_and_a_line_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        desk = Desk()
        sandbox = Sandbox(outside=desk.transport, switches=Switches(tool_retries=3))
        attempt = talk(sandbox, ASKS, tool(url="https://tools.example.com/x?token=t0ken"))
        assert desk.asked == []
        assert (used(attempt)[0]["tool_is_error"], used(attempt)[0]["tool_output"]) == (True, "host not allowed")
        assert [(each["kind"], each["error"]) for each in sandbox.asked] == [("tool", "host not allowed")]
        assert "refused tools.example.com" in caplog.text
        assert "t0ken" not in caplog.text

    def test_an_allowed_host_is_asked(self) -> None:
        desk = Desk()
        sandbox = Sandbox(outside=desk.transport, allowed_hosts=["tools.example.com"])
        talk(sandbox, ASKS, tool(url="https://tools.example.com/x"))
        assert [url for _, url, *_ in desk.asked] == ["https://tools.example.com/x"]
        assert sandbox.asked[0]["answered"] == 200


def test_a_tool_may_itself_ask_the_sandbox() -> None:
    connections: list[Connection] = []

    async def answer(request: Request) -> Response:
        [connection] = connections
        return PlainTextResponse(str((await connection.asend(GetCall(call_id=calls[0])))["call"]["status"]))

    app = Starlette(routes=[Route("/check_calendar", answer, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app))
    connections.append(sandbox.connect())
    placed = sandbox.connect().send(MakeCall(phone_number=ASKS, prompt="P", settings={"custom_tools": [tool()]}))
    calls = [placed["call"]["id"]]
    sandbox.world.advance(600)
    attempt = sandbox.connect().send(GetCall(call_id=calls[0]))["call"]["last_call_attempt"]
    assert used(attempt)[0]["tool_output"] == "calling"


def test_a_talk_ends_at_its_maximum_whatever_the_tool_does() -> None:
    attempt = talk(Sandbox(outside=Desk().transport), SLOW, settings={"max_call_duration_secs": 35})
    assert (seconds(attempt), attempt["end_reason"]) == (35, "max_duration")
    assert used(attempt)


def test_the_turns_are_those_of_the_official_sdk() -> None:
    desk = Desk(PlainTextResponse("Free at noon."), PlainTextResponse("broken", 500))
    sandbox = Sandbox(outside=desk.transport)
    http_client = httpx.Client(transport=httpx.MockTransport(sandbox))
    with revox.Revox(api_key="k", base_url="https://sandbox.invalid/api", http_client=http_client) as client:
        wanted: AssistantCreateParams = {"name": "A", "prompt": "P", "custom_tools": [tool(), BOOK]}  # type: ignore[list-item]
        assistant = client.assistants.create(**wanted).assistant
        call = client.call.create(phone_number=ASKS, assistant_id=assistant.id).call
        sandbox.world.advance(600)
        shown = client.call.retrieve(call.id)
        strict = CallRetrieveResponse.model_validate(shown.to_dict(exclude_unset=True), strict=True)
    attempt = strict.call.last_call_attempt
    assert attempt is not None
    turns = [turn for turn in attempt.transcript or () if turn.role == "tool"]
    assert [(turn.tool_name, turn.tool_output, turn.tool_is_error) for turn in turns] == [
        ("check_calendar", "Free at noon.", False),
        ("book", "HTTP 500: broken", True),
    ]
    assert turns[0].tool_arguments == {"day": "2026-01-09", "guests": 4}
    assert not any(turn.model_extra for turn in turns)


@pytest.mark.slow
def test_over_a_port_time_goes_on_while_a_tool_is_asked() -> None:
    desk = Desk()
    sandbox = Sandbox(outside=desk.transport, speed=300)
    with SandboxServer(sandbox) as server, Connection("k", base_url=server.base_url) as connection:
        settings = {"custom_tools": [tool(), BOOK]}
        placed = connection.send(MakeCall(phone_number=ASKS, prompt="P", settings=settings))
        give_up_s = time.monotonic() + 30
        while (call := connection.send(GetCall(call_id=placed["call"]["id"]))["call"])["status"] != "completed":
            assert time.monotonic() < give_up_s
            time.sleep(0.02)
    assert [turn["tool_is_error"] for turn in used(call["last_call_attempt"])] == [False, False]
    assert [each["answered"] for each in sandbox.asked] == [200, 200]


@pytest.mark.slow
def test_in_a_fast_world_a_quick_tool_is_not_too_slow() -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0.02)
        return PlainTextResponse("Forty of the world's seconds later.")

    app = Starlette(routes=[Route("/check_calendar", answer, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app), speed=2000, switches=Switches(calling_hours=False))
    settings = {"custom_tools": [tool()], "max_call_duration_secs": 1_000_000}
    connection = sandbox.connect()
    call_id = connection.send(MakeCall(phone_number=ASKS, prompt="P", settings=settings))["call"]["id"]
    give_up_s = time.monotonic() + 30
    while (call := connection.send(GetCall(call_id=call_id))["call"])["status"] != "completed":
        assert time.monotonic() < give_up_s
        time.sleep(0.01)
    assert [turn["tool_is_error"] for turn in used(call["last_call_attempt"])] == [False]


async def test_a_server_in_the_event_loop_that_waits_for_the_call_can_answer() -> None:
    here = asyncio.get_running_loop()

    async def look_up() -> str:
        return "Looked up in the loop of the test."

    async def answer(request: Request) -> Response:
        return PlainTextResponse(await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(look_up(), here)))

    app = Starlette(routes=[Route("/check_calendar", answer, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app), switches=Switches(tool_timeout_s=16))
    async with sandbox.connect() as connection:
        placed = await connection.asend(MakeCall(phone_number=ASKS, prompt="P", settings={"custom_tools": [tool()]}))
        await sandbox.clock.asleep(600)
        call = (await connection.asend(GetCall(call_id=placed["call"]["id"])))["call"]
    assert used(call["last_call_attempt"])[0]["tool_output"] == "Looked up in the loop of the test."


@pytest.mark.slow
def test_a_call_that_is_cancelled_while_a_tool_works_does_not_go_on() -> None:
    connections: list[Connection] = []

    async def answer(request: Request) -> Response:
        await connections[0].asend(CancelCall(call_id=calls[0]))
        return PlainTextResponse("too late")

    app = Starlette(routes=[Route("/check_calendar", answer, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app))
    connections.append(sandbox.connect())
    placed = sandbox.connect().send(MakeCall(phone_number=ASKS, prompt="P", settings={"custom_tools": [tool()]}))
    calls = [placed["call"]["id"]]
    sandbox.world.advance(600)
    call = sandbox.connect().send(GetCall(call_id=calls[0]))["call"]
    assert (call["status"], used(call["last_call_attempt"])) == ("cancelled", [])
