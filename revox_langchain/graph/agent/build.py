"""Put the agent together: langchain's own, with its stock middleware and our tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Checkpointer

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.graph.agent.report import CallReport
from revox_langchain.operations.operation import Risk, RiskWord
from revox_langchain.tools.toolkit import RevoxToolkit

if TYPE_CHECKING:
    from langchain.agents.middleware.types import AgentMiddleware
    from langchain_core.messages import ToolCall

ENDING = "End every turn with CallReport, also when you only ask or answer.\n"


def create_call_agent(
    model: str | BaseChatModel,
    toolkit: RevoxToolkit,
    *,
    tools: Sequence[BaseTool] = (),
    instructions: str = "",
    approve_from: Risk | RiskWord | None = Risk.DIAL,
    max_dials: int = 5,
    max_model_calls: int = 50,
    report: type[Any] | None = CallReport,
    middleware: Sequence[AgentMiddleware[Any, Any]] = (),
    checkpointer: Checkpointer = None,
    store: BaseStore | None = None,
    name: str = "Revox agent",
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Make an agent that places calls, waits for them, and talks about them.

    It is langchain's `create_agent` with stock middleware: a person is asked before anything risky, dials and model
    calls are limited, and only reads are tried again. No number is hidden from the model, which has to dial it.

    Args:
        model: A chat model, or the name of one, such as `openai:gpt-5.5`.
        toolkit: Which of Revox's tools the agent has, and what it may dial.
        tools: Other tools, such as one that looks numbers up.
        instructions: What your agent is to know or do besides, put before the toolkit's rules.
        approve_from: Ask a person from this risk upward, which needs a checkpointer; None asks no one.
        max_dials: How often each tool that rings phones may be used in a run.
        max_model_calls: How often the model may be asked in a run.
        report: What a turn ends with, in `structured_response`: a TypedDict or a pydantic model. It is a tool of the
            model's, so that each model that can use tools can give it; one that answers in words all the same leaves
            it out. None asks for no report.
        middleware: More middleware, inside of the agent's own.
        checkpointer: What keeps the conversation; Studio and LangGraph's server bring their own.
        store: For your own tools.
        name: Name of the graph.

    Raises:
        InvalidInput: langchain is not installed, or a word names no risk.
    """
    try:
        from langchain.agents import create_agent
        from langchain.agents.structured_output import ToolStrategy
    except ImportError:
        raise InvalidInput(
            "An agent needs langchain, which is not installed.", next_step="pip install 'revox-langchain[agent]'"
        ) from None
    risk = None if approve_from is None else Risk.named(approve_from)
    return create_agent(
        model,
        [*toolkit.get_tools(), *tools],
        system_prompt=prompt_of(toolkit, instructions, report),
        middleware=[*stock(toolkit, risk, max_dials, max_model_calls), *middleware],
        # A fixed answer: the numbers in a report are the model's words, and must not look like a tool's.
        response_format=None if report is None else ToolStrategy(report, tool_message_content="Reported."),
        checkpointer=checkpointer,
        store=store,
        name=name,
    )


def prompt_of(toolkit: RevoxToolkit, instructions: str, report: type[Any] | None) -> str:
    """The system prompt: the application's instructions, the toolkit's rules, and how a turn ends."""
    ending = ENDING.replace("CallReport", report.__name__) if report else ""
    return "\n".join(part.strip() for part in (instructions, toolkit.instructions() + ending) if part.strip())


def stock(
    toolkit: RevoxToolkit, risk: Risk | None, max_dials: int, max_model_calls: int
) -> Iterator[AgentMiddleware[Any, Any]]:
    """The stock middleware; arguments as for `create_call_agent`."""
    from langchain.agents.middleware import (
        HumanInTheLoopMiddleware,
        ModelCallLimitMiddleware,
        ToolCallLimitMiddleware,
        ToolRetryMiddleware,
    )

    requests = toolkit.requests()
    if risk is not None:
        yield HumanInTheLoopMiddleware(interrupt_on=_answerable(toolkit.approvals(risk)))
    # Later in this list is earlier after the model: no one is asked about what a limit keeps from running.
    for request in requests:
        if request.spec.risk is Risk.DIAL:
            yield ToolCallLimitMiddleware(tool_name=request.spec.name, run_limit=max_dials)
    yield ModelCallLimitMiddleware(run_limit=max_model_calls)
    reads: list[BaseTool | str] = [request.spec.name for request in requests if request.spec.risk is Risk.READ]
    if reads:
        # Known failures are answers that say what to do; what is tried again here is what no one foresaw.
        yield ToolRetryMiddleware(tools=reads, on_failure="error")


def _answerable(approvals: JsonObject) -> JsonObject:
    """The same questions, each with what it can be answered with: Studio shows the question and takes any JSON."""
    return {
        name: {**asked, "description": _with_answers(name, asked["description"])} for name, asked in approvals.items()
    }


def _with_answers(name: str, described: str | Callable[..., str]) -> Callable[..., str]:
    def describe(tool_call: ToolCall, state: object, runtime: object) -> str:
        said = described if isinstance(described, str) else described(tool_call, state, runtime)
        edited = {"type": "edit", "edited_action": {"name": name, "args": tool_call["args"]}}
        return "\n".join(
            (
                said,
                f"To approve: {json.dumps({'decisions': [{'type': 'approve'}]})}",
                f"To reject: {json.dumps({'decisions': [{'type': 'reject', 'message': 'why not'}]})}",
                f"To change it: {json.dumps({'decisions': [edited]}, ensure_ascii=False)}",
                "If several actions are shown, give a decision for each, in their order.",
            )
        )

    return describe
