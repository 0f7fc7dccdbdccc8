"""What faults, races, odd servers and eager models must not achieve: a second order, a lost one, a call at night."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from revox_langchain.actions.requests import act
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import MARK, Intent, Order
from revox_langchain.dialing.placing import place
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.dialing.search import search_all
from revox_langchain.errors import AnswerError, InvalidInput, Refused, RevoxToolError
from revox_langchain.flow import arun, run
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import GetCallHistory, GetPhoneHistory, MakeCall
from revox_langchain.operations.campaigns import CreateCampaign, LaunchCampaign
from revox_langchain.results.order import unix_s
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.tools.tool import make_tool
from tests.mcp_versions import needs_mcp_1

NUMBER = "+12025550100"
LONG_TALK = "+12025550111"
THREAD = {"configurable": {"thread_id": "t"}}
INTENT = Intent("5b0d3d7e-0000-5000-8000-000000000001", durable=True)
ORDER = Order(MakeCall(phone_number=NUMBER, prompt="Say hello."), INTENT)
ARGS = {"phone_number": NUMBER, "prompt": "Say hello, I am an AI."}


def tool_call(**args: Any) -> Any:
    return {"name": "revox_make_call", "args": {**ARGS, **args}, "id": "1", "type": "tool_call"}


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


def changed(sandbox: Sandbox, path: str, change: Any, **options: Any) -> Connection:
    """A connection that sees some answers changed."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = sandbox(request)
        if request.url.path.endswith(path) and response.status_code == 200:
            data = json.loads(response.content)
            return httpx.Response(200, json=change(data) or data)
        return response

    return sandbox.connect(transport=httpx.MockTransport(answer), **options)


def scripted(**answers: Any) -> Connection:
    paths = {"/call": "call", "/search": "search", "/cancel": "cancel"}
    rest = {"/phone-numbers": {"phone_numbers": []}, "/phone-history": {"phone_history": {}}}

    def answer(request: httpx.Request) -> httpx.Response:
        for path, name in paths.items():
            if request.url.path.endswith(path):
                return httpx.Response(200, json=answers[name](request))
        return httpx.Response(200, json=next(v for k, v in rest.items() if request.url.path.endswith(k)))

    return Connection("sk_testtest", base_url="https://x.invalid/api", transport=httpx.MockTransport(answer))


def marked(call_id: str, created_at: str, status: str = "calling") -> dict[str, Any]:
    return {
        "id": call_id,
        "status": status,
        "created_at": created_at,
        "to_phone_number": NUMBER,
        "metadata": {MARK: INTENT.intent_id},
        "call_attempts": [],
    }


def searching(*later: dict[str, Any]) -> Any:
    looks: list[int] = []

    def search(_: Any) -> Any:
        looks.append(1)
        rows = [] if len(looks) == 1 else list(later)
        return {"calls": rows, "total_count": len(rows)}

    return search


def test_a_tool_call_cancelled_during_its_post_and_repeated_is_one_order_although_search_lags() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=5))
    tool = make_tool(MakeCall, sandbox.connect(transport=Hangs(sandbox)), Guard())

    async def go() -> None:
        first = asyncio.ensure_future(tool.ainvoke(tool_call(), THREAD))
        while not sandbox.dials:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await tool.ainvoke(tool_call(), THREAD)

    asyncio.run(go())
    assert len(sandbox.dials) == 1


def test_after_an_unknown_outcome_the_same_arguments_are_not_dialed_by_a_model_that_repeats_itself() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=40))
    tool = make_tool(MakeCall, sandbox.connect(), Guard())
    sandbox.faults.add(Fault("lose_after", on="revox_make_call"))
    for _ in range(2):
        message = tool.invoke(tool_call(), THREAD)
        assert message.artifact["code"] == "placement_unknown"
    assert len(sandbox.dials) == 1


def test_a_fork_from_before_arm_right_after_a_cancelled_post_is_one_order_although_search_lags() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=5))
    graph = call_graph(sandbox.connect(transport=Hangs(sandbox)), checkpointer=InMemorySaver())

    async def go() -> None:
        first = asyncio.ensure_future(graph.ainvoke(ARGS, THREAD, durability="sync"))
        while not sandbox.dials:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
        await graph.ainvoke(None, next(s for s in history if s.next == ("arm",)).config)

    asyncio.run(go())
    assert len(sandbox.dials) == 1


