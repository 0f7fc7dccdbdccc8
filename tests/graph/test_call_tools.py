"""Tools on the line: on every assistant that a graph or a toolkit makes, and their token nowhere else."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import InvalidInput, RevoxToolkit
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, UpdateAssistant
from revox_langchain.sandbox import Sandbox
from revox_langchain.webhooks import CallTools

PUBLIC = "https://us.example.com/revox"
REQUEST = {"phone_number": "+12025550100", "prompt": "Say hello and that you are an AI.", "language": "en"}
THREAD: Any = {"configurable": {"thread_id": "t"}}
NAMED = {"X-Revox-Call": "{{revox_call}}"}
both_ways = pytest.mark.parametrize("inline", [False, True], ids=["kept", "inline"])


@tool
def check_calendar(day: str) -> str:
    """Look which times are free on a day."""
    return f"10:00 on {day}."


@tool
def book(time: str) -> str:
    """Book a table."""
    return f"Booked at {time}."


def tools_of(token: str = "a-token-of-the-tests") -> CallTools:
    return CallTools([check_calendar, book], once=["book"], token=token)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def graph_of(sandbox: Sandbox, token: str = "a-token-of-the-tests", **options: Any) -> Any:
    options = {"checkpointer": InMemorySaver(), "call_tools": tools_of(token), "public_url": PUBLIC} | options
    return call_graph(sandbox.connect(), **options)


def secret_of(sandbox: Sandbox, token: str = "a-token-of-the-tests") -> str:
    return tools_of(token).token(sandbox.connect()).get_secret_value()


def used(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The tools of the assistant that the last order used, as Revox has them."""
    [order] = list(sandbox.world.orders.values())[-1:]
    return list(order["assistant"]["custom_tools"])


def headers(custom_tool: dict[str, Any]) -> dict[str, str]:
    return {header["key"]: header["value"] for header in custom_tool["headers"]}


@both_ways
def test_the_assistant_of_a_graph_has_the_tools_and_names_the_call_to_them(sandbox: Sandbox, inline: bool) -> None:
    out = graph_of(sandbox, inline=inline).invoke(REQUEST, THREAD)
    assert out["status"] == "completed"
    check, book_ = used(sandbox)
    assert (check["name"], book_["url"]) == ("check_calendar", f"{PUBLIC}/call-tools/book")
    assert headers(book_) == {"Authorization": f"Bearer {secret_of(sandbox)}", **NAMED}
    [order] = sandbox.world.orders.values()
    assert order["prompt_variables"] == {"revox_call": out["intent_id"]}


