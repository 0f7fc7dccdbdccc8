"""Every tool, as an agent meets it: what it is told, what it gets back, and what it may do."""

from __future__ import annotations

import asyncio
import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import RetryPolicy

from revox_langchain import Budget, Connection, DialPolicy, InvalidInput, RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.operation import Request
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.tools.tool import make_tool
from revox_langchain.tools.toolkit import TOOLSETS, HostedOptions
from scripts.generate_snapshots import tools
from tests.examples import example
from tests.mcp_versions import needs_mcp_1

SNAPSHOT = Path(__file__).parent / "snapshots" / "tools.json"
HELLO = {"phone_number": "+12025550100", "prompt": "Please say hello to them."}
AUDIO = {request.spec.name for request in REQUESTS if not request.spec.for_models}
every_request = pytest.mark.parametrize("request_type", REQUESTS, ids=lambda r: r.spec.name)
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def tool_of(request_type: type[Request]) -> tuple[BaseTool, dict[str, Any]]:
    sandbox = Sandbox()
    connection = sandbox.connect()
    return make_tool(request_type, connection), example(request_type, connection)


def ask(tool: BaseTool, arguments: Any, mode: str = "sync", **config: Any) -> ToolMessage:
    call = {"type": "tool_call", "id": "call-1", "name": tool.name, "args": arguments}
    config = {"configurable": config} if config else {}
    message = tool.invoke(call, config) if mode == "sync" else asyncio.run(tool.ainvoke(call, config))
    assert isinstance(message, ToolMessage)
    return message


for _request in REQUESTS:
    for _suite in (ToolsUnitTests, ToolsIntegrationTests):

        def _constructor(self: Any, request: type[Request] = _request) -> BaseTool:
            self._example = tool_of(request)
            return self._example[0]

        def _example(self: Any, request: type[Request] = _request) -> dict[str, Any]:
            # The ids of one sandbox are those of every other of the same seed.
            return tool_of(request)[1]

        _camel = _request.spec.name.title().replace("_", "")
        globals()[f"Test{_camel}{_suite.__name__.removeprefix('Tools')}"] = type(
            f"Test{_camel}{_suite.__name__.removeprefix('Tools')}",
            (_suite,),
            {
                "tool_constructor": property(_constructor),
                "tool_invoke_params_example": property(_example),
                "__module__": __name__,
            },
        )
del _suite


def test_what_a_model_sees_changes_only_on_purpose() -> None:
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == tools(), "run `make docs` and review the difference"


def test_every_tool_converts_for_anthropic_and_openai_without_top_level_unions() -> None:
    from langchain_core.utils.function_calling import convert_to_openai_function

    for request in REQUESTS:
        tool = make_tool(request, Sandbox().connect())
        for strict in (None, False):
            parameters = convert_to_openai_function(tool, strict=strict)["parameters"]
            assert parameters["type"] == "object"
            assert not {"anyOf", "oneOf", "allOf"} & set(parameters)


def test_the_instructions_are_short() -> None:
    words = RevoxToolkit.sandbox().instructions()
    # 4 characters a token is what English costs in the common encodings.
    assert len(words) / 4 <= 250
    for name in ("revox_make_call", "revox_wait_for_call", "revox_get_call"):
        assert name in words


@pytest.mark.a_few(every=3)
@every_request
@both_modes
def test_every_tool_answers_with_text_for_the_model_and_json_for_the_program(
    request_type: type[Request], mode: str
) -> None:
    tool, arguments = tool_of(request_type)
    message = ask(tool, arguments, mode)
    assert message.status == "success", message.content
    assert isinstance(message.content, str)
    assert message.content.strip()
    assert len(message.content) <= 1500
    assert json.dumps(message.artifact)


@every_request
def test_invoke_equals_ainvoke(request_type: type[Request]) -> None:
    results = []
    for mode in ("sync", "async"):
        tool, arguments = tool_of(request_type)
        results.append(ask(tool, arguments, mode))
    assert _without_ids(results[0]) == _without_ids(results[1])


def _without_ids(message: ToolMessage) -> Any:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shape(item) for item in value]
        return type(value)

    return shape(message.artifact)


def through_tool_node(tool: BaseTool, arguments: Any, mode: str) -> ToolMessage:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool]))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    call = {"type": "tool_call", "id": "call-1", "name": tool.name, "args": arguments}
    given = {"messages": [HumanMessage(f"Call {HELLO['phone_number']}."), AIMessage("", tool_calls=[call])]}
    compiled = graph.compile()
    out = compiled.invoke(given) if mode == "sync" else asyncio.run(compiled.ainvoke(given))
    message: ToolMessage = out["messages"][-1]
    return message


