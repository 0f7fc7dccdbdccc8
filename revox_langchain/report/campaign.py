"""A campaign as one HTML file: how far it came, what became of each contact, and when people answered.

Like the page of a call it asks no one for anything, shows what came from outside as text, and carries its data along.
It has no script at all: its table is filtered by its style.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.phone import mask_phone
from revox_langchain.report.tally import Tally
from revox_langchain.results import wording
from revox_langchain.results.call import CallResult
from revox_langchain.results.drawing import Carried, asset, carried, data_of, embedded, hashed, release, rendered
from revox_langchain.results.facts import Conclusion, Disposition
from revox_langchain.results.masking import masked_text
from revox_langchain.results.order import unix_s
from revox_langchain.speech.language import language_name

SCHEMA_VERSION = 1
"""Of the data inside a page; raise it when a field changes its meaning, and teach `campaign_page_in`."""

_ELEMENT = "revox-campaign"
_ORDER: tuple[Conclusion, ...] = (
    "interested",
    "requested_callback_later",
    "completed",
    "talked",
    "not_interested",
    "not_reached",
    "failed",
    "unknown",
    "cancelled",
    "pending",
)
"""The conclusions as a reader looks for them: first whom to call back."""


class CampaignFacts(BaseModel):
    """One campaign of Revox's.

    Attributes:
        campaign_id: Its id.
        name: As it was given.
        status: `running`, `paused`, `completed` or `cancelled`, or what else Revox says.
        language: BCP-47 tag of the language its assistant speaks, None if that is not known.
        sandbox: Whether it is a sandbox's: no phone rang.
    """

    model_config = ConfigDict(frozen=True)

    campaign_id: str
    name: str | None = None
    status: str = "unknown"
    language: str | None = None
    sandbox: bool = False


class ContactFacts(BaseModel):
    """What became of one contact.

    Attributes:
        dialed_at_h: For each attempt the hour on the callee's clock, None where their zone is not known.
        answered_at_h: The hours of those that the callee answered.
    """

    model_config = ConfigDict(frozen=True)

    call_id: str
    phone_number: str | None = None
    language: str | None = None
    conclusion: Conclusion = "unknown"
    disposition: Disposition = "unknown"
    outcome_summary: str | None = None
    attempts: int = 0
    talk_s: float = 0.0
    ended: bool = False
    dialed_at_h: tuple[int | None, ...] = ()
    answered_at_h: tuple[int | None, ...] = ()

    @classmethod
    def from_call(cls, order: Mapping[str, object], language: str | None = None) -> ContactFacts:
        """Read what is shown of a contact's call; lenient to anything Revox may send."""
        call = CallResult.from_call(order)
        zones = wording.zones_of(call)
        answered = [each.started_at for each in call.attempts if each.disposition == "answered"]
        return cls(
            call_id=call.call_id,
            phone_number=call.phone_number,
            language=language,
            conclusion=call.conclusion,
            disposition=call.disposition,
            outcome_summary=call.outcome_summary,
            attempts=len(call.attempts),
            talk_s=round(call.talk_s, 1),
            ended=call.ended,
            dialed_at_h=tuple(_hour(each.started_at, zones) for each in call.attempts),
            answered_at_h=tuple(_hour(moment, zones) for moment in answered),
        )


