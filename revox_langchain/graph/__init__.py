"""The prebuilt LangGraph graphs: from a prompt and a number to a finished call, and an agent that talks about calls."""

from __future__ import annotations

from revox_langchain.graph.agent.build import create_call_agent
from revox_langchain.graph.agent.demonstration import DemonstrationModel
from revox_langchain.graph.agent.report import CallReport
from revox_langchain.graph.call.build import call_graph, create_call_graph
from revox_langchain.graph.call.input import CallInput, VoicePreferences
from revox_langchain.graph.call.state import Approval, CallOutput, UnknownAnswer
from revox_langchain.graph.call.tool import call_graph_tool
from revox_langchain.graph.waking import Parked, awake, parked_in, wake

__all__ = [
    "Approval",
    "CallInput",
    "CallOutput",
    "CallReport",
    "DemonstrationModel",
    "Parked",
    "UnknownAnswer",
    "VoicePreferences",
    "awake",
    "call_graph",
    "call_graph_tool",
    "create_call_agent",
    "create_call_graph",
    "parked_in",
    "wake",
]
