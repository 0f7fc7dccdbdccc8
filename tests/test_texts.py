"""What a model reads holds no number that rings, no moment that parses, and none of it is spoken on a call."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from phonenumbers import Leniency, PhoneNumberMatcher

import revox_langchain
from revox_langchain import RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, PlacementUnknown, RevoxToolError
from revox_langchain.flow import run
from revox_langchain.graph import call_graph, call_graph_tool
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.tool import CallAndWait
from revox_langchain.mcp_server.server import server_for, tool_of
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Request
from revox_langchain.phone import parse_phone
from revox_langchain.sandbox import Sandbox
from revox_langchain.speech.language import language_name
from revox_langchain.speech.names import LANGUAGES

REGIONS = (None, "US", "GB", "FR", "DE", "ES", "IT", "PT", "RU", "CN", "BR", "IN")
FICTION = re.compile(r"\+1\d{3}55501\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?")
PROTOCOL_VERSIONS = {"2026-07-28"}
"""Versions of MCP's protocol are dates that have passed; none is an argument of a tool."""
PACKAGE = Path(revox_langchain.__file__).parent


def ringing(text: str) -> set[str]:
    """The numbers in a text that somebody may have."""
    found = {
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for region in REGIONS
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID)
    }
    for digits in re.findall(r"\+\d{7,15}", text):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits)):
                found.add(digits)
        except phonenumbers.NumberParseException:
            continue
    return {number for number in found if not FICTION.fullmatch(number)}


def moments(text: str) -> list[str]:
    found = []
    for written in MOMENT.findall(text):
        try:
            datetime.fromisoformat(written)
        except ValueError:
            continue
        if written not in PROTOCOL_VERSIONS:
            found.append(written)
    return found


def refused_numbers() -> Iterator[RevoxToolError]:
    """An error of every kind that a number can meet."""
    odd = ("", "abc", "112", "+33 118 218", "+1", "0142685300", "+999123456", "+33142", "+331426853001234")
    more = (
        "+33692123456",
        "+19005551234",
        "+3342685300",
        "+525512345678901",
        "+52 1 55 1234 5678",
        "+12025550100 ext 5",
    )
    policies = (
        DialPolicy(),
        DialPolicy(allowed_countries=frozenset({"DE"})),
        DialPolicy(allowed_numbers=()),
        DialPolicy(denied_numbers=("*",)),
    )
    for raw in (*odd, *more, "+33142685301", "+88213300000", "9012345678"):
        for policy in policies:
            for region in (None, "FR", "IN"):
                try:
                    Guard(policy).check_number(raw, region)
                except RevoxToolError as error:
                    yield error
        for type_ in (MakeCall, CallAndWait):
            try:
                type_.parse({"phone_number": raw, "prompt": "Hello", "scheduled_at": "tomorrow"})
            except InvalidInput as error:
                yield error


def texts_of_errors() -> Iterator[tuple[str, str]]:
    for error in refused_numbers():
        yield f"error {error.code}", str(error)
    yield "placement_unknown", str(PlacementUnknown("Lost.", intent_id="i", phone_number="+33142685301"))
    guard, phone = Guard(), parse_phone("+33142685301")
    for call_id in (None, "c1"):
        with pytest.raises(RevoxToolError) as caught:
            guard.check_gap(phone.e164, 100.0, 101.0, call_id)
        yield "recently_placed", str(caught.value)
    sandbox = Sandbox()
    own = sandbox.connect().send(next(r for r in REQUESTS if r.spec.name == "revox_list_phone_numbers")())  # type: ignore[arg-type]
    for number in own["phone_numbers"]:
        with pytest.raises(RevoxToolError) as caught:
            run(guard.check_history(parse_phone(number["phone_number"])), sandbox.connect())
        yield "own_number", str(caught.value)


def texts_of_schemas() -> Iterator[tuple[str, str]]:
    toolkit = RevoxToolkit.sandbox(max_risk=Risk.DELETE)
    everything = toolkit.model_copy(update={"include": tuple(r.spec.name for r in REQUESTS)})
    for tool in [*toolkit.get_tools(), *everything.get_tools(), call_graph_tool(Sandbox().connect())]:
        yield tool.name, json.dumps(convert_to_openai_tool(tool), ensure_ascii=False)
    for request in (*REQUESTS, CallAndWait):
        yield f"mcp {request.spec.name}", tool_of(request).model_dump_json()
    yield "instructions", toolkit.instructions()
    yield "mcp instructions", server_for(toolkit).instructions or ""
    graph = call_graph(Sandbox().connect())
    yield "graph input", json.dumps(graph.get_input_jsonschema(), ensure_ascii=False)
    yield "CallInput", json.dumps(CallInput.model_json_schema(), ensure_ascii=False)


