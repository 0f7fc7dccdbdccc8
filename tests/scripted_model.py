"""A chat model that says what a script tells it to: turn by turn, able to look at the conversation so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

Turn = AIMessage | Callable[[list[BaseMessage]], AIMessage]


def calls(*tool_calls: tuple[str, dict[str, Any]], start: int = 0) -> AIMessage:
    """A turn that calls tools, in parallel if there are several."""
    made = [
        {"type": "tool_call", "id": f"call-{start + n}", "name": name, "args": args}
        for n, (name, args) in enumerate(tool_calls)
    ]
    return AIMessage("", tool_calls=made)


def last_artifact(messages: Sequence[BaseMessage], name: str) -> Any:
    """What the last result of a tool holds for programs."""
    return next(m.artifact for m in reversed(messages) if isinstance(m, ToolMessage) and m.name == name)


class ScriptedModel(BaseChatModel):
    """Says its turns one after the other; remembers which tools it was given and what it was shown."""

    turns: list[Any]
    _at: int = PrivateAttr(0)
    _tools: list[Any] = PrivateAttr(default_factory=list)
    _shown: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def tools(self) -> list[Any]:
        return self._tools

    @property
    def shown(self) -> list[list[BaseMessage]]:
        return self._shown

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> ScriptedModel:
        self._tools = list(tools)
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._shown.append(messages)
        turn = self.turns[min(self._at, len(self.turns) - 1)]
        self._at += 1
        said = turn(messages) if callable(turn) else turn
        # A message object that is given twice confuses an agent's routing.
        fresh = said.model_copy(update={"id": f"said-{self._at}"}, deep=True)
        return ChatResult(generations=[ChatGeneration(message=fresh)])
