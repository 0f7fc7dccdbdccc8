"""What came in and what was answered, as the sandbox's page shows it: with the latest requests, and without secrets."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property

import httpx
from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.privacy import without_key
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.secrets import without_secrets

MOST_KEPT = 100
_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        number: Its place among all requests, from 1 on.
        at_s: When it came, in unix seconds of the world.
        operation: Name of the operation it asked for, if there is one.
        request: The request.
        response: What was answered; None if the answer was lost.
        fault: The kind of fault that happened to it, if any.
    """

    number: int
    at_s: float
    operation: str | None
    request: httpx.Request
    response: httpx.Response | None
    fault: str | None

    @cached_property
    def shown(self) -> JsonObject:
        """What may be shown of it: no key, no token, and texts of a limited length."""
        scheme, _, key = self.request.headers.get("authorization", "").partition(" ")
        response = self.response
        return {
            "number": self.number,
            "at_s": self.at_s,
            "operation": self.operation,
            "method": self.request.method,
            "path": self.request.url.path,
            "authorization": f"{scheme} {REDACTED}" if key else None,
            "status": None if response is None else response.status_code,
            "fault": self.fault,
            "asked": _text(self.request.content, key),
            "answered": None if response is None else _text(response.content, key),
        }


@dataclass
class Exchanges:
    """The latest exchanges, oldest first."""

    kept: deque[Exchange] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    seen: int = 0

    def note(
        self,
        at_s: float,
        operation: str | None,
        request: httpx.Request,
        response: httpx.Response | None,
        fault: str | None,
    ) -> None:
        """Keep an exchange."""
        self.seen += 1
        self.kept.append(Exchange(self.seen, at_s, operation, request, response, fault))


def _text(content: bytes, key: str) -> str:
    if not content:
        return ""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        # Half a JSON text may hold a secret that cannot be told from the rest.
        return f"({len(content):,} bytes that are not JSON)"
    text = json.dumps(without_key(without_secrets(value), SecretStr(key)), ensure_ascii=False, indent=1)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
