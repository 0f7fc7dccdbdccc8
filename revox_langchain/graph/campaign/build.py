"""Put the nodes together: contacts become one campaign of Revox's per language, watched to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Unpack

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START
from langgraph.types import Checkpointer

from revox_langchain.connection.connection import Connection
from revox_langchain.contacts.opt_out import OptOutSource, opt_out_list
from revox_langchain.contacts.store import ContactStore
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput
from revox_langchain.flow import Flow
from revox_langchain.graph.campaign import asking, launching, reading, reporting, speaking
from revox_langchain.graph.campaign.input import CampaignInput, GraphCampaignInput
from revox_langchain.graph.campaign.settings import (
    CampaignGraph,
    CampaignGraphOptions,
    CampaignSettings,
    CompiledCampaignGraph,
)
from revox_langchain.graph.campaign.state import VERSION, CampaignOutput, CampaignState
from revox_langchain.graph.campaign.stopping import Breaker
from revox_langchain.graph.campaign.watch import Pace
from revox_langchain.graph.handles import GraphHandle
from revox_langchain.graph.steps import RECURSION_LIMIT, Steps, Update, thread_id

_Step = Callable[[CampaignState, CampaignSettings], Flow[Update]]


def create_campaign_graph(
    connection: Connection | None = None,
    *,
    policy: DialPolicy | None = None,
    budget: Budget | None = None,
    pace: Pace | None = None,
    breaker: Breaker | None = Breaker(),
    approve: bool = True,
    on_unknown: Literal["ask", "report"] = "ask",
    store: ContactStore | None = None,
    contacts_dir: str | Path | None = None,
    results_dir: str | Path | None = None,
    opt_out: OptOutSource | None = None,
) -> CampaignGraph:
    """Build the graph that calls many contacts: a campaign of Revox's per language, watched to its end.

    Every row that is read comes out in exactly one state. The same intent never makes a second campaign and never
    launches one twice, whatever dies on the way.

    Args:
        connection: The account; left out, that of `REVOX_API_KEY`.
        policy: What may be dialed; it is asked about each contact. Its `max_orders` counts only if it is given.
        budget: How much may be dialed.
        pace: How patiently to watch.
        breaker: What is too bad to go on; None to go on whatever happens.
        approve: Ask a person who sees what will be created and launched; needs a checkpointer.
        on_unknown: What to do when it is not known whether a launch took effect: `ask` a person, or `report` it.
        store: Keeps the rows, such as `SqliteContacts`. Without one they are kept in the state, and more than 500
            contacts are refused.
        contacts_dir: Folder of files that an input may name; without it an input names no file.
        results_dir: Folder for the results and for the rows to correct, as CSV.
        opt_out: Who must not be called: a file, a list or a function. Who asks for it on a call is added.

    Returns:
        The uncompiled graph. Give each campaign its own `thread_id`, or an `intent`: without either every invocation
        is a new campaign.

    Raises:
        AuthError: There is neither a connection nor `REVOX_API_KEY`.
        InvalidInput: The opt-out list cannot be used.
    """
    settings = settings_of(
        policy=policy,
        budget=budget,
        pace=pace,
        breaker=breaker,
        approve=approve,
        on_unknown=on_unknown,
        store=store,
        contacts_dir=contacts_dir,
        results_dir=results_dir,
        opt_out=opt_out,
    )
    return campaign_graph_with(settings, Connection.from_env() if connection is None else connection)


def settings_of(*, by_model: bool = False, **options: Unpack[CampaignGraphOptions]) -> CampaignSettings:
    """Make the settings of options; `by_model` if a model writes the input."""
    policy, opt_out = options.get("policy"), options.get("opt_out")
    contacts_dir, results_dir = options.get("contacts_dir"), options.get("results_dir")
    return CampaignSettings(
        Guard(policy, options.get("budget")),
        options.get("pace") or Pace(),
        options.get("breaker", Breaker()),
        options.get("approve", True),
        options.get("on_unknown", "ask"),
        options.get("store"),
        None if contacts_dir is None else Path(contacts_dir),
        None if results_dir is None else Path(results_dir),
        None if opt_out is None else opt_out_list(opt_out, policy.default_region if policy else None),
        by_model,
    )


def campaign_graph(
    connection: Connection | None = None,
    *,
    checkpointer: Checkpointer = None,
    name: str = "Revox campaign",
    **options: Unpack[CampaignGraphOptions],
) -> CompiledCampaignGraph:
    """Compile the campaign graph.

    Args:
        connection: As for `create_campaign_graph`.
        checkpointer: What keeps the state; with one, runs survive a restart.
        name: Name of the graph.
        options: As for `create_campaign_graph`.
    """
    compiled = create_campaign_graph(connection, **options).compile(checkpointer=checkpointer, name=name)
    return compiled.with_config(recursion_limit=RECURSION_LIMIT)


def campaign_graph_with(settings: CampaignSettings, connection: Connection) -> CampaignGraph:
    """Build the graph with its settings made."""
    steps = Steps(connection)
    graph: CampaignGraph = GraphHandle(CampaignState, input_schema=GraphCampaignInput, output_schema=CampaignOutput)

    def add(name: str, flow: _Step, goes_to: dict[str, str] | None = None) -> None:
        def bound(state: CampaignState, config: RunnableConfig) -> Flow[Update]:
            return flow(_current(state), settings)

        graph.add_node(name, steps.node(name, bound), destinations=goes_to)

    def read(given: CampaignInput, config: RunnableConfig) -> Flow[Update]:
        return reading.read(given, settings, thread_id(config))

    nobody = {"report": "nobody to call"}
    shown = {"approve": "as it will be"} if settings.approve else {"create": "as it will be"}
    changed = {"preview": "assistant changed"} if settings.approve else {}
    # Only `read` sees the input: its channels are empty after the first superstep.
    graph.add_node(
        "read",
        steps.node("read", read),
        input_schema=GraphCampaignInput,
        destinations={"guard": "rows read", "report": "not readable"},
    )
    add("guard", reading.guard, {"group": "may be called", **nobody})
    add("group", reading.group, {"choose_voice": "by language", **nobody})
    add("choose_voice", speaking.choose_voice, {"ensure_assistant": "voices chosen", **nobody})
    add("ensure_assistant", speaking.ensure_assistant)
    add("preview", asking.preview, {**shown, **nobody})
    if settings.approve:
        answers = {"create": "approved", "approve": "not an answer", "report": "rejected"}
        graph.add_node("approve", asking.approve, destinations=answers)
    add("create", launching.create, {"create": "next language", "launch": "created", **changed, "report": "refused"})
    add(
        "launch",
        launching.launch,
        {"launch": "next language", "watch": "launched", "ask": "unknown", **changed, "report": "refused"},
    )
    graph.add_node(
        "ask", asking.ask, destinations={"launch": "look again", "ask": "not an answer", "report": "give up"}
    )
    add("watch", reporting.watch, {"watch": "still running", "report": "ended"})
    add("report", reporting.report)
    graph.add_edge(START, "read")
    graph.add_edge("ensure_assistant", "preview")
    graph.add_edge("report", END)
    return graph


def _current(state: CampaignState) -> CampaignState:
    if (state.get("version") or 0) > VERSION:
        raise InvalidInput(
            f"This thread's state has version {state['version']}; this release reads up to version {VERSION}.",
            code="newer_state",
            next_step="Upgrade revox-langchain, then resume the thread.",
        )
    if not state.get("key") or "asked" not in state:
        raise InvalidInput(
            "This thread's state has no campaign.",
            code="wrong_state",
            next_step="Invoke the thread with an input, or go back to a checkpoint that a run wrote.",
        )
    return state
