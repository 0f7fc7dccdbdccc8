"""Campaigns: created once, and every number checked before a launch."""

from __future__ import annotations

from collections.abc import Iterable

from revox_langchain.actions.calls import refuse_do_not_contact, ring
from revox_langchain.actions.contacts import (
    UNDER_WAY,
    Numbers,
    check_numbers,
    refuse_own_numbers,
    refuse_past_launch,
    refuse_repeated_contacts,
    refuse_ringing_again,
)
from revox_langchain.actions.create import find_or_create
from revox_langchain.actions.registry import Context, flow_of
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.budget import Cost
from revox_langchain.dialing.configuration import OVERRIDES, merged, same
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.search import search_all
from revox_langchain.dialing.voices import refuse_default_voice
from revox_langchain.errors import Refused
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.assistants import GetAssistant
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.campaigns import (
    CreateCampaign,
    GetCampaign,
    GetCampaignRows,
    LaunchCampaign,
    ListCampaigns,
    ResumeCampaign,
    UpdateCampaign,
)
from revox_langchain.operations.fields import CallStatus
from revox_langchain.results.order import part_of, whole_of

_SEEN_LATER_S = 60.0
_LAUNCHABLE: tuple[CallStatus, ...] = ("not_launched", "scheduled", "paused", "completed", "errored")


@flow_of.register
def create_campaign(request: CreateCampaign, context: Context) -> Flow[JsonObject]:
    """Create a campaign whose contacts may all be called, unless there is the same one."""
    phones = yield from check_numbers([contact.to_phone_number for contact in request.contacts], context.guard)
    refuse_repeated_contacts(phones)
    assistant = yield GetAssistant(assistant_id=request.assistant_id)
    body = request.model_dump(include=set(OVERRIDES))
    yield from refuse_default_voice(context.guard.policy, assistant)
    yield from context.guard.check_configuration(merged(assistant, body), written=body, phones=phones)

    settings = {name: value for name, value in (request.wire().body or {}).items() if name != "contacts"}

    def find() -> Flow[JsonObject | None]:
        for campaign in (yield ListCampaigns())["campaigns"]:
            if _may_be(campaign, settings, len(request.contacts)) and (yield from _has_contacts(campaign, request)):
                return dict(campaign)
        return None

    return (yield from find_or_create("campaign", request, request.name, find))


@flow_of.register
def update_campaign(request: UpdateCampaign, context: Context) -> Flow[JsonObject]:
    """Change a campaign, but not to hours in which no one may be called."""
    body = request.model_dump(include=set(OVERRIDES))
    yield from context.guard.check_configuration(merged({}, body), written=body)
    answer: JsonObject = yield request
    return answer


@flow_of.register
def launch_campaign(request: LaunchCampaign, context: Context) -> Flow[JsonObject]:
    """Launch a campaign once every number it would ring is checked and its orders fit the budget."""
    yield from refuse_past_launch(request)
    yield from _until_shown(request.campaign_id, context.guard)
    numbers = yield from _numbers_to_ring(request)
    cost = yield from _check_ringing(request.campaign_id, numbers, context)
    yield from refuse_ringing_again(numbers, request, context.guard)
    if not numbers:
        answer: JsonObject = yield request
        return answer
    return (yield from ring(request, context, cost, len(numbers)))


@flow_of.register
def resume_campaign(request: ResumeCampaign, context: Context) -> Flow[JsonObject]:
    """Resume a campaign once every number it would ring is checked; its launch has paid for the orders."""
    yield from _until_shown(request.campaign_id, context.guard)
    numbers = yield from _orders_in(request.campaign_id, UNDER_WAY)
    yield from _check_ringing(request.campaign_id, numbers, context)
    answer: JsonObject = yield request
    return answer


def _may_be(campaign: JsonObject, settings: JsonObject, size: int) -> bool:
    """Whether what a list shows of a campaign fits these; the list may leave optional fields out."""
    if not all(same(value, campaign[name]) for name, value in settings.items() if name in campaign):
        return False
    return not campaign.get("is_cancelled") and (campaign.get("row_stats") or {}).get("total", size) == size


def _has_contacts(campaign: JsonObject, request: CreateCampaign) -> Flow[bool]:
    wanted = sorted((c.to_phone_number, tuple(sorted(c.prompt_variables.items()))) for c in request.contacts)
    rows = (yield GetCampaignRows(campaign_id=campaign["id"]))["rows"]
    return wanted == sorted((r["phone_number"], tuple(sorted((r.get("input_data") or {}).items()))) for r in rows)


def _numbers_to_ring(launch: LaunchCampaign) -> Flow[dict[str, str]]:
    # Revox also rings contacts again that ended with attempts left, but none whose call is under way.
    statuses = [status for status in _LAUNCHABLE if not launch.statuses or status in launch.statuses]
    numbers = yield from _orders_in(launch.campaign_id, statuses)
    named, only = set(launch.call_ids), launch.row_mode == "only"
    return {call_id: number for call_id, number in numbers.items() if (call_id in named) is only}


def _orders_in(campaign_id: str, statuses: Iterable[CallStatus]) -> Flow[dict[str, str]]:
    """The numbers of a campaign's orders in these statuses, by call id."""
    wanted = list(statuses)
    if not wanted:
        return {}
    found = yield from search_all(GetCallHistory(campaign_ids=[campaign_id], statuses=wanted))
    if not found.complete:
        raise Refused(
            "Not all of the campaign's contacts could be read, so they could not be checked.",
            code="contacts_unknown",
            next_step="Send revox_launch_campaign again when no calls of the campaign are in progress; nothing rang.",
        )
    return {call_id: str(call.get("to_phone_number")) for call_id, call in found.calls.items()}


def _until_shown(campaign_id: str, guard: Guard) -> Flow[None]:
    """Wait until the search, by which contacts are checked, shows all of them: others would ring unchecked."""
    campaign = (yield GetCampaign(campaign_id=campaign_id))["campaign"]
    contacts = part_of(campaign, "row_stats").get("total")
    if not isinstance(contacts, int):
        contacts = len((yield GetCampaignRows(campaign_id=campaign_id))["rows"])
    one = GetCallHistory(campaign_ids=[campaign_id], page_size=1)
    waited_s, pause_s = 0.0, 0.5
    while (shown := whole_of((yield one).get("total_count"), 0)) < contacts:
        if waited_s >= guard.policy.settle_s:
            raise Refused(
                f"The search shows {shown} of the campaign's {contacts} contacts, so not all of them could be checked.",
                code="contacts_unknown",
                next_step="Nothing rang. Send the same campaign_id again in a minute, when the search shows them all.",
                retry_after_s=_SEEN_LATER_S,
            )
        yield Pause(pause_s)
        waited_s, pause_s = waited_s + pause_s, pause_s * 2


def _check_ringing(campaign_id: str, numbers: Numbers, context: Context) -> Flow[Cost]:
    """Check every number that would ring and the assistant as it is now; returns the most one order can cost."""
    phones = yield from check_numbers(list(numbers.values()), context.guard)
    yield from refuse_do_not_contact(list(numbers.values()), context.guard)
    yield from refuse_own_numbers(numbers)
    campaign = (yield GetCampaign(campaign_id=campaign_id))["campaign"]
    # The campaign shows its assistant as it was; calls use it as it is.
    assistant = yield GetAssistant(assistant_id=str(campaign["assistant_id"]))
    configuration = merged(assistant, campaign)
    yield from refuse_default_voice(context.guard.policy, configuration)
    yield from context.guard.check_configuration(configuration, phones=phones)
    return Cost.of(configuration)
