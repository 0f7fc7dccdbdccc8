"""Which of Revox's campaigns are ours: they have no metadata, so that the mark stands in their names."""

from __future__ import annotations

from collections.abc import Mapping

from revox_langchain.answers import JsonObject
from revox_langchain.flow import Flow
from revox_langchain.graph.campaign.state import CampaignState
from revox_langchain.operations.campaigns import GetCampaignRows, ListCampaigns
from revox_langchain.results.order import objects_of, part_of, text_of


def name_of(state: CampaignState, language: str) -> str:
    """The name of the campaign of one language: what people call it, and the mark."""
    label = str(state["asked"].get("name") or "Campaign").strip()
    return f"{label} {_mark(state, language)}"


def marked_campaigns(state: CampaignState, language: str | None = None) -> Flow[list[JsonObject]]:
    """Revox's campaigns of this intent that are not cancelled, the earliest first; of one language if it is given."""
    mark = _mark(state, language) if language else f"[{_short(state)} "
    listed = objects_of((yield ListCampaigns()).get("campaigns"))
    ours = [dict(each) for each in listed if mark in str(each.get("name")) and not each.get("is_cancelled")]
    return sorted(ours, key=lambda each: (str(each.get("created_at")), str(each.get("id"))))


def orders_in(campaign_id: str) -> Flow[dict[str, Mapping[str, object]]]:
    """The orders of a campaign by number: Revox's rows show them at once, which a search may not."""
    rows = objects_of((yield GetCampaignRows(campaign_id=campaign_id)).get("rows"))
    return {str(row.get("phone_number")): part_of(row, "call") for row in rows if text_of(row.get("phone_number"))}


def _mark(state: CampaignState, language: str) -> str:
    return f"[{_short(state)} {language}]"


def _short(state: CampaignState) -> str:
    return state["key"][:12]
