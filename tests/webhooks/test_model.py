"""A graph or a chat model talks on the line: the official client of OpenAI hears it, whatever goes wrong inside."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt
from openai.types.chat import ChatCompletionChunk

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant
from revox_langchain.sandbox import Sandbox
from revox_langchain.webhooks import TalkingModel, Webhooks, hang_up

TOKEN = "a-token-of-the-tests"
HERE = "https://us.example.com/revox"
SORRY = "Sorry, something went wrong on my side. Could you say that again?"
HELLO = [{"role": "system", "content": "You book."}, {"role": "user", "content": "Is Tuesday free?"}]
END_CALL = {"type": "function", "function": {"name": "end_call", "parameters": {"type": "object", "properties": {}}}}

Piece = str | AIMessageChunk | Exception | Callable[[], Any]


def uses(name: str, args: str = "{}", id: str = "call-1") -> AIMessageChunk:
    return AIMessageChunk("", tool_call_chunks=[{"name": name, "args": args, "id": id, "index": 0}])


class Speaks(BaseChatModel):
    """Says what a script tells it to, in pieces; the script sees the talk so far."""

    script: Callable[[list[BaseMessage]], Sequence[Any]]
    bound: list[Any] = []
    heard: list[list[BaseMessage]] = []

    @property
    def _llm_type(self) -> str:
        return "speaks"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        self.bound.extend(tools)
        return self

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise AssertionError("nobody can wait for the whole of it")

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.heard.append(messages)
        for piece in self.script(messages):
            if isinstance(piece, Exception):
                raise piece
            if callable(piece):
                await piece()
            else:
                chunk = AIMessageChunk(piece) if isinstance(piece, str) else piece
                yield ChatGenerationChunk(message=chunk)


def says(*pieces: Any) -> Speaks:
    return Speaks(script=lambda messages: pieces, bound=[], heard=[])


@tool
def slots() -> str:
    """The free slots."""
    return "Tuesday at three"


def agent(model: Speaks, *, saver: Any = None, tools: Sequence[Any] = (slots, hang_up)) -> Any:
    async def talk(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"], config)]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_node("tools", ToolNode(list(tools)))
    graph.add_edge(START, "talk")
    graph.add_conditional_edges("talk", tools_condition)
    graph.add_edge("tools", "talk")
    return graph.compile(checkpointer=saver)


def looks_up(messages: list[BaseMessage]) -> Sequence[Any]:
    if isinstance(messages[-1], ToolMessage):
        return [f"{messages[-1].content} ", "is free."]
    return ["Let me ", "look. ", uses("slots")]


def webhooks_of(model: Any, **options: Any) -> Webhooks:
    return Webhooks(Sandbox().connect(), model=TalkingModel(model, **options) if options else model, token=TOKEN)


@asynccontextmanager
async def line(webhooks: Webhooks) -> AsyncIterator[openai.AsyncOpenAI]:
    """The client that a voice platform would use, set up with nothing but the assistant's `llm_model`."""
    given = webhooks.llm_model(HERE)
    transport = httpx.ASGITransport(mounted(webhooks))
    async with httpx.AsyncClient(transport=transport) as client:
        yield openai.AsyncOpenAI(api_key=given["api_key"], base_url=given["api_url"], max_retries=0, http_client=client)


def mounted(webhooks: Webhooks) -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/revox", webhooks)])


class Turned:
    """What the client heard in one turn."""

    def __init__(self, chunks: list[ChatCompletionChunk]) -> None:
        choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
        self.pieces = [choice.delta.content for choice in choices if choice.delta.content]
        self.text = "".join(self.pieces)
        self.tools = [
            (call.function.name, call.function.arguments)
            for choice in choices
            for call in choice.delta.tool_calls or []
            if call.function
        ]
        self.finish = [choice.finish_reason for choice in choices if choice.finish_reason]
        self.roles = [choice.delta.role for choice in choices if choice.delta.role]


async def turn(webhooks: Webhooks, messages: Any = HELLO, **more: Any) -> Turned:
    async with line(webhooks) as client:
        stream = await client.chat.completions.create(model="agent", messages=messages, stream=True, **more)
        return Turned([chunk async for chunk in stream])


