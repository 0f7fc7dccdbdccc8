"""`langgraph dev` opens the campaign graph: it asks, is answered, and reports every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.graph.test_studio import Studio, studio

# One server serves them all.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("studio")]

GIVEN: dict[str, Any] = {
    "contacts": [
        {"phone": "+12025550100", "language": "en"},
        {"phone": "+33142685300", "language": "fr"},
        {"phone": "12"},
    ],
    "prompt": "You are an AI assistant. Ask whether Tuesday suits them.",
}


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio campaign")
    with studio(folder / "app", REVOX_CONTACTS_DB=str(folder / "contacts.db")) as running:
        yield running


def wait(running: Studio, thread: str, **options: Any) -> Any:
    return running.client.runs.wait(thread, "campaign", **options)


def test_a_person_approves_and_every_row_is_reported_without_blocking_the_server(sandboxed: Studio) -> None:
    thread = sandboxed.client.threads.create()["thread_id"]
    [asked] = wait(sandboxed, thread, input=GIVEN)["__interrupt__"]
    assert asked["value"]["message"].startswith("Call 2 contacts (1 in en, 1 in fr)?")
    slip = wait(sandboxed, thread, command={"resume": "perhaps"})
    assert "true or false" in slip["__interrupt__"][0]["value"]["warnings"][-1]
    events, last = [], {}
    stream = sandboxed.client.runs.stream(
        thread, "campaign", command={"resume": True}, stream_mode=["custom", "values"]
    )
    for part in stream:
        assert part.event != "error", (part.data, sandboxed.said)
        if part.event == "custom":
            events.append(part.data["type"])
        elif part.event == "values":
            last = dict(part.data)
    assert events[:4] == ["revox.campaign_created"] * 2 + ["revox.campaign_launched"] * 2
    assert (events[-1], last["status"]) == ("revox.campaign_report", "completed")
    assert last["states"] == {"ended": 2, "rejected": 1}
    assert "BlockingError" not in sandboxed.said


def test_a_no_calls_no_one(sandboxed: Studio) -> None:
    thread = sandboxed.client.threads.create()["thread_id"]
    wait(sandboxed, thread, input=GIVEN)
    out = wait(sandboxed, thread, command={"resume": {"decision": "reject", "reason": "not today"}})
    assert (out["status"], out["campaigns"][0]["campaign_id"]) == ("rejected", None)


def test_the_form_explains_every_field_and_the_edges_carry_words(sandboxed: Studio) -> None:
    [assistant] = sandboxed.client.assistants.search(graph_id="campaign")
    schemas = sandboxed.client.assistants.get_schemas(assistant["assistant_id"])
    fields = schemas["input_schema"]["properties"]
    assert [name for name, field in fields.items() if not (field.get("description") and field.get("examples"))] == []
    drawn = sandboxed.client.assistants.get_graph(assistant["assistant_id"])
    assert {edge.get("data") for edge in drawn["edges"]} >= {"by language", "approved", "rejected", "launched", "ended"}
