"""What LangGraph Studio opens: an agent that talks about calls, and places them when a person approves.

`REVOX_AGENT_MODEL` names the model, such as `openai:gpt-5.5`; `init_chat_model` of langchain makes it. Without it a
demonstration model follows a script, and only ever calls the sandbox. With a model and `REVOX_API_KEY` calls are real.
The server brings its own checkpointer.
"""

import os

from langchain.chat_models import init_chat_model

from revox_langchain import Connection, RevoxToolkit
from revox_langchain.graph import DemonstrationModel, create_call_agent
from revox_langchain.sandbox import Sandbox

name = os.environ.get("REVOX_AGENT_MODEL")
real = bool(name and os.environ.get("REVOX_API_KEY"))
connection = Connection.from_env() if real else Sandbox(speed=10).connect()

toolkit = RevoxToolkit(connection=connection, max_risk="dial", toolsets=("calling",))
graph = create_call_agent(init_chat_model(name) if name else DemonstrationModel(), toolkit)
