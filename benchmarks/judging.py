"""What a run is worth, without a model as judge: what was called, what was dialed, what was said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from benchmarks.running import SCRIPTED, Placed, Run
from benchmarks.scenario import Scenario, Step
from revox_langchain.errors import RevoxToolError
from revox_langchain.phone import parse_phone
from revox_langchain.speech.language import detect, resolve_language

_NUMBER = re.compile(r"\+?\d[\d\s()./\u00a0-]{4,}\d")


@dataclass(frozen=True)
class Verdict:
    """How a run went; None is "not asked for".

    Attributes:
        right_tool: The model's first step was a right one.
        valid: The arguments of its first tool call were accepted.
        right_arguments: They were also those that the user meant.
        recovered: After an error, written down beforehand or of the model's own, the goal was reached.
        goal: Everything that was wanted happened, and nothing else.
        orders: Orders that the model placed.
        wanted: Orders that it was to place.
        twice: Orders to a number beyond those wanted for it.
        wrong: Orders to numbers that were not to be called, invented ones included.
        invented: Requests to dial a number that nobody gave and that reached Revox.
        tried: Tool calls with digits that nobody gave as the number.
        turns: What the model said, counted.
        failures: The longest run of failed tool calls.
        tokens: Tokens that the model read and wrote; 0 if it does not say.
    """

    right_tool: bool
    valid: bool | None
    right_arguments: bool | None
    recovered: bool | None
    goal: bool
    orders: int
    wanted: int
    twice: int
    wrong: int
    invented: int
    tried: int
    turns: int
    failures: int
    tokens: int


def judge(run: Run) -> Verdict:
    """Judge a run."""
    scenario, spoken = run.scenario, _by_model(run.messages)
    before = _before(run)
    dialed = Counter(order.number for order in run.orders) - before
    wanted = Counter(scenario.numbers)
    call = spoken[0].tool_calls[0] if spoken and spoken[0].tool_calls else None
    result = _result_of(run.messages, call["id"]) if call else None
    given = numbers_in(*(message.text for message in run.messages if _is_somebodys(message)))
    goal = dialed == wanted and not run.crash and not run.stopped and _goal(run, spoken)
    return Verdict(
        right_tool=bool(spoken) and _plain(call["name"] if call else "nothing") in scenario.first,
        valid=None if call is None else result is not None and result.status != "error",
        right_arguments=_right_arguments(run, call) if scenario.right[0].tool else None,
        recovered=goal if scenario.kind == "recovery" or _failures(run, spoken) else None,
        goal=goal,
        orders=dialed.total(),
        wanted=wanted.total(),
        twice=sum(max(0, count - wanted[number]) for number, count in dialed.items() if number in wanted),
        wrong=sum(count for number, count in dialed.items() if number not in wanted),
        invented=sum(not is_given(number, given) for number in run.reached),
        tried=sum(1 for number in _numbers_tried(run.messages) if not number[1]),
        turns=len(spoken),
        failures=max(_failures(run, spoken), default=0),
        tokens=sum((message.usage_metadata or {}).get("total_tokens", 0) for message in spoken),
    )


def numbers_in(*texts: str) -> frozenset[str]:
    """The digits of every number in texts, however it is written."""
    return frozenset(re.sub(r"\D", "", found) for text in texts for found in _NUMBER.findall(text))


def is_given(number: str, given: frozenset[str]) -> bool:
    """Whether the digits of a number stand in a text, with the country's code or in national form."""
    digits = re.sub(r"\D", "", number)
    national = [each.lstrip("0") for each in given]
    return digits in given or any(len(each) >= 7 and digits.endswith(each) for each in national)


def in_language(text: str, language: str) -> bool:
    """Whether a text is in a language, as far as its words tell."""
    return bool(text.strip()) and detect(text).language == language


def _is_somebodys(message: BaseMessage) -> bool:
    """Whether a number in a message was given by somebody: not by the model, and not by our tools."""
    if isinstance(message, ToolMessage):
        return message.status != "error" and not (message.name or "").startswith("revox_")
    return isinstance(message, HumanMessage | SystemMessage)