def test_a_server_whose_search_does_not_show_metadata_gets_no_second_order_of_one_toolkit() -> None:
    sandbox, guard = Sandbox(), Guard()
    connection = changed(sandbox, "/search", lambda d: [c.update(metadata=None) for c in d["calls"]] and None)
    run(place(ORDER, guard), connection)
    sandbox.world.advance(300)
    with pytest.raises(RevoxToolError):
        run(place(ORDER, guard), connection)
    assert len(sandbox.dials) == 1


def test_an_order_is_found_although_the_search_shows_the_oldest_first() -> None:
    sandbox = Sandbox()
    connection = sandbox.connect()
    for _ in range(130):
        sandbox.world.advance(7 * 3600)
        connection.send(MakeCall(phone_number=NUMBER, prompt="x"))
    connection.send(MakeCall(phone_number=NUMBER, prompt="x", metadata={MARK: INTENT.intent_id}))

    def ascending(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/call/search"):
            body = {**json.loads(request.content), "sort_by": "created_at", "sort_direction": "asc"}
            request = httpx.Request("POST", request.url, headers={"authorization": "Bearer x"}, json=body)
        return sandbox(request)

    upside_down = sandbox.connect(transport=httpx.MockTransport(ascending))
    assert run(place(ORDER, Guard(DialPolicy(look_back_days=1))), upside_down).adopted


@pytest.mark.parametrize("created", ["missing", "more_precise"])
def test_two_processes_keep_the_same_order_although_the_answer_dates_it_otherwise(created: str) -> None:
    cancelled: list[str] = []
    shown = [marked("b", "2026-01-06T09:00:00Z"), marked("a", "2026-01-06T09:00:00Z")]
    for own, fraction in (("a", ".100"), ("b", ".900")):
        answer = marked(own, f"2026-01-06T09:00:00{fraction}Z")
        if created == "missing":
            del answer["created_at"]
        connection = scripted(
            call=lambda _, answer=answer: {"call": answer},
            search=searching(*shown),
            cancel=lambda r: cancelled.append(r.url.path.split("/")[-2]) or {"success": True},
        )
        run(place(ORDER, Guard()), connection)
    assert len(set(cancelled)) == 1


def test_a_running_call_is_not_cut_off_in_favour_of_one_that_failed() -> None:
    first = marked("a", "2026-01-06T09:00:00Z", "errored")
    second = marked("b", "2026-01-06T09:00:01Z")
    cancelled: list[str] = []
    connection = scripted(
        call=lambda _: {"call": second},
        search=searching(second, first),
        cancel=lambda r: cancelled.append(r.url.path) or {"success": True},
    )
    placed = run(place(ORDER, Guard()), connection)
    assert not cancelled
    assert placed.call_id == "b"


def test_a_graph_tool_waits_longer_than_twenty_five_steps() -> None:
    sandbox = Sandbox()
    tool = call_graph_tool(sandbox.connect())
    graph: Any = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool]))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    # Voicemail, then two hours until the second attempt.
    call = {"name": tool.name, "args": {**ARGS, "phone_number": "+12025550102"}, "id": "1", "type": "tool_call"}
    said = [HumanMessage("Call +12025550102."), AIMessage("", tool_calls=[call])]
    out = graph.compile().invoke({"messages": said}, THREAD)
    assert "is completed" in out["messages"][-1].content


def test_metadata_that_the_search_writes_as_text_does_not_lose_the_order() -> None:
    sandbox = Sandbox()
    texts = lambda d: [c.update(metadata=json.dumps(c["metadata"])) for c in d["calls"]] and None  # noqa: E731
    out = call_graph(changed(sandbox, "/search", texts)).invoke(ARGS, THREAD)
    assert out["status"] == "completed"
    assert not out["adopted"]


def test_it_is_not_said_that_nothing_rang_again_where_a_second_order_was_cancelled() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=1))
    connection = sandbox.connect()
    args = {**ARGS, "phone_number": LONG_TALK}
    tools = [make_tool(MakeCall, connection, Guard()) for _ in range(2)]

    async def go() -> str:
        # As another process it would share nothing; another key has the same effect.
        hung = make_tool(MakeCall, sandbox.connect("sk_other", transport=Hangs(sandbox)), Guard())
        first = asyncio.ensure_future(hung.ainvoke(args, THREAD))
        while not sandbox.dials:
            await asyncio.sleep(0.01)
        first.cancel()
        return str(await tools[1].ainvoke(args, THREAD))

    said = asyncio.run(go())
    assert len(sandbox.dials) == 2
    assert "it may have rung" in said
    assert "nothing rang again" not in said


