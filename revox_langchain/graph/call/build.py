"""Put the steps together: one graph that places one call and watches it until it has ended."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal, TypedDict, Unpack, cast

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import get_runtime
from langgraph.types import Command, interrupt

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.placing import Earlier
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, PlacementUnknown, RevoxToolError, near
from revox_langchain.flow import Emit, Flow, arun, run
from revox_langchain.graph.call import nodes
from revox_langchain.graph.call.nodes import GOTO, Settings, Update
from revox_langchain.graph.call.state import Approval, CallInput, CallOutput, CallState, UnknownAnswer
from revox_langchain.operations.calls import CancelCall
from revox_langchain.waiting.policy import WaitPolicy

_MOST_TOKENS = 10_000
_FRESH: OrderedDict[str, None] = OrderedDict()
_FRESH_LOCK = threading.Lock()
_LOOKS_FOR_CHECKPOINT = 9
RECURSION_LIMIT = 10_000
"""One superstep per slice of waiting: 10,000 slices of 5 minutes are a month."""


class CallGraphOptions(TypedDict, total=False):
    """What `create_call_graph` takes besides the connection."""

    policy: DialPolicy | None
    budget: Budget | None
    wait: WaitPolicy | None
    approve: bool
    on_unknown: Literal["ask", "dial", "report"]
    inline: bool
    cancel_call_on_abort: bool


def create_call_graph(
    connection: Connection | None = None,
    *,
    policy: DialPolicy | None = None,
    budget: Budget | None = None,
    wait: WaitPolicy | None = None,
    approve: bool = False,
    on_unknown: Literal["ask", "dial", "report"] = "ask",
    inline: bool = False,
    cancel_call_on_abort: bool = False,
) -> StateGraph[Any, Any, Any, Any]:
    """Build the graph that places one call and watches it until it has ended.

    Args:
        connection: The account; left out, `REVOX_API_KEY` if it is set, else a sandbox that rings nobody.
        policy: What may be dialed.
        budget: How much may be dialed.
        wait: How patiently to wait.
        approve: Ask a person before the dial; needs a checkpointer.
        on_unknown: What to do when it is not known whether a call was placed. `ask` a person (without a checkpointer:
            raise `PlacementUnknown`), `dial` once more at the risk of ringing twice, or `report` status `unknown`.
        inline: Send the assistant inside the call instead of keeping one in the account; best for one-off prompts.
        cancel_call_on_abort: Cancel the call when the run is cancelled: an async run by its task, `invoke` by Ctrl-C.
            (A sync `stream` works in another thread, which Ctrl-C does not reach.) Otherwise the call goes on.

    Returns:
        The uncompiled graph; `.compile(checkpointer=...)` makes it survive a restart. Give each wish its own
        `thread_id` (or an `intent`): without either every invocation is a new wish.
    """
    connection = connection or default_connection()
    settings = Settings(Guard(policy, budget), wait or WaitPolicy(), inline, approve, on_unknown)
    steps = _Steps(connection, settings, cancel_call_on_abort)
    graph = _assemble(steps)
    # Its own compiled copy lets a step look whether its checkpoint is on disk.
    steps.twin = _assemble(steps).compile()
    return graph


def call_graph(
    connection: Connection | None = None,
    *,
    checkpointer: Any = None,
    name: str = "Revox call",
    **options: Unpack[CallGraphOptions],
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the call graph.

    Args:
        connection: As for `create_call_graph`.
        checkpointer: What keeps the state; with one, runs survive a restart.
        name: Name of the graph.
        options: As for `create_call_graph`.
    """
    compiled = create_call_graph(connection, **options).compile(checkpointer=checkpointer, name=name)
    return compiled.with_config(recursion_limit=RECURSION_LIMIT)


def default_connection() -> Connection:
    """The account of `REVOX_API_KEY` if it is set, else a new sandbox in this process."""
    import os

    if os.environ.get("REVOX_API_KEY"):
        return Connection.from_env()
    from revox_langchain.sandbox import Sandbox

    return Sandbox().connect()


