"""What Revox tells us on its own: that an order has ended."""

from revox_langchain.webhooks.app import Webhooks

__all__ = ["Webhooks"]