@pytest.mark.slow
def test_a_sync_call_inside_an_event_loop_does_not_hang_behind_a_coroutine_of_that_loop() -> None:
    sandbox = Sandbox()
    ended: list[str] = []

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            response, _ = sandbox.answer(request)
            if request.url.path.endswith("/call"):
                await asyncio.sleep(0.1)
            return response

    async def go() -> None:
        other = asyncio.ensure_future(arun(place(ORDER, Guard()), sandbox.connect(transport=Slow())))
        while not sandbox.dials:
            await asyncio.sleep(0.01)
        try:
            run(place(ORDER, Guard()), sandbox.connect())
            ended.append("adopted")
        except RevoxToolError as error:
            ended.append(error.code)
        await other

    thread = threading.Thread(target=lambda: asyncio.run(go()), daemon=True)
    thread.start()
    thread.join(10)
    assert ended


def test_a_run_cancelled_while_its_new_order_is_looked_for_cancels_the_call() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=5))

    class SlowSearch(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            response, _ = sandbox.answer(request)
            if request.url.path.endswith("/search") and sandbox.dials:
                looked.set()
                await asyncio.sleep(30)
            return response

    async def go() -> None:
        run_ = asyncio.ensure_future(graph.ainvoke({**ARGS, "phone_number": LONG_TALK}, THREAD))
        await looked.wait()
        run_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run_

    looked = asyncio.Event()
    connection = sandbox.connect(transport=SlowSearch())
    graph = call_graph(connection, cancel_call_on_abort=True, checkpointer=InMemorySaver())
    asyncio.run(go())
    assert sandbox.counts["revox_cancel_call"] == 1


def test_a_cancelled_run_stays_cancelled_although_the_call_could_not_be() -> None:
    sandbox = Sandbox()

    class Refuses(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            response, _ = sandbox.answer(request)
            if request.url.path.endswith("/cancel"):
                return httpx.Response(500, json={"error": "no"})
            if request.method == "GET" and "/call/" in request.url.path:
                reading.set()
                await asyncio.sleep(30)
            return response

    async def go() -> None:
        run_ = asyncio.ensure_future(graph.ainvoke({**ARGS, "phone_number": LONG_TALK}, THREAD))
        await reading.wait()
        run_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run_

    reading = asyncio.Event()
    graph = call_graph(sandbox.connect(transport=Refuses()), cancel_call_on_abort=True, checkpointer=InMemorySaver())
    asyncio.run(go())


def test_a_caller_id_that_is_no_number_is_invalid_input_before_anything_is_created() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver())
    with pytest.raises(InvalidInput):
        graph.invoke({**ARGS, "from_phone_number": "banana"}, THREAD)
    assert sandbox.counts["revox_create_assistant"] == 0


def test_operations_know_the_key_of_their_answer() -> None:
    assert MakeCall.spec.answer == "call"
    assert sum(operation.spec.answer is not None for operation in OPERATIONS) > 20


@pytest.mark.parametrize(
    ("path", "answer"), [("/phone-numbers", {"phone_numbers": None}), ("/phone-history", {"phone_history": None})]
)
def test_a_read_without_its_key_is_a_known_error_and_dials_nothing(path: str, answer: dict[str, Any]) -> None:
    sandbox = Sandbox()
    with pytest.raises(AnswerError):
        run(place(ORDER, Guard()), changed(sandbox, path, lambda _: answer))
    assert not sandbox.dials


def test_a_launch_with_a_strange_answer_is_a_tool_result_that_says_to_look_first() -> None:
    sandbox = Sandbox()
    campaign_id = campaign(sandbox, NUMBER)
    tool = make_tool(LaunchCampaign, changed(sandbox, "/launch-calls", lambda _: {"ok": 1}), Guard())
    call = {"name": tool.name, "args": {"campaign_id": campaign_id}, "id": "1", "type": "tool_call"}
    # A KeyError here makes ToolRetryMiddleware launch again.
    assert tool.invoke(call, THREAD).status == "error"


def test_a_count_written_as_text_is_a_count() -> None:
    sandbox = Sandbox()
    run(place(ORDER, Guard()), changed(sandbox, "/search", lambda d: d.update(total_count=str(d["total_count"]))))
    assert len(sandbox.dials) == 1


def test_a_server_that_shows_one_page_for_ever_is_asked_a_few_times() -> None:
    asked: list[int] = []
    rows = [{**marked(str(i), "2099-01-01T00:00:00Z"), "metadata": None} for i in range(100)]
    connection = scripted(search=lambda _: asked.append(1) or {"calls": rows, "total_count": 5000})
    run(search_all(GetCallHistory(to_phone_number=NUMBER)), connection)
    assert len(asked) < 5


ALWAYS = {
    "allowed_days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    "call_twice_in_a_row": False,
    "max_retry_attempts": 3,
    "calling_windows": [
        {"calling_window_start_time": "00:00", "calling_window_end_time": "23:59", "retry_delay_seconds": 0}
    ],
}
ELSEWHERE = {
    **ALWAYS,
    "timezone": "Asia/Tokyo",
    "calling_windows": [
        {"calling_window_start_time": "9am", "calling_window_end_time": "6pm", "retry_delay_seconds": 0}
    ],
}


@pytest.mark.parametrize("config", [ALWAYS, ELSEWHERE])
def test_a_model_cannot_ring_at_night_by_giving_calling_windows_of_its_own(config: dict[str, Any]) -> None:
    sandbox = Sandbox(switches=Switches(real_zones=True))
    sandbox.world.advance(14 * 3600 + 1800)
    tool = make_tool(MakeCall, sandbox.connect(), Guard())
    message = tool.invoke(tool_call(settings={"call_retry_config": config}), THREAD)
    assert message.artifact.get("code") == "outside_local_hours"
    assert not sandbox.dials


def test_a_model_cannot_ring_at_night_through_an_assistant_with_windows_of_its_own() -> None:
    sandbox = Sandbox()
    request = CreateAssistant(name="a", prompt="Say hello.", settings={"call_retry_config": ALWAYS})
    with pytest.raises(Refused):
        run(act(request, Guard()), sandbox.connect())


def test_an_edit_of_a_field_that_does_not_exist_dials_nothing_and_leaves_the_question_open() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), approve=True, checkpointer=InMemorySaver())
    question = graph.invoke(ARGS, THREAD)["__interrupt__"][0].value
    edits = {"phone": "+12025550101", "schedule": "2027-01-01T10:00:00Z"}
    answer = {"decision": "edit", "arguments_hash": question["arguments_hash"], "edits": edits}
    out = graph.invoke(Command(resume=answer), THREAD)
    assert not sandbox.dials
    assert "phone" in out["__interrupt__"][0].value["warnings"][-1]


