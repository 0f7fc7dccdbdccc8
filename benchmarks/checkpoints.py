"""Count what an hour of waiting writes to a checkpointer: python -m benchmarks.checkpoints [--dsn postgresql://…].

The call graph waits, and beside it a graph that has a node for each look at the order. The time is a sandbox's, so an
hour takes a second. Nothing rings.
"""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple, TypedDict

import httpx
import revox
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from benchmarks.rows import as_lines
from revox_langchain import WaitPolicy
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.sandbox import BASE_URL

PACKAGES = ("revox-langchain", "langgraph", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres")
MOST_KB_A_MINUTE = 0.3
"""What is promised of a graph run that waits."""
HOUR_S = 3600.0
LOOK_S = 10.0
NUMBER = "+12025550100"
PROMPT = "Ask in a friendly way whether Tuesday at 3 pm suits them; if not, find out which day does. " * 5


class Written(NamedTuple):
    """What is in a thread's checkpoints."""

    rows: int
    size_bytes: int


class Saver(NamedTuple):
    """A checkpointer, and what counts a thread's part of it."""

    saver: BaseCheckpointSaver[Any]
    count: Callable[[str], Written]


@contextmanager
def sqlite() -> Iterator[Saver]:
    """SQLite in memory."""
    with SqliteSaver.from_conn_string(":memory:") as saver:

        def count(thread: str) -> Written:
            of = (
                "SELECT count(*), sum(length(checkpoint) + length(metadata)) FROM checkpoints WHERE thread_id = ?",
                "SELECT count(*), coalesce(sum(length(value)), 0) FROM writes WHERE thread_id = ?",
            )
            found = [saver.conn.execute(each, (thread,)).fetchone() for each in of]
            return Written(sum(rows for rows, _ in found), sum(size for _, size in found))

        yield Saver(saver, count)


@contextmanager
def postgres(dsn: str) -> Iterator[Saver]:
    """PostgreSQL, in whose tables each thread is told apart."""
    from langgraph.checkpoint.postgres import PostgresSaver

    with PostgresSaver.from_conn_string(dsn) as saver:
        saver.setup()

        def count(thread: str) -> Written:
            of = (
                "SELECT count(*) AS n, coalesce(sum(octet_length(checkpoint::text) + octet_length(metadata::text)), 0)"
                " AS size FROM checkpoints WHERE thread_id = %s",
                "SELECT count(*) AS n, coalesce(sum(octet_length(blob)), 0) AS size FROM checkpoint_blobs"
                " WHERE thread_id = %s",
                "SELECT count(*) AS n, coalesce(sum(octet_length(blob)), 0) AS size FROM checkpoint_writes"
                " WHERE thread_id = %s",
            )
            with saver.conn.cursor() as cursor:
                found: list[Any] = [cursor.execute(each, (thread,)).fetchone() for each in of]
            return Written(sum(row["n"] for row in found), sum(int(row["size"]) for row in found))

        yield Saver(saver, count)


def ours(sandbox: Sandbox, saver: Saver, waited_s: float) -> Written:
    """The call graph, which waits for so long."""
    thread = str(uuid.uuid4())
    wait = WaitPolicy(max_wait_s=waited_s)
    graph = call_graph(sandbox.connect(), checkpointer=saver.saver, inline=True, wait=wait)
    given = {"phone_number": NUMBER, "prompt": PROMPT, "language": "en", "scheduled_at": _far(sandbox)}
    out = graph.invoke(given, {"configurable": {"thread_id": thread}})
    assert out["status"] == "still_running", out
    return saver.count(thread)


class _State(TypedDict, total=False):
    call_id: str
    status: str
    waited_s: float


def a_node_per_look(sandbox: Sandbox, saver: Saver, waited_s: float) -> Written:
    """A graph of the SDK's whose node looks, sleeps, and is followed by itself."""
    client = revox.Revox(
        api_key="sk_any", base_url=BASE_URL, http_client=httpx.Client(transport=httpx.MockTransport(sandbox))
    )

    def place(_: _State) -> _State:
        far = datetime.fromisoformat(_far(sandbox))
        made = client.call.create(phone_number=NUMBER, assistant={"prompt": PROMPT}, scheduled_at=far)
        return {"call_id": made.call.id, "waited_s": 0.0}

    def look(state: _State) -> _State:
        sandbox.clock.sleep(LOOK_S)
        found = client.call.retrieve(state["call_id"]).call
        return {"status": found.status, "waited_s": state["waited_s"] + LOOK_S}

    def onward(state: _State) -> str:
        return "__end__" if state["waited_s"] >= waited_s or state["status"] == "completed" else "look"

    builder = StateGraph(_State)
    builder.add_node("place", place)
    builder.add_node("look", look)
    builder.add_edge(START, "place")
    builder.add_edge("place", "look")
    builder.add_conditional_edges("look", onward, ["look", "__end__"])
    thread = str(uuid.uuid4())
    config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": 10_000}
    builder.compile(checkpointer=saver.saver).invoke({}, config)
    return saver.count(thread)


WAYS: dict[str, Callable[[Sandbox, Saver, float], Written]] = {
    "call_graph": ours,
    "a node per look": a_node_per_look,
}


def grown(way: str, saver: Saver, hours: float = 1.0) -> dict[str, float]:
    """What one more hour writes: two runs, of which one waits that much longer."""
    short, long = (WAYS[way](Sandbox(), saver, waited_s) for waited_s in (LOOK_S, LOOK_S + hours * HOUR_S))
    rows, size = long.rows - short.rows, long.size_bytes - short.size_bytes
    return {"rows an hour": rows / hours, "kB an hour": size / 1000 / hours, "kB a minute": size / 60_000 / hours}


def main(argv: Sequence[str] | None = None) -> int:
    """Count, print, and return 1 if the call graph writes more than is promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkpoints", description=__doc__)
    parser.add_argument("--dsn", help="a database of PostgreSQL's to measure as well")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    rows = {}
    for name, opened in (("SQLite", sqlite()), *([("PostgreSQL", postgres(options.dsn))] if options.dsn else [])):
        with opened as saver:
            rows |= {f"{way}, {name}": grown(way, saver, options.hours) for way in WAYS}
    made_by = {name: version(name) for name in PACKAGES}
    print(json.dumps({**made_by, "rows": rows}) if options.json else as_lines(rows))
    return int(
        any(row["kB a minute"] > MOST_KB_A_MINUTE for name, row in rows.items() if name.startswith("call_graph"))
    )


def _far(sandbox: Sandbox) -> str:
    return datetime.fromtimestamp(sandbox.clock.now_s() + 6 * 86_400, UTC).isoformat()


if __name__ == "__main__":
    raise SystemExit(main())
