"""The mark of a sandbox: a header on its answers, and `sandbox: true` in what is made of them."""

from __future__ import annotations

from revox_langchain.answers import JsonObject

SANDBOX_HEADER = "x-revox-langchain-sandbox"
"""The header of every answer of a sandbox; Revox never sends it."""


def marked(answer: JsonObject) -> JsonObject:
    """Write into a sandbox's answer, and into each order it holds, that no phone rings."""
    orders = answer.get("calls")
    if isinstance(answer.get("call"), dict):
        answer = {**answer, "call": {**answer["call"], "sandbox": True}}
    if isinstance(orders, list):
        answer = {**answer, "calls": [{**o, "sandbox": True} if isinstance(o, dict) else o for o in orders]}
    return {**answer, "sandbox": True}
