"""What a model fills in beside what it means: placeholders, two alternatives at once, half a voice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from revox_langchain import DialPolicy, RevoxToolkit, Risk
from revox_langchain.graph import call_graph_tool
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.voices import ListVoices
from revox_langchain.sandbox import Fault, Sandbox

NUMBER = "+12025550100"
CALL = {"phone_number": NUMBER, "prompt": "Please say hello to them."}
MADE = {"name": "Greeter", "prompt": "Please say hello to them."}
PLACEHOLDERS = ["default", "your-assistant-id", "1234567890", "1", "assistant 1", "none"]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def use(sandbox: Sandbox, name: str, arguments: dict[str, Any], mode: str = "sync", **options: Any) -> ToolMessage:
    """The result of a tool call, as an agent's model gets it."""
    options.setdefault("max_risk", Risk.DIAL)
    if name == "revox_call_and_wait":
        tool: Any = call_graph_tool(sandbox.connect(), choose_assistant=True)
    else:
        everything = RevoxToolkit.sandbox(sandbox, include=[name], **options)
        tool = next(tool for tool in everything.get_tools() if tool.name == name)
    call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
    message = tool.invoke(call) if mode == "sync" else asyncio.run(tool.ainvoke(call))
    assert isinstance(message, ToolMessage)
    return message


def made(sandbox: Sandbox) -> str:
    answer = sandbox.connect().send(CreateAssistant(**MADE))
    return str(answer["assistant"]["id"])


def a_voice(sandbox: Sandbox, language: str = "en") -> dict[str, Any]:
    voices = sandbox.connect().send(ListVoices())["voices"]
    return next(voice for voice in voices if voice["language"] == language)


calling = pytest.mark.parametrize("name", ["revox_make_call", "revox_call_and_wait"])


@pytest.mark.a_few(every=3)
@calling
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("assistant_id", PLACEHOLDERS)
def test_beside_an_assistant_that_does_not_exist_the_prompt_wins(
    sandbox: Sandbox, name: str, mode: str, assistant_id: str
) -> None:
    answer = use(sandbox, name, {**CALL, "assistant_id": assistant_id}, mode)
    assert answer.status == "success", answer.content
    assert len(sandbox.dials) == 1
    assert "Note: " in answer.content
    assert "The prompt was used" in answer.content or "assistant_id was left out" in answer.content


@calling
def test_beside_an_assistant_that_exists_it_is_refused_with_the_way_on(sandbox: Sandbox, name: str) -> None:
    answer = use(sandbox, name, {**CALL, "assistant_id": made(sandbox)})
    assert answer.status == "error"
    assert "both were given; leave assistant_id out" in answer.content
    assert not sandbox.dials


@calling
def test_an_unknown_assistant_is_named_as_such_with_the_way_on(sandbox: Sandbox, name: str) -> None:
    answer = use(sandbox, name, {"phone_number": NUMBER, "assistant_id": "your-assistant-id"})
    assert answer.artifact["code"] == "not_found"
    assert answer.content.startswith("Error (not_found): Send the same call again without assistant_id and with prompt")
    assert "There is no assistant 'your-assistant-id'; no call was placed." in answer.content
    assert not sandbox.dials


@calling
def test_a_language_beside_an_assistant_is_ignored_with_a_note(sandbox: Sandbox, name: str) -> None:
    asked = {"phone_number": NUMBER, "assistant_id": made(sandbox), "language": "en"}
    answer = use(sandbox, name, asked)
    assert answer.status == "success", answer.content
    assert "language was ignored" in answer.content


@calling
@pytest.mark.parametrize("word", ["now", "default", "Immediately", "<none>", "null"])
def test_a_schedule_that_says_nothing_is_now(sandbox: Sandbox, name: str, word: str) -> None:
    answer = use(sandbox, name, {**CALL, "scheduled_at": word})
    assert answer.status == "success", answer.content
    assert "scheduled_at was left out" in answer.content


@calling
@pytest.mark.parametrize(
    ("moment", "echo"),
    [("tomorrow", "the moment"), ("tomorrow 10:00", "'tomorrow 10:00'"), ("12 secrets", "the moment")],
)
def test_a_schedule_that_means_a_time_is_refused_with_the_callers_own(
    sandbox: Sandbox, name: str, moment: str, echo: str
) -> None:
    answer = use(sandbox, name, {**CALL, "scheduled_at": moment})
    assert answer.status == "error"
    assert f"scheduled_at: leave it out for now, or write {echo} as ISO 8601" in answer.content
    assert not sandbox.dials


def test_variables_that_say_nothing_are_left_out_and_unknown_ones_named(sandbox: Sandbox) -> None:
    nothing = use(sandbox, "revox_make_call", {**CALL, "prompt_variables": "default"})
    assert "prompt_variables was left out" in nothing.content
    other = {**CALL, "phone_number": "+12025550101", "prompt_variables": {"colour": "red"}}
    assert (
        "A value is given for 'colour', but the text does not use it" in use(sandbox, "revox_make_call", other).content
    )
    refused = use(sandbox, "revox_make_call", {**CALL, "prompt_variables": "the colour is red"})
    assert "prompt_variables: leave it out, or write it as a JSON object" in refused.content


