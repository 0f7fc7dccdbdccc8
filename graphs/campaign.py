"""What LangGraph Studio opens: many contacts, called as one campaign per language once a person has approved it.

Without `REVOX_API_KEY` the calls happen in a sandbox, a hundred times as fast as life, and ring no real phone. With a
key they are real. Rows of larger campaigns are kept in the file that `REVOX_CONTACTS_DB` names; without one at most 500
contacts are taken. The server brings its own checkpointer.
"""

import os

from revox_langchain import Connection
from revox_langchain.contacts import SqliteContacts
from revox_langchain.graph import Pace, campaign_graph
from revox_langchain.sandbox import Sandbox

real = bool(os.environ.get("REVOX_API_KEY"))
connection = Connection.from_env() if real else Sandbox(speed=100).connect()
file = os.environ.get("REVOX_CONTACTS_DB")

graph = campaign_graph(
    connection,
    pace=Pace() if real else Pace(interval_s=30),
    store=SqliteContacts(file) if file else None,
)
