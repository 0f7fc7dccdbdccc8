"""How a call request is recognised: its intent, the mark it leaves, and the order that carries the mark."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from revox_langchain.answers import JsonObject
from revox_langchain.errors import RateLimited, RevoxToolError, Unavailable
from revox_langchain.operations.calls import MakeCall

MARK = "revox_langchain_intent"
"""The one reserved key in an order's metadata."""

# Every intent id ever written depends on this and on the JSON below: a change would dial calls a second time.
_NAMESPACE = uuid.UUID("6f1d2c80-5d0b-5b0e-9a53-7d1f0c5e2a41")


@dataclass(frozen=True, slots=True)
class Intent:
    """What identifies one call request.

    Attributes:
        intent_id: UUID that marks the order.
        durable: False for a random id, which no later run can derive again.
    """

    intent_id: str
    durable: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place.

    Attributes:
        request: What to send, without the mark; its number is E.164.
        intent: Which call request it is for.
        scope: Thread or toolkit whose budget it counts against.
        approved: Digest of the configuration that a person approved, if one did.
    """

    request: MakeCall
    intent: Intent
    scope: str = "process"
    approved: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that exists.

    Attributes:
        call: The order as Revox returned it.
        intent_id: The mark it carries.
        adopted: Whether it already existed.
        cancelled: Ids of further orders under the same mark, which were cancelled.
        notes: What else there is to say.
    """

    call: JsonObject
    intent_id: str
    adopted: bool
    cancelled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def call_id(self) -> str:
        """Id of the order."""
        return str(self.call["id"])

    def as_dict(self) -> JsonObject:
        """The order in Revox's wrapper, with how it was placed beside it."""
        return {
            "call": self.call,
            "intent_id": self.intent_id,
            "adopted": self.adopted,
            "cancelled_duplicates": list(self.cancelled),
            "notes": list(self.notes),
        }


def make_intent(
    *,
    phone_number: str,
    prompt: str | None = None,
    assistant_id: str | None = None,
    prompt_variables: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
    scope: str | None = None,
    intent: str | None = None,
) -> Intent:
    """Derive the id of an intent: the same call request gives the same id, in every process and on every machine.

    Args:
        phone_number: E.164.
        prompt: What the assistant must do, or
        assistant_id: who does it.
        prompt_variables: Values for the prompt; none and empty are the same.
        scheduled_at: When, with an offset; compared in UTC.
        scope: The LangGraph thread.
        intent: The caller's name for the call request; a new name is a new request.

    Returns:
        The intent; with neither scope nor name it is random, and `durable` says so.
    """
    if scope is None and intent is None:
        return Intent(str(uuid.uuid4()), durable=False)
    # Language, voice and first sentence stay out: a run that resolves them differently must find the same order.
    content = {
        "assistant_id": assistant_id,
        "intent": intent,
        "phone_number": phone_number,
        "prompt": prompt,
        "prompt_variables": dict(prompt_variables or {}),
        "scheduled_at": scheduled_at.astimezone(UTC).isoformat() if scheduled_at else None,
        "scope": scope,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Intent(str(uuid.uuid5(_NAMESPACE, canonical)), durable=True)


def outcome_of(error: RevoxToolError) -> Literal["refused", "rate_limited", "not_sent", "unknown"]:
    """Say what a failed `POST /call` means for the phone.

    `refused`: not placed. `rate_limited`: not accepted now. `not_sent`: never left. `unknown`: anything else; it may
    ring.
    """
    if isinstance(error, Unavailable) and not error.sent:
        return "not_sent"
    if isinstance(error, RateLimited):
        return "rate_limited"
    status = error.http_status
    if status is None:
        # Without an answer only what was refused before sending is certain.
        return "refused" if error.kind in ("invalid", "refused", "auth") else "unknown"
    # 408, 409 and 425 do not say whether the request was acted upon.
    return "refused" if 400 <= status < 500 and status not in (408, 409, 425, 429) else "unknown"
