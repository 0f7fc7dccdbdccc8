"""Calls: placed once, resumed only where they may be dialed, waited for, and looked for when lost."""

from __future__ import annotations

import uuid

from pydantic import Field

from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.actions.voices import with_voice
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import merged
from revox_langchain.dialing.earlier import check_repeat
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.intent import Order, intent_for
from revox_langchain.dialing.numbers import with_digits_as_keys
from revox_langchain.dialing.placing import Earlier, place, recover
from revox_langchain.dialing.spending import spending
from revox_langchain.errors import Refused, RevoxToolError, outcome_of
from revox_langchain.flow import Flow, Pause, Recent
from revox_langchain.operations.calls import GetPhoneHistory, MakeCall, ResumeCall, Transcript
from revox_langchain.operations.fields import E164, CallId, IntentId
from revox_langchain.operations.operation import Operation, Request, Risk, procedure
from revox_langchain.operations.render import calls as render
from revox_langchain.operations.schema import HIDDEN
from revox_langchain.results.order import object_of, sandbox_of
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Seen, read_order, settled_result, watch


@procedure(risk=Risk.READ, render=render.waited)
class WaitForCall(Request):
    """Wait until a call has ended and return how it went. Still running: wait again."""

    call_id: CallId
    interval_s: float = Field(default=5, ge=0.5, le=300, description="Seconds between looks.", json_schema_extra=HIDDEN)
    timeout_s: float = Field(default=300, gt=0, le=86_400, description="Seconds at most.", json_schema_extra=HIDDEN)
    transcript: Transcript = Field(default="last", json_schema_extra=HIDDEN)


@procedure(risk=Risk.READ, render=render.recovered)
class RecoverCall(Request):
    """Check whether a call of unknown status was placed."""

    intent_id: IntentId
    phone_number: E164


@flow_of.register
def make_call(request: MakeCall, context: Context) -> Flow[JsonObject]:
    """Place a call, at most once per intent."""
    if request.repeat_of is not None:
        yield from check_repeat(request.repeat_of, request.phone_number)
    intent = intent_for(
        request.intent,
        request.repeat_of,
        context.scope,
        by_model=context.by_model,
        phone_number=request.phone_number,
        prompt=request.prompt,
        assistant_id=request.assistant_id,
        prompt_variables=request.prompt_variables,
        scheduled_at=request.scheduled_at,
    )
    notes: tuple[str, ...] = ()
    if request.prompt is not None:
        request, notes = yield from with_voice(request, context.guard.policy)
    earlier = Earlier.DECIDED if context.repeated and intent.durable else Earlier.NONE
    order = Order(
        request,
        intent,
        context.budget_scope,
        context.within,
        decided=context.decided,
        names_call=context.decided.custom_tools is not None and request.assistant_id is None,
    )
    placed = yield from place(order, context.guard, earlier=earlier)
    answer = placed.as_dict()
    return {**answer, "notes": list(dict.fromkeys([*answer["notes"], *notes]))}


@flow_of.register
def resume_call(request: ResumeCall, context: Context) -> Flow[JsonObject]:
    """Resume a paused call if its number may still be dialed, as its assistant is now."""
    order = yield from read_order(request.call_id)
    guard = context.guard
    phone = guard.check_number(str(order.get("to_phone_number")))
    yield from refuse_do_not_contact([phone.e164], guard)
    # An order's own caller id is the line Revox chose; the assistant's is what someone asked for.
    retries = {"call_retry_config": order.get("call_retry_config")}
    configuration = merged(object_of(order.get("assistant")), retries)
    yield from guard.check_configuration(configuration, phones=(phone,))
    return (yield from ring(request, context, Cost.of(configuration)))


def ring(request: Operation, context: Context, cost: Cost, orders: int = 1) -> Flow[JsonObject]:
    """Send what makes existing orders ring, with their worst case reserved.

    Args:
        request: Resumes or launches.
        context: Whose budget counts.
        cost: The most one order can cost.
        orders: How many will ring.

    Raises:
        Refused: With code `budget_exceeded`, or by Revox.
    """
    # Each of these rings anew, so each reserves under an id of its own.
    reservation = f"{request.spec.name} {uuid.uuid4()}"
    budget, within = context.guard.budget, context.within
    limit, now_s = context.guard.policy.order_limit(within), (yield Pause(0)).now_s

    def reserve() -> bool:
        return budget.reserve(
            reservation, context.budget_scope, cost, orders=orders, max_orders=limit, within=within, now_s=now_s
        )

    def may_ring(error: RevoxToolError) -> bool:
        return outcome_of(error) == "unknown"

    return (yield from spending(budget, reservation, budget.asked(reserve), _sent(request), may_ring))


def _sent(request: Operation) -> Flow[JsonObject]:
    answer: JsonObject = yield request
    return answer


@flow_of.register
def wait_for_call(request: WaitForCall, context: Context) -> Flow[JsonObject]:
    """Seen the call; the answer has `call`, `timed_out` and `waited_s`."""
    policy = WaitPolicy.every(request.interval_s, max_wait_s=request.timeout_s, heartbeat_s=30.0)
    seen = yield from watch(Seen(call_id=request.call_id), policy)
    order = seen.answer
    if order is None:
        order = yield from read_order(request.call_id)
    if seen.ended and object_of(order.get("assistant")).get("structured_output_config"):
        # Revox fills in what it extracts a little after the call has ended.
        order = yield from settled_result(order, policy.model_copy(update={"result_grace_s": 10.0}))
    return {"call": order, "timed_out": not seen.ended, "waited_s": round(seen.waited_s, 1), **sandbox_of(order)}


@flow_of.register
def recover_call(request: RecoverCall, context: Context) -> Flow[JsonObject]:
    """Look until the search can be believed; `found` says whether the order exists."""
    placed = yield from recover(request.intent_id, request.phone_number, context.guard)
    asked = {"intent_id": request.intent_id, "phone_number": request.phone_number}
    if placed is None:
        return {"found": False, **asked, **({"sandbox": True} if (yield Pause(0)).sandbox else {})}
    return {"found": True, **asked, **placed.as_dict()}


def refuse_do_not_contact(numbers: list[str], guard: Guard) -> Flow[None]:
    """Refuse if one of the numbers is marked do-not-contact, unless the policy says otherwise.

    Raises:
        Refused: Naming the first of them.
    """
    if not numbers or not guard.policy.honour_do_not_contact:
        return
    history = with_digits_as_keys((yield Recent(GetPhoneHistory(), max_age_s=60))["phone_history"])
    marked = [number for number in numbers if history.get(number.lstrip("+"), {}).get("do_not_contact")]
    if marked:
        raise Refused(
            f"{len(marked)} of the numbers are marked do-not-contact.",
            code="do_not_contact",
            next_step="Leave them out with row_mode='all_except' and their call_ids, or tell the user.",
        )
