"""Watch a call order until it ends: adaptive polling as a flow, in slices that can be stopped and resumed.

Rules: poll quickly while an attempt is live, slowly while the order only waits; spread the polls by jitter; a failed
read does not end the wait; reported progress never goes backwards; an unknown status is shown as it is and waited on.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from revox_langchain.answers import JsonObject
from revox_langchain.errors import AnswerError, RateLimited, Unavailable
from revox_langchain.flow import Event, Flow, Pause, Tick
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.waiting.policy import LIVE, WaitPolicy


class Watch(BaseModel):
    """How far watching one order has come: plain JSON, so that a checkpoint can hold it.

    Attributes:
        waited_s: Seconds spent watching, over all slices.
        stopped: Why the watching stopped: `ended`, `slice` (go on), `timeout` (waited long enough) or `drain`.
        answer: The newest order in full; left out of dumps, since a checkpoint must stay small.
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
    answer: JsonObject | None = Field(default=None, exclude=True)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self.status in ENDED


def watch(seen: Watch, policy: WaitPolicy, *, slice_s: float | None = None) -> Flow[Watch]:
    """Poll an order until it ends, the slice or the patience is used up, or the caller asks to stop.

    A flow: nothing happens until `run(watch(...), connection)` or `await arun(...)` drives it.

    Args:
        seen: Where an earlier slice stopped, or `Watch(call_id=…)`.
        policy: How patiently.
        slice_s: Return after this many seconds; None goes on to the end.

    Returns:
        What was seen, with `stopped` saying why it returned.

    Raises:
        RevoxToolError: The order cannot be read at all (wrong key, no such call).
    """
    seen = seen.model_copy(update={"stopped": None})
    waited_before_s = seen.waited_s
    start_s = spoke_s = (yield Pause(0)).now_s
    while True:
        order, retry_after_s = yield from _look(seen)
        tick = yield Pause(0)
        events, seen = _news(seen, order)
        seen.waited_s = waited_before_s + tick.now_s - start_s
        for event in events:
            yield Event({**event, "elapsed_s": round(seen.waited_s, 1)})
            spoke_s = tick.now_s
        over = slice_s is not None and tick.now_s - start_s >= slice_s
        if stopped := _why_stop(seen, policy, tick, over):
            return seen.model_copy(update={"stopped": stopped})
        if tick.now_s - spoke_s >= policy.heartbeat_s:
            spoke_s = tick.now_s
            yield _heartbeat(seen)
        pause_s = _pause_s(seen, policy, retry_after_s)
        seen.idle_looks = 0 if seen.status in LIVE else seen.idle_looks + 1
        tick = yield Pause(pause_s)
        if tick.stop_requested:
            seen.waited_s = waited_before_s + tick.now_s - start_s
            return seen.model_copy(update={"stopped": "drain"})


def _why_stop(seen: Watch, policy: WaitPolicy, tick: Tick, slice_over: bool) -> str | None:
    if seen.ended:
        return "ended"
    if seen.waited_s >= policy.max_wait_s:
        return "timeout"
    if tick.stop_requested:
        return "drain"
    return "slice" if slice_over else None


def _pause_s(seen: Watch, policy: WaitPolicy, retry_after_s: float) -> float:
    # The call id is the jitter's salt: waiters that start together spread out, and a test can repeat the pauses.
    wanted_s = policy.pause_s(seen.status, seen.idle_looks, seen.call_id)
    return max(0.0, min(max(wanted_s, retry_after_s), policy.max_wait_s - seen.waited_s))


def _heartbeat(seen: Watch) -> Event:
    elapsed_s = round(seen.waited_s, 1)
    return Event({"type": "revox.heartbeat", "call_id": seen.call_id, "status": seen.status, "elapsed_s": elapsed_s})


