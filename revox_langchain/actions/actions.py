"""From a request to its effect: the one way in for tools, MCP and CLI.

`act` sends most operations as they are. What dials goes through the guard and the placing flow; what creates is looked
up first, so that a repeat after a lost answer finds the first one. Two tools are no single request: waiting for a call
and looking for a lost one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import Field

from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.hours import check_windows
from revox_langchain.dialing.intent import Intent, Order, make_intent, outcome_of
from revox_langchain.dialing.locks import holding
from revox_langchain.dialing.numbers import default_region, history_of
from revox_langchain.dialing.placing import place, recover
from revox_langchain.dialing.search import search_all
from revox_langchain.dialing.words import check_prompt
from revox_langchain.errors import InvalidInput, PlacementUnknown, Refused, RevoxToolError, near
from revox_langchain.flow import Flow, Pause, Recent
from revox_langchain.operations import OPERATIONS
from revox_langchain.operations.assistants import CreateAssistant, GetAssistant, ListAssistants, UpdateAssistant
from revox_langchain.operations.calls import (
    GetCall,
    GetCallHistory,
    GetPhoneHistory,
    MakeCall,
    ResumeCall,
    Transcript,
)
from revox_langchain.operations.campaigns import (
    CreateCampaign,
    GetCampaign,
    GetCampaignRows,
    LaunchCampaign,
    ListCampaigns,
    ResumeCampaign,
    UpdateCampaign,
)  # fmt: skip
from revox_langchain.operations.fields import E164, REDACTED, CallId, CallStatus
from revox_langchain.operations.operation import Operation, Request, Risk, procedure
from revox_langchain.operations.render import calls as render
from revox_langchain.operations.voices import ListVoices
from revox_langchain.results.call import ENDED
from revox_langchain.speech.voice import filter_voices, model_needed
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Watch, settled_result, watch

RequestT = TypeVar("RequestT", bound=Request)
AssistantT = TypeVar("AssistantT", MakeCall, CreateAssistant)

_WORDS = (
    "first_sentence", "end_of_call_sentence", "max_duration_end_message", "voicemail_message", "custom_tools",
    "transfer_destinations", "webhook_url", "structured_output_config", "structured_output_prompt",
)  # fmt: skip
_LAUNCHED = ("not_launched", "scheduled", "paused", "completed", "errored")

LOOK_AGAIN_S = (0.0, 1.0, 2.0, 4.0)
"""When to look for something whose creation was not confirmed, in seconds after one another."""


@procedure(risk=Risk.READ, render=render.waited)
class WaitForCall(Request):
    """Wait until a call has ended and return how it went.

    Streams each change. If it takes longer than timeout_s the call goes on: wait again with the same call_id.
    """

    call_id: CallId
    interval_s: float = Field(default=5, ge=0.5, le=300, description="Seconds between looks.")
    timeout_s: float = Field(default=300, gt=0, le=86_400, description="Seconds to wait at most.")
    transcript: Transcript = "last"

    def flow(self, guard: Guard) -> Flow[dict[str, Any]]:
        """Watch the call; the answer has `call` and `timed_out`."""
        policy = WaitPolicy.every(self.interval_s, max_wait_s=self.timeout_s, heartbeat_s=30.0)
        seen = yield from watch(Watch(call_id=self.call_id), policy)
        order = seen.answer
        if order is None:
            order = (yield GetCall(call_id=self.call_id))["call"]
        if seen.ended and _wants_output(order):
            order = yield from settled_result(order, policy.model_copy(update={"result_grace_s": 10.0}))
        return {"call": order, "timed_out": not seen.ended, "waited_s": round(seen.waited_s, 1)}


@procedure(risk=Risk.READ, render=render.recovered)
class RecoverCall(Request):
    """Look for a call whose placing ended unknown. Never dials.

    Give the intent_id and number from the error. Says plainly whether the call exists.
    """

    intent_id: str = Field(min_length=1)
    phone_number: E164

    def flow(self, guard: Guard) -> Flow[dict[str, Any]]:
        """Look until the search can be believed; `found` says whether the order exists."""
        placed = yield from recover(self.intent_id, self.phone_number, guard)
        asked = {"intent_id": self.intent_id, "phone_number": self.phone_number}
        return {"found": placed is not None, **asked, **(placed.as_dict() if placed else {})}


PROCEDURES: tuple[type[WaitForCall] | type[RecoverCall], ...] = (WaitForCall, RecoverCall)
REQUESTS: tuple[type[Request], ...] = (*OPERATIONS, *PROCEDURES)
"""Everything a tool can be made of: 36 operations and 2 procedures."""


def act(request: Request, guard: Guard, *, scope: str | None = None, toolkit: str = "process") -> Flow[Any]:
    """Do what `request` asks for, with the care it needs.

    A flow: nothing happens until `run(act(...), connection)` or `await arun(...)` drives it.

    Args:
        request: What to do.
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one: part of a call's intent.
        toolkit: Whose budget counts where there is no thread.

    Returns:
        The answer, as the request's `spec.render` takes it.

    Raises:
        RevoxToolError: What went wrong, and the next step.
    """
    match request:
        case MakeCall():
            return (yield from _make_call(request, guard, scope, toolkit))
        case ResumeCall():
            order = (yield GetCall(call_id=request.call_id))["call"]
            phone = guard.check_number(str(order.get("to_phone_number")))
            yield from _refuse_do_not_contact([phone.e164], guard)
            return (yield request)
        case LaunchCampaign() | ResumeCampaign():
            # Each launch rings anew, so each reserves anew.
            launch_id = f"launch {uuid.uuid4()}"
            yield from _check_campaign(request, guard, scope or toolkit, launch_id)
            try:
                return (yield request)
            except RevoxToolError as error:
                if outcome_of(error) != "unknown":
                    guard.budget.release(launch_id)
                raise
        case CreateAssistant():
            return (yield from _create_assistant(request, guard))
        case CreateCampaign():
            for contact in request.contacts:
                phone = guard.check_number(contact.to_phone_number)
                check_windows(guard.policy, request.model_dump(), phone)
            return (yield from _create_campaign(request))
        case UpdateAssistant():
            check_windows(guard.policy, request.settings)
            return (yield request)
        case UpdateCampaign():
            check_windows(guard.policy, request.model_dump())
            return (yield request)
        case ListVoices():
            answer = yield request
            wanted = (request.language, request.accent, request.gender)
            if not any(wanted):
                return answer
            # A program that reads only the JSON is to see what the model sees.
            languages = sorted({voice["language"] for voice in answer["voices"]})
            return {**answer, "voices": filter_voices(answer["voices"], *wanted), "languages": languages}
        case WaitForCall() | RecoverCall():
            return (yield from request.flow(guard))
        case Operation():
            return (yield request)
    raise TypeError(f"{type(request).__name__} is nothing that can be done")


def perform(
    request_type: type[RequestT],
    arguments: Mapping[str, Any],
    guard: Guard,
    *,
    scope: str | None = None,
    toolkit: str = "process",
) -> Flow[tuple[RequestT, Any]]:
    """Read untrusted arguments as a request, and do it.

    A number in national form is read with the policy's country, or else the organisation's.

    Args:
        request_type: What is asked for.
        arguments: By field name.
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one.
        toolkit: Whose budget counts where there is no thread.

    Returns:
        The request and its answer.

    Raises:
        RevoxToolError: Among them `InvalidInput`, naming each wrong argument.
    """
    number = arguments.get("phone_number")
    region = (yield from default_region(guard.policy, number)) if isinstance(number, str) else None
    request = request_type.parse(arguments, default_region=region)
    return request, (yield from act(request, guard, scope=scope, toolkit=toolkit))


def find_request(name: str) -> type[Request]:
    """Return the operation or procedure called `name`, with or without the prefix `revox_`.

    Raises:
        InvalidInput: No tool has that name; names that are near are listed.
    """
    wanted = name if name.startswith("revox_") else f"revox_{name}"
    for request in REQUESTS:
        if request.spec.name == wanted:
            return request
    raise InvalidInput(f"There is no tool {name!r}{near(wanted, [r.spec.name for r in REQUESTS])}", code="unknown_tool")


def cost_of(request: MakeCall, guard: Guard) -> Flow[Cost]:
    """The worst an order can cost; reads the assistant only if the budget asks for it."""
    if not guard.budget.needs_cost:
        return Cost()
    if request.assistant_id is None:
        return Cost.of(request.settings or {})
    assistant = yield Recent(GetAssistant(assistant_id=request.assistant_id), max_age_s=60)
    return Cost.of(assistant)


def _with_voice_model(request: AssistantT) -> Flow[AssistantT]:
    """Name the model a voice needs where it is not Revox's default: without it the voice cannot speak."""
    settings = request.settings or {}
    voice = settings.get("voice") or {}
    if request.voice_id is None or voice.get("model"):
        return request
    voices = (yield Recent(ListVoices(), max_age_s=600))["voices"]
    wanted = (request.voice_id, request.voice_provider)
    model = next((model_needed(v) for v in voices if (v.get("id"), v.get("provider")) == wanted), None)
    if model is None:
        return request
    return request.model_copy(update={"settings": {**settings, "voice": {**voice, "model": model}}})


