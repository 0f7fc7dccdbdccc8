"""What a tool's run comes to on the phone: always a sentence that an assistant can say."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from pydantic import ValidationError

from revox_langchain.connection.privacy import without_numbers
from revox_langchain.errors import RevoxToolError
from revox_langchain.operations.operation import Risk
from revox_langchain.webhooks.line_tool import LineTool

logger = logging.getLogger("revox_langchain")

Outcome = Literal["ok", "refused", "failed", "timeout", "wrong_arguments", "unclear", "unknown_tool"]
MOST_CHARACTERS = 1000
_NOTHING_DONE = {"invalid", "refused", "auth", "not_found", "rate_limited", "concurrency_limited"}
_ANSWERED = re.compile(r"^\S+ answered \S+ with HTTP \d+[:.]?\s*")
_UNCLEAR = "I cannot tell whether that went through, so I will not do it a second time. Someone will look into it."


@dataclass(frozen=True)
class Said:
    """An answer of a tool.

    Attributes:
        outcome: What became of the run; `refused` means that the tool itself says that it did nothing.
        text: What the assistant is told.
    """

    outcome: Outcome
    text: str

    @property
    def ok(self) -> bool:
        """Whether the tool did what it was asked."""
        return self.outcome == "ok"

    def dumps(self) -> str:
        """As text, for the journal."""
        return json.dumps([self.outcome, self.text])

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read what `dumps` wrote."""
        outcome, said = json.loads(text)
        return cls(outcome, said)


def said_of(output: object, tool: LineTool) -> Said:
    """What a tool returned, as short text."""
    if not isinstance(output, ToolMessage):
        return Said("ok", _short(str(output)))
    if output.status != "error":
        text = output.text.strip()
        return Said("ok", "Done." if text in ("", "null", "None") else _short(text))
    # Our own tools keep the error beside the words that are meant for a model.
    error = output.artifact if isinstance(output.artifact, Mapping) else {"kind": "refused"}
    return _said_of_error(str(error.get("message") or output.text), str(error.get("kind")), tool)


def said_of_failure(error: Exception, tool: LineTool) -> Said:
    """What an error means for the person on the phone; only errors that are meant to be read are quoted."""
    if isinstance(error, ToolException):
        return Said("refused", _short(str(error)) or _does_not_work(tool))
    if isinstance(error, RevoxToolError):
        return _said_of_error(str(error).partition("\n")[0], error.kind, tool)
    trace = "".join(traceback.format_exception(error))
    logger.error("The call tool %s failed: %s", tool.name, without_numbers(trace))
    return _failed(tool)


def said_of_missing(names: list[str]) -> Said:
    """Which arguments are still needed."""
    return Said("wrong_arguments", f"For that I still need: {', '.join(map(_words, names))}.")


def said_of_invalid(error: ValidationError) -> Said:
    """Which arguments do not fit."""
    wrong = {str(e["loc"][0]) if e["loc"] else "": str(e["msg"]) for e in error.errors(include_url=False)}
    reasons = "; ".join(f"{_words(name)} ({reason})" if name else reason for name, reason in wrong.items())
    return Said("wrong_arguments", _short(f"I did not get that right: {reasons}."))


def said_of_timeout(tool: LineTool) -> Said:
    """That there is no time left to wait."""
    if tool.once:
        return Said("timeout", "This takes longer than usual. I will ask again in a moment.")
    if tool.risk > Risk.READ:
        return Said("timeout", f"That took too long. {_UNCLEAR}")
    return Said("timeout", "That took too long. I can try once more, or someone will call back.")


def said_of_unclear() -> Said:
    """That an earlier run was cut off, or went wrong half-way."""
    return Said("unclear", _UNCLEAR)


def said_of_unknown() -> Said:
    """That there is no such tool."""
    return Said("unknown_tool", "I am sorry, I cannot do that.")


def said_of_no_body() -> Said:
    """That the request cannot be read."""
    return Said("wrong_arguments", "I did not get that right. Could you say it again?")


def _said_of_error(message: str, kind: str, tool: LineTool) -> Said:
    if kind not in _NOTHING_DONE:
        return _failed(tool)
    # How it came over the network means nothing to who is on the phone.
    return Said("refused", _short(_ANSWERED.sub("", message)) or _does_not_work(tool))


def _failed(tool: LineTool) -> Said:
    if tool.risk > Risk.READ or tool.once:
        return Said("failed", f"Something went wrong. {_UNCLEAR}")
    return Said("failed", _does_not_work(tool))


def _does_not_work(tool: LineTool) -> str:
    return f"I am sorry, {tool.words} does not work right now."


def _short(text: str) -> str:
    text = text.strip()
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[: MOST_CHARACTERS - 1].rsplit(None, 1)[0] + "…"


def _words(name: Any) -> str:
    return str(name).replace("_", " ")