class _Steps:
    """The graph's steps bound to a connection, each for sync and async runs."""

    def __init__(self, connection: Connection, settings: Settings, cancel_call_on_abort: bool) -> None:
        self.connection = connection
        self.settings = settings
        self.cancel_call_on_abort = cancel_call_on_abort
        self.twin: CompiledStateGraph[Any, Any, Any, Any] | None = None

    def node(self, name: str, flow: Callable[[Any, Settings, str | None], Flow[Update]]) -> RunnableLambda[Any, Any]:
        """Make a flow a node."""

        def call(state: Any, config: RunnableConfig) -> Any:
            with self._unless_aborted(state):
                return _command(self._run(flow(state, self.settings, _thread(config))))

        async def acall(state: Any, config: RunnableConfig) -> Any:
            try:
                return _command(await self._arun(flow(state, self.settings, _thread(config))))
            except asyncio.CancelledError:
                await self._acancel(state)
                raise

        return RunnableLambda(call, acall, name=name)

    def place_node(self) -> RunnableLambda[Any, Any]:
        """The dial: it first learns whether this is a first execution."""

        def call(state: Any, config: RunnableConfig) -> Any:
            looks = _Looks(state, config)
            while looks.go_on:
                try:
                    looks.see(_twin(self).get_state(looks.where).values)
                except (ValueError, KeyError):
                    looks.no_saver()
                time.sleep(looks.pause_s)
            placed: list[str] = []
            with _kept_fresh(looks.token), self._unless_aborted(state, placed):
                return _command(self._run(nodes.place_call(state, self.settings, **looks.conclusion()), placed))

        async def acall(state: Any, config: RunnableConfig) -> Any:
            looks = _Looks(state, config)
            while looks.go_on:
                try:
                    looks.see((await _twin(self).aget_state(looks.where)).values)
                except (ValueError, KeyError):
                    looks.no_saver()
                await asyncio.sleep(looks.pause_s)
            placed: list[str] = []
            with _kept_fresh(looks.token):
                try:
                    flow = nodes.place_call(state, self.settings, **looks.conclusion())
                    return _command(await self._arun(flow, placed))
                except asyncio.CancelledError:
                    await self._acancel(state, placed)
                    raise

        return RunnableLambda(call, acall, name="place_call")

    def approve(self, state: CallState) -> Command[str]:
        """Ask a person; the answer counts only for the arguments that were shown."""
        if state.get("approved"):
            return Command(goto="arm")
        question = nodes.question(state)
        answer = interrupt(question, response_schema=Approval)
        if answer.arguments_hash != question["arguments_hash"]:
            return Command(goto="approve")
        if answer.decision == "approve":
            return Command(update={"approved": True}, goto="arm")
        if answer.decision == "edit":
            given = {name: value for name, value in state["wish"].items() if name in CallInput.model_fields}
            return Command(update={"edited": {**given, **(answer.edits or {})}}, goto="revise")
        error = RevoxToolError(
            f"The call was rejected{f': {answer.reason}' if answer.reason else '.'}",
            code="rejected",
            next_step="Do not place it again unless the person asks for it.",
        )
        return Command(update={"error": error.as_dict()}, goto="report")

    def ask(self, state: CallState) -> Command[str]:
        """Ask what to do about a call that may have been placed. Holds the question and nothing else."""
        answer = interrupt(nodes.unknown_question(state), response_schema=UnknownAnswer)
        if answer.decision == "look_again":
            return Command(update={"mode": "look"}, goto="place_call")
        if answer.decision == "dial":
            return Command(update={"mode": None}, goto="arm")
        error = {**(state.get("error") or {}), "code": "given_up"}
        return Command(update={"error": error}, goto="report")

    def _run(self, flow: Flow[Update], placed: list[str] | None = None) -> Update:
        return run(flow, self.connection, emit=_noting(get_stream_writer(), placed), stop=_drain)

    async def _arun(self, flow: Flow[Update], placed: list[str] | None = None) -> Update:
        return await arun(flow, self.connection, emit=_noting(get_stream_writer(), placed), stop=_drain)

    @contextmanager
    def _unless_aborted(self, state: Any, placed: Sequence[str] = ()) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            call_id = self._to_cancel(state, placed)
            if call_id is not None:
                # What cannot be cancelled goes on; that the run was stopped stays true.
                with suppress(RevoxToolError):
                    self.connection.send(CancelCall(call_id=call_id))
            raise

    async def _acancel(self, state: Any, placed: Sequence[str] = ()) -> None:
        call_id = self._to_cancel(state, placed)
        if call_id is not None:
            with suppress(RevoxToolError):
                await asyncio.shield(self.connection.asend(CancelCall(call_id=call_id)))

    def _to_cancel(self, state: Any, placed: Sequence[str]) -> str | None:
        call_id = placed[-1] if placed else state.get("call_id") if isinstance(state, dict) else None
        return str(call_id) if self.cancel_call_on_abort and call_id else None


