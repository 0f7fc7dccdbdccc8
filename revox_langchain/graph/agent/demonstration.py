"""A chat model that is none: it follows a script, so that the agent can be seen at work without a key for a model.

It reads only what stands in the conversation, as a model does, and remembers nothing itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from revox_langchain.graph.agent.report import CallReport
from revox_langchain.graph.agent.script import Say, next_turn

LABEL = "I am a demonstration model: I follow a script and understand little."


class DemonstrationModel(BaseChatModel):
    """Plays an agent's model for simple requests: a number and what to say, one call at a time.

    It says in its first message what it is. Give an agent a real model for everything else.
    """

    @property
    def _llm_type(self) -> str:
        return "revox-demonstration"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Remember which tools there are; it uses those that it knows."""
        return self.bind(tool_names=[convert_to_openai_tool(tool)["function"]["name"] for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        tool_names: Sequence[str] = (),
        **kwargs: Any,
    ) -> ChatResult:
        turn = next_turn(messages)
        said = turn.message if isinstance(turn, Say) else turn.why
        if not any(isinstance(message, AIMessage) for message in messages):
            said = f"{LABEL} {said}"
        if not isinstance(turn, Say):
            message = _using(said, turn.tool, turn.arguments)
        elif CallReport.__name__ in tool_names:
            report = CallReport(message=said, happened=turn.happened, call_ids=[*turn.call_ids])
            message = _using(said, CallReport.__name__, {**report})
        else:
            message = AIMessage(said)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _using(said: str, tool: str, arguments: Mapping[str, Any]) -> AIMessage:
    call = {"type": "tool_call", "id": f"demonstration-{uuid.uuid4()}", "name": tool, "args": dict(arguments)}
    return AIMessage(said, tool_calls=[call])
