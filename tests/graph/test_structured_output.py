"""A pydantic model says what to extract from a conversation, wherever a call is placed."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel, Field

from revox_langchain import InvalidInput, RevoxToolkit, structured
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import GetCall, GetCallHistory
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox
from tests.results.test_call import REFUSED

NUMBER = "+12025550100"
CALL = {"phone_number": NUMBER, "prompt": "Confirm the visit on Tuesday."}
UNFIT = {**CALL, "phone_number": "+12025550119"}


class Visit(BaseModel):
    """What is to be found out."""

    confirmed: bool = Field(description="Did they confirm the visit?")
    guests: int | None = None


def config_of(sandbox: Sandbox, call_id: str) -> list[dict[str, Any]]:
    order = sandbox.connect().send(GetCall(call_id=call_id))["call"]
    found: list[dict[str, Any]] = order["assistant"]["structured_output_config"]
    return found


def test_a_graph_that_asks_for_a_model_gives_output_that_reads_back_as_it() -> None:
    sandbox = Sandbox()
    output = call_graph(sandbox.connect(), structured_output=Visit).invoke(CALL)
    read = structured(output, Visit)
    assert read.state == "ready"
    assert isinstance(read.value, Visit)
    assert [field["name"] for field in config_of(sandbox, output["call_id"])] == ["confirmed", "guests"]


def test_output_that_does_not_fit_the_model_is_named() -> None:
    output = call_graph(Sandbox().connect(), structured_output=Visit).invoke(UNFIT)
    assert structured(output, Visit).state == "invalid"
    assert any("does not fit" in warning for warning in output["warnings"])


def test_a_graphs_model_and_another_schema_contradict_each_other() -> None:
    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), structured_output=Visit)
    with pytest.raises(InvalidInput, match="asks for its own"):
        graph.invoke({**CALL, "structured_output_schema": {"properties": {"other": {"type": "string"}}}})
    assert sandbox.connect().send(GetCallHistory())["total_count"] == 0
    graph.invoke({**CALL, "structured_output_schema": Visit.model_json_schema()})


def test_an_assistant_that_is_given_brings_its_own() -> None:
    sandbox = Sandbox()
    tools = {tool.name: tool for tool in RevoxToolkit.sandbox(sandbox, max_risk="dial").get_tools()}
    assistant = (
        tools["revox_create_assistant"]
        .invoke({"type": "tool_call", "id": "1", "name": "x", "args": {"name": "Lea", "prompt": "Say hello."}})
        .artifact["assistant"]
    )
    given = {"phone_number": NUMBER, "assistant_id": assistant["id"]}
    output = call_graph(sandbox.connect(), structured_output=Visit).invoke(given)
    assert output["status"] == "completed"
    assert output["structured_output"] is None


def test_a_person_who_approves_can_edit_the_prompt_and_choose_an_assistant_instead() -> None:
    sandbox = Sandbox()
    assistant = sandbox.connect().send(CreateAssistant(name="Lea", prompt="Say hello, I am an AI."))["assistant"]
    graph = call_graph(sandbox.connect(), structured_output=Visit, approve=True, checkpointer=InMemorySaver())
    for name, edits, state in (
        ("prompt", {"prompt": "Confirm the visit on Wednesday."}, "ready"),
        ("assistant", {"prompt": None, "assistant_id": assistant["id"]}, "absent"),
    ):
        thread: Any = {"configurable": {"thread_id": name}}
        graph.invoke(CALL, thread)
        asked = graph.invoke(Command(resume={"decision": "edit", "edits": edits}), thread)
        shown = asked["__interrupt__"][0].value
        assert not shown["warnings"], shown["warnings"]
        answer = {"decision": "approve", "arguments_hash": shown["arguments_hash"]}
        assert structured(graph.invoke(Command(resume=answer), thread), Visit).state == state


@pytest.mark.parametrize("annotation", REFUSED[:3], ids=str)
def test_a_model_that_cannot_be_extracted_is_refused_where_the_graph_is_built(annotation: Any) -> None:
    model = type("Asked", (BaseModel,), {"__annotations__": {"field_in_question": annotation}})
    connection = Sandbox().connect()
    for build in (call_graph, call_graph_tool):
        with pytest.raises(InvalidInput, match="field_in_question"):
            build(connection, structured_output=model)
    with pytest.raises(InvalidInput, match="field_in_question"):
        RevoxToolkit(connection=connection, structured_output=model)
    with pytest.raises(InvalidInput, match="not a pydantic model"):
        call_graph(connection, structured_output=dict)  # type: ignore[arg-type]


def test_the_tool_of_the_graph_asks_for_the_model_too() -> None:
    sandbox = Sandbox()
    tool = call_graph_tool(sandbox.connect(), structured_output=Visit)
    answer = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": CALL})
    assert structured(answer.artifact, Visit).state == "ready"


@pytest.fixture
def toolkit() -> tuple[Sandbox, dict[str, BaseTool]]:
    """A sandbox, and its tools that ask for the model."""
    sandbox = Sandbox()
    offered = RevoxToolkit.sandbox(sandbox, max_risk="dial", toolsets=("calling",), structured_output=Visit)
    return sandbox, {tool.name: tool for tool in offered.get_tools()}


def artifact(tool: BaseTool, **arguments: Any) -> dict[str, Any]:
    answer = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": arguments})
    assert answer.status == "success", answer.content
    found: dict[str, Any] = answer.artifact
    return found


def test_a_toolkits_calls_ask_for_the_model_and_a_model_neither_sees_nor_changes_it(
    toolkit: tuple[Sandbox, dict[str, BaseTool]],
) -> None:
    _, tools = toolkit
    placed = artifact(tools["revox_make_call"], **CALL)["call"]
    order = artifact(tools["revox_wait_for_call"], call_id=placed["id"])["call"]
    assert CallResult.from_call(order).structured(Visit).state == "ready"
    assert "settings" not in tools["revox_make_call"].tool_call_schema.model_json_schema()["properties"]  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_toolkits_assistants_ask_for_the_model_and_calls_of_others_go_on_as_they_are(
    toolkit: tuple[Sandbox, dict[str, BaseTool]],
) -> None:
    sandbox, tools = toolkit
    made = artifact(tools["revox_create_assistant"], name="Lea", prompt="Confirm the visit.")["assistant"]
    assert [field["name"] for field in made["structured_output_config"]] == ["confirmed", "guests"]
    placed = artifact(tools["revox_make_call"], phone_number=NUMBER, assistant_id=made["id"])["call"]
    assert [field["name"] for field in config_of(sandbox, placed["id"])] == ["confirmed", "guests"]