WAYS = {"invoke": ask, "ToolNode": through_tool_node}


@pytest.mark.parametrize("way", WAYS)
@both_modes
def test_a_known_failure_is_a_result_with_its_artifact(way: str, mode: str) -> None:
    tool = make_tool(GetCall, Sandbox().connect())
    message = WAYS[way](tool, {"call_id": "no-such-id"}, mode)
    assert message.status == "error"
    assert message.name == "revox_get_call"
    assert message.artifact["code"] == "not_found"
    assert message.artifact["retry_safe"] is False
    assert message.artifact["next_step"] in message.content


@pytest.mark.parametrize("way", WAYS)
@both_modes
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "phone_number"),
        ({"phone_number": "+12025550100"}, "prompt"),
        ({**HELLO, "nonsense": 1}, "nonsense"),
        ({**HELLO, "scheduled_at": "2027-01-01T10:00:00"}, "offset"),
        ({**HELLO, "voice_id": "v"}, "voice_provider"),
        ({**HELLO, "prompt_variables": {"a": [1]}}, "prompt_variables"),
        ({**HELLO, "settings": {"frist_sentence": "x"}}, "first_sentence"),
    ],
)
def test_wrong_arguments_are_a_result_that_names_the_field(
    arguments: dict[str, Any], field: str, way: str, mode: str
) -> None:
    sandbox = Sandbox()
    message = WAYS[way](make_tool(MakeCall, sandbox.connect()), arguments, mode)
    assert message.status == "error"
    assert field in message.content
    assert message.artifact["kind"] == "invalid"
    assert not sandbox.dials


def test_called_bare_a_failure_is_its_sentence() -> None:
    text = make_tool(GetCall, Sandbox().connect()).invoke({"call_id": "no-such-id"})
    assert "not_found" in text


def test_a_bare_string_is_the_first_argument() -> None:
    text = make_tool(GetCall, Sandbox().connect()).invoke("no-such-id")
    assert "not_found" in text


@both_modes
def test_a_bug_raises(mode: str) -> None:
    class Broken(Connection):
        def send(self, operation: Any) -> Any:
            raise KeyError("bug")

        async def asend(self, operation: Any) -> Any:
            raise KeyError("bug")

    tool = make_tool(GetCall, Broken("key"))
    with pytest.raises(KeyError):
        ask(tool, {"call_id": "c"}, mode)


def test_when_to_try_again_is_in_the_artifact() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("rate_limited", on=MakeCall, times=None, retry_after_s=120))
    message = ask(make_tool(MakeCall, sandbox.connect()), HELLO)
    assert message.artifact["code"] == "rate_limited"
    assert message.artifact["retry_after_s"] == 120


def test_an_unknown_outcome_tells_how_to_find_out() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_before", on=MakeCall))
    message = ask(make_tool(MakeCall, sandbox.connect()), HELLO)
    assert message.artifact["code"] == "placement_unknown"
    details = message.artifact["details"]
    assert details["phone_number"] == "+12025550100"
    assert details["intent_id"] in message.content
    assert "revox_recover_call" in message.content


def test_in_a_thread_the_same_arguments_adopt_and_other_words_are_refused() -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect())
    first = ask(tool, HELLO, thread_id="t")
    again = ask(tool, HELLO, thread_id="t")
    reworded = ask(tool, {**HELLO, "prompt": "Please greet them kindly."}, thread_id="t")
    assert again.artifact["call"]["id"] == first.artifact["call"]["id"]
    assert again.artifact["adopted"]
    assert "Already placed" in again.content
    assert reworded.artifact["code"] == "recently_placed"
    assert first.artifact["call"]["id"] in reworded.content
    assert len(sandbox.dials) == 1


def test_a_deliberate_repeat_needs_a_new_intent_and_a_minute() -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect())
    ask(tool, HELLO, thread_id="t")
    assert ask(tool, {**HELLO, "intent": "again"}, thread_id="t").artifact["code"] == "recently_placed"
    sandbox.world.advance(120)
    assert not ask(tool, {**HELLO, "intent": "again"}, thread_id="t").artifact["adopted"]
    assert len(sandbox.dials) == 2


