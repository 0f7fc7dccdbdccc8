"""The functional API: a workflow calls one person after the other until somebody can come, and is not called twice.

Each call is a task, whose result is kept; the call graph in it makes sure of one order per intent even where a task is
cut off and runs again. It runs as it stands, in a sandbox that rings no phone: `python examples/functional.py`.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task

from revox_langchain.connection.connection import Connection
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox

STAFF = ["+12025550104", "+12025550114", "+12025550100"]


def shift_workflow(connection: Connection) -> Any:
    """A workflow that fills a shift; its input names the shift, and the numbers to try in order."""
    call = call_graph(connection)

    @task
    def ask(number: str, shift: str) -> dict[str, Any]:
        prompt = f"You are an AI assistant of the hospital. Ask whether they can take the shift {shift}."
        # With an intent of its own a task that runs again finds its order; only what is needed later is kept.
        given = {"phone_number": number, "prompt": prompt, "max_attempts": 1, "intent": f"shift {shift}"}
        out = call.invoke(given)
        return {"call_id": out["call_id"], "conclusion": out["conclusion"]}

    @entrypoint(checkpointer=InMemorySaver())
    def fill(wanted: dict[str, Any]) -> dict[str, Any]:
        tried = []
        for number in wanted["numbers"]:
            answer = ask(number, wanted["shift"]).result()
            tried.append(answer)
            if answer["conclusion"] in ("completed", "interested"):
                return {"taken_by": number, "tried": tried}
        return {"taken_by": None, "tried": tried}

    return fill


def main() -> None:
    """Fill a shift, and ask for it again: nobody is called a second time."""
    sandbox = Sandbox()
    workflow = shift_workflow(sandbox.connect())
    for thread in ("first", "again"):
        out = workflow.invoke({"shift": "Tuesday night", "numbers": STAFF}, {"configurable": {"thread_id": thread}})
        print(f"{thread}: {out['taken_by']} after {[each['conclusion'] for each in out['tried']]}")
    print(f"Orders: {len(sandbox.dials)}")


if __name__ == "__main__":
    main()
