"""What a person answered, read from the shapes that Studio, Agent Inbox, agents' middleware and code send it in.

LangGraph could check answers itself, but then a slip of the pen ends the run with an error. Here it is a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from pydantic import ValidationError

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.graph.call.state import Approval, UnknownAnswer
from revox_langchain.operations.operation import invalid

_WORDS = {
    "approve": ("approve", "approved", "accept", "yes", "y", "true", "ok"),
    "reject": ("reject", "rejected", "ignore", "no", "n", "false"),
    "edit": ("edit",),
}
_DECISIONS = {word: decision for decision, words in _WORDS.items() for word in words}
_UNKNOWN_DECISIONS = ("look_again", "dial", "give_up")


def read_approval(answer: object, shown: Mapping[str, object]) -> Approval:
    """Read the answer to the question before the dial.

    Args:
        answer: `True`, `"yes"`, `{"decision": "approve"}`, or as Agent Inbox or `HumanInTheLoopMiddleware` send it.
        shown: The arguments the person could edit, with the question's hash.

    Raises:
        InvalidInput: It is none of these.
    """
    given = _only(answer)
    if isinstance(given, bool):
        return Approval(decision="approve" if given else "reject")
    if isinstance(given, str):
        return _checked({"decision": _decision(given)})
    if not isinstance(given, Mapping):
        raise InvalidInput("The answer is not one of those shown.")
    if "type" in given:
        return _of_inbox(given, shown)
    if isinstance(given.get("decision"), str):
        given = {**given, "decision": _decision(given["decision"])}
    return _checked(given)


def read_unknown(answer: object) -> UnknownAnswer:
    """Read the answer to the question about a call that may have been placed; a yes or no is none.

    Raises:
        InvalidInput: It is not one of the three decisions.
    """
    given = _only(answer)
    if isinstance(given, Mapping) and _word(given.get("type")) in ("response", "respond"):
        given = given.get("args") or given.get("message")
    if isinstance(given, Mapping) and set(given) == {"decision"}:
        given = given["decision"]
    # Taken to the letter: one of these words rings a phone that may have rung already.
    if given not in _UNKNOWN_DECISIONS:
        raise InvalidInput("The answer is not one of those shown.")
    return UnknownAnswer.model_validate({"decision": given})


def _only(answer: object) -> object:
    """The one answer in what was sent: Studio may send JSON as text, Agent Inbox sends a list."""
    if isinstance(answer, str) and answer.lstrip()[:1] in ("{", "["):
        with suppress(ValueError):
            answer = json.loads(answer)
    if isinstance(answer, Mapping) and set(answer) == {"decisions"}:
        answer = answer["decisions"]
    if isinstance(answer, list):
        if len(answer) != 1:
            raise InvalidInput(f"One answer is wanted here, not {len(answer)}.")
        return answer[0] if isinstance(answer[0], Mapping) else None
    return answer


def _of_inbox(given: Mapping[str, object], shown: Mapping[str, object]) -> Approval:
    """Read `{"type": …}`: Agent Inbox keeps what belongs to it in `args`, the middleware in keys of its own."""
    kind, action = _word(given.get("type")), given.get("args") or given.get("edited_action")
    said = given.get("message") if given.get("message") is not None else given.get("args")
    if kind in ("response", "respond"):
        # Words instead of a decision: a plain yes or no counts as that, anything else is why not.
        word = _DECISIONS.get(_word(said))
        if word in ("approve", "reject"):
            return _checked({"decision": word})
        if not isinstance(said, str) or not said.strip():
            raise InvalidInput("The answer says nothing.")
        return Approval(decision="reject", reason=said)
    decision = _decision(given.get("type"))
    if decision == "reject":
        return Approval(decision="reject", reason=said if isinstance(said, str) and said.strip() else None)
    sent = action.get("args") if isinstance(action, Mapping) else None
    if not isinstance(sent, Mapping):
        if decision == "edit":
            raise InvalidInput("The edit holds no arguments.")
        return Approval(decision="approve")
    edits = _changes(sent, shown)
    if decision == "approve" and edits:
        raise InvalidInput(f"The answer approves another {', '.join(edits)} than the question shows.")
    return _checked({"decision": decision, "arguments_hash": sent.get("arguments_hash"), "edits": edits or None})


def _changes(sent: Mapping[str, object], shown: Mapping[str, object]) -> JsonObject:
    """What a form changed. Some forms send every value as text."""
    given = {name: _as_shown(value, shown.get(name)) for name, value in sent.items() if name != "arguments_hash"}
    return {name: value for name, value in given.items() if value != shown.get(name)}


def _as_shown(value: object, shown: object) -> object:
    if isinstance(value, str) and not isinstance(shown, str):
        with suppress(ValueError):
            return json.loads(value)
    return value


def _checked(given: Mapping[str, object]) -> Approval:
    try:
        read = Approval.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidInput(invalid(error, "answer").message) from None
    if read.decision == "edit" and not read.edits:
        raise InvalidInput("The edit changes nothing.")
    if read.decision != "edit" and read.edits:
        raise InvalidInput(f"The answer has edits and says {read.decision}.")
    return read


def _decision(said: object) -> str:
    word = _word(said)
    if word not in _DECISIONS:
        raise InvalidInput("The answer is not one of those shown.")
    return _DECISIONS[word]


def _word(said: object) -> str:
    return said.strip().strip(".!\"'").lower() if isinstance(said, str) else ""
