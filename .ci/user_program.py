"""What a user's own code looks like to a type checker that knows nothing of our plugins."""

from __future__ import annotations

from pydantic import BaseModel

from revox_langchain import (
    Budget,
    CallResult,
    Connection,
    DialPolicy,
    RevoxToolkit,
    Risk,
    WaitPolicy,
    choose_voice,
    recover,
    resolve_language,
    run,
    structured,
)
from revox_langchain.graph import VoicePreferences, call_graph, call_graph_tool
from revox_langchain.operations.calls import GetCallHistory, MakeCall
from revox_langchain.sandbox import Sandbox


class Appointment(BaseModel):
    """What is to come back."""

    confirmed: bool


def use(connection: Connection) -> bool | None:
    """Touch the names that people use."""
    policy = DialPolicy(default_region="FR")
    toolkit = RevoxToolkit(connection=connection, max_risk=Risk.DIAL, policy=policy, budget=Budget(orders=3))
    graph = call_graph(connection, policy=policy, wait=WaitPolicy(max_wait_s=60))
    graph.invoke({"phone_number": "+12025550100", "prompt": "Say hello.", "voice_preferences": VoicePreferences()})
    tool = call_graph_tool(connection, policy=policy, approve=False)
    sandboxed = RevoxToolkit.sandbox(max_risk=Risk.WRITE, toolsets=("calling",))
    # What a checker has to find: misspelt options.
    call_graph(connection, aprove=True)  # type: ignore[call-arg]
    call_graph_tool(connection, polcy=policy)  # type: ignore[call-arg]
    RevoxToolkit.sandbox(maxrisk=Risk.READ)  # type: ignore[call-arg]
    Connection.from_env(timeout=3)  # type: ignore[call-arg]
    connection.send(MakeCall(phone_number="+12025550100", prompt="Say hello."))
    history = connection.send(GetCallHistory(to_phone_number="+12025550100"))
    voice = choose_voice([], resolve_language("fr"))
    placed = run(recover("intent", "+12025550100"), connection)
    found = structured(CallResult.from_call(history["calls"][0]), Appointment)
    print(tool.name, len(sandboxed.get_tools()), len(toolkit.get_tools()), voice.name, placed and placed.call_id)
    return found.value.confirmed if found.value else None


use(Sandbox().connect())
