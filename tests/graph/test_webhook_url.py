"""The address that Revox posts to: on every assistant of the graph's, and its token nowhere else."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import SecretStr

from revox_langchain import DialPolicy, InvalidInput
from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph, call_graph_tool, create_call_graph
from revox_langchain.operations.assistants import CreateAssistant, ListAssistants, UpdateAssistant
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.webhooks import Webhooks

NUMBER = "+12025550100"
REQUEST = {"phone_number": NUMBER, "prompt": "Say hello and that you are an AI.", "language": "en"}
# Made of words, so that nothing but the place it stands in says that it is a secret.
TOKEN = "plain-words-only"
HOOK = f"https://us.example.com/revox/call-ended/{TOKEN}"
SHOWN = "https://us.example.com/revox/call-ended/[redacted]"
THREAD: Any = {"configurable": {"thread_id": "t"}}
both_ways = pytest.mark.parametrize("inline", [False, True], ids=["kept", "inline"])
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def graph_of(sandbox: Sandbox, url: str | SecretStr | None = HOOK, **options: Any) -> Any:
    return call_graph(sandbox.connect(), checkpointer=InMemorySaver(), webhook_url=url, **options)


def invoke(graph: Any, given: Any, mode: str = "sync", config: Any = THREAD) -> Any:
    return graph.invoke(given, config) if mode == "sync" else asyncio.run(graph.ainvoke(given, config))


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def addresses(sandbox: Sandbox) -> list[str]:
    return [post["url"] for post in sandbox.outbox]


def other(url: str = HOOK) -> str:
    return url.replace(TOKEN, "another-token-of-words")


def kept(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.world.assistants.values())


@both_modes
@both_ways
def test_revox_posts_the_end_of_a_call_to_the_graphs_address(sandbox: Sandbox, mode: str, inline: bool) -> None:
    told: list[CallResult] = []
    webhooks = Webhooks(sandbox.connect(), on_call_ended=told.append)
    url = webhooks.url("https://us.example.com/revox")
    out = invoke(graph_of(sandbox, SecretStr(url), inline=inline), REQUEST, mode)
    assert out["status"] == "completed"
    assert out["warnings"] == []
    [post] = sandbox.outbox

    async def heard() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(webhooks), base_url="http://us") as client, webhooks:
            path = post["url"].removeprefix("https://us.example.com/revox")
            return (await client.post(path, json=post["payload"])).status_code

    assert asyncio.run(heard()) == 202
    assert [result.call_id for result in told] == [out["call_id"]]


def test_the_tool_of_the_graph_posts_as_well(sandbox: Sandbox) -> None:
    tool = call_graph_tool(sandbox.connect(), webhook_url=HOOK)
    said = tool.invoke({"type": "tool_call", "name": tool.name, "id": "1", "args": REQUEST})
    assert addresses(sandbox) == [HOOK]
    assert TOKEN not in str(said)


@both_ways
def test_the_token_is_in_no_state_stream_question_log_or_name(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, inline: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    graph = graph_of(sandbox, approve=True, inline=inline)
    modes = ["values", "updates", "custom", "messages", "checkpoints", "tasks", "debug"]
    seen = [str(piece) for piece in graph.stream(REQUEST, THREAD, stream_mode=modes)]
    seen += [str(piece) for piece in graph.stream(Command(resume=True), THREAD, stream_mode=modes)]
    seen += [str(state) for state in graph.get_state_history(THREAD)]
    seen += [str(dict(graph.checkpointer.storage)), str(dict(graph.checkpointer.blobs)), graph.checkpointer.__repr__()]
    seen += [str(assistant["name"]) for assistant in kept(sandbox)]
    seen += [record.getMessage() for record in caplog.records]
    assert addresses(sandbox) == [HOOK]
    assert any(SHOWN in piece for piece in seen)
    assert [piece for piece in seen if TOKEN in piece] == []
    blobs = [blob for _, blob in graph.checkpointer.blobs.values()]
    assert [blob for blob in blobs if TOKEN.encode() in blob] == []


@both_modes
@both_ways
def test_who_approves_sees_where_the_call_is_posted_to(sandbox: Sandbox, mode: str, inline: bool) -> None:
    graph = graph_of(sandbox, approve=True, inline=inline)
    [asked] = invoke(graph, REQUEST, mode)["__interrupt__"]
    assert asked.value["arguments"]["webhook_url"] == SHOWN


def test_an_approval_holds_for_another_token_and_not_for_another_host(sandbox: Sandbox) -> None:
    saver, connection = InMemorySaver(), sandbox.connect()

    def posting_to(url: str) -> Any:
        return call_graph(connection, checkpointer=saver, approve=True, webhook_url=url)

    posting_to(HOOK).invoke(REQUEST, thread("token"))
    out = posting_to(other()).invoke(Command(resume=True), thread("token"))
    assert out["status"] == "completed"
    assert addresses(sandbox) == [other()]
    sandbox.world.advance(3600)
    posting_to(HOOK).invoke(REQUEST, thread("host"))
    elsewhere = HOOK.replace("us.example.com", "elsewhere.example.com")
    [asked] = posting_to(elsewhere).invoke(Command(resume=True), thread("host"))["__interrupt__"]
    assert asked.value["arguments"]["webhook_url"] == SHOWN.replace("us.example.com", "elsewhere.example.com")
    assert len(sandbox.dials) == 1


def test_an_assistant_that_was_kept_is_found_again_and_posts_with_todays_token(sandbox: Sandbox) -> None:
    first = invoke(graph_of(sandbox), REQUEST, config=thread("1"))
    sandbox.world.advance(3600)
    second = invoke(graph_of(sandbox, other()), REQUEST, config=thread("2"))
    assert first["assistant_id"] == second["assistant_id"]
    assert len(kept(sandbox)) == 1
    assert addresses(sandbox) == [HOOK, other()]


def test_an_assistant_is_given_the_same_address_once_an_hour_at_most(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox)
    changes = []
    for name in "1234":
        invoke(graph, REQUEST, config=thread(name))
        changes.append(sandbox.counts["revox_update_assistant"])
        sandbox.world.advance(900 if name < "3" else 4000)
    assert changes == [0, 0, 0, 1]


def test_an_address_without_a_secret_in_it_is_compared_and_not_written_again(sandbox: Sandbox) -> None:
    graph = graph_of(sandbox, "https://us.example.com/hooks/revox")
    for name in "12":
        invoke(graph, REQUEST, config=thread(name))
        sandbox.world.advance(900)
    assert len(kept(sandbox)) == 1
    assert sandbox.counts["revox_update_assistant"] == 0


def test_an_assistant_that_cannot_be_changed_calls_all_the_same_and_a_warning_says_so(sandbox: Sandbox) -> None:
    invoke(graph_of(sandbox), REQUEST, config=thread("1"))
    sandbox.world.advance(3600)
    sandbox.faults.add(Fault("server_error", on="revox_update_assistant"))
    out = invoke(graph_of(sandbox, other()), REQUEST, config=thread("2"))
    assert out["status"] == "completed"
    [warning] = out["warnings"]
    assert "may post with an earlier token" in warning
    assert "words" not in warning


def test_an_assistant_that_was_kept_without_an_address_stays_as_it_is_and_the_other_way_round(sandbox: Sandbox) -> None:
    ids = []
    for name, url in (("1", None), ("2", HOOK), ("3", None), ("4", HOOK)):
        ids.append(invoke(graph_of(sandbox, url), REQUEST, config=thread(name))["assistant_id"])
        sandbox.world.advance(900)
    assert ids[0] == ids[2] != ids[1] == ids[3]
    assert sandbox.world.assistants[ids[0]]["webhook_url"] is None
    assert addresses(sandbox) == [HOOK, HOOK]


def test_the_name_of_an_assistant_does_not_depend_on_the_token(sandbox: Sandbox) -> None:
    other_account = Sandbox()
    invoke(graph_of(sandbox), REQUEST)
    invoke(graph_of(other_account, other()), REQUEST)
    [name], [again] = (
        [a["name"] for a in s.connect().send(ListAssistants())["assistants"]] for s in (sandbox, other_account)
    )
    assert name == again


@both_modes
@pytest.mark.parametrize("has", [None, "https://elsewhere.example.com/hook"])
def test_a_given_assistant_that_posts_elsewhere_is_reported_and_not_changed(
    sandbox: Sandbox, mode: str, has: str | None
) -> None:
    fields = {"name": "A", "prompt": "Say hello, I am an AI.", "first_sentence": "Hello.", "webhook_url": has}
    given = sandbox.connect().send(CreateAssistant.model_validate(fields))["assistant"]["id"]
    before = dict(sandbox.world.assistants[given])
    out = invoke(graph_of(sandbox), {"phone_number": NUMBER, "assistant_id": given}, mode)
    assert out["status"] == "completed"
    assert f"Assistant {given} does not post to {SHOWN}; the end of its calls is noticed by looking." in out["warnings"]
    assert sandbox.world.assistants[given] == before


def test_a_given_assistant_that_posts_there_needs_no_warning(sandbox: Sandbox) -> None:
    fields = {"name": "A", "prompt": "Say hello, I am an AI.", "first_sentence": "Hello.", "webhook_url": HOOK}
    given = sandbox.connect().send(CreateAssistant.model_validate(fields))["assistant"]["id"]
    out = invoke(graph_of(sandbox), {"phone_number": NUMBER, "assistant_id": given})
    assert not [warning for warning in out["warnings"] if "post" in warning]


@both_ways
@pytest.mark.parametrize("url", [HOOK, f"http://127.0.0.1:8000/call-ended/{TOKEN}"])
def test_an_address_from_code_needs_no_permission_of_the_policy(sandbox: Sandbox, inline: bool, url: str) -> None:
    policy = DialPolicy(allowed_hosts=("hooks.example.org",))
    out = invoke(graph_of(sandbox, url, inline=inline, policy=policy), REQUEST)
    assert out["status"] == "completed"
    assert addresses(sandbox) == [url]


@pytest.mark.parametrize("build", [call_graph, create_call_graph, call_graph_tool])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "us.example.com/hook",
        "ftp://us.example.com/hook",
        "https://",
        "https:///call-ended/x",
        "https://me:secret@us.example.com/hook",
        "https://us.example.com/a b",
        "https://us.example.com/hook\n",
        "https://{{host}}/hook",
        "https://us.example.com:port/hook",
        "https://[us.example.com/hook",
        SHOWN,
    ],
)
def test_an_address_that_revox_cannot_post_to_is_refused_when_the_graph_is_built(
    sandbox: Sandbox, build: Any, url: str
) -> None:
    for given in (url, SecretStr(url)):
        with pytest.raises(InvalidInput, match="webhook_url") as caught:
            build(sandbox.connect(), webhook_url=given)
        assert "Webhooks.url()" in str(caught.value) or "Leave it out" in str(caught.value)
        assert "secret@" not in str(caught.value)


@pytest.mark.slow
def test_what_revox_says_of_an_address_is_shown_without_its_token(sandbox: Sandbox) -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"error": f"webhook_url {HOOK} cannot be reached"})

    connection = Connection("a key", transport=httpx.MockTransport(refuses))
    with pytest.raises(InvalidInput, match="cannot be reached") as caught:
        connection.send(UpdateAssistant(assistant_id="a", webhook_url=HOOK))
    assert SHOWN in str(caught.value)
    assert TOKEN not in repr(caught.value.as_dict())
