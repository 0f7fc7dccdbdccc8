"""What a model reads about campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.operations.render.calls import SANDBOX
from revox_langchain.operations.render.text import (
    counted,
    fenced,
    one_line,
    table,
    word,
)

if TYPE_CHECKING:
    from revox_langchain.operations.operation import Request


def campaign(answer: JsonObject, request: Request | None = None) -> str:
    """One campaign and where its calls are."""
    c = answer["campaign"]
    stats = c.get("row_stats") or {}
    counts = one_line(", ".join(f"{name} {int(value)}" for name, value in stats.items() if value), 300)
    state = "cancelled" if c.get("is_cancelled") else c["status"]
    lines = ["It exists already; none was created."] if answer.get("existed") else []
    lines += [
        f"Campaign {word(c['id'])} is {word(state)}; calls: {counts or 'none'}.",
        *fenced([f"name: {one_line(c.get('name'), 80)}"]),
    ]
    if stats.get("not_launched"):
        lines.append("Next: revox_launch_campaign starts the calls not launched yet.")
    return "\n".join(lines)


def finished(out: JsonObject, request: Request | None = None) -> str:
    """What became of a campaign, from the campaign graph's output; of the rows only counts and a few problems."""
    error = out.get("error") or {}
    skipped = ", ".join(f"{int(n)} {word(why)}" for why, n in (out.get("not_called") or {}).items())
    funnel = out.get("funnel") or {}
    head = f"Campaign: {word(out.get('status'))}."
    if not any(each.get("campaign_id") for each in out.get("campaigns") or []):
        head = f"Error ({word(error.get('code') or out.get('status'))}): {out.get('reason')} No one was called."
    lines = [
        head,
        f"{int(funnel.get('contacts', 0))} contacts were launched, {int(funnel.get('ended', 0))} calls ended, "
        f"{int(funnel.get('reached', 0))} people were reached, {int(out.get('still_open') or 0)} are still open.",
        f"Not called: {skipped or 'none'}.",
    ]
    for language, counts in (out.get("conclusions") or {}).items():
        lines.append(f"{word(language)}: {', '.join(f'{int(n)} {word(what)}' for what, n in counts.items())}.")
    said = [*(out.get("warnings") or [])[:3], *(out.get("problems") or [])[:3]]
    if out.get("sandbox"):
        lines.append(SANDBOX)
    return "\n".join(
        [*lines, *fenced([one_line(each, 200) for each in said], 600), error.get("next_step") or ""]
    ).strip()


def campaigns(answer: JsonObject, request: Request | None = None) -> str:
    """Campaigns as a table."""
    rows = [(c["id"], "cancelled" if c.get("is_cancelled") else c["status"], c["name"]) for c in answer["campaigns"]]
    head = counted(len(rows), "campaign") + "."
    return table(head, ("campaign_id", "status", "name"), rows, "revox_get_campaign reads one")


def launch(answer: JsonObject, request: Request | None = None) -> str:
    """How many calls were started."""
    skipped = ", ".join(f"{int(n)} {why}" for why, n in (answer.get("skipped") or {}).items() if n)
    return (
        f"Launched {counted(int(answer['launched']), 'call')}; skipped: {skipped or 'none'}. "
        "Next: revox_get_campaign or revox_get_campaign_statistics."
    )


def rows(answer: JsonObject, request: Request | None = None) -> str:
    """A campaign's contacts as a table."""
    contacts = [(row, row.get("call") or {}) for row in answer["rows"]]
    body = [
        (int(row["row_index"]), row["phone_number"], *(order.get(key) or "-" for key in ("id", "status", "outcome")))
        for row, order in contacts
    ]
    head = counted(len(body), "contact") + "."
    names = ("row", "number", "call_id", "status", "outcome")
    return table(head, names, body, "revox_get_call_history with campaign_ids pages through them")


def statistics(answer: JsonObject, request: Request | None = None) -> str:
    """How a campaign went, in numbers."""
    s = answer["statistics"]
    funnel = s["funnel"]
    outcomes = ", ".join(f"{o['outcome']} {int(o['count'])}" for o in s.get("outcome_breakdown") or [])
    return (
        f"Campaign {word(s['campaign']['id'])} is {word(s['campaign']['status'])}: "
        f"called {int(funnel['called']['count'])}, "
        f"reached {int(funnel['reached']['count'])}, conversations {int(funnel['real_exchanges']['count'])}, "
        f"hot leads {int(funnel['hot_leads']['count'])}. Outcomes: {one_line(outcomes or 'none', 400)}."
    )