async def test_a_chat_model_talks_piece_by_piece() -> None:
    heard = await turn(webhooks_of(says("Yes, ", "Tuesday ", "is free.")))
    assert heard.pieces == ["Yes, ", "Tuesday ", "is free."]
    assert (heard.finish, heard.roles) == (["stop"], ["assistant"])


async def test_the_first_piece_comes_before_the_last_is_thought_of() -> None:
    go_on = asyncio.Event()
    webhooks = webhooks_of(says("Yes, ", go_on.wait, "Tuesday."))
    given = webhooks.llm_model(HERE)
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    body = json.dumps({"model": "agent", "messages": HELLO, "stream": True}).encode()
    headers = [(b"authorization", f"Bearer {given['api_key']}".encode())]
    scope = {
        "type": "http", "method": "POST", "path": "/model/v1/chat/completions", "headers": headers, "query_string": b"",
        "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "server": ("us", 80), "root_path": "",
    }  # fmt: skip

    async def receive() -> Any:
        if not receives:
            await asyncio.Event().wait()
        return receives.pop()

    async def send(message: Any) -> None:
        if body := message.get("body"):
            arrived.put_nowait(body)

    receives = [{"type": "http.request", "body": body, "more_body": False}]
    answering = asyncio.create_task(webhooks(scope, receive, send))  # type: ignore[arg-type]
    assert b"Yes, " in await asyncio.wait_for(arrived.get(), 30)
    assert arrived.empty()
    go_on.set()
    assert b"Tuesday." in await asyncio.wait_for(arrived.get(), 30)
    await answering


async def test_an_agent_that_looks_something_up_is_heard_before_and_after_and_its_tools_are_not() -> None:
    heard = await turn(webhooks_of(agent(Speaks(script=looks_up))))
    assert heard.text == "Let me look. Tuesday at three is free."
    assert (heard.tools, heard.finish) == ([], ["stop"])


async def test_an_answer_at_once_is_the_same() -> None:
    async with line(webhooks_of(agent(Speaks(script=looks_up)))) as client:
        whole = await client.chat.completions.create(model="agent", messages=HELLO)  # type: ignore[arg-type]
    assert whole.choices[0].message.content == "Let me look. Tuesday at three is free."
    assert (whole.choices[0].finish_reason, whole.model) == ("stop", "agent")


@pytest.mark.parametrize("kind", ["a function", "a chain", "a node that returns a message"])
async def test_what_does_not_stream_is_heard_as_well(kind: str) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("talk", lambda state: {"messages": [AIMessage("Hello.")]})
    graph.add_edge(START, "talk")
    graph.add_edge("talk", END)
    chain = RunnableLambda(lambda messages: messages[-1].content.upper())
    models: dict[str, Any] = {
        "a function": RunnableLambda(lambda messages: AIMessage("Hello.")),
        "a chain": chain,
        "a node that returns a message": graph.compile(),
    }
    assert (await turn(webhooks_of(models[kind]))).text in ("Hello.", "IS TUESDAY FREE?")


async def test_the_talk_reaches_the_model_with_roles_old_and_new_and_what_a_client_adds_is_let_be() -> None:
    model = says("Fine.")
    talk = [
        {"role": "developer", "content": "You book."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [{"type": "text", "text": "Hi."}], "name": "callee"},
    ]
    await turn(webhooks_of(model), talk, temperature=0.2, max_tokens=60, top_p=1, seed=1, extra_body={"enable": 1})
    assert [message.type for message in model.heard[0]] == ["system", "ai", "human"]


