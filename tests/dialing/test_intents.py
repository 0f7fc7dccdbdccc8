"""What makes two call requests one: names, texts, and what this process has sent; and searches that hide an order."""

from __future__ import annotations

import asyncio
import unicodedata
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from revox_langchain.actions.requests import act
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import CONTENT, MARK, Intent, Order, make_intent, named_intent
from revox_langchain.dialing.placing import place, recover
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.search import counts_attempts
from revox_langchain.errors import PlacementUnknown, Refused
from revox_langchain.flow import arun, run
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.tools.tool import make_tool

NUMBER = "+12025550100"
THREAD: Any = {"configurable": {"thread_id": "t"}}
ARGS = {"phone_number": NUMBER, "prompt": "Say hello, I am an AI."}
INTENT = Intent("5b0d3d7e-0000-5000-8000-000000000001", durable=True)
ORDER = Order(MakeCall(phone_number=NUMBER, prompt="Say hello."), INTENT)
NO_GAP = DialPolicy(min_gap_s=0)


def named(prompt: str = "Hi", name: str = "reminder", **more: Any) -> Intent:
    return named_intent(name, phone_number=NUMBER, prompt=prompt, **more)


def looks_the_same(text: str) -> st.SearchStrategy[str]:
    forms = [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]
    return st.builds(
        lambda form, end, before, after: before + form.replace("\n", end) + after,
        st.sampled_from(forms),
        st.sampled_from(["\n", "\r\n", " \n", "\t\r\n"]),
        st.sampled_from(["", " ", "\n"]),
        st.sampled_from(["", " ", "\r\n", "\u00a0"]),
    )


@given(st.data())
def test_texts_that_look_the_same_are_one_call_request(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(["Grüße an Zoë\nund Émile", "Café: dîner à 20 h\nRéservez", "Å\nñ"]))
    one, other = (data.draw(looks_the_same(text)) for _ in range(2))
    for of in (
        lambda words: make_intent(phone_number=NUMBER, prompt=words, scope="t").intent_id,
        lambda words: (
            make_intent(phone_number=NUMBER, prompt="Hi", prompt_variables={"name": words}, scope="t").intent_id
        ),
        lambda words: named("Hi", name=words).intent_id,
        lambda words: named(words).content,
    ):
        assert of(one) == of(other)


@pytest.mark.parametrize("prompt", ["Say hello to Zoe\u0308", "Say hello ", "Say\r\nhello", "Say hello"])
def test_an_order_that_release_0_1_marked_is_found_for_the_same_thread_and_content(prompt: str) -> None:
    # As 0.1 derived it, from the text as it was written.
    import json
    import uuid

    def then(name: str | None) -> str:
        content = {
            "assistant_id": None,
            "intent": name,
            "phone_number": NUMBER,
            "prompt": prompt,
            "prompt_variables": {},
            "scheduled_at": None,
            "scope": "t",
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return str(uuid.uuid5(uuid.UUID("6f1d2c80-5d0b-5b0e-9a53-7d1f0c5e2a41"), canonical))

    for name in (None, "reminder"):
        sandbox = Sandbox()
        connection = sandbox.connect()
        old = MakeCall(phone_number=NUMBER, prompt=prompt, metadata={MARK: then(name)})
        call_id = connection.send(old)["call"]["id"]
        answer = run(act(MakeCall(phone_number=NUMBER, prompt=prompt, intent=name), Guard(), scope="t"), connection)
        assert (answer["adopted"], answer["call"]["id"], answer["intent_id"]) == (True, call_id, then(name))
        assert len(sandbox.dials) == 1


def test_name_and_number_decide_in_whatever_thread() -> None:
    assert named("Hi", scope="one") == named("Ho", scope="two", scheduled_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert named() != named(name="another")
    assert named() != named_intent("reminder", phone_number="+12025550101", prompt="Hi")
    assert named().metadata == {MARK: named().intent_id, CONTENT: named().content}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"prompt": "Ho"}, ["prompt"]),
        ({"prompt": None, "assistant_id": "a1"}, ["prompt", "assistant_id"]),
        ({"prompt_variables": {"name": "Zoë"}}, ["prompt_variables"]),
        ({"scheduled_at": datetime(2027, 1, 1, tzinfo=UTC)}, ["scheduled_at"]),
        ({"prompt": "Hi \n"}, []),
        ({"prompt_variables": {}}, []),
    ],
)
def test_a_conflict_names_what_differs(change: dict[str, Any], differs: list[str]) -> None:
    assert named(**change).conflicts(named().metadata) == differs


