"""The demonstration model's script: what it does next, as a function of the conversation so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

from revox_langchain.errors import RevoxToolError
from revox_langchain.graph.agent.report import Happened
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import object_of
from revox_langchain.results.wording import CONCLUSIONS, DISPOSITIONS
from revox_langchain.speech.language import language_name, resolve_language

EXAMPLE = "Call +1 202 555 0100 and ask whether Tuesday at 3 pm suits them."
MOST_WAITS = 5


@dataclass(frozen=True)
class Say:
    """Ends a turn with words for the user."""

    message: str
    happened: Happened
    call_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Use:
    """Uses a tool, and says why."""

    tool: str
    arguments: Mapping[str, Any]
    why: str = ""


@dataclass(frozen=True)
class Asked:
    """What the user has asked for since the last call: a number, and what is to be done on the phone."""

    number: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class _Step:
    """One use of a tool, with its result."""

    tool: str
    arguments: Mapping[str, Any]
    result: ToolMessage
    answer: Mapping[str, Any] = field(default_factory=dict)


def next_turn(messages: Sequence[BaseMessage]) -> Say | Use:
    """Decide what to say or which tool to use next."""
    steps, turn = _steps(messages), _steps(_since_the_user_spoke(messages))
    if turn:
        return _after(turn, messages)
    placed = [step for step in steps if step.tool == "revox_make_call" and step.result.status != "error"]
    said = next((str(m.text) for m in reversed(messages) if isinstance(m, HumanMessage)), "")
    if placed and _ASKS_BACK.search(said) and not _numbers(said):
        call_id = str(_call_of(placed[-1]).get("id"))
        return Use("revox_get_call", {"call_id": call_id, "transcript": "full"}, "I look that up.")
    asked = asked_in(_texts_since_the_last_call(messages))
    if asked.number and asked.task:
        return _look_for_a_voice(asked.task, asked.number)
    if asked.number:
        return Say("What should I ask or tell them on the phone?", "asks")
    if asked.task:
        return Say("Which number should I call? Please write it with + and the country code.", "asks")
    return Say(f"Tell me whom to call and what to ask them. For example: {EXAMPLE}", "asks")


def asked_in(texts: Sequence[str]) -> Asked:
    """Put together what several messages ask for; what was said later counts."""
    number, task = None, None
    for text in texts:
        found = _numbers(text)
        number = found[-1][0] if found else number
        task = _task_in(text, [span for _, span in found]) or task
    return Asked(number, task)


def _after(turn: Sequence[_Step], messages: Sequence[BaseMessage]) -> Say | Use:
    last = turn[-1]
    if last.result.status == "error":
        return _failed(last)
    match last.tool:
        case "revox_list_voices":
            return _call(messages)
        case "revox_make_call":
            return Use(
                "revox_wait_for_call", {"call_id": str(_call_of(last)["id"])}, "It rings. I wait until it is over."
            )
        case "revox_wait_for_call":
            call = CallResult.from_call(_call_of(last))
            waits = sum(step.tool == last.tool for step in turn)
            if not call.ended and waits < MOST_WAITS:
                return Use(last.tool, {"call_id": call.call_id}, "It is not over yet. I go on waiting.")
            return _reported(call)
        case "revox_get_call":
            return _retold(CallResult.from_call(_call_of(last)))
    return Say("That is all that my script knows.", "talked")


def _look_for_a_voice(task: str, number: str) -> Say | Use:
    try:
        language = resolve_language(prompt=task, phone=number, default="en")
    except RevoxToolError as error:
        return Say(f"{error.message} Please say in another language what is to be done.", "asks")
    why = f"I look for a voice that speaks {language_name(language.tag)}."
    return Use("revox_list_voices", {"language": language.language}, why)


def _call(messages: Sequence[BaseMessage]) -> Use:
    asked = asked_in(_texts_since_the_last_call(messages))
    language = _steps(_since_the_user_spoke(messages))[-1].arguments["language"]
    arguments = {"phone_number": asked.number, "prompt": asked.task, "language": language}
    earlier = [
        str(_call_of(step)["id"])
        for step in _steps(messages)
        if step.tool == "revox_make_call" and _call_of(step).get("to_phone_number") == asked.number
    ]
    if earlier:
        arguments["repeat_of"] = earlier[-1]
    return Use("revox_make_call", arguments, "I place the call.")


def _failed(step: _Step) -> Say:
    answer = step.answer
    if step.result.additional_kwargs.get("lc_source") == "hitl_interrupt_decision":
        return Say("Then I do not call.", "not_called")
    said = f"{answer.get('message', step.result.text)} {answer.get('next_step', '')}".strip()
    happened: Happened = "unknown" if answer.get("kind") == "placement_unknown" else "not_called"
    return Say(f"That did not work. {said}", happened)


def _reported(call: CallResult) -> Say:
    if not call.ended:
        return Say("The call is still going on. Ask me later how it went.", "unknown", (call.call_id,))
    happened: Happened = "called" if call.disposition == "answered" else "not_reached"
    words = [f"The call is over: {DISPOSITIONS[call.disposition]}, {CONCLUSIONS[call.conclusion]}."]
    words += [call.outcome_summary] if call.outcome_summary else []
    words += [f"They said: “{said}”" for said in _callees_words(call)[:1]]
    return Say(" ".join(words), happened, (call.call_id,))


def _retold(call: CallResult) -> Say:
    lines = [f"{turn.role}: {turn.content}" for turn in call.transcript if turn.content]
    if not lines:
        return _reported(call)
    return Say("\n".join(["This was said:", *lines]), "talked", (call.call_id,))


def _callees_words(call: CallResult) -> list[str]:
    # The longest says most; the first is a greeting.
    return sorted((turn.content for turn in call.transcript if turn.role == "user"), key=len, reverse=True)


def _steps(messages: Sequence[BaseMessage]) -> list[_Step]:
    uses = {call["id"]: call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}
    return [
        _Step(uses[m.tool_call_id]["name"], uses[m.tool_call_id]["args"], m, object_of(m.artifact))
        for m in messages
        if isinstance(m, ToolMessage) and uses.get(m.tool_call_id, {"name": ""})["name"].startswith("revox_")
    ]


def _since_the_user_spoke(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    spoken = [at for at, message in enumerate(messages) if isinstance(message, HumanMessage)]
    return messages[spoken[-1] :] if spoken else messages


def _texts_since_the_last_call(messages: Sequence[BaseMessage]) -> list[str]:
    ends = [at for at, m in enumerate(messages) if isinstance(m, ToolMessage) and m.name == "revox_make_call"]
    return [str(m.text) for m in messages[(ends[-1] if ends else 0) :] if isinstance(m, HumanMessage)]


def _call_of(step: _Step) -> Mapping[str, Any]:
    return object_of(step.answer.get("call"))


def _numbers(text: str) -> list[tuple[str, tuple[int, int]]]:
    found = PhoneNumberMatcher(text, None, leniency=Leniency.VALID)
    return [(format_number(match.number, PhoneNumberFormat.E164), (match.start, match.end)) for match in found]


def _task_in(text: str, spans: Sequence[tuple[int, int]]) -> str | None:
    """What is to be done on the phone: the longest piece beside the numbers, without the request to call."""
    ends = [0, *(at for span in spans for at in span), len(text)]
    pieces = [text[begin:end] for begin, end in zip(ends[::2], ends[1::2], strict=True)]
    tasks = [task for task in map(_without_request, pieces) if len(task.split()) >= _FEWEST_WORDS]
    if not tasks or (not spans and _SMALL_TALK.match(text)):
        return None
    task = max(tasks, key=len)
    return task[0].upper() + task[1:]


def _without_request(piece: str) -> str:
    return _LOOSE_END.sub("", _LINK.sub("", _REQUEST.sub("", piece))).strip(" \t\n,;:–—-")


_FEWEST_WORDS = 2
_REQUEST = re.compile(
    r"^\W*(?:(?:please|hi|hello|hey|can|could|would|you|i|want|need|like|to|bonjour|hallo|hola|bitte|por favor|"
    r"s'il (?:te|vous) pla[iî]t)\b\W*)*"
    r"(?:call|ring|phone|dial|appelle[rz]?|rufe?|llam[ae]r?|chiam[ai]|ligue|bel)\b\W*(?:up\b|me\b|them\b|bitte\b)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"^\W*(?:(?:and|to|then|an|et|pour|und|um|y|para|e|per|en)\b\W*)+", re.IGNORECASE)
_LOOSE_END = re.compile(r"\W+(?:to|at|on|le|au|à|unter|al|a|para|ao)\W*$", re.IGNORECASE)
_SMALL_TALK = re.compile(
    r"\W*(?:hi|hello|hey|good (?:morning|day|evening)|thanks|thank you|help|what (?:can|do|are)|who are|how are|yes|no)"
    r"\b",
    re.IGNORECASE,
)
_ASKS_BACK = re.compile(r"\b(?:how|what|did|transcript|said|say|went|answer)\b", re.IGNORECASE)
