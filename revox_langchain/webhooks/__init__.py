"""What Revox asks of us: to hear that an order has ended, to say who calls, and to use tools during a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revox_langchain.webhooks.app import Webhooks
from revox_langchain.webhooks.caller import CallerLookup

if TYPE_CHECKING:
    from revox_langchain.webhooks.call_tools import CallTools

__all__ = ["CallTools", "CallerLookup", "Webhooks"]


def __getattr__(name: str) -> Any:
    # Who only hears that calls have ended does not wait for langchain-core's tools.
    if name == "CallTools":
        from revox_langchain.webhooks import call_tools

        return call_tools.CallTools
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