def test_without_a_thread_a_named_intent_does_the_same() -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect())
    messages = [ask(tool, {**HELLO, "intent": "reminder 7"}) for _ in range(2)]
    assert [m.artifact["adopted"] for m in messages] == [False, True]
    assert len(sandbox.dials) == 1


def test_without_either_a_second_call_in_a_row_is_refused() -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect())
    ask(tool, HELLO)
    assert ask(tool, HELLO).artifact["code"] == "recently_placed"
    assert len(sandbox.dials) == 1


@both_modes
def test_replaying_a_tool_node_does_not_dial_again(mode: str) -> None:
    sandbox = Sandbox()
    tool = make_tool(MakeCall, sandbox.connect())

    def boom(state: Any) -> Any:
        if sandbox.counts["revox_make_call"] and not getattr(sandbox, "resumed", False):
            raise ConnectionError("the process died after the tool ran")
        return {}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool]), retry_policy=RetryPolicy())
    graph.add_node("after", boom)
    graph.add_edge(START, "tools")
    graph.add_edge("tools", "after")
    graph.add_edge("after", END)
    saver = InMemorySaver()
    compiled = graph.compile(checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "t"}}
    call = {"type": "tool_call", "id": "1", "name": tool.name, "args": HELLO}
    given = {"messages": [HumanMessage(f"Call {HELLO['phone_number']}."), AIMessage("", tool_calls=[call])]}
    with pytest.raises(ConnectionError):
        compiled.invoke(given, config)
    sandbox.resumed = True  # type: ignore[attr-defined]
    before_tools = next(s for s in compiled.get_state_history(config) if s.next == ("tools",))
    out = (
        compiled.invoke(None, before_tools.config)
        if mode == "sync"
        else asyncio.run(compiled.ainvoke(None, before_tools.config))
    )
    assert out["messages"][-1].artifact["adopted"]
    assert len(sandbox.dials) == 1


def names(**settings: Any) -> set[str]:
    return {tool.name for tool in RevoxToolkit.sandbox(**settings).get_tools()}


def test_nothing_rings_until_someone_writes_the_word() -> None:
    reads = {request.spec.name for request in REQUESTS if request.spec.risk is Risk.READ}
    assert names() == reads
    assert "revox_make_call" not in names(max_risk=Risk.WRITE)
    assert "revox_make_call" in names(max_risk=Risk.DIAL)
    assert "revox_delete_assistant" not in names(max_risk=Risk.DIAL)


def test_everything_a_model_can_use_is_there_at_the_highest_risk() -> None:
    everything = {request.spec.name for request in REQUESTS}
    assert names(max_risk=Risk.DELETE) == everything - AUDIO
    with_audio = names(max_risk=Risk.DELETE, toolsets=("voices",), include=("clone_voice", "preview_voice"))
    assert with_audio >= AUDIO


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_a_toolset_is_offered_alone(toolset: str) -> None:
    assert names(max_risk=Risk.DELETE, toolsets=(toolset,)) == set(TOOLSETS[toolset]) - AUDIO


def test_toolsets_combine_with_included_and_excluded_tools() -> None:
    offered = names(max_risk=Risk.DIAL, toolsets=("voices",), include=("make_call",), exclude=("revox_get_voice",))
    assert offered == {"revox_list_voices", "revox_make_call"}
    assert names(include=("revox_get_call",)) == {"revox_get_call"}


def test_read_only_wins_over_everything() -> None:
    offered = RevoxToolkit.sandbox(read_only=True, max_risk=Risk.DELETE).get_tools()
    assert {tool.metadata["risk"] for tool in offered} == {"read"}
    with pytest.raises(InvalidInput, match="read_only"):
        RevoxToolkit.sandbox(read_only=True, max_risk=Risk.DELETE, include=("make_call",))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"toolsets": ("call",)}, "'calls'"),
        ({"include": ("revox_make_cal",)}, "'revox_make_call'"),
        ({"exclude": ("list_voice",)}, "'revox_list_voices'"),
        ({"include": ("make_call",)}, "max_risk=Risk.DIAL"),
    ],
)
def test_a_name_that_is_unknown_or_too_risky_is_an_error_that_helps(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        RevoxToolkit.sandbox(**settings)
    assert words in str(caught.value)


def test_the_toolkit_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        RevoxToolkit(Sandbox().connect())  # type: ignore[misc]


@every_request
def test_the_metadata_says_what_a_tool_can_do(request_type: type[Request]) -> None:
    metadata = make_tool(request_type, Sandbox().connect()).metadata
    assert metadata is not None
    risk = request_type.spec.risk
    assert metadata["risk"] == risk.name.lower()
    assert metadata["dials"] is metadata["billable"] is (risk is Risk.DIAL)
    assert metadata["retry_safe"] is (risk is Risk.READ)
    hints = metadata["annotations"]
    assert hints["readOnlyHint"] is (risk is Risk.READ)
    assert hints["destructiveHint"] is (risk >= Risk.DIAL or request_type.spec.overwrites)
    assert hints["openWorldHint"] is (risk is Risk.DIAL)


def test_approvals_name_what_dials_or_deletes() -> None:
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DELETE)
    by_risk = {r.spec.name for r in OPERATIONS if r.spec.risk >= Risk.DIAL}
    assert set(toolkit.approvals()) == by_risk
    assert set(RevoxToolkit.sandbox(max_risk=Risk.DIAL).approvals()) == {
        "revox_make_call",
        "revox_resume_call",
        "revox_launch_campaign",
        "revox_resume_campaign",
    }
    assert RevoxToolkit.sandbox().approvals() == {}


