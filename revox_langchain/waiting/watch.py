"""Watch a call order until it ends: adaptive polling as a flow, in slices that can be put down and taken up.

Rules: poll quickly while an attempt is live, slowly while the order only waits; spread by jitter; a failed read is
not the end of the wait; what was reported never goes backwards; an unknown status is shown as it is and waited on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from revox_langchain.errors import AnswerError, RateLimited, Unavailable
from revox_langchain.flow import Event, Flow, Pause
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.waiting.policy import LIVE, WaitPolicy


class Watch(BaseModel):
    """How far the watching of one order has come: plain JSON, so that a checkpoint can hold it.

    Attributes:
        waited_s: Seconds spent watching, over all slices.
        stopped: Why the watching stopped: `ended`, `slice` (go on), `timeout` (waited long enough) or `drain`.
        answer: The newest order, whole; kept out of dumps, since a checkpoint must stay small.
    """

    call_id: str
    status: str | None = None
    updated_at: str | None = None
    attempts: int = 0
    turns: int = 0
    polls: int = 0
    idle_looks: int = 0
    failed_reads: int = 0
    waited_s: float = 0.0
    stopped: str | None = None
    answer: dict[str, Any] | None = Field(default=None, exclude=True)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self.status in ENDED


def watch(seen: Watch, policy: WaitPolicy, *, slice_s: float | None = None) -> Flow[Watch]:
    """Look at an order until it ends, or the slice, the patience or the caller does.

    A flow: nothing happens until `run(watch(...), connection)` or `await arun(...)` drives it.

    Args:
        seen: Where an earlier slice stopped, or `Watch(call_id=…)`.
        policy: How patiently.
        slice_s: Hand over after this many seconds; None goes on to the end.

    Returns:
        What was seen, with `stopped` saying why it came back.

    Raises:
        RevoxToolError: The order cannot be read at all (wrong key, no such call).
    """
    seen = seen.model_copy(update={"stopped": None})
    start_s = (yield Pause(0)).now_s
    waited_before_s = seen.waited_s
    spoke_s = start_s
    while True:
        order, left_alone_s = yield from _look(seen)
        tick = yield Pause(0)
        if order is not None:
            events, seen = _news(seen, order)
            for event in events:
                yield Event({**event, "elapsed_s": round(waited_before_s + tick.now_s - start_s, 1)})
                spoke_s = tick.now_s
        else:
            seen = seen.model_copy(update={"failed_reads": seen.failed_reads + 1})
        seen.waited_s = waited_before_s + tick.now_s - start_s
        if seen.ended:
            return seen.model_copy(update={"stopped": "ended"})
        if seen.waited_s >= policy.max_wait_s:
            return seen.model_copy(update={"stopped": "timeout"})
        if tick.stop_requested:
            return seen.model_copy(update={"stopped": "drain"})
        if slice_s is not None and tick.now_s - start_s >= slice_s:
            return seen.model_copy(update={"stopped": "slice"})
        if tick.now_s - spoke_s >= policy.heartbeat_s:
            spoke_s = tick.now_s
            yield Event({"type": "revox.heartbeat", "call_id": seen.call_id, "status": seen.status,
                         "elapsed_s": round(seen.waited_s, 1)})  # fmt: skip
        pause_s = policy.pause_s(seen.status, seen.idle_looks, seen.call_id)
        pause_s = min(max(pause_s, left_alone_s), policy.max_wait_s - seen.waited_s)
        seen.idle_looks = 0 if seen.status in LIVE else seen.idle_looks + 1
        tick = yield Pause(max(pause_s, 0.0))
        if tick.stop_requested:
            seen.waited_s = waited_before_s + tick.now_s - start_s
            return seen.model_copy(update={"stopped": "drain"})


def settled_result(ended: Mapping[str, Any], policy: WaitPolicy) -> Flow[dict[str, Any]]:
    """Wait a bounded grace for structured output: `completed` does not mean that it is there already.

    Returns:
        The newest order, with the structured output or without.
    """
    newest = dict(ended)
    start_s = now_s = (yield Pause(0)).now_s
    while newest.get("status") == "completed" and _reached_somebody(newest) and not _has_output(newest):
        if now_s - start_s >= policy.result_grace_s:
            break
        now_s = (yield Pause(policy.live_s)).now_s
        order, _ = yield from _look(Watch(call_id=str(newest["id"])))
        # A lagging copy may still show the order as running.
        newest = order if order and order.get("status") in ENDED else newest
    return newest


def _look(seen: Watch) -> Flow[tuple[dict[str, Any] | None, float]]:
    """Read the order once; after a passing failure there is none, and how long Revox wants to be left alone."""
    try:
        answer = yield GetCall(call_id=seen.call_id)
    except (AnswerError, RateLimited, Unavailable) as error:
        return None, error.retry_after_s or 0.0
    order = answer.get("call")
    return (order, 0.0) if isinstance(order, dict) and order.get("id") else (None, 0.0)


def _news(seen: Watch, order: dict[str, Any]) -> tuple[list[dict[str, Any]], Watch]:
    """Compare with what was seen before; an answer older than that is no news."""
    attempts = len(order.get("call_attempts") or [])
    updated_at = order.get("updated_at")
    older = isinstance(updated_at, str) and seen.updated_at is not None and updated_at < seen.updated_at
    if older or attempts < seen.attempts or (seen.ended and order.get("status") not in ENDED):
        return [], seen.model_copy(update={"polls": seen.polls + 1})
    oldest_first = list(reversed(order.get("call_attempts") or []))
    newest = oldest_first[-1] if oldest_first else {}
    known = {seen.attempts: seen.turns}
    said = {
        number: [
            _turn(seen.call_id, number, turn) for turn in (attempt.get("transcript") or [])[known.get(number, 0) :]
        ]
        for number, attempt in enumerate(oldest_first, start=1)
        if number >= seen.attempts
    }
    status = {
        "type": "revox.status", "call_id": seen.call_id, "status": order.get("status"), "attempt": attempts,
        "attempt_status": newest.get("status"), "scheduled_at": order.get("scheduled_at"),
    }  # fmt: skip
    changed = [status] if order.get("status") != seen.status or attempts != seen.attempts else []
    earlier = [event for number, events in said.items() if number < attempts for event in events]
    latest = said.get(attempts, [])
    # What was said comes before the end it led to, and after the start of the attempt it was said in.
    events = [*latest, *changed] if attempts == seen.attempts else [*earlier, *changed, *latest]
    turns = len(newest.get("transcript") or [])
    return events, seen.model_copy(
        update={
            "status": order.get("status"),
            "updated_at": updated_at if isinstance(updated_at, str) else seen.updated_at,
            "attempts": attempts,
            "turns": max(turns, known.get(attempts, 0)),
            "polls": seen.polls + 1,
            "failed_reads": 0,
            "answer": order,
        }
    )


def _turn(call_id: str, attempt: int, turn: Mapping[str, Any]) -> dict[str, Any]:
    content = turn.get("content") or turn.get("tool_name")
    return {"type": "revox.turn", "call_id": call_id, "attempt": attempt, "role": turn.get("role"), "content": content}


def _reached_somebody(order: Mapping[str, Any]) -> bool:
    talked = (None, "human", "unknown")
    attempts = order.get("call_attempts") or []
    return any(attempt.get("answered_at") and attempt.get("result") in talked for attempt in attempts)


def _has_output(order: Mapping[str, Any]) -> bool:
    return any(attempt.get("structured_output") for attempt in order.get("call_attempts") or [])