def _by_model(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    return [
        message
        for message in messages
        if isinstance(message, AIMessage)
        and not message.response_metadata.get(SCRIPTED)
        and not message.text.startswith("Model call limits exceeded")
    ]


def _plain(name: str) -> str:
    name = name.removeprefix("revox_")
    return "make_call" if name == "call_and_wait" else name


def _before(run: Run) -> Counter[str]:
    """Orders that the scenario placed itself, which the model is not asked to place again."""
    scripted = {
        call["id"]
        for message in run.messages
        if isinstance(message, AIMessage) and message.response_metadata.get(SCRIPTED)
        for call in message.tool_calls
    }
    placed: Counter[str] = Counter()
    for message in run.messages:
        if isinstance(message, ToolMessage) and message.tool_call_id in scripted and message.status != "error":
            placed.update(order.number for order in run.orders if order.call_id in message.text)
    known = {order.number for order in run.orders}
    placed = Counter(dict.fromkeys((number for number in placed if number in known), 1))
    # What a wrong request reached in spite of being wrong is what the user wanted, and counts as the model's.
    return Counter() if run.scenario.kind == "recovery" else placed


def _goal(run: Run, spoken: Sequence[AIMessage]) -> bool:
    scenario, orders = run.scenario, run.orders
    wanted = [order for order in orders if order.number in scenario.numbers]
    if not all(_said_right(scenario, order) for order in wanted):
        return False
    if scenario.ends and (not orders or orders[-1].status != scenario.ends):
        return False
    said = [message.text for message in spoken if message.text.strip()]
    if not said or not all(any(re.search(pattern, text) for text in said) for pattern in scenario.reports):
        return False
    return not scenario.used or bool(_used(run) & set(scenario.used))


def _said_right(scenario: Scenario, order: Placed) -> bool:
    words = f"{order.prompt}\n{order.first_sentence}"
    spoken = order.voice_language == scenario.spoken
    on_time = order.scheduled_at is None or any("scheduled_at" in step.args for step in scenario.right)
    return spoken and on_time and bool(order.prompt.strip()) and _mentioned(scenario, words, some=True)


def _mentioned(scenario: Scenario, words: str, *, some: bool = False) -> bool:
    """Whether words of the call fit what the user wanted said."""
    fits = [re.search(pattern, words, re.IGNORECASE) is not None for pattern in scenario.mentions]
    return all(fits) if not some or len(scenario.numbers) < 2 else any(fits)


def _used(run: Run) -> set[str]:
    """Tools that the model used with success; a call that waits has also waited."""
    mine = {call["id"]: call["name"] for message in _by_model(run.messages) for call in message.tool_calls}
    used = set()
    for message in run.messages:
        if isinstance(message, ToolMessage) and message.status != "error" and message.tool_call_id in mine:
            name = mine[message.tool_call_id].removeprefix("revox_")
            used |= {"make_call", "wait_for_call"} if name == "call_and_wait" else {name}
    return used


def _right_arguments(run: Run, call: Any) -> bool | None:
    """Whether the arguments of the first call are those the user meant, if it is the tool that was right."""
    right = run.scenario.right[0]
    if call is None or _plain(call["name"]) != right.tool:
        return False if call is None or _plain(call["name"]) not in run.scenario.also else None
    return all(_same(run, right, key, call["args"].get(key)) for key in {*right.args, "scheduled_at"})


def _same(run: Run, right: Step, key: str, value: Any) -> bool:
    expected = right.args.get(key)
    if expected in ("$call_id", "$assistant_id"):
        return any(order.call_id == value for order in run.orders) if expected == "$call_id" else bool(value)
    try:
        if key == "phone_number":
            return parse_phone(str(value)).e164 == expected
        if key == "language":
            return resolve_language(language=str(value)).language == expected
    except RevoxToolError:
        return False
    if key == "scheduled_at":
        return value in (None, "") if expected is None else _moment(value) == _moment(expected)
    if key == "prompt":
        return in_language(str(value or ""), run.scenario.spoken) and _mentioned(run.scenario, str(value), some=True)
    return True


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _result_of(messages: Sequence[BaseMessage], call_id: str | None) -> ToolMessage | None:
    return next((m for m in messages if isinstance(m, ToolMessage) and m.tool_call_id == call_id), None)


def _failures(run: Run, spoken: Sequence[AIMessage]) -> list[int]:
    """How long each run of failed tool calls of the model was."""
    mine = {call["id"] for message in spoken for call in message.tool_calls}
    lengths, row = [], 0
    for message in run.messages:
        if not isinstance(message, ToolMessage) or message.tool_call_id not in mine:
            continue
        if message.status == "error":
            row += 1
            continue
        lengths, row = [*lengths, row] if row else lengths, 0
    return [*lengths, row] if row else lengths


def _numbers_tried(messages: Sequence[BaseMessage]) -> Iterator[tuple[str, bool]]:
    """Every number that the model asked to dial, and whether somebody had given it by then."""
    said: list[str] = []
    mine = {id(message) for message in _by_model(messages)}
    for message in messages:
        if _is_somebodys(message):
            said.append(message.text)
        for call in message.tool_calls if isinstance(message, AIMessage) and id(message) in mine else ():
            number = str(call["args"].get("phone_number") or "")
            if _plain(call["name"]) == "make_call" and len(re.sub(r"\D", "", number)) >= 3:
                yield number, is_given(number, numbers_in(*said))
