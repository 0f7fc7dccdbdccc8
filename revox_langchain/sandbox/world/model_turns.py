"""A turn of a conversation that is asked of a model: the assistant's custom one, or the callee's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.people.model_script import HANGS_UP
from revox_langchain.sandbox.people.plan import CalleeTurn, Heard, ModelTurn, UsedTool
from revox_langchain.sandbox.world.outside import NOT_ALLOWED, Question, Reply
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.tool_calls import CALL_ID_HEADER
from revox_langchain.sandbox.world.world import World

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_ANSWER_S = 0.4


class ModelCall:
    """One turn of a custom model, with as many requests as the switches allow.

    Args:
        world: The world it belongs to.
        order: The order whose assistant talks through it.
        turn: The talk so far, and the tools.
        then: Called with what the model says.
    """

    def __init__(self, world: World, order: Order, turn: ModelTurn, then: Callable[[Heard], None]) -> None:
        self._world, self._order, self._turn, self._then = world, order, turn, then
        self._began_s = world.moment_s
        self._took_s = 0.0
        self._tries = 0

    def start(self) -> None:
        """Send the request."""
        self._tries += 1
        call_id = self._order.call["id"]
        self._world.ask("model", call_id, self._question(call_id), self._hear)

    def _question(self, call_id: str) -> Question:
        model, switches = self._order.assistant["llm_model"], self._world.switches
        asked: JsonObject = {"model": model["model_name"], "messages": self._turn.messages, "stream": True}
        if self._turn.tools:
            asked["tools"] = self._turn.tools
        if switches.model_call_id == "metadata":
            asked["metadata"] = {"call_id": call_id}
        headers = [("Authorization", f"Bearer {model['api_key']}"), ("Content-Type", "application/json")]
        if switches.model_call_id == "header":
            headers.append((CALL_ID_HEADER, call_id))
        url = f"{model['api_url'].rstrip('/')}/chat/completions"
        return Question(
            "POST", url, tuple(headers), json.dumps(asked, ensure_ascii=False), timeout_s=switches.model_timeout_s
        )

    def _hear(self, reply: Reply) -> None:
        switches = self._world.switches
        passed_s = max(self._world.moment_s - self._began_s - self._took_s, _ANSWER_S)
        self._took_s += switches.model_timeout_s if reply.error == "timed out" else passed_s
        text, tools = _answer_of(reply)
        failed = not (text or tools)
        again = reply.status is None or reply.status >= 500
        if failed and again and reply.error != NOT_ALLOWED and self._tries <= switches.model_retries:
            self.start()
        else:
            self._then(Heard(text, failed, self._took_s, tools))


def callee_says(world: World, order: Order, turn: CalleeTurn, then: Callable[[Heard], None]) -> None:
    """Ask the model that plays the callee."""
    began_s, model = world.moment_s, world.callee

    async def ask() -> Reply:
        if model is None:
            return Reply(error="no model")
        message = await model.ainvoke(_as_callee(order, turn))
        return Reply(200, message.text)

    def hear(reply: Reply) -> None:
        took_s = max(world.moment_s - began_s, _ANSWER_S)
        then(Heard(reply.body.strip(), reply.error is not None, took_s))

    world.wait_outside(world.outside.run(ask(), world.switches.model_timeout_s), hear)


def _as_callee(order: Order, turn: CalleeTurn) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    what = order.story.what or "You answer and are friendly."
    does = "You have called somebody" if order.inbound else "Somebody has called you"
    prompt = (
        f"You are a person on the phone. {does}; you talk to their assistant, in its language. How you behave: {what} "
        f"Say one or two short sentences at a time. To end the call, write {HANGS_UP} at the end."
    )
    kinds: dict[str, type[BaseMessage]] = {"assistant": HumanMessage, "user": AIMessage}
    said = [kinds[role](content=text) for role, text in turn.spoken]
    # Chat models want to be asked something.
    return [
        SystemMessage(prompt),
        *(said if turn.spoken[-1:] and said[0].type == "human" else [HumanMessage("…"), *said]),
    ]


def _answer_of(reply: Reply) -> tuple[str, tuple[UsedTool, ...]]:
    """What the model says and the tools it uses; nothing of both if it answered in another form."""
    if not reply.ok:
        return "", ()
    text, used = "", dict[int, UsedTool]()
    try:
        for delta in _deltas(reply.body):
            text += delta.get("content") or ""
            for place, call in enumerate(delta.get("tool_calls") or ()):
                index, function = call.get("index", place), call.get("function") or {}
                so_far = used.get(index, UsedTool("", "", ""))
                used[index] = UsedTool(
                    call.get("id") or so_far.id,
                    so_far.name + (function.get("name") or ""),
                    so_far.arguments + (function.get("arguments") or ""),
                )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        return "", ()
    return text.strip(), tuple(used[index] for index in sorted(used))


def _deltas(body: str) -> Iterator[JsonObject]:
    """The pieces of a streamed answer, or the message of one that is not streamed."""
    events = [line[5:].strip() for line in body.splitlines() if line.startswith("data:")]
    for event in events or [body]:
        if event == "[DONE]":
            return
        chunk = json.loads(event)
        if chunk.get("error"):
            raise ValueError("the model reports an error")
        for choice in chunk["choices"][:1]:
            yield choice.get("delta") or choice.get("message") or {}
