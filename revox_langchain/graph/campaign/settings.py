"""How the campaign graph runs, decided where it is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from revox_langchain.actions.registry import Context
from revox_langchain.contacts.opt_out import OptOutList, OptOutSource
from revox_langchain.contacts.store import ContactStore
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.graph.campaign.rows import RowsInState
from revox_langchain.graph.campaign.state import CampaignState
from revox_langchain.graph.campaign.stopping import Breaker
from revox_langchain.graph.campaign.watch import Pace

CampaignGraph: TypeAlias = StateGraph[CampaignState, None, Any, Any]
CompiledCampaignGraph: TypeAlias = CompiledStateGraph[CampaignState, None, Any, Any]


class CampaignGraphOptions(TypedDict, total=False):
    """What `create_campaign_graph` takes besides the connection."""

    policy: DialPolicy | None
    budget: Budget | None
    pace: Pace | None
    breaker: Breaker | None
    approve: bool
    on_unknown: Literal["ask", "report"]
    store: ContactStore | None
    contacts_dir: str | Path | None
    results_dir: str | Path | None
    opt_out: OptOutSource | None


@dataclass(frozen=True)
class CampaignSettings:
    """The options as the nodes need them.

    Attributes:
        guard: What may be dialed.
        pace: How patiently to watch, a slice at a time.
        breaker: What is too bad to go on.
        approve: Ask a person before anything is created.
        on_unknown: What to do when it is not known whether a launch took effect.
        store: Keeps the rows; None for the state.
        contacts_dir: Where files named in an input are.
        results_dir: Where results are written.
        opt_out: Who must not be called.
        by_model: Whether a model writes the input, so that the name of an intent counts within its thread only.
    """

    guard: Guard = field(default_factory=Guard)
    pace: Pace = field(default_factory=Pace)
    breaker: Breaker | None = field(default_factory=Breaker)
    approve: bool = True
    on_unknown: Literal["ask", "report"] = "ask"
    store: ContactStore | None = None
    contacts_dir: Path | None = None
    results_dir: Path | None = None
    opt_out: OptOutList | None = None
    by_model: bool = False

    def rows(self, state: CampaignState) -> ContactStore:
        """The rows of a run, wherever they are kept."""
        return self.store if self.store is not None else RowsInState(state.get("kept"))

    def kept(self, rows: ContactStore) -> dict[str, object]:
        """What of the rows goes into the state, as a part of an update."""
        return {"kept": rows.as_state()} if isinstance(rows, RowsInState) else {}

    def context(self, state: CampaignState) -> Context:
        """On whose behalf requests are done: contacts were counted and approved, so a thread's limit is not theirs."""
        return Context(self.guard, toolkit=f"campaign {state['key']}")
