"""A front desk that remembers: who calls is looked up before the phone is answered, and what they wanted is kept after.

Each caller has a thread of their own, and their earlier calls are in a LangGraph store. It runs as it stands, in a
sandbox whose numbers somebody calls: `python examples/inbound_graph.py`. With `Connection.from_env()`, a server that
Revox can reach, and a saver and a store on disk, it is a real front desk.
"""

from __future__ import annotations

import operator
import time
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel
from starlette.routing import Mount

from revox_langchain.connection.connection import Connection
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.phone_numbers import ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.results.call import CallResult
from revox_langchain.sandbox import Sandbox
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.webhooks import Webhooks

PROMPT = "You answer the phone of a bicycle shop. You are an AI assistant. What you know of the caller: {{known}}"
OPENING = "{{greeting}} This is the AI assistant of the bicycle shop."


class Caller(BaseModel):
    """What the assistant is told of a caller; the defaults are for people who call for the first time."""

    greeting: str = "Hello!"
    known: str = "They call for the first time."


class CallerThread(TypedDict):
    """A caller's thread: the call that has just ended, and how many there were."""

    call: dict[str, Any]
    calls: Annotated[int, operator.add]


def note(state: CallerThread, runtime: Runtime[None]) -> dict[str, Any]:
    """Keep what a call was about, under its id: it may be reported more than once."""
    call, store = state["call"], runtime.store
    assert store is not None
    callers = ("callers", call["from_phone_number"])
    if store.get(callers, call["call_id"]):
        return {"calls": 0}
    store.put(callers, call["call_id"], {"about": call["outcome_summary"] or call["status"]})
    return {"calls": 1}


def inbound_graph(checkpointer: Any, store: BaseStore) -> Any:
    """A graph that is run after each call, on the thread of whoever called."""
    graph = StateGraph(CallerThread)
    graph.add_node("note", note)
    graph.add_edge(START, "note")
    graph.add_edge("note", END)
    return graph.compile(checkpointer=checkpointer, store=store)


class FrontDesk:
    """Both ends of a call: what is known before it, and what is kept after it."""

    def __init__(self, connection: Connection) -> None:
        self.store = InMemoryStore()
        self.graph = inbound_graph(InMemorySaver(), self.store)
        self.webhooks = Webhooks(connection, caller=self.look_up, on_call_ended=self.ended)

    def look_up(self, phone: str) -> Caller | None:
        """What is known of a caller; None if nothing is."""
        earlier = self.store.search(("callers", phone), limit=3)
        if not earlier:
            return None
        about = " ".join(item.value["about"] for item in earlier)
        return Caller(greeting="Welcome back!", known=f"Calls before: {len(earlier)}. {about}")

    def ended(self, call: CallResult) -> None:
        """Run the graph on the caller's thread."""
        if call.direction == "inbound" and call.from_phone_number:
            thread = {"configurable": {"thread_id": call.from_phone_number}}
            self.graph.invoke({"call": call.model_dump(mode="json"), "calls": 0}, thread)

    def answer(self, connection: Connection, public_url: str) -> str:
        """Have an assistant answer the first of our numbers, and return the number."""
        settings = {"precall_lookup_url": self.webhooks.caller_url(public_url)}
        assistant = CreateAssistant(
            name="Front desk",
            prompt=PROMPT,
            first_sentence=OPENING,
            webhook_url=self.webhooks.url(public_url),
            settings=settings,
        )
        made = connection.send(assistant)["assistant"]["id"]
        number = connection.send(ListPhoneNumbers())["phone_numbers"][0]
        connection.send(UpdatePhoneNumber(phone_number_id=number["id"], inbound_assistant_id=made))
        return str(number["phone_number"])


def main() -> None:
    """Let the same person call twice, and somebody else once."""
    sandbox = Sandbox()
    connection = sandbox.connect()
    desk = FrontDesk(connection)
    with SandboxServer(sandbox, mounts=[Mount("/revox", desk.webhooks)]) as server:
        number = desk.answer(connection, f"{server.url}/revox")
        for caller in ("+33142685300", "+33142685300", "+12025550100"):
            call_id = sandbox.receive(caller, number)["id"]
            sandbox.world.advance(3600)
            wait_until_noted(desk, caller, call_id)
            said = next(post for post in reversed(sandbox.outbox))["payload"]["transcript"]
            print(f"{caller}: {said.splitlines()[0]}")
    for caller in ("+33142685300", "+12025550100"):
        thread = desk.graph.get_state({"configurable": {"thread_id": caller}})
        print(f"{caller}: {thread.values['calls']} calls")


def wait_until_noted(desk: FrontDesk, caller: str, call_id: str) -> None:
    """Wait until the webhook has come and the graph has run."""
    until_s = time.monotonic() + 60
    while not desk.store.get(("callers", caller), call_id):
        if time.monotonic() > until_s:
            raise SystemExit("No one told us that the call has ended.")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
