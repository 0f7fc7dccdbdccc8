"""Faults: what goes wrong between a client and Revox, on demand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.operations import find
from revox_langchain.operations.operation import Operation

FaultKind = Literal[
    "lose_before",
    "lose_after",
    "connect_error",
    "delay",
    "rate_limited",
    "concurrency_limited",
    "server_error",
    "server_error_after",
    "html",
    "html_before",
    "truncated",
    "empty",
    "redirect",
    "status",
    "webhook_lost",
    "webhook_doubled",
    "webhook_late",
    "tool_lost",
    "tool_unreached",
    "tool_late",
]
"""The kinds of faults: those that begin with `webhook` happen to webhook posts, those that begin with `tool` to what is
asked of custom tools, the others to requests."""

_BEFORE = ("lose_before", "connect_error", "rate_limited", "concurrency_limited", "server_error", "html_before")
_PAGE = "<!DOCTYPE html><html><head><title>Log in</title></head><body>Please log in.</body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    | kind | acts? | what the client sees |
    | --- | --- | --- |
    | `lose_before` | no | the connection breaks (`httpx.ReadError`) |
    | `lose_after` | yes | no answer (`httpx.ReadTimeout`; on a socket the connection closes) |
    | `connect_error` | no | no connection (`httpx.ConnectError`; on a socket like `lose_before`) |
    | `delay` | yes | the answer after `seconds`; a timeout if the client is less patient |
    | `rate_limited` | no | 429 that speaks of too many requests |
    | `concurrency_limited` | no | 429 that speaks of concurrent calls |
    | `server_error`, `server_error_after` | no, yes | `status`, 500 if none is given |
    | `html_before`, `html` | no, yes | 200 with an HTML page |
    | `truncated` | yes | 200 with the first half of the JSON |
    | `empty` | yes | 200 without a body |
    | `redirect` | yes | 307 to the same address: a client that follows it sends the request twice |
    | `status` | as `acts` says | `status` with `message` |
    | `webhook_lost`, `webhook_doubled`, `webhook_late` | - | a post is not sent, is sent twice, or `seconds` late |
    | `tool_lost`, `tool_late` | yes | a custom tool runs, its answer is lost, or `seconds` late |
    | `tool_unreached` | no | a custom tool cannot be reached |

    Attributes:
        kind: What goes wrong.
        on: The operation it happens to, as class or name; None means any.
        times: How many requests it happens to; None for all that follow.
        skip: How many requests go well before that.
        seconds: Length of a delay, in world time in process and in real time on a socket.
        status: HTTP status of `status` and `server_error`.
        retry_after_s: Value of a `Retry-After` header.
        acts: Whether the request takes effect before a `status` fault.
        message: Text of the error.
    """

    kind: FaultKind
    on: type[Operation] | str | None = None
    times: int | None = 1
    skip: int = 0
    seconds: float | None = None
    status: int | None = None
    retry_after_s: float | None = None
    acts: bool = False
    message: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"{self.kind!r} is not a kind of fault; the kinds are {', '.join(get_args(FaultKind))}")
        for seconds in (self.seconds, self.retry_after_s):
            if seconds is not None and not 0 <= seconds < math.inf:
                raise ValueError(f"a fault takes a number of seconds from 0 up, not {seconds}")
        if isinstance(self.on, str):
            object.__setattr__(self, "on", find(self.on))

    @property
    def acts_first(self) -> bool:
        """Whether the request takes effect in spite of the fault."""
        return self.acts if self.kind == "status" else self.kind not in _BEFORE

    @property
    def on_webhook(self) -> bool:
        """Whether it happens to a webhook post instead of a request."""
        return self.kind.startswith("webhook")

    @property
    def on_tool(self) -> bool:
        """Whether it happens to a request to a custom tool."""
        return self.kind.startswith("tool")

    @classmethod
    def from_json(cls, data: JsonObject) -> Fault:
        """Read a fault that another process sent.

        Raises:
            ValueError: The kind is unknown.
            TypeError: A field is unknown.
        """
        return cls(**data)


