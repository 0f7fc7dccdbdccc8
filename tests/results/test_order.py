"""Orders of any shape are read by everyone: as a result, as text for a model, by a watch, and by the call graph."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain import AnswerError, InvalidInput, WaitPolicy, make_tool
from revox_langchain.answers import DEEPEST, is_safe, safe_json, safe_text
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import MARK
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.flow import Event, Flow, Pause, Tick
from revox_langchain.graph import call_graph
from revox_langchain.graph.call import nodes
from revox_langchain.graph.call.settings import Settings
from revox_langchain.operations.calls import GetCall, GetCallHistory, MakeCall
from revox_langchain.operations.campaigns import GetCampaign, GetCampaignStatistics, PauseCampaign
from revox_langchain.operations.operation import Operation
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import turns_of, unix_s
from revox_langchain.sandbox import Sandbox
from revox_langchain.waiting.watch import Seen, settled_result, watch
from revox_langchain.waiting.watcher import Company, Hub
from tests.mutations import NASTY, encodes, nested, orders, real_orders

few = settings(max_examples=25, deadline=None)


def by_hand(flow: Flow[Any], answers: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Drive a flow, giving the same order for every read; returns what it returned and the events it sent."""
    now_s, events, answer = 1_767_700_000.0, [], None
    try:
        while True:
            step = flow.send(answer)
            answer = None
            if isinstance(step, Pause):
                now_s += step.seconds
                answer = Tick(now_s)
            elif isinstance(step, Event):
                events.append(step.payload)
            elif isinstance(step, Company):
                answer = Hub()
            else:
                answer = answers(step)
    except StopIteration as over:
        return over.value, events


class Mutating:
    """A sandbox's account whose answers about orders are replaced."""

    def __init__(self, sandbox: Sandbox, order: dict[str, Any]) -> None:
        self._connection = sandbox.connect()
        self.order = order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, operation: Operation) -> Any:
        answer = self._connection.send(operation)
        if isinstance(operation, MakeCall):
            # Another assistant than was sent is a reason to cancel; here only the shape is strange.
            used = answer["call"]["assistant"] if isinstance(self.order.get("assistant"), dict) else None
            return {"call": {**self.order, "id": answer["call"]["id"], "assistant": used}}
        if isinstance(operation, GetCall):
            return {"call": self.order}
        if isinstance(operation, GetCallHistory) and answer["calls"]:
            kept = ("id", "metadata", "to_phone_number")
            rows = [{**self.order, **{name: row[name] for name in kept}} for row in answer["calls"]]
            return {**answer, "calls": [*rows, self.order]}
        return answer

    async def asend(self, operation: Operation) -> Any:
        return self.send(operation)


@few
@given(orders())
def test_a_result_can_be_read_and_written_as_json(order: dict[str, Any]) -> None:
    result = CallResult.from_call(order)
    assert encodes(result.as_output())
    assert encodes(result.model_dump(mode="json"))


@few
@given(orders(), st.sampled_from(["none", "last", "full"]))
def test_a_model_gets_text_of_bounded_length(order: dict[str, Any], window: str) -> None:
    request = GetCall(call_id="c1", transcript=window)
    text = request.spec.render({"call": order}, request)
    assert text.encode()
    assert len(text) <= (1500 if window == "none" else 14_000)
    history = GetCallHistory()
    assert history.spec.render({"calls": [order, 5], "total_count": float("inf")}, history).encode()


@few
@given(st.lists(orders(), min_size=1, max_size=4))
def test_a_watch_goes_on_to_its_end_and_fits_a_checkpoint(answers: list[dict[str, Any]]) -> None:
    left = iter([*answers, {"id": "c1", "status": "completed"}])
    seen, events = by_hand(watch(Seen(call_id="c1"), WaitPolicy()), lambda _: {"call": next(left)})
    assert seen.stopped == "ended"
    assert Seen(**json.loads(json.dumps(seen.model_dump()))).ended
    assert all(encodes(event) for event in events)


