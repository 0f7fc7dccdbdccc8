"""Every refusal that a model can meet says first what to change, names it, and is short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import revox_langchain
from revox_langchain import DialPolicy, RevoxToolkit, Risk
from revox_langchain.actions.requests import REQUESTS
from revox_langchain.errors import InvalidInput
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.tool import CallAndWait
from revox_langchain.operations.fields import ASSISTANT_SETTINGS
from revox_langchain.sandbox import Sandbox
from revox_langchain.tools.tool import ToolFailure

PACKAGE = Path(revox_langchain.__file__).parent
ERRORS = {"InvalidInput", "Refused", "NotFound", "NoVoice", "UnknownLanguage", "UnsupportedLanguage"}
BY_PLACE = {"_none_left"}
ERRORS |= {"AmbiguousLanguage", "_zone_refused", *BY_PLACE}
ROOMS = ("actions", "dialing", "phone", "speech", "waiting")
FILES = ("graph/call/input.py", "graph/call/assistant.py", "graph/call/nodes.py")
# Not for a model: what code or a person gets that calls these functions itself.
FOR_CODE = (
    "strict_gender",
    "default_region=",
    "cloned=None",
    "Pass model=",
    "provider=",
    "nested or of",
    "There is no tool",
)
NAMES = {name for request in (*REQUESTS, CallAndWait, CallInput) for name in request.model_fields}
NAMES |= ASSISTANT_SETTINGS | {request.spec.name for request in (*REQUESTS, CallAndWait)}
LONGEST_WORDS = 60


def sites() -> Iterator[Any]:
    """Every place that makes a refusal, with the texts it holds; what is filled in is an ellipsis."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.partition("/")[0] not in ROOMS and name not in FILES:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                step = next((given.value for given in node.keywords if given.arg == "next_step"), None)
                if node.func.id in BY_PLACE:
                    step = node.args[2]
                message = node.args[0] if node.args else None
                passed_on = isinstance(step, ast.Attribute) or (step is None and node.func.id == "_zone_refused")
                if not passed_on:
                    yield pytest.param(text_of(message), text_of(step), id=f"{name}:{node.lineno}")


def text_of(node: ast.AST | None) -> str:
    if node is None:
        return ""
    parts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    return " ".join([*parts, *(f"<{name}>" for name in names)])


def named(text: str) -> set[str]:
    return NAMES & set(re.findall(r"\w+", text))


@pytest.mark.parametrize(("message", "step"), list(sites()))
def test_every_refusal_names_what_to_change_in_its_next_step(message: str, step: str) -> None:
    if any(word in message + step for word in FOR_CODE):
        return
    filled_in = {"<next_step>", "<step>", "<hint>", "<field>", "<name>", "<what>", "<idle>", "<_pass>"} & set(
        step.split()
    )
    assert named(step) or filled_in, step


def test_the_scan_sees_refusals() -> None:
    assert len(list(sites())) > 40


