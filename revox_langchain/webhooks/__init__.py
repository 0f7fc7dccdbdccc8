"""What Revox asks of us: to hear that an order has ended, to say who calls, and to use tools or talk during a call."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from revox_langchain.webhooks.app import Webhooks
from revox_langchain.webhooks.caller import CallerLookup

if TYPE_CHECKING:
    from revox_langchain.webhooks.call_tools import CallTools
    from revox_langchain.webhooks.goodbye import hang_up
    from revox_langchain.webhooks.model import TalkingModel

__all__ = ["CallTools", "CallerLookup", "TalkingModel", "Webhooks", "hang_up"]

_LATE = {"CallTools": "call_tools", "TalkingModel": "model", "hang_up": "goodbye"}


def __getattr__(name: str) -> Any:
    # Who only hears that calls have ended does not wait for langchain-core's tools.
    if name in _LATE:
        return getattr(import_module(f"revox_langchain.webhooks.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
