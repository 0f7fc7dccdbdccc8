"""The call graph as one tool: place a call, wait until it has ended, and return what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from pydantic import Field

from revox_langchain.actions.alternatives import Notes, reconciled
from revox_langchain.actions.requests import refuse_not_given
from revox_langchain.answers import JsonObject
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.flow import Flow
from revox_langchain.graph.call.build import graph_for_model
from revox_langchain.graph.call.settings import CallGraphOptions
from revox_langchain.graph.tool import tool_of_graph
from revox_langchain.operations.fields import Id, Moment, Variables
from revox_langchain.operations.narrowed import Fields, check_fixed, narrowed
from revox_langchain.operations.operation import Request, Risk, View, procedure
from revox_langchain.operations.own_words import Spoken
from revox_langchain.operations.render import calls as render
from revox_langchain.operations.schema import FOR_CODE
from revox_langchain.tools.tool import RevoxTool, number_source


@procedure(risk=Risk.DIAL, render=render.finished)
class CallAndWait(Request):
    """Place a phone call, wait until it has ended, and return how it went and what was said.

    Rings a real person; only for a number that the user gave. A voice of the prompt's language is chosen. The same
    arguments never ring twice.
    """

    view = View(
        one_of=("prompt", "assistant_id"),
        excludes={"prompt": ("assistant_id",), "assistant_id": ("prompt", "first_sentence", "language")},
    )

    phone_number: str = Field(description="+, country code, number.")
    prompt: Spoken | None = Field(default=None, description="What the user wants done on the call, in its language.")
    assistant_id: Id | None = Field(default=None, description="An assistant that exists.", json_schema_extra=FOR_CODE)
    language: str | None = Field(default=None, description="Leave out: the prompt's language is spoken.")
    first_sentence: Spoken | None = Field(
        default=None, description="What it says first, word for word.", json_schema_extra=FOR_CODE
    )
    prompt_variables: Variables | None = Field(default=None, json_schema_extra=FOR_CODE)
    scheduled_at: Moment | None = Field(default=None, description="Only if the user names a time: ISO 8601.")
    structured_output_schema: JsonObject | None = Field(
        default=None,
        description="JSON schema of a flat object: what to extract from the conversation.",
        json_schema_extra=FOR_CODE,
    )
    intent: str | None = Field(default=None, description="For code: names this request.", json_schema_extra=FOR_CODE)
    repeat_of: Id | None = Field(default=None, description="To call again: the ended call's id.")


def call_graph_tool(
    connection: Connection | None = None,
    *,
    fields: Fields = "lean",
    fixed: Mapping[str, object] | None = None,
    choose_assistant: bool = False,
    **options: Unpack[CallGraphOptions],
) -> RevoxTool:
    """Make the whole call graph one tool, `revox_call_and_wait`.

    A question the graph asks (approval, unknown outcome) interrupts the agent's run and is answered by resuming it.

    Args:
        connection: As for `create_call_graph`.
        fields: What a model may give. `lean`: number, prompt, language and schedule; `full`: also first sentence,
            variables, assistant, the schema of what to extract, and intent.
        fixed: Values that the application gives, by field name; a model neither sees nor changes them.
        choose_assistant: Whether a model may name an assistant instead of writing a prompt.
        options: As for `create_call_graph`.

    Raises:
        InvalidInput: A fixed value does not fit.
    """
    connection = Connection.from_env() if connection is None else connection
    guard = Guard(options.get("policy"))
    check_fixed(fixed or {}, [CallAndWait], guard.policy.default_region)
    request = narrowed(CallAndWait, fields, fixed=fixed, shown=("assistant_id",) if choose_assistant else ())
    # A person who approves sees the number, which is then that person's.
    asks = options.get("approve", False)
    graph = graph_for_model(connection, **options).compile(name=request.spec.name)

    def checked(arguments: JsonObject, given: Given | None) -> Flow[tuple[JsonObject, Notes]]:
        counting, notes = yield from reconciled(request, arguments, guard.policy)
        asked = request.parse(counting).model_dump(mode="json", exclude_none=True)
        known = asks or "phone_number" in request.view.fixed
        yield from refuse_not_given(asked["phone_number"], guard, None if known else given)
        return asked, notes

    return tool_of_graph(
        request,
        graph,
        connection,
        check=checked,
        # Without an order this is a failure like those of the other tools.
        finished=lambda out: out.get("call_id") is not None,
        tags=["revox", "calling"],
        metadata=number_source(CallAndWait, guard.policy),
    )
