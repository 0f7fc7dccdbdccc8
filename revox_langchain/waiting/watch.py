"""Watch a call order until it ends: adaptive polling as a flow, in slices that can be stopped and resumed.

Rules: poll quickly while an attempt is live, slowly while the order only waits; spread the polls by jitter; a failed
read does not end the wait; reported progress never goes backwards; an unknown status is shown as it is and waited on.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from revox_langchain.answers import JsonObject
from revox_langchain.errors import AnswerError, NotFound, RateLimited, Unavailable
from revox_langchain.flow import Event, Flow, Pause, Tick
from revox_langchain.operations.calls import GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import (
    Said,
    attempts_of,
    has_output,
    id_of,
    order_in,
    reached_someone,
    status_of,
    text_of,
    turns_of,
    unix_s,
)
from revox_langchain.results.spoken import said_at
from revox_langchain.waiting.policy import LIVE, WaitPolicy
from revox_langchain.waiting.watcher import Company, Hub, Watch

_SHORTEST_S = 0.001
"""A shorter pause would not move a clock that counts seconds since the epoch."""
_LOST_AFTER = 10
"""Reads in a row that do not find an order which exists, before that is believed."""


class Seen(BaseModel):
    """How far watching one order has come: plain JSON, so that a checkpoint can hold it.

    Attributes:
        waited_s: Seconds spent watching, over all slices.
        exists: Whether the order is known to exist, so that not finding it is believed only after a while.
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
    exists: bool = False
    stopped: str | None = None
    answer: JsonObject | None = Field(default=None, exclude=True)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self.status in ENDED


def watch(seen: Seen, policy: WaitPolicy, *, slice_s: float | None = None, by_attempt: bool = False) -> Flow[Seen]:
    """Poll an order until it ends, the slice or the patience is used up, or the caller asks to stop.

    A flow: nothing happens until `run(watch(...), connection)` or `await arun(...)` drives it.

    Args:
        seen: Where an earlier slice stopped, or `Seen(call_id=…)`.
        policy: How patiently.
        slice_s: Return after this many seconds; None goes on to the end.
        by_attempt: Return as at the end of a slice whenever an attempt has started or ended, too.

    Returns:
        What was seen, with `stopped` saying why it returned.

    Raises:
        RevoxToolError: The order cannot be read at all (wrong key, no such call).
    """
    hub: Hub = yield Company()
    hub.enter(1)
    try:
        return (yield from _watched(seen, policy, hub, slice_s, by_attempt))
    finally:
        hub.enter(-1)


def _watched(seen: Seen, policy: WaitPolicy, hub: Hub, slice_s: float | None, by_attempt: bool) -> Flow[Seen]:
    seen = seen.model_copy(update={"stopped": None})
    waited_before_s = seen.waited_s
    start_s = spoke_s = read_s = (yield Pause(0)).now_s
    while True:
        before, retry_after_s = seen, 0.0
        events: list[JsonObject] = []
        swept = hub.crowded if policy.live is None else not policy.live and hub.trusted is not False
        order: JsonObject | None = None
        if swept:
            now_s = (yield Pause(0)).now_s
            left_s = [policy.recheck_s - (now_s - read_s), policy.heartbeat_s - (now_s - spoke_s)]
            left_s += [policy.max_wait_s - waited_before_s - (now_s - start_s)]
            left_s += [slice_s - (now_s - start_s)] if slice_s is not None else []
            order = yield Watch(seen.call_id, max(_SHORTEST_S, min(left_s)), policy.sweep_s)
        tick = yield Pause(0)
        last_look = waited_before_s + tick.now_s - start_s >= policy.max_wait_s
        if order is None and (not swept or last_look or tick.now_s - read_s >= policy.recheck_s):
            order = hub.ends.known(seen.call_id, tick.now_s)
            if order is None:
                order, retry_after_s = yield from _look(seen)
                tick = yield Pause(0)
                hub.ends.keep(seen.call_id, order or {}, tick.now_s)
            read_s = tick.now_s
            events, seen = _news(seen, order)
        elif order is not None:
            events, seen = _news(seen, order)
        seen.waited_s = waited_before_s + tick.now_s - start_s
        for event in events:
            yield Event({**event, "elapsed_s": round(seen.waited_s, 1)})
            spoke_s = tick.now_s
        over = slice_s is not None and tick.now_s - start_s >= slice_s
        over |= by_attempt and _attempt_turned(before, seen)
        if stopped := _why_stop(seen, policy, tick, over):
            return seen.model_copy(update={"stopped": stopped})
        if tick.now_s - spoke_s >= policy.heartbeat_s:
            spoke_s = tick.now_s
            yield _heartbeat(seen)
        if swept:
            continue
        pause_s = _pause_s(seen, policy, retry_after_s)
        seen.idle_looks = 0 if seen.status in LIVE else seen.idle_looks + 1
        tick = yield Pause(pause_s)
        if tick.stop_requested:
            seen.waited_s = waited_before_s + tick.now_s - start_s
            return seen.model_copy(update={"stopped": "drain"})


def _attempt_turned(before: Seen, now: Seen) -> bool:
    """Whether an attempt has started or ended since the last look."""
    return now.attempts != before.attempts or (now.attempts > 0 and before.status in LIVE and now.status not in LIVE)


def _why_stop(seen: Seen, policy: WaitPolicy, tick: Tick, slice_over: bool) -> str | None:
    if seen.ended:
        return "ended"
    if seen.waited_s >= policy.max_wait_s:
        return "timeout"
    if tick.stop_requested:
        return "drain"
    return "slice" if slice_over else None


