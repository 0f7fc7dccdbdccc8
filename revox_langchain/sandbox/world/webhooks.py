"""What Revox posts to an assistant's `webhook_url` when an order has ended."""

from __future__ import annotations

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.world.world import World

_SPEAKER = {"user": "User", "assistant": "Agent", "human_agent": "Operator", "tool": "Tool"}


def announce(world: World, call: JsonObject, assistant: JsonObject) -> None:
    """Post to the webhook of an ended order: put it into the outbox, unless a fault says otherwise."""
    url = assistant.get("webhook_url")
    if not url:
        return
    payload = _payload(call)
    fault = world.webhook_fault()
    copies = {"webhook_lost": 0, "webhook_doubled": 2}.get(fault.kind if fault else "", 1)
    late_s = (fault.seconds or 60.0) if fault and fault.kind == "webhook_late" else 0.0
    for _ in range(copies):
        world.later(late_s, lambda: world.outbox.append({"url": url, "at_s": world.moment_s, "payload": payload}))


def _payload(call: JsonObject) -> JsonObject:
    """The flat body, as published receivers read it; the transcript is one string."""
    attempt = call["last_call_attempt"] or {}
    turns = attempt.get("post_call_transcript") or attempt.get("transcript") or []
    said = (f"{_SPEAKER[turn['role']]}: {turn['content']}" for turn in turns if turn["content"])
    return {
        "call_order_id": call["id"],
        "call_id": attempt.get("id"),
        "status": call["status"],
        "result": attempt.get("result"),
        "annotation": call["outcome_summary"],
        "transcript": "\n".join(said),
        "recording_url": attempt.get("recording_url"),
        "started_at": attempt.get("started_at"),
        "ended_at": attempt.get("ended_at"),
        "calls_count": call["calls_count"],
    }
