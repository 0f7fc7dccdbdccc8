"""How an agent ends a call: it says goodbye, and Revox's own tool hangs up."""

from __future__ import annotations

import json
import re
from uuid import uuid4

from langchain_core.tools import tool

from revox_langchain.results.order import object_of
from revox_langchain.webhooks.chat import ToolCall, Turn

_ENDS_CALL = re.compile(r"(tool_)?(end|hang|terminate|finish)_?(the_?)?(up|call)", re.IGNORECASE)


@tool(return_direct=True)
def hang_up(goodbye: str) -> str:
    """End the phone call, once everything is said. Nothing can be said or done after it.

    Args:
        goodbye: The last sentence, which is spoken before the line is closed.
    """
    return goodbye


def end_of_call(turn: Turn, goodbye: str, named: str | None) -> ToolCall | None:
    """The tool with which Revox ends the call; None if it offers none.

    Args:
        turn: What Revox offers.
        goodbye: The last sentence, for arguments that have to be there.
        named: The tool's name, where it does not tell by itself.
    """
    for offered in turn.tools:
        function = object_of(offered.get("function"))
        name = str(function.get("name"))
        if name == named or (named is None and _ENDS_CALL.fullmatch(name)):
            needs = object_of(function.get("parameters")).get("required")
            arguments = {str(field): goodbye for field in needs} if isinstance(needs, list) else {}
            return ToolCall(name, json.dumps(arguments, ensure_ascii=False), f"call_{uuid4().hex[:24]}")
    return None