def test_a_slip_in_an_edit_leaves_the_question_open() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), approve=True, checkpointer=InMemorySaver())
    question = graph.invoke(ARGS, THREAD)["__interrupt__"][0].value
    answer = {"decision": "edit", "arguments_hash": question["arguments_hash"], "edits": {"max_attempts": 0}}
    question = graph.invoke(Command(resume=answer), THREAD)["__interrupt__"][0].value
    answer = {"decision": "approve", "arguments_hash": question["arguments_hash"]}
    assert graph.invoke(Command(resume=answer), THREAD)["status"] == "completed"


def campaign(sandbox: Sandbox, *numbers: str) -> str:
    connection = sandbox.connect()
    assistant = connection.send(CreateAssistant(name="a", prompt="Say hello."))["assistant"]["id"]
    contacts = [{"to_phone_number": number} for number in numbers]
    created = connection.send(CreateCampaign(assistant_id=assistant, name="c", contacts=contacts))
    return str(created["campaign"]["id"])


def test_a_second_launch_checks_contacts_that_have_ended_with_attempts_left() -> None:
    sandbox = Sandbox()
    campaign_id = campaign(sandbox, NUMBER)
    run(act(LaunchCampaign(campaign_id=campaign_id), Guard()), sandbox.connect())
    sandbox.world.advance(3 * 3600)
    with pytest.raises(Refused):
        run(
            act(LaunchCampaign(campaign_id=campaign_id), Guard(DialPolicy(denied_numbers=(NUMBER,)))), sandbox.connect()
        )
    assert sandbox.counts["revox_launch_campaign"] == 1


