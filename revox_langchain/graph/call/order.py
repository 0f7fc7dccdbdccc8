"""The order that a state asks for."""

from __future__ import annotations

from datetime import datetime

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.intent import Intent, Order
from revox_langchain.errors import InvalidInput
from revox_langchain.graph.call.assistant import split_fields
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import CallState
from revox_langchain.operations.calls import MakeCall


def order_of(state: CallState, settings: Settings) -> Order:
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
    also, content, named = tuple(mark.get("also", ())), mark.get("content"), mark.get("named", False)
    intent = Intent(mark["intent_id"], mark["durable"], also, content, named)
    within = state.get("within") or ("thread" if state.get("scope") else "run")
    scope, began_s = state.get("scope") or "process", state.get("began_s")
    decided = settings.decided
    names_call = decided.custom_tools is not None and asked["assistant_id"] is None
    return Order(request, intent, scope, within, approved, began_s, decided, names_call)
