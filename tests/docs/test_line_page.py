"""The page on the line is true: its Python runs, and what it names is there."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path
from typing import get_args

import pytest
from langchain_core.messages import AIMessage

from revox_langchain.webhooks import CallerLookup, TalkingModel
from revox_langchain.webhooks.call_tools import CallTools
from revox_langchain.webhooks.line_tool import ONCE, RISK
from revox_langchain.webhooks.once import KEPT_WITHOUT_CALL_S
from revox_langchain.webhooks.said import MOST_CHARACTERS, Outcome
from tests.blocks import FENCE, blocks_of, run
from tests.scripted_model import ScriptedModel, calls

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "line.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_assistant_of_the_page_asks_the_calendar_and_books(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = [block for block in blocks_of(PAGE, "python") if "check_calendar" in block]
    names = run(block)
    said = capsys.readouterr().out
    assert said.startswith("completed")
    assert "are free for" in said
    assert len(names["booked"]) == 1


def test_the_agent_of_the_page_talks_and_hangs_up(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = blocks_of(PAGE, "python", "model")
    script = [
        AIMessage("Hello, this is an AI."),
        calls(("free_slots", {"day": "Tuesday"})),
        lambda messages: AIMessage(f"I can offer {messages[-1].text}."),
        calls(("hang_up", {"goodbye": "Goodbye!"}), start=1),
    ]
    run(block, ScriptedModel(turns=script))
    key, *talk = capsys.readouterr().out.splitlines()
    assert key == "[redacted]"
    spoken = ["Hello, this is an AI.", "I can offer Tuesday at three.", "Goodbye!"]
    assert [line for line in talk if line.startswith("assistant ")] == [f"assistant {words}" for words in spoken]


def test_the_callers_of_the_page_are_greeted_as_who_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = [block for block in blocks_of(PAGE, "python") if "sandbox.receive" in block]
    run(block)
    assert capsys.readouterr().out.splitlines() == [
        "inbound Hello Ada, this is the AI assistant of the shop.",
        "inbound Hello there, this is the AI assistant of the shop.",
    ]


def test_every_python_block_is_run() -> None:
    assert {match["how"] for match in FENCE.finditer(PAGE) if match["language"] == "python"} <= {None, "model"}


def test_its_names_and_figures_are_those_of_the_code() -> None:
    assert all(f"`{outcome}`" in PAGE for outcome in get_args(Outcome))
    assert (f'"{RISK}": "write"' in PAGE, f'"{ONCE}": True' in PAGE) == (True, True)
    assert ("at most 1,000 characters" in PAGE, MOST_CHARACTERS) == (True, 1000)
    assert ("a repeat for two minutes" in PAGE, KEPT_WITHOUT_CALL_S) == (True, 120)
    assert "`timeout_s` (5 s)" in PAGE
    assert (f"`timeout_s` ({signature(CallerLookup).parameters['timeout_s'].default:g} s)") in PAGE
    assert (f"`silence_s` ({signature(TalkingModel).parameters['silence_s'].default:g} s)") in PAGE
    assert (CallTools.__init__.__kwdefaults__ or {})["timeout_s"] == 5


@pytest.mark.slow
def test_the_pages_and_headings_it_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, heading = link.partition("#")
        page = (DOCS / path).read_text(encoding="utf-8") if path else PAGE
        headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, link
