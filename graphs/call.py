"""What LangGraph Studio opens: one phone call, from a prompt and a number to its result.

Without `REVOX_API_KEY` the call happens in a sandbox, ten times as fast as life, and dials no real phone. With a key it
is real, and a person approves it before the phone rings. The server brings its own checkpointer.
"""

import os

from revox_langchain import Connection
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox

real = bool(os.environ.get("REVOX_API_KEY"))
connection = Connection.from_env() if real else Sandbox(speed=10).connect()

graph = call_graph(connection, approve=real)