async def test_only_the_nodes_that_speak_are_heard() -> None:
    async def route(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        await says("ROUTE TO BOOKING").ainvoke(state["messages"], config)
        return {}

    async def talk(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        return {"messages": [await says("Tuesday is free.").ainvoke(state["messages"], config)]}

    graph = StateGraph(MessagesState)
    graph.add_node("route", route)
    graph.add_node("talk", talk)
    graph.add_edge(START, "route")
    graph.add_edge("route", "talk")
    compiled = graph.compile()
    assert "ROUTE" in (await turn(webhooks_of(compiled))).text
    assert (await turn(webhooks_of(compiled, speaks=["talk"]))).text == "Tuesday is free."


@tool
async def summary(config: RunnableConfig) -> str:
    """A summary by a model of the tool's own."""
    return str((await says("INTERNAL NOTES").ainvoke([HumanMessage("Sum up.")], config)).text)


@tool
async def colleague(config: RunnableConfig) -> str:
    """An agent as a tool."""
    state = await agent(says("INTERNAL NOTES")).ainvoke({"messages": [HumanMessage("Sum up.")]}, config)
    return str(state["messages"][-1].text)


@pytest.mark.parametrize("asked", [summary, colleague], ids=["a model", "an agent"])
@pytest.mark.parametrize("speaks", [None, ["talk"]])
async def test_what_a_tool_asks_is_not_heard(asked: Any, speaks: Any) -> None:
    def script(messages: list[BaseMessage]) -> Sequence[Any]:
        return ["Done."] if isinstance(messages[-1], ToolMessage) else [uses(asked.name)]

    assert (await turn(webhooks_of(agent(Speaks(script=script), tools=[asked]), speaks=speaks))).text == "Done."


@pytest.mark.parametrize("speaks", [None, ["booking"], ["talk"]])
async def test_an_agent_inside_of_a_graph_is_heard_piece_by_piece_and_once(speaks: Any) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("booking", agent(Speaks(script=looks_up)))
    graph.add_edge(START, "booking")
    heard = await turn(webhooks_of(graph.compile(), speaks=speaks))
    assert heard.pieces == ["Let me ", "look. ", "Tuesday at three ", "is free."]


@pytest.mark.parametrize("graph", [False, True], ids=["chat model", "graph"])
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["It is on Tuesday", RuntimeError("password hunter2")], f"It is on Tuesday. {SORRY}"),
        (["It is free. ", RuntimeError("password hunter2")], f"It is free. {SORRY}"),
        ([RuntimeError("password hunter2")], SORRY),
        (["  "], f"  {SORRY}"),
        ([], SORRY),
    ],
)
async def test_an_error_in_the_middle_becomes_a_sentence_and_a_clean_end(
    graph: bool, pieces: list[Any], text: str
) -> None:
    heard = await turn(webhooks_of(agent(says(*pieces)) if graph else says(*pieces)))
    assert (heard.text, heard.finish) == (text, ["stop"])


async def test_a_model_that_falls_silent_says_so() -> None:
    never = asyncio.Event().wait
    heard = await turn(webhooks_of(says("Well, ", never), silence_s=0.05, sorry="Moment mal."))
    assert (heard.text, heard.finish) == ("Well, Moment mal.", ["stop"])


async def test_a_graph_that_asks_a_person_has_nothing_to_say_and_says_so() -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda state: {"messages": [AIMessage(interrupt("Approve?"))]})
    graph.add_edge(START, "ask")
    assert (await turn(webhooks_of(graph.compile(checkpointer=InMemorySaver())))).text == SORRY


async def test_the_agent_says_goodbye_and_revox_hangs_up() -> None:
    model = says("Great. ", uses("hang_up", '{"goodbye": "See you on Tuesday!"}'))
    heard = await turn(webhooks_of(agent(model)), tools=[END_CALL])
    assert heard.text == "Great. See you on Tuesday!"
    assert (heard.tools, heard.finish) == ([("end_call", "{}")], ["tool_calls"])


@pytest.mark.parametrize(
    ("name", "named", "found"),
    [("hangup", None, True), ("tool_end_call", None, True), ("transfer", None, False), ("finis", "finis", True)],
)
async def test_the_tool_that_hangs_up_is_found_by_its_name_or_named(name: str, named: Any, found: bool) -> None:
    needs = {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}
    offered = {"type": "function", "function": {"name": name, "parameters": needs}}
    goodbye = agent(says("Bye!", uses("hang_up", '{"goodbye": "Bye!"}')))
    heard = await turn(webhooks_of(goodbye, end_call_tool=named), tools=[offered])
    assert heard.tools == ([(name, '{"reason": "Bye!"}')] if found else [])
    assert heard.text == "Bye!"


