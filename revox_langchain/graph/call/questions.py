"""The two questions a person is asked, and what their answers do: may this be dialed, and what about a lost answer."""

from __future__ import annotations

from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, interrupt

from revox_langchain.answers import JsonObject, digest
from revox_langchain.errors import InvalidInput, NotFound, RevoxToolError
from revox_langchain.flow import Flow
from revox_langchain.graph.call.assistant import choose
from revox_langchain.graph.call.forms import (
    APPROVAL_SCHEMA,
    ONE_OF_THREE,
    UNKNOWN_SCHEMA,
    approval_form,
    is_named,
    unknown_form,
)
from revox_langchain.graph.call.input import CallInput
from revox_langchain.graph.call.nodes import prepare
from revox_langchain.graph.call.replies import read_approval, read_unknown
from revox_langchain.graph.call.settings import Settings
from revox_langchain.graph.call.shown import arguments_of
from revox_langchain.graph.call.state import CallState, current_for
from revox_langchain.graph.steps import GOTO, Update
from revox_langchain.results.order import sandbox_of


def question(state: CallState) -> JsonObject:
    """What a person is shown before the dial, with the hash that ties the answer to it and the answers it takes."""
    arguments = arguments_of(state)
    asked, hashed = state["asked"], digest(arguments)
    message = (
        f"Call {asked['phone_number']}? "
        f"At worst {arguments['max_attempts']} attempts, {arguments['max_minutes']:.0f} minutes."
    )
    return {
        "type": "revox.approve_call",
        **sandbox_of(state),
        "message": message,
        "arguments": arguments,
        "arguments_hash": hashed,
        "warnings": [*(state.get("warnings") or []), *_problem(state)],
        "how_to_answer": _SIMPLY if _first_time(state, hashed) else _EXACTLY,
        "answers": {
            "approve": {"decision": "approve", "arguments_hash": hashed},
            "reject": {"decision": "reject", "arguments_hash": hashed, "reason": "…"},
            "edit": {"decision": "edit", "arguments_hash": hashed, "edits": {"first_sentence": "…"}},
        },
        **approval_form(
            "revox_call",
            {**_editable(state), "arguments_hash": hashed},
            " ".join([*_problem(state), message]),
            may_edit=True,
        ),
    }


def unknown_question(state: CallState) -> JsonObject:
    """What a person is asked when a call may or may not have been placed."""
    error, number, mark = state.get("error") or {}, state["asked"]["phone_number"], state["intent_mark"]
    return {
        "type": "revox.placement_unknown",
        **sandbox_of(state),
        "message": f"A call to {number} may have been placed. {error.get('message', '')}".strip(),
        "phone_number": number,
        "intent_id": mark["intent_id"] if mark else None,
        "warnings": _problem(state),
        "options": {
            "look_again": "Search for the order once more; dials nothing.",
            "dial": "Place the call now. If the first one was placed after all, the phone rings twice.",
            "give_up": "End the run; recover(intent_id, phone_number) still finds the order later.",
        },
        **unknown_form("revox_unknown_call", {"phone_number": number}),
    }


def approve(state: CallState, config: RunnableConfig) -> Command[str]:
    """Ask a person; the answer counts only for the arguments that were shown."""
    state = current_for("approve", state)
    if state.get("approved"):
        return Command(goto="arm")
    # Resuming runs the node again from its top, so nothing before the interrupt may have an effect.
    shown = question(state)
    hashed = shown["arguments_hash"]
    # As a dict the schema is shown and not enforced: whatever was answered, the node gets to read it.
    given = interrupt(shown, response_schema=APPROVAL_SCHEMA)
    try:
        answer = read_approval(given, shown["action_request"]["args"])
    except InvalidInput as wrong:
        return _not_taken(f"{wrong.message} {shown['how_to_answer']}", "approve")
    if answer.arguments_hash not in (None, hashed):
        return _not_taken(f"That answer is to another question than this one. {shown['how_to_answer']}", "approve")
    tied = answer.arguments_hash == hashed or _first_time(state, hashed) or is_named(shown, config)
    if answer.decision == "approve":
        if not tied:
            return _not_taken(_EXACTLY, "approve")
        return Command(update={"approved": True, "problem": None}, goto="arm")
    if answer.decision == "edit":
        before = {name: value for name, value in state["asked"].items() if name in CallInput.model_fields}
        return Command(update={"edited": {**before, **(answer.edits or {})}, "problem": None}, goto="revise")
    error = RevoxToolError(
        f"The call was rejected{f': {answer.reason}' if answer.reason else '.'}",
        code="rejected",
        next_step="Do not place it again unless the person asks for it.",
    )
    return Command(update={"error": error.as_dict(), "problem": None}, goto="report")


def revise(state: CallState, settings: Settings, thread_id: str | None) -> Flow[Update]:
    """Take the edited input as a new one, whose question is asked next."""
    try:
        given = CallInput.parse(_as_given(state["edited"] or {}, settings))
        update = yield from prepare(given, settings, thread_id)
        if update.get(GOTO) != "choose_voice":
            return update
        # In the same step, so that a language or an assistant that does not exist leaves the question as it was.
        edited = cast("CallState", {**state, **update})
        return {**update, **(yield from choose(edited, settings))}
    except (InvalidInput, NotFound) as error:
        # A slip of the person who edits must neither dial what was not meant nor end the run.
        return {"edited": None, "problem": f"The edit was not taken: {error}", GOTO: "approve"}


def ask(state: CallState) -> Command[str]:
    """Ask what to do about a call that may have been placed. Holds the question and nothing else."""
    state = current_for("ask", state)
    given = interrupt(unknown_question(state), response_schema=UNKNOWN_SCHEMA)
    try:
        answer = read_unknown(given)
    except InvalidInput as wrong:
        return _not_taken(f"{wrong.message} {ONE_OF_THREE}", "ask")
    if answer.decision == "look_again":
        return Command(update={"mode": "look", "problem": None}, goto="place_call")
    if answer.decision == "dial":
        return Command(update={"mode": None, "problem": None}, goto="arm")
    error = {**(state.get("error") or {}), "code": "given_up"}
    return Command(update={"error": error, "problem": None}, goto="report")


def _as_given(edited: JsonObject, settings: Settings) -> JsonObject:
    """An edited input without what the graph's code asks for, which would not go beside an assistant."""
    name = "structured_output_schema"
    return {each: value for each, value in edited.items() if each != name or value != settings.schema}


def _not_taken(problem: str, node: str) -> Command[str]:
    return Command(update={"problem": problem}, goto=node)


def _problem(state: CallState) -> list[str]:
    problem = state.get("problem")
    return [problem] if problem else []


def _editable(state: CallState) -> JsonObject:
    given = {name: value for name, value in state["asked"].items() if name in CallInput.model_fields}
    return {name: value for name, value in given.items() if value is not None}


def _first_time(state: CallState, hashed: str) -> bool:
    """Whether no other arguments were shown before, so that a bare yes can only mean these."""
    open_now = state.get("asking")
    return open_now is not None and open_now["hash"] == hashed and not open_now["again"]


_SIMPLY = "Answer true or false, or with one of `answers`; an edit is shown again before anything is dialed."
_EXACTLY = (
    "Another question was asked before this one, so a bare yes does not count: answer with `answers.approve`, which "
    "carries the hash of what is shown here, or resume by the id of this interrupt."
)
