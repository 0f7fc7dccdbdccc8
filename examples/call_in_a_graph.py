"""The call graph as one node of a graph of yours: a visit is looked up, its patient is called, the answer is kept.

The state has the inputs and outputs of the call graph that it cares about, under their names; the rest stays inside.
It runs as it stands, in a sandbox that rings no phone: `python examples/call_in_a_graph.py`.
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

from revox_langchain import structured
from revox_langchain.connection.connection import Connection
from revox_langchain.graph import create_call_graph
from revox_langchain.sandbox import Sandbox

VISITS = {"visit-4711": {"phone": "+12025550100", "when": "Tuesday at 3 pm"}}


class Confirmed(BaseModel):
    """What is extracted from the conversation."""

    confirmed: bool


class Visit(TypedDict, total=False):
    """Where a visit stands. The first and the last are ours, those between are the call graph's."""

    visit: str
    phone_number: str
    prompt: str
    intent: str
    disposition: str | None
    structured_output: dict[str, Any] | None
    kept: str


def look_up(state: Visit) -> Visit:
    """Say whom to call and why. As the visit names the call, the same visit never rings twice."""
    visit = VISITS[state["visit"]]
    prompt = f"You are an AI assistant of the practice. Ask whether {visit['when']} still suits them."
    return {"phone_number": visit["phone"], "prompt": prompt, "intent": state["visit"]}


def keep(state: Visit) -> Visit:
    """Keep what they said."""
    said = structured(state, Confirmed)
    return {"kept": f"{state['visit']}: {'confirmed' if said.value and said.value.confirmed else 'not confirmed'}"}


def visit_graph(connection: Connection) -> Any:
    """A graph that has the call as a node; a person approves it, and the checkpointer is the whole graph's."""
    graph = StateGraph(Visit)
    graph.add_node("look_up", look_up)
    graph.add_node("call", create_call_graph(connection, approve=True, structured_output=Confirmed).compile())
    graph.add_node("keep", keep)
    graph.add_edge(START, "look_up")
    graph.add_edge("look_up", "call")
    graph.add_edge("call", "keep")
    graph.add_edge("keep", END)
    return graph.compile(checkpointer=InMemorySaver())


def main() -> None:
    """Call about one visit; what the call graph asks interrupts the whole graph, and is answered there."""
    sandbox = Sandbox()
    graph = visit_graph(sandbox.connect())
    thread: Any = {"configurable": {"thread_id": "visit-4711"}}
    asked = graph.invoke({"visit": "visit-4711"}, thread)
    print(asked["__interrupt__"][0].value["message"])
    out = graph.invoke(Command(resume=True), thread)
    print(out["kept"])
    print(f"Orders: {len(sandbox.dials)}")


if __name__ == "__main__":
    main()
