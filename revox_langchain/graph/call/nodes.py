"""What each node does: flows, without a client, a clock or a graph.

    prepare → choose_voice → ensure_assistant → (approve) → arm → place_call → (ask) → wait ⇄ itself → report

A flow returns the update of the state, and where it chooses the next node, that node's name under `GOTO`. Choosing the
voice and ensuring the assistant are in `assistant`, the two questions in `questions`.
"""

from __future__ import annotations

import uuid
from typing import cast

from revox_langchain.answers import JsonObject
from revox_langchain.dialing.earlier import check_repeat
from revox_langchain.dialing.intent import intent_for, refuse_reserved
from revox_langchain.dialing.numbers import default_region
from revox_langchain.dialing.placing import Earlier, place
from revox_langchain.errors import (
    AuthError,
    InvalidInput,
    NotFound,
    PlacementUnknown,
    RateLimited,
    Refused,
    RevoxToolError,
)
from revox_langchain.flow import Event, Flow, Pause
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.order import order_of
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.state import VERSION, CallRequest, CallState, IntentMark, Progress
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.phone import parse_phone
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import attempts_of, status_of, turns_of
from revox_langchain.results.schema import config_from_schema
from revox_langchain.waiting.watch import Seen, read_order, settled_result, watch
from revox_langchain.waiting.watcher import Company, Hub


def prepare(given: CallInput, settings: Settings, thread_id: str | None) -> Flow[Update]:
    """Check the input, normalise the number, derive the intent, and forget the run before."""
    given.check()
    refuse_reserved(given.metadata)
    given = _with_schema(given, settings)
    asked = cast("CallRequest", given.model_dump(mode="json"))
    fresh: Update = {**_FORGOTTEN, "version": VERSION}
    # Without a thread the orders of this run are counted; only a thread is part of an intent.
    fresh |= {"scope": thread_id or f"run {uuid.uuid4()}", "within": "thread" if thread_id else "run"}
    fresh["began_s"] = (yield Pause(0)).now_s
    try:
        region = yield from default_region(settings.guard.policy, given.phone_number)
        phone = settings.guard.check_number(given.phone_number, region)
        if given.repeat_of is not None:
            yield from check_repeat(given.repeat_of, phone.e164)
    except (Refused, InvalidInput) as error:
        return {**fresh, "asked": asked, "error": error.as_dict(), GOTO: "report"}
    asked |= {"phone_number": phone.e164, "region": phone.region}
    if given.from_phone_number is not None:
        asked["from_phone_number"] = _caller_id(given.from_phone_number, region)
    mark = _marked(given, phone.e164, thread_id, by_model=settings.by_model)
    return {**fresh, "asked": asked, "intent_mark": mark, "intent_id": mark["intent_id"], GOTO: "choose_voice"}


def _with_schema(given: CallInput, settings: Settings) -> CallInput:
    """The input with what is to be extracted from the conversation; an assistant that was given brings its own.

    Raises:
        InvalidInput: It asks for something else than the code that built the graph, or for what cannot be extracted.
    """
    asked, fixed = given.structured_output_schema, settings.schema
    if asked is not None:
        config_from_schema(asked)
    if fixed is None or given.assistant_id is not None:
        return given
    if asked not in (None, fixed):
        raise InvalidInput(
            "structured_output_schema was given, but this graph asks for its own.",
            next_step="Leave structured_output_schema out.",
        )
    return given.model_copy(update={"structured_output_schema": fixed})


