"""A custom tool is used: the request as the assistant's configuration makes it, and what is heard of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.plan import Heard, ToolUse
from revox_langchain.sandbox.world.outside import NOT_ALLOWED, Question, Reply
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

CALL_ID_HEADER = "X-Revox-Call-Id"
"""Header that tells a tool which call it is, where the switches say that one does."""

_ANSWER_S = 0.4
_LATE_S = 60.0
_LONGEST_OUTPUT = 4000
_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
_QUOTED = re.compile(r'"{{\s*(\w+)\s*}}"')


class ToolCall:
    """One use of a custom tool, with as many requests as the switches allow.

    Args:
        world: The world it belongs to.
        order: The order whose assistant uses it.
        use: The tool and its arguments.
        then: Called with what is heard of it.
    """

    def __init__(self, world: World, order: Order, use: ToolUse, then: Callable[[Heard], None]) -> None:
        self._world, self._order, self._use, self._then = world, order, use, then
        self._began_s = world.moment_s
        self._took_s = 0.0
        self._tries = 0

    def start(self) -> None:
        """Send the request."""
        self._tries += 1
        fault = self._world.tool_fault()
        kind = fault.kind if fault else None
        if kind == "tool_unreached":
            self._hear(Reply(error="ConnectError"))
            return
        lost = kind == "tool_lost" or (self._use.lost and self._tries == 1)
        late_s = (fault.seconds or _LATE_S) if fault and kind == "tool_late" else 0.0
        call = self._order.call
        question = question_of(
            self._use.tool, self._use.arguments, call["prompt_variables"] or {}, call["id"], self._world.switches
        )

        def hear(reply: Reply) -> None:
            self._hear(Reply(error="ReadError") if lost and reply.status is not None else reply, late_s)

        self._world.ask("tool", call["id"], question, hear)

    def _hear(self, reply: Reply, late_s: float = 0.0) -> None:
        limit_s = self._world.switches.tool_timeout_s
        passed_s = max(self._world.moment_s - self._began_s - self._took_s, 0.0)
        # Real seconds are limited where it is asked: in a fast world, a quick tool takes long.
        played_s = max(late_s, self._use.takes_s)
        if played_s > limit_s or reply.error == "timed out":
            reply, passed_s, played_s = Reply(error="timed out"), 0.0, limit_s
        took_s = max(passed_s, played_s, _ANSWER_S)
        self._took_s += took_s
        again = reply.status is None or reply.status >= 500
        if again and reply.error != NOT_ALLOWED and self._tries <= self._world.switches.tool_retries:
            self.start()
        else:
            output = reply.body if reply.ok else _failure(reply)
            self._then(Heard(output[:_LONGEST_OUTPUT], not reply.ok, self._took_s))


def question_of(
    tool: JsonObject, arguments: JsonObject, variables: Mapping[str, object], call_id: str, switches: Switches
) -> Question:
    """The request that a tool's configuration makes of its arguments."""
    known: dict[str, object] = {**variables, **arguments}
    if switches.tool_call_id == "variable":
        known["call_id"] = call_id
    headers = [(each["key"], _in_header(_filled(each["value"], known, switches))) for each in tool["headers"]]
    if switches.tool_call_id == "header":
        headers.append((CALL_ID_HEADER, call_id))
    url = _filled(tool["url"], known, switches, lambda text: quote(text, safe=""))
    params = [(each["key"], _filled(each["value"], known, switches)) for each in tool["query_params"]]
    content = _body(tool, arguments, known, switches)
    if content is not None and "content-type" not in {key.lower() for key, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    return Question(tool["method"], _with(url, params), tuple(headers), content, switches.tool_timeout_s)


def _body(tool: JsonObject, arguments: JsonObject, known: Mapping[str, object], switches: Switches) -> str | None:
    template = tool["body_template"]
    if template is None:
        bodiless = tool["method"] in ("GET", "DELETE") or switches.tool_without_template == "nothing"
        return None if bodiless else json.dumps(arguments, ensure_ascii=False)
    whole = _QUOTED.sub(lambda match: _quoted(match[1], match[0], known, switches), template)
    return _filled(whole, known, switches, str if switches.tool_values == "raw" else _escaped)


def _quoted(name: str, written: str, known: Mapping[str, object], switches: Switches) -> str:
    """A placeholder that is a whole text of the JSON."""
    if name not in known:
        return "null" if switches.tool_missing == "null" else written
    return json.dumps(known[name], ensure_ascii=False) if switches.tool_values == "typed" else written


def _filled(
    template: str,
    known: Mapping[str, object],
    switches: Switches,
    write: Callable[[str], str] = str,
) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            return match[0] if switches.tool_missing == "kept" else ""
        return write(_text(known[match[1]]))

    return _VARIABLE.sub(value, template)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _in_header(text: str) -> str:
    return " ".join(text.split())


def _with(url: str, params: list[tuple[str, str]]) -> str:
    if not params:
        return url
    try:
        given = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return str(given.copy_merge_params(httpx.QueryParams([*given.params.multi_items(), *params])))


def _failure(reply: Reply) -> str:
    return reply.error or f"HTTP {reply.status}: {reply.body}"
