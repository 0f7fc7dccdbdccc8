"""What a person is shown of a call before it is dialed."""

from __future__ import annotations

from typing import cast

from revox_langchain.answers import JsonObject, digest
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import configuration_of
from revox_langchain.dialing.configuration import digest as digest_of_configuration
from revox_langchain.flow import Flow, Pause
from revox_langchain.graph.call.assistant import voice_of
from revox_langchain.graph.call.order import order_of
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import Asking, CallState, Spoken
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.secrets import without_secrets
from revox_langchain.results.order import objects_of


def show(state: CallState, settings: Settings) -> Flow[Update]:
    """Read the assistant as the order will use it, for the question: with `assistant_id` only Revox knows it."""
    configuration = yield from configuration_of(order_of(state, settings).sent)
    cost = Cost.of(configuration)
    visible = without_secrets(configuration)
    shown: JsonObject = {name: visible[name] for name in _SHOWN if visible.get(name)}
    if tools := [tool.get("name") for tool in objects_of(visible.get("custom_tools"))]:
        shown["call_tools"] = tools
    spoken: Spoken = {
        **state["spoken"],
        "cost": cost.model_dump(),
        "shown": {**shown, "configuration_hash": digest_of_configuration(configuration)},
    }
    update: Update = {"spoken": spoken, "sandbox": (yield Pause(0)).sandbox, GOTO: "approve"}
    if state["asked"]["assistant_id"] is not None:
        update["voice"] = yield from voice_of(configuration)
    update["asking"] = asking(cast("CallState", {**state, **update}))
    return update


def arguments_of(state: CallState) -> JsonObject:
    """What would be dialed."""
    asked, spoken, mark = state["asked"], state["spoken"], state["intent_mark"]
    cost = Cost(**spoken["cost"])
    # Names and values are hashed: changing either makes every open question's answer stale.
    return {
        "phone_number": asked["phone_number"],
        "country": asked.get("region"),
        "language": spoken.get("language"),
        "voice": state.get("voice"),
        "first_sentence": asked["first_sentence"],
        "prompt": asked["prompt"],
        "assistant_id": asked["assistant_id"],
        "prompt_variables": asked["prompt_variables"],
        "scheduled_at": asked["scheduled_at"],
        "skip_calling_window": asked["skip_calling_window"],
        "from_phone_number": asked["from_phone_number"],
        "max_attempts": cost.attempts,
        "max_minutes": round(cost.minutes, 1),
        "intent_id": mark["intent_id"] if mark else None,
        **({"repeat_of": asked["repeat_of"]} if asked.get("repeat_of") else {}),
        # The assistant as it will speak: what the request leaves out only Revox knows. Absent in 0.1's threads.
        **(spoken.get("shown") or {}),
    }


def asking(state: CallState) -> Asking:
    """The question that is about to be asked, and whether the one before it showed something else."""
    hashed, before = digest(arguments_of(state)), state.get("asking")
    again = before is not None and (before["again"] or before["hash"] != hashed)
    return {"hash": hashed, "again": again}


_SHOWN = (
    "prompt",
    "first_sentence",
    "voicemail_message",
    "end_of_call_sentence",
    "transfer_destinations",
    "from_phone_number",
    "call_retry_config",
    "max_call_duration_secs",
    "webhook_url",
)
"""What a person sees of the configuration; the hash stands for all of it."""
