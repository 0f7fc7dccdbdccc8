"""A LangChain tool as Revox's assistants can use it during a call: flat arguments, and only if code says so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from langchain_core.tools import BaseTool
from langchain_core.tools.base import InjectedToolCallId
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.operations.operation import Risk
from revox_langchain.results.schema import config_from_schema

RISK = "revox_risk"
"""The key in a tool's metadata that says how dangerous it is: a `Risk` or its name."""

ONCE = "revox_once"
"""The key in a tool's metadata that says that a repeat within a call must not run it again."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class LineTool:
    """One tool on the line.

    Attributes:
        tool: The tool.
        fields: Its arguments as Revox's `input_schema` has them.
        risk: How dangerous it is.
        once: Whether a repeat within a call must not run it again.
    """

    tool: BaseTool
    fields: list[JsonObject]
    risk: Risk
    once: bool

    @property
    def name(self) -> str:
        """Its name, which is also the last part of its address."""
        return self.tool.name

    @property
    def words(self) -> str:
        """Its name as people say it."""
        return self.name.replace("_", " ")

    @property
    def body_template(self) -> str:
        """The body that Revox fills in: each argument under its name."""
        return json.dumps({field["name"]: f"{{{{{field['name']}}}}}" for field in self.fields})

    @property
    def required(self) -> list[str]:
        """The arguments that it cannot do without."""
        return [field["name"] for field in self.fields if field["required"]]

    @classmethod
    def of(cls, tool: object) -> LineTool:
        """Take a tool, if Revox can call it.

        Raises:
            InvalidInput: It is no LangChain tool, its name or description is not one that Revox takes, an argument is
                nested, or it needs what only an agent's run has.
        """
        if not isinstance(tool, BaseTool):
            raise InvalidInput(
                f"call_tools: {tool!r} is not a LangChain tool.", next_step="Make one of it, such as with @tool."
            )
        if not _NAME.fullmatch(tool.name):
            raise InvalidInput(
                f"call_tools: the name {tool.name!r} is not one that Revox takes.",
                next_step='Use lowercase letters, digits and "_" (at most 64), such as @tool("check_calendar").',
            )
        if not tool.description.strip():
            raise InvalidInput(
                f"call_tools: {tool.name} has no description.",
                next_step="Say what it does: the assistant decides by that when to use it.",
            )
        _refuse_run_arguments(tool)
        metadata = tool.metadata or {}
        return cls(tool, _fields_of(tool), risk_of(tool), metadata.get(ONCE) is True)

    def as_custom_tool(self, url: str, headers: Mapping[str, str]) -> JsonObject:
        """The tool as Revox's `custom_tools` has it."""
        return {
            "name": self.name,
            "description": self.tool.description,
            "method": "POST",
            "url": url,
            "headers": [{"key": key, "value": value} for key, value in headers.items()],
            "query_params": [],
            "body_template": self.body_template,
            "input_schema": self.fields,
        }

    def check(self, arguments: JsonObject) -> None:
        """Check arguments before anything runs.

        Raises:
            ValidationError: They do not fit the tool's own schema.
        """
        if not isinstance(self._schema, dict):
            self._schema.model_validate(arguments)

    @cached_property
    def _schema(self) -> type[BaseModel] | JsonObject:
        # LangChain builds it anew each time, which would cost every request as much as the rest of it.
        return _shown_to_models(self.tool)


def risk_of(tool: BaseTool) -> Risk:
    """How dangerous a tool is: as it is marked, as this package's own and MCP's tools say of themselves, or `READ`.

    Raises:
        InvalidInput: It is marked with a word that names no risk.
    """
    metadata = tool.metadata or {}
    if RISK in metadata:
        return Risk.named(metadata[RISK])
    if "revox" in (tool.tags or ()) and "risk" in metadata:
        return Risk.named(metadata["risk"])
    if metadata.get("readOnlyHint") is True:
        return Risk.READ
    if metadata.get("destructiveHint") is True:
        return Risk.DELETE
    return Risk.WRITE if metadata.get("readOnlyHint") is False else Risk.READ


def _shown_to_models(tool: BaseTool) -> type[BaseModel] | JsonObject:
    """The schema of the arguments that whoever calls it gives.

    Raises:
        InvalidInput: It is one of pydantic's first version.
    """
    schema: object = tool.tool_call_schema
    if isinstance(schema, dict) or (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return schema
    raise InvalidInput(
        f"call_tools: the arguments of {tool.name} are a model of pydantic 1.", next_step="Make it one of pydantic 2."
    )


def _fields_of(tool: BaseTool) -> list[JsonObject]:
    shown = _shown_to_models(tool)
    schema = shown if isinstance(shown, dict) else shown.model_json_schema()
    return config_from_schema(schema, f"call_tools: {tool.name}") if schema.get("properties") else []


def _refuse_run_arguments(tool: BaseTool) -> None:
    """Refuse a tool that cannot run without an agent's state, store or runtime: during a call there is none."""
    shown, whole = _shown_to_models(tool), tool.get_input_schema()
    if isinstance(shown, dict) or not issubclass(whole, BaseModel):
        return
    hidden = whole.model_fields.keys() - shown.model_fields.keys()
    needed = [name for name in sorted(hidden) if _is_needed(whole.model_fields[name])]
    if needed:
        raise InvalidInput(
            f"call_tools: {tool.name} needs {', '.join(needed)}, which only the run of an agent has.",
            next_step="Give it a default, or a tool of its own for calls.",
        )


def _is_needed(field: FieldInfo) -> bool:
    gets_id = any(each is InjectedToolCallId or isinstance(each, InjectedToolCallId) for each in field.metadata)
    return field.is_required() and not gets_id