def test_launching_all_but_one_is_not_paid_for_by_having_launched_that_one() -> None:
    sandbox = Sandbox()
    campaign_id = campaign(sandbox, *(f"+120255501{n}" for n in range(20, 26)))
    guard, one = Guard(budget=Budget(orders=1)), [next(iter(sandbox.world.book))]
    run(act(LaunchCampaign(campaign_id=campaign_id, row_mode="only", call_ids=one), guard), sandbox.connect())
    with pytest.raises(Refused):
        run(act(LaunchCampaign(campaign_id=campaign_id, call_ids=one), guard), sandbox.connect())


def test_a_number_marked_do_not_contact_is_refused_however_the_history_writes_it() -> None:
    sandbox = Sandbox()
    bare = lambda d: {"phone_history": {k.lstrip("+"): v for k, v in d["phone_history"].items()}}  # noqa: E731
    order = Order(MakeCall(phone_number="+12025550109", prompt="Say hello."), INTENT)
    with pytest.raises(Refused):
        run(place(order, Guard()), changed(sandbox, "/phone-history", bare))


@pytest.mark.parametrize("how", ["epoch_ms", "epoch_s", "missing", "number"])
def test_a_recent_order_is_recent_however_the_search_writes_it(how: str) -> None:
    def change(data: dict[str, Any]) -> None:
        for call in data["calls"]:
            if how == "number":
                call["to_phone_number"] = "+1 202-555-0100"
            elif how == "missing":
                del call["created_at"]
            else:
                call["created_at"] = int((unix_s(call["created_at"]) or 0) * (1000 if how == "epoch_ms" else 1))

    sandbox = Sandbox()
    connection = changed(sandbox, "/search", change)
    run(place(ORDER, Guard()), connection)
    connection.remember(GetPhoneHistory(), {"phone_history": {}})
    order = Order(MakeCall(phone_number=NUMBER, prompt="Say hi."), Intent("other", durable=True))
    with pytest.raises(Refused):
        run(place(order, Guard()), connection)


def test_a_clock_that_is_ahead_does_not_let_a_rephrased_repeat_through() -> None:
    sandbox, guard = Sandbox(), Guard()

    class Ahead:
        slice_s = None

        def now_s(self) -> float:
            return sandbox.clock.now_s() + 120

        def sleep(self, seconds: float) -> None:
            sandbox.clock.sleep(seconds)

        async def asleep(self, seconds: float) -> None:
            await sandbox.clock.asleep(seconds)

    connection = sandbox.connect(clock=Ahead())
    run(place(ORDER, guard), connection)
    order = Order(MakeCall(phone_number=NUMBER, prompt="Say hi."), Intent("other", durable=True))
    with pytest.raises(Refused):
        run(place(order, guard), connection)


@needs_mcp_1
def test_an_argument_of_the_hosted_server_that_the_guard_does_not_know_does_not_pass_it() -> None:
    from revox_langchain.tools.hosted.calls import known_arguments

    with pytest.raises(InvalidInput):
        known_arguments(MakeCall, {**ARGS, "force_now": True})


def test_a_refused_repeat_does_not_give_back_the_budget_of_a_dial_that_may_have_rung() -> None:
    sandbox, guard = Sandbox(switches=Switches(search_lag_s=60)), Guard()
    graph = call_graph(sandbox.connect(), on_unknown="dial", budget=guard.budget, checkpointer=InMemorySaver())
    sandbox.faults.add(Fault("lose_after", on="revox_make_call"), Fault("status", on="revox_make_call", status=402))
    assert graph.invoke(ARGS, THREAD)["status"] == "refused"
    assert len(sandbox.dials) == 1
    assert guard.budget.reserved()["orders"] == 1


def test_the_budget_is_given_back_if_the_look_after_a_429_fails() -> None:
    sandbox, guard = Sandbox(), Guard()
    sandbox.faults.add(
        Fault("rate_limited", on="revox_make_call"),
        Fault("server_error", on="revox_get_call_history", skip=1, times=None),
    )
    with pytest.raises(RevoxToolError):
        run(place(ORDER, guard), sandbox.connect())
    assert not sandbox.dials
    assert guard.budget.reserved()["orders"] == 0


@pytest.mark.slow
def test_a_run_without_a_thread_does_not_pay_for_all_threads_of_the_process() -> None:
    sandbox, budget = Sandbox(), Budget()
    graph = call_graph(sandbox.connect(), budget=budget)
    for number in range(10):
        graph.invoke(ARGS, {"configurable": {"thread_id": str(number)}})
        sandbox.world.advance(600)
    assert graph.invoke(ARGS)["status"] == "completed"
