"""A large campaign costs in proportion to its contacts: the work is counted, since time depends on the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from revox_langchain.operations import GetCallHistory
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.sandbox import BASE_URL

NO_FILTERS: dict[str, Any] = {key: [] for key in ("assignee_ids", "directions", "outcomes", "results", "statuses")}


def ask(sandbox: Sandbox, path: str, body: Any) -> Any:
    headers = {"authorization": "Bearer k"}
    answer = sandbox(httpx.Request("POST", f"{BASE_URL}{path}", headers=headers, json=body))
    assert answer.status_code == 200, answer.text
    return answer.json()


def campaign_of(sandbox: Sandbox, contacts: int) -> str:
    assistant = ask(sandbox, "/assistants", {"name": "A", "prompt": "P"})["assistant"]["id"]
    numbers = [f"+1202555{number:04}" for number in range(contacts)]
    rows = [{"to_phone_number": number, "prompt_variables": {"first_name": "Zoé"}} for number in numbers]
    return str(ask(sandbox, "/campaigns", {"assistant_id": assistant, "name": "C", "contacts": rows})["campaign"]["id"])


def launch(sandbox: Sandbox, campaign_id: str, call_ids: list[str] | None = None) -> int:
    rows = {"mode": "all_except" if call_ids is None else "only", "call_ids": call_ids or []}
    body = {"mode": "ai_first", "selection": {"filters": NO_FILTERS, "rows": rows}}
    return int(ask(sandbox, f"/campaigns/{campaign_id}/launch-calls", body)["launched"])


def steps(act: Callable[[], object]) -> int:
    """How many functions are called meanwhile."""
    count = 0

    def seen(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("which", ["all", "named"])
def test_ten_times_the_contacts_are_ten_times_the_work(which: str) -> None:
    def life(contacts: int) -> int:
        sandbox = Sandbox()

        def act() -> None:
            campaign_id = campaign_of(sandbox, contacts)
            assert launch(sandbox, campaign_id, list(sandbox.world.orders) if which == "named" else None) == contacts
            sandbox.world.advance(30)

        return steps(act)

    life(5)
    few, many = life(50), life(500)
    assert many < 12 * few


@pytest.mark.slow
def test_ten_thousand_contacts_are_created_and_launched_in_few_steps_each() -> None:
    sandbox, made = Sandbox(), []
    created = steps(lambda: made.append(campaign_of(sandbox, 10_000)))
    launched = steps(lambda: launch(sandbox, made[0]))
    assert len(sandbox.world.orders) == 10_000
    assert created < 10_000 * 200
    assert launched < 10_000 * 60


@pytest.mark.slow
def test_a_search_by_number_looks_at_no_other_order() -> None:
    sandbox = Sandbox()
    campaign_of(sandbox, 3000)
    wire = GetCallHistory(to_phone_number="+12025550007").wire()

    def search() -> None:
        found = ask(sandbox, "/call/search", wire.body)
        assert [call["to_phone_number"] for call in found["calls"]] == ["+12025550007"]

    search()
    assert steps(search) < 3000
