"""One request as a LangChain tool."""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, Self, SupportsIndex

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, ToolException
from pydantic import BaseModel

from revox_langchain.actions.failing import said_again
from revox_langchain.actions.offer import Offer
from revox_langchain.actions.requests import perform_and_render
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.given import Given
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import RevoxToolError
from revox_langchain.flow import Channel, Emit, Flow, arun, error_from, run
from revox_langchain.operations.operation import Request, Risk
from revox_langchain.operations.render.text import fenced
from revox_langchain.results.call import CallResult
from revox_langchain.results.order import object_of
from revox_langchain.tools.conversation import failed_before, given_in, thread_of
from revox_langchain.tracing import note_tool

_Injected = Annotated[Any, InjectedToolArg]
_TAKES_NUMBERS = {"phone_number", "contacts", "settings"}

Answer = tuple[str, Any]
"""What a tool returns: text for the model, and the whole answer for the program."""

Call = Callable[[JsonObject, RunnableConfig, Given | None], Answer]
AsyncCall = Callable[[JsonObject, RunnableConfig, Given | None], Awaitable[Answer]]


class ToolFailure(ToolException):
    """A known failure of a tool, with what a program wants to know of it.

    Args:
        words: What a model reads.
        artifact: The error as plain JSON: `code`, `kind`, `message`, `next_step`, `retry_safe`, `retry_after_s`; from
            a sandbox also `sandbox: true`.
    """

    def __init__(self, words: str, artifact: JsonObject) -> None:
        super().__init__(words)
        self.artifact = artifact

    @classmethod
    def of(cls, error: RevoxToolError, channel: Channel) -> Self:
        """Tell of a known error of whoever answers on the channel."""
        said = error.details.get("said")
        # Whoever runs another server chose these words: a model reads them as data.
        lines = fenced([said], 400) if isinstance(said, str) else []
        return cls("\n".join([f"Error ({error.code}): {error.for_model}", *lines]), error_from(error, channel))


class RevoxTool(StructuredTool):
    """A structured tool whose failures keep their artifact, and whose model reads the lean schema.

    langchain-core drops the artifact of a failed tool and rebuilds the schema without the class's own settings.
    """

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A tool holds a connection with an API key, so it is not pickled. Make one in each process.")

    @property
    def tool_call_schema(self) -> Any:
        """What a model is told about the arguments."""
        return self.args_schema

    def run(self, tool_input: str | JsonObject, *args: Any, **kwargs: Any) -> Any:
        """Run the tool; a known failure is a result with status `error`."""
        try:
            return super().run(tool_input, *args, **kwargs)
        except ToolFailure as failure:
            return self._failed(failure, kwargs.get("tool_call_id"))

    async def arun(self, tool_input: str | JsonObject, *args: Any, **kwargs: Any) -> Any:
        """Run the tool; a known failure is a result with status `error`."""
        try:
            return await super().arun(tool_input, *args, **kwargs)
        except ToolFailure as failure:
            return self._failed(failure, kwargs.get("tool_call_id"))

    def _parse_input(self, tool_input: str | JsonObject, tool_call_id: str | None) -> JsonObject:
        # Whatever does the request validates, so that wrong arguments become a result like every known failure.
        if isinstance(tool_input, str):
            return {next(iter(self._argument_names()), "input"): tool_input}
        return dict(tool_input)

    def _argument_names(self) -> Mapping[str, object]:
        schema = self.args_schema
        if isinstance(schema, dict):
            return dict(schema["properties"])
        assert isinstance(schema, type)
        assert issubclass(schema, BaseModel)
        return schema.model_fields

    def _failed(self, failure: ToolFailure, tool_call_id: str | None) -> ToolMessage | str:
        if tool_call_id is None:
            return str(failure)
        return ToolMessage(
            str(failure), artifact=failure.artifact, tool_call_id=tool_call_id, name=self.name, status="error"
        )