def place_call(state: CallState, settings: Settings, *, earlier: Earlier, can_ask: bool) -> Flow[Update]:
    """Place the call through the one placing flow; never interrupts."""
    try:
        placed = yield from place(order_of(state, settings), settings.guard, earlier=earlier)
    except PlacementUnknown as error:
        update: Update = {"error": error.as_dict(), "mode": None, "sandbox": (yield Pause(0)).sandbox}
        # The caller's code permits one more dial; after a second lost answer only a person may.
        if settings.on_unknown == "dial" and not state.get("redials"):
            return {**update, "redials": 1, GOTO: "arm"}
        if settings.on_unknown == "report":
            return {**update, GOTO: "report"}
        if not can_ask:
            raise
        return {**update, GOTO: "ask"}
    except (AuthError, Refused, InvalidInput, RateLimited, NotFound) as error:
        # Refused on the first attempt is certainly not placed; after an earlier one that is not known.
        not_placed: Update = {"mode": None, "armed": state.get("armed") if state.get("rearmed") else None}
        if error.code == "configuration_changed" and settings.approve:
            warnings = [*state["warnings"], f"{error.message} This question shows it as it is now."]
            return {**not_placed, "approved": False, "warnings": warnings, GOTO: "show"}
        return {**not_placed, "error": error.as_dict(), GOTO: "report"}
    event = {"intent_id": placed.intent_id, "adopted": placed.adopted, "status": placed.call.get("status")}
    yield Event({"type": "revox.placed", "call_id": placed.call_id, **event})
    found = "The order of an earlier run was found; the phone did not ring again."
    return {
        "call_id": placed.call_id,
        "intent_id": placed.intent_id,
        "adopted": placed.adopted,
        "watch": Seen(call_id=placed.call_id, exists=True).model_dump(),
        "progress": {"status": status_of(placed.call), "attempt": 0, "last_turn": None},
        "notes": [*state["notes"], *([found] if placed.adopted and not placed.notes else [])],
        "warnings": [*([placed.warning] if placed.warning else []), *state["warnings"], *placed.notes],
        "placed_at": placed.placed_at,
        "error": None,
        "mode": None,
        GOTO: "wait",
    }


def wait(state: CallState, settings: Settings) -> Flow[Update]:
    """Seen the order for one slice, or until an attempt starts or ends; then say where it stands."""
    seen = Seen(**(state["watch"] or {}))
    try:
        seen = yield from watch(seen, settings.wait, slice_s=settings.wait.next_slice_s(seen.waited_s), by_attempt=True)
    except RevoxToolError as error:
        # The call is placed: whatever cannot be read of it, the run must end with its id.
        return {"error": error.as_dict(), GOTO: "report"}
    return {
        **stands(seen, state),
        GOTO: "wait" if seen.stopped in ("slice", "drain") else "report",
    }


def report(state: CallState, settings: Settings) -> Flow[Update]:
    """Say what became of the call. The transcript enters the state here, once."""
    base = {**_unplaced(state), "sandbox": (yield Pause(0)).sandbox}
    base |= {name: None for name in ("asking", "progress") if state.get(name)}
    if not state.get("watch"):
        code = (state.get("error") or {}).get("code")
        status = {"placement_unknown": "unknown", "given_up": "given_up"}.get(str(code), "refused")
        yield Event({"type": "revox.report", "status": status, "call_id": None, "code": code})
        return {**base, "status": status}
    seen = Seen(**(state["watch"] or {}))
    wants_output = (state.get("spoken") or {}).get("wants_output", False)
    try:
        order = yield from _ended_order(seen.call_id)
        if wants_output:
            order = yield from settled_result(order, settings.wait)
    except RevoxToolError as error:
        status = str(seen.status) if seen.ended else "still_running"
        yield Event({"type": "revox.report", "call_id": seen.call_id, "status": status, "disposition": None})
        return {**base, "status": status, "error": _unread(seen, error)}
    result = CallResult.from_call(order)
    warnings = list(state.get("warnings") or [])
    if result.ended and wants_output and result.structured_output is None:
        warnings.append("Structured output was asked for, and none came.")
    if result.misfits:
        warnings.append(f"Structured output does not fit what was asked for: {'; '.join(result.misfits)}.")
    out = result.as_output()
    yield Event({"type": "revox.report", "call_id": seen.call_id, **{k: out[k] for k in ("status", "disposition")}})
    error_now = None if result.ended else _still_running(seen).as_dict()
    return {**base, **out, "sandbox": base["sandbox"] or result.sandbox, "error": error_now, "warnings": warnings}


