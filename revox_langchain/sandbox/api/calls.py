"""What the operations on calls do."""

from __future__ import annotations

import copy
from collections.abc import Callable

from revox.types import CallCreateParams, CallExportParams, CallSearchParams

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
from revox_langchain.sandbox.api.checks import caller_id, check_references, moment
from revox_langchain.sandbox.api.handlers import Asked, Rejected, found, handles, illegal
from revox_langchain.sandbox.api.search import csv_of_calls, matching, page_of
from revox_langchain.sandbox.world.assistants import declared_variables, new_assistant
from revox_langchain.sandbox.world.orders import Dispatcher, Illegal
from revox_langchain.sandbox.world.records import CallRequest, Order
from revox_langchain.sandbox.world.timeline import as_stamp
from revox_langchain.sandbox.world.world import World


@handles(MakeCall, takes=CallCreateParams)
def make_call(world: World, asked: Asked) -> JsonObject:
    """Accept an order."""
    fields, switches = asked.fields, world.switches
    number, variables = fields["phone_number"], fields.get("prompt_variables")
    if switches.enforce_do_not_contact and number in world.do_not_contact:
        raise Rejected(403, f"{number} is marked do-not-contact.")
    assistant, shown = _assistant(world, fields)
    missing = declared_variables(assistant) - set(variables or {})
    if missing and switches.missing_variable == "refuse":
        raise Rejected(400, f"prompt_variables: {', '.join(sorted(missing))} missing.")
    at_s = moment(world, "scheduled_at", fields.get("scheduled_at"))
    request = CallRequest(
        number,
        assistant,
        from_number=caller_id(world, fields.get("from_phone_number") or assistant["from_phone_number"]),
        shown_assistant=copy.deepcopy(assistant) if shown else None,
        stored_assistant=fields.get("assistant_id"),
        scheduled_at=None if at_s is None else as_stamp(at_s),
        skip_window=bool(fields.get("skip_calling_window")),
        key=fields["concurrency"]["key"] if "concurrency" in fields else None,
        variables=variables,
        metadata=fields.get("metadata"),
    )
    return {"call": Dispatcher(world).place(request).call}


def _assistant(world: World, fields: JsonObject) -> tuple[JsonObject, bool]:
    """Who talks, and whether the order shows it: the stored assistant, also beside an inline one."""
    if "assistant" in fields:
        check_references(world, fields["assistant"])
    if "assistant_id" in fields:
        return found(world.assistants, fields["assistant_id"], "assistant"), True
    if "assistant" in fields:
        return new_assistant(world, fields["assistant"]), world.switches.inline_assistant_shown
    if world.switches.no_assistant == "refuse":
        raise Rejected(world.switches.invalid_status, "assistant_id: neither assistant_id nor assistant is given.")
    return new_assistant(world, {"prompt": ""}), False


@handles(GetCall)
def get_call(world: World, asked: Asked) -> JsonObject:
    """Show an order."""
    return {"call": found(world.orders, asked.id, "call")}


@handles(GetCallHistory, takes=CallSearchParams)
def get_call_history(world: World, asked: Asked) -> JsonObject:
    """Find orders."""
    hits = matching(world, asked.fields)
    attempts = world.switches.total_counts == "attempts"
    total = sum(call["calls_count"] for call in hits) if attempts else len(hits)
    return {"calls": page_of(hits, asked.fields, world.switches), "total_count": total}


@handles(ExportCalls, takes=CallExportParams)
def export_calls(world: World, asked: Asked) -> JsonObject:
    """Find orders and write them as CSV; an export has no pages."""
    text = csv_of_calls(
        matching(world, asked.fields["filters"]),
        metadata=bool(asked.fields.get("include_metadata")),
        structured=bool(asked.fields.get("include_structured_output_fields")),
    )
    return {"csv": text, "filename": f"calls-{world.stamp()[:10]}.csv"}


@handles(CancelCall)
def cancel_call(world: World, asked: Asked) -> JsonObject:
    """End an order for good."""
    return _changed(world, asked.id, Dispatcher(world).cancel)


@handles(PauseCall)
def pause_call(world: World, asked: Asked) -> JsonObject:
    """Start no new attempt."""
    return _changed(world, asked.id, Dispatcher(world).pause)


@handles(ResumeCall)
def resume_call(world: World, asked: Asked) -> JsonObject:
    """Continue a paused order."""
    return _changed(world, asked.id, Dispatcher(world).resume)


@handles(GetPhoneHistory)
def get_phone_history(world: World, asked: Asked) -> JsonObject:
    """Sum up all dialed orders per number."""
    history = {number: _unknown_number(number, world) for number in sorted(world.do_not_contact)}
    for order in world.book.values():
        call = order.call
        if order.inbound or not call["calls_count"]:
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
