"""Tools on the line: whatever comes in, the assistant gets a sentence it can say, and soon."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, ToolException, tool
from pydantic import BaseModel, Field, SecretStr, TypeAdapter
from revox.types.assistant_create_params import CustomTool

from revox_langchain import RevoxToolkit
from revox_langchain.connection.connection import Connection
from revox_langchain.errors import InvalidInput, Refused, Unavailable
from revox_langchain.sandbox import Sandbox
from revox_langchain.webhooks import CallTools, Webhooks
from revox_langchain.webhooks.journal import Journal
from revox_langchain.webhooks.routes import token_for
from tests.webhooks.line import PUBLIC, TOKEN, Line, line

CALL = "0b0d3d7e-0000-4000-8000-00000000000a"
OTHER = "0b0d3d7e-0000-4000-8000-00000000000b"


class Calendar:
    """A calendar, and the tools it is used with."""

    def __init__(self) -> None:
        self.booked: list[tuple[str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.fails: list[Exception] = []

    def tools(self) -> list[BaseTool]:
        @tool
        async def check_calendar(
            day: date,
            part: Literal["morning", "afternoon"] | None = None,
            people: int = 1,
            outside: bool = False,
            note: str = "",
        ) -> dict[str, Any]:
            """Look which times are free on a day."""
            self.asked.append({"day": day, "part": part, "people": people, "outside": outside, "note": note})
            return {"free": ["10:00", "15:00"]}

        @tool
        async def book(time: str, name: Annotated[str, Field(description="Who comes.")]) -> str:
            """Book a table."""
            if self.fails:
                raise self.fails.pop()
            self.booked.append((time, name))
            return f"Booked at {time} for {name}, number {len(self.booked)}."

        @tool
        def slow() -> str:
            """Think for long."""
            self.gate.wait(30)
            self.booked.append(("slow", ""))
            return "Thought."

        @tool
        async def never(what: str = "") -> str:
            """Never come back."""
            await asyncio.Event().wait()
            return "no"

        return [check_calendar, book, slow, never]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def calendar() -> Iterator[Calendar]:
    made = Calendar()
    yield made
    made.gate.set()


@pytest.fixture
async def phone(sandbox: Sandbox, calendar: Calendar) -> AsyncIterator[Line]:
    async with line(sandbox.connect(), CallTools(calendar.tools(), once=["book"])) as opened:
        yield opened


def made(function: Any, **options: Any) -> BaseTool:
    return StructuredTool.from_function(function, description="Do something.", **options)


# What Revox is told


def test_a_tool_becomes_what_the_sdk_says_a_custom_tool_is(sandbox: Sandbox, calendar: Calendar) -> None:
    [check, book, *_] = CallTools(calendar.tools(), token=TOKEN).custom_tools(sandbox.connect(), PUBLIC + "/")
    for each in (check, book):
        assert TypeAdapter(CustomTool).validate_python(each)
        assert each.keys() == CustomTool.__annotations__.keys()
    assert (book["name"], book["description"], book["method"]) == ("book", "Book a table.", "POST")
    assert book["url"] == "https://us.example.com/revox/call-tools/book"
    assert json.loads(book["body_template"]) == {"time": "{{time}}", "name": "{{name}}"}
    assert book["input_schema"] == [
        {"name": "time", "type": "string", "required": True},
        {"name": "name", "type": "string", "required": True, "description": "Who comes."},
    ]
    assert [(field["name"], field["type"], field["required"]) for field in check["input_schema"]] == [
        ("day", "date", True),
        ("part", "enum", False),
        ("people", "number", False),
        ("outside", "boolean", False),
        ("note", "string", False),
    ]
    assert check["input_schema"][1]["enum_options"] == ["morning", "afternoon"]


def test_a_tool_of_mcp_with_a_json_schema_is_taken_as_well(sandbox: Sandbox) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = StructuredTool(name="weather", description="Tell it.", args_schema=schema, func=lambda city: city)
    [told] = CallTools([weather]).custom_tools(sandbox.connect(), PUBLIC)
    assert told["input_schema"] == [{"name": "city", "type": "string", "required": True}]


def test_a_tool_without_arguments_sends_an_empty_object(sandbox: Sandbox) -> None:
    [told] = CallTools([made(lambda: "It is noon.", name="now")]).custom_tools(sandbox.connect(), PUBLIC)
    assert (told["input_schema"], told["body_template"]) == ([], "{}")


class Where(BaseModel):
    street: str


def nested(where: Where) -> str:
    return where.street


def listed(days: list[str]) -> str:
    return days[0]


def mapped(days: dict[str, str] | None = None) -> str:
    return str(days)


def plain(day: str) -> str:
    return day


def stateful(day: str, state: Annotated[dict[str, Any], InjectedToolArg]) -> str:
    return day


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([made(nested)], "nested: property 'where' is nested"),
        ([made(listed)], "listed: property 'days' is nested"),
        ([made(mapped)], "mapped: property 'days' is nested"),
        ([made(plain), made(plain)], "two tools are called plain"),
        ([made(plain, name="checkCalendar")], "checkCalendar.*lowercase"),
        ([StructuredTool.from_function(plain, description=" ")], "plain has no description"),
        ([made(stateful)], "stateful needs state"),
        ([plain], "not a LangChain tool"),
        ([], "there is no tool"),
        ([made(plain, metadata={"revox_risk": "write"})], r"plain is of risk WRITE.*allow_side_effects=\['plain'\]"),
        ([made(plain, metadata={"revox_risk": "harmless"})], "no risk 'harmless'"),
        ([made(plain, metadata={"readOnlyHint": False})], "risk WRITE"),
        ([made(plain, metadata={"destructiveHint": True, "readOnlyHint": False})], "risk DELETE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tool_that_cannot_be_used_on_the_line_is_refused_at_the_start(
    sandbox: Sandbox, tools: list[Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        Webhooks(sandbox.connect(), call_tools=tools)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"once": ["bok"]}, "once: there is no call tool 'bok'; did you mean 'book'"),
        ({"allow_side_effects": "book"}, r"'book' is not a list.*by name"),
        ({"allow_side_effects": True}, "True is not a list.*by name"),
        ({"timeout_s": 0}, "timeout_s=0"),
        ({"timeout_s": 600}, "timeout_s=600"),
        ({"token": "short"}, "token is too short"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_the_start(
    calendar: Calendar, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        CallTools(calendar.tools(), **options)


def test_tools_that_dial_need_to_be_allowed_by_name(sandbox: Sandbox) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk="dial", include=("revox_cancel_call", "revox_list_voices"))
    with pytest.raises(InvalidInput, match="revox_cancel_call is of risk"):
        CallTools(toolkit.get_tools())
    assert repr(CallTools(toolkit.get_tools(), allow_side_effects=["revox_cancel_call"]))


async def test_tools_of_a_toolkit_answer_on_the_line_too(sandbox: Sandbox) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, include=("revox_list_voices", "revox_get_call"))
    async with line(sandbox.connect(), CallTools(toolkit.get_tools())) as phone:
        assert (await phone.say("revox_list_voices", {}))[0]
        assert await phone.say("revox_get_call", {"call_id": CALL}) == (False, f"There is no call {CALL}.")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "no public_url"),
        ("", "no public_url"),
        ("us.example.com", "not valid"),
        ("http://us.example.com/revox", "http, and us.example.com lies in the internet"),
        ("http://8.8.8.8", "lies in the internet"),
        ("https://us.example.com/revox?token=x", "query"),
        ("https://me:secret@us.example.com", "user name or password"),
        ("https://{{host}}/revox", "not valid"),
    ],
)
def test_a_public_url_that_tokens_must_not_go_to_is_refused(
    sandbox: Sandbox, calendar: Calendar, url: str | None, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        CallTools(calendar.tools()).custom_tools(sandbox.connect(), url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000/revox", "http://10.0.0.7", PUBLIC])
def test_inside_a_network_http_is_enough(sandbox: Sandbox, calendar: Calendar, url: str) -> None:
    tools = CallTools(calendar.tools()).custom_tools(sandbox.connect(), url)
    assert tools[0]["url"] == f"{url}/call-tools/check_calendar"


# What comes in

FULL = {"day": date(2026, 12, 1), "part": "morning", "people": 2, "outside": True, "note": 'He said "soon"'}
SHORT = {"day": date(2026, 12, 1), "part": None, "people": 1, "outside": False, "note": ""}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"day": "2026-12-01", "part": "morning", "people": 2, "outside": True, "note": 'He said "soon"'}, FULL),
        ({"day": "2026-12-01", "part": "morning", "people": "2", "outside": "true", "note": 'He said "soon"'}, FULL),
        (
            b'{"day": "2026-12-01", "part": "morning", "people": "2", "outside": "True", "note": "He said "soon""}',
            FULL,
        ),
        (
            b'{"day": "2026-12-01", "part": "morning", "people": 2.0, "outside": TRUE, "note": "He said "soon""}',
            FULL,
        ),
        ({"day": "2026-12-01"}, SHORT),
        ({"day": "2026-12-01", "part": "{{part}}", "people": "", "outside": None, "note": "{{ note }}"}, SHORT),
        ({"arguments": {"day": "2026-12-01"}, "call_id": CALL}, SHORT),
        ({"tool_name": "check_calendar", "args": '{"day": "2026-12-01"}'}, SHORT),
        ({"day": "2026-12-01", "what_else_revox_sends": {"a": [1]}}, SHORT),
    ],
    ids=range(9),
)
async def test_arguments_are_read_however_revox_fills_them_in(
    phone: Line, calendar: Calendar, body: Any, asked: dict[str, Any]
) -> None:
    ok, words = await phone.say("check_calendar", body)
    assert ok, words
    assert calendar.asked == [asked]
    assert json.loads(words) == {"free": ["10:00", "15:00"]}


async def test_arguments_may_come_as_a_form_or_in_the_query(phone: Line, calendar: Calendar) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await phone.say("check_calendar", b"day=2026-12-01&people=2", **form))[0]
    phone.tools["check_calendar"]["url"] += "?day=2026-12-01"
    assert (await phone.say("check_calendar", b""))[0]
    assert [each["people"] for each in calendar.asked] == [2, 1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "still need: day"),
        ({"day": "{{day}}"}, "still need: day"),
        ({"day": " "}, "still need: day"),
        (b"", "still need: day"),
        ({"day": "soon"}, "day"),
        ({"day": "2026-12-01", "part": "night"}, "part"),
        ({"day": "2026-12-01", "people": "many"}, "people"),
        ({"day": {"a": 1}}, "day"),
        ([1, 2], "say it again"),
        (b"not json", "say it again"),
        (b"\xff\xfe", "say it again"),
        (b"[" * 100_000, "say it again"),
    ],
    ids=range(12),
)
async def test_what_is_missing_or_wrong_becomes_a_sentence(
    phone: Line, calendar: Calendar, body: Any, words: str
) -> None:
    ok, said = await phone.say("check_calendar", body)
    assert not ok
    assert words in said
    assert "Traceback" not in said
    assert "pydantic" not in said
    assert calendar.asked == []


async def test_a_wrong_token_an_unknown_tool_and_a_huge_body_do_no_harm(phone: Line, calendar: Calendar) -> None:
    body = {"time": "10:00", "name": "Ann"}
    for token in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}"):
        assert (await phone.post("book", body, Authorization=token)).status_code == 404
    assert (await phone.post("book", b'{"time": "' + b"a" * 10_000_000)).status_code == 413
    phone.tools["book"]["url"] += "_all"
    assert await phone.say("book", body) == (False, "I am sorry, I cannot do that.")
    assert calendar.booked == []


async def test_tools_of_a_json_schema_get_values_of_its_types(sandbox: Sandbox) -> None:
    got: list[Any] = []

    def func(**given: Any) -> str:
        got.append(given)
        return ""

    kinds = {"count": {"type": "integer"}, "price": {"type": "number"}, "sure": {"type": "boolean"}}
    priced = StructuredTool(name="priced", description="Say.", args_schema={"properties": kinds}, func=func)
    async with line(sandbox.connect(), CallTools([priced])) as phone:
        assert await phone.say("priced", {"count": "3", "price": "2.5", "sure": "no"}) == (True, "Done.")
    assert got == [{"count": 3, "price": 2.5, "sure": False}]


# What comes back


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ToolException("That time is taken."), "That time is taken."),
        (Refused("The calendar is closed.", code="closed", next_step="Open it."), "The calendar is closed."),
        (Unavailable("503 from 10.0.0.7"), "cannot tell"),
        (RuntimeError("password=hunter2"), "cannot tell"),
        (TimeoutError("of its own"), "cannot tell"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_an_error_becomes_a_sentence(phone: Line, calendar: Calendar, error: Exception, words: str) -> None:
    calendar.fails = [error]
    ok, said = await phone.say("book", {"time": "10:00", "name": "Ann"})
    assert not ok
    assert words in said
    assert "hunter2" not in said
    assert "10.0.0.7" not in said


async def test_a_tool_that_takes_too_long_is_not_waited_for(sandbox: Sandbox, calendar: Calendar) -> None:
    tools = CallTools(calendar.tools(), timeout_s=0.05)
    async with line(sandbox.connect(), tools) as phone:
        for name in ("slow", "never"):
            ok, said = await phone.say(name, {})
            assert not ok
            assert "too long" in said
        calendar.gate.set()


async def test_long_and_other_answers_become_short_text(sandbox: Sandbox) -> None:
    answers: dict[str, Any] = {
        "long": "word " * 1000,
        "nothing": None,
        "blocks": [{"type": "text", "text": "Hello."}],
        "number": 3,
    }

    def kind_of(kind: str) -> Any:
        return answers[kind]

    async with line(sandbox.connect(), CallTools([made(kind_of)])) as phone:
        said = {kind: (await phone.say("kind_of", {"kind": kind}))[1] for kind in answers}
    assert len(said["long"]) <= 1000
    assert said["long"].endswith("word…")
    assert (said["nothing"], said["blocks"], said["number"]) == ("Done.", "Hello.", "3")


async def test_many_slow_tools_run_beside_one_another(sandbox: Sandbox) -> None:
    together = threading.Barrier(40)

    def meet() -> str:
        together.wait(30)
        return "Met."

    async with line(sandbox.connect(), CallTools([made(meet)], timeout_s=30)) as phone:
        said = await asyncio.gather(*(phone.say("meet", {}) for _ in range(40)))
    assert said == [(True, "Met.")] * 40


async def test_a_tool_can_learn_which_call_it_is_used_in(sandbox: Sandbox) -> None:
    calls: list[Any] = []

    def whose(config: RunnableConfig) -> str:
        calls.append(config["configurable"]["revox_call"])
        return "Yours."

    async with line(sandbox.connect(), CallTools([made(whose)])) as phone:
        await phone.say("whose", {}, **{"X-Revox-Call": CALL})
        await phone.say("whose", {"call_order_id": CALL, "call_id": OTHER})
        await phone.say("whose", {"call": {"id": CALL}})
        await phone.say("whose", {}, **{"X-Revox-Call": "{{revox_call}}"})
    assert calls == [CALL, CALL, CALL, None]


async def test_the_log_says_which_tool_and_how_it_went_and_nothing_that_was_said(
    phone: Line, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    calendar.fails = [RuntimeError("cannot call +12025550100")]
    await phone.say("book", {"time": "10:00", "name": "Ann"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("revox")]
    [told] = [json.loads(line) for line in ours if line.startswith("{")]
    assert (told["route"], told["tool"], told["outcome"], told["status"]) == ("call-tools", "book", "failed", 200)
    [trace] = [line for line in ours if "Traceback" in line]
    assert "cannot call +12" in trace
    [token] = [header["value"] for header in phone.tools["book"]["headers"] if header["key"] == "Authorization"]
    for secret in ("Ann", token.removeprefix("Bearer "), "+12025550100"):
        assert secret not in "".join(ours)


# Once

ANN = {"time": "10:00", "name": "Ann"}


@pytest.mark.parametrize("how", ["header", "body", "unknown"])
async def test_a_repeat_within_a_call_runs_the_tool_once(phone: Line, calendar: Calendar, how: str) -> None:
    headers = {"X-Revox-Call": CALL} if how == "header" else {}
    body = {**ANN, "call_id": CALL} if how == "body" else ANN
    said = [await phone.say("book", body, **headers) for _ in range(3)]
    assert said == [(True, "Booked at 10:00 for Ann, number 1.")] * 3
    assert calendar.booked == [("10:00", "Ann")]


async def test_another_call_or_other_arguments_are_no_repeat(phone: Line, calendar: Calendar) -> None:
    for body in ({**ANN, "call_id": CALL}, {**ANN, "call_id": OTHER}, {**ANN, "time": "11:00", "call_id": CALL}):
        assert (await phone.say("book", body))[0]
    assert len(calendar.booked) == 3


async def test_where_the_call_is_not_known_a_later_request_is_another_one(
    phone: Line, calendar: Calendar, sandbox: Sandbox
) -> None:
    await phone.say("book", ANN)
    sandbox.world.advance(600)
    await phone.say("book", ANN)
    assert len(calendar.booked) == 2


async def test_a_tool_that_does_not_say_so_runs_each_time(phone: Line, calendar: Calendar) -> None:
    for _ in range(2):
        await phone.say("check_calendar", {"day": "2026-12-01", "call_id": CALL})
    assert len(calendar.asked) == 2


async def test_repeats_that_come_while_the_tool_runs_wait_for_it(sandbox: Sandbox, calendar: Calendar) -> None:
    async with line(sandbox.connect(), CallTools(calendar.tools(), once=["slow"], timeout_s=0.05)) as phone:
        for _ in range(2):
            assert "ask again" in (await phone.say("slow", {"call_id": CALL}))[1]
        calendar.gate.set()
        while not calendar.booked:
            await asyncio.sleep(0.001)
        said = (False, "")
        while not said[0]:
            said = await phone.say("slow", {"call_id": CALL})
    assert said == (True, "Thought.")
    assert calendar.booked == [("slow", "")]


async def test_a_remembered_answer_survives_a_restart(sandbox: Sandbox, calendar: Calendar, tmp_path: Path) -> None:
    said = []
    for _ in range(2):
        tools = CallTools(calendar.tools(), once=["book"], token=TOKEN)
        async with line(sandbox.connect(), tools, journal=tmp_path / "journal.db") as phone:
            said.append(await phone.say("book", {**ANN, "call_id": CALL}))
    assert said == [(True, "Booked at 10:00 for Ann, number 1.")] * 2
    assert calendar.booked == [("10:00", "Ann")]


async def test_a_run_that_a_crash_cut_off_is_not_done_again(
    sandbox: Sandbox, calendar: Calendar, tmp_path: Path
) -> None:
    tools = CallTools([*calendar.tools()], once=["never"], token=TOKEN, timeout_s=0.05)
    async with line(sandbox.connect(), tools, journal=tmp_path / "journal.db") as phone:
        await phone.say("never", {"call_id": CALL})
        # As a killed process leaves it: begun, and never answered.
        shutil.copy(tmp_path / "journal.db", tmp_path / "left.db")
        shutil.copy(tmp_path / "journal.db-wal", tmp_path / "left.db-wal")
        async with line(sandbox.connect(), tools, journal=tmp_path / "left.db") as after:
            ok, said = await after.say("never", {"call_id": CALL})
        for task in asyncio.all_tasks():
            if "_first" in repr(task.get_coro()):
                task.cancel()
    assert not ok
    assert "will not do it a second time" in said


@pytest.mark.parametrize(
    ("error", "runs_again"), [(ToolException("Taken."), True), (RuntimeError("half-way"), False)], ids=["no", "maybe"]
)
async def test_what_surely_did_nothing_may_be_tried_again_and_nothing_else(
    phone: Line, calendar: Calendar, error: Exception, runs_again: bool
) -> None:
    calendar.fails = [error]
    body = {**ANN, "call_id": CALL}
    assert not (await phone.say("book", body))[0]
    ok, said = await phone.say("book", body)
    assert ok is runs_again
    assert ("number 1" in said) is runs_again
    assert len(calendar.booked) == int(runs_again)


async def test_without_its_journal_a_tool_that_must_run_once_does_not_run(
    phone: Line, calendar: Calendar, sandbox: Sandbox
) -> None:
    webhooks = Webhooks(sandbox.connect(), call_tools=CallTools(calendar.tools(), once=["book"], token=TOKEN))
    assert webhooks._line is not None
    webhooks._line._once._journal.close()
    phone.client._transport.app = webhooks  # type: ignore[attr-defined]
    tools = CallTools(calendar.tools(), token=TOKEN).custom_tools(sandbox.connect(), PUBLIC)
    broken = Line(phone.client, tools)
    ok, said = await broken.say("book", ANN)
    assert not ok
    assert "Something went wrong" in said
    assert calendar.booked == []


@pytest.mark.slow
def test_an_answer_is_forgotten_when_its_time_is_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    assert journal.begin_tool("a", 0, 10) == (True, None)
    journal.tool_answered("a", "said")
    assert journal.begin_tool("a", 9, 19) == (False, "said")
    assert journal.begin_tool("a", 11, 21) == (True, None)
    journal.forget_before(0, 22)
    assert journal.begin_tool("a", 12, 22) == (True, None)


# The secret


@pytest.mark.slow
def test_every_process_with_the_same_key_makes_the_same_token_and_a_short_key_none_that_can_be_guessed(
    calendar: Calendar,
) -> None:
    tools = CallTools(calendar.tools())
    long = [tools.token(Connection("rvx_a_long_key_of_an_account")).get_secret_value() for _ in range(2)]
    assert long[0] == long[1]
    assert long[0] != tools.token(Connection("rvx_another_key_of_an_account")).get_secret_value()
    assert CallTools(calendar.tools(), token=TOKEN).token(Connection("rvx_a_long_key_of_an_account")) != long[0]
    guessed = token_for("call-tools", SecretStr("sandbox"))
    assert tools.token(Connection("sandbox")) != guessed
    assert "revox" not in repr(tools)


@pytest.mark.slow
def test_writing_down_waits_for_no_disk_so_that_whoever_is_on_the_phone_does_not(tmp_path: Path) -> None:
    normal = (1,)
    assert Journal(tmp_path / "journal.db")._db.execute("PRAGMA synchronous").fetchone() == normal
