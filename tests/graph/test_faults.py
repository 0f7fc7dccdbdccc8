"""Every fault of the table times every way to run the graph ends as the table says, with as many orders."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy

from revox_langchain import flow
from revox_langchain.dialing.placing import recover
from revox_langchain.errors import PlacementUnknown, Unavailable
from revox_langchain.graph import call_graph, create_call_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox import faults as sandbox_faults
from revox_langchain.waiting.policy import WaitPolicy
from tests.graph.crash.harness import REQUEST
from tests.graph.crash.table import DEATHS, DURABILITIES, FAULTS, MODES, ROWS, WRONG, Fault

WAIT = WaitPolicy.every(20.0)
LOST = {"kind": "lose_after", "on": "revox_make_call"}
NOT_ACTED = {"kind": "lose_before", "on": "revox_make_call"}


def strike(fault: dict[str, Any]) -> sandbox_faults.Fault:
    return sandbox_faults.Fault.from_json(fault)


@pytest.fixture
def sandbox(blockbuster: BlockBuster) -> Sandbox:
    return Sandbox()


@pytest.fixture(scope="module")
def warm() -> None:
    """Read the files that the first call reads, which would be reported as blocking."""
    call_graph(Sandbox().connect()).invoke(REQUEST)


@pytest.fixture
def blockbuster(warm: None) -> Iterator[BlockBuster]:
    with blockbuster_ctx() as detector:
        yield detector


class Ambush(Sandbox):
    """A sandbox in which more goes wrong once a `POST /call` has arrived."""

    later: tuple[dict[str, Any], ...] = ()

    def answer(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        if self.later and request.url.path == "/api/call":
            self.faults.add(*(strike(fault) for fault in self.later))
            self.later = ()
        return super().answer(request)


class Runner:
    """Runs one thread of a graph one way, and gives back its output or its question."""

    def __init__(self, graph: Any, mode: str, durability: str | None = "sync", config: Any = None) -> None:
        self._graph, self._mode = graph, mode
        self.config = config or {"configurable": {"thread_id": "one"}}
        self._options = {"durability": durability} if durability else {}

    def __call__(self, given: Any) -> dict[str, Any]:
        if self._mode == "ainvoke":
            return asyncio.run(self._graph.ainvoke(given, self.config, **self._options))
        return self._graph.invoke(given, self.config, **self._options)

    @property
    def asks(self) -> bool:
        return bool(self._graph.get_state(self.config).interrupts)


def ways() -> Iterator[Any]:
    """Every fault times every way; each fault is tried one way every time, and all ways by `make test-all`."""
    quick = [(mode, durability) for durability in ("sync", "async") for mode in MODES]
    for number, fault in enumerate(FAULTS):
        for mode, durability in product(MODES, DURABILITIES):
            marks = () if (mode, durability) == quick[number % len(quick)] else pytest.mark.slow
            yield pytest.param(
                fault, mode, durability, id=f"{fault.row}, {fault.name}, {mode}, {durability}", marks=marks
            )


@pytest.mark.a_few(every=7)
@pytest.mark.parametrize(("fault", "mode", "durability"), list(ways()))
def test_a_fault_ends_as_the_table_says(fault: Fault, mode: str, durability: str, blockbuster: BlockBuster) -> None:
    sandbox = Ambush()
    sandbox.switches = sandbox.switches.changed(fault.switches)
    sandbox.faults.add(*(strike(each) for each in fault.faults))
    sandbox.later = fault.later
    run = Runner(call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT), mode, durability)
    ends = (fault.ends_unsaved if durability == "exit" else None) or fault.ends

    if ends == "raises":
        with pytest.raises(Unavailable):
            run(REQUEST)
        assert len(sandbox.dials) == fault.orders
        sandbox.faults.clear()
        out = run(None)
    else:
        out = run(REQUEST)
        assert run.asks == (ends == "asks")
        assert len(sandbox.dials) == fault.orders
    if ends == "asks":
        sandbox.faults.clear()
        out = run(Command(resume="look_again"))
        if fault.orders:
            for _ in range(3):
                out = run(Command(resume="look_again")) if run.asks else out
            assert out["adopted"]
        else:
            assert run.asks
            assert not sandbox.dials
            out = run(Command(resume="dial"))

    assert out["status"] == ("refused" if ends == "refused" else "completed")
    assert (out["error"] is not None) == (ends == "refused")
    assert len(sandbox.dials) == (0 if ends == "refused" else 1) <= max(1, ROWS[fault.row].at_most)
    if ends in ("completed", "refused"):
        assert out["adopted"] == fault.adopted
    if fault.code:
        assert (out["error"] or {"code": "placement_unknown"})["code"] == fault.code
    if fault.warns:
        assert any(fault.warns in warning for warning in out["warnings"])
    if out["status"] == "completed":
        assert out["call_id"] == sandbox.dials[0]["id"]


@pytest.mark.a_few(every=4)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_wrong_answer_never_dials_and_leaves_the_question_open(wrong: Any, mode: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(strike(NOT_ACTED))
    run = Runner(call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT), mode)
    run(REQUEST)
    assert run.asks

    # Some raise what the validation says, some ask again, and `None` is an error of langgraph's own.
    with suppress(Exception):
        run(Command(resume=wrong))

    assert run.asks
    assert len(sandbox.dials) == ROWS["wrong_answer"].at_most
    assert run(Command(resume={"decision": "give_up"}))["status"] == "given_up"
    assert not sandbox.dials


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
def test_without_a_checkpointer_the_unknown_is_raised_with_what_it_takes_to_look(
    fault: str, mode: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(strike({"kind": fault, "on": "revox_make_call"}))
    sandbox.switches = sandbox.switches.changed({"search_lag_s": 60})
    run = Runner(call_graph(sandbox.connect(), wait=WAIT), mode, None)

    with pytest.raises(PlacementUnknown) as raised:
        run(REQUEST)

    sandbox.world.advance(60)
    placed = flow.run(recover(raised.value.intent_id, raised.value.phone_number), sandbox.connect())
    assert raised.value.phone_number == REQUEST["phone_number"]
    assert (placed.call_id if placed else None) == (sandbox.dials[0]["id"] if sandbox.dials else None)
    assert len(sandbox.dials) == (1 if fault == "lose_after" else 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("saver", [True, False], ids=["saved", "unsaved"])
@pytest.mark.parametrize("losses", [1, None])
def test_the_opt_in_dials_once_more_and_never_a_third_time(
    losses: int | None, saver: bool, mode: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(strike({**LOST, "times": losses}))
    sandbox.switches = sandbox.switches.changed({"search_lag_s": 1e6})
    checkpointer = InMemorySaver() if saver else None
    graph = call_graph(sandbox.connect(), checkpointer=checkpointer, wait=WAIT, on_unknown="dial")
    run = Runner(graph, mode, "sync" if saver else None)

    with suppress(PlacementUnknown):
        run(REQUEST)

    assert len(sandbox.dials) == ROWS["opt_in"].at_most
    if saver and losses is None:
        assert run.asks


@pytest.mark.a_few(every=3)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lag_s", [0, 60])
@pytest.mark.parametrize("saver", [True, False], ids=["saved", "unsaved"])
@pytest.mark.parametrize("policy", [RetryPolicy(), RetryPolicy(retry_on=Exception)], ids=["default", "everything"])
def test_a_retry_policy_in_a_graph_of_ones_own_never_makes_a_second_order(
    policy: RetryPolicy, saver: bool, lag_s: float, mode: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(strike(LOST))
    sandbox.switches = sandbox.switches.changed({"search_lag_s": lag_s})
    graph = create_call_graph(sandbox.connect(), wait=WAIT)
    graph.set_node_defaults(retry_policy=policy._replace(initial_interval=0.001, jitter=False))
    run = Runner(graph.compile(checkpointer=InMemorySaver() if saver else None), mode, "sync" if saver else None)

    with suppress(PlacementUnknown):
        run(REQUEST)

    assert len(sandbox.dials) == ROWS["retry_policy"].at_most


@pytest.mark.parametrize("mode", MODES)
def test_a_retry_policy_around_the_graph_as_a_step_never_makes_a_second_order(mode: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(strike(LOST))
    outer: StateGraph[Any] = StateGraph(dict)
    inner = call_graph(sandbox.connect(), wait=WAIT)
    policy = RetryPolicy(initial_interval=0.001, retry_on=Exception)
    step = RunnableLambda(lambda _: inner.invoke(REQUEST), lambda _: inner.ainvoke(REQUEST))
    outer.add_node("call", step, retry_policy=policy)
    outer.add_edge(START, "call")
    outer.add_edge("call", END)

    Runner(outer.compile(checkpointer=InMemorySaver()), mode)({})

    assert len(sandbox.dials) == ROWS["retry_policy"].at_most


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("durability", ["sync", "async", pytest.param("exit", marks=pytest.mark.slow)])
def test_the_same_input_twice_is_one_order(durability: str, mode: str, sandbox: Sandbox) -> None:
    run = Runner(call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT), mode, durability)

    first, second = run(REQUEST), run(REQUEST)

    assert (first["adopted"], second["adopted"]) == (False, True)
    assert first["call_id"] == second["call_id"]
    assert len(sandbox.dials) == ROWS["twice"].at_most


@pytest.mark.parametrize("savers", [1, 3], ids=["one saver", "a saver each"])
def test_three_submissions_at_once_are_one_order(savers: int, sandbox: Sandbox) -> None:
    connection = sandbox.connect()
    graphs = [call_graph(connection, checkpointer=InMemorySaver(), wait=WAIT) for _ in range(savers)]

    outs = at_once(3, lambda number: Runner(graphs[number % savers], "invoke")(REQUEST))

    assert len({out["call_id"] for out in outs}) == 1
    assert len(sandbox.dials) == ROWS["thrice"].at_most


@pytest.mark.parametrize("lag_s", [0, 5])
def test_three_answers_at_once_permit_one_order(lag_s: float, sandbox: Sandbox) -> None:
    sandbox.faults.add(strike(NOT_ACTED))
    sandbox.switches = sandbox.switches.changed({"search_lag_s": lag_s})
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT)
    run = Runner(graph, "invoke")
    run(REQUEST)
    assert run.asks

    outs = at_once(3, lambda _: run(Command(resume="dial")))

    assert {out["call_id"] for out in outs} == {sandbox.dials[0]["id"]}
    assert len(sandbox.dials) == ROWS["thrice"].at_most


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_fork_from_any_earlier_checkpoint_follows_the_same_order(mode: str, sandbox: Sandbox) -> None:
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT)
    run = Runner(graph, mode)
    run(REQUEST)
    earlier = [state for state in graph.get_state_history(run.config) if state.next]
    assert {step for state in earlier for step in state.next} >= {"prepare", "arm", "place_call", "wait"}

    for state in earlier:
        forked = Runner(graph, mode, config=state.config)(None)
        assert forked["status"] == "completed", state.next
        assert forked["call_id"] == sandbox.dials[0]["id"]

    edited = graph.update_state(run.config, {"token": "made up"}, as_node="arm")
    assert Runner(graph, mode, config=edited)(None)["call_id"] == sandbox.dials[0]["id"]
    assert len(sandbox.dials) == ROWS["fork"].at_most


def test_a_state_written_by_another_process_asks_instead_of_dialing(sandbox: Sandbox) -> None:
    graph = call_graph(sandbox.connect(), checkpointer=InMemorySaver(), wait=WAIT)
    run = Runner(graph, "invoke")
    sandbox.faults.add(strike(NOT_ACTED))
    run(REQUEST)

    edited = graph.update_state(run.config, {"token": "made up"}, as_node="arm")
    Runner(graph, "invoke", config=edited)(None)

    assert run.asks
    assert not sandbox.dials


def test_every_line_of_the_table_is_made_to_happen() -> None:
    from tests.graph import test_crash, test_studio_crash

    shown = {fault.row for fault in FAULTS} | {death.row for death in DEATHS}
    sources = [Path(module.__file__ or "").read_text() for module in (test_crash, test_studio_crash)]
    sources.append(Path(__file__).read_text())
    shown |= {row for row in ROWS if any(f'ROWS["{row}"]' in source for source in sources)}

    assert shown == set(ROWS)


def at_once(count: int, work: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Run `work` in several threads that start together."""
    start = threading.Barrier(count)

    def one(number: int) -> dict[str, Any]:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_checkpoint_read_that_fails_before_the_dial_asks_nothing_and_the_next_run_dials() -> None:
    class Fails(InMemorySaver):
        failing = True

        def get_tuple(self, config: Any) -> Any:
            if self.failing and config["configurable"].get("checkpoint_id") and sandbox.counts["revox_list_voices"]:
                type(self).failing = False
                raise OSError("the disk is gone")
            return super().get_tuple(config)

    sandbox = Sandbox()
    graph = call_graph(sandbox.connect(), checkpointer=Fails())
    config: Any = {"configurable": {"thread_id": "t"}}
    given = {"phone_number": "+12025550100", "prompt": "Say hello, I am an AI.", "language": "en"}
    with pytest.raises(OSError, match="disk"):
        graph.invoke(given, config)
    assert not sandbox.dials
    assert graph.invoke(None, config)["status"] == "completed"
    assert len(sandbox.dials) == 1


@pytest.mark.slow
async def test_a_checkpoint_read_that_is_cancelled_before_the_dial_asks_nothing_and_the_next_run_dials() -> None:
    reached = asyncio.Event()

    class Hangs(InMemorySaver):
        hanging = True

        async def aget_tuple(self, config: Any) -> Any:
            if self.hanging and config["configurable"].get("checkpoint_id") and sandbox.counts["revox_list_voices"]:
                reached.set()
                await asyncio.Event().wait()
            return await super().aget_tuple(config)

    sandbox, saver = Sandbox(), Hangs()
    graph = call_graph(sandbox.connect(), checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "t"}}
    given = {"phone_number": "+12025550100", "prompt": "Say hello, I am an AI.", "language": "en"}
    running = asyncio.create_task(graph.ainvoke(given, config))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not sandbox.dials
    saver.hanging = False
    assert (await graph.ainvoke(None, config))["status"] == "completed"
    assert len(sandbox.dials) == 1
