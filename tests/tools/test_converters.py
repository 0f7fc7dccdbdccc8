"""The tools as each vendor's own package sends them, held to what that vendor publishes."""

from __future__ import annotations

import copy
import importlib
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from revox_langchain import DialPolicy, RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.graph import call_graph_tool
from revox_langchain.operations.operation import Request
from revox_langchain.sandbox import Sandbox
from tests.examples import EXAMPLES

Schema = dict[str, Any]

STRICT_WORDS = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "description",
    "enum",
    "items",
    "anyOf",
    "const",
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
}
"""What OpenAI's guide on structured outputs lists as supported, besides `$ref` and `$defs`."""


class Report(BaseModel):
    """What the agent answers at the end."""

    confirmed: bool


def every_tool() -> list[BaseTool]:
    names = tuple(request.spec.name for request in REQUESTS)
    connection = Sandbox().connect()
    toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DELETE, include=names)
    return [*toolkit.get_tools(), call_graph_tool(connection)]


def package(name: str) -> Any:
    if os.environ.get("TEST_ALL_VENDORS"):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed; it comes with the extra `dev`")


def schemas_in(schema: Schema, where: str = "") -> Iterator[tuple[str, Schema]]:
    yield where, schema
    for name, inner in (schema.get("properties") or {}).items():
        yield from schemas_in(inner, f"{where}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from schemas_in(schema["items"], f"{where}[]")
    for number, branch in enumerate(schema.get("anyOf") or ()):
        yield from schemas_in(branch, f"{where}|{number}")


def degraded(sent: Schema) -> list[str]:
    """Places where a schema says nothing, holds a reference, or takes a map whose keys got lost."""
    wrong = []
    for where, schema in schemas_in(sent):
        if not (schema.get("type") or schema.get("anyOf")) or "$ref" in schema or "$defs" in schema:
            wrong.append(where)
        if where and schema.get("type") == "object" and not schema.get("properties"):
            wrong.append(where)
        if schema.get("type") == "array" and not schema.get("items"):
            wrong.append(where)
    return wrong


def arguments_of(tool: BaseTool) -> dict[str, str]:
    schema = tool.tool_call_schema
    properties = (schema if isinstance(schema, dict) else schema.model_json_schema())["properties"]
    return {name: str(each["type"]) for name, each in properties.items()}


def assert_whole(tool: BaseTool, sent: Schema) -> None:
    assert degraded(sent) == []
    types = {name: str(each.get("type")).lower() for name, each in (sent.get("properties") or {}).items()}
    assert types == arguments_of(tool)


def test_chatopenai_in_an_agent_with_a_response_format_sends_schemas_that_strict_mode_takes() -> None:
    openai = package("langchain_openai")
    from langchain.agents import create_agent
    from langchain.agents.structured_output import ProviderStrategy

    sent: list[Schema] = []

    class Recorded(openai.ChatOpenAI):  # type: ignore[misc, name-defined, unused-ignore]
        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            from langchain_core.outputs import ChatGeneration, ChatResult

            sent.extend(copy.deepcopy(kwargs["tools"]))
            return ChatResult(generations=[ChatGeneration(message=AIMessage('{"confirmed": true}'))])

    tools = every_tool()
    model = Recorded(model="gpt-4.1", api_key="none", use_responses_api=False)
    create_agent(model, tools, response_format=ProviderStrategy(Report)).invoke({"messages": [("user", "Hello")]})
    assert [each["function"]["name"] for each in sent] == [tool.name for tool in tools]
    for tool, each in zip(tools, sent, strict=True):
        function = each["function"]
        assert function["strict"] is True
        assert_whole(tool, function["parameters"])
        for where, schema in schemas_in(function["parameters"]):
            assert set(schema) <= STRICT_WORDS, (tool.name, where)
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False, (tool.name, where)
                assert sorted(schema.get("required", [])) == sorted(schema["properties"]), (tool.name, where)


@pytest.mark.slow
def test_google_sends_every_argument_as_what_it_is() -> None:
    package("langchain_google_genai")
    from langchain_google_genai._function_utils import convert_to_genai_function_declarations

    tools = every_tool()
    (declared,) = convert_to_genai_function_declarations(tools)
    for tool, function in zip(tools, declared.function_declarations, strict=True):
        sent = function.parameters.model_dump(mode="json", exclude_none=True)
        assert_whole(tool, json.loads(json.dumps(sent).replace('"OBJECT"', '"object"').replace('"ARRAY"', '"array"')))


@pytest.mark.slow
def test_anthropic_sends_schemas_whole_and_may_be_strict() -> None:
    package("langchain_anthropic")
    from langchain_anthropic.chat_models import convert_to_anthropic_tool

    for tool in every_tool():
        for strict in (None, True):
            sent = convert_to_anthropic_tool(tool, strict=strict)
            assert sent["input_schema"]["type"] == "object"
            assert not {"anyOf", "oneOf", "allOf"} & set(sent["input_schema"])
            assert_whole(tool, sent["input_schema"])


def test_bedrock_sends_schemas_whole() -> None:
    package("langchain_aws")
    from langchain_aws.chat_models.bedrock_converse import _format_tools

    tools = every_tool()
    for tool, sent in zip(tools, _format_tools(tools), strict=True):
        specified: Any = sent["toolSpec"]
        assert specified["name"] == tool.name
        assert_whole(tool, specified["inputSchema"]["json"])


def test_ollama_sends_schemas_whole() -> None:
    package("langchain_ollama")
    import ollama
    from langchain_ollama import ChatOllama

    tools = every_tool()
    bound: Any = ChatOllama(model="any").bind_tools(tools)
    for tool, given in zip(tools, bound.kwargs["tools"], strict=True):
        sent = ollama.Tool.model_validate(given).model_dump(exclude_none=True)
        assert_whole(tool, sent["function"]["parameters"])


def test_mistral_sends_schemas_whole() -> None:
    package("langchain_mistralai")
    from langchain_mistralai import ChatMistralAI

    tools = every_tool()
    bound: Any = ChatMistralAI(api_key="none").bind_tools(tools)
    for tool, sent in zip(tools, bound.kwargs["tools"], strict=True):
        assert_whole(tool, sent["function"]["parameters"])


MAPS_AND_LISTS = [
    (request, name)
    for request in REQUESTS
    for name, field in request.plain_schema()["properties"].items()
    if {"object", "array"} & {each.get("type") for each in (field, *field.get("anyOf", []))}
]


def value_for(name: str) -> Any:
    row = {"calling_window_start_time": "09:00", "calling_window_end_time": "17:00", "retry_delay_seconds": 60}
    values = {
        "statuses": ["completed"],
        "outcomes": ["interested"],
        "results": ["human"],
        "directions": ["inbound"],
        "contacts": [{"to_phone_number": "+12025550100", "prompt_variables": {"name": "Ada"}}],
        "prompt_variables": {"name": "Ada"},
        "metadata": {"order": "4"},
        "settings": {"voicemail_message": "Hello."},
        "structured_output_config": [{"name": "ok", "type": "enum", "required": True, "enum_options": ["a"]}],
        "call_retry_config": {
            "allowed_days": ["monday"],
            "call_twice_in_a_row": False,
            "calling_windows": [row],
            "max_retry_attempts": 2,
        },
    }
    return values.get(name, ["x-1"])


def example_of(request: type[Request], name: str) -> Schema:
    required = {
        field: {"contacts": value_for("contacts")}.get(field, "x-1")
        for field in request.plain_schema().get("required", [])
    }
    more = {"phone_number": "+12025550100", "prompt": "Say hello."} if "phone_number" in request.model_fields else {}
    return {**required, **more}


@pytest.mark.parametrize(("request_type", "name"), MAPS_AND_LISTS, ids=lambda each: getattr(each, "__name__", each))
def test_json_text_is_read_where_only_a_map_or_a_list_fits(request_type: type[Request], name: str) -> None:
    value = value_for(name)
    if name == "clear_fields":
        value = ["label"] if "label" in request_type.model_fields else ["from_phone_number"]
    given = example_of(request_type, name)
    plain = request_type.parse({**given, name: value})
    assert getattr(plain, name)
    assert request_type.parse({**given, name: json.dumps(value)}) == plain
    if isinstance(value, list):
        assert (
            request_type.parse({**given, name: [json.dumps(v) if isinstance(v, dict) else v for v in value]}) == plain
        )
    else:
        inner = {key: json.dumps(v) if isinstance(v, (dict, list)) else v for key, v in value.items()}
        assert request_type.parse({**given, name: json.dumps(inner)}) == plain


def left_out(schema: Schema) -> Any:
    """What a model writes for an argument that strict mode makes it give, and that it has no value for."""
    if schema.get("enum"):
        return schema["enum"][0]
    return {"string": "", "array": [], "boolean": False}[schema["type"]]


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda each: each.spec.name)
def test_every_optional_argument_can_be_given_as_left_out(request_type: type[Request]) -> None:
    given = EXAMPLES[request_type.__name__]
    schema = request_type.model_json_schema()
    defaults = {name for name, field in request_type.model_fields.items() if field.default not in (None, [])}
    blanks = {name: left_out(each) for name, each in schema["properties"].items() if name not in {*given, *defaults}}
    plain, blank = request_type.parse(given), request_type.parse({**blanks, **given})
    # A switch that is off says so.
    assert {k: v for k, v in blank.model_dump().items() if v is not False} == plain.model_dump(
        exclude={k for k, v in blank.model_dump().items() if v is False}
    )


@pytest.mark.slow
def test_json_text_with_a_number_in_national_form_is_read_with_the_policys_country() -> None:
    sandbox = Sandbox()
    toolkit = RevoxToolkit(connection=sandbox.connect(), max_risk=Risk.WRITE, policy=DialPolicy(default_region="US"))
    tools = {tool.name: tool for tool in toolkit.get_tools()}
    assistant = tools["revox_create_assistant"].invoke(call_of({"name": "A", "prompt": "Say hello."})).artifact
    contacts = json.dumps([{"to_phone_number": "(202) 555-0100", "prompt_variables": ""}])
    arguments = {"assistant_id": assistant["assistant"]["id"], "name": "Spring", "contacts": contacts}
    assert tools["revox_create_campaign"].invoke(call_of(arguments)).status == "success"


def call_of(arguments: Schema) -> Any:
    return {"type": "tool_call", "id": "call-1", "name": "any", "args": arguments}