async def test_tools_of_revox_reach_a_chat_model_and_its_wish_reaches_revox() -> None:
    model = says("One moment. ", uses("end_call"))
    heard = await turn(webhooks_of(model), tools=[END_CALL])
    assert [each["function"]["name"] for each in model.bound] == ["end_call"]
    assert (heard.text, heard.tools, heard.finish) == ("One moment. ", [("end_call", "{}")], ["tool_calls"])


async def test_a_call_has_a_thread_whose_tools_are_remembered_and_whose_talk_is_what_revox_heard() -> None:
    model, saver = Speaks(script=looks_up, heard=[]), InMemorySaver()
    graph = agent(model, saver=saver)
    webhooks = webhooks_of(graph)
    first = await turn(webhooks, extra_headers={"x-call-id": "call-7"})
    cut_off = {"role": "assistant", "content": first.text[:20]}
    talk = [*HELLO, cut_off, {"role": "user", "content": "Sorry, when?"}]
    for _ in range(2):
        await turn(webhooks, talk, metadata={"call_order_id": "call-7"})
    shown = [(message.type, message.text) for message in model.heard[2]]
    assert shown == [
        ("system", "You book."),
        ("human", "Is Tuesday free?"),
        ("ai", ""),
        ("tool", "Tuesday at three"),
        ("ai", "Let me look. Tuesday"),
        ("human", "Sorry, when?"),
    ]
    assert model.heard[4] == model.heard[2]
    kept = (await graph.aget_state({"configurable": {"thread_id": "call-7"}})).values["messages"]
    assert [message.type for message in kept] == ["system", "human", "ai", "tool", "ai", "human", "ai", "tool", "ai"]


async def test_the_prompt_may_name_the_thread_in_a_line_of_its_own() -> None:
    model, saver = says("Hello."), InMemorySaver()
    graph = agent(model, saver=saver)
    talk = [{"role": "system", "content": "revox-thread: appointment-4711\nYou book."}, *HELLO[1:]]
    await turn(webhooks_of(graph), talk)
    assert (await graph.aget_state({"configurable": {"thread_id": "appointment-4711"}})).values["messages"]
    assert model.heard[0][0].text == "You book."


async def test_a_call_that_nothing_names_leaves_no_thread_behind() -> None:
    saver = InMemorySaver()
    assert (await turn(webhooks_of(agent(says("Hello."), saver=saver)))).text == "Hello."
    assert list(saver.list(None)) == []


async def test_a_turn_that_is_asked_for_anew_ends_the_one_before() -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        begun.set()
        await never.wait()

    scripts = [[hangs], ["On Tuesday."]]
    graph = agent(Speaks(script=lambda messages: scripts.pop(0)), saver=InMemorySaver())
    webhooks = webhooks_of(graph)
    before = asyncio.create_task(turn(webhooks, extra_headers={"x-call-id": "call-7"}))
    await asyncio.wait_for(begun.wait(), 30)
    heard = await asyncio.wait_for(turn(webhooks, extra_headers={"x-call-id": "call-7"}), 30)
    assert heard.text == "On Tuesday."
    assert (await asyncio.wait_for(before, 30)).text == ""


async def test_a_caller_who_hangs_up_stops_the_model() -> None:
    stopped = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    talking = TalkingModel(agent(says("Well, ", waits)))
    from revox_langchain.webhooks.routes import Asked

    body = json.dumps({"messages": HELLO, "stream": True}).encode()
    response: Any = await talking.answer(Asked({}, {}, {}, body))
    events = response.body_iterator
    assert b"Well, " in await anext(events)
    await events.aclose()
    await asyncio.wait_for(stopped.wait(), 30)