def _make_call(request: MakeCall, guard: Guard, scope: str | None, toolkit: str) -> Flow[dict[str, Any]]:
    intent = _intent_of(request, scope)
    notes: tuple[str, ...] = ()
    if request.prompt is not None:
        settings = request.settings or {}
        notes = yield from check_prompt(
            guard.policy,
            request.prompt,
            first_sentence=request.first_sentence,
            prompt_variables=request.prompt_variables or {},
            voice_id=request.voice_id or (settings.get("voice") or {}).get("id"),
            voice_provider=request.voice_provider,
            speaks_itself=(settings.get("llm_model") or {}).get("type") == "realtime",
        )
        request = yield from _with_voice_model(request)
    cost = yield from cost_of(request, guard)
    order = Order(request, intent, scope=scope or toolkit, cost=cost)
    placed = yield from place(order, guard)
    answer = placed.as_dict()
    return {**answer, "notes": [*answer["notes"], *notes]}


def _intent_of(request: MakeCall, scope: str | None) -> Intent:
    return make_intent(
        phone_number=request.phone_number,
        prompt=request.prompt,
        assistant_id=request.assistant_id,
        prompt_variables=request.prompt_variables,
        scheduled_at=request.scheduled_at,
        scope=scope,
        intent=request.intent,
    )


