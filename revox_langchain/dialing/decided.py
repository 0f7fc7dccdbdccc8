"""What code decides of the assistants that talk, besides what a request says: where Revox posts, and which tools.

It holds secrets, so that it goes into what is sent and not into requests, states and questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Secret, SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.operations.secrets import without_secrets

CALL_HEADER = "X-Revox-Call"
"""The header in which a call tool's request names the call."""

CALL_VARIABLE = "revox_call"
"""The prompt variable that fills it: the intent of the call."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Fields of an assistant.

    Attributes:
        webhook_url: Where Revox posts the end of its calls.
        custom_tools: What it can use while it talks.
    """

    webhook_url: SecretStr | None = None
    custom_tools: Secret[list[JsonObject]] | None = None

    @property
    def tool_names(self) -> list[str]:
        """The names of its tools."""
        tools = [] if self.custom_tools is None else self.custom_tools.get_secret_value()
        return [str(tool["name"]) for tool in tools]

    def fields(self, *, names_call: bool) -> JsonObject:
        """The fields with their secrets, as they are sent.

        Args:
            names_call: Whether every call with the assistant gives `CALL_VARIABLE`, so that its tools can name it.
        """
        fields: JsonObject = {}
        if self.custom_tools is not None:
            tools = self.custom_tools.get_secret_value()
            fields["custom_tools"] = [_naming_call(tool) for tool in tools] if names_call else tools
        if self.webhook_url is not None:
            fields["webhook_url"] = self.webhook_url.get_secret_value()
        return fields

    def shown(self) -> JsonObject:
        """The fields as people and hashes may have them; empty if nothing is decided."""
        return without_secrets(self.fields(names_call=True))

    def into(self, settings: Mapping[str, object] | None, *, names_call: bool) -> JsonObject:
        """Settings with these fields in them; a request's other tools stay."""
        fields, given = self.fields(names_call=names_call), dict(settings or {})
        tools = given.get("custom_tools")
        if isinstance(tools, list) and "custom_tools" in fields:
            others = [each for each in tools if not (isinstance(each, Mapping) and each.get("name") in self.tool_names)]
            fields["custom_tools"] = [*others, *fields["custom_tools"]]
        return {**given, **fields}


NOTHING = Decided()
"""Where code leaves all to the request."""


def _naming_call(tool: JsonObject) -> JsonObject:
    return {**tool, "headers": [*tool["headers"], {"key": CALL_HEADER, "value": f"{{{{{CALL_VARIABLE}}}}}"}]}
