"""A phone call whose thread is parked while the phone rings: nothing runs until the call has ended.

    langgraph dev --config langgraph.parked.json

Without `REVOX_API_KEY` the call happens in a sandbox, ten times as fast as life, and dials no real phone; nothing posts
to this machine then, and the app finds out by itself that calls have ended. With a key it is real, a person approves it
before the phone rings, and `REVOX_WEBHOOK_TOKEN` is needed. `REVOX_WEBHOOK_URL` is where Revox posts:
`https://<this server>/revox/call-ended/<token>`.
"""

import os
import secrets

from revox_langchain import Connection
from revox_langchain.graph import call_graph
from revox_langchain.sandbox import Sandbox
from revox_langchain.service.agent_server import create_app

real = bool(os.environ.get("REVOX_API_KEY"))
connection = Connection.from_env() if real else Sandbox(speed=10).connect()

webhook_url = os.environ.get("REVOX_WEBHOOK_URL") if real else None
graph = call_graph(connection, wait_mode="park", approve=real, webhook_url=webhook_url)
app = create_app(connection) if real else create_app(connection, token=secrets.token_urlsafe(32), look_every_s=10)
