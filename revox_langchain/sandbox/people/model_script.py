"""A conversation in which a custom model talks: the callee's lines as scripted, or from another model."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from itertools import chain, cycle

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.lines.phrasebook import Phrasebook, phrasebook
from revox_langchain.sandbox.people.person import gone_silent, person_says
from revox_langchain.sandbox.people.plan import Brief, CalleeTurn, Ending, Heard, ModelTurn, Step, ToolUse, UsedTool
from revox_langchain.sandbox.people.stories import Act, Scene
from revox_langchain.sandbox.people.wishes import label_of, wished

END_CALL, TRANSFER = "end_call", "transfer_call"
HANGS_UP = "[hangs up]"
"""What a callee's model writes to end the call."""

_HUNG_UP_AFTER_S = 0.3
_MOST_ROUNDS = 8
_MOST_TURNS = 40
_TYPES: dict[str, JsonObject] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}

Talk = Generator[Step, Heard | None, Ending | None]
"""Yields who says what and what is asked outside; returns how the call ends, or None if it goes on."""


def model_script(act: Act, brief: Brief) -> Generator[Step, Heard | None, Ending]:
    """The conversation, from the first sentence on, of an assistant that a custom model talks for."""
    talk = _Talk(act, brief)
    ending = yield from talk.opening()
    lines = talk.lines()
    while ending is None:
        line = yield from talk.callee(lines)
        if line is None:
            # A person who hangs up ends the call by themselves.
            return gone_silent() if act.scene == "yours" else Ending("human", "user", None, _HUNG_UP_AFTER_S)
        ending = yield from talk.answer()
    return ending


class _Talk:
    def __init__(self, act: Act, brief: Brief) -> None:
        self._act, self._brief = act, brief
        self._phrases: Phrasebook = phrasebook(brief.language)
        self._messages: list[JsonObject] = [{"role": "system", "content": brief.prompt or ""}]
        self._tools = tuple(_offered(brief))
        self._spoken: list[tuple[str, str]] = []

    def opening(self) -> Talk:
        brief = self._brief
        if brief.person_first:
            return None
        if brief.first_sentence and not brief.generated:
            yield self._said("assistant", brief.first_sentence)
            return None
        wish = f"Begin the call. {brief.first_sentence or ''}".strip()
        return (yield from self.answer(extra=({"role": "system", "content": wish},)))

    def callee(self, lines: Iterator[str]) -> Generator[Step, Heard | None, str | None]:
        """What the callee says next; None if they hang up, or say nothing more."""
        if self._act.scene == "yours":
            spoken = yield from person_says()
            if spoken:
                self._said("user", spoken)
            return spoken or None
        if self._brief.callee_is_model:
            if len(self._spoken) >= _MOST_TURNS:
                return None
            heard = yield CalleeTurn(tuple(self._spoken))
            line: str | None = "" if heard is None or heard.failed else heard.output
            words = (line or "").replace(HANGS_UP, "").strip()
            if words:
                yield self._said("user", words)
            return words if words and HANGS_UP not in (line or "") else None
        line = next(lines, None)
        if line is not None:
            yield self._said("user", line)
        return line

    def lines(self) -> Iterator[str]:
        """What the callee says, as scripted."""
        act, brief, phrases = self._act, self._brief, self._phrases
        usual: Scene = "rings_in" if brief.inbound else "agrees"
        if act.scene == "asks" and brief.tools:
            return chain((self._wish(tool) for tool in brief.tools), [phrases.thanks])
        filler = [text for role, text in phrases.filler if role == "user"]
        talk = {"long": filler * 8, "endless": filler}.get(act.scene)
        scene = phrases.scenes[usual if act.scene in ("asks", "long", "endless", "yours") else act.scene]
        lines = [text for role, text in scene if role == "user"]
        if brief.person_first and not brief.inbound:
            lines.insert(0, phrases.pick_up)
        if talk is None:
            return iter(lines)
        return chain(lines[:1], cycle(talk) if act.scene == "endless" else talk, lines[1:])

    def answer(self, extra: tuple[JsonObject, ...] = ()) -> Talk:
        """The assistant's turn: what the model says, and the tools that it uses before it does."""
        for _ in range(_MOST_ROUNDS):
            heard = yield ModelTurn((*self._messages, *extra), self._tools)
            if heard is None or heard.failed:
                yield "assistant", self._phrases.trouble
                return Ending("human", "system", "connection_timeout", 0.5)
            if heard.output:
                yield self._said("assistant", heard.output, heard.tools)
            elif heard.tools:
                self._messages.append(_used(None, heard.tools))
            if not heard.tools:
                return None
            ending = yield from self._use(heard.tools)
            if ending is not None:
                return ending
        return None

    def _use(self, used: tuple[UsedTool, ...]) -> Talk:
        for each in used:
            if each.name == END_CALL:
                if self._brief.goodbye:
                    yield "assistant", self._brief.goodbye
                return Ending("human", "agent", "tool_end_call", 0.5)
            if each.name == TRANSFER and self._brief.transfers:
                yield "tool", TRANSFER
                return Ending("human", "agent", "transfer", 0.5)
            output = yield from self._tool(each)
            self._messages.append({"role": "tool", "tool_call_id": each.id, "content": output})
        return None

    def _tool(self, used: UsedTool) -> Generator[Step, Heard | None, str]:
        tool = next((tool for tool in self._brief.tools if tool["name"] == used.name), None)
        arguments = _arguments(used.arguments)
        if tool is None or arguments is None:
            return f"There is no tool {used.name}." if tool is None else "The arguments are not a JSON object."
        heard = yield ToolUse(tool, arguments)
        return heard.output if heard is not None else ""

    def _said(self, role: str, text: str, tools: tuple[UsedTool, ...] = ()) -> tuple[str, str]:
        self._spoken.append((role, text))
        self._messages.append(_used(text, tools) if tools else {"role": role, "content": text})
        return role, text

    def _wish(self, tool: JsonObject) -> str:
        wishes = wished(tool, self._act, self._phrases, self._brief, [self._last_heard()])
        request = self._phrases.request.replace("{tool}", label_of(tool["description"]))
        return " ".join([request, *(f"{wish.label}: {wish.words}" for wish in wishes)])

    def _last_heard(self) -> str:
        return next((str(each["content"]) for each in reversed(self._messages) if each["role"] == "tool"), "")


def _offered(brief: Brief) -> Iterator[JsonObject]:
    """The assistant's tools as OpenAI has them, with those of Revox."""
    yield _function(END_CALL, "End the call once everything is said.", {}, [])
    if brief.transfers:
        yield _function(TRANSFER, "Put the person through to a human.", {}, [])
    for tool in brief.tools:
        fields = {field["name"]: _schema(field) for field in tool["input_schema"]}
        required = [field["name"] for field in tool["input_schema"] if field["required"]]
        yield _function(tool["name"], tool["description"], fields, required)


def _function(name: str, description: str, fields: JsonObject, required: list[str]) -> JsonObject:
    parameters = {"type": "object", "properties": fields, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _schema(field: JsonObject) -> JsonObject:
    kind = {"type": "string", "enum": field.get("enum_options") or []} if field["type"] == "enum" else None
    schema = kind or _TYPES[field["type"]]
    return {**schema, **({"description": field["description"]} if field.get("description") else {})}


def _used(text: str | None, tools: tuple[UsedTool, ...]) -> JsonObject:
    calls = [
        {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
        for each in tools
    ]
    return {"role": "assistant", "content": text, "tool_calls": calls}


def _arguments(text: str) -> JsonObject | None:
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        return None
    return arguments if isinstance(arguments, dict) else None