class _Looks:
    """Whether the checkpoint written by `arm` is on disk: only then a crash from here on will be noticed.

    Durability is the caller's choice and not told to a node; a saver may also be slow (measured: one look under
    `sync`, two under `async`, never under `exit`).
    """

    def __init__(self, state: CallState, config: RunnableConfig) -> None:
        self.state = state
        self.token = str(state.get("token"))
        self.fresh = _take_fresh(self.token)
        self.on_disk = False
        self.has_saver = True
        self.looks = 0
        namespace = str(config["configurable"].get("checkpoint_ns") or "")
        # A node sees its own task as the last part of the namespace; the graph's checkpoint is one level up.
        outer = namespace.rpartition("|")[0]
        info = get_runtime().execution_info
        checkpoint_id = info.checkpoint_id if info is not None else None
        self.where = cast(
            "RunnableConfig",
            {"configurable": {**config["configurable"], "checkpoint_ns": outer, "checkpoint_id": checkpoint_id}},
        )

    @property
    def go_on(self) -> bool:
        """Whether to look (again)."""
        return not self.on_disk and self.has_saver and self.looks < _LOOKS_FOR_CHECKPOINT

    @property
    def pause_s(self) -> float:
        """Seconds on the wall before the next look: the saver writes in real time, whatever clock Revox keeps."""
        return 0.001 * 2**self.looks if self.go_on else 0.0

    def see(self, values: Any) -> None:
        """Take note of the checkpoint's values."""
        self.looks += 1
        self.on_disk = bool(values) and values.get("token") == self.token

    def no_saver(self) -> None:
        """Take note that there is no checkpointer."""
        self.has_saver = False

    def conclusion(self) -> dict[str, Any]:
        """How to place: what to believe of the first look, and whether a dial is allowed at all."""
        durable_intent = bool((self.state.get("intent_mark") or {}).get("durable"))
        return {"earlier": self._earlier(durable_intent), "can_ask": self.has_saver}

    def _earlier(self, durable_intent: bool) -> Earlier:
        if self.state.get("mode") == "look":
            return Earlier.POSSIBLE
        if not durable_intent or (self.fresh and self.on_disk and not self.state.get("rearmed")):
            return Earlier.NONE
        # Not armed by this execution: an earlier one may have dialed. Armed by it, but for an intent that this thread
        # had armed before, or not written down: only the search can tell.
        return Earlier.DECIDED if self.fresh else Earlier.POSSIBLE