@few
@given(orders())
def test_waiting_for_output_ends(order: dict[str, Any]) -> None:
    by_hand(settled_result(order, WaitPolicy(result_grace_s=5)), lambda _: {"call": order})


@few
@given(orders())
def test_the_graphs_wait_and_report_keep_the_call_and_its_id(order: dict[str, Any]) -> None:
    patient = Settings(wait=WaitPolicy(max_wait_s=600))
    state: Any = {"watch": Seen(call_id="c1").model_dump(), "spoken": {"wants_output": True}, "call_id": "c1"}
    while True:
        update, _ = by_hand(nodes.wait(state, patient), lambda _: {"call": order})
        state |= update
        if update["goto"] == "report":
            break
    out, events = by_hand(nodes.report(state, patient), lambda _: {"call": order})
    assert (out["call_id"], events[-1]["call_id"]) == ("c1", "c1")
    assert out["status"] in ("completed", "cancelled", "errored", "still_running")
    assert encodes(out)


@settings(max_examples=5, deadline=None)
@given(orders())
def test_a_tool_that_dialed_returns_the_call_id(order: dict[str, Any]) -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, Mutating(sandbox, order), Guard(DialPolicy(settle_s=1), Budget()))
    call = {"phone_number": "+12025550100", "prompt": "Please confirm the appointment on Tuesday."}
    message = tool.invoke({"type": "tool_call", "name": tool.name, "id": "1", "args": call})
    (dialed,) = sandbox.dials
    assert message.status == "success"
    assert str(message.artifact["call"]["id"]) in message.content
    assert dialed["metadata"][MARK] == message.artifact["intent_id"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"call": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"call": {"id": ' + b"9" * 5000 + b"}}",
        b'{"call": {"id": "c1", "status": ',
        b'{"call": 5}',
        b"\xff\xfe",
    ],
)
def test_an_answer_that_python_cannot_read_is_an_answer_error(body: bytes) -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    connection = Connection("key", transport=transport, read_retries=0)
    tool = make_tool(GetCall, connection)
    message = tool.invoke({"type": "tool_call", "name": tool.name, "id": "1", "args": {"call_id": "c1"}})
    assert message.content.encode()
    if body != b'{"call": 5}':
        assert message.artifact["kind"] == "answer"
        with pytest.raises(AnswerError):
            connection.send(GetCall(call_id="c1"))