def make_tool(
    request: type[Request],
    connection: Channel,
    guard: Guard | None = None,
    *,
    toolkit: str = "",
    decided: Decided = NOTHING,
) -> RevoxTool:
    """Make one operation or procedure a tool, for `invoke` and `ainvoke`.

    Args:
        request: What the tool does.
        connection: The account to use.
        guard: What may be dialed; the default policy if left out.
        toolkit: Whose budget counts outside of LangGraph threads.
        decided: What code decided of the assistants that requests make.

    Returns:
        A tool with text for the model as content and plain JSON as artifact.
    """
    guard = guard or Guard()
    toolkit = toolkit or f"tool {uuid.uuid4()}"

    def asked(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Flow[Answer]:
        scope, repeated = thread_of(config), is_repeat(config)
        return perform_and_render(
            request,
            arguments,
            guard,
            scope=scope,
            toolkit=toolkit,
            repeated=repeated,
            save=_save,
            given=given,
            decided=decided,
        )

    def call(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        flow = asked(arguments, config, given)
        return run(flow, connection, emit=stream_writer())

    async def acall(arguments: JsonObject, config: RunnableConfig, given: Given | None) -> Answer:
        flow = asked(arguments, config, given)
        return await arun(flow, connection, emit=stream_writer())

    source = number_source(request, guard.policy)
    return tool_for(request, call, acall, connection, tags=["revox", request.spec.toolset], metadata=source)


def make_tools(offer: Offer) -> list[BaseTool]:
    """Make tools of all that is on offer."""
    guard = offer.guard()
    return [
        make_tool(request, offer.connection, guard, toolkit=offer.scope, decided=offer.decided)
        for request in offer.requests()
    ]


def tool_for(
    request: type[Request],
    call: Call,
    acall: AsyncCall,
    channel: Channel,
    *,
    tags: list[str],
    metadata: Mapping[str, object] | None = None,
) -> RevoxTool:
    """Make a tool that is named and described by a request class; `call` and `acall` do the work.

    Args:
        request: Names the tool and its arguments.
        call: Does it from sync code; a RevoxToolError becomes a result with status `error`.
        acall: Does it from async code.
        channel: Who is asked; a failure says if it is a sandbox.
        tags: For traces.
        metadata: Besides what `tool_metadata` says.
    """
    spec = request.spec
    more = {**tool_metadata(request), **(metadata or {})}
    return build_tool(
        call, acall, channel, name=spec.name, description=spec.doc, args_schema=request, tags=tags, metadata=more
    )


def build_tool(
    call: Call,
    acall: AsyncCall,
    channel: Channel,
    *,
    name: str,
    description: str,
    args_schema: type[BaseModel] | JsonObject,
    tags: list[str],
    metadata: JsonObject,
) -> RevoxTool:
    """Make a tool of what does its work; a RevoxToolError becomes a result with status `error`."""

    # langchain-core passes the config to whatever has a parameter of this name and type, and LangGraph its runtime; it
    # is found by its name, so that LangGraph, slow to import, need not be loaded for its type.
    def func(config: RunnableConfig, runtime: _Injected = None, **arguments: Any) -> Answer:
        with _harder_each_time(name, runtime, arguments), known_failures(channel):
            return _traced(call(_own(arguments, runtime), config, _given(runtime, arguments, config)))

    async def coroutine(config: RunnableConfig, runtime: _Injected = None, **arguments: Any) -> Answer:
        with _harder_each_time(name, runtime, arguments), known_failures(channel):
            return _traced(await acall(_own(arguments, runtime), config, _given(runtime, arguments, config)))

    return RevoxTool(
        name=name,
        description=description,
        args_schema=args_schema,
        func=func,
        coroutine=coroutine,
        response_format="content_and_artifact",
        tags=tags,
        metadata=metadata,
    )


def _traced(answer: Answer) -> Answer:
    """The same, with the call it is about put into the trace."""
    note_tool(lambda: _facts(object_of(answer[1])))
    return answer


def _facts(artifact: JsonObject) -> JsonObject:
    order = object_of(artifact.get("call"))
    if not order:
        return artifact
    call = CallResult.from_call(order)
    return {**artifact, "call_id": call.call_id, "status": call.status, "disposition": call.disposition}


@contextmanager
def known_failures(channel: Channel) -> Iterator[None]:
    """Raise a RevoxToolError of the block as a failure of the tool, which a model reads; a bug stays a bug."""
    try:
        yield
    except RevoxToolError as error:
        raise ToolFailure.of(error, channel) from error


@contextmanager
def _harder_each_time(name: str, runtime: object, arguments: JsonObject) -> Iterator[None]:
    """Say a failure shorter and harder where the run's messages show that the same call has failed before."""
    try:
        yield
    except ToolFailure as failure:
        before = failed_before(runtime, name, arguments) if _is_runtime(runtime) else 0
        words = said_again(str(failure), failure.artifact, name, before)
        raise type(failure)(words, failure.artifact) from failure.__cause__


def tool_metadata(request: type[Request]) -> JsonObject:
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


def number_source(request: type[Request], policy: DialPolicy) -> JsonObject:
    """What a program may want to know of where the numbers that a tool dials must come from."""
    if request.spec.risk is Risk.READ or not _TAKES_NUMBERS & set(request.model_fields):
        return {}
    return {"number_source": policy.number_source, "number_source_without_messages": "any"}


def is_repeat(config: RunnableConfig | None) -> bool:
    """Whether a run that was cut off may have called the tool before, with the same tool call."""
    # LangGraph sets this for the first step of a run that goes on from a checkpoint, and for a node that it retries.
    return bool(((config or {}).get("configurable") or {}).get("__pregel_resuming"))


def stream_writer() -> Emit | None:
    """The stream writer of the LangGraph run a tool runs in, if there is one."""
    # Without LangGraph loaded there is no run to write to, and importing it is slow.
    if "langgraph.config" not in sys.modules:
        return None
    from langgraph.config import get_stream_writer

    try:
        writer: Emit = get_stream_writer()
    except (KeyError, RuntimeError):
        return None
    return writer


def _own(arguments: JsonObject, runtime: object) -> JsonObject:
    """The arguments; what only claims to be a runtime is one of them, and refused like any unknown one."""
    return arguments if runtime is None or _is_runtime(runtime) else {**arguments, "runtime": runtime}


def _given(runtime: object, arguments: JsonObject, config: RunnableConfig) -> Given | None:
    if not _is_runtime(runtime):
        return None
    return given_in(runtime, arguments, config, lambda tool: isinstance(tool, RevoxTool))


def _is_runtime(runtime: object) -> bool:
    return not isinstance(runtime, Mapping) and hasattr(runtime, "state") and hasattr(runtime, "tool_call_id")


def _save(audio: bytes) -> JsonObject:
    with tempfile.NamedTemporaryFile(suffix=".mp3", prefix="revox-", delete=False) as file:
        file.write(audio)
    return {"path": file.name, "bytes": len(audio)}