def _assemble(steps: _Steps) -> StateGraph[Any, Any, Any, Any]:
    approving = steps.settings.approve
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(CallState, input_schema=CallInput, output_schema=CallOutput)
    add = graph.add_node
    checked = {"choose_voice": "may be dialed", "report": "refused"}
    add("prepare", steps.node("prepare", _prepare), input_schema=CallInput, destinations=checked)
    add(
        "choose_voice",
        steps.node("choose_voice", _without_thread(nodes.choose)),
        destinations={"ensure_assistant": "voice chosen", "report": "refused"},
    )
    add(
        "ensure_assistant",
        steps.node("ensure_assistant", _without_thread(nodes.ensure_assistant)),
        destinations={"approve" if approving else "arm": "assistant ready"},
    )
    if approving:
        answers = {"arm": "approved", "revise": "edited", "approve": "stale answer", "report": "rejected"}
        add("approve", steps.approve, destinations=answers)
        add("revise", steps.node("revise", _revise), destinations={**checked, "approve": "edit not taken"})
    add("arm", _arm)
    add(
        "place_call",
        steps.place_node(),
        destinations={"wait": "placed", "ask": "unknown", "arm": "dial once more", "report": "refused"},
    )
    add("ask", steps.ask, destinations={"place_call": "look again", "arm": "dial", "report": "give up"})
    add(
        "wait",
        steps.node("wait", _without_thread(nodes.wait)),
        destinations={"wait": "still running", "report": "ended"},
    )
    add("report", steps.node("report", _without_thread(nodes.report)))
    graph.add_edge(START, "prepare")
    graph.add_edge("arm", "place_call")
    graph.add_edge("report", END)
    return graph


def _prepare(given: CallInput, settings: Settings, thread_id: str | None) -> Flow[Update]:
    return nodes.prepare(given, settings, thread_id)


def _revise(state: CallState, settings: Settings, thread_id: str | None) -> Flow[Update]:
    edited = state["edited"] or {}
    try:
        unknown = sorted(set(edited) - set(CallInput.model_fields))
        if unknown:
            names = ", ".join(map(repr, unknown))
            raise InvalidInput(f"There is no field {names}{near(unknown[0], CallInput.model_fields)}")
        return (yield from nodes.prepare(CallInput(**edited), settings, thread_id, approved=True))
    except InvalidInput as error:
        # A slip of the person who edits must neither dial what was not meant nor end the run.
        warnings = [*(state.get("warnings") or []), f"The edit was not taken: {error}"]
        return {"edited": None, "warnings": warnings, GOTO: "approve"}


def _without_thread(
    step: Callable[[Any, Settings], Flow[Update]],
) -> Callable[[Any, Settings, str | None], Flow[Update]]:
    return lambda state, settings, _thread_id: step(state, settings)


def _arm(state: CallState) -> Update:
    """Write down that a dial follows, in a superstep of its own."""
    token = str(uuid.uuid4())
    _make_fresh(token)
    intent_id = state["intent_mark"]["intent_id"]
    return {"token": token, "armed": intent_id, "rearmed": state.get("armed") == intent_id}


def _make_fresh(token: str) -> None:
    with _FRESH_LOCK:
        _FRESH[token] = None
        while len(_FRESH) > _MOST_TOKENS:
            _FRESH.popitem(last=False)


def _take_fresh(token: str) -> bool:
    with _FRESH_LOCK:
        return _FRESH.pop(token, token) is None


@contextmanager
def _kept_fresh(token: str) -> Iterator[None]:
    """An error that says that nothing was dialed leaves the next execution as good as the first."""
    try:
        yield
    except PlacementUnknown:
        raise
    except RevoxToolError:
        _make_fresh(token)
        raise


def _command(update: Update) -> Any:
    goto = update.pop(GOTO, None)
    return update if goto is None else Command(update=update, goto=goto)


def _thread(config: RunnableConfig) -> str | None:
    thread = (config.get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)


def _noting(emit: Emit, placed: list[str] | None) -> Emit:
    """Note the id of the order as soon as it is known, before the step that placed it has ended."""
    if placed is None:
        return emit

    def noted(event: dict[str, Any]) -> None:
        if event.get("type") == "revox.ordered":
            placed.append(str(event["call_id"]))
        else:
            emit(event)

    return noted


def _drain() -> bool:
    return bool(get_runtime().drain_requested)


def _twin(steps: _Steps) -> CompiledStateGraph[Any, Any, Any, Any]:
    # Not an attribute in the nodes' own code: LangGraph would take it for a subgraph and draw it inside the step.
    assert steps.twin is not None
    return steps.twin
