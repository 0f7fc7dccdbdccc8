"""The sandbox's answers to Revox's REST operations."""
