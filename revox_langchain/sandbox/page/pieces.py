"""What the page shows of a world, in pieces that each change on their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import TypeVar

from revox_langchain.answers import JsonObject
from revox_langchain.operations.secrets import redacted_url
from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.campaigns import orders_of, status_of
from revox_langchain.sandbox.world.records import Campaign, Order
from revox_langchain.sandbox.world.timeline import as_stamp
from revox_langchain.sandbox.world.world import World

T = TypeVar("T")

_MOST_CALLS = 50
_MOST_OTHERS = 50
_MOST_TURNS = 200
_LONGEST_PROMPT = 300
_OF_AN_ATTEMPT = (
    "id",
    "status",
    "result",
    "dial_error",
    "started_at",
    "answered_at",
    "ended_at",
    "ended_by",
    "end_reason",
    "structured_output",
)
_OF_AN_ORDER = ("id", "status", "direction", "to_phone_number", "from_phone_number", "calls_count", "created_at")


def pieces_of(sandbox: Sandbox) -> dict[str, str]:
    """The pieces of a page by name, each as JSON: `clock`, `phone`, `call/…` and so on."""
    with sandbox.world.lock:
        sandbox.world.catch_up()
        return {name: json.dumps(value) for name, value in _pieces(sandbox)}


def _pieces(sandbox: Sandbox) -> Iterator[tuple[str, object]]:
    world = sandbox.world
    orders = list(islice(reversed(world.book.values()), _MOST_CALLS))
    yield "clock", _clock(sandbox)
    yield "phone", [_on_phone(sandbox, call_id) for call_id in world.phone.calls]
    yield "calls", [order.call["id"] for order in orders]
    for order in orders:
        yield f"call/{order.call['id']}", _call(order)
    yield "exchanges", [each.number for each in reversed(sandbox.exchanges.kept)]
    for exchange in sandbox.exchanges.kept:
        yield f"exchange/{exchange.number}", {**exchange.shown, "at": as_stamp(exchange.at_s)}
    first = max(len(sandbox.outbox) - _MOST_OTHERS, 0)
    yield "webhooks", list(range(len(sandbox.outbox), first, -1))
    for number, post in enumerate(sandbox.outbox[first:], first + 1):
        yield f"webhook/{number}", _sent(post)
    yield "asked", [_sent(each) for each in sandbox.asked[-_MOST_OTHERS:]][::-1]
    yield "faults", [_fault(each) for each in sandbox.faults.pending]
    yield "assistants", [_assistant(each) for each in _latest(world.assistants)]
    yield "campaigns", [_campaign(world, each) for each in _latest(world.campaigns)]
    yield "voices", [_voice(each) for each in world.voices.values()]


def _clock(sandbox: Sandbox) -> JsonObject:
    world = sandbox.world
    return {
        "now": as_stamp(world.moment_s),
        "speed": world.speed,
        "pace": world.pace,
        "calls": len(world.book),
        "requests": sandbox.exchanges.seen,
        "webhooks": len(sandbox.outbox),
        "rang": sandbox.rang,
    }


def _on_phone(sandbox: Sandbox, attempt_id: str) -> JsonObject:
    call = sandbox.phone.calls[attempt_id]
    return {"id": call.id, "call_id": call.call_id, "other": call.other, "state": call.state}


def _call(order: Order) -> JsonObject:
    call, attempt = order.call, order.call["last_call_attempt"] or {}
    until_s = order.waits_until_s
    attempts = [{name: each[name] for name in _OF_AN_ATTEMPT} for each in call["call_attempts"]]
    return {
        **{name: call[name] for name in (*_OF_AN_ORDER, "outcome", "outcome_summary", "metadata")},
        "campaign": (call["campaign"] or {}).get("name"),
        "waits": order.waits,
        "waits_until": None if until_s is None else as_stamp(until_s),
        "attempts": attempts,
        "transcript": (attempt.get("transcript") or [])[-_MOST_TURNS:],
    }


def _sent(post: JsonObject) -> JsonObject:
    return {**post, "url": redacted_url(post["url"]), "at": as_stamp(post["at_s"])}


def _fault(fault: Fault) -> JsonObject:
    on = fault.on if fault.on is None or isinstance(fault.on, str) else fault.on.spec.name
    return {**asdict(fault), "on": on}


def _assistant(assistant: JsonObject) -> JsonObject:
    voice, prompt = assistant["voice"] or {}, assistant["prompt"] or ""
    return {
        "id": assistant["id"],
        "name": assistant["name"],
        "voice": voice.get("id"),
        "prompt": prompt if len(prompt) <= _LONGEST_PROMPT else f"{prompt[:_LONGEST_PROMPT]}…",
    }


def _campaign(world: World, campaign: Campaign) -> JsonObject:
    data = campaign.data
    return {
        "id": data["id"],
        "name": data["name"],
        "status": status_of(world, campaign),
        "contacts": len(campaign.rows),
        "ended": sum(order.ended for order in orders_of(world, campaign)),
    }


def _voice(voice: JsonObject) -> JsonObject:
    return {name: voice.get(name) for name in ("id", "name", "provider", "language", "gender")}


def _latest(things: dict[str, T]) -> list[T]:
    return list(islice(reversed(things.values()), _MOST_OTHERS))
