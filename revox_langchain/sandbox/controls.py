"""Steering a sandbox from other processes: time, faults, switches, callers, the phone, state."""

from __future__ import annotations

from dataclasses import asdict

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.phone import PhoneCall
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.timeline import as_stamp

_SHOWN_OF_AN_ORDER = ("id", "status", "to_phone_number", "calls_count", "outcome", "metadata")
_PHONE_ACTS = {
    "pick_up": PhoneCall.pick_up,
    "decline": PhoneCall.decline,
    "voicemail": PhoneCall.leave_to_voicemail,
    "hang_up": PhoneCall.hang_up,
}
_MISTAKES = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError)


def controls_of(sandbox: Sandbox) -> Mount:
    """Routes below `/sandbox`; they take and give JSON, without a key."""

    async def advance(request: Request) -> Response:
        seconds = float((await request.json())["seconds"])
        await run_in_threadpool(sandbox.world.advance, seconds)
        return JSONResponse({"now": as_stamp(sandbox.world.now_s)})

    async def receive(request: Request) -> Response:
        given = await request.json()
        call = await run_in_threadpool(sandbox.receive, given["from_number"], given["to_number"])
        return JSONResponse({"call": call})

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_state, sandbox))

    async def faults(request: Request) -> Response:
        given = await request.json()
        sandbox.faults.add(*(Fault.from_json(each) for each in (given if isinstance(given, list) else [given])))
        return JSONResponse({"pending": len(sandbox.faults.pending)})

    async def clear(request: Request) -> Response:
        sandbox.faults.clear()
        return JSONResponse({"pending": 0})

    async def speed(request: Request) -> Response:
        given = (await request.json())["speed"]
        await run_in_threadpool(sandbox.run_at, None if given is None else float(given))
        return JSONResponse({"speed": sandbox.world.speed})

    async def phone(request: Request) -> Response:
        given = await request.json()
        call = await run_in_threadpool(_use_phone, sandbox, given["id"], given["act"], given.get("words"))
        return JSONResponse({"state": call.state})

    async def reset(request: Request) -> Response:
        await run_in_threadpool(sandbox.reset)
        return JSONResponse({"now": as_stamp(sandbox.world.now_s)})

    async def switches(request: Request) -> Response:
        sandbox.switches = sandbox.switches.changed(await request.json())
        shown = asdict(sandbox.switches)
        return JSONResponse({key: sorted(v) if isinstance(v, frozenset) else v for key, v in shown.items()})

    routes = [
        Route("/state", state),
        Route("/faults", clear, methods=["DELETE"]),
        *(
            Route(f"/{act.__name__}", act, methods=["POST"])
            for act in (advance, faults, phone, receive, reset, speed, switches)
        ),
    ]
    # An app of its own, so that its exception handlers do not apply to the API.
    return Mount("/sandbox", Starlette(routes=routes, exception_handlers=dict.fromkeys(_MISTAKES, _explain)))


async def _explain(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


def _use_phone(sandbox: Sandbox, phone_call_id: str, act: str, words: str | None) -> PhoneCall:
    call = sandbox.phone.calls.get(phone_call_id)
    if call is None:
        raise ValueError("that call is over")
    if act == "say":
        call.say(words or "")
        return call
    if act not in _PHONE_ACTS:
        raise ValueError(f"a phone can {', '.join((*_PHONE_ACTS, 'say'))}, not {act}")
    _PHONE_ACTS[act](call)
    return call


def _shown(order: Order) -> JsonObject:
    until_s = order.waits_until_s
    shown = {key: order.call[key] for key in _SHOWN_OF_AN_ORDER}
    return {**shown, "waits_until": None if until_s is None else as_stamp(until_s)}


def _state(sandbox: Sandbox) -> JsonObject:
    world = sandbox.world
    with world.lock:
        return {
            "sandbox": True,
            "now": as_stamp(world.now_s),
            "speed": world.speed,
            "dials": len(sandbox.dials),
            "rang": sandbox.rang,
            "orders": [_shown(order) for order in world.book.values()],
            "requests": dict(sandbox.counts),
            "asked": len(sandbox.asked),
            "webhooks": len(sandbox.outbox),
            "faults_pending": len(sandbox.faults.pending),
        }