def texts_of_source() -> Iterator[tuple[str, str]]:
    """Every string of the package, besides the sandbox, which plays the other side."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] == "sandbox":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\d", node.value):
                yield f"{name}:{node.lineno}", node.value


TEXTS = {"errors": texts_of_errors, "schemas": texts_of_schemas, "source": texts_of_source}


@pytest.mark.parametrize("request_type", [*REQUESTS, CallAndWait], ids=lambda r: r.spec.name)
def test_no_language_is_shown_as_an_example(request_type: type[Request]) -> None:
    # A small model copied "fr" into calls in Portuguese and in English.
    field = request_type.model_fields.get("language")
    said = set(re.findall(r"\w+", (field.description or "").casefold())) if field else set()
    # "it" is a word as well.
    assert not said & {*LANGUAGES, *(language_name(code).casefold() for code in LANGUAGES)} - {"it"}


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_that_a_model_reads_holds_a_number_that_rings(kind: str) -> None:
    texts = list(TEXTS[kind]())
    assert len(texts) > 10
    assert [(where, ringing(text)) for where, text in texts if ringing(text)] == []


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_that_a_model_reads_holds_a_moment_that_parses(kind: str) -> None:
    assert [(where, moments(text)) for where, text in TEXTS[kind]() if moments(text)] == []


def test_the_scan_itself_finds_what_it_looks_for() -> None:
    assert ringing("E.164, e.g. +33142685300.") == {"+33142685300"}
    assert ringing("01 42 68 53 00")
    assert not ringing("+1 202 555 0100")
    assert moments("such as 2026-05-04T10:00:00+02:00 or 2026-05-04") == ["2026-05-04T10:00:00+02:00", "2026-05-04"]


def descriptions() -> Iterator[str]:
    for model in (*REQUESTS, CallAndWait, CallInput):
        yield from (field.description for field in model.model_fields.values() if field.description)


SAID: list[tuple[type[Request] | type[CallInput], dict[str, Any], str]] = [
    (MakeCall, {"phone_number": "+12025550100", "prompt": "Hello"}, "prompt"),
    (MakeCall, {"phone_number": "+12025550100", "prompt": "Hello"}, "first_sentence"),
    (CreateAssistant, {"name": "a", "prompt": "Hello"}, "prompt"),
    (CreateAssistant, {"name": "a", "prompt": "Hello"}, "first_sentence"),
    (UpdateAssistant, {"assistant_id": "a"}, "prompt"),
    (UpdateAssistant, {"assistant_id": "a"}, "first_sentence"),
    (CallAndWait, {"phone_number": "+12025550100", "prompt": "Hello"}, "prompt"),
    (CallAndWait, {"phone_number": "+12025550100", "prompt": "Hello"}, "first_sentence"),
    (CallInput, {"phone_number": "+12025550100", "prompt": "Hello"}, "prompt"),
    (CallInput, {"phone_number": "+12025550100", "prompt": "Hello"}, "first_sentence"),
]


@pytest.mark.parametrize(("model", "arguments", "name"), SAID)
def test_none_of_our_descriptions_is_spoken(model: Any, arguments: dict[str, Any], name: str) -> None:
    for text in descriptions():
        for written in (text, f'  "{text.upper().rstrip(".")}"\n'):
            with pytest.raises(InvalidInput) as caught:
                model.parse({**arguments, name: written})
            assert caught.value.code == "description_as_text", text
            assert name in str(caught.value)
    assert model.parse({**arguments, name: "What the assistant must do: confirm the appointment."})


def test_a_description_among_the_settings_is_not_spoken_either() -> None:
    own = MakeCall.model_fields["prompt"].description
    for name in ("prompt", "first_sentence"):
        with pytest.raises(InvalidInput) as caught:
            UpdateAssistant.parse({"assistant_id": "a", "settings": {name: own}})
        assert caught.value.code == "description_as_text"


@pytest.mark.slow
def test_the_graph_refuses_a_description_as_a_prompt() -> None:
    with pytest.raises(InvalidInput) as caught:
        call_graph(Sandbox().connect()).invoke(
            {"phone_number": "+12025550100", "prompt": CallInput.model_fields["prompt"].description}
        )
    assert caught.value.code == "description_as_text"
