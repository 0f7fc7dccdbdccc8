"""The examples run as they stand, without a key, and do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def said_by(example: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    runpy.run_path(str(EXAMPLES / example), run_name="__main__")
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_a_front_desk_knows_who_has_called_before(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other, *threads = said_by("inbound_graph.py", capsys)
    assert "Hello!" in first
    assert "Welcome back!" in again
    assert "Hello!" in other
    assert threads == ["+33142685300: 2 calls", "+12025550100: 1 calls"]


def test_an_agent_talks_on_a_call_looks_something_up_and_hangs_up(capsys: pytest.CaptureFixture[str]) -> None:
    *talk, end, thread = said_by("agent_on_the_line.py", capsys)
    spoken = [line.partition(": ")[2] for line in talk if line.lstrip().startswith("assistant")]
    assert spoken == [
        "Hello, this is an AI assistant. You asked for an appointment?",
        "Let me look. I can offer Tuesday at three. Does that suit you?",
        "See you on Tuesday at three. Goodbye!",
    ]
    assert end == "completed - the key is shown as [redacted]"
    assert "Tuesday at three" in thread


@pytest.mark.slow
def test_a_table_is_booked_once_though_an_answer_is_lost_and_the_desk_is_killed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    killed, reported, checked, booked, counted = said_by("booking.py", capsys)
    assert "lost once" in killed
    assert reported == "The call is completed; booked is 2030-01-12T19:30:00Z."
    assert checked.startswith("check_calendar: ")
    assert "Booked: 2030-01-12T19:30:00Z." in booked
    assert counted == "Orders: 1. Bookings: 1."


def test_a_graph_of_ones_own_has_the_call_as_a_node_and_the_question_is_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked, kept, counted = said_by("call_in_a_graph.py", capsys)
    assert asked.startswith("Call +12025550100?")
    assert kept == "visit-4711: confirmed"
    assert counted == "Orders: 1"


@pytest.mark.slow
def test_a_supervisors_worker_calls_once_a_person_has_said_yes(capsys: pytest.CaptureFixture[str]) -> None:
    asked, told, counted = said_by("supervisor.py", capsys)
    assert asked.startswith("Call +12025550100?")
    assert "is completed; disposition: answered" in told
    assert counted == "Orders: 1, for: Ask whether Tuesday at 3 pm suits them."


def test_a_workflow_of_the_functional_api_calls_nobody_twice(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, counted = said_by("functional.py", capsys)
    assert first == "first: +12025550100 after ['not_reached', 'not_interested', 'completed']"
    assert again.removeprefix("again") == first.removeprefix("first")
    assert counted == "Orders: 3"


@pytest.mark.slow
def test_contacts_of_three_languages_are_called_once_and_each_row_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked, ended, *rows, counted = said_by("campaign.py", capsys)
    assert asked.startswith("Call 4 contacts (2 in en, 1 in fr, 1 in de)?")
    assert ended.startswith("completed: {'contacts': 4, 'ended': 4")
    assert rows == ["Ada: completed", "Zoé: completed", "Jan: completed", "Bo: not_interested", "Léa: short_number"]
    assert counted == "Campaigns: 3. Phones that rang: 4."


@pytest.mark.slow
def test_another_projects_server_opens_the_graphs_of_its_package(capsys: pytest.CaptureFixture[str]) -> None:
    asked, ended, talked = said_by("own_server.py", capsys)
    assert asked.startswith("Call +33142685300?")
    assert ended == "completed in fr-FR, answered"
    assert "demonstration model" in talked


@pytest.mark.slow
def test_every_example_is_run_here() -> None:
    run = Path(__file__).read_text(encoding="utf-8")
    assert [each.name for each in EXAMPLES.glob("*.py") if f'said_by("{each.name}"' not in run] == []