@pytest.mark.parametrize("word", ["\\ud83d", "a \\udc00 b", "\\ud83d\\ude00"])
def test_half_a_surrogate_pair_reaches_neither_model_nor_json(word: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 200 if request.method == "GET" else 422
        body = f'{{"call": {{"id": "c1", "status": "{word}", "outcome_summary": "{word}"}}, "message": "{word}"}}'
        return httpx.Response(status, content=body.encode(), headers={"content-type": "application/json"})

    connection = Connection("key", transport=httpx.MockTransport(answer))
    assert encodes(connection.send(GetCall(call_id="c1")))
    with pytest.raises(InvalidInput) as refused:
        connection.send(MakeCall(phone_number="+12025550100", prompt="Hello."))
    assert encodes(refused.value.as_dict())
    assert str(refused.value).encode()


def test_a_request_that_cannot_be_written_is_refused_before_it_is_sent() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    connection = Connection("key", transport=httpx.MockTransport(answer))
    call = {"phone_number": "+12025550100", "prompt": "Hello."}
    for more in ({"sms_template": "\ud83d"}, {"faq_items": [nested(300)]}, {"prompt_flow": nested(5_000)}):
        with pytest.raises(InvalidInput):
            connection.send(MakeCall.parse({**call, "settings": more}))


@pytest.mark.parametrize("key", ["transcript", "call_attempts", "status", "assistant", "id", "updated_at"])
@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("value", NASTY[::3], ids=lambda v: type(v).__name__)
def test_the_whole_graph_ends_with_the_call_whatever_is_answered_after_the_dial(key: str, value: Any) -> None:
    sandbox = Sandbox()
    order = dict(real_orders()[8])
    order[key] = value
    if key == "transcript":
        order["call_attempts"] = [{**order["call_attempts"][0], "transcript": value, "post_call_transcript": value}]
    graph = call_graph(Mutating(sandbox, order), wait=WaitPolicy(max_wait_s=60), policy=DialPolicy(settle_s=1))
    out = graph.invoke({"phone_number": "+12025550100", "prompt": "Say hello, as an AI.", "language": "en"})
    (dialed,) = sandbox.dials
    assert out["call_id"] == dialed["id"]
    assert out["status"] in ("completed", "cancelled", "errored", "still_running")
    assert encodes(out)


@pytest.mark.parametrize(
    ("transcript", "turns"),
    [
        ("user: Hello.\n\nGood morning.", [("user", "Hello."), ("unknown", "Good morning.")]),
        (["assistant: Hi", None, 5], [("assistant", "Hi"), ("unknown", "5")]),
        ([{"role": None, "content": "Hi"}], [("unknown", "Hi")]),
        ([{"role": "user", "content": {"a": 1}}], [("user", '{"a": 1}')]),
        (None, []),
        ({}, []),
        (5, []),
    ],
)
def test_a_transcript_may_be_a_text_a_list_of_texts_or_turns(transcript: Any, turns: list[tuple[str, str]]) -> None:
    assert turns_of({"transcript": transcript}) == turns


@given(st.sampled_from(NASTY) | st.floats() | st.integers() | st.text(max_size=30))
def test_a_moment_is_a_finite_number_or_none(moment: Any) -> None:
    read = unix_s(moment)
    assert read is None or abs(read) < 1e12


def test_text_and_json_are_made_safe() -> None:
    assert safe_text("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
    assert safe_json({"\ud83d": [float("nan"), 2**70, 10**5000, True]}) == {"\ufffd": [None, float(2**70), None, True]}
    assert encodes(safe_json(nested(900)))


@pytest.mark.slow
@few
@given(orders())
def test_what_is_said_to_be_safe_is_what_would_be_made_of_it(value: Any) -> None:
    assert not is_safe(value) or safe_json(value) == value


@pytest.mark.parametrize(
    "value",
    ["\ud83d", {"\ud83d": 1}, float("nan"), [float("inf")], 2**63, {1: "a"}, nested(DEEPEST + 1), (1,), object()],
)
def test_what_is_not_safe_is_found_wherever_it_stands(value: Any) -> None:
    assert not is_safe(value)
    assert not is_safe({"a": [{"b": value}]})


@pytest.mark.parametrize("value", [None, True, -(2**63) + 1, 0.5, "é🙂", {"ü": [{"b": ["c", None]}]}])
def test_plain_json_is_safe(value: Any) -> None:
    assert is_safe(value)
    assert safe_json(value) == value


class Answering:
    """An account that gives one answer to everything."""

    def __init__(self, answer: Any) -> None:
        self._connection = Sandbox().connect()
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, operation: Operation) -> Any:
        return self._answer


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("answer", [{}, {"campaign": 5}, {"campaign": {"id": None, "row_stats": "many"}}], ids=str)
@pytest.mark.parametrize("kind", [GetCampaign, PauseCampaign, GetCampaignStatistics])
def test_an_answer_that_cannot_be_put_in_words_is_no_failure_of_what_was_done(
    kind: type[Operation], answer: dict[str, Any]
) -> None:
    tool = make_tool(kind, Answering(answer))
    message = tool.invoke({"type": "tool_call", "name": tool.name, "id": "1", "args": {"campaign_id": "k1"}})
    assert message.status == "success"
    assert message.artifact == answer
    assert message.content.startswith(("Revox", "Done", "Campaign"))
