"""What a model sees and gives of a request, and what stays with the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool

from revox_langchain import InvalidInput, RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.graph import call_graph_tool
from revox_langchain.graph.call.tool import CallAndWait
from revox_langchain.mcp_server.server import server_for, tool_of
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.operations.campaigns import CreateCampaign
from revox_langchain.operations.narrowed import narrowed
from revox_langchain.operations.operation import Request
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.sandbox import Sandbox
from tests.mcp_versions import needs_mcp_1

NUMBER = "+12025550100"
LEAN = [request for request in (*REQUESTS, CallAndWait) if narrowed(request) is not request]
every_lean = pytest.mark.parametrize("request_type", LEAN, ids=lambda r: r.spec.name)


def shown(request_type: type[Request]) -> set[str]:
    return set(request_type.model_json_schema().get("properties", {}))


def withheld_fields() -> Iterator[Any]:
    for request in LEAN:
        for name in sorted(narrowed(request).view.withheld):
            yield pytest.param(request, name, id=f"{request.spec.name}-{name}")


@pytest.mark.parametrize(
    ("request_type", "fields"),
    [
        (
            MakeCall,
            {"phone_number", "prompt", "assistant_id", "first_sentence", "language", "scheduled_at"}
            | {"prompt_variables"},
        ),
        (CallAndWait, {"phone_number", "prompt", "language", "scheduled_at"}),
        (CreateAssistant, {"name", "prompt", "first_sentence", "voice_provider", "voice_id"}),
        (CreateCampaign, {"assistant_id", "name", "contacts"}),
    ],
    ids=lambda value: value.spec.name if isinstance(value, type) else "",
)
def test_a_model_sees_few_fields(request_type: type[Request], fields: set[str]) -> None:
    assert shown(narrowed(request_type)) - {"repeat_of"} == fields


@every_lean
def test_a_lean_tool_is_the_same_request_with_fewer_fields(request_type: type[Request]) -> None:
    lean = narrowed(request_type)
    assert issubclass(lean, request_type)
    assert lean is narrowed(request_type)
    assert narrowed(request_type, "full") is request_type
    assert lean.spec is request_type.spec
    assert shown(lean) < shown(request_type)
    assert lean.__doc__ == request_type.__doc__


def test_a_request_without_such_fields_stays_as_it_is() -> None:
    assert narrowed(GetCall) is GetCall


@pytest.mark.parametrize(("request_type", "name"), list(withheld_fields()))
def test_a_hidden_field_that_comes_all_the_same_is_refused_by_name(request_type: type[Request], name: str) -> None:
    with pytest.raises(InvalidInput, match=f"Leave out {name}: the application decides that"):
        narrowed(request_type).parse({name: "anything"})


@pytest.mark.parametrize("empty", [None, "", {}, []])
def test_a_hidden_field_that_comes_empty_is_left_out(empty: object) -> None:
    request = narrowed(MakeCall).parse({"phone_number": NUMBER, "prompt": "p", "metadata": empty})
    assert request.metadata is None


def test_a_fixed_value_is_sent_and_neither_seen_nor_changed_by_a_model() -> None:
    fixed = narrowed(MakeCall, fixed={"from_phone_number": "+12025550101", "metadata": {"team": "north"}})
    assert not {"from_phone_number", "metadata"} & shown(fixed)
    body = fixed.parse({"phone_number": NUMBER, "prompt": "p"}).wire().body
    assert body is not None
    assert (body["from_phone_number"], body["metadata"]) == ("+12025550101", {"team": "north"})
    with pytest.raises(InvalidInput, match="Leave out from_phone_number"):
        fixed.parse({"phone_number": NUMBER, "prompt": "p", "from_phone_number": NUMBER})


def test_a_fixed_field_is_hidden_from_a_full_tool_too() -> None:
    full = narrowed(MakeCall, "full", fixed={"skip_calling_window": False})
    assert shown(MakeCall) - shown(full) == {"skip_calling_window"}


def test_a_fixed_assistant_leaves_nothing_to_say_that_an_assistant_excludes() -> None:
    fixed = narrowed(MakeCall, fixed={"assistant_id": "a1"})
    assert not {"assistant_id", "prompt", "first_sentence", "language"} & shown(fixed)
    assert fixed.model_json_schema()["required"] == ["phone_number"]
    assert fixed.parse({"phone_number": NUMBER}).assistant_id == "a1"


def test_the_one_alternative_that_is_left_is_required() -> None:
    assert narrowed(CallAndWait).model_json_schema()["required"] == ["phone_number", "prompt"]
    assert narrowed(CallAndWait, shown=["assistant_id"]).model_json_schema()["required"] == ["phone_number"]


def test_a_clearing_update_is_for_code() -> None:
    with pytest.raises(InvalidInput, match="clear_fields"):
        narrowed(UpdateAssistant).parse({"assistant_id": "a", "clear_fields": ["voicemail_message"]})
    assert UpdateAssistant.parse({"assistant_id": "a", "clear_fields": ["voicemail_message"]}).clear_fields


def test_a_toolkit_is_lean_unless_code_says_full() -> None:
    sizes = {}
    for fields in ("lean", "full"):
        toolkit = RevoxToolkit.sandbox(max_risk=Risk.DIAL, fields=fields)
        tool = next(tool for tool in toolkit.get_tools() if tool.name == "revox_make_call")
        sizes[fields] = len(json.dumps(convert_to_openai_tool(tool)["function"], separators=(",", ":")))
        assert ("concurrency_key" in tool.args) == (fields == "full")
    assert sizes["lean"] <= 1300


def test_a_fixed_caller_id_rings_from_there_and_is_read_in_the_policys_country() -> None:
    sandbox = Sandbox()
    own = sandbox.connect().send(ListPhoneNumbers())["phone_numbers"][0]["phone_number"]
    toolkit = RevoxToolkit.sandbox(sandbox, max_risk=Risk.DIAL, fixed={"from_phone_number": own})
    tool = next(tool for tool in toolkit.get_tools() if tool.name == "revox_make_call")
    placed = tool.invoke({"phone_number": NUMBER, "prompt": "Say hello to them."})
    assert "is initializing" in placed
    assert [order["from_phone_number"] for order in sandbox.dials] == [own]


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"from_phone_numbr": NUMBER}, "no tool has a field 'from_phone_numbr'.*from_phone_number"),
        ({"from_phone_number": "abc"}, "from_phone_number: "),
        ({"metadata": "abc"}, "fixed: metadata"),
    ],
)
def test_a_fixed_value_that_does_not_fit_is_told_when_the_tools_are_made(fixed: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        RevoxToolkit.sandbox(max_risk=Risk.DIAL, fixed=fixed)
    if "numbr" not in str(fixed) and "from" not in str(fixed):
        return
    with pytest.raises(InvalidInput, match="fixed: no tool has a field"):
        call_graph_tool(Sandbox().connect(), fixed=fixed)


@needs_mcp_1
def test_mcp_clients_see_the_same_few_fields() -> None:
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DIAL, include=("make_call",))
    described = [tool_of(request) for request in toolkit.requests()]
    assert [set(tool.inputSchema["properties"]) for tool in described] == [shown(narrowed(MakeCall))]
    assert server_for(toolkit).name == "revox"


@pytest.mark.slow
def test_the_graph_as_a_tool_takes_an_assistant_only_if_code_lets_it() -> None:
    connection = Sandbox().connect()
    lean, choosing = call_graph_tool(connection), call_graph_tool(connection, choose_assistant=True)
    assert "assistant_id" not in lean.args
    assert set(choosing.args) - set(lean.args) == {"assistant_id"}
    refused = lean.invoke({"phone_number": NUMBER, "prompt": "Say hello.", "assistant_id": "a1"})
    assert "Leave out assistant_id" in refused