def _check_campaign(request: LaunchCampaign | ResumeCampaign, guard: Guard, scope: str, launch_id: str) -> Flow[None]:
    """Check every number a launch or resume would ring, and reserve the launch's orders."""
    launch = request if isinstance(request, LaunchCampaign) else None
    # A launch also rings contacts that ended with attempts left, but none that is under way; a resume goes on with
    # what was launched.
    rings = _LAUNCHED if launch else tuple(s for s in get_args(CallStatus) if s not in (*ENDED, "not_launched"))
    waiting = [s for s in rings if launch is None or not launch.statuses or s in launch.statuses]
    if not waiting:
        return
    found = yield from search_all(GetCallHistory(campaign_ids=[request.campaign_id], statuses=waiting))
    if not found.complete:
        raise Refused(
            "Not all of the campaign's contacts could be read, so they could not be checked.",
            code="contacts_unknown",
            next_step="Try again when the campaign is at rest.",
        )
    named = set(launch.call_ids) if launch else set()
    only = launch is not None and launch.row_mode == "only"
    chosen = [str(c.get("to_phone_number")) for call_id, c in found.calls.items() if (call_id in named) is only]
    for number in chosen:
        guard.check_number(number)
    yield from _refuse_do_not_contact(chosen, guard)
    if launch and chosen:
        campaign = (yield GetCampaign(campaign_id=launch.campaign_id))["campaign"]
        cost = Cost.of({**(campaign.get("assistant") or {}), **_given(campaign, "call_retry_config")})
        guard.budget.reserve(
            launch_id, scope, cost, orders=len(chosen), max_orders=guard.policy.max_orders
        )  # fmt: skip


def _given(source: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: source[key]} if source.get(key) else {}


def _refuse_do_not_contact(numbers: list[str], guard: Guard) -> Flow[None]:
    if not guard.policy.honour_do_not_contact:
        return
    history = (yield Recent(GetPhoneHistory(), max_age_s=60))["phone_history"]
    marked = [number for number in numbers if (history_of(history, number) or {}).get("do_not_contact")]
    if marked:
        raise Refused(
            f"{len(marked)} of the numbers are marked do-not-contact, the first is {marked[0]}.",
            code="do_not_contact",
            next_step="Leave them out (row_mode='all_except' with their call_ids), or tell the user.",
        )