class CampaignPage(Carried):
    """What a campaign's page shows, and what it carries along so that a later release can draw it anew.

    Attributes:
        schema_version: Of this layout.
        release: Which release of this package wrote it.
        campaigns: The campaigns it is about, one for each language.
        contacts: What became of each contact; with its number masked, unless numbers were asked for.
        missing: How many contacts Revox counts that are not among them.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    campaigns: tuple[CampaignFacts, ...]
    contacts: tuple[ContactFacts, ...] = ()
    missing: int = 0


def campaign_page(
    campaigns: Iterable[CampaignFacts],
    contacts: Iterable[ContactFacts],
    *,
    missing: int = 0,
    show_numbers: bool = False,
) -> CampaignPage:
    """Put together what a page shows.

    Args:
        campaigns: The campaigns it is about.
        contacts: What became of their contacts.
        missing: How many contacts could not be read.
        show_numbers: Whether phone numbers stand there whole.
    """
    rank = {conclusion: place for place, conclusion in enumerate(_ORDER)}
    ordered = sorted(contacts, key=lambda contact: rank[contact.conclusion])
    shown = tuple(ordered if show_numbers else map(_masked, ordered))
    named = tuple(each if show_numbers or not each.name else _named(each) for each in campaigns)
    return CampaignPage(release=release(), campaigns=named, contacts=shown, missing=missing)


def draw_campaign(page: CampaignPage) -> str:
    """The page as one HTML file.

    Raises:
        InvalidInput: Jinja2 is missing.
    """
    style = asset("results", "call.css") + "\n" + asset("report", "campaign.css")
    policy = f"default-src 'none'; style-src '{hashed(style)}'; base-uri 'none'; form-action 'none'"
    data = embedded(page.schema_version, page.model_dump_json(exclude_defaults=True, exclude={"schema_version"}))
    return rendered("campaign.html", {"style": style, "policy": policy, "data": data, **_view(page)})


def campaign_page_in(html: str) -> CampaignPage:
    """Read the data that a page carries, so that it can be drawn anew.

    Raises:
        InvalidInput: It is no page of a campaign, or a newer release's.
    """
    return carried(html, _ELEMENT, CampaignPage, SCHEMA_VERSION, "a campaign")


def is_campaign_page(html: str) -> bool:
    """Whether a file is the page of a campaign, and not of a call."""
    return data_of(html, _ELEMENT) is not None


def _view(page: CampaignPage) -> JsonObject:
    ended = [contact for contact in page.contacts if contact.ended]
    tally = Tally().plus(
        {
            **contact.model_dump(include={"conclusion", "disposition", "attempts", "talk_s"}),
            "language": _tongue(contact),
        }
        for contact in ended
    )
    funnel = tally.funnel(len(page.contacts) - len(ended))
    conclusions = Counter(contact.conclusion for contact in page.contacts)
    return {
        "page": page,
        "title": " and ".join(each.name or "Campaign" for each in page.campaigns[:2]) or "Campaign",
        "status": " and ".join(dict.fromkeys(each.status.replace("_", " ") for each in page.campaigns)),
        "sandbox": any(each.sandbox for each in page.campaigns),
        "facts": _facts(page, tally),
        "funnel": _steps(funnel._asdict()),
        "open": len(page.contacts) - len(ended),
        "tables": [
            ("conclusion", _table(tally.conclusions, [(name, wording.CONCLUSIONS[name]) for name in _ORDER])),
            ("disposition", _table(tally.dispositions, wording.DISPOSITIONS.items())),
        ],
        "hours": _hours(page.contacts),
        "filters": [(name, wording.CONCLUSIONS[name], conclusions[name]) for name in _ORDER if conclusions[name]],
        "contacts": [_row(contact) for contact in page.contacts],
        "languages": len({contact.language for contact in page.contacts}) > 1,
        "unknown": wording.UNKNOWN,
    }


def _facts(page: CampaignPage, tally: Tally) -> list[tuple[str, str]]:
    languages = dict.fromkeys(_language(each.language) for each in page.campaigns)
    return [
        ("contacts", f"{len(page.contacts):,}"),
        ("languages", ", ".join(languages)),
        ("attempts", f"{sum(contact.attempts for contact in page.contacts):,}"),
        ("minutes", f"{tally.talk_s / 60:,.1f}"),
        (
            "campaign id" if len(page.campaigns) == 1 else "campaign ids",
            ", ".join(c.campaign_id for c in page.campaigns),
        ),
    ]


def _steps(funnel: Mapping[str, int]) -> list[JsonObject]:
    names = {
        "contacts": "to be called",
        "ended": "call has ended",
        "called": "dialed",
        "reached": "answered themselves",
    }
    whole = max(1, funnel["contacts"])
    return [
        {
            "name": names.get(name, name),
            "count": count,
            "width": round(1000 * count / whole),
            "share": f"{100 * count / whole:.0f} %",
        }
        for name, count in funnel.items()
    ]


def _table(counts: Mapping[str, Mapping[str, int]], words: Iterable[tuple[str, str]]) -> JsonObject:
    """Counts with a row for each name that occurs, a column for each language, and one for all of them."""
    languages = sorted(counts)
    rows = []
    for name, shown in words:
        each = [counts[language].get(name, 0) for language in languages]
        if any(each):
            rows.append((shown, [*each, *([sum(each)] if len(each) > 1 else [])]))
    return {"languages": [*languages, *(["all"] if len(languages) > 1 else [])], "rows": rows}


def _hours(contacts: Sequence[ContactFacts]) -> JsonObject | None:
    """How often phones were dialed and answered in each hour of the callee's day, as bars in a box 240 wide."""
    hours = [hour for contact in contacts for hour in contact.dialed_at_h]
    dialed = Counter(hour for hour in hours if hour is not None)
    answered = Counter(hour for contact in contacts for hour in contact.answered_at_h if hour is not None)
    if not dialed:
        return None
    most = max(dialed.values())
    best = max(answered, key=lambda hour: (answered[hour], -hour), default=None)
    return {
        "dialed": _bars(dialed, most),
        "answered": _bars(answered, most),
        "most": most,
        "elsewhere": hours.count(None),
        "best": None if best is None else f"{best:02}:00 to {best:02}:59",
        "best_answered": 0 if best is None else answered[best],
        "best_dialed": 0 if best is None else dialed[best],
        "list": [(f"{hour:02}:00", dialed[hour], answered[hour]) for hour in sorted(dialed)],
    }


