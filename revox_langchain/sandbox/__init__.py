"""A Revox that rings nobody: the same API, with a clock to push, people who follow a script, and faults.

`Sandbox` answers in process; `revox_langchain.sandbox.server` puts it on a socket.
"""

from __future__ import annotations

from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.people.stories import STORIES
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

__all__ = ["STORIES", "Fault", "Sandbox", "Switches", "World"]