GOOD = {"phone_number": "+12025550100", "prompt": "Please say hello to them."}
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("revox_make_call", {}),
    ("revox_make_call", {"phone_number": "+12025550100"}),
    ("revox_make_call", {**GOOD, "prompt": " "}),
    ("revox_make_call", {**GOOD, "assistant_id": "a1", "voice_id": "v"}),
    ("revox_make_call", {"phone_number": "+12025550100", "assistant_id": "a1", "first_sentence": "Hi"}),
    ("revox_make_call", {"phone_number": "+12025550100", "assistant_id": "a1"}),
    *(
        ("revox_make_call", {**GOOD, "phone_number": number})
        for number in (
            "911",
            "+1202555",
            "110",
            "default",
            "+999123456",
            "+1202555010012345",
            "2025550100",
        )
    ),
    ("revox_make_call", {**GOOD, "phone_number": "+12025550100 ext 5"}),
    ("revox_make_call", {**GOOD, "language": "Klingon"}),
    ("revox_make_call", {**GOOD, "language": "zzzz"}),
    ("revox_make_call", {**GOOD, "prompt": "Ok."}),
    ("revox_make_call", {**GOOD, "voice_id": "v1"}),
    ("revox_make_call", {**GOOD, "scheduled_at": "tomorrow"}),
    ("revox_make_call", {**GOOD, "scheduled_at": "2020-01-01T10:00:00Z"}),
    ("revox_make_call", {**GOOD, "scheduled_at": "2030-01-01T10:00:00"}),
    ("revox_make_call", {**GOOD, "repeat_of": "c1"}),
    ("revox_make_call", {**GOOD, "intent": "a", "repeat_of": "c1"}),
    ("revox_make_call", {**GOOD, "prompt_variables": "colour"}),
    ("revox_make_call", {**GOOD, "from_phone_number": "+12025550101"}),
    ("revox_make_call", {**GOOD, "metadata": {"revox_langchain_intent": "a"}}),
    ("revox_make_call", {**GOOD, "settings": {"max_duration": 3}}),
    ("revox_make_call", {**GOOD, "settings": {"webhook_url": "http://localhost"}}),
    ("revox_make_call", {**GOOD, "colour": "red"}),
    ("revox_list_voices", {"gender": "femme"}),
    ("revox_list_voices", {"accent": "martian"}),
    ("revox_list_voices", {"language": "Klingon"}),
    ("revox_get_call", {"call_id": "c1"}),
    ("revox_get_call", {"call_id": "two words"}),
    ("revox_get_call", {"call_id": "c1", "transcript": "all"}),
    ("revox_get_call_history", {"statuses": ["done"], "page": 0.5}),
    ("revox_get_assistant", {"assistant_id": "a1"}),
    ("revox_create_assistant", {"name": "", "prompt": "Hello there, how are you?"}),
    ("revox_create_assistant", {"name": "a", "prompt": "Hello there, how are you?", "voice_id": "v1"}),
    ("revox_update_assistant", {"assistant_id": "a1", "name": "b"}),
    ("revox_create_campaign", {"assistant_id": "a1", "name": "b", "contacts": []}),
    ("revox_launch_campaign", {"campaign_id": "c1"}),
    ("revox_wait_for_call", {"call_id": "c1", "interval_s": "often"}),
]


def refusal(name: str, arguments: dict[str, Any], **options: Any) -> str | None:
    toolkit = RevoxToolkit.sandbox(Sandbox(), max_risk=Risk.DELETE, include=[name], fields="full", **options)
    tool = next(tool for tool in toolkit.get_tools() if tool.name == name)
    message: Any = tool.invoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
    return str(message.content) if message.status == "error" else None


@pytest.mark.parametrize(("name", "arguments"), WRONG, ids=lambda value: str(value)[:60])
def test_a_refusal_begins_with_what_to_change_and_is_short(name: str, arguments: dict[str, Any]) -> None:
    said = refusal(name, arguments)
    assert said is not None, "this was not refused"
    assert len(said.split()) <= LONGEST_WORDS, said
    first = said.partition("): ")[2].partition(". ")[0]
    assert named(first), said
    assert re.search(
        r"\b(?:give|leave|write|send|ask|choose|pass|use|take|say|read|tell|never|do not|look)\b", first, re.I
    )


@pytest.mark.parametrize(
    "policy",
    [
        DialPolicy(allowed_countries=frozenset({"DE"})),
        DialPolicy(allowed_numbers=()),
        DialPolicy(denied_numbers=("*",)),
        DialPolicy(max_orders=0),
    ],
    ids=["country", "allowed", "denied", "orders"],
)
def test_a_refusal_of_the_policy_names_the_number_or_the_tool(policy: DialPolicy) -> None:
    told = refusal("revox_make_call", GOOD, policy=policy)
    assert told is not None
    first = told.partition("): ")[2].partition(". ")[0]
    assert named(first) & {"phone_number", "revox_make_call"}, told


@pytest.mark.slow
def test_a_person_reads_what_is_wrong_first_and_a_model_what_to_do() -> None:
    error = InvalidInput("It is wrong.", next_step="Leave prompt out.")
    assert str(error) == "It is wrong. Leave prompt out."
    assert error.for_model == "Leave prompt out. It is wrong."
    assert str(ToolFailure.of(error, Sandbox().connect())) == "Error (invalid): Leave prompt out. It is wrong."
    validation = InvalidInput("revox_make_call: prompt: give it.", next_step="Correct it.")
    assert validation.for_model == "revox_make_call: prompt: give it. Correct it."