def _bars(counts: Mapping[int, int], most: int) -> str:
    bars = []
    for hour, count in sorted(counts.items()):
        height = round(60 * count / most, 1)
        bars.append(f"M{hour * 10 + 1} {60 - height:g}h8v{height:g}h-8z")
    return "".join(bars)


def _row(contact: ContactFacts) -> JsonObject:
    return {
        "number": contact.phone_number or wording.UNKNOWN,
        "language": _tongue(contact),
        "kind": contact.conclusion,
        "conclusion": wording.CONCLUSIONS[contact.conclusion],
        "disposition": wording.DISPOSITIONS[contact.disposition] if contact.attempts or contact.ended else "",
        "attempts": contact.attempts,
        "talk": wording.duration(contact.talk_s) if contact.talk_s else "",
        "summary": contact.outcome_summary or "",
    }


def _tongue(contact: ContactFacts) -> str:
    return _language(contact.language)


def _language(tag: str | None) -> str:
    return wording.UNKNOWN if tag is None else language_name(tag)


def _masked(contact: ContactFacts) -> ContactFacts:
    number, summary = contact.phone_number, contact.outcome_summary
    return contact.model_copy(
        update={
            "phone_number": None if number is None else mask_phone(number),
            "outcome_summary": None if summary is None else masked_text(summary),
        }
    )


def _named(campaign: CampaignFacts) -> CampaignFacts:
    return campaign.model_copy(update={"name": masked_text(campaign.name or "")})


def _hour(moment: str | None, zones: Sequence[str]) -> int | None:
    """The hour of a moment where the callee is; None if their number does not tell one zone."""
    at_s = unix_s(moment)
    if at_s is None or len(zones) != 1:
        return None
    try:
        return datetime.fromtimestamp(at_s, ZoneInfo(zones[0])).hour
    except (ValueError, OverflowError, OSError):
        return None