def _create_assistant(request: CreateAssistant, guard: Guard) -> Flow[dict[str, Any]]:
    settings = request.settings or {}
    check_windows(guard.policy, settings)
    notes = yield from check_prompt(
        guard.policy,
        request.prompt,
        first_sentence=request.first_sentence,
        prompt_variables=None,
        voice_id=request.voice_id or (settings.get("voice") or {}).get("id"),
        voice_provider=request.voice_provider,
        speaks_itself=(settings.get("llm_model") or {}).get("type") == "realtime",
        variables_known=False,
    )
    request = yield from _with_voice_model(request)
    return (yield from create_assistant_once(request, notes))


def create_assistant_once(request: CreateAssistant, notes: tuple[str, ...] = ()) -> Flow[dict[str, Any]]:
    """Create an assistant unless one with this name and configuration exists; a lost answer is looked for.

    Returns:
        Revox's answer, with `existed` saying whether it was there already, and `notes`.
    """
    body = request.wire().body or {}

    def find() -> Flow[dict[str, Any] | None]:
        listed = (yield ListAssistants())["assistants"]
        return next((a for a in listed if _matches(body, a) and not _added_to(body, a)), None)

    found = yield from _find_or_create("assistant", request, request.name, find)
    return {**found, "notes": list(notes)}


def _create_campaign(request: CreateCampaign) -> Flow[dict[str, Any]]:
    settings = {name: value for name, value in (request.wire().body or {}).items() if name != "contacts"}
    wanted = sorted((c.to_phone_number, tuple(sorted(c.prompt_variables.items()))) for c in request.contacts)

    def find() -> Flow[dict[str, Any] | None]:
        for campaign in (yield ListCampaigns())["campaigns"]:
            stats = campaign.get("row_stats") or {}
            # A list may leave optional fields out; what it shows must match.
            if not all(_matches(value, campaign[name]) for name, value in settings.items() if name in campaign):
                continue
            if campaign.get("is_cancelled") or stats.get("total", len(wanted)) != len(wanted):
                continue
            rows = (yield GetCampaignRows(campaign_id=campaign["id"]))["rows"]
            if wanted == sorted((r["phone_number"], tuple(sorted((r.get("input_data") or {}).items()))) for r in rows):
                return dict(campaign)
        return None

    return (yield from _find_or_create("campaign", request, request.name, find))


def _find_or_create(
    what: str, request: Operation, name: str, find: Callable[[], Flow[dict[str, Any] | None]]
) -> Flow[dict[str, Any]]:
    """Create `what` unless `find` finds it; of two at once in this process the second finds the first one's."""

    def create() -> Flow[dict[str, Any]]:
        found = yield from find()
        if found is not None:
            return {what: found, "existed": True}
        try:
            answer = yield request
        except RevoxToolError as error:
            return {what: (yield from _found_again(error, find)), "existed": False}
        return {**answer, "existed": False}

    return (yield from holding(f"{what} {name}", create))


def _found_again(error: RevoxToolError, find: Any) -> Flow[dict[str, Any]]:
    """After an unconfirmed create look whether it took effect; else raise the error."""
    if outcome_of(error) != "unknown" or isinstance(error, PlacementUnknown):
        raise error
    for pause_s in LOOK_AGAIN_S:
        yield Pause(pause_s)
        try:
            found = yield from find()
        except RevoxToolError:
            continue
        if found is not None:
            return dict(found)
    raise error


def _added_to(sent: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """What somebody has since given an assistant that would change what it says or where it reports."""
    return [name for name in _WORDS if held.get(name) and name not in sent]


def _matches(sent: Any, held: Any) -> bool:
    """Whether everything that would be sent is what Revox holds already; what it adds does not matter."""
    if held == REDACTED:
        return True
    if isinstance(sent, dict):
        return isinstance(held, dict) and all(_matches(value, held.get(name)) for name, value in sent.items())
    if isinstance(sent, list):
        same_length = isinstance(held, list) and len(sent) == len(held)
        return same_length and all(_matches(a, b) for a, b in zip(sent, held, strict=True))
    return bool(sent == held)


def _wants_output(order: Mapping[str, Any]) -> bool:
    return bool((order.get("assistant") or {}).get("structured_output_config"))


__all__ = [
    "PROCEDURES", "REQUESTS", "RecoverCall", "WaitForCall", "act", "cost_of", "create_assistant_once", "find_request",
]  # fmt: skip
