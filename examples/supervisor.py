"""A supervisor with two workers: one knows the calendar, the other makes calls, with the whole call graph as its tool.

A worker is a tool of the supervisor's. What the call graph asks a person interrupts the supervisor's run, through the
worker, and the answer finds its way back. It runs as it stands, in a sandbox that rings no phone:
`python examples/supervisor.py`. The models are scripts, so that no key is needed: put `init_chat_model(…)` in their
place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph_tool
from revox_langchain.sandbox import Sandbox


class Script(BaseChatModel):
    """Plays a model: uses its tools in their order, each with what `asks` says, and then repeats what came out."""

    asks: dict[str, Callable[[str, list[str]], dict[str, Any]]]

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Script:
        """It knows its tools."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        request = next(str(m.text) for m in messages if isinstance(m, HumanMessage))
        results = [str(m.text) for m in messages if isinstance(m, ToolMessage)]
        if len(results) == len(self.asks):
            message = AIMessage(results[-1])
        else:
            name = list(self.asks)[len(results)]
            arguments = self.asks[name](request, results)
            message = AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"{name}-1"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def free_slots() -> str:
    """The free slots of this week."""
    return "Tuesday at 3 pm"


def worker(name: str, does: str, model: BaseChatModel, tools: list[BaseTool]) -> BaseTool:
    """An agent as a tool of the supervisor's."""
    agent = create_agent(model, tools, name=name)

    @tool(name, description=does)
    def ask(request: str) -> str:
        return str(agent.invoke({"messages": [("user", request)]})["messages"][-1].text)

    return ask


def supervisor(connection: Connection) -> Any:
    """The supervisor, which first has a slot found, and then has the patient called."""
    call = call_graph_tool(connection, approve=True)
    planner = worker("planner", "Knows the calendar.", Script(asks={"free_slots": lambda *_: {}}), [free_slots])
    dials = Script(asks={call.name: lambda request, _: {"phone_number": request[:12], "prompt": request[14:]}})
    caller = worker("caller", "Calls somebody, and says what came out.", dials, [call])
    plan = Script(
        asks={
            "planner": lambda *_: {"request": "When is there time?"},
            "caller": lambda _, found: {"request": f"+12025550100: Ask whether {found[-1]} suits them."},
        }
    )
    return create_agent(plan, [planner, caller], name="supervisor", checkpointer=InMemorySaver())


def main() -> None:
    """Find a slot, have the call approved, and say what came out."""
    sandbox = Sandbox()
    agent = supervisor(sandbox.connect())
    thread: Any = {"configurable": {"thread_id": "t"}}
    asked = agent.invoke({"messages": [("user", "Find a slot for +12025550100 and ask them.")]}, thread)
    print(asked["__interrupt__"][0].value["message"])
    out = agent.invoke(Command(resume=True), thread)
    print(out["messages"][-1].text.splitlines()[0])
    print(f"Orders: {len(sandbox.dials)}, for: {sandbox.dials[0]['assistant']['prompt']}")


if __name__ == "__main__":
    main()
