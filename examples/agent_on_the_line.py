"""A LangChain agent talks on a call: it looks something up, says goodbye, and the line is closed.

It runs as it stands, in a sandbox that rings no phone: `python examples/agent_on_the_line.py`. The model is a script,
so that no key is needed: put `init_chat_model("openai:gpt-4.1-mini")` in its place, `Connection.from_env()` in the
sandbox's, and serve `webhooks` where Revox can reach it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from starlette.applications import Starlette

from revox_langchain.graph import call_graph
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.sandbox import Sandbox
from revox_langchain.webhooks import TalkingModel, Webhooks, hang_up


@tool
def free_slots(day: str) -> str:
    """The free slots of a day.

    Args:
        day: The day of the week.
    """
    return f"{day} at three"


class Script(BaseChatModel):
    """Speaks as a model would, word by word: opens, uses the tool, and says goodbye."""

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Script:
        """It knows its tools."""
        return self

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("It is only asked word by word.")

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self._turn(messages):
            yield ChatGenerationChunk(message=piece)

    def _turn(self, messages: list[BaseMessage]) -> Iterator[AIMessageChunk]:
        looked_up = [message for message in messages if isinstance(message, ToolMessage)]
        if isinstance(messages[-1], ToolMessage):
            yield from words(f"I can offer {messages[-1].text}. Does that suit you?")
        elif not any(message.type == "ai" for message in messages):
            yield from words("Hello, this is an AI assistant. You asked for an appointment?")
        elif not looked_up:
            yield from words("Let me look. ")
            yield uses("free_slots", '{"day": "Tuesday"}')
        else:
            yield uses("hang_up", f'{{"goodbye": "See you on {looked_up[-1].text}. Goodbye!"}}')


def words(text: str) -> Iterator[AIMessageChunk]:
    """A text, word by word."""
    return (AIMessageChunk(f"{word} ") for word in text.split())


def uses(name: str, arguments: str) -> AIMessageChunk:
    """The use of a tool."""
    return AIMessageChunk("", tool_call_chunks=[{"name": name, "args": arguments, "id": f"{name}-1", "index": 0}])


def main() -> None:
    """Place a call on which the agent talks, and print what was said."""
    agent = create_agent(Script(), [free_slots, hang_up], checkpointer=InMemorySaver())
    app = Starlette()  # your server
    connection = Sandbox(outside=httpx.ASGITransport(app)).connect()
    webhooks = Webhooks(connection, model=TalkingModel(agent, sorry="Sorry, could you say that again?"))
    app.mount("/revox", webhooks)

    settings = {
        "llm_model": webhooks.llm_model("http://127.0.0.1/revox"),  # holds a token as its key
        "first_sentence_mode": "generated",
    }
    # The line `revox-thread` gives the call's thread a name, whatever Revox says of the call.
    prompt = "revox-thread: {{appointment}}\nYou book appointments. You are an AI assistant."
    made = connection.send(CreateAssistant(name="Booking", prompt=prompt, settings=settings))["assistant"]
    result = call_graph(connection).invoke(
        {
            "phone_number": "+12025550100",
            "assistant_id": made["id"],
            "prompt_variables": {"appointment": "appointment-4711"},
        }
    )
    for turn in result["transcript"]:
        print(f"{turn['role']:>9}: {turn['content']}")
    print(result["status"], "- the key is shown as", made["llm_model"]["api_key"])
    thread = agent.get_state({"configurable": {"thread_id": "appointment-4711"}})
    print("The thread knows", [m.text for m in thread.values["messages"] if isinstance(m, ToolMessage)])


if __name__ == "__main__":
    main()
