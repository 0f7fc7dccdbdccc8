"""What the operations on calls do."""

from __future__ import annotations

from collections.abc import Callable

from revox_langchain.answers import JsonObject
from revox_langchain.operations.calls import (
    CancelCall,
    ExportCalls,
    GetCall,
    GetCallHistory,
    GetPhoneHistory,
    MakeCall,
    PauseCall,
    ResumeCall,
)
from revox_langchain.sandbox.api.checks import caller_id, check_assistant, moment
from revox_langchain.sandbox.api.handlers import Rejected, found, handles, illegal
from revox_langchain.sandbox.api.search import csv_of_calls, matching, page_of
from revox_langchain.sandbox.world.assistants import declared_variables, new_assistant
from revox_langchain.sandbox.world.orders import Dispatcher, Illegal
from revox_langchain.sandbox.world.records import CallRequest, Order
from revox_langchain.sandbox.world.timeline import as_stamp
from revox_langchain.sandbox.world.world import World


@handles(MakeCall)
def make_call(world: World, op: MakeCall) -> JsonObject:
    """Accept an order."""
    switches = world.switches
    if switches.enforce_do_not_contact and op.phone_number in world.do_not_contact:
        raise Rejected(403, f"{op.phone_number} is marked do-not-contact.")
    if op.assistant_id is not None:
        assistant = found(world.assistants, op.assistant_id, "assistant")
    else:
        inline = op.wire().body or {}
        check_assistant(world, inline["assistant"])
        assistant = new_assistant(world, inline["assistant"])
    missing = declared_variables(assistant) - set(op.prompt_variables or {})
    if missing and switches.missing_variable == "refuse":
        raise Rejected(400, f"prompt_variables: {', '.join(sorted(missing))} missing.")
    at_s = moment(world, "scheduled_at", op.scheduled_at)
    request = CallRequest(
        op.phone_number,
        assistant,
        from_number=caller_id(world, op.from_phone_number or assistant["from_phone_number"]),
        stored_assistant=op.assistant_id,
        scheduled_at=None if at_s is None else as_stamp(at_s),
        skip_window=bool(op.skip_calling_window),
        key=op.concurrency_key,
        variables=op.prompt_variables,
        metadata=op.metadata,
    )
    return {"call": Dispatcher(world).place(request).call}


@handles(GetCall)
def get_call(world: World, op: GetCall) -> JsonObject:
    """Show an order."""
    return {"call": found(world.orders, op.call_id, "call")}


@handles(GetCallHistory)
def get_call_history(world: World, op: GetCallHistory) -> JsonObject:
    """Find orders."""
    hits = matching(world, op)
    attempts = world.switches.total_counts == "attempts"
    total = sum(call["calls_count"] for call in hits) if attempts else len(hits)
    return {"calls": page_of(hits, op, world.switches), "total_count": total}


@handles(ExportCalls)
def export_calls(world: World, op: ExportCalls) -> JsonObject:
    """Find orders and write them as CSV; an export has no pages."""
    text = csv_of_calls(
        matching(world, op),
        metadata=bool(op.include_metadata),
        structured=bool(op.include_structured_output_fields),
    )
    return {"csv": text, "filename": f"calls-{world.stamp()[:10]}.csv"}


@handles(CancelCall)
def cancel_call(world: World, op: CancelCall) -> JsonObject:
    """End an order for good."""
    return _changed(world, op.call_id, Dispatcher(world).cancel)


@handles(PauseCall)
def pause_call(world: World, op: PauseCall) -> JsonObject:
    """Start no new attempt."""
    return _changed(world, op.call_id, Dispatcher(world).pause)


@handles(ResumeCall)
def resume_call(world: World, op: ResumeCall) -> JsonObject:
    """Continue a paused order."""
    return _changed(world, op.call_id, Dispatcher(world).resume)


@handles(GetPhoneHistory)
def get_phone_history(world: World, op: GetPhoneHistory) -> JsonObject:
    """Sum up all dialed orders per number."""
    history = {number: _unknown_number(number, world) for number in sorted(world.do_not_contact)}
    for order in world.book.values():
        call = order.call
        if not call["calls_count"]:
            continue
        number = call["to_phone_number"]
        known = history.setdefault(number, _unknown_number(number, world))
        known["count"] += call["calls_count"]
        known["reached_human"] |= any(attempt["result"] == "human" for attempt in call["call_attempts"])
        known["hot"] |= call["outcome"] == "interested"
        known["last_called_at"] = call["last_call_attempt"]["started_at"] or known["last_called_at"]
        known["last_outcome"] = call["outcome"] or known["last_outcome"]
        if call["campaign"] and call["campaign"] not in known["campaigns"]:
            known["campaigns"].append(call["campaign"])
    return {"phone_history": history}


def _changed(world: World, call_id: str, change: Callable[[Order], None]) -> JsonObject:
    order = found(world.book, call_id, "call")
    try:
        change(order)
    except Illegal as error:
        return illegal(world.switches, str(error))
    return {"success": True}


def _unknown_number(number: str, world: World) -> JsonObject:
    return {
        "campaigns": [],
        "count": 0,
        "do_not_contact": number in world.do_not_contact,
        "hot": False,
        "reached_human": False,
        "last_called_at": None,
        "last_outcome": None,
    }
