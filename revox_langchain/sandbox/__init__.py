"""A simulated Revox that makes no real calls: the same API, with its own clock, scripted callees and faults.

`Sandbox` answers in process; `revox_langchain.sandbox.server` serves it over HTTP.
"""

from __future__ import annotations

from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.people.stories import STORIES
from revox_langchain.sandbox.sandbox import Sandbox
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.world import World

__all__ = ["STORIES", "Fault", "Sandbox", "Switches", "World"]
