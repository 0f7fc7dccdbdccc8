"""`revox-langchain inbound`: who answers which number, and what is missing, readable in a narrow terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.cli.inbound import Line, line_of
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.webhooks import Webhooks

KEY = "key-that-nobody-may-see"
TOKEN = "a-token-of-the-tests"


def codes(**assistant: Any) -> list[str]:
    return [missing.code for missing in answered(**assistant).missing]


def answered(**assistant: Any) -> Line:
    whole = {"id": "a-1", "name": "Front desk", "prompt": "Greet the caller.", **assistant}
    return line_of({"id": "n-1", "phone_number": "+12025550199", "type": "owned_number", "inbound_assistant": whole})


WHOLE = {
    "webhook_url": "https://us.example.com/revox/call-ended/[redacted]",
    "precall_lookup_url": "https://us.example.com/revox/caller/[redacted]?phone={{phone}}",
}


def test_a_number_with_everything_misses_nothing() -> None:
    line = answered(prompt="Greet {{name}} of {{city}}.", **WHOLE)
    assert (line.missing, line.variables) == ((), ("name", "city"))
    assert (line.webhook, line.lookup) == ("us.example.com", "us.example.com")


def test_a_number_that_no_one_answers_says_so() -> None:
    line = line_of({"id": "n-1", "phone_number": "+12025550199", "type": "owned_number", "inbound_assistant": None})
    assert [missing.code for missing in line.missing] == ["no_assistant"]


def test_a_verified_caller_id_cannot_be_called_and_misses_nothing() -> None:
    line = line_of({"id": "n-1", "phone_number": "+12025550199", "type": "verified_caller_id"})
    assert (line.answers, line.missing) == (False, ())


def test_missing_addresses_are_named() -> None:
    assert codes() == ["no_lookup", "no_webhook_url"]
    assert codes(webhook_url=WHOLE["webhook_url"]) == ["no_lookup"]
    assert codes(**WHOLE | {"precall_lookup_url": "https://us.example.com/who"}) == ["lookup_without_phone"]


@pytest.mark.parametrize(
    "texts",
    [
        {"prompt": "Greet {{name}}."},
        {"first_sentence": "Hello {{ name }}."},
        {"faq_items": [{"question": "Who?", "answer": "{{name}}"}]},
        {"prompt_flow": {"nodes": [{"data": {"title": "Start", "body": "Say {{name}}."}}]}},
        {"custom_tools": [{"url": "https://us.example.com/{{name}}", "input_schema": []}]},
    ],
)
def test_variables_that_nothing_fills_are_found_wherever_they_stand(texts: Any) -> None:
    line = answered(webhook_url=WHOLE["webhook_url"], **texts)
    assert [missing.code for missing in line.missing] == ["variables_not_filled"]
    assert "{{name}}" in line.missing[0].said


def test_what_a_tool_asks_for_in_the_talk_needs_no_lookup() -> None:
    tool = {"url": "https://us.example.com", "body_template": '{"day": "{{day}}"}', "input_schema": [{"name": "day"}]}
    assert answered(custom_tools=[tool], **WHOLE).variables == ()


def test_many_variables_are_counted() -> None:
    [missing] = answered(prompt=" ".join(f"{{{{v{n}}}}}" for n in range(9)), webhook_url=WHOLE["webhook_url"]).missing
    assert "{{v3}} and 5 more" in missing.said


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox()
    connection = sandbox.connect()
    webhooks = Webhooks(connection, caller=lambda phone: {"name": "Ada"}, token=TOKEN)
    urls = {"precall_lookup_url": webhooks.caller_url("https://us.example.com/revox")}
    front = CreateAssistant(
        name="Front desk", prompt="Greet {{name}}.", webhook_url=webhooks.url("https://us.example.com"), settings=urls
    )
    made = connection.send(front)["assistant"]["id"]
    number = connection.send(ListPhoneNumbers())["phone_numbers"][0]["id"]
    connection.send(UpdatePhoneNumber(phone_number_id=number, inbound_assistant_id=made))
    with SandboxServer(sandbox) as still:
        yield still


def inbound(server: SandboxServer, *args: str, columns: int = 60) -> Any:
    env = {"REVOX_API_KEY": KEY, "REVOX_BASE_URL": server.base_url, "COLUMNS": str(columns)}
    return CliRunner().invoke(app, ["inbound", *args], env=env)


def test_it_shows_who_answers_within_60_columns_and_no_secret(server: SandboxServer) -> None:
    done = inbound(server)
    assert done.exit_code == 0, done.output
    assert "Front desk" in done.stdout
    assert "us.example.com" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60
    for secret in (KEY, TOKEN, "[redacted]"):
        assert secret not in done.output


def test_json_says_the_same_and_that_it_is_a_sandbox(server: SandboxServer) -> None:
    told = json.loads(inbound(server, "--json").stdout)
    assert told["sandbox"] is True
    lines = {line["phone_number"]: line for line in told["numbers"]}
    [front] = [line for line in lines.values() if line["assistant"]]
    assert (front["assistant"]["name"], front["variables"], front["missing"]) == ("Front desk", ["name"], [])
    assert all(set(missing) == {"code", "said", "fix"} for line in lines.values() for missing in line["missing"])


def test_it_needs_no_key_in_a_sandbox() -> None:
    done = CliRunner().invoke(app, ["inbound", "--sandbox"], env={"COLUMNS": "60"})
    assert done.exit_code == 0, done.output
    assert "No assistant answers it." in done.stdout


@pytest.mark.slow
def test_no_numbers_are_no_error(server: SandboxServer) -> None:
    other = Sandbox()
    other.world.phone_numbers.clear()
    with SandboxServer(other) as empty:
        done = inbound(empty)
    assert done.exit_code == 0
    assert "no numbers" in done.output
