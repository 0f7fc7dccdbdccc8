"""One request as a LangChain tool."""

from __future__ import annotations

import sys
import tempfile
import uuid
from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel

from revox_langchain.actions.actions import perform
from revox_langchain.dialing.guard import Guard
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Channel, Emit, Flow, arun, run
from revox_langchain.operations.operation import Request, Risk

if TYPE_CHECKING:
    pass


class ToolFailure(ToolException):
    """A known failure of a tool, with what a program wants to know of it.

    Attributes:
        artifact: The error as plain JSON: `code`, `kind`, `message`, `next_step`, `retry_safe`, `retry_after_s`.
    """

    def __init__(self, error: RevoxToolError) -> None:
        super().__init__(f"Error ({error.code}): {error}")
        self.artifact = error.as_dict()


class RevoxTool(StructuredTool):
    """A structured tool whose failures keep their artifact, and whose model reads the lean schema.

    langchain-core drops the artifact of a failed tool and rebuilds the schema without the class's own settings.
    """

    @property
    def tool_call_schema(self) -> Any:
        """What a model is told about the arguments."""
        return self.args_schema

    def run(self, tool_input: str | dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Run the tool; a known failure is a result with status `error`."""
        try:
            return super().run(tool_input, *args, **kwargs)
        except ToolFailure as failure:
            return self._failed(failure, kwargs.get("tool_call_id"))

    async def arun(self, tool_input: str | dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Run the tool; a known failure is a result with status `error`."""
        try:
            return await super().arun(tool_input, *args, **kwargs)
        except ToolFailure as failure:
            return self._failed(failure, kwargs.get("tool_call_id"))

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        # The flow validates, so that wrong arguments become a result like every other known failure.
        if isinstance(tool_input, str):
            schema = self.args_schema
            assert isinstance(schema, type)
            assert issubclass(schema, BaseModel)
            return {next(iter(schema.model_fields), "input"): tool_input}
        return dict(tool_input)

    def _failed(self, failure: ToolFailure, tool_call_id: str | None) -> Any:
        if tool_call_id is None:
            return str(failure)
        return ToolMessage(
            str(failure), artifact=failure.artifact, tool_call_id=tool_call_id, name=self.name, status="error"
        )


def make_tool(
    request: type[Request], connection: Channel, guard: Guard | None = None, *, toolkit: str = ""
) -> RevoxTool:
    """Make one operation or procedure a tool, for `invoke` and `ainvoke`.

    Args:
        request: What the tool does.
        connection: Whom it talks to.
        guard: What may be dialed; the default policy if left out.
        toolkit: Whose budget counts outside of LangGraph threads.

    Returns:
        A tool with text for the model as content and plain JSON as artifact.
    """
    guard = guard or Guard()
    spec = request.spec
    toolkit = toolkit or f"tool {uuid.uuid4()}"

    def call(config: RunnableConfig, **arguments: Any) -> tuple[str, Any]:
        try:
            answer = run(
                said_and_done(request, arguments, guard, thread_of(config), toolkit), connection, emit=stream_writer()
            )
        except RevoxToolError as error:
            raise ToolFailure(error) from error
        return answer

    async def acall(config: RunnableConfig, **arguments: Any) -> tuple[str, Any]:
        try:
            flow = said_and_done(request, arguments, guard, thread_of(config), toolkit)
            answer = await arun(flow, connection, emit=stream_writer())
        except RevoxToolError as error:
            raise ToolFailure(error) from error
        return answer

    return RevoxTool(
        name=spec.name,
        description=spec.doc,
        args_schema=request,
        func=call,
        coroutine=acall,
        response_format="content_and_artifact",
        tags=["revox", spec.toolset],
        metadata=tool_metadata(request),
    )


def tool_metadata(request: type[Request]) -> dict[str, Any]:
    """What a program may want to know of a tool before letting a model use it."""
    spec = request.spec
    return {
        "risk": spec.risk.name.lower(),
        "dials": spec.dials,
        "billable": spec.dials,
        "retry_safe": spec.risk is Risk.READ,
        "toolset": spec.toolset,
        "annotations": spec.annotations,
    }


def said_and_done(
    request: type[Request], arguments: dict[str, Any], guard: Guard, scope: str | None, toolkit: str
) -> Flow[tuple[str, Any]]:
    """Do what a tool is asked for; returns text for the model and plain JSON for the program."""
    asked, answer = yield from perform(request, arguments, guard, scope=scope, toolkit=toolkit)
    if isinstance(answer, bytes):
        answer = _saved(answer)
    return request.spec.render(answer, asked), answer


def thread_of(config: RunnableConfig | None) -> str | None:
    """The LangGraph thread a tool runs in, if there is one."""
    thread = ((config or {}).get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)


def stream_writer() -> Emit | None:
    """The stream writer of the LangGraph run a tool runs in, if there is one."""
    if "langgraph.config" not in sys.modules:
        return None
    from langgraph.config import get_stream_writer

    try:
        writer: Emit = get_stream_writer()
    except (KeyError, RuntimeError):
        return None
    return writer


def _saved(audio: bytes) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".mp3", prefix="revox-", delete=False) as file:
        file.write(audio)
    return {"path": file.name, "bytes": len(audio)}