@pytest.mark.parametrize("token", ["", "Bearer ", f"Bearer {TOKEN}", "Basic abc"])
async def test_a_wrong_token_hears_nothing(token: str) -> None:
    model = says("Hello.")
    transport = httpx.ASGITransport(webhooks_of(model))
    async with httpx.AsyncClient(transport=transport, base_url="http://us") as client:
        answer = await client.post(
            "/model/v1/chat/completions", json={"messages": HELLO}, headers={"Authorization": token}
        )
    assert (answer.status_code, model.heard) == (404, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b"[]", 400),
        (b'{"messages": []}', 400),
        (b'{"messages": ["hi"]}', 400),
        (b'{"messages": [{"role": "oracle", "content": "hi"}]}', 400),
        (b'{"messages": [{"content": "hi"}]}', 400),
        (b'{"messages": [{"role": "tool", "content": "hi"}]}', 400),
        (b'{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]}', 400),
        (b" " * 10_000_000, 413),
    ],
)
async def test_what_is_no_turn_is_refused_in_a_sentence(body: bytes, status: int) -> None:
    webhooks = webhooks_of(says("Hello."))
    key = webhooks.llm_model(HERE)["api_key"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client:
        headers = {"Authorization": f"Bearer {key}"}
        answer = await client.post("/model/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_the_line_in_the_log_has_the_time_to_the_first_token_and_nothing_that_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    webhooks = webhooks_of(says("Hello."))
    with caplog.at_level(logging.INFO, "revox_langchain"):
        await turn(webhooks, metadata={"call_id": "call-7"})
    [told] = [json.loads(r.getMessage()) for r in caplog.records if r.name == "revox_langchain.webhooks"]
    assert (told["route"], told["status"], told["call"]) == ("model", 200, "call-7")
    assert told["first_token_ms"] >= 0
    for secret in ("Hello", "Tuesday", webhooks.llm_model(HERE)["api_key"], TOKEN):
        assert secret not in caplog.text


async def test_a_checkpointer_on_disk_keeps_the_thread(tmp_path: Path) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "talks.db")) as saver:
        graph = agent(Speaks(script=looks_up), saver=saver)
        await turn(webhooks_of(graph), metadata={"call_id": "call-7"})
        kept = (await graph.aget_state({"configurable": {"thread_id": "call-7"}})).values["messages"]
    assert [message.type for message in kept] == ["system", "human", "ai", "tool", "ai"]


def test_the_key_is_not_echoed() -> None:
    connection = Sandbox().connect()
    given = Webhooks(connection, model=says("Hello."), token=TOKEN).llm_model("https://us.example.com/revox/")
    made = connection.send(CreateAssistant(name="A", prompt="Book.", settings={"llm_model": given}))["assistant"]
    read = connection.send(GetAssistant(assistant_id=made["id"]))
    assert given["api_key"] not in json.dumps([made, read])
    assert read["llm_model"] | {"api_key": ""} == given | {"api_key": ""}


def no_messages() -> Any:
    graph = StateGraph(dict)
    graph.add_node("talk", lambda state: state)
    graph.add_edge(START, "talk")
    return graph.compile()


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize(
    ("make", "says_so"),
    [
        (lambda: TalkingModel("gpt-4.1"), "str does not talk"),  # type: ignore[arg-type]
        (lambda: TalkingModel(StateGraph(MessagesState)), "StateGraph does not talk"),  # type: ignore[arg-type]
        (lambda: TalkingModel(no_messages()), "no messages in its state"),
        (lambda: TalkingModel(agent(says("Hi."), saver=SqliteSaver.__new__(SqliteSaver))), "no async methods"),
        (lambda: TalkingModel(agent(says("Hi."), saver=BaseCheckpointSaver())), "no async methods"),
        (lambda: TalkingModel(says("Hi."), silence_s=0), "silence_s is not above zero"),
        (lambda: TalkingModel(says("Hi."), sorry=" "), "sorry is empty"),
        (lambda: Webhooks(Sandbox().connect(), model="gpt-4.1"), "str does not talk"),  # type: ignore[arg-type]
        (lambda: Webhooks(Sandbox().connect()).llm_model(HERE), "no model that talks"),
        (lambda: webhooks_of(says("Hi.")).llm_model("us.example.com"), "not valid"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(make: Callable[[], object], says_so: str) -> None:
    with pytest.raises(InvalidInput, match=says_so):
        make()
