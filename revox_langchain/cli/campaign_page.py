"""A campaign's page: read from Revox, a hundred contacts a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.search import attempts_of, search_all
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Flow, run
from revox_langchain.operations.calls import GetCallHistory
from revox_langchain.operations.campaigns import GetCampaign
from revox_langchain.report.campaign import CampaignFacts, CampaignPage, ContactFacts, campaign_page
from revox_langchain.results.order import id_of, part_of, text_of
from revox_langchain.speech.language import resolve_language


def read_campaign_page(
    ids: Sequence[str],
    connection: Connection,
    *,
    show_numbers: bool = False,
    languages: Mapping[str, str] | None = None,
) -> CampaignPage:
    """Read campaigns and all of their contacts; dials nothing.

    Args:
        ids: Which campaigns.
        connection: The account.
        show_numbers: Whether phone numbers stand there whole.
        languages: What each campaign speaks; left out, it is read from the assistant's words.

    Raises:
        RevoxToolError: There is no such campaign, or Revox cannot be reached.
    """
    campaigns, contacts, missing = [], [], 0
    for campaign_id in dict.fromkeys(ids):
        facts, found, lost = run(_campaign(campaign_id, (languages or {}).get(campaign_id)), connection)
        campaigns.append(facts)
        contacts += found
        missing += lost
    return campaign_page(campaigns, contacts, missing=missing, show_numbers=show_numbers)


def _campaign(campaign_id: str, spoken: str | None) -> Flow[tuple[CampaignFacts, list[ContactFacts], int]]:
    campaign: JsonObject = (yield GetCampaign.parse({"campaign_id": campaign_id}))["campaign"]
    language = spoken or _language(campaign)

    def kept(order: JsonObject) -> JsonObject:
        contact = ContactFacts.from_call(order, language)
        return {"id": id_of(order), "calls_count": attempts_of(order), "contact": contact, "sandbox": _sandbox(order)}

    found = yield from search_all(GetCallHistory(campaign_ids=[campaign_id]), kept=kept)
    facts = CampaignFacts(
        campaign_id=campaign_id,
        name=text_of(campaign.get("name")),
        status="cancelled" if campaign.get("is_cancelled") else text_of(campaign.get("status")) or "unknown",
        language=language,
        sandbox=any(call["sandbox"] for call in found.calls.values()),
    )
    lost = 0 if found.complete else max(1, found.total - len(found.calls))
    return facts, [call["contact"] for call in found.calls.values()], lost


def _language(campaign: JsonObject) -> str | None:
    """The language that the campaign's assistant speaks, read from its words; None where they do not tell."""
    assistant = part_of(campaign, "assistant")
    try:
        spoken = resolve_language(
            first_sentence=text_of(assistant.get("first_sentence")), prompt=text_of(assistant.get("prompt"))
        )
    except RevoxToolError:
        return None
    return spoken.tag


def _sandbox(order: JsonObject) -> bool:
    return order.get("sandbox") is True
