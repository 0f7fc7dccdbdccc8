"""A campaign as one HTML file: every contact, counts that add up, what came from outside as text."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from revox_langchain.errors import InvalidInput
from revox_langchain.report.campaign import (
    SCHEMA_VERSION,
    CampaignFacts,
    CampaignPage,
    ContactFacts,
    campaign_page,
    campaign_page_in,
    draw_campaign,
)
from revox_langchain.results.call import CallResult
from revox_langchain.results.page import page_in
from tests.results.orders import order, talk
from tests.results.test_page import HOSTILE, Reader

pytest.importorskip("jinja2", reason="this environment is older than the dependency: run make install")

SPRING = CampaignFacts(campaign_id="cam-1", name="Spring", status="completed", language="fr")
BUSY = {"status": "error", "dial_error": "busy", "started_at": "2026-01-05T10:00:00Z"}


def contact(*attempts: dict[str, Any], language: str = "fr", **more: Any) -> ContactFacts:
    return ContactFacts.from_call(order(*attempts, **more), language)


def html_of(*contacts: ContactFacts, **more: Any) -> str:
    return draw_campaign(campaign_page([SPRING], contacts, **more))


def rows_of(html: str) -> list[str]:
    """The rows of the table of contacts."""
    return re.findall(r'<tr class="(\w+)">', html)


def test_every_contact_is_a_row_and_the_counts_add_up() -> None:
    html = html_of(
        contact(talk(2), id="a", outcome="interested", outcome_summary="Wants an offer."),
        contact(BUSY, id="b", status="completed"),
        contact(id="c", status="not_launched"),
    )
    assert rows_of(html) == ["interested", "not_reached", "pending"]
    text = Reader(html).text
    assert "Wants an offer." in text
    assert (
        "to be called 3 100 % call has ended 2 67 % dialed 2 67 % answered themselves 1 33 % interested 1 33 %" in text
    )
    assert "1 of the calls had not ended" in text


def test_outcomes_and_dispositions_stand_by_language() -> None:
    html = html_of(
        contact(talk(1), id="a", outcome="interested"),
        contact(talk(1), id="b", outcome="interested", language="de"),
        contact(BUSY, id="c", status="completed", language="de"),
    )
    text = Reader(html).text
    assert "conclusion French German all interested 1 1 2 not reached – 1 1" in text
    assert "disposition French German all answered 1 1 2 busy – 1 1" in text


def test_the_hours_are_those_of_the_callee() -> None:
    # 10:00 in UTC is 5 in the morning in Washington, and 11 in Paris.
    html = html_of(
        contact(talk(1), to_phone_number="+12025550100"), contact(BUSY, id="b", to_phone_number="+33199000001")
    )
    assert "05:00: 1 of 1 answered. 11:00: 0 of 1 answered." in html
    assert "Most answered from 05:00 to 05:59: 1 of 1 dialed." in Reader(html).text


def test_numbers_are_masked_unless_they_are_asked_for() -> None:
    one = contact(talk(1), to_phone_number="+12025550100", outcome_summary="Call +1 202 555 0123 instead.")
    assert "555" not in html_of(one)
    shown = html_of(one, show_numbers=True)
    assert "+12025550100" in shown
    assert "+1 202 555 0123" in shown


def test_what_came_from_outside_is_text() -> None:
    named = CampaignFacts(campaign_id=HOSTILE, name=HOSTILE, status=HOSTILE, language="fr")
    one = contact(talk(1), to_phone_number=HOSTILE, outcome_summary=HOSTILE, outcome=HOSTILE)
    html = draw_campaign(campaign_page([named], [one]))
    read = Reader(html)
    assert read.tags.count("script") == 1
    assert "img" not in read.tags
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in read.text


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    html = html_of(contact(talk(1)))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "script-src" not in policy[1]
    assert not [name for _, name, _ in Reader(html).attributes if name in ("src", "href")]


def test_a_page_carries_its_data_and_is_drawn_anew_from_it() -> None:
    page = campaign_page([SPRING], [contact(talk(1)), contact(BUSY, id="b", status="completed")], missing=3)
    html = draw_campaign(page)
    assert campaign_page_in(html) == page
    assert draw_campaign(campaign_page_in(html)) == html
    assert "3 contacts that Revox counts could not be read" in Reader(html).text


def test_a_page_of_a_call_and_of_a_newer_release_are_refused_with_a_sentence() -> None:
    call = CallResult.from_call(order(talk(1))).to_html()
    with pytest.raises(InvalidInput, match="not a page of a campaign"):
        campaign_page_in(call)
    with pytest.raises(InvalidInput, match="not a page of a call"):
        page_in(html_of())
    newer = CampaignPage(schema_version=SCHEMA_VERSION + 1, release="9.0", campaigns=(SPRING,))
    with pytest.raises(InvalidInput, match=r"revox-langchain 9\.0"):
        campaign_page_in(draw_campaign(newer))


@pytest.mark.parametrize(
    "strange", [{}, {"id": 3, "status": []}, {"id": "x", "call_attempts": [None, {"started_at": 9e99}]}]
)
def test_whatever_revox_sends_is_a_page(strange: dict[str, Any]) -> None:
    assert "Contacts" in html_of(ContactFacts.from_call(strange))


def test_a_campaign_without_contacts_is_a_page() -> None:
    text = Reader(html_of()).text
    assert "No call has ended yet." in text
    assert "No contacts were read." in text
    assert "The hours are not reported." in text


def test_a_page_grows_with_its_rows_and_little_else() -> None:
    one = contact(talk(1), outcome="interested", outcome_summary="Confirmed the appointment on Tuesday.")
    begun = time.process_time()
    sizes = [len(html_of(*[one] * count)) for count in (0, 100, 200)]
    assert time.process_time() - begun < 2
    assert sizes[0] < 16_000
    assert sizes[2] - sizes[1] < 100 * 800
