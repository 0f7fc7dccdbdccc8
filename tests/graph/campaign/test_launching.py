"""Launching: once for each contact, never what was not approved, and never around the guard."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain import Budget
from revox_langchain.graph import Pace, campaign_graph
from revox_langchain.operations.assistants import DeleteAssistant, UpdateAssistant
from revox_langchain.operations.campaigns import (
    Contact,
    CreateCampaign,
    DeleteCampaign,
    GetCampaignRows,
    LaunchCampaign,
    PauseCampaign,
)
from revox_langchain.sandbox import Sandbox, Switches

ADA, BO = "+12025550100", "+12025550114"
GIVEN: dict[str, Any] = {
    "contacts": [{"phone": ADA, "language": "en"}, {"phone": BO, "language": "en"}],
    "prompt": "You are an AI assistant. Ask whether Tuesday suits them.",
}
THREAD: Any = {"configurable": {"thread_id": "spring"}}


def graph_of(sandbox: Sandbox, **options: Any) -> Any:
    return campaign_graph(sandbox.connect(), checkpointer=InMemorySaver(), **{"approve": False, **options})


def until(graph: Any, given: Any, kind: str) -> dict[str, Any]:
    """Run the graph up to an event, and stop it there."""
    for event in graph.stream(given, THREAD, stream_mode="custom"):
        if event["type"] == kind:
            return dict(event)
    raise AssertionError(f"there was no {kind}")


def attempts(sandbox: Sandbox) -> dict[str, int]:
    return {order.call["to_phone_number"]: order.call["calls_count"] for order in sandbox.world.book.values()}


def test_a_launch_that_arrives_a_second_time_rings_no_one_again() -> None:
    sandbox = Sandbox()
    graph_of(sandbox).invoke(GIVEN, THREAD)
    rang = attempts(sandbox)
    [late] = [each for each in sandbox.requests if each.url.path.endswith("/launch-calls")]
    assert sandbox(late).json()["launched"] == 0
    sandbox.world.advance(86_400)
    assert attempts(sandbox) == rang


def test_an_assistant_that_is_edited_after_the_creation_is_asked_about_before_the_launch() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    shown = graph.invoke(GIVEN, THREAD)["__interrupt__"][0].value
    until(graph, Command(resume=True), "revox.campaign_created")
    assistant_id = shown["arguments"]["groups"][0]["assistant_id"]
    sandbox.connect().send(UpdateAssistant(assistant_id=assistant_id, prompt="Sell something."))
    again = graph.invoke(None, THREAD)["__interrupt__"][0].value
    assert again["arguments_hash"] != shown["arguments_hash"]
    assert sandbox.counts["revox_launch_campaign"] == 0


@pytest.mark.parametrize("at", ["approve", "launch"])
def test_an_assistant_that_is_deleted_meanwhile_is_a_sentence_and_rings_no_one(at: str) -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    [group] = graph.invoke(GIVEN, THREAD)["__interrupt__"][0].value["arguments"]["groups"]
    going_on: Any = Command(resume=True)
    if at == "launch":
        until(graph, going_on, "revox.campaign_created")
        going_on = None
    sandbox.connect().send(DeleteAssistant(assistant_id=group["assistant_id"]))
    out = graph.invoke(going_on, THREAD)
    assert (out["status"], out["error"]["code"], out["states"]) == ("refused", "not_found", {"ready": 2})
    assert sandbox.rang == 0


@pytest.mark.parametrize("at", ["revox.campaign_created", "revox.campaign_launched"])
def test_a_campaign_that_is_deleted_meanwhile_ends_the_run_with_what_is_known(at: str) -> None:
    sandbox = Sandbox(switches=Switches(organization_limit=0))
    graph = graph_of(sandbox, pace=Pace(max_wait_s=3600, check_s=60))
    campaign_id = until(graph, GIVEN, at)["campaign_id"]
    sandbox.connect().send(DeleteCampaign(campaign_id=campaign_id))
    out = graph.invoke(None, THREAD)
    assert out["error"]["code"] in ("not_found", "campaign_gone")
    assert sum(out["states"].values()) == 2
    assert sandbox.rang == 0


def test_a_formula_in_a_cell_is_said_as_it_stands_and_harmless_in_the_results() -> None:
    sandbox = Sandbox()
    rows = [{"phone": ADA, "language": "en", "name": "=HYPERLINK(1)"}]
    out = graph_of(sandbox).invoke({**GIVEN, "contacts": rows}, THREAD)
    [order] = sandbox.world.book.values()
    assert order.call["prompt_variables"]["name"] == "=HYPERLINK(1)"
    assert "'=HYPERLINK(1)" in out["results_csv"]


def test_a_campaign_of_which_some_were_launched_and_that_was_paused_is_not_launched_further() -> None:
    sandbox = Sandbox()
    connection, graph = sandbox.connect(), graph_of(sandbox)
    campaign_id = until(graph, GIVEN, "revox.campaign_created")["campaign_id"]
    [first, _] = connection.send(GetCampaignRows(campaign_id=campaign_id))["rows"]
    connection.send(LaunchCampaign(campaign_id=campaign_id, row_mode="only", call_ids=[first["call"]["id"]]))
    connection.send(PauseCampaign(campaign_id=campaign_id))
    out = graph.invoke(None, THREAD)
    assert out["campaigns"][0]["held"]["code"] == "campaign_stopped"
    assert sandbox.counts["revox_launch_campaign"] == 1
    assert attempts(sandbox)[BO] == 0


def test_a_search_that_lags_does_not_let_a_launch_past_the_budget() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=5))
    out = graph_of(sandbox, budget=Budget(orders=1)).invoke(GIVEN, THREAD)
    assert out["error"]["code"] == "budget_exceeded"
    assert sandbox.rang == 0


def test_a_search_that_never_shows_the_contacts_launches_no_one() -> None:
    sandbox = Sandbox(switches=Switches(search_lag_s=1e6))
    out = graph_of(sandbox).invoke(GIVEN, THREAD)
    assert (out["status"], out["error"]["code"]) == ("refused", "contacts_unknown")
    assert sandbox.rang == 0


def test_of_two_campaigns_with_one_mark_the_earlier_is_launched_and_the_other_is_cancelled() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox, approve=True)
    shown = graph.invoke(GIVEN, THREAD)["__interrupt__"][0].value
    [group] = shown["arguments"]["groups"]
    contacts = [Contact(to_phone_number=number) for number in (ADA, BO)]
    same = CreateCampaign(assistant_id=group["assistant_id"], name=group["campaign"], contacts=contacts)
    first, second = (sandbox.connect().send(same)["campaign"]["id"] for _ in range(2))
    out = graph.invoke(Command(resume=True), THREAD)
    assert out["campaigns"][0]["campaign_id"] in (first, second)
    assert [each.cancelled for each in sandbox.world.campaigns.values()].count(True) == 1
    assert any("was cancelled; it had launched no one" in each for each in out["warnings"])
    assert sorted(attempts(sandbox)) == [ADA, BO]
    assert sandbox.rang == 2


def test_the_same_input_on_the_same_thread_is_the_same_campaign() -> None:
    sandbox = Sandbox()
    graph = graph_of(sandbox)
    first, second = (graph.invoke(GIVEN, THREAD) for _ in range(2))
    assert second["campaigns"] == first["campaigns"]
    assert (len(sandbox.world.campaigns), sandbox.counts["revox_launch_campaign"], sandbox.rang) == (1, 1, 2)