def settled_result(ended: Mapping[str, object], policy: WaitPolicy) -> Flow[JsonObject]:
    """Wait a bounded grace for structured output: `completed` does not mean that it is there already.

    Returns:
        The newest order, with the structured output or without.
    """
    newest = dict(ended)
    start_s = now_s = (yield Pause(0)).now_s
    while newest.get("status") == "completed" and _reached_someone(newest) and not _has_output(newest):
        if now_s - start_s >= policy.result_grace_s:
            break
        now_s = (yield Pause(policy.live_s)).now_s
        order, _ = yield from _look(Watch(call_id=str(newest["id"])))
        # A replica that lags behind may still show the order as running.
        newest = order if order and order.get("status") in ENDED else newest
    return newest


def _look(seen: Watch) -> Flow[tuple[JsonObject | None, float]]:
    """Read the order once; after a passing failure return None and how many seconds Revox wants us to wait."""
    try:
        answer = yield GetCall(call_id=seen.call_id)
    except (AnswerError, RateLimited, Unavailable) as error:
        return None, error.retry_after_s or 0.0
    order = answer.get("call")
    return (order, 0.0) if isinstance(order, dict) and order.get("id") else (None, 0.0)


def _news(seen: Watch, order: JsonObject | None) -> tuple[list[JsonObject], Watch]:
    """Compare with what was seen before; an answer older than that is not news."""
    if order is None:
        return [], seen.model_copy(update={"failed_reads": seen.failed_reads + 1})
    attempts = list(reversed(order.get("call_attempts") or []))
    if _is_older(order, len(attempts), seen):
        return [], seen.model_copy(update={"polls": seen.polls + 1})
    turns = len(attempts[-1].get("transcript") or []) if attempts else 0
    updated_at = order.get("updated_at")
    return _events(seen, order, attempts), seen.model_copy(
        update={
            "status": order.get("status"),
            "updated_at": updated_at if isinstance(updated_at, str) else seen.updated_at,
            "attempts": len(attempts),
            "turns": max(turns, seen.turns) if len(attempts) == seen.attempts else turns,
            "polls": seen.polls + 1,
            "failed_reads": 0,
            "answer": order,
        }
    )


def _is_older(order: JsonObject, attempts: int, seen: Watch) -> bool:
    updated_at = order.get("updated_at")
    # Compared as texts, which is right for ISO 8601 in one format and zone, as Revox writes it.
    older = isinstance(updated_at, str) and seen.updated_at is not None and updated_at < seen.updated_at
    return older or attempts < seen.attempts or (seen.ended and order.get("status") not in ENDED)


def _events(seen: Watch, order: JsonObject, attempts: list[JsonObject]) -> list[JsonObject]:
    """Say what is new in an order, given its attempts oldest first."""
    count = len(attempts)
    said = {
        number: _turns(seen, number, attempt)
        for number, attempt in enumerate(attempts, start=1)
        if number >= seen.attempts
    }
    changed: list[JsonObject] = []
    if order.get("status") != seen.status or count != seen.attempts:
        status: JsonObject = {"type": "revox.status", "call_id": seen.call_id, "status": order.get("status")}
        newest = attempts[-1] if attempts else {}
        of_attempt = {"attempt": count, "attempt_status": newest.get("status")}
        changed = [{**status, **of_attempt, "scheduled_at": order.get("scheduled_at")}]
    earlier = [event for number, events in said.items() if number < count for event in events]
    latest = said.get(count, [])
    # What was said comes before the end it led to, and after the start of the attempt it was said in.
    return [*latest, *changed] if count == seen.attempts else [*earlier, *changed, *latest]


def _turns(seen: Watch, number: int, attempt: JsonObject) -> list[JsonObject]:
    """Say what was spoken in an attempt since the last look."""
    known = seen.turns if number == seen.attempts else 0
    common = {"type": "revox.turn", "call_id": seen.call_id, "attempt": number}
    return [
        {**common, "role": turn.get("role"), "content": turn.get("content") or turn.get("tool_name")}
        for turn in (attempt.get("transcript") or [])[known:]
    ]


def _reached_someone(order: JsonObject) -> bool:
    talked = (None, "human", "unknown")
    attempts = order.get("call_attempts") or []
    return any(attempt.get("answered_at") and attempt.get("result") in talked for attempt in attempts)


def _has_output(order: JsonObject) -> bool:
    return any(attempt.get("structured_output") for attempt in order.get("call_attempts") or [])
