"""An assistant with a custom model talks through it, turn by turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import httpx
import pytest
import revox
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableLambda
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
from pydantic import TypeAdapter
from revox.types import CallRetrieveResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.sandbox.world.tool_calls import CALL_ID_HEADER

KEY = "sk-of-the-model"
MODEL = {"type": "custom", "api_url": "http://127.0.0.1:9/v1/", "api_key": KEY, "model_name": "brain"}
TOOL: dict[str, Any] = {
    "name": "check_calendar",
    "description": "Free slots",
    "url": "http://127.0.0.1:9/slots",
    "method": "POST",
    "headers": [],
    "query_params": [],
    "body_template": None,
    "input_schema": [
        {"name": "day", "type": "date", "required": True},
        {"name": "kind", "type": "enum", "required": False, "enum_options": ["a"], "description": "Which kind?"},
    ],
}


def chunk(delta: dict[str, Any], why: str | None = None) -> str:
    made = ChatCompletionChunk.model_validate(
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "brain",
            "choices": [{"index": 0, "delta": delta, "finish_reason": why}],
        }
    )
    return f"data: {made.model_dump_json(exclude_unset=True)}\n\n"


def streamed(words: str = "", *uses: tuple[str, str]) -> Response:
    """A streamed answer: the words piece by piece, the arguments of tools in two halves."""
    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": word}) for word in words.split(" ") if word for word in (word, " ")]
    for index, (name, arguments) in enumerate(uses):
        half = len(arguments) // 2
        for number, piece in enumerate((arguments[:half], arguments[half:])):
            function = {"name": name, "arguments": piece} if number == 0 else {"arguments": piece}
            call = {
                "index": index,
                "function": function,
                **({"id": f"t{index}", "type": "function"} if not number else {}),
            }
            events.append(chunk({"tool_calls": [call]}))
    events += [chunk({}, "tool_calls" if uses else "stop"), "data: [DONE]\n\n"]
    return Response("".join(events), media_type="text/event-stream")


END = ("end_call", "{}")
Answer = Callable[[dict[str, Any]], Response]


def politely(asked: dict[str, Any]) -> Response:
    """Greets, acknowledges, and ends the call after the callee has spoken three times."""
    heard = [each["content"] for each in asked["messages"] if each["role"] == "user"]
    if not heard:
        return streamed("Hello, this is the brain.")
    return streamed("Goodbye.", END) if len(heard) == 3 else streamed(f"I heard: {heard[-1]}")


class Brain:
    """The endpoint of the model, and a tool beside it."""

    def __init__(self, answer: Answer = politely) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._answer = answer
        routes = [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/slots", lambda request: PlainTextResponse("Noon."), methods=["POST"]),
        ]
        self.transport = httpx.ASGITransport(app=Starlette(routes=routes))

    async def _complete(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        return self._answer(self.asked[-1])


def talk(sandbox: Sandbox, number: str = "+12025550100", **settings: Any) -> dict[str, Any]:
    connection = sandbox.connect()
    given = {"llm_model": MODEL, "first_sentence_mode": "generated", **settings}
    placed = connection.send(MakeCall(phone_number=number, prompt="Be brief.", settings=given))
    sandbox.world.advance(18_000)
    call: dict[str, Any] = connection.send(GetCall(call_id=placed["call"]["id"]))["call"]
    assert call["status"] == "completed"
    attempt: dict[str, Any] = call["last_call_attempt"]
    return attempt


def turns(attempt: dict[str, Any], role: str) -> list[str]:
    return [turn["content"] for turn in attempt["transcript"] if turn["role"] == role]


def ended(attempt: dict[str, Any]) -> tuple[str, str, str]:
    return attempt["result"], attempt["ended_by"], attempt["end_reason"]


def test_the_model_says_what_the_assistant_says_and_ends_the_call() -> None:
    brain = Brain()
    attempt = talk(Sandbox(outside=brain.transport))
    said, heard = turns(attempt, "assistant"), turns(attempt, "user")
    assert said == ["Hello, this is the brain.", f"I heard: {heard[0]}", f"I heard: {heard[1]}", "Goodbye."]
    assert heard[1] == "Yes, that works perfectly well for me."
    assert ended(attempt) == ("human", "agent", "tool_end_call")
    assert brain.headers[0]["authorization"] == f"Bearer {KEY}"
    assert (brain.asked[0]["model"], brain.asked[0]["stream"]) == ("brain", True)
    assert [event["llm_winner_model"] for event in attempt["speech_events"] if event["speaker"] == "agent"] == [
        "brain"
    ] * 4


def test_it_is_sent_the_whole_talk_in_openais_own_form() -> None:
    brain = Brain()
    attempt = talk(Sandbox(outside=brain.transport), custom_tools=[TOOL])
    for asked in brain.asked:
        TypeAdapter(list[ChatCompletionMessageParam]).validate_python(asked["messages"])
        TypeAdapter(list[ChatCompletionFunctionToolParam]).validate_python(asked["tools"])
    sent = brain.asked[-1]["messages"]
    assert sent[0] == {"role": "system", "content": "Be brief."}
    spoken = [(turn["role"], turn["content"]) for turn in attempt["transcript"]]
    assert [(each["role"], each["content"]) for each in sent[1:]] == spoken[:-1]
    offered = {each["function"]["name"]: each["function"]["parameters"] for each in brain.asked[0]["tools"]}
    assert offered["end_call"]["properties"] == {}
    assert offered["check_calendar"] == {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "kind": {"type": "string", "enum": ["a"], "description": "Which kind?"},
        },
        "required": ["day"],
    }


def test_the_key_of_the_model_is_in_nothing_that_is_said_noted_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    for hosts in ("http://127.0.0.1:9", "https://llm.example.com"):
        sandbox = Sandbox(outside=Brain().transport)
        attempt = talk(sandbox, llm_model={**MODEL, "api_url": hosts})
        assert KEY not in json.dumps([attempt, sandbox.asked, sandbox.outbox])
    assert KEY not in caplog.text


def test_a_static_first_sentence_is_said_as_it_is() -> None:
    brain = Brain()
    attempt = talk(Sandbox(outside=brain.transport), first_sentence_mode="static", first_sentence="Good day.")
    assert turns(attempt, "assistant")[0] == "Good day."
    assert [each["role"] for each in brain.asked[0]["messages"]] == ["system", "assistant", "user"]


def test_a_generated_first_sentence_is_an_instruction() -> None:
    brain = Brain()
    talk(Sandbox(outside=brain.transport), first_sentence="Ask for Ann.")
    assert brain.asked[0]["messages"][-1] == {"role": "system", "content": "Begin the call. Ask for Ann."}
    assert "Begin the call" not in json.dumps(brain.asked[1])


def test_the_callee_may_speak_first() -> None:
    attempt = talk(Sandbox(outside=Brain().transport), first_sentence_mode="none")
    assert [turn["role"] for turn in attempt["transcript"][:2]] == ["user", "assistant"]


def test_the_model_uses_a_tool_and_hears_what_it_answers() -> None:
    def answer(asked: dict[str, Any]) -> Response:
        last = asked["messages"][-1]
        if last["role"] == "user" and "Free slots" in last["content"]:
            return streamed("One moment.", ("check_calendar", '{"day": "2026-02-03"}'))
        return streamed(f"It is {last['content']}", END) if last["role"] == "tool" else streamed("Hello.")

    brain = Brain(answer)
    attempt = talk(Sandbox(outside=brain.transport), "+12025550126", custom_tools=[TOOL])
    assert [turn for turn in attempt["transcript"] if turn["role"] == "tool"] == [
        {
            "role": "tool",
            "content": "",
            "tool_name": "check_calendar",
            "tool_arguments": {"day": "2026-02-03"},
            "tool_output": "Noon.",
            "tool_is_error": False,
        }
    ]
    assert turns(attempt, "assistant") == ["Hello.", "One moment.", "It is Noon."]
    assert [each["role"] for each in brain.asked[-1]["messages"][-2:]] == ["assistant", "tool"]
    TypeAdapter(list[ChatCompletionMessageParam]).validate_python(brain.asked[-1]["messages"])


@pytest.mark.parametrize(
    ("use", "answer"),
    [
        (("no_such_tool", "{}"), "There is no tool no_such_tool."),
        (("check_calendar", "[1]"), "The arguments are not a JSON object."),
        (("check_calendar", "{"), "The arguments are not a JSON object."),
    ],
)
def test_a_tool_that_cannot_be_used_is_told_to_the_model(use: tuple[str, str], answer: str) -> None:
    brain = Brain(lambda asked: streamed("", use if asked["messages"][-1]["role"] != "tool" else END))
    attempt = talk(Sandbox(outside=brain.transport), custom_tools=[TOOL], first_sentence_mode="none")
    assert brain.asked[1]["messages"][-1] == {"role": "tool", "tool_call_id": "t0", "content": answer}
    assert ended(attempt) == ("human", "agent", "tool_end_call")


def test_a_model_that_transfers_the_call_ends_it() -> None:
    brain = Brain(lambda asked: streamed("One moment.", ("transfer_call", "{}")))
    desk = [{"label": "desk", "phone_number": "+12025550140"}]
    attempt = talk(Sandbox(outside=brain.transport), transfer_destinations=desk)
    assert ended(attempt) == ("human", "agent", "transfer")


def test_the_sentence_for_the_end_of_the_call_is_spoken() -> None:
    attempt = talk(Sandbox(outside=Brain().transport), end_of_call_sentence="So long.")
    assert turns(attempt, "assistant")[-2:] == ["Goodbye.", "So long."]


def test_an_answer_that_is_not_streamed_is_read_as_well() -> None:
    def whole(asked: dict[str, Any]) -> Response:
        message = {"role": "assistant", "content": "All at once.", "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        given = {"id": "c", "object": "chat.completion", "created": 1, "model": "brain", "choices": [choice]}
        return JSONResponse(ChatCompletion.model_validate(given).model_dump())

    attempt = talk(Sandbox(outside=Brain(whole).transport))
    assert set(turns(attempt, "assistant")) == {"All at once."}
    assert ended(attempt) == ("human", "user", None)


BROKEN: Iterable[Answer] = (
    lambda asked: PlainTextResponse("busy", 503),
    lambda asked: PlainTextResponse("no such model", 404),
    lambda asked: PlainTextResponse("<html>"),
    lambda asked: JSONResponse([]),
    lambda asked: streamed(),
    lambda asked: Response('data: {"error": {"message": "quota"}}\n\n', media_type="text/event-stream"),
    lambda asked: 1 / 0,  # type: ignore[arg-type, return-value]
)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_model_that_fails_is_apologized_for_and_the_call_ends(broken: Answer) -> None:
    brain = Brain(broken)
    attempt = talk(Sandbox(outside=brain.transport))
    assert turns(attempt, "assistant") == [
        "I am sorry, I have a technical problem and must end the call. Please try again later."
    ]
    assert ended(attempt) == ("human", "system", "connection_timeout")
    assert len(brain.asked) == 1


def test_a_model_that_is_away_in_the_middle_of_the_talk_ends_it() -> None:
    brain = Brain(lambda asked: streamed("Hello.") if len(asked["messages"]) < 4 else PlainTextResponse("", 500))
    attempt = talk(Sandbox(outside=brain.transport))
    assert [words[:12] for words in turns(attempt, "assistant")] == ["Hello.", "Hello.", "I am sorry, "]


def test_a_slow_model_is_given_up() -> None:
    async def never(request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    app = Starlette(routes=[Route("/v1/chat/completions", never, methods=["POST"])])
    sandbox = Sandbox(outside=httpx.ASGITransport(app=app), switches=Switches(model_timeout_s=0.05))
    assert ended(talk(sandbox)) == ("human", "system", "connection_timeout")
    assert [each["error"] for each in sandbox.asked] == ["timed out"]


@pytest.mark.parametrize(("retries", "end"), [(0, "connection_timeout"), (1, "tool_end_call")])
def test_a_model_may_be_asked_again(retries: int, end: str) -> None:
    def once(asked: dict[str, Any]) -> Response:
        return PlainTextResponse("", 502) if len(brain.asked) == 1 else politely(asked)

    brain = Brain(once)
    attempt = talk(Sandbox(outside=brain.transport, switches=Switches(model_retries=retries)))
    assert attempt["end_reason"] == end


@pytest.mark.parametrize("comes", ["none", "header", "metadata"])
def test_the_call_id_comes_along_or_not(comes: Any) -> None:
    brain = Brain()
    sandbox = Sandbox(outside=brain.transport, switches=Switches(model_call_id=comes))
    talk(sandbox)
    [call_id] = sandbox.world.orders
    assert brain.headers[0].get(CALL_ID_HEADER.lower()) == (call_id if comes == "header" else None)
    assert brain.asked[0].get("metadata") == ({"call_id": call_id} if comes == "metadata" else None)


def test_a_model_elsewhere_is_not_asked() -> None:
    brain = Brain()
    sandbox = Sandbox(outside=brain.transport)
    attempt = talk(sandbox, llm_model={**MODEL, "api_url": "https://llm.example.com/v1"})
    assert (brain.asked, ended(attempt)[1]) == ([], "system")
    assert sandbox.asked[0]["error"] == "host not allowed"


def test_equal_seeds_give_equal_talks() -> None:
    attempts = [talk(Sandbox(outside=Brain().transport, seed=3)) for _ in range(2)]
    assert attempts[0] == attempts[1]


def test_the_talk_of_someone_who_never_stops_ends_at_its_maximum() -> None:
    brain = Brain(lambda asked: streamed("I see."))
    attempt = talk(Sandbox(outside=brain.transport), "+12025550122", max_call_duration_secs=90)
    begun, over = (datetime.fromisoformat(attempt[key]) for key in ("answered_at", "ended_at"))
    assert ((over - begun).total_seconds(), attempt["end_reason"]) == (90, "max_duration")


@pytest.mark.parametrize(("number", "result"), [("+12025550104", "voicemail"), ("+12025550107", "human")])
def test_who_does_not_talk_does_not_talk_to_a_model_either(number: str, result: str) -> None:
    brain = Brain()
    assert talk(Sandbox(outside=brain.transport), number)["result"] == result
    assert brain.asked == []


class TestACalleeThatIsAModel:
    def test_it_hears_the_assistant_and_hangs_up(self) -> None:
        heard: list[list[BaseMessage]] = []

        def callee(messages: list[BaseMessage]) -> BaseMessage:
            heard.append(messages)
            return AIMessage(["Who is this?", "Fine. [hangs up]"][len(heard) - 1])

        attempt = talk(Sandbox(outside=Brain().transport, callee=RunnableLambda(callee)))
        assert turns(attempt, "user") == ["Who is this?", "Fine."]
        assert ended(attempt) == ("human", "user", None)
        prompt, *said = heard[1]
        assert isinstance(prompt, SystemMessage)
        assert "Answers, agrees" in prompt.text
        assert said == [
            HumanMessage("Hello, this is the brain."),
            AIMessage("Who is this?"),
            HumanMessage("I heard: Who is this?"),
        ]

    def test_a_chat_model_plays_it(self) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage("One"), AIMessage("Two"), AIMessage("Three")]))
        attempt = talk(Sandbox(outside=Brain().transport, callee=model))
        assert turns(attempt, "user") == ["One", "Two", "Three"]
        assert ended(attempt) == ("human", "agent", "tool_end_call")

    def test_one_that_fails_hangs_up(self) -> None:
        def broken(messages: list[BaseMessage]) -> BaseMessage:
            raise RuntimeError("no quota")

        attempt = talk(Sandbox(outside=Brain().transport, callee=RunnableLambda(broken)))
        assert (turns(attempt, "user"), ended(attempt)) == ([], ("human", "user", None))


@pytest.mark.slow
def test_the_call_is_one_of_the_official_sdk() -> None:
    sandbox = Sandbox(outside=Brain().transport)
    http_client = httpx.Client(transport=httpx.MockTransport(sandbox))
    with revox.Revox(api_key="k", base_url="https://sandbox.invalid/api", http_client=http_client) as client:
        assistant: Any = {"prompt": "P", "llm_model": MODEL, "custom_tools": [TOOL]}
        call = client.call.create(phone_number="+12025550126", assistant=assistant).call
        sandbox.world.advance(600)
        shown = client.call.retrieve(call.id).to_dict(exclude_unset=True)
    assert CallRetrieveResponse.model_validate(shown, strict=True).call.status == "completed"
