"""Put the nodes together: one graph that places one call and watches it until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph import END, START
from langgraph.types import Checkpointer
from pydantic import BaseModel

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.flow import Flow
from revox_langchain.graph.call import assistant, nodes, parking, questions, shown
from revox_langchain.graph.call.arming import arm, place_node
from revox_langchain.graph.call.input import CallInput, GraphInput
from revox_langchain.graph.call.settings import (
    CallGraph,
    CallGraphOptions,
    CompiledCallGraph,
    OnUnknown,
    Settings,
    WaitMode,
)
from revox_langchain.graph.call.state import CallOutput, CallState, current_for
from revox_langchain.graph.call.webhook import WebhookAddress, decided_by_code
from revox_langchain.graph.handles import GraphHandle
from revox_langchain.graph.steps import RECURSION_LIMIT, Steps, Update, thread_id
from revox_langchain.operations.calls import CancelCall
from revox_langchain.results.schema import schema_of
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.webhooks.call_tools import CallTools

_NodeFlow = Callable[[CallState, Settings], Flow[Update]]


def create_call_graph(
    connection: Connection | None = None,
    *,
    policy: DialPolicy | None = None,
    budget: Budget | None = None,
    wait: WaitPolicy | None = None,
    wait_mode: WaitMode = "poll",
    approve: bool = False,
    on_unknown: OnUnknown = "ask",
    inline: bool | None = None,
    cancel_call_on_abort: bool = False,
    webhook_url: WebhookAddress | None = None,
    structured_output: type[BaseModel] | None = None,
    call_tools: CallTools | Sequence[BaseTool] | None = None,
    public_url: str | None = None,
) -> CallGraph:
    """Build the graph that places one call and watches it until it has ended.

    Args:
        connection: The account; left out, that of `REVOX_API_KEY`.
        policy: What may be dialed.
        budget: How much may be dialed.
        wait: How patiently to wait.
        wait_mode: `poll` keeps the run alive and looks until the call has ended. `park` ends it in an interrupt of
            type `revox.waiting`, so that nothing runs while the call is pending; somebody wakes the thread with `wake`
            or `awake`. Needs a checkpointer. Woken after `wait.max_wait_s` the thread ends with status
            `still_running`.
        approve: Ask a person before the dial; needs a checkpointer.
        on_unknown: What to do when it is not known whether a call was placed. `ask` a person (without a checkpointer:
            raise `PlacementUnknown`), `dial` once more at the risk of ringing twice, or `report` status `unknown`.
        inline: Send the assistant inside the call instead of keeping one in the account; best for one-off prompts.
            Left out, it is sent inside where a person approves: what was approved is then what rings, and a "no"
            leaves nothing behind in the account.
        cancel_call_on_abort: Cancel the call when the run is cancelled: an async run by its task, `invoke` by Ctrl-C.
            (A sync `stream` works in another thread, which Ctrl-C does not reach.) Otherwise the call goes on.
        webhook_url: Where Revox posts that a call has ended, as `Webhooks.url` makes it; put on the assistant that the
            graph sends inline or keeps in the account. An assistant that was given is left as it is, and a warning
            says so if it posts elsewhere. It is kept as a secret and out of the state: questions show it without its
            token. As it comes from code, `DialPolicy.allowed_hosts` does not count for it. A kept assistant posts to
            the newest token: run one receiver behind one address.
        structured_output: A flat pydantic model of what to extract from each conversation that a prompt starts; an
            assistant that was given brings its own. `structured(output, Model)` reads it back.
        call_tools: Tools that the assistant uses while it talks. `Webhooks(call_tools=…)` of the same connection is
            given the same, and answers. They are put on the same assistants as `webhook_url`, and kept as secret.
        public_url: Where those `Webhooks` are reached from outside, such as https://example.com/revox.

    Returns:
        The uncompiled graph; `.compile(checkpointer=...)` makes it survive a restart. Give each call request its own
        `thread_id` (or an `intent`): without either every invocation is a new request.

    Raises:
        AuthError: There is neither a connection nor `REVOX_API_KEY`.
        InvalidInput: The `webhook_url` or `public_url` is not an address that Revox can use, a tool cannot be offered,
            call tools are given without their `public_url`, or a field of `structured_output` is nested or of a type
            that cannot be extracted.
    """
    connection = Connection.from_env() if connection is None else connection
    settings = Settings(
        Guard(policy, budget),
        wait or WaitPolicy(),
        approve if inline is None else inline,
        approve,
        on_unknown,
        wait_mode=wait_mode,
        schema=schema_of(structured_output),
        decided=decided_by_code(connection, webhook_url, call_tools, public_url),
    )
    return graph_with(settings, connection, cancel_call_on_abort=cancel_call_on_abort)


def graph_for_model(connection: Connection | None = None, **options: Unpack[CallGraphOptions]) -> CallGraph:
    """Build the same graph for input that a model writes; arguments as for `create_call_graph`."""
    connection = Connection.from_env() if connection is None else connection
    approve, inline = options.get("approve", False), options.get("inline")
    settings = Settings(
        Guard(options.get("policy"), options.get("budget")),
        options.get("wait") or WaitPolicy(),
        approve if inline is None else inline,
        approve,
        options.get("on_unknown", "ask"),
        by_model=True,
        wait_mode=options.get("wait_mode", "poll"),
        schema=schema_of(options.get("structured_output")),
        decided=decided_by_code(
            connection, options.get("webhook_url"), options.get("call_tools"), options.get("public_url")
        ),
    )
    return graph_with(settings, connection, cancel_call_on_abort=options.get("cancel_call_on_abort", False))


def graph_with(settings: Settings, connection: Connection, *, cancel_call_on_abort: bool) -> CallGraph:
    """Build the graph with its settings made; other arguments as for `create_call_graph`."""
    undo = _cancel_call if cancel_call_on_abort else None
    steps = Steps(connection, noted=frozenset({"revox.ordered"}), undo=undo)
    copies: list[CompiledCallGraph] = []
    graph = _assemble(steps, settings, lambda: copies[0])
    # A compiled copy of its own lets `place_call` look whether its checkpoint is on disk.
    copies.append(_assemble(steps, settings, lambda: copies[0]).compile())
    return graph


def call_graph(
    connection: Connection | None = None,
    *,
    checkpointer: Checkpointer = None,
    name: str = "Revox call",
    **options: Unpack[CallGraphOptions],
) -> CompiledCallGraph:
    """Compile the call graph.

    Args:
        connection: As for `create_call_graph`.
        checkpointer: What keeps the state; with one, runs survive a restart.
        name: Name of the graph.
        options: As for `create_call_graph`.
    """
    compiled = create_call_graph(connection, **options).compile(checkpointer=checkpointer, name=name)
    return compiled.with_config(recursion_limit=RECURSION_LIMIT)


def _assemble(steps: Steps, settings: Settings, saved: Callable[[], CompiledCallGraph]) -> CallGraph:
    graph: CallGraph = GraphHandle(CallState, input_schema=GraphInput, output_schema=CallOutput)

    def add(
        name: str, flow: Callable[[CallState, Settings], Flow[Update]], goes_to: dict[str, str] | None = None
    ) -> None:
        def bound(state: CallState, config: RunnableConfig) -> Flow[Update]:
            return flow(current_for(name, state), settings)

        graph.add_node(name, steps.node(name, bound), destinations=goes_to)

    def prepare(given: CallInput, config: RunnableConfig) -> Flow[Update]:
        return nodes.prepare(given, settings, thread_id(config))

    def revise(state: CallState, config: RunnableConfig) -> Flow[Update]:
        return questions.revise(current_for("revise", state), settings, thread_id(config))

    checked = {"choose_voice": "may be dialed", "report": "refused"}
    placed = {"wait": "placed", "ask": "unknown", "arm": "dial once more", "report": "refused"}
    unknown = {"place_call": "look again", "ask": "not an answer", "arm": "dial", "report": "give up"}
    # Only `prepare` sees the input: its channels are empty after the first superstep.
    graph.add_node("prepare", steps.node("prepare", prepare), input_schema=GraphInput, destinations=checked)
    add("choose_voice", assistant.choose, {"ensure_assistant": "voice chosen", "report": "refused"})
    add("ensure_assistant", assistant.ensure_assistant, {"show" if settings.approve else "arm": "assistant ready"})
    if settings.approve:
        add("show", shown.show, {"approve": "as it will be"})
        placed["show"] = "assistant changed"
        answers = {"arm": "approved", "revise": "edited", "approve": "not an answer", "report": "rejected"}
        revised = {"ensure_assistant": "edited", "report": "refused", "approve": "edit not taken"}
        graph.add_node("approve", questions.approve, destinations=answers)
        graph.add_node("revise", steps.node("revise", revise), destinations=revised)
    graph.add_node("arm", arm)
    graph.add_node("place_call", place_node(steps, settings, saved), destinations=placed)
    graph.add_node("ask", questions.ask, destinations=unknown)
    if settings.wait_mode == "park":
        add("wait", parking.look, {"park": "goes on", "report": "ended"})
        graph.add_node("park", parking.park, destinations={"wait": "woken"})
    else:
        add("wait", nodes.wait, {"wait": "still running", "report": "ended"})
    add("report", nodes.report)
    graph.add_edge(START, "prepare")
    graph.add_edge("arm", "place_call")
    graph.add_edge("report", END)
    return graph


def _cancel_call(state: Mapping[str, object], ordered: list[JsonObject]) -> CancelCall | None:
    # The order of a `place_call` that was cut off is known from its event, not yet from the state.
    call_id = ordered[-1]["call_id"] if ordered else state.get("call_id")
    return CancelCall(call_id=str(call_id)) if call_id else None
