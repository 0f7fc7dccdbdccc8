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
)  # fmt: skip
from revox_langchain.graph import VoicePreferences, call_graph
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
    connection.send(MakeCall(phone_number="+12025550100", prompt="Say hello."))
    history = connection.send(GetCallHistory(to_phone_number="+12025550100"))
    voice = choose_voice([], resolve_language("fr"))
    placed = run(recover("intent", "+12025550100"), connection)
    found = structured(CallResult.from_call(history["calls"][0]), Appointment)
    print(len(toolkit.get_tools()), voice.name, placed and placed.call_id)
    return found.value.confirmed if found.value else None


use(Sandbox().connect())
