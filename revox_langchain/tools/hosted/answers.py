"""What came back over MCP: JSON, or one of our errors that says whether it may be sent again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from mcp.shared.exceptions import McpError
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND, CallToolResult, TextContent
from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.failures import LOOK_FIRST, certainly_not_sent, retry_after_s, status_failure
from revox_langchain.connection.privacy import cleaned, without_key
from revox_langchain.errors import (
    AnswerError,
    InvalidInput,
    NotFound,
    Refused,
    RevoxToolError,
    TimedOut,
    Unavailable,
)
from revox_langchain.tools.hosted.protocol import version_refusal

_SAYS_STATUS = re.compile(r"\b(?:HTTP|status(?: code)?)[ :=]*([45]\d\d)\b", re.IGNORECASE)
_SAYS_STATUS_FIRST = re.compile(
    r"(?:Error:? *)?(?:Request failed with *|API error:? *)?(?:HTTP|status(?: code)?)[ :=]*([45]\d\d)\b", re.IGNORECASE
)


def answer_of(result: CallToolResult, key: SecretStr) -> JsonObject:
    """The JSON a result holds, as structured content or as text, without the secrets and the key that it echoes."""
    return cleaned(_said_in(result), key)


def _said_in(result: CallToolResult) -> JsonObject:
    said = result.structuredContent
    if said is None:
        texts = [block.text for block in result.content if isinstance(block, TextContent)]
        if len(texts) < len(result.content):
            return {"content": [block.model_dump(mode="json", exclude_none=True) for block in result.content]}
        text = "\n".join(texts)
        said = _json_of(text) or {"text": text}
    elif set(said) == {"result"}:
        # Frameworks wrap anything but an object in this way.
        inner = said["result"]
        said = (inner if isinstance(inner, dict) else _json_of(inner) if isinstance(inner, str) else None) or said
    return said


@dataclass(frozen=True, slots=True)
class RequestState:
    """How far a request got, and what its failure may mean.

    Attributes:
        tool: Which tool.
        left: Whether it may have left.
        reads: Whether it may be asked again.
        dials: Whether a failure may have made a phone ring.
    """

    tool: str
    left: bool
    reads: bool = False
    dials: bool = False

    @property
    def safe(self) -> bool:
        """Whether sending it again can do no harm."""
        return self.reads or not self.left

    @property
    def next_step(self) -> str:
        """What to do after a failure that says nothing else."""
        return "Try again." if self.safe else LOOK_FIRST


class Failures:
    """Turns what goes wrong with one MCP server into errors of ours, without the key.

    Args:
        url: The server's address.
        key: What must not show up in an error.
    """

    def __init__(self, url: str, key: SecretStr) -> None:
        self._url = url
        self._key = key

    def known(self, error: BaseException, state: RequestState) -> BaseException:
        """Find the error of ours that says what happened; a bug is returned as it is."""
        leaves = list(_leaves(error))
        for leaf in leaves:
            if isinstance(leaf, RevoxToolError):
                return leaf
        for leaf in leaves:
            if refused := version_refusal(leaf, left=state.left):
                return refused
        for leaf in leaves:
            if known := self._translated(leaf, state):
                return known
        return leaves[0] if leaves else error

    def reported(self, answer: CallToolResult, state: RequestState) -> RevoxToolError:
        """The error a result with `isError` stands for; its shape is not documented."""
        name = state.tool
        text = "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
        said = answer.structuredContent or _json_of(text)
        words = " ".join(self._cleaned(_words_of(said) or text).split())[:300]
        if words.startswith(("Input validation error", "MCP error -32602: Input validation error")):
            return InvalidInput(
                f"The MCP server does not take these arguments of {name}.",
                next_step="Correct the arguments that it names and send them again.",
                details={"said": words},
            )
        # Of a dial only a failure that begins with its status is believed to be a refusal: it may come after ringing.
        match = _SAYS_STATUS_FIRST.match(text) if state.dials else _SAYS_STATUS.search(text)
        if status := _status_of(said) or int(match.group(1) if match else 0):
            return self._status_error(status, name, words, state, None)
        if state.dials:
            return AnswerError(f"The MCP server reported a failure of {name}.", details={"said": words})
        return Refused(
            f"The MCP server refused {name}.",
            code="tool_error",
            next_step="Read what it says; change the request.",
            details={"said": words},
        )

    def lost(self, state: RequestState) -> Unavailable:
        """The error for an answer that can no longer come."""
        return Unavailable(
            f"The connection broke before {state.tool} was answered.",
            sent=state.left,
            retry_safe=state.safe,
            next_step=state.next_step,
        )

    def _translated(self, error: BaseException, state: RequestState) -> RevoxToolError | None:
        name = state.tool
        if isinstance(error, httpx.HTTPStatusError):
            response = error.response
            return self._status_error(response.status_code, name, "", state, response.headers.get("retry-after"))
        if isinstance(error, httpx.TransportError):
            why = self._cleaned(str(error)) or type(error).__name__
            if certainly_not_sent(error):
                return Unavailable(
                    f"The MCP server could not be reached ({self._url}: {why}).", sent=False, retry_safe=True
                )
            lost = TimedOut if isinstance(error, httpx.TimeoutException) else Unavailable
            return lost(f"The connection broke during {name} ({why}).", sent=state.left, retry_safe=state.safe)
        if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
            return InvalidInput(f"The MCP address {self._url!r} cannot be used.", next_step="Check the URL.")
        if isinstance(error, McpError):
            return self._rpc_error(error, state)
        if type(error).__module__.startswith("anyio"):
            return Unavailable(f"The connection broke during {name}.", sent=state.left, retry_safe=state.safe)
        return None

    def _rpc_error(self, error: McpError, state: RequestState) -> RevoxToolError:
        code, words = error.error.code, self._cleaned(error.error.message)
        if code == httpx.codes.REQUEST_TIMEOUT:
            return TimedOut(
                f"The MCP server did not answer {state.tool} in time.", sent=state.left, retry_safe=state.safe
            )
        if words == "Session terminated":
            # This is how the client reports HTTP 404.
            more: JsonObject = {"details": {"http_status": 404}, "sent": state.left, "retry_safe": True}
            if state.left:
                return Unavailable("The MCP server had forgotten the session and did nothing.", **more)
            return Unavailable(f"There is no MCP server at {self._url}.", next_step="Check the address.", **more)
        said: JsonObject = {"said": " ".join(words.split())[:300]}
        # Some servers report this way that the answer, not the request, does not fit: then it was acted upon.
        if code == INVALID_PARAMS and not (state.dials and "output" in words.casefold()):
            return InvalidInput(f"The MCP server refused {state.tool}.", details=said)
        if code == METHOD_NOT_FOUND:
            return NotFound(f"The MCP server does not know {state.tool}.", details=said)
        return Unavailable(
            f"The MCP server failed on {state.tool}.", sent=state.left, retry_safe=state.safe, details=said
        )

    def _status_error(
        self, status: int, name: str, words: str, state: RequestState, retry_after: str | None
    ) -> RevoxToolError:
        headers = {} if retry_after is None else {"retry-after": retry_after}
        return status_failure(
            status,
            f"The MCP server answered {name} with HTTP {status}",
            words,
            retry_safe=state.safe,
            next_step=state.next_step,
            retry_after_s=retry_after_s(headers, time.time()),
            sent=state.left,
            fenced=True,
        )

    def _cleaned(self, text: str) -> str:
        return without_key(text, self._key)


def _json_of(text: str) -> JsonObject | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else {"items": value} if isinstance(value, list) else None


def _words_of(said: object) -> str:
    while isinstance(said, dict):
        said = next((said[key] for key in ("error", "message", "detail") if said.get(key)), "")
    return said if isinstance(said, str) else json.dumps(said) if said else ""


def _status_of(said: object) -> int:
    for holder in (said, said.get("error") if isinstance(said, dict) else None):
        if isinstance(holder, dict):
            for key in ("status", "statusCode", "status_code", "http_status"):
                if isinstance(holder.get(key), int) and 400 <= holder[key] < 600:
                    return int(holder[key])
    return 0


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


__all__ = ["Failures", "RequestState", "answer_of"]
