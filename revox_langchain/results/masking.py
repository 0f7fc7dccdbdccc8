"""Phone numbers in what is shown of a call: hidden, wherever somebody said or wrote one."""

from __future__ import annotations

import re

from revox_langchain.phone import mask_phone
from revox_langchain.results.facts import CallFacts, Turn

# Seven digits and more after a plus, nine and more without; blanks, dots, dashes and brackets may stand between.
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?:\+\d(?:[ .()\u00a0/-]{0,2}\d){6,14}|\(?\d(?:[ .()\u00a0/-]{0,2}\d){8,14})(?![\w])"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d[./-]\d\d[./-]\d{4}")


def masked(facts: CallFacts) -> CallFacts:
    """The same facts with the middle of every phone number hidden, also of those in what was said."""
    return facts.model_copy(
        update={
            "phone_number": _own(facts.phone_number),
            "from_phone_number": _own(facts.from_phone_number),
            "assistant_name": _in_text(facts.assistant_name),
            "outcome": _in_text(facts.outcome),
            "outcome_summary": _in_text(facts.outcome_summary),
            "transcript": tuple(map(_turn, facts.transcript)),
            "structured_output": masked_json(facts.structured_output),
            "misfits": tuple(map(masked_text, facts.misfits)),
        }
    )


def masked_text(text: str) -> str:
    """A text with the middle of every phone number in it hidden."""
    return _NUMBER.sub(_hidden, text)


def masked_json(value: object) -> object:
    """JSON with the phone numbers in its texts hidden, and those that stand as numbers."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, dict):
        return {masked_text(name): masked_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked_json(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) >= 9:
        return masked_text(str(value))
    return value


def _turn(turn: Turn) -> Turn:
    update: dict[str, object] = {"content": masked_text(turn.content)}
    if turn.role == "tool" or turn.tool_name:
        update["tool_arguments"] = masked_json(turn.tool_arguments)
        update["tool_output"] = _in_text(turn.tool_output)
    return turn.model_copy(update=update)


def _in_text(text: str | None) -> str | None:
    return None if text is None else masked_text(text)


def _own(number: str | None) -> str | None:
    return None if number is None else mask_phone(number)


def _hidden(found: re.Match[str]) -> str:
    if _DATE.match(found[0]):
        return found[0]
    digits = re.sub(r"\D", "", found[0])
    return mask_phone(f"+{digits}") if found[0].startswith("+") else mask_phone(digits)
