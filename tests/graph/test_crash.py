"""Whatever dies, there is at most one order: processes are killed at every edge of a step and during requests."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.faults import Fault
from revox_langchain.waiting.policy import WaitPolicy
from tests.graph.crash.harness import CREATE_ASSISTANT, POST_CALL, REQUEST, SEARCH, SPEED, Report, Stage, stage
from tests.graph.crash.table import DEATHS, QUICK, ROWS, Death
from tests.processes import patience_s

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="children are forked"),
    # One warm process serves them all.
    pytest.mark.xdist_group("crash"),
]

APPROVE = "revox.approve_call"
UNKNOWN = "revox.placement_unknown"


@pytest.fixture(scope="module")
def world() -> Iterator[Stage]:
    with stage() as the_stage:
        yield the_stage


@pytest.mark.parametrize(
    "death",
    [pytest.param(death, id=death.name, marks=() if death.name in QUICK else pytest.mark.slow) for death in DEATHS],
)
def test_a_death_never_makes_a_second_order(death: Death, world: Stage, tmp_path: Path) -> None:
    with world.set(tmp_path, search_lag_s=death.lag_s * SPEED):
        world.sandbox.faults.add(*(Fault.from_json(fault) for fault in death.faults))
        common: dict[str, Any] = {"mode": death.mode, "durability": death.durability, "nested": death.nested}
        common["graph"] = {"approve": True} if death.step == "approve" else {}

        die(death, world, common)
        wait_until(lambda: len(world.orders) == death.orders)
        if not death.keeps_state:
            world.lose_state()

        report = go_on(world, common, world.run(**common, resubmit=death.resubmits))
        asked = kind_of(report) == UNKNOWN
        assert death.asks == "either" or asked == (death.asks == "yes")
        assert not asked or len(world.orders) == death.orders, "an unknown outcome dialed by itself"

        answer, patience = death.answer, 8
        while kind_of(report) == UNKNOWN:
            patience -= 1
            assert patience, "the order was never found"
            report = go_on(world, common, world.run(**common, answer=answer))
            if not world.orders:
                answer = "give_up"

        assert len(world.orders) <= ROWS[death.row].at_most
        assert len(world.intents) <= 1
        # What a person approves goes inside the call.
        assert world.assistants == (0 if death.step == "approve" else 1)
        if world.orders:
            assert report.values["status"] == "completed"
            assert report.values["call_id"] == world.orders[0]["id"]
        else:
            assert report.values["status"] == "given_up"


@pytest.mark.slow
def test_of_two_processes_that_dial_at_once_one_order_stays(world: Stage, tmp_path: Path) -> None:
    with world.set(tmp_path, organization_limit=0):
        holds = [world.sandbox.hold(POST_CALL, "before") for _ in range(2)]
        children = []
        for hold in holds:
            children.append(world.start(request=REQUEST))
            hold.wait_for_it()
            world.lose_state()
        for hold in holds:
            hold.release()
        wait_until(lambda: any(order["status"] == "cancelled" for order in world.orders))
        world.let_it_ring()
        reports = [child.wait() for child in children]

        first, second = sorted(world.orders, key=lambda order: (order["created_at"], order["id"]))
        assert len(world.orders) == ROWS["race"].at_most
        assert len(world.intents) == 1
        assert (first["status"], second["status"], second["calls_count"]) == ("completed", "cancelled", 0)
        for report in reports:
            assert report.values["status"] == "completed"
            assert report.values["call_id"] == first["id"]
        warnings = [warning for report in reports for warning in report.values["warnings"]]
        assert any(f"{second['id']} of the same intent was cancelled" in warning for warning in warnings)
        assert not any("could not be cancelled" in warning for warning in warnings)
        assert [report.values["adopted"] for report in reports].count(True) == 1


@pytest.mark.parametrize(("durability", "orders"), [("sync", 2), pytest.param("exit", 1, marks=pytest.mark.slow)])
def test_without_its_state_and_before_the_search_shows_the_order_a_second_one_is_cancelled(
    durability: str, orders: int, world: Stage, tmp_path: Path
) -> None:
    # A search that shows nothing until it is told to: how long the second process takes to look does not matter.
    lag_s = 1e9 if orders > 1 else 0.3 * SPEED
    with world.set(tmp_path, search_lag_s=lag_s, organization_limit=0):
        hold = world.sandbox.hold(POST_CALL, "after")
        child = world.start("invoke", durability, request=REQUEST)
        hold.wait_for_it()
        child.kill()
        hold.release()
        world.lose_state()

        second = world.sandbox.hold(POST_CALL, "after")
        child = world.start("invoke", durability, request=REQUEST)
        if orders > 1:
            second.wait_for_it()
            world.show_everything()
            second.release()
        child.wait_for("before", step="wait")
        world.let_it_ring()
        report = child.wait()

        assert len(world.orders) == orders <= ROWS["state_lost_lag"].at_most
        assert (report.values["status"], report.values["call_id"]) == ("completed", world.orders[0]["id"])
        assert report.values["adopted"]
        for extra in world.orders[1:]:
            assert (extra["status"], extra["calls_count"]) == ("cancelled", 0)
            assert any(f"{extra['id']} of the same intent was cancelled" in w for w in report.values["warnings"])


@pytest.mark.parametrize(
    "durability", ["sync", *(pytest.param(each, marks=pytest.mark.slow) for each in ("async", "exit"))]
)
@pytest.mark.parametrize("acted", [True, False], ids=["acted", "not acted"])
async def test_a_run_cancelled_during_the_post_is_resumed_without_a_second_order(
    acted: bool, durability: str, world: Stage, tmp_path: Path
) -> None:
    # A thread of its own: what this process sent for another one is remembered.
    config = {"configurable": {"thread_id": f"cancelled, acted {acted}, {durability}"}}
    # Files are read on the first call; that would be reported as blocking.
    call_graph(Sandbox().connect()).invoke(REQUEST)
    with world.set(tmp_path), blockbuster_ctx():
        async with Connection("any key", base_url=world.base_url) as connection:
            policy = DialPolicy(settle_s=0.3, min_gap_s=0)
            graph = call_graph(connection, checkpointer=InMemorySaver(), policy=policy, wait=WaitPolicy.every(0.05))
            hold = world.sandbox.hold(POST_CALL, "after" if acted else "before")
            running = asyncio.create_task(graph.ainvoke(REQUEST, config, durability=durability))
            await asyncio.to_thread(hold.wait_for_it)

            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            hold.release(lost=True)
            out = await graph.ainvoke(None, config, durability=durability)

            asks = bool((await graph.aget_state(config)).interrupts)
            assert asks != acted
            assert len(world.orders) == int(acted) <= ROWS["cancelled"].at_most
            if acted:
                assert (out["status"], out["call_id"]) == ("completed", world.orders[0]["id"])


def die(death: Death, world: Stage, common: dict[str, Any]) -> None:
    """Bring a process to the point of its death, and kill it there."""
    job: dict[str, Any] = {}
    if death.answered:
        world.sandbox.faults.add(Fault("lose_before", on="revox_make_call"))
        assert kind_of(world.run(**common)) == UNKNOWN
        job = {"answer": death.answered}
    if (death.moment, death.step) == ("after", "approve"):
        job = {"answer": approval(world.run(**common))}
    if death.step is not None:
        assert world.run(**common, **job, die=[death.moment, death.step]).was_killed
        return
    request = {"post": POST_CALL, "search": SEARCH, "create": CREATE_ASSISTANT}[str(death.held)]
    hold = world.sandbox.hold(request, death.moment, once_placed=death.held == "search")
    child = world.start(**common, **job)
    hold.wait_for_it()
    assert child.kill().was_killed
    hold.release(lost=not death.late)


def go_on(world: Stage, common: dict[str, Any], report: Report) -> Report:
    """Say yes to the call wherever that is asked, and give everything else back."""
    while kind_of(report) == APPROVE:
        report = world.run(**common, answer=approval(report))
    assert report.error is None, report.error["traceback"]
    return report


def approval(report: Report) -> dict[str, Any]:
    assert report.question is not None
    assert report.question["type"] == APPROVE
    return {"decision": "approve", "arguments_hash": report.question["arguments_hash"]}


def kind_of(report: Report) -> str | None:
    return report.question["type"] if report.question else None


def wait_until(true: Any) -> None:
    give_up_s = time.monotonic() + patience_s()
    while not true():
        assert time.monotonic() < give_up_s, "it never came true"
        time.sleep(0.01)
