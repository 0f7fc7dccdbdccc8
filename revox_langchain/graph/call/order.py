"""The order that a state asks for, and what a person is shown of it."""

from __future__ import annotations

from datetime import datetime

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import configuration_of, digest
from revox_langchain.dialing.intent import Intent, Order
from revox_langchain.errors import InvalidInput
from revox_langchain.flow import Flow
from revox_langchain.graph.call.assistant import split_fields, voice_of
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import CallState, Spoken
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.operations.calls import MakeCall


def order_of(state: CallState) -> Order:
    """Build the order; what a person approved goes along, so that nothing else is dialed."""
    asked, spoken, mark = state["asked"], state["spoken"], state["intent_mark"]
    assert mark is not None
    who: JsonObject = {"assistant_id": spoken.get("assistant_id")}
    if not who["assistant_id"]:
        flat, rest = split_fields(spoken["settings"], MakeCall.model_fields)
        who = {"prompt": asked["prompt"], **flat, "settings": rest or None}
    try:
        request = MakeCall(
            phone_number=asked["phone_number"],
            prompt_variables=asked["prompt_variables"],
            metadata=asked["metadata"],
            skip_calling_window=asked["skip_calling_window"],
            from_phone_number=asked["from_phone_number"],
            concurrency_key=asked["concurrency_key"],
            scheduled_at=datetime.fromisoformat(asked["scheduled_at"]) if asked["scheduled_at"] else None,
            **who,
        )
    except ValueError as error:
        # What `prepare` wrote always fits; a person or a program may have written over it since.
        raise InvalidInput(
            "The call request in this thread's state does not make a call.",
            code="wrong_state",
            next_step="Correct it with update_state, or start the call on a new thread.",
        ) from error
    approved = (spoken.get("shown") or {}).get("configuration_hash")
    intent = Intent(mark["intent_id"], mark["durable"], tuple(mark.get("also", ())), mark.get("content"))
    return Order(request, intent, scope=state.get("scope") or "process", approved=approved)


def show(state: CallState, settings: Settings) -> Flow[Update]:
    """Read the assistant as the order will use it, for the question: with `assistant_id` only Revox knows it."""
    configuration = yield from configuration_of(order_of(state).request)
    cost = Cost.of(configuration)
    shown: JsonObject = {name: configuration[name] for name in _SHOWN if configuration.get(name)}
    spoken: Spoken = {
        **state["spoken"],
        "cost": cost.model_dump(),
        "shown": {**shown, "configuration_hash": digest(configuration)},
    }
    update: Update = {"spoken": spoken, GOTO: "approve"}
    if state["asked"]["assistant_id"] is not None:
        update["voice"] = yield from voice_of(configuration)
    return update


_SHOWN = (
    "prompt",
    "first_sentence",
    "voicemail_message",
    "end_of_call_sentence",
    "transfer_destinations",
    "from_phone_number",
    "call_retry_config",
    "max_call_duration_secs",
)
"""What a person sees of the configuration; the hash stands for all of it."""
