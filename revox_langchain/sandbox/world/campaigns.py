"""Campaigns as the API shows them, with counts of their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.world.records import Campaign, Order
from revox_langchain.sandbox.world.windows import DEFAULT_RETRY
from revox_langchain.sandbox.world.world import World

LABELS = {
    "interested": "Intéressé",
    "not_interested": "Pas intéressé",
    "completed": "Terminé",
    "requested_callback_later": "À rappeler",
    "none": "Sans résultat",
}
"""Names of the outcomes; Revox writes them in French."""


def orders_of(world: World, campaign: Campaign) -> list[Order]:
    """The orders of a campaign, in the order of its rows."""
    return [world.book[row["call_id"]] for row in campaign.rows if row["call_id"] in world.book]


def status_of(world: World, campaign: Campaign) -> str:
    """Status of a campaign; a cancelled one is `completed`, since the API has no status for it."""
    if campaign.cancelled:
        return "completed"
    if campaign.paused:
        return "paused"
    if not campaign.launched:
        return world.switches.new_campaign_status
    open_ones = any(not o.ended for o in orders_of(world, campaign))
    return "running" if open_ones else "completed"


def shown(world: World, campaign: Campaign) -> JsonObject:
    """A campaign with its counts."""
    orders = orders_of(world, campaign)
    states = [_row_state(order) for order in orders]
    kinds = ("not_launched", "pending", "calling", "retry", "completed", "failed", "skipped")
    stored = world.assistants.get(campaign.data["assistant_id"])
    return {
        **campaign.data,
        "assistant": stored or (orders[0].assistant if orders else None),
        "status": status_of(world, campaign),
        "is_cancelled": campaign.cancelled,
        "row_stats": {"total": len(orders), **{kind: states.count(kind) for kind in kinds}},
        "funnel_stats": {
            "total_leads": len(orders),
            "talked_to_human": _people(orders, _reached),
            "hot": _people(orders, _hot),
        },
        "metadata_keys": sorted({key for row in campaign.rows for key in row["input_data"]}),
        "structured_output_extraction": "none",
    }


def statistics(world: World, campaign: Campaign) -> JsonObject:
    """The report on a campaign; people are counted by phone number."""
    orders = orders_of(world, campaign)
    outcomes = [order.call["outcome"] or "none" for order in orders if order.ended]
    return {
        "campaign": _about(world, campaign, orders),
        "effort": {
            "calls_total": sum(bool(order.call["calls_count"]) for order in orders),
            "outbound_attempts": sum(order.call["calls_count"] for order in orders),
            "inbound_calls": 0,
        },
        "funnel": _funnel(orders, len(campaign.rows)),
        "inbound": {"unique_callers": 0},
        "jump_in": {"joined_calls": 0, "median_conversation_seconds": None, "median_time_to_join_seconds": None},
        "leads": {
            "interested": _leads(orders, "interested"),
            "callback_requested": _leads(orders, "requested_callback_later"),
        },
        "outcome_breakdown": [
            {"outcome": outcome, "label": label, "count": outcomes.count(outcome)}
            for outcome, label in LABELS.items()
            if outcome in outcomes
        ],
        "hot_lead_outcomes": ["interested", "requested_callback_later"],
        "data_extraction": None,
    }


def _about(world: World, campaign: Campaign, orders: Sequence[Order]) -> JsonObject:
    stamps = [a["started_at"] for o in orders for a in o.call["call_attempts"] if a["started_at"]]
    assistant = orders[0].assistant if orders else None
    config = campaign.data["call_retry_config"] or (assistant or {}).get("call_retry_config") or DEFAULT_RETRY
    return {
        "id": campaign.data["id"],
        "name": campaign.data["name"],
        "agent_name": assistant["name"] if assistant else None,
        "status": status_of(world, campaign),
        "is_cancelled": campaign.cancelled,
        "has_activity": bool(stamps),
        "first_activity_at": min(stamps, default=None),
        "last_activity_at": max((o.call["updated_at"] for o in orders if o.rang), default=None),
        "max_attempts_per_contact": config["max_retry_attempts"],
        "timezone": config.get("timezone") or "Europe/Paris",
    }


def _funnel(orders: Sequence[Order], rows: int) -> JsonObject:
    called = _people(orders, lambda order: bool(order.call["calls_count"]))
    reached, hot = _people(orders, _reached), _people(orders, _hot)
    talked = _people(orders, lambda order: order.call["outcome"] is not None)
    return {
        "called": {"count": called, "imported_rows": rows},
        "reached": {
            "count": reached,
            "outbound": reached,
            "inbound": 0,
            "overlap": 0,
            "pct_of_called": _percent(reached, called),
        },
        "real_exchanges": {"count": talked, "pct_of_reached": _percent(talked, reached)},
        "hot_leads": {"count": hot, "pct_of_reached": _percent(hot, reached)},
    }


def _row_state(order: Order) -> str:
    tried = bool(order.call["calls_count"])
    return {
        "not_launched": "not_launched",
        "scheduled": "retry" if tried else "pending",
        "queued_for_calling": "retry" if tried else "pending",
        "calling": "calling",
        "post_processing": "calling",
        "completed": "completed",
        "errored": "failed",
        "cancelled": "skipped",
    }.get(order.status, "pending")


def _people(orders: Iterable[Order], counts: Callable[[Order], bool]) -> int:
    return len({order.call["to_phone_number"] for order in orders if counts(order)})


def _reached(order: Order) -> bool:
    return any(attempt["result"] == "human" for attempt in order.call["call_attempts"])


def _hot(order: Order) -> bool:
    return order.call["outcome"] in ("interested", "requested_callback_later")


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _leads(orders: Iterable[Order], outcome: str) -> list[JsonObject]:
    leads = []
    for call in (order.call for order in orders if order.call["outcome"] == outcome):
        contact = call["contact"]
        name = " ".join(part for part in (contact["first_name"], contact["last_name"]) if part)
        leads.append(
            {
                "call_id": call["id"],
                "attempt_id": (call["last_call_attempt"] or {}).get("id"),
                "direction": call["direction"],
                "email": contact["email"],
                "last_activity_at": call["updated_at"],
                "name": name or call["to_phone_number"],
                "phone": call["to_phone_number"],
                "summary": call["outcome_summary"],
            }
        )
    return leads
