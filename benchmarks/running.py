"""One scenario with one model: the conversation so far, the user's turns and answers, and the sandbox it rings."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelCallLimitMiddleware, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.scenario import Scenario, Step, Tools
from revox_langchain import Connection, RevoxToolkit, Risk
from revox_langchain.graph import call_graph_tool
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.sandbox import Fault, Sandbox

MOST_TURNS = 8
"""Model turns for one turn of the user; then the model is stopped."""

SCRIPTED = "scripted"
"""Marks, in a message's metadata, what the scenario said in the model's place."""

# What a person takes for a question: a mark of one, or a request for something, in eight languages.
_ASKS = re.compile(
    r"[?？]|\b(please|provide|give me|need|tell me|veuillez|merci de|fourni|indique|numéro|proporcion|necesito|favor"
    r"|bitte|benötige|brauche|Nummer|fornisc|forneç|preciso|informe)|пожалуйста|укажите|номер|请|提供|号码",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Placed:
    """An order that Revox has, as far as it is judged."""

    call_id: str
    number: str
    prompt: str
    first_sentence: str
    voice_language: str
    scheduled_at: str | None
    status: str


@dataclass
class Run:
    """What happened.

    Attributes:
        scenario: What was tried.
        tools: Which set of tools it was tried with.
        messages: The whole conversation.
        orders: The orders of the sandbox afterwards, oldest first.
        reached: The numbers of all requests to dial that reached Revox.
        seconds: How long it took.
        stopped: Whether the model had to be stopped.
        crash: The error of the model, if it had one.
    """

    scenario: Scenario
    tools: Tools
    messages: list[BaseMessage] = field(default_factory=list)
    orders: list[Placed] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False
    crash: str | None = None


def offered(connection: Connection, tools: Tools) -> tuple[list[BaseTool], str]:
    """The tools of a set, and the instructions for them."""
    if tools == "call_and_wait":
        return [call_graph_tool(connection)], ""
    toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL, toolsets=("calling",))
    return toolkit.get_tools(), toolkit.instructions()


def run(scenario: Scenario, tools: Tools, model: BaseChatModel, *, instructions: bool = True) -> Run:
    """Play a scenario; an error of the model ends the run and is kept, so that the others go on."""
    sandbox = Sandbox()
    connection = sandbox.connect()
    for assistant in scenario.assistants:
        connection.send(CreateAssistant(**assistant.model_dump()))
    sandbox.faults.add(*(Fault(each.kind, on=each.on, times=each.times) for each in scenario.faults))
    offer, words = offered(connection, tools)
    script = _Script(lambda step: _message(step, sandbox, tools))
    agent = create_agent(
        model,
        offer,
        system_prompt=(words if instructions else "") or None,
        middleware=[script, ModelCallLimitMiddleware(run_limit=MOST_TURNS + len(scenario.before))],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": scenario.name}, "recursion_limit": 200}
    made = Run(scenario, tools)
    start = time.perf_counter()
    try:
        for steps, words in _turns(scenario, made):
            script.steps = list(steps)
            made.messages = agent.invoke({"messages": [HumanMessage(words)]}, config)["messages"]
    except Exception as error:
        # Many runs take hours: one that a provider cuts off is counted as failed and reported, not the end of all.
        made.crash = f"{type(error).__name__}: {error}"
    made.seconds = time.perf_counter() - start
    made.orders = _orders(sandbox)
    made.reached = [
        str(json.loads(request.content)["phone_number"])
        for request in sandbox.requests
        if request.method == "POST" and request.url.path.endswith("/call")
    ]
    made.stopped = "call limits exceeded" in str(made.messages[-1].content) if made.messages else False
    return made


def _orders(sandbox: Sandbox) -> list[Placed]:
    placed = []
    for call_id, order in sandbox.world.book.items():
        voice = (order.assistant.get("voice") or {}).get("id")
        placed.append(
            Placed(
                call_id=call_id,
                number=order.call["to_phone_number"],
                prompt=order.assistant.get("prompt") or "",
                first_sentence=order.assistant.get("first_sentence") or "",
                voice_language=sandbox.world.voices.get(voice, {}).get("language", ""),
                scheduled_at=order.call["scheduled_at"],
                status=order.status,
            )
        )
    return placed


def _turns(scenario: Scenario, made: Run) -> Iterator[tuple[list[Step], str]]:
    """What the user says, turn by turn, with what the scenario says in the model's place first."""
    words: str | None = None
    steps: list[Step] = []
    for step in scenario.before:
        if step.user is None:
            steps.append(step)
            continue
        if words is not None:
            yield steps, words
        words, steps = step.user, []
    if words is not None:
        yield steps, words
    answers = list(scenario.answers)
    for turn in [] if scenario.before and not scenario.user else [*scenario.user]:
        yield [], turn
        yield from _answered(answers, made)
    if not scenario.user:
        yield from _answered(answers, made)


def _answered(answers: list[str], made: Run) -> Iterator[tuple[list[Step], str]]:
    while answers and made.messages and _ASKS.search(made.messages[-1].text):
        yield [], answers.pop(0)


class _Script(AgentMiddleware):  # type: ignore[type-arg]
    """Says what the scenario has written down before it lets the model speak."""

    def __init__(self, message: Callable[[Step], AIMessage]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._message = message

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        if not self.steps:
            return handler(request)
        return ModelResponse(result=[self._message(self.steps.pop(0))])


def _message(step: Step, sandbox: Sandbox, tools: Tools) -> AIMessage:
    metadata = {SCRIPTED: True}
    if step.tool is None:
        return AIMessage(step.said or "", response_metadata=metadata)
    return AIMessage("", tool_calls=[as_call(step, sandbox, tools)], response_metadata=metadata)


def as_call(step: Step, sandbox: Sandbox, tools: Tools) -> Any:
    """A step as a tool call, with the ids of the sandbox in place."""
    name = "call_and_wait" if tools == "call_and_wait" and step.tool == "make_call" else step.tool
    args = {key: newest(value, sandbox) for key, value in step.args.items()}
    return {"type": "tool_call", "id": f"scripted-{time.monotonic_ns()}", "name": f"revox_{name}", "args": args}


def newest(value: Any, sandbox: Sandbox) -> Any:
    """An argument of a scenario, with `$call_id` and `$assistant_id` replaced."""
    found = {"$call_id": sandbox.world.orders, "$assistant_id": sandbox.world.assistants}.get(str(value))
    return value if found is None else next(reversed(found), "none")
