"""Every fault of the table times every way to run the graph: the outcome is what the table says, and so is the count."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from crash.harness import WISH
from crash.table import DURABILITIES, FAULTS, MODES, ROWS, Fault
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox import faults as sandbox_faults
from revox_langchain.waiting import WaitPolicy

WAIT = WaitPolicy.every(20.0)


@pytest.fixture
def blockbuster() -> Iterator[BlockBuster]:
    with blockbuster_ctx() as detector:
        yield detector


class Ambush(Sandbox):
    """A sandbox in which more goes wrong once a `POST /call` has arrived."""

    later: tuple[dict[str, Any], ...] = ()

    def answer(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        if self.later and request.url.path == "/api/call":
            self.faults.add(*(sandbox_faults.Fault.from_json(fault) for fault in self.later))
            self.later = ()
        return super().answer(request)


class Runner:
    """Runs one thread of a graph one way, and gives back its output or its question."""

    def __init__(self, graph: Any, mode: str, durability: str) -> None:
        self._graph, self._mode = graph, mode
        self._config = {"configurable": {"thread_id": "one"}}
        self._options = {"durability": durability}

    def __call__(self, given: Any) -> dict[str, Any]:
        if self._mode == "ainvoke":
            return asyncio.run(self._graph.ainvoke(given, self._config, **self._options))
        return self._graph.invoke(given, self._config, **self._options)

    @property
    def asks(self) -> bool:
        return bool(self._graph.get_state(self._config).interrupts)


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.row}: {fault.name}")
def test_a_fault_ends_as_the_table_says(fault: Fault, mode: str, durability: str, blockbuster: BlockBuster) -> None:
    sandbox = Ambush()
    sandbox.switches = sandbox.switches.changed(fault.switches)
    sandbox.faults.add(*(sandbox_faults.Fault.from_json(each) for each in fault.faults))
    sandbox.later = fault.later
    run = Runner(call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT), mode, durability)
    ends = (fault.ends_unsaved if durability == "exit" else None) or fault.ends

    if ends == "raises":
        with pytest.raises(RuntimeError) as raised:
            run(WISH)
        assert raised.value.kind == "unavailable"
        assert len(sandbox.dials) == fault.orders
        sandbox.faults.clear()
        assert run(None if durability != "exit" else WISH)["status"] == "completed"
    else:
        out = run(WISH)
        assert len(sandbox.dials) == fault.orders
        if ends == "asks":
            assert run.asks
            sandbox.faults.clear()
            if fault.orders:
                out = answered(run, "look_again")
                assert out["adopted"]
            else:
                answered(run, "look_again")
                assert run.asks
                assert not sandbox.dials
                out = answered(run, "dial")
            assert out["status"] == "completed"
        else:
            assert out["status"] == ends
            assert out["adopted"] == fault.adopted
            assert (out["error"] is not None) == (ends == "refused")
        if fault.code and out["error"]:
            assert out["error"]["code"] == fault.code
        if fault.warns:
            assert any(fault.warns in warning for warning in out["warnings"])
        if out["status"] == "completed":
            assert out["call_id"] == sandbox.dials[0]["id"]

    assert len(sandbox.dials) <= ROWS[fault.row].at_most


def answered(run: Runner, decision: str) -> dict[str, Any]:
    """Answer the question until the graph has something else to say; a lagging search needs a few looks."""
    for _ in range(4):
        out = run(Command(resume=decision))
        if not run.asks:
            break
    return out