@pytest.mark.parametrize("name", ["revox_create_assistant", "revox_update_assistant"])
@pytest.mark.parametrize("provider", [None, "", "default", "openai", "cartesia"])
def test_of_a_voice_that_exists_the_provider_is_found(sandbox: Sandbox, name: str, provider: str | None) -> None:
    voice = a_voice(sandbox)
    arguments = MADE if name == "revox_create_assistant" else {"assistant_id": made(sandbox)}
    answer = use(sandbox, name, {**arguments, "voice_id": voice["id"], "voice_provider": provider})
    assert answer.status == "success", answer.content
    held = answer.artifact["assistant"]["voice"]
    assert (held["id"], held["provider"]) == (voice["id"], voice["provider"])


@pytest.mark.parametrize("name", ["revox_create_assistant", "revox_update_assistant"])
def test_a_provider_alone_is_ignored_with_a_note(sandbox: Sandbox, name: str) -> None:
    arguments = MADE if name == "revox_create_assistant" else {"assistant_id": made(sandbox), "name": "New"}
    answer = use(sandbox, name, {**arguments, "voice_provider": "cartesia"})
    assert answer.status == "success", answer.content
    assert "voice_provider was ignored" in answer.content


@pytest.mark.parametrize("name", ["revox_create_assistant", "revox_update_assistant", "revox_make_call"])
@pytest.mark.parametrize("provider", [None, "cartesia", "default"])
def test_an_unknown_voice_is_named_as_such_with_the_way_on(sandbox: Sandbox, name: str, provider: str | None) -> None:
    arguments = {
        "revox_create_assistant": MADE,
        "revox_update_assistant": {"assistant_id": made(sandbox)},
        "revox_make_call": CALL,
    }[name]
    asked = {**arguments, "voice_id": "1234567890", "voice_provider": provider}
    answer = use(sandbox, name, asked, fields="full")
    assert answer.artifact["code"] == "no_voice"
    way = "Error (no_voice): Send the same call again without voice_id and voice_provider"
    assert answer.content.startswith(way)
    assert "revox_list_voices" in answer.content
    assert not sandbox.dials


def test_where_no_voice_is_refused_an_unknown_one_goes_to_revox(sandbox: Sandbox) -> None:
    policy = DialPolicy(voice_mismatch="off")
    asked = {**MADE, "voice_id": "not-listed", "voice_provider": "cartesia"}
    assert use(sandbox, "revox_create_assistant", asked, policy=policy).artifact.get("code") != "no_voice"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"gender": "femme"}, "unknown_gender", ["Leave gender out, or give one of female, male", "mean 'female'"]),
        ({"accent": "martian", "language": "en"}, "no_voice", ["Leave accent out, or give one of", "american"]),
    ],
)
def test_a_kind_of_voice_that_does_not_exist_is_refused_with_the_choices(
    sandbox: Sandbox, arguments: dict[str, str], code: str, words: list[str]
) -> None:
    answer = use(sandbox, "revox_list_voices", arguments)
    assert (answer.status, answer.artifact["code"]) == ("error", code)
    for word in words:
        assert word in answer.content


def test_a_choice_is_declared_as_text_and_refused_with_what_is_near(sandbox: Sandbox) -> None:
    assert ListVoices.model_json_schema()["properties"]["gender"] == {
        "type": "string",
        "description": "One of female, male, neutral.",
    }
    answer = use(sandbox, "revox_get_call_history", {"statuses": ["complete"]})
    assert "statuses.0: give one of initializing, queued_for_calling" in answer.content
    assert "did you mean 'completed'" in answer.content


@pytest.mark.parametrize("gender", ["female", "Woman", "f"])
def test_a_gender_may_be_written_in_other_ways(sandbox: Sandbox, gender: str) -> None:
    voices = use(sandbox, "revox_list_voices", {"gender": gender}).artifact["voices"]
    assert voices
    assert {voice["gender"] for voice in voices} == {"female"}


@calling
@pytest.mark.parametrize("fault", ["status", "lose_before"])
def test_a_search_that_fails_before_the_dial_says_that_nothing_was_placed(
    sandbox: Sandbox, name: str, fault: Any
) -> None:
    more = {"status": 500} if fault == "status" else {}
    sandbox.faults.add(Fault(fault, on=GetCallHistory, times=None, **more))
    answer = use(sandbox, name, CALL)
    assert answer.status == "error"
    assert "No call was placed." in answer.content
    assert "Send the same call again" in answer.content
    assert not sandbox.dials


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"phone_number": "+1202555"}, "short_number"),
        ({"language": "Klingon"}, "unsupported_language"),
        ({"prompt": "Ok."}, "ambiguous_language"),
        ({"assistant_id": "a1", "prompt": None}, "not_found"),
        ({"repeat_of": "no-such-call"}, "repeat_unknown"),
        ({"colour": "red"}, "invalid"),
    ],
)
def test_a_call_that_was_not_placed_is_a_failure(sandbox: Sandbox, arguments: dict[str, Any], code: str) -> None:
    answer = use(sandbox, "revox_call_and_wait", {**CALL, **arguments})
    assert (answer.status, answer.artifact["code"]) == ("error", code), answer.content
    assert not sandbox.dials


@pytest.mark.parametrize(
    ("name", "arguments", "shown_by"),
    [
        ("revox_get_call", {"call_id": "1"}, "revox_get_call_history"),
        ("revox_get_assistant", {"assistant_id": "1"}, "revox_list_assistants"),
        ("revox_get_campaign", {"campaign_id": "1"}, "revox_list_campaigns"),
    ],
)
def test_an_unknown_id_points_to_the_tool_that_shows_ids(
    sandbox: Sandbox, name: str, arguments: dict[str, str], shown_by: str
) -> None:
    answer = use(sandbox, name, arguments)
    assert answer.content.startswith(f"Error (not_found): Give {next(iter(arguments))} as {shown_by} shows it.")
