"""Count how often a phone is asked to ring for one intent, whatever goes wrong: python -m benchmarks.placing.

Each way to place a call meets each fault once, in a sandbox in this process. Nothing rings.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, TypedDict

import httpx
import revox
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy

from revox_langchain import RevoxToolkit, Risk
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Fault, Sandbox
from revox_langchain.sandbox.sandbox import BASE_URL, SandboxTransport

NUMBER = "+12025550100"
PROMPT = "Say hello and confirm the appointment on Tuesday at 3 pm."
REQUEST = {"phone_number": NUMBER, "prompt": PROMPT, "language": "en"}
PACKAGES = ("revox-langchain", "revox", "langchain", "langgraph")
MOST_TRIES = 3
"""So often a model or a person tries the same again."""
THREAD: Any = {"configurable": {"thread_id": "one"}}

_ON = "revox_make_call"
FAULTS: dict[str, Fault | None] = {
    "nothing goes wrong": None,
    "no connection": Fault("connect_error", on=_ON),
    "connection breaks before": Fault("lose_before", on=_ON),
    "answer lost": Fault("lose_after", on=_ON),
    "answer after 300 s": Fault("delay", on=_ON, seconds=300),
    "too many requests": Fault("rate_limited", on=_ON, retry_after_s=1),
    "too many calls": Fault("concurrency_limited", on=_ON, retry_after_s=1),
    "500, nothing done": Fault("server_error", on=_ON),
    "500, order placed": Fault("server_error_after", on=_ON),
    "504, order placed": Fault("status", on=_ON, status=504, acts=True, message="Gateway timeout."),
    "409, order placed": Fault("status", on=_ON, status=409, acts=True, message="Conflict."),
    "page instead of JSON": Fault("html", on=_ON),
    "half of the JSON": Fault("truncated", on=_ON),
    "empty answer": Fault("empty", on=_ON),
    "redirect, order placed": Fault("redirect", on=_ON),
}
KILLED = "killed after the POST"


class Killed(BaseException):
    """What a process that is killed looks like from inside: nothing after it runs, and nothing is saved."""


class Deadly(SandboxTransport):
    """Kills the process once an order has been placed, the first time."""

    armed = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self.armed and request.method == "POST" and request.url.path.endswith("/call"):
            self.armed = False
            raise Killed
        return response


Way = Callable[[Sandbox, httpx.BaseTransport], None]


def our_tool(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """`revox_make_call` in an agent whose model tries again after an error."""
    toolkit = RevoxToolkit(
        connection=sandbox.connect(transport=transport), max_risk=Risk.DIAL, include=["revox_make_call"]
    )
    arguments = {"phone_number": NUMBER, "prompt": PROMPT}
    _agent(toolkit.get_tools(), ToolCall(name="revox_make_call", args=arguments, id="1"))


def our_graph(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """The call graph; whoever is asked about an unknown outcome has it looked for, and only then dialed."""
    graph = call_graph(sandbox.connect(transport=transport), checkpointer=InMemorySaver())
    given: Any = REQUEST
    for answer in ("look_again", "look_again", "dial"):
        try:
            graph.invoke(given, THREAD)
        except Killed:
            graph.invoke(None, THREAD)
        if not graph.get_state(THREAD).interrupts:
            return
        given = Command(resume=answer)
    graph.invoke(given, THREAD)


def the_sdk(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """The official SDK with its defaults, in a program that is started again if it was killed."""
    for _ in range(2):
        try:
            _place(_client(transport))
            return
        except Killed:
            continue
        except Exception:
            return


def a_tool_retried(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """A tool around the SDK, which itself retries nothing, under `ToolRetryMiddleware()`."""

    @tool
    def make_call(phone_number: str, prompt: str) -> str:
        """Place a phone call."""
        return _place(_client(transport, max_retries=0))

    call = ToolCall(name="make_call", args={"phone_number": NUMBER, "prompt": PROMPT}, id="1")
    _agent([make_call], call, ToolRetryMiddleware(), tries=1)


def a_node_retried(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """A node around the SDK, which itself retries nothing, under `RetryPolicy()`; resumed if it was killed."""
    graph = _node(transport, RetryPolicy())
    try:
        graph.invoke({}, THREAD)
    except Killed:
        graph.invoke(None, THREAD)
    except Exception:
        return


def a_node_resumed(sandbox: Sandbox, transport: httpx.BaseTransport) -> None:
    """A node around the SDK that retries nothing, and is resumed by hand after an error or a kill."""
    graph = _node(transport, None)
    given: Any = {}
    for _ in range(MOST_TRIES):
        try:
            graph.invoke(given, THREAD)
            return
        except (Killed, Exception):
            given = None


WAYS: dict[str, Way] = {
    "revox_make_call": our_tool,
    "call_graph": our_graph,
    "SDK": the_sdk,
    "tool, retried": a_tool_retried,
    "node, retried": a_node_retried,
    "node, resumed": a_node_resumed,
}
OURS = ("revox_make_call", "call_graph")
RESUMED = ("call_graph", "SDK", "node, retried", "node, resumed")
"""Ways that say what happens when the process is killed: an agent without a checkpointer begins anew."""


def orders(way: str, fault: str) -> int | None:
    """How many orders one intent makes when this goes wrong once; None if the way has no answer to it."""
    sandbox = Sandbox()
    if fault == KILLED:
        if way not in RESUMED:
            return None
        WAYS[way](sandbox, Deadly(sandbox))
    else:
        if (strike := FAULTS[fault]) is not None:
            sandbox.faults.add(strike)
        WAYS[way](sandbox, SandboxTransport(sandbox))
    return len(sandbox.dials)


def counted(ways: Sequence[str], faults: Sequence[str]) -> dict[str, dict[str, int | None]]:
    """Orders by fault and way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {fault: {way: orders(way, fault) for way in ways} for fault in faults}


