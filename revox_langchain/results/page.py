"""A call as one HTML file: it asks no one for anything, reads without scripts, and carries its data along.

What came from outside is text in it, whatever it holds. A browser is told by the file itself to load nothing but the
recording, and that only on a click.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack
from urllib.parse import urlsplit

from pydantic import ConfigDict

from revox_langchain.answers import JsonObject
from revox_langchain.results import timeline, wording
from revox_langchain.results.drawing import Carried, asset, carried, embedded, hashed, release, rendered
from revox_langchain.results.facts import CallFacts, Turn
from revox_langchain.results.masking import masked, masked_text

SCHEMA_VERSION = 1
"""Of the data inside a page; raise it when a field changes its meaning, and teach `page_in`."""


class Page(Carried):
    """What a page of a call shows, and what it carries along so that a later release can draw it anew.

    Attributes:
        schema_version: Of this layout.
        release: Which release of this package wrote it.
        call: What is known of the call; with its numbers masked, unless they were asked for.
        zones: Where the callee may be.
        marked: How many orders with the mark of its intent a search found; None if no one searched.
        doubt: Why there may be more, as the end of a sentence.
        notes: How the call came to be as it is.
        warnings: What may be wrong with it.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    call: CallFacts
    zones: tuple[str, ...] = ()
    marked: int | None = None
    doubt: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class PageMore(TypedDict, total=False):
    """What a page may say besides the call; see `Page`."""

    marked: int | None
    doubt: str | None
    notes: Sequence[str]
    warnings: Sequence[str]


def page_of(facts: CallFacts, *, show_numbers: bool = False, **more: Unpack[PageMore]) -> Page:
    """Put together what a page shows.

    Args:
        facts: What is known of the call.
        show_numbers: Whether phone numbers stand there whole.
        more: Further fields of `Page`.
    """
    known = CallFacts.model_construct(**{name: getattr(facts, name) for name in CallFacts.model_fields})
    said = {"notes": tuple(more.get("notes", ())), "warnings": tuple(more.get("warnings", ()))}
    page = Page(
        release=release(),
        call=known,
        zones=wording.zones_of(facts),
        marked=more.get("marked"),
        doubt=more.get("doubt"),
        **said,
    )
    if show_numbers:
        return page
    hidden = {name: tuple(map(masked_text, getattr(page, name))) for name in ("notes", "warnings")}
    return page.model_copy(update={"call": masked(known), **hidden})


def draw(page: Page) -> str:
    """The page as one HTML file.

    Raises:
        InvalidInput: Jinja2 is missing.
    """
    return rendered("call.html", {**_document(page), **_view(page)})


def fragment(page: Page) -> str:
    """The same as a piece of HTML for inside another page, such as a notebook's.

    Raises:
        InvalidInput: Jinja2 is missing.
    """
    return rendered("fragment.html", {"style": asset("results", "call.css"), **_view(page)})


def page_in(html: str) -> Page:
    """Read the data that a page carries, so that it can be drawn anew.

    Raises:
        InvalidInput: It is no page of a call, or a newer release's.
    """
    return carried(html, "revox-call", Page, SCHEMA_VERSION, "a call")


def _document(page: Page) -> JsonObject:
    """What only the whole file has: its style, its script, its data, and what a browser may do with it."""
    style, script = asset("results", "call.css"), asset("results", "seek.js")
    recording = _link(page.call.recording_url)
    media = f"{urlsplit(recording).scheme}://{urlsplit(recording).netloc}" if recording else "'none'"
    policy = (
        f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; media-src {media}; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy, "data": _data(page)}


def _data(page: Page) -> str:
    return embedded(page.schema_version, page.model_dump_json(exclude_defaults=True, exclude={"schema_version"}))


def _link(url: str | None) -> str | None:
    """An address that a browser may be sent to; None for any other scheme and for what could end the policy."""
    if url is None or not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[^\s<>\"';,]*)?", url):
        return None
    return url


def _view(page: Page) -> JsonObject:
    call = page.call
    heard = page.call.attempts[call.talked_in - 1 : call.talked_in] if call.talked_in else ()
    recording = _link(call.recording_url)
    # The moments of turns are those of their own recording.
    seeks = bool(recording) and bool(heard) and heard[0].recording_url == call.recording_url
    at = {response.at_s: response for response in call.responses}
    turns = [_turn(turn, call, at) for turn in call.transcript]
    matched = {turn.begun_s for turn in call.transcript if turn.role in ("assistant", "human_agent")}
    return {
        "page": page,
        "call": call,
        "number": wording.number(call),
        "title": wording.title(call),
        "person": wording.person(call),
        "conclusion": wording.CONCLUSIONS[call.conclusion],
        "facts": _facts(page),
        "attempts": [_attempt(number, page) for number in range(1, len(call.attempts) + 1)],
        "dialed": timeline.dialed(call.attempts, page.zones),
        "talk": timeline.talk(call),
        "spoken": {"talk share": wording.share(call), "wait for an answer": wording.waits(call)},
        "turns": turns,
        "other_waits": [
            (wording.duration(one.at_s), wording.wait(one)) for one in call.responses if one.at_s not in matched
        ],
        "values": [(name, _value(value)) for name, value in (call.structured_output or {}).items()],
        "recording": recording,
        "seeks": seeks,
        "remarks": wording.remarks(call),
        "unknown": wording.UNKNOWN,
    }


def _facts(page: Page) -> list[tuple[str, str]]:
    call, unknown = page.call, wording.UNKNOWN
    came_in = call.direction == wording.SOMEONE_CALLED
    ours = call.phone_number if came_in else call.from_phone_number
    when = wording.moment(call.created_at, page.zones)
    clock = wording.zone_words(page.zones, wording.person(call))
    return [
        ("called" if came_in else "ordered", f"{when} ({clock})" if call.created_at else when),
        ("conclusion", wording.CONCLUSIONS[call.conclusion]),
        ("disposition", wording.DISPOSITIONS[call.disposition]),
        ("Revox's outcome", wording.outcome(call)),
        ("status", call.status.replace("_", " ")),
        ("attempts", wording.dials(call)),
        ("minutes", wording.minutes(call)),
        ("assistant", call.assistant_name or unknown),
        ("called at" if came_in else "caller id", ours or unknown),
        ("call id", call.call_id),
    ]


def _attempt(number: int, page: Page) -> JsonObject:
    attempt = page.call.attempts[number - 1]
    return {
        "number": number,
        "started": wording.moment(attempt.started_at, page.zones),
        "disposition": wording.DISPOSITIONS[attempt.disposition],
        "talk": wording.duration(attempt.talk_s) if attempt.answered_at or attempt.talk_s else "",
        "reason": wording.reason(attempt, page.call),
    }


def _turn(turn: Turn, call: CallFacts, responses: dict[float, Any]) -> JsonObject:
    response = responses.get(turn.begun_s) if turn.begun_s is not None and turn.role != "user" else None
    return {
        "kind": turn.role if turn.role in wording.ROLES else "other",
        "who": wording.role(turn, call),
        "at": None if turn.begun_s is None else wording.duration(turn.begun_s),
        "at_s": turn.begun_s,
        "text": turn.content,
        "tool": turn.tool_name,
        "arguments": None if turn.tool_arguments is None else _value(turn.tool_arguments),
        "output": turn.tool_output,
        "failed": turn.tool_failed,
        "wait": None if response is None else wording.wait(response),
    }


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.UNKNOWN if value is None else json.dumps(value, ensure_ascii=False, default=str)
