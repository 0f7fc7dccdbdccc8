"""Wait without running: the thread parks in an interrupt, and whoever wakes it makes it look for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, interrupt

from revox_langchain.answers import JsonObject
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Flow, Pause
from revox_langchain.graph.call.nodes import stands
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import CallState, current_for
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.results.order import sandbox_of
from revox_langchain.waiting.watch import Seen, watch

WAITING = "revox.waiting"
"""Type of the interrupt that a parked thread stands in."""
WAKE = "revox.wake"
"""Type of the value that wakes it."""


def look(state: CallState, settings: Settings) -> Flow[Update]:
    """Read the order once, whoever asked for it; then park, or go on if it has ended or was waited for long enough."""
    now = datetime.fromtimestamp((yield Pause(0)).now_s, UTC)
    deadline_at = state.get("deadline_at") or (now + timedelta(seconds=settings.wait.max_wait_s)).isoformat()
    seen = Seen(**(state["watch"] or {}))
    try:
        seen = yield from watch(seen, settings.wait.model_copy(update={"live": True}), slice_s=0)
    except RevoxToolError as error:
        # The call is placed: whatever cannot be read of it, the run must end with its id.
        return {"error": error.as_dict(), GOTO: "report"}
    began_s = datetime.fromisoformat(deadline_at).timestamp() - settings.wait.max_wait_s
    seen.waited_s = max(0.0, now.timestamp() - began_s)
    over = seen.ended or state.get("woken") == "timeout" or now >= datetime.fromisoformat(deadline_at)
    return {**stands(seen, state), "deadline_at": deadline_at, "woken": None, GOTO: "report" if over else "park"}


def park(state: CallState, config: RunnableConfig) -> Command[str]:
    """Stand still until somebody wakes the thread; what they say of the order is not believed but looked up."""
    state = current_for("park", state)
    given = interrupt(waiting_for(state))
    return Command(update={"woken": _reason(given, state.get("call_id"))}, goto="wait")


def waiting_for(state: CallState) -> JsonObject:
    """What a parked thread shows: which order it waits for and until when."""
    call_id, progress = state.get("call_id"), state.get("progress")
    return {
        "type": WAITING,
        **sandbox_of(state),
        "call_id": call_id,
        "intent_id": state.get("intent_id"),
        "status": progress["status"] if progress else None,
        "deadline_at": state.get("deadline_at"),
        "message": f"Call {call_id} goes on. Wake this thread when it has ended; it reads the call itself.",
        "answers": {reason: wake_value(call_id, reason) for reason in ("ended", "timeout")},
    }


def wake_value(call_id: str | None, reason: str) -> JsonObject:
    """The value that wakes a thread that waits for an order.

    Args:
        call_id: Which order; a value for another one only makes the thread look and park again.
        reason: `ended`, or `timeout` to stop waiting although the order goes on.
    """
    return {"type": WAKE, "call_id": call_id, "reason": reason}


def _reason(given: object, call_id: str | None) -> str:
    if isinstance(given, Mapping) and given.get("type") == WAKE and given.get("call_id") == call_id:
        return str(given.get("reason"))
    return "look"