@dataclass
class _Waiting:
    fault: Fault
    skip: int
    left: int | None


class Faults:
    """The faults that are still to happen, in the order they were added.

    Attributes:
        struck: Those that have happened, in order; a fault that happened twice is there twice.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self.struck: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Make these happen."""
        self._waiting += [_Waiting(fault, fault.skip, fault.times) for fault in faults]

    def clear(self) -> None:
        """Drop all faults that are still to happen."""
        self._waiting.clear()

    @property
    def pending(self) -> list[Fault]:
        """Faults that are still to happen."""
        return [each.fault for each in self._waiting]

    def take(self, operation: type[Operation] | None) -> Fault | None:
        """The fault that happens to this request, if any."""
        of_requests = (w for w in self._waiting if not (w.fault.on_webhook or w.fault.on_tool))
        return self._first(w for w in of_requests if w.fault.on in (None, operation))

    def take_for_webhook(self) -> Fault | None:
        """The fault that happens to this webhook post, if any."""
        return self._first(w for w in self._waiting if w.fault.on_webhook)

    def take_for_tool(self) -> Fault | None:
        """The fault that happens to this request to a custom tool, if any."""
        return self._first(w for w in self._waiting if w.fault.on_tool)

    def _first(self, matching: Iterable[_Waiting]) -> Fault | None:
        for waiting in list(matching):
            if waiting.skip > 0:
                waiting.skip -= 1
                continue
            if waiting.left is not None:
                waiting.left -= 1
                if waiting.left <= 0:
                    self._waiting.remove(waiting)
            self.struck.append(waiting.fault)
            return waiting.fault
        return None


def apply(
    fault: Fault, request: httpx.Request, answer: Callable[[], httpx.Response], error_body: Callable[[str], object]
) -> httpx.Response:
    """Answer `request` the way `fault` makes it.

    Args:
        fault: What goes wrong.
        request: The request it happens to.
        answer: Acts on the request and gives the right answer.
        error_body: Makes the body of an error out of its words.

    Raises:
        httpx.TransportError: The fault is one that gives no answer.
    """
    right = answer() if fault.acts_first else None
    if fault.kind == "lose_before":
        raise httpx.ReadError("sandbox fault: the connection broke before the request took effect", request=request)
    if fault.kind == "connect_error":
        raise httpx.ConnectError("sandbox fault: no connection", request=request)
    if fault.kind == "lose_after" or (fault.kind == "delay" and _times_out(fault, request)):
        raise httpx.ReadTimeout("sandbox fault: the answer was lost", request=request)
    return _damaged(fault, request, right) or _error(fault, error_body)


def _damaged(fault: Fault, request: httpx.Request, right: httpx.Response | None) -> httpx.Response | None:
    if right is not None and fault.kind == "delay":
        return right
    if right is not None and fault.kind == "truncated":
        content = right.content[: len(right.content) // 2]
        return httpx.Response(200, content=content, headers={"content-type": "application/json"})
    if fault.kind in ("html", "html_before"):
        return httpx.Response(200, html=_PAGE)
    if fault.kind == "empty":
        return httpx.Response(200)
    if fault.kind == "redirect":
        return httpx.Response(307, headers={"location": str(request.url)})
    return None


def _error(fault: Fault, error_body: Callable[[str], object]) -> httpx.Response:
    status, words = {
        "rate_limited": (429, "Too many requests, slow down."),
        "concurrency_limited": (429, "Concurrency limit reached: too many concurrent calls."),
    }.get(fault.kind, (fault.status or 500, "Internal server error."))
    headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
    body = error_body(fault.message or words)
    return httpx.Response(status, content=json.dumps(body), headers={**headers, "content-type": "application/json"})


def _times_out(fault: Fault, request: httpx.Request) -> bool:
    # In process no real time passes, so no client can notice by itself that the answer is too late.
    patience_s = (request.extensions.get("timeout") or {}).get("read")
    return patience_s is not None and (fault.seconds or 0.0) > patience_s