def test_a_list_of_tools_is_enough_and_the_tool_of_the_graph_has_them_as_well(sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    tool_ = call_graph_tool(connection, call_tools=[check_calendar], public_url=PUBLIC)
    tool_.invoke(REQUEST)
    assert headers(used(sandbox)[0])["Authorization"] == (
        f"Bearer {CallTools([check_calendar]).token(connection).get_secret_value()}"
    )


@both_ways
def test_the_token_is_in_no_state_stream_question_log_or_name(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, inline: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    graph = graph_of(sandbox, approve=True, inline=inline)
    modes = ["values", "updates", "custom", "messages", "checkpoints", "tasks", "debug"]
    seen = [str(piece) for piece in graph.stream(REQUEST, THREAD, stream_mode=modes)]
    [asked] = graph.get_state(THREAD).interrupts
    assert asked.value["arguments"]["call_tools"] == ["check_calendar", "book"]
    seen += [str(piece) for piece in graph.stream(Command(resume=True), THREAD, stream_mode=modes)]
    seen += [str(state) for state in graph.get_state_history(THREAD)]
    seen += [str(dict(graph.checkpointer.storage)), str(dict(graph.checkpointer.blobs))]
    seen += [str(assistant["name"]) for assistant in sandbox.world.assistants.values()]
    seen += [record.getMessage() for record in caplog.records]
    secret = secret_of(sandbox)
    assert headers(used(sandbox)[0])["Authorization"] == f"Bearer {secret}"
    assert [piece for piece in seen if secret in piece or "a-token-of-the-tests" in piece] == []


def test_wherever_an_assistant_is_read_the_token_is_redacted(sandbox: Sandbox) -> None:
    assistant_id = graph_of(sandbox).invoke(REQUEST, THREAD)["assistant_id"]
    read = sandbox.connect().send(GetAssistant(assistant_id=assistant_id))
    assert headers(read["custom_tools"][0]) == {"Authorization": "[redacted]", **NAMED}
    toolkit = RevoxToolkit.sandbox(sandbox, include=("revox_get_assistant",))
    call = {"type": "tool_call", "name": "revox_get_assistant", "id": "1", "args": {"assistant_id": assistant_id}}
    message = toolkit.get_tools()[0].invoke(call)
    assert "custom_tools" in str(message.artifact)
    assert secret_of(sandbox) not in str(message)


def test_a_kept_assistant_is_found_again_and_has_todays_token(sandbox: Sandbox) -> None:
    ids = []
    for number, token in enumerate(["a-token-of-the-tests", "another-token-of-the-tests"]):
        out = graph_of(sandbox, token).invoke(REQUEST, {"configurable": {"thread_id": str(number)}})
        ids.append(out["assistant_id"])
        assert headers(used(sandbox)[0])["Authorization"] == f"Bearer {secret_of(sandbox, token)}"
        sandbox.world.advance(3600)
    assert ids[0] == ids[1]


def test_an_approval_holds_for_another_token_and_not_for_another_tool(sandbox: Sandbox) -> None:
    saver = InMemorySaver()
    graph_of(sandbox, approve=True, checkpointer=saver).invoke(REQUEST, THREAD)
    fewer = CallTools([check_calendar], token="a-token-of-the-tests")
    [again] = graph_of(sandbox, approve=True, checkpointer=saver, call_tools=fewer).invoke(
        Command(resume=True), THREAD
    )["__interrupt__"]
    assert again.value["arguments"]["call_tools"] == ["check_calendar"]
    approved = {"decision": "approve", "arguments_hash": again.value["arguments_hash"]}
    other = CallTools([check_calendar], token="another-token-of-the-tests")
    out = graph_of(sandbox, approve=True, checkpointer=saver, call_tools=other).invoke(Command(resume=approved), THREAD)
    assert out["status"] == "completed"


def test_an_assistant_that_was_given_is_left_as_it_is_and_what_it_lacks_is_said(sandbox: Sandbox) -> None:
    made = sandbox.connect().send(
        CreateAssistant(name="Mine", prompt="Say hello and that you are an AI.", first_sentence="Hello.")
    )["assistant"]
    request = {"phone_number": "+12025550100", "assistant_id": made["id"]}
    out = graph_of(sandbox).invoke(request, THREAD)
    assert any("does not have these call tools" in warning and "book" in warning for warning in out["warnings"])
    assert sandbox.world.assistants[made["id"]].get("custom_tools") is None
    [order] = sandbox.world.orders.values()
    assert not order["prompt_variables"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"call_tools": [check_calendar]}, "no public_url"),
        ({"call_tools": [check_calendar], "public_url": "http://us.example.com"}, "in the open"),
        ({"public_url": PUBLIC}, "without call_tools"),
        ({"call_tools": [], "public_url": PUBLIC}, "no tool"),
    ],
)
def test_tools_without_an_address_they_can_be_reached_at_are_refused_at_the_start(
    sandbox: Sandbox, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        call_graph(sandbox.connect(), **options)
    with pytest.raises(InvalidInput, match=words):
        call_graph_tool(sandbox.connect(), **options)
    with pytest.raises(InvalidInput, match=words):
        RevoxToolkit(connection=sandbox.connect(), **options)


def toolkit_of(sandbox: Sandbox, token: str = "a-token-of-the-tests", **options: Any) -> RevoxToolkit:
    return RevoxToolkit.sandbox(sandbox, max_risk="dial", call_tools=tools_of(token), public_url=PUBLIC, **options)


def invoke(toolkit: RevoxToolkit, tool_name: str, **arguments: Any) -> Any:
    [found] = [each for each in toolkit.get_tools() if each.name == tool_name]
    return found.invoke({"type": "tool_call", "name": tool_name, "id": "1", "args": arguments})


def test_an_assistant_that_a_model_makes_has_the_tools_and_does_not_count_on_a_variable(sandbox: Sandbox) -> None:
    wanted = {"name": "Table", "prompt": "Say you are an AI. Book a table.", "first_sentence": "Hello."}
    messages = []
    for token in ("a-token-of-the-tests", "another-token-of-the-tests"):
        messages.append(invoke(toolkit_of(sandbox, token), "revox_create_assistant", **wanted))
        [kept] = sandbox.world.assistants.values()
        assert headers(kept["custom_tools"][1]) == {"Authorization": f"Bearer {secret_of(sandbox, token)}"}
        assert secret_of(sandbox, token) not in str(messages)
    assert [message.artifact["existed"] for message in messages] == [False, True]
    assert "[redacted]" in str(messages[1].artifact["assistant"]["custom_tools"])


def test_a_call_that_a_model_places_with_a_prompt_has_the_tools(sandbox: Sandbox) -> None:
    request = {name: REQUEST[name] for name in ("phone_number", "prompt")}
    message = invoke(toolkit_of(sandbox), "revox_make_call", **request)
    assert message.status == "success", message.content
    assert headers(used(sandbox)[0]) == {"Authorization": f"Bearer {secret_of(sandbox)}", **NAMED}
    assert secret_of(sandbox) not in str(message)


def test_a_request_that_brings_tools_of_its_own_keeps_them(sandbox: Sandbox) -> None:
    own = {"name": "own", "description": "Mine.", "url": "https://api.example.com/own", "method": "GET"}
    own |= {"headers": [], "query_params": [], "input_schema": [], "body_template": None}
    toolkit = toolkit_of(sandbox, fields="full", policy={"allowed_hosts": ("api.example.com",)})
    settings = {"custom_tools": [own, {**own, "name": "book"}]}
    wanted = {"name": "Table", "prompt": "Say you are an AI. Book a table.", "first_sentence": "Hello."}
    message = invoke(toolkit, "revox_create_assistant", **wanted, settings=settings)
    assert message.status == "success", message.content
    [kept] = sandbox.world.assistants.values()
    assert [each["name"] for each in kept["custom_tools"]] == ["own", "check_calendar", "book"]
    assert kept["custom_tools"][2]["url"] == f"{PUBLIC}/call-tools/book"


def test_a_toolkit_shows_no_token_and_takes_the_same_list(sandbox: Sandbox) -> None:
    toolkit = RevoxToolkit.sandbox(sandbox, call_tools=[check_calendar], public_url=PUBLIC)
    secret = CallTools([check_calendar]).token(toolkit.connection).get_secret_value()
    assert toolkit.decided.tool_names == ["check_calendar"]
    assert secret not in repr(toolkit) + repr(toolkit.decided) + str(toolkit.model_dump(exclude={"connection"}))


@pytest.mark.slow
def test_a_model_that_changes_an_assistant_leaves_its_tools_alone(sandbox: Sandbox) -> None:
    assistant_id = graph_of(sandbox).invoke(REQUEST, THREAD)["assistant_id"]
    before = used(sandbox)
    sandbox.connect().send(UpdateAssistant(assistant_id=assistant_id, first_sentence="Good day."))
    assert sandbox.world.assistants[assistant_id]["custom_tools"] == before
