"""LangChain tools and LangGraph graphs for phone calls through Revox.

The graph lives in `revox_langchain.graph` and the sandbox in `revox_langchain.sandbox`, so that importing this stays
cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revox_langchain.actions.requests import RecoverCall, WaitForCall, act
from revox_langchain.connection.audit import Audit
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.budget import Budget
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Intent, Order, Placed, make_intent, named_intent, repeat_intent
from revox_langchain.dialing.placing import place, recover
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import (
    AmbiguousLanguage,
    AnswerError,
    AuthError,
    ConcurrencyLimited,
    InvalidInput,
    NotFound,
    NoVoice,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
    UnknownLanguage,
    UnsupportedLanguage,
    outcome_of,
)
from revox_langchain.flow import arun, run
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.operation import Operation, Risk
from revox_langchain.phone import Phone, parse_phone
from revox_langchain.results.call import CallResult
from revox_langchain.results.schema import structured_output_config
from revox_langchain.results.structured import Structured, structured
from revox_langchain.speech.language import ResolvedLanguage, resolve_language
from revox_langchain.speech.voice import ChosenVoice, choose_voice
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Seen, watch
from revox_langchain.waiting.watcher import Ended, SyncWatcher, Watcher

if TYPE_CHECKING:
    from revox_langchain.tools.tool import RevoxTool, make_tool
    from revox_langchain.tools.toolkit import RevoxToolkit

__version__ = "0.1.0"

__all__ = [
    "OPERATIONS",
    "AmbiguousLanguage",
    "AnswerError",
    "Audit",
    "AuthError",
    "Budget",
    "CallResult",
    "ChosenVoice",
    "ConcurrencyLimited",
    "Connection",
    "DialPolicy",
    "Ended",
    "Guard",
    "Intent",
    "InvalidInput",
    "NoVoice",
    "NotFound",
    "Operation",
    "Order",
    "Phone",
    "Placed",
    "PlacementUnknown",
    "RateLimited",
    "RecoverCall",
    "Refused",
    "ResolvedLanguage",
    "RevoxTool",
    "RevoxToolError",
    "RevoxToolkit",
    "Risk",
    "Seen",
    "Structured",
    "SyncWatcher",
    "TimedOut",
    "Unavailable",
    "UnknownLanguage",
    "UnsupportedLanguage",
    "WaitForCall",
    "WaitPolicy",
    "Watcher",
    "act",
    "arun",
    "choose_voice",
    "make_intent",
    "make_tool",
    "named_intent",
    "outcome_of",
    "parse_phone",
    "place",
    "recover",
    "repeat_intent",
    "resolve_language",
    "run",
    "structured",
    "structured_output_config",
    "watch",
]


def __getattr__(name: str) -> Any:
    # langchain-core's tools take 0.4 s to import; who only sends operations does not wait for them.
    if name in ("RevoxTool", "RevoxToolkit", "make_tool"):
        from revox_langchain.tools import toolkit as tools

        return getattr(tools, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
