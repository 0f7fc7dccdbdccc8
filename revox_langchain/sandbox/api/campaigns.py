"""What the operations on campaigns do."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence

from revox.types import CampaignCreateParams, CampaignLaunchParams, CampaignUpdateParams

from revox_langchain.answers import JsonObject
from revox_langchain.operations.campaigns import (
    CancelCampaign,
    CreateCampaign,
    DeleteCampaign,
    ExportCampaignRows,
    GetCampaign,
    GetCampaignRows,
    GetCampaignStatistics,
    LaunchCampaign,
    ListCampaigns,
    PauseCampaign,
    ResumeCampaign,
    UpdateCampaign,
)
from revox_langchain.sandbox.api.checks import caller_id, moment
from revox_langchain.sandbox.api.handlers import Asked, Rejected, found, handles, illegal
from revox_langchain.sandbox.api.search import Filter, as_csv, call_row
from revox_langchain.sandbox.world.account import member
from revox_langchain.sandbox.world.campaigns import orders_of, shown, statistics, status_of
from revox_langchain.sandbox.world.orders import Dispatcher, retry_config
from revox_langchain.sandbox.world.records import CallRequest, Campaign, Order
from revox_langchain.sandbox.world.timeline import as_stamp
from revox_langchain.sandbox.world.world import World


@handles(CreateCampaign, takes=CampaignCreateParams)
def create_campaign(world: World, asked: Asked) -> JsonObject:
    """Store a campaign with one call per contact, none of which is launched."""
    fields = asked.fields
    assistant = found(world.assistants, fields["assistant_id"], "assistant")
    from_number = caller_id(world, fields.get("from_phone_number") or assistant["from_phone_number"])
    now = world.stamp()
    campaign = Campaign(
        {
            "id": world.new_id("campaign"),
            "assistant_id": assistant["id"],
            "name": fields["name"],
            "organization_id": world.organization_id,
            "created_by": member(world),
            "created_at": now,
            "updated_at": now,
            "call_retry_config": fields.get("call_retry_config"),
            "from_phone_number": fields.get("from_phone_number"),
            "max_concurrent_calls": fields.get("max_concurrent_calls"),
            "scheduled_at": None,
        }
    )
    world.campaigns[campaign.data["id"]] = campaign
    _add_contacts(world, campaign, assistant, from_number, fields["contacts"])
    return {"campaign": shown(world, campaign)}


@handles(GetCampaign)
def get_campaign(world: World, asked: Asked) -> JsonObject:
    """Show a campaign."""
    return {"campaign": shown(world, _campaign(world, asked.id))}


@handles(ListCampaigns)
def list_campaigns(world: World, asked: Asked) -> JsonObject:
    """Show all campaigns, newest first."""
    return {"campaigns": [shown(world, each) for each in reversed(world.campaigns.values())]}


@handles(UpdateCampaign, takes=CampaignUpdateParams)
def update_campaign(world: World, asked: Asked) -> JsonObject:
    """Change a campaign and those of its calls that have not ended."""
    campaign = _campaign(world, asked.id)
    fields = asked.fields
    if fields.get("from_phone_number"):
        caller_id(world, fields["from_phone_number"])
    campaign.data |= {**fields, "updated_at": world.stamp()}
    for order in orders_of(world, campaign):
        if order.ended:
            continue
        order.call["campaign"]["name"] = campaign.data["name"]
        if "call_retry_config" in fields:
            order.call["call_retry_config"] = fields["call_retry_config"] or order.assistant["call_retry_config"]
        if "from_phone_number" in fields:
            number = fields["from_phone_number"] or order.assistant["from_phone_number"]
            order.call["from_phone_number"] = caller_id(world, number)
    Dispatcher(world).pump()
    return {"campaign": shown(world, campaign)}


@handles(DeleteCampaign)
def delete_campaign(world: World, asked: Asked) -> JsonObject:
    """Delete a campaign with the calls that have not begun; the others are kept, without a campaign."""
    campaign = _campaign(world, asked.id)
    orders = orders_of(world, campaign)
    for order in orders:
        if not order.ended and order.attempt is None:
            Dispatcher(world).cancel(order)
    for order in orders:
        if order.call["calls_count"] == 0:
            world.forget(order)
        else:
            order.call["campaign"], order.campaign_id = None, None
    del world.campaigns[asked.id]
    return {"success": True}


@handles(LaunchCampaign, takes=CampaignLaunchParams)
def launch_campaign(world: World, asked: Asked) -> JsonObject:
    """Start the selected calls of a campaign."""
    campaign, fields = _campaign(world, asked.id), asked.fields
    speed_dial, selection = fields["mode"] == "speed_dial", fields["selection"]
    if speed_dial and "scheduled_at" in fields:
        raise Rejected(world.switches.invalid_status, "scheduled_at: only with mode ai_first.")
    at_s = moment(world, "scheduled_at", fields.get("scheduled_at"))
    wanted = Filter(selection["filters"])
    listed, only = set(selection["rows"]["call_ids"]), selection["rows"]["mode"] == "only"
    skipped: Counter[str] = Counter(active=0, attempts_exhausted=0, cancelled=0)
    launched: list[Order] = []
    for order in orders_of(world, campaign):
        if (order.call["id"] in listed) != only or not wanted.meets(order):
            continue
        reason = _why_not(campaign, order)
        if reason:
            skipped[reason] += 1
        else:
            launched.append(order)
    for order in launched:
        order.by_human = speed_dial
        Dispatcher(world).launch(order, at_s)
    if launched:
        campaign.launched = True
        campaign.data |= {"scheduled_at": as_stamp(at_s) if at_s else None, "updated_at": world.stamp()}
    answer: JsonObject = {"launched": len(launched), "skipped": dict(skipped)}
    if speed_dial:
        answer["session"] = _session(world, campaign, selection["filters"]["outcomes"], len(launched))
    return answer


@handles(PauseCampaign)
def pause_campaign(world: World, asked: Asked) -> JsonObject:
    """Start no new attempts; those under way and retry timers continue."""
    campaign = _campaign(world, asked.id)
    status = status_of(world, campaign)
    if campaign.paused or status == "completed":
        return illegal(world.switches, f"a campaign that is {status} cannot be paused")
    campaign.paused = True
    return {"success": True}


@handles(ResumeCampaign)
def resume_campaign(world: World, asked: Asked) -> JsonObject:
    """Continue to dial."""
    campaign = _campaign(world, asked.id)
    if not campaign.paused or campaign.cancelled:
        return illegal(world.switches, f"a campaign that is {status_of(world, campaign)} cannot be resumed")
    campaign.paused = False
    Dispatcher(world).pump()
    return {"success": True}


@handles(CancelCampaign)
def cancel_campaign(world: World, asked: Asked) -> JsonObject:
    """End a campaign; attempts under way finish."""
    campaign = _campaign(world, asked.id)
    if status_of(world, campaign) == "completed":
        return illegal(world.switches, "a campaign that is over cannot be cancelled")
    campaign.cancelled = True
    for order in orders_of(world, campaign):
        if not order.ended and order.status != "post_processing":
            Dispatcher(world).cancel(order, hang_up=False)
    return {"success": True}


@handles(GetCampaignRows)
def get_campaign_rows(world: World, asked: Asked) -> JsonObject:
    """Show every row with its whole call."""
    campaign = _campaign(world, asked.id)
    rows = [{key: value for key, value in row.items() if key != "call_id"} for row in campaign.rows]
    calls = [world.orders.get(row["call_id"]) for row in campaign.rows]
    return {"rows": [{**row, "call": call} for row, call in zip(rows, calls, strict=True)]}


@handles(ExportCampaignRows)
def export_campaign_rows(world: World, asked: Asked) -> JsonObject:
    """Write the rows as CSV."""
    campaign = _campaign(world, asked.id)
    rows = []
    for row in campaign.rows:
        flat = {f"input.{key}": value for key, value in row["input_data"].items()}
        call = world.orders.get(row["call_id"])
        rows.append({"row": row["row_index"], "phone_number": row["phone_number"], **flat})
        rows[-1].update(call_row(call) if call else {})
    columns = ["row", "phone_number", *sorted({key for row in rows for key in row if key.startswith("input.")})]
    text = as_csv(rows, [*columns, "id", "status", "result", "outcome", "outcome_summary", "calls_count"])
    return {"csv": text, "filename": f"{campaign.data['name']}.csv"}


@handles(GetCampaignStatistics)
def get_campaign_statistics(world: World, asked: Asked) -> JsonObject:
    """Report on a campaign."""
    return {"statistics": statistics(world, _campaign(world, asked.id))}


def _add_contacts(
    world: World, campaign: Campaign, assistant: JsonObject, from_number: str, contacts: Sequence[JsonObject]
) -> None:
    """Place an order per contact. They share one snapshot of the assistant, which is replaced and never changed."""
    dispatcher, snapshot = Dispatcher(world), copy.deepcopy(assistant)
    for contact in contacts:
        request = CallRequest(
            contact["to_phone_number"],
            assistant,
            from_number,
            launched=False,
            shown_assistant=snapshot,
            stored_assistant=assistant["id"],
            campaign={"id": campaign.data["id"], "name": campaign.data["name"]},
            retry=campaign.data["call_retry_config"],
            variables={key: str(value) for key, value in contact["prompt_variables"].items()},
        )
        campaign.rows.append(_row(world, len(campaign.rows), dispatcher.place(request)))


def _row(world: World, index: int, order: Order) -> JsonObject:
    return {
        "id": world.new_id("row"),
        "row_index": index,
        "phone_number": order.call["to_phone_number"],
        "input_data": order.call["prompt_variables"],
        "call_id": order.call["id"],
    }


def _campaign(world: World, campaign_id: str) -> Campaign:
    return found(world.campaigns, campaign_id, "campaign")


def _why_not(campaign: Campaign, order: Order) -> str | None:
    if campaign.cancelled or order.status == "cancelled":
        return "cancelled"
    if order.attempt is not None or order.status in ("initializing", "queued_for_calling", "post_processing"):
        return "active"
    spent = order.call["calls_count"] >= retry_config(order)["max_retry_attempts"]
    return "attempts_exhausted" if spent else None


def _session(world: World, campaign: Campaign, outcomes: Sequence[str], targets: int) -> JsonObject:
    return {
        "id": world.new_id("session"),
        "campaign_id": campaign.data["id"],
        "status": "dialing" if targets else "completed",
        "total_targets": targets,
        "dialed_count": 0,
        "connected_count": 0,
        "current_call_id": None,
        "in_flight_calls": [],
        "outcome_filter": [outcome for outcome in outcomes if outcome != "none"],
        "created_at": world.stamp(),
        "ended_at": None,
    }