def test_the_same_name_for_something_else_is_neither_dialed_nor_adopted() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()

    def ask(prompt: str, thread: str) -> Any:
        return run(act(MakeCall(phone_number=NUMBER, prompt=prompt, intent="a"), Guard(), scope=thread), connection)

    first = ask("Say hello, I am an AI.", "one")
    assert ask("Say hello, I am an AI.", "two")["adopted"]
    with pytest.raises(Refused) as caught:
        ask("Say goodbye, I am an AI.", "two")
    assert caught.value.code == "intent_conflict"
    assert caught.value.details == {"call_id": first["call"]["id"], "differs": ["prompt"]}
    assert len(sandbox.dials) == 1


class Hangs(httpx.AsyncBaseTransport):
    """Revox acts on the first POST /call, and its answer never comes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.hangs = sandbox, True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response, _ = self.sandbox.answer(request)
        if self.hangs and request.url.path.endswith("/call"):
            self.hangs = False
            await asyncio.sleep(3600)
        return response


async def cut_off(run_: Any, sandbox: Sandbox) -> None:
    task = asyncio.ensure_future(run_)
    while not sandbox.dials:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("config", [THREAD, None])
def test_a_call_cancelled_during_its_post_and_repeated_with_new_tools_is_one_order(config: Any) -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=2))

    async def go() -> None:
        hung = make_tool(MakeCall, sandbox.connect(transport=Hangs(sandbox)), Guard())
        await cut_off(hung.ainvoke(ARGS, config), sandbox)
        said = str(await make_tool(MakeCall, sandbox.connect(), Guard()).ainvoke(ARGS, config))
        assert sandbox.dials[0]["id"] in said

    asyncio.run(go())
    assert len(sandbox.dials) == 1


def test_what_was_sent_to_one_account_says_nothing_of_another() -> None:
    sandboxes = [Sandbox(), Sandbox()]
    sandboxes[0].faults.add(Fault("lose_before", on=MakeCall))
    with pytest.raises(PlacementUnknown):
        run(place(ORDER, Guard()), sandboxes[0].connect())
    assert not run(place(ORDER, Guard()), sandboxes[1].connect()).adopted


def test_a_tool_call_that_a_resumed_run_repeats_settles_first() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=2))
    saver = InMemorySaver()

    def graph(key: str, **options: Any) -> Any:
        # Another key stands for another process: it knows nothing of what the first one sent.
        tool = make_tool(MakeCall, sandbox.connect(key, **options), Guard())
        builder = StateGraph(MessagesState)
        builder.add_node("tools", ToolNode([tool]))
        builder.add_edge(START, "tools")
        builder.add_edge("tools", END)
        return builder.compile(checkpointer=saver)

    async def go() -> None:
        call: Any = {"name": "revox_make_call", "args": ARGS, "id": "1", "type": "tool_call"}
        asked = {"messages": [HumanMessage(f"Call {ARGS['phone_number']}."), AIMessage("", tool_calls=[call])]}
        await cut_off(graph("sk_one", transport=Hangs(sandbox)).ainvoke(asked, THREAD), sandbox)
        out = await graph("sk_two").ainvoke(None, THREAD)
        assert out["messages"][-1].artifact["adopted"]

    asyncio.run(go())
    assert len(sandbox.dials) == 1


def crowded(sandbox: Sandbox, change: Any) -> Any:
    """A connection whose searches are changed before they arrive."""
    import json

    def answer(request: httpx.Request) -> httpx.Response:
        response = sandbox(request)
        if request.url.path.endswith("/search") and response.status_code == 200:
            data = json.loads(response.content)
            body = json.loads(request.content)
            return httpx.Response(200, json=change(data, body) or data)
        return response

    return sandbox.connect(transport=httpx.MockTransport(answer))


def hide_the_last(data: Any, body: Any) -> None:
    data["calls"] = [call for call in data["calls"] if not call["metadata"]]


def without_ids(data: Any, body: Any) -> None:
    for call in data["calls"]:
        call.pop("id")


def without_metadata(data: Any, body: Any) -> None:
    for call in data["calls"]:
        call.pop("metadata")


def unreadable_metadata(data: Any, body: Any) -> None:
    for call in data["calls"]:
        call["metadata"] = "{not json"


@pytest.mark.parametrize("change", [hide_the_last, without_ids, without_metadata, unreadable_metadata])
def test_a_search_that_may_hide_the_order_dials_nothing(change: Any) -> None:
    sandbox = Sandbox()
    run(place(ORDER, Guard(NO_GAP)), sandbox.connect())
    with pytest.raises(Refused) as caught:
        run(place(ORDER, Guard(NO_GAP)), crowded(sandbox, change))
    assert caught.value.code == "search_incomplete"
    assert "doctor" in caught.value.next_step
    with pytest.raises(PlacementUnknown, match="incomplete"):
        run(recover(INTENT.intent_id, NUMBER), crowded(sandbox, change))
    assert len(sandbox.dials) == 1


@pytest.mark.parametrize("oldest_first", [True, False])
def test_more_than_a_page_of_orders_behind_a_page_number_that_is_ignored_dials_nothing(oldest_first: bool) -> None:
    every = [
        {
            "id": f"o{n}",
            "status": "completed",
            "created_at": f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z",
            "metadata": None,
        }
        for n in range(120)
    ]
    rows = every if oldest_first else every[::-1]
    sandbox = Sandbox()
    connection = crowded(sandbox, lambda data, body: {"calls": rows[:100], "total_count": 120})
    with pytest.raises(Refused) as caught:
        run(place(ORDER, Guard(NO_GAP)), connection)
    assert caught.value.code == "search_incomplete"
    assert not sandbox.dials


def test_code_may_accept_the_risk() -> None:
    sandbox = Sandbox()
    sandbox.connect().send(ORDER.request)
    policy = DialPolicy(min_gap_s=0, trust_incomplete_search=True)
    assert not run(place(ORDER, Guard(policy)), crowded(sandbox, without_metadata)).adopted


def test_metadata_that_is_null_is_certainly_not_ours() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    assert connection.send(ORDER.request)["call"]["metadata"] is None
    assert not run(place(ORDER, Guard(NO_GAP)), connection).adopted


def test_a_search_that_recovers_while_settling_is_believed() -> None:
    sandbox = Sandbox()
    sandbox.connect().send(ORDER.request)
    looks: list[int] = []

    def at_first(data: Any, body: Any) -> None:
        looks.append(1)
        if len(looks) < 3:
            data["total_count"] += 1

    assert not run(place(ORDER, Guard(NO_GAP)), crowded(sandbox, at_first)).adopted


@pytest.mark.parametrize("counts", ["orders", "attempts"])
def test_a_number_with_retries_stays_dialable_whatever_the_total_counts(counts: Any) -> None:
    sandbox = Sandbox(switches=Switches(total_counts=counts))
    connection = sandbox.connect()
    for phone_number in ("+12025550102", "+12025550104"):
        order = Order(MakeCall(phone_number=phone_number, prompt="Say hello."), INTENT)
        connection.send(order.request)
        sandbox.world.advance(5 * 86_400)
        assert connection.send(GetCallHistory(to_phone_number=phone_number))["calls"][0]["calls_count"] > 1
        assert not run(place(order, Guard(NO_GAP)), connection).adopted
        sandbox.world.advance(5 * 86_400)
        assert run(place(order, Guard(NO_GAP)), connection).adopted
    assert len(sandbox.dials) == 4


def test_async_settling_for_another_intents_lost_post_ends_when_it_shows() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=2))

    async def go() -> None:
        await cut_off(arun(place(ORDER, Guard()), sandbox.connect(transport=Hangs(sandbox))), sandbox)
        other = Order(ORDER.request, Intent("other", durable=True))
        with pytest.raises(Refused) as caught:
            await arun(place(other, Guard()), sandbox.connect())
        assert caught.value.code == "recently_placed"

    asyncio.run(go())
    assert len(sandbox.dials) == 1


@pytest.mark.parametrize("counts", ["orders", "attempts"])
def test_the_sandbox_tells_what_its_total_counts_by_one_order(counts: Any) -> None:
    sandbox = Sandbox(switches=Switches(total_counts=counts))
    connection = sandbox.connect()
    connection.send(MakeCall(phone_number="+12025550102", prompt="Say hello."))
    sandbox.world.advance(5 * 86_400)
    [call] = connection.send(GetCallHistory())["calls"]
    assert run(counts_attempts(call), connection) is (counts == "attempts")
