"""The prebuilt LangGraph graphs: one call from a prompt to its end, many as a campaign, and an agent that calls."""

from __future__ import annotations

from revox_langchain.graph.agent.build import create_call_agent
from revox_langchain.graph.agent.demonstration import DemonstrationModel
from revox_langchain.graph.agent.report import CallReport
from revox_langchain.graph.call.build import call_graph, create_call_graph
from revox_langchain.graph.call.input import CallInput, VoicePreferences
from revox_langchain.graph.call.state import Approval, CallOutput, UnknownAnswer
from revox_langchain.graph.call.tool import call_graph_tool
from revox_langchain.graph.campaign.build import campaign_graph, create_campaign_graph
from revox_langchain.graph.campaign.input import CampaignInput
from revox_langchain.graph.campaign.state import CampaignOutput
from revox_langchain.graph.campaign.stopping import Breaker, StopWhen
from revox_langchain.graph.campaign.tool import campaign_graph_tool
from revox_langchain.graph.campaign.watch import Pace
from revox_langchain.graph.waking import Parked, awake, parked_in, wake

__all__ = [
    "Approval",
    "Breaker",
    "CallInput",
    "CallOutput",
    "CallReport",
    "CampaignInput",
    "CampaignOutput",
    "DemonstrationModel",
    "Pace",
    "Parked",
    "StopWhen",
    "UnknownAnswer",
    "VoicePreferences",
    "awake",
    "call_graph",
    "call_graph_tool",
    "campaign_graph",
    "campaign_graph_tool",
    "create_call_agent",
    "create_call_graph",
    "create_campaign_graph",
    "parked_in",
    "wake",
]
