"""What Revox asks of us on its own: that an order has ended, and who calls."""

from revox_langchain.webhooks.app import Webhooks
from revox_langchain.webhooks.caller import CallerLookup

__all__ = ["CallerLookup", "Webhooks"]
