"""Of several orders under one mark the earliest stays."""

from __future__ import annotations

from collections.abc import Sequence

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.intent import Intent, Placed
from revox_langchain.dialing.marks import mark_of
from revox_langchain.errors import Refused, RevoxToolError
from revox_langchain.flow import Flow
from revox_langchain.operations.calls import CancelCall, GetCall
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import metadata_of, order_in, status_of, unix_s


def keep_earliest(
    marked: Sequence[JsonObject], intent: Intent, *, ours: str | None = None, cancel: bool = True
) -> Flow[Placed]:
    """Keep the earliest order of a mark and cancel the others that still run; every process picks the same one.

    Raises:
        Refused: With code `intent_conflict`: the earliest was placed for something else.
    """
    first, *rest = sorted(marked, key=_precedence)
    differs = [] if str(first["id"]) == ours else intent.conflicts(metadata_of(first))
    if differs and ours is None:
        raise _conflict(str(first["id"]), differs)
    cancelled: list[str] = []
    notes: list[str] = []
    for extra_id in [str(extra["id"]) for extra in rest if status_of(extra) not in ENDED]:
        if not cancel:
            notes.append(f"A second order {extra_id} of the same intent exists; cancel it with revox_cancel_call.")
            continue
        done, why = yield from cancel_order(extra_id)
        if done:
            cancelled.append(extra_id)
            notes.append(f"A second order {extra_id} of the same intent was cancelled; it may have rung.")
        else:
            notes.append(f"A second order {extra_id} of the same intent could not be cancelled{why or '.'}")
    if differs:
        raise _conflict(str(first["id"]), differs, notes)
    # The mark it carries, which may be one that release 0.1 derived.
    intent_id = mark_of(first) or intent.intent_id
    return Placed(first, intent_id, str(first["id"]) != ours, tuple(cancelled), tuple(notes))


def _conflict(call_id: str, differs: Sequence[str], notes: Sequence[str] = ()) -> Refused:
    what = " and ".join(differs)
    return Refused(
        " ".join((f"Call {call_id} was placed under the same intent with another {what}.", *notes)),
        code="intent_conflict",
        next_step=(
            f"Read that call with revox_get_call, call_id={call_id}. To call again, give repeat_of={call_id} once it "
            f"has ended, or a new intent; to get that call, repeat its {what}."
        ),
        details={"call_id": call_id, "differs": list(differs)},
    )


def _precedence(call: JsonObject) -> tuple[bool, float, str]:
    # A cancelled order must not win over one that is running. Ids decide between equal moments, so that
    # two processes never keep one each.
    return call.get("status") in ("cancelled", "errored"), unix_s(call.get("created_at")) or 0.0, str(call["id"])


def cancel_order(call_id: str) -> Flow[tuple[bool, str]]:
    """Cancel an order; returns whether it is cancelled, and if not, why, as the end of a sentence."""
    try:
        done, why = bool((yield CancelCall(call_id=call_id)).get("success")), ""
    except RevoxToolError as error:
        done, why = False, f": {error.message}"
    if done:
        return True, why
    try:
        # The other process cancels the same order; whichever request comes second is refused.
        return status_of(order_in((yield GetCall(call_id=call_id))) or {}) == "cancelled", why
    except RevoxToolError:
        return False, why