def _ended_order(call_id: str) -> Flow[JsonObject]:
    """The order to report from: as this process has read it just now, else read again."""
    # The watched answer stays out of checkpoints, so a run that goes on after a crash does not have it.
    hub: Hub = yield Company()
    order = hub.ends.take(call_id, (yield Pause(0)).now_s)
    if order is None:
        order = yield from read_order(call_id)
        hub.ends.compare(call_id, order)
    return order


_FORGOTTEN: Update = {
    "intent_mark": None,
    "edited": None,
    "problem": None,
    "approved": False,
    "spoken": {},
    "voice": None,
    "token": None,
    "mode": None,
    "redials": 0,
    "watch": None,
    "progress": None,
    "deadline_at": None,
    "woken": None,
    "call_id": None,
    "intent_id": None,
    "adopted": False,
    "placed_at": None,
    "notes": [],
    "warnings": [],
    "error": None,
}
"""What a run must not find of the run before it. `armed` stays, and `asking`: a question left open had been seen."""


def _unplaced(state: CallState) -> Update:
    """The output as far as it is known without an order."""
    spoken = state.get("spoken") or {}
    return {
        "call_id": state.get("call_id"),
        "intent_id": state.get("intent_id"),
        "adopted": bool(state.get("adopted")),
        "placed_at": state.get("placed_at"),
        "assistant_id": spoken.get("assistant_id"),
        "language": spoken.get("language"),
        "voice": state.get("voice"),
        "disposition": None,
        "conclusion": None,
        "outcome": None,
        "outcome_summary": None,
        "transcript": [],
        "structured_output": None,
        "recording_url": None,
        "attempts": [],
        "notes": state.get("notes") or [],
        "warnings": state.get("warnings") or [],
        "error": state.get("error"),
    }


def _marked(given: CallInput, phone_number: str, thread_id: str | None, *, by_model: bool) -> IntentMark:
    intent = intent_for(
        given.intent,
        given.repeat_of,
        thread_id,
        by_model=by_model,
        phone_number=phone_number,
        prompt=given.prompt,
        assistant_id=given.assistant_id,
        prompt_variables=given.prompt_variables,
        scheduled_at=given.scheduled_at,
    )
    return {
        "intent_id": intent.intent_id,
        "durable": intent.durable,
        "also": list(intent.also),
        "content": intent.content,
        "named": intent.named,
    }


def stands(seen: Seen, state: CallState) -> Update:
    """Where an order stands, as the state keeps it."""
    return {"watch": seen.model_dump(), "progress": _progress(seen, state.get("progress"))}


def _progress(seen: Seen, before: Progress | None) -> Progress:
    attempt, turn = seen.attempts, before["last_turn"] if before else None
    # Without an answer in this slice what was said before is still the last that is known.
    if seen.answer is not None:
        attempts = attempts_of(seen.answer)
        said = turns_of(attempts[-1]) if attempts else []
        turn = f"{said[-1].role}: {said[-1].content}"[:_LONGEST_TURN] if said else None
    return {"status": seen.status, "attempt": attempt, "last_turn": turn}


_LONGEST_TURN = 200


def _caller_id(number: str, region: str | None) -> str:
    phone = parse_phone(number, region)
    if phone.extension:
        raise InvalidInput(
            "from_phone_number: it has an extension.", code="extension", next_step="Leave it out of from_phone_number."
        )
    return phone.e164


def _unread(seen: Seen, error: RevoxToolError) -> JsonObject:
    """The error of a call that exists and whose end could not be read."""
    steps = f"{error.next_step} Then read call {seen.call_id} (`revox-langchain watch {seen.call_id}`).".strip()
    return {
        **error.as_dict(),
        "message": f"The call was placed, and its result could not be read. {error.message}",
        "next_step": steps,
        "details": {**error.details, "call_id": seen.call_id},
    }


def _still_running(seen: Seen) -> RevoxToolError:
    return RevoxToolError(
        f"The call is {seen.status} after {seen.waited_s:.0f} s of waiting; it goes on.",
        code="still_running",
        next_step=f"Invoke the thread again, or watch call {seen.call_id} (`revox-langchain watch`).",
        retry_safe=True,
    )