def test_policy_and_budget_hold_for_all_tools_of_a_toolkit() -> None:
    toolkit = RevoxToolkit.sandbox(
        max_risk=Risk.DIAL, policy=DialPolicy(min_gap_s=0), budget=Budget(orders=1), include=("make_call",)
    )
    first, second = toolkit.get_tools()[0], toolkit.get_tools()[0]
    assert ask(first, HELLO).status == "success"
    assert ask(second, {**HELLO, "phone_number": "+12025550120"}).artifact["code"] == "budget_exceeded"


def test_from_env_uses_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVOX_API_KEY", "sk_from_env")
    monkeypatch.setenv("REVOX_BASE_URL", "http://127.0.0.1:9/api")
    toolkit = RevoxToolkit.from_env()
    assert toolkit.connection.base_url == "http://127.0.0.1:9/api"
    assert "sk_from_env" not in repr(toolkit)


def test_waiting_streams_every_change_through_the_runs_writer() -> None:
    sandbox = Sandbox()
    placed = sandbox.connect().send(MakeCall(phone_number="+12025550100", prompt="Say hello."))
    tool = {t.name: t for t in RevoxToolkit.sandbox(sandbox, toolsets=("calling",)).get_tools()}["revox_wait_for_call"]
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool]))
    graph.add_edge(START, "tools")
    call = {"type": "tool_call", "id": "1", "name": tool.name, "args": {"call_id": placed["call"]["id"]}}
    given = {"messages": [HumanMessage(f"Call {HELLO['phone_number']}."), AIMessage("", tool_calls=[call])]}
    kinds = [event["type"] for event in graph.compile().stream(given, stream_mode="custom")]
    assert {"revox.status", "revox.turn"} <= set(kinds)


@both_modes
def test_a_wait_that_takes_too_long_says_so_and_what_to_do(mode: str) -> None:
    sandbox = Sandbox()
    placed = sandbox.connect().send(MakeCall(phone_number="+12025550111", prompt="Say hello."))
    [tool] = RevoxToolkit.sandbox(sandbox, include=("wait_for_call",)).get_tools()
    message = ask(tool, {"call_id": placed["call"]["id"], "timeout_s": 30}, mode)
    assert message.status == "success"
    assert "Still running" in message.content
    assert placed["call"]["id"] in message.content
    assert "revox_wait_for_call" in message.content
    assert message.artifact["timed_out"]


@pytest.mark.slow
@needs_mcp_1
def test_the_options_for_the_hosted_server_are_those_that_it_takes() -> None:
    from revox_langchain.tools.hosted.tools import hosted_tools

    assert set(HostedOptions.__annotations__) == set(signature(hosted_tools).parameters) - {"offer", "merged"}


@pytest.mark.slow
def test_a_toolkit_takes_a_risk_as_a_word() -> None:
    connection = Sandbox().connect()
    by_word = RevoxToolkit(connection=connection, max_risk="dial", hosted_risks={"revox_get_billing_balance": "read"})
    assert by_word.highest_risk is Risk.DIAL
    assert by_word.hosted_risks == {"revox_get_billing_balance": Risk.READ}
    assert by_word.approvals("write").keys() > by_word.approvals("dial").keys() > set()
    with pytest.raises(InvalidInput, match="read, write, dial, delete"):
        RevoxToolkit(connection=connection, max_risk="everything")
