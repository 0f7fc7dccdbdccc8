"""A call as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape

from revox_langchain.results import wording
from revox_langchain.results.facts import CallFacts, Turn

# What Markdown or HTML inside it could read as more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!$])")


def markdown(facts: CallFacts, zones: Sequence[str] = ()) -> str:
    """A call as Markdown; everything that came from outside is text in it.

    Args:
        facts: What is known of it, numbers masked or not.
        zones: Where the callee may be.
    """
    parts = [
        f"## {_text(wording.title(facts))}",
        *(["*Sandbox: no real phone rang.*"] if facts.sandbox else []),
        _table(("", ""), _facts(facts, zones)),
        *([_text(facts.outcome_summary)] if facts.outcome_summary else []),
    ]
    if facts.attempts:
        tried = [
            (
                str(number),
                wording.moment(each.started_at, zones),
                wording.DISPOSITIONS[each.disposition],
                wording.duration(each.talk_s),
                wording.reason(each, facts),
            )
            for number, each in enumerate(facts.attempts, 1)
        ]
        parts += ["### Attempts", _table(("", "dialed", "disposition", "talk", "reason"), tried)]
    if facts.structured_output:
        values = [(name, _value(value)) for name, value in facts.structured_output.items()]
        parts += ["### Extracted", _table(("field", "value"), values)]
    if facts.transcript:
        parts += ["### Transcript", "\n".join(_turn(turn, facts) for turn in facts.transcript)]
    if found := wording.remarks(facts):
        parts += ["### Notes", "\n".join(f"- {_text(each)}" for each in found)]
    return "\n\n".join(parts) + "\n"


def _facts(facts: CallFacts, zones: Sequence[str]) -> list[Sequence[str]]:
    return [
        ("when", f"{wording.moment(facts.created_at, zones)} ({wording.zone_words(zones, wording.person(facts))})"),
        ("status", facts.status),
        ("disposition", wording.DISPOSITIONS[facts.disposition]),
        ("conclusion", wording.CONCLUSIONS[facts.conclusion]),
        ("outcome", wording.outcome(facts)),
        ("attempts", wording.dials(facts)),
        ("minutes", wording.minutes(facts)),
        ("talk share", wording.share(facts)),
        ("wait for answers", wording.waits(facts)),
        ("recording", facts.recording_url or wording.UNKNOWN),
        ("call id", facts.call_id),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _turn(turn: Turn, facts: CallFacts) -> str:
    who = _text(wording.role(turn, facts))
    at = "" if turn.begun_s is None else f" {wording.duration(turn.begun_s)}"
    arguments = "" if turn.tool_arguments is None else f" {_text(_value(turn.tool_arguments))}"
    output = "" if turn.tool_output is None else f" → {_text(turn.tool_output)}"
    return f"- **{who}**{at}: {_text(turn.content)}{arguments}{output}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _text(text: object) -> str:
    """Text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", escape(" ".join(wording.harmless(text).split()), quote=False))
