"""A whole graph as one tool: checked, run to its end, and rendered for a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from revox_langchain.actions.alternatives import Notes
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.given import Given
from revox_langchain.flow import Flow, arun, run
from revox_langchain.graph.steps import patient
from revox_langchain.operations.operation import Request
from revox_langchain.tools.tool import Answer, RevoxTool, ToolFailure, tool_for

Check = Callable[[JsonObject, Given | None], Flow[tuple[JsonObject, Notes]]]
"""From a model's arguments to the graph's input, with what a model should know of how they were read."""


def tool_of_graph(
    request: type[Request],
    graph: CompiledStateGraph[Any, Any, Any, Any],
    connection: Connection,
    *,
    check: Check,
    finished: Callable[[JsonObject], bool],
    tags: list[str],
    metadata: JsonObject,
) -> RevoxTool:
    """Make a graph a tool.

    Args:
        request: What a model gives.
        graph: What runs, without a checkpointer of its own.
        connection: The account it uses.
        check: Makes the graph's input of a model's arguments.
        finished: Whether an output is a result; any other is a failure, whose artifact has the error at its top.
        tags: Of the tool.
        metadata: Of the tool.
    """

    def answered(out: JsonObject, notes: Notes) -> Answer:
        words = request.spec.render(out, None)
        if not finished(out):
            raise ToolFailure(words, {**out, **(out.get("error") or {})})
        said = [words, *(f"Note: {note}" for note in notes)]
        return "\n".join(said), {**out, "notes": [*notes, *(out.get("notes") or [])]}

    def call(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        asked, notes = run(check(arguments, given), connection)
        return answered(graph.invoke(asked, patient(config)), notes)

    async def acall(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        asked, notes = await arun(check(arguments, given), connection)
        return answered(await graph.ainvoke(asked, patient(config)), notes)

    return tool_for(request, call, acall, connection, tags=tags, metadata=metadata)
