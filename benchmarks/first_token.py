"""Measure how soon the first word of a model of one's own is on its way: python -m benchmarks.first_token, or --quick.

The model's first word takes `OWN_S`, as a fast one does; what is shown is the time beyond that, from the request to the
first piece at the client, over loopback. `benchmarks/README.md` says how to read the table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig

PACKAGES = ("revox-langchain", "langchain-core", "langgraph", "openai", "starlette", "uvicorn")
COLUMNS = ("turns", "p50_ms", "p99_ms", "max_ms")
OWN_S = 0.05
AT_ONCE = 50
_TALK = [
    {"role": "system", "content": "You book appointments for a dentist. Be brief and kind. " * 40},
    *(
        turn
        for n in range(10)
        for turn in (
            {"role": "user", "content": f"And would the {n + 2}nd at three suit you as well?"},
            {"role": "assistant", "content": "I am sorry, that one has just been taken. Shall I look further?"},
        )
    ),
    {"role": "user", "content": "Yes, please."},
]


class Model(BaseChatModel):
    """Its first word takes `OWN_S`, and the others come at once."""

    @property
    def _llm_type(self) -> str:
        return "fixed"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        await asyncio.sleep(OWN_S)
        for word in ["Let", "me", "see", "what", "else", "is", "free", "on", "that", "day."]:
            yield ChatGenerationChunk(message=AIMessageChunk(f"{word} "))


def models() -> dict[str, Any]:
    """What is measured, by what the row is called."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, MessagesState, StateGraph

    async def talk(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        return {"messages": [await Model().ainvoke(state["messages"], config)]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", END)
    return {"chat model": Model(), "graph": graph.compile(), "graph, a thread": graph.compile(InMemorySaver())}


def serve() -> None:
    """Serve each on a path of its own, and say where on stdout."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from revox_langchain.sandbox import Sandbox
    from revox_langchain.webhooks import Webhooks

    connection, listening = Sandbox().connect(), socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    webhooks = {name: Webhooks(connection, model=model) for name, model in models().items()}
    mounts = [Mount(f"/{at}", each) for at, each in enumerate(webhooks.values())]
    here = f"http://127.0.0.1:{listening.getsockname()[1]}"
    told = {name: each.llm_model(f"{here}/{at}") for at, (name, each) in enumerate(webhooks.items())}
    print(json.dumps(told), flush=True)
    config = uvicorn.Config(Starlette(routes=mounts), log_level="warning", access_log=False, ws="none")
    uvicorn.Server(config).run([listening])


async def first_word_ms(given: Mapping[str, str], call: str) -> float:
    """How long the first piece takes; the connection is open already, and the rest is read as well."""
    parts = urlsplit(given["api_url"])
    asked = {"model": "agent", "messages": _TALK, "stream": True, "metadata": {"call_id": call}}
    content = json.dumps(asked).encode()
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        f"Authorization: Bearer {given['api_key']}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    began_s = time.perf_counter()
    writer.write(head.encode() + content)
    heard = b""
    while b'"content":"Let' not in heard:
        piece = await reader.read(65536)
        if not piece:
            raise RuntimeError(f"the server answered {heard[:300]!r}")
        heard += piece
    took_ms = (time.perf_counter() - began_s) * 1000
    if b"[DONE]" not in heard + await reader.read():
        raise RuntimeError("the answer broke off")
    writer.close()
    await writer.wait_closed()
    return took_ms


async def measure(told: Mapping[str, Mapping[str, str]], turns: int) -> dict[str, Any]:
    """Measure each model, turn by turn, and many calls at once."""
    rows: dict[str, Any] = {}
    for name, given in told.items():
        took = [await first_word_ms(given, f"{name}-{n % 3}") for n in range(turns + 3)]
        rows[name] = row(took[3:])
        at_once = [first_word_ms(given, f"{name}-{n}") for n in range(AT_ONCE)]
        rows[f"{name}, {AT_ONCE} at once"] = row(await asyncio.gather(*at_once))
    return rows


def row(took_ms: Sequence[float]) -> dict[str, float]:
    """What is shown of some turns: the time beyond the model's own."""
    beyond = sorted(ms - OWN_S * 1000 for ms in took_ms)
    count = len(beyond)
    return {"turns": count, "p50_ms": beyond[count // 2], "p99_ms": beyond[int(count * 0.99)], "max_ms": beyond[-1]}


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The rows as lines of text."""
    lines = [
        name.ljust(30) + "".join(f"{each[column]:,.1f}".removesuffix(".0").rjust(10) for column in COLUMNS)
        for name, each in rows.items()
    ]
    return "\n".join([" " * 30 + "".join(column.rjust(10) for column in COLUMNS), *lines])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_token", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        serve()
        return 0
    report: dict[str, Any] = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in report.items()))
    with _server() as told:
        report["rows"] = asyncio.run(measure(told, 5 if options.quick else 200))
    print(json.dumps(report) if options.json else table(report["rows"]))
    return 0


@contextmanager
def _server() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.first_token", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
