"""The call graph as one tool: place a call, wait until it has ended, and return what came out."""

from __future__ import annotations

from typing import Unpack

from langchain_core.runnables import RunnableConfig
from pydantic import Field

from revox_langchain.actions.requests import refuse_not_given
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.flow import Flow, arun, run
from revox_langchain.graph.call.build import RECURSION_LIMIT, graph_for_model
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.operations.fields import Id, Moment, Variables
from revox_langchain.operations.operation import Request, Risk, procedure
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.render import calls as render
from revox_langchain.tools.tool import Answer, RevoxTool, ToolFailure, number_source, tool_for


@procedure(risk=Risk.DIAL, render=render.finished)
class CallAndWait(Request):
    """Place a phone call, wait until it has ended, and return how it went and what was said.

    Rings a real person. Give prompt or assistant_id, not both; the voice is chosen to speak the language. The same
    arguments never ring twice: a repeat returns the first call, repeat_of calls again.
    """

    phone_number: str = Field(description="+, country code, number.")
    prompt: Spoken | None = Field(default=None, description="What the assistant must do, in the language it speaks.")
    assistant_id: Id | None = Field(default=None, description="An assistant that exists.")
    language: str | None = Field(
        default=None, description="Code or name: fr, fr-CA, French. Left out: read from the prompt."
    )
    first_sentence: Spoken | None = Field(default=None, description="What it says first, word for word.")
    prompt_variables: Variables | None = None
    scheduled_at: Moment | None = Field(default=None, description="ISO 8601 with offset; leave out to call now.")
    structured_output_schema: JsonObject | None = Field(
        default=None, description="JSON schema of a flat object: what to extract from the conversation."
    )
    intent: str | None = Field(default=None, description="For code: names this request.")
    repeat_of: Id | None = Field(default=None, description="Id of the ended call to make again on purpose.")


def call_graph_tool(connection: Connection | None = None, **options: Unpack[CallGraphOptions]) -> RevoxTool:
    """Make the whole call graph one tool, `revox_call_and_wait`.

    A question the graph asks (approval, unknown outcome) interrupts the agent's run and is answered by resuming it.

    Args:
        connection: As for `create_call_graph`.
        options: As for `create_call_graph`.
    """
    connection = Connection.from_env() if connection is None else connection
    guard = Guard(options.get("policy"))
    # A person who approves sees the number, which is then that person's.
    asks = options.get("approve", False)
    graph = graph_for_model(connection, **options).compile(name=CallAndWait.spec.name)

    def checked(arguments: JsonObject, given: Given | None) -> Flow[None]:
        return refuse_not_given(str(arguments.get("phone_number")), guard, None if asks else given)

    def call(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        run(checked(arguments, given), connection)
        return _rendered(graph.invoke(_given(arguments), _patient(config)))

    async def acall(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        await arun(checked(arguments, given), connection)
        return _rendered(await graph.ainvoke(_given(arguments), _patient(config)))

    source = number_source(CallAndWait, guard.policy)
    return tool_for(CallAndWait, call, acall, tags=["revox", "calling"], metadata=source)


def _given(arguments: JsonObject) -> JsonObject:
    return CallAndWait.parse(arguments).model_dump(mode="json", exclude_none=True)


def _patient(config: RunnableConfig) -> RunnableConfig:
    # A tool's config says 25 steps, which two hours of waiting use up.
    return {**config, "recursion_limit": max(RECURSION_LIMIT, config.get("recursion_limit") or 0)}


def _rendered(out: JsonObject) -> Answer:
    if out.get("call_id") is None:
        # Without an order this is a failure like those of the other tools, whose artifact is the error.
        raise ToolFailure(render.finished(out), {**out, **(out.get("error") or {})})
    return render.finished(out), out
