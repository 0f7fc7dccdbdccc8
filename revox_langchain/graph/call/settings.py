"""How the call graph runs, decided where it is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypedDict, get_args

from langchain_core.tools import BaseTool
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.graph.call.state import CallState
from revox_langchain.graph.call.webhook import WebhookAddress
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.webhooks.call_tools import CallTools

# Input and output stay open: callers give and get plain dicts, which LangGraph's type parameters cannot express.
CallGraph: TypeAlias = StateGraph[CallState, None, Any, Any]
CompiledCallGraph: TypeAlias = CompiledStateGraph[CallState, None, Any, Any]
OnUnknown = Literal["ask", "dial", "report"]
WaitMode = Literal["poll", "park"]


class CallGraphOptions(TypedDict, total=False):
    """What `create_call_graph` takes besides the connection."""

    policy: DialPolicy | None
    budget: Budget | None
    wait: WaitPolicy | None
    wait_mode: WaitMode
    approve: bool
    on_unknown: OnUnknown
    inline: bool | None
    cancel_call_on_abort: bool
    webhook_url: WebhookAddress | None
    structured_output: type[BaseModel] | None
    call_tools: CallTools | Sequence[BaseTool] | None
    public_url: str | None


@dataclass(frozen=True)
class Settings:
    """The options as the nodes need them.

    Attributes:
        guard: What may be dialed.
        wait: How patiently to wait.
        wait_mode: Whether a run looks itself until the call has ended, or parks and is woken.
        inline: Send the assistant inside the call instead of creating one.
        approve: Ask a person before the dial.
        on_unknown: What to do when it is not known whether a call was placed.
        by_model: Whether a model writes the input, so that the name of an intent counts within its thread only.
        schema: JSON schema of what to extract from each conversation, as the code that built the graph asks.
        decided: Where Revox posts the end of the calls, and which tools its assistants use. It holds secrets, so that
            it goes into what is sent and not into the state.
    """

    guard: Guard = field(default_factory=Guard)
    wait: WaitPolicy = field(default_factory=WaitPolicy)
    inline: bool = False
    approve: bool = False
    on_unknown: OnUnknown = "ask"
    by_model: bool = False
    wait_mode: WaitMode = "poll"
    schema: JsonObject | None = None
    decided: Decided = NOTHING

    def __post_init__(self) -> None:
        """Refuse a mode that does not exist, which would be taken for another one."""
        for name, mode, modes in (
            ("on_unknown", self.on_unknown, get_args(OnUnknown)),
            ("wait_mode", self.wait_mode, get_args(WaitMode)),
        ):
            if mode not in modes:
                raise ValueError(f"{name}={mode!r}: give one of {', '.join(modes)}")