def table(rows: dict[str, dict[str, int | None]]) -> str:
    """The counts as lines of text, with the most of each way below."""
    ways = list(next(iter(rows.values())))
    lines = [" " * 26 + "".join(way.rjust(17) for way in ways)]
    most = {way: max(each[way] or 0 for each in rows.values()) for way in ways}
    for name, counts in [*rows.items(), ("most", most)]:
        cells = ("-" if counts[way] is None else str(counts[way]) for way in ways)
        lines.append(name.ljust(26) + "".join(cell.rjust(17) for cell in cells))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Count, print, and return 1 if one of our own ways did not place exactly one order."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three faults, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    faults = [*FAULTS, KILLED]
    rows = counted(list(WAYS), faults[:4:2] + faults[-1:] if options.quick else faults)
    made_by = {name: version(name) for name in PACKAGES}
    print(json.dumps({**made_by, "rows": rows}) if options.json else table(rows))
    return int(any(counts[way] not in (1, None) for counts in rows.values() for way in OURS))


class _Again(BaseChatModel):
    """A model that makes one tool call, again while it fails."""

    call: ToolCall
    tries: int

    @property
    def _llm_type(self) -> str:
        return "again"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        results = [message for message in messages if isinstance(message, ToolMessage)]
        if len(results) >= self.tries or (results and results[-1].status != "error"):
            said = AIMessage("Done.")
        else:
            said = AIMessage("", tool_calls=[{**self.call, "id": str(len(results))}])
        return ChatResult(generations=[ChatGeneration(message=said)])


class _State(TypedDict, total=False):
    call_id: str


def _agent(tools: Sequence[BaseTool], call: ToolCall, *middleware: Any, tries: int = MOST_TRIES) -> None:
    agent = create_agent(_Again(call=call, tries=tries), list(tools), middleware=middleware)
    agent.invoke({"messages": [("user", f"Call {NUMBER}.")]})


def _node(transport: httpx.BaseTransport, retry: RetryPolicy | None) -> Any:
    def place(state: _State) -> _State:
        return {"call_id": _place(_client(transport, max_retries=0))}

    builder = StateGraph(_State)
    builder.add_node("place", place, retry_policy=retry)
    builder.add_edge(START, "place")
    builder.add_edge("place", END)
    return builder.compile(checkpointer=InMemorySaver())


def _client(transport: httpx.BaseTransport, **options: Any) -> revox.Revox:
    return revox.Revox(api_key="sk_any", base_url=BASE_URL, http_client=httpx.Client(transport=transport), **options)


def _place(client: revox.Revox) -> str:
    return client.call.create(phone_number=NUMBER, assistant={"prompt": PROMPT}).call.id


if __name__ == "__main__":
    raise SystemExit(main())
