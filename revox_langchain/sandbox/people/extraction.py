"""The analysis of a conversation: outcome, summary, structured output, contact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook
from revox_langchain.sandbox.people.stories import Act

OUTCOMES: dict[str, str] = {
    "agrees": "completed",
    "declines": "not_interested",
    "call_back": "requested_callback_later",
    "do_not_call": "not_interested",
    "hostile": "completed",
    "transfer": "interested",
    "long": "interested",
    "endless": "interested",
    "asks": "completed",
    "rings_in": "completed",
    "yours": "completed",
}
"""Outcome of a conversation by its scene."""

_REFUSALS = ("declines", "do_not_call", "call_back")
_NEGATIVE = re.compile(r"(^|_|\b)(no|not|none|never|declin\w*|refus\w*|cancel\w*|cold|nein|non|нет)(_|\b|$)|不", re.I)
_LATER = re.compile(r"later|call.?back|resched|rappel|später|spater|despu|dopo|depois|позже|稍后", re.I)
_UNFIT: JsonObject = {
    "string": 42,
    "number": "quite a few",
    "boolean": "maybe",
    "enum": "something else",
    "date": "next week",
    "datetime": "soon",
}
_MOST_QUESTIONS = 4

Config = Sequence[JsonObject]


def talked(act: Act) -> bool:
    """Whether the attempt is a conversation that can be analysed."""
    return act.kind == "talk"


def outcome_of(act: Act) -> str | None:
    """Business outcome of an attempt; None without a conversation."""
    return OUTCOMES[act.scene] if talked(act) else None


def summary_of(act: Act, phrases: Phrasebook) -> str | None:
    """Sentence that explains the outcome."""
    return phrases.summaries.get(act.scene, phrases.summaries["long"]) if talked(act) else None


def structured_output(
    config: Config | None, act: Act, phrases: Phrasebook, number: str, now_s: float, *, fits: bool = True
) -> JsonObject | None:
    """Values for the fields of a structured output configuration; None without a conversation."""
    if not config or not talked(act):
        return None
    if not fits:
        return {field["name"]: _UNFIT[field["type"]] for field in config}
    values = {field["name"]: value_for(field, act, phrases, number, now_s) for field in config}
    return {name: value for name, value in values.items() if value is not None}


def questions(config: Config | None, values: JsonObject | None, phrases: Phrasebook) -> tuple[tuple[str, str], ...]:
    """How the values come up in the conversation: label of the question, words of the answer."""
    asked = []
    for field in (config or [])[:_MOST_QUESTIONS]:
        if values and field["name"] in values:
            asked.append((label_for(field), in_words(values[field["name"]], phrases)))
    return tuple(asked)


def label_for(field: JsonObject) -> str:
    """How to ask for a field: its description, or its name in words."""
    label = field.get("description") or re.sub(r"[_\W]+", " ", field["name"]).strip() or field["name"]
    return str(label).strip().rstrip("?？.。 ").strip()


def contact_of(variables: JsonObject | None, phrases: Phrasebook | None = None) -> JsonObject:
    """The callee: from the variables of the order, else from the conversation."""
    given = variables or {}
    said = {} if phrases is None else {"first_name": phrases.first_name, "last_name": phrases.last_name}
    keys = ("company", "email", "first_name", "job_title", "last_name")
    return {key: given.get(key) or said.get(key) for key in keys}


def value_for(field: JsonObject, act: Act, phrases: Phrasebook, number: str, now_s: float) -> bool | int | str | None:
    """What the callee has to say to a field; None if nothing fits."""
    refuses = act.scene in _REFUSALS
    kind = field["type"]
    if kind == "boolean":
        return not refuses
    if kind == "number":
        return 0 if refuses else 4
    if kind == "enum":
        return _option(field.get("enum_options") or [], act.scene, refuses)
    if kind in ("date", "datetime"):
        day = datetime.fromtimestamp(now_s, UTC) + timedelta(days=1 if act.scene == "call_back" else 3)
        moment = day.replace(hour=15, minute=0, second=0, microsecond=0)
        return moment.date().isoformat() if kind == "date" else moment.isoformat().replace("+00:00", "Z")
    return _text(f"{field['name']} {field.get('description') or ''}".casefold(), phrases, number)


def _option(options: Sequence[str], scene: str, refuses: bool) -> str | None:
    if not options:
        return None
    if scene == "call_back":
        return next((o for o in options if _LATER.search(o)), options[-1])
    if refuses:
        return next((o for o in options if _NEGATIVE.search(o)), options[-1])
    return next((o for o in options if not _NEGATIVE.search(o)), options[0])


def _text(about: str, phrases: Phrasebook, number: str) -> str:
    if "mail" in about:
        return "contact@example.com"
    if re.search(r"first.?name|prénom|vorname", about):
        return phrases.first_name
    if re.search(r"company|entreprise|société|firma|empresa|azienda", about):
        return phrases.company
    if re.search(r"phone|téléphone|telefon|teléfono|номер|电话", about):
        return number
    if re.search(r"\bname|\bnom\b|nombre|nome\b|имя|姓名", about):
        return f"{phrases.first_name} {phrases.last_name}"
    if re.search(r"note|summar|reason|comment|feedback|raison|résum|grund|motiv", about):
        return phrases.note
    return phrases.phrase


def in_words(value: object, phrases: Phrasebook) -> str:
    """A value as the callee says it."""
    if isinstance(value, bool):
        value = phrases.yes if value else phrases.no
    return f"{value}{phrases.full_stop}"