def _pause_s(seen: Seen, policy: WaitPolicy, retry_after_s: float) -> float:
    # The call id is the jitter's salt: waiters that start together spread out, and a test can repeat the pauses.
    wanted_s = policy.pause_s(seen.status, seen.idle_looks, seen.call_id)
    return max(0.0, min(max(wanted_s, retry_after_s), policy.max_wait_s - seen.waited_s))


def _heartbeat(seen: Seen) -> Event:
    elapsed_s = round(seen.waited_s, 1)
    return Event({"type": "revox.heartbeat", "call_id": seen.call_id, "status": seen.status, "elapsed_s": elapsed_s})


def read_order(call_id: str) -> Flow[JsonObject]:
    """Read an order once.

    Raises:
        RevoxToolError: It cannot be read, or what came back has no id.
    """
    order = order_in((yield GetCall(call_id=call_id)))
    if order is None:
        raise AnswerError(
            f"Revox answered without the call {call_id}.",
            next_step="Read it again with revox_get_call; the call itself goes on.",
        )
    return order


def settled_result(ended: Mapping[str, object], policy: WaitPolicy) -> Flow[JsonObject]:
    """Wait a bounded grace for structured output: `completed` does not mean that it is there already.

    Returns:
        The newest order, with the structured output or without.
    """
    newest = dict(ended)
    start_s = now_s = (yield Pause(0)).now_s
    call_id = id_of(ended)
    while call_id and status_of(newest) == "completed" and reached_someone(newest) and not has_output(newest):
        if now_s - start_s >= policy.result_grace_s:
            break
        now_s = (yield Pause(policy.live_s)).now_s
        order, _ = yield from _look(Seen(call_id=call_id, exists=True))
        # A replica that lags behind may still show the order as running.
        newest = order if order and status_of(order) in ENDED else newest
    return newest


def _look(seen: Seen) -> Flow[tuple[JsonObject | None, float]]:
    """Read the order once; after a passing failure return None and how many seconds Revox wants us to wait."""
    try:
        answer = yield GetCall(call_id=seen.call_id)
    except (AnswerError, RateLimited, Unavailable) as error:
        return None, error.retry_after_s or 0.0
    except NotFound:
        # Right after the dial a replica may not have the order yet; one that was never seen does not exist.
        if not seen.exists or seen.failed_reads >= _LOST_AFTER:
            raise
        return None, 0.0
    return order_in(answer), 0.0


def _news(seen: Seen, order: JsonObject | None) -> tuple[list[JsonObject], Seen]:
    """Compare with what was seen before; an answer older than that is not news."""
    if order is None:
        return [], seen.model_copy(update={"failed_reads": seen.failed_reads + 1})
    attempts = attempts_of(order)
    if _is_older(order, len(attempts), seen):
        return [], seen.model_copy(update={"polls": seen.polls + 1})
    # An order that has ended may come without the attempts that were seen before.
    count = max(len(attempts), seen.attempts)
    # Those of attempts before the one that was seen last are known.
    said = {number: _said(each) for number, each in enumerate(attempts, start=1) if number >= seen.attempts}
    turns = len(said.get(len(attempts), []))
    return _events(seen, order, attempts, said), seen.model_copy(
        update={
            "status": status_of(order),
            "updated_at": text_of(order.get("updated_at")) or seen.updated_at,
            "attempts": count,
            "turns": max(turns, seen.turns) if count == seen.attempts else turns,
            "polls": seen.polls + 1,
            "failed_reads": 0,
            "exists": True,
            "answer": order,
        }
    )


def _is_older(order: Mapping[str, object], attempts: int, seen: Seen) -> bool:
    # The end of an order is final: whatever moments or attempts come with it, it is not waited on any longer.
    if status_of(order) in ENDED:
        return False
    now_s, before_s = unix_s(order.get("updated_at")), unix_s(seen.updated_at)
    older = now_s is not None and before_s is not None and now_s < before_s
    return older or attempts < seen.attempts or seen.ended


def _events(
    seen: Seen, order: Mapping[str, object], attempts: list[Mapping[str, object]], said: Mapping[int, list[Said]]
) -> list[JsonObject]:
    """Say what is new in an order, given its attempts oldest first, and the turns of those that may have new ones."""
    count = max(len(attempts), seen.attempts)
    turns = {number: _turns(seen, number, attempts[number - 1], spoken) for number, spoken in said.items()}
    changed: list[JsonObject] = []
    if status_of(order) != seen.status or count != seen.attempts:
        status: JsonObject = {"type": "revox.status", "call_id": seen.call_id, "status": status_of(order)}
        of_attempt = {"attempt": count, "attempt_status": status_of(attempts[-1]) if attempts else None}
        changed = [{**status, **of_attempt, "scheduled_at": text_of(order.get("scheduled_at"))}]
    earlier = [event for number, events in turns.items() if number < count for event in events]
    latest = turns.get(count, [])
    # What was said comes before the end it led to, and after the start of the attempt it was said in.
    return [*latest, *changed] if count == seen.attempts else [*earlier, *changed, *latest]


def _turns(seen: Seen, number: int, attempt: Mapping[str, object], turns: list[Said]) -> list[JsonObject]:
    """Say what was spoken in an attempt since the last look."""
    known = seen.turns if number == seen.attempts else 0
    common = {"type": "revox.turn", "call_id": seen.call_id, "attempt": number}
    return [
        {**common, "role": said.role, "content": said.content, **({"said_at": moment} if moment else {})}
        for said, moment in list(zip(turns, said_at(attempt, turns), strict=True))[known:]
    ]


def _said(attempt: Mapping[str, object]) -> list[Said]:
    """What was said, in the version that grows while the call goes on."""
    return turns_of(attempt, ("transcript",))
