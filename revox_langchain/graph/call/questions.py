"""The two questions a person is asked, and what their answers do: may this be dialed, and what about a lost answer."""

from __future__ import annotations

from langgraph.types import Command, interrupt

from revox_langchain.answers import JsonObject, digest
from revox_langchain.dialing.budget import Cost
from revox_langchain.errors import InvalidInput, RevoxToolError
from revox_langchain.flow import Flow
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.nodes import prepare
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import Approval, CallState, UnknownAnswer, current_for
from revox_langchain.graph.steps import GOTO, Update


def question(state: CallState) -> JsonObject:
    """What a person is shown before the dial, with the hash that ties the answer to it."""
    asked, spoken, mark = state["asked"], state["spoken"], state["intent_mark"]
    cost = Cost(**spoken["cost"])
    # Names and values are hashed: changing either makes every open question's answer stale.
    arguments = {
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
        # The assistant as it will speak: what the request leaves out only Revox knows. Absent in 0.1's threads.
        **(spoken.get("shown") or {}),
    }
    return {
        "type": "revox.approve_call",
        "message": f"Call {asked['phone_number']}? At worst {cost.attempts} attempts, {cost.minutes:.0f} minutes.",
        "arguments": arguments,
        "arguments_hash": digest(arguments),
        "warnings": state.get("warnings") or [],
    }


def unknown_question(state: CallState) -> JsonObject:
    """What a person is asked when a call may or may not have been placed."""
    error, number, mark = state.get("error") or {}, state["asked"]["phone_number"], state["intent_mark"]
    return {
        "type": "revox.placement_unknown",
        "message": f"A call to {number} may have been placed. {error.get('message', '')}".strip(),
        "phone_number": number,
        "intent_id": mark["intent_id"] if mark else None,
        "options": {
            "look_again": "Search for the order once more; dials nothing.",
            "dial": "Place the call now. If the first one was placed after all, the phone rings twice.",
            "give_up": "End the run; recover(intent_id, phone_number) still finds the order later.",
        },
    }


def approve(state: CallState) -> Command[str]:
    """Ask a person; the answer counts only for the arguments that were shown."""
    state = current_for("approve", state)
    if state.get("approved"):
        return Command(goto="arm")
    # Resuming runs the node again from its top, so nothing before the interrupt may have an effect.
    shown = question(state)
    answer = interrupt(shown, response_schema=Approval)
    if answer.arguments_hash != shown["arguments_hash"]:
        return Command(goto="approve")
    if answer.decision == "approve":
        return Command(update={"approved": True}, goto="arm")
    if answer.decision == "edit":
        given = {name: value for name, value in state["asked"].items() if name in CallInput.model_fields}
        return Command(update={"edited": {**given, **(answer.edits or {})}}, goto="revise")
    error = RevoxToolError(
        f"The call was rejected{f': {answer.reason}' if answer.reason else '.'}",
        code="rejected",
        next_step="Do not place it again unless the person asks for it.",
    )
    return Command(update={"error": error.as_dict()}, goto="report")


def revise(state: CallState, settings: Settings, thread_id: str | None) -> Flow[Update]:
    """Take the edited input as a new one that is already approved."""
    try:
        given = CallInput.parse(state["edited"] or {})
        return (yield from prepare(given, settings, thread_id, approved=True))
    except InvalidInput as error:
        # A slip of the person who edits must neither dial what was not meant nor end the run.
        warnings = [*(state.get("warnings") or []), f"The edit was not taken: {error}"]
        return {"edited": None, "warnings": warnings, GOTO: "approve"}


def ask(state: CallState) -> Command[str]:
    """Ask what to do about a call that may have been placed. Holds the question and nothing else."""
    state = current_for("ask", state)
    answer = interrupt(unknown_question(state), response_schema=UnknownAnswer)
    if answer.decision == "look_again":
        return Command(update={"mode": "look"}, goto="place_call")
    if answer.decision == "dial":
        return Command(update={"mode": None}, goto="arm")
    error = {**(state.get("error") or {}), "code": "given_up"}
    return Command(update={"error": error}, goto="report")
