"""Structured output: which fields are asked for, and whether what came fits them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictStr, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.results.order import object_of, objects_of, text_of

ModelT = TypeVar("ModelT", bound=BaseModel)

_TYPES: dict[str, Any] = {
    "string": StrictStr,
    "number": StrictFloat,
    "boolean": StrictBool,
    "date": date,
    "datetime": datetime,
}
_KEEP_FLAT = "Keep it flat: strings, numbers, booleans, dates, date-times, choices of strings; each may be optional."


def read_output(output: Mapping[str, object], model: type[ModelT]) -> tuple[ModelT | None, tuple[str, ...]]:
    """Read structured output as a model; returns the value or, where it does not fit, a sentence per misfit."""
    # Revox says null where a value was not mentioned.
    given = {name: value for name, value in output.items() if value is not None}
    try:
        return model.model_validate(given), ()
    except ValidationError as error:
        return None, tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))


def misfits(output: Mapping[str, object] | None, assistant: object) -> tuple[str, ...]:
    """Where structured output does not fit the assistant's configuration, a sentence each."""
    config = objects_of(object_of(assistant).get("structured_output_config")) if output else []
    if not output or not config:
        return ()
    shape = [[text_of(field.get("name")), *map(field.get, ("type", "required", "enum_options"))] for field in config]
    return read_output(output, output_model(json.dumps(shape)))[1]


@lru_cache(maxsize=128)
def output_model(shape: str) -> type[BaseModel]:
    """Build the model that output of one configuration has to fit.

    Building one costs as much as reading a hundred orders, and the orders of a campaign share their assistant.

    Args:
        shape: JSON list with `[name, type, required, enum_options]` per field; text, so that it can be a cache key.
    """
    fields: dict[str, Any] = {}
    for number, (name, type_name, required, options) in enumerate(json.loads(shape)):
        choices = tuple(option for option in options if isinstance(option, str)) if isinstance(options, list) else ()
        type_ = Literal[choices] if choices else _TYPES.get(str(type_name), Any)
        # Revox's names need not be Python identifiers, so they become aliases.
        fields[f"field_{number}"] = (type_, Field(... if required else None, alias=name))
    return create_model("StructuredOutput", **fields)


def structured_output_config(model: type[BaseModel]) -> list[JsonObject]:
    """Translate a flat pydantic model into Revox's `structured_output_config`.

    Fields may be str, int, float, bool, date, datetime, Literal of strings, Enum of strings, or Optional of these.

    Raises:
        InvalidInput: A field is of another type; it is named.
    """
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema as error:
        raise InvalidInput(f"{model.__name__}: {error.message}.", next_step=_KEEP_FLAT) from error
    return config_from_schema(schema, model.__name__)


def schema_of(model: type[BaseModel] | None) -> JsonObject | None:
    """The JSON schema of a flat pydantic model, as inputs carry it; None for None.

    Raises:
        InvalidInput: It is no pydantic model, or a field cannot be extracted; it is named.
    """
    if model is None:
        return None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise InvalidInput(f"{model!r} is not a pydantic model.", next_step="Give a class derived from BaseModel.")
    structured_output_config(model)
    return model.model_json_schema()


def config_from_schema(schema: Mapping[str, Any], subject: str = "structured_output_schema") -> list[JsonObject]:
    """Translate a flat JSON schema (an object's `properties`) into Revox's `structured_output_config`.

    Args:
        schema: A JSON schema with `properties`.
        subject: What errors call it.

    Raises:
        InvalidInput: It is not the schema of an object, or a property is nested or of an unknown type.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise InvalidInput(
            f"{subject}: not a JSON schema of an object with properties.",
            next_step='Give for example {"properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]}.',
        )
    required, defs = schema.get("required") or [], schema.get("$defs") or {}
    return [_schema_field(subject, name, item, name in required, defs) for name, item in properties.items()]


def _schema_field(subject: str, name: str, item: object, required: bool, defs: Mapping[str, object]) -> JsonObject:
    branch = _branch(item, defs)
    type_, options = _field_type(branch)
    if type_ is None:
        raise InvalidInput(f"{subject}: property {name!r} is nested or of an unknown type.", next_step=_KEEP_FLAT)
    config: JsonObject = {"name": name, "type": type_, "required": required}
    description = (item.get("description") if isinstance(item, Mapping) else None) or branch.get("description")
    if description:
        config["description"] = description
    if type_ == "enum":
        config["enum_options"] = options
    return config


def _branch(item: object, defs: Mapping[str, object]) -> Mapping[str, Any]:
    """The one schema of a property besides null, with its reference resolved; empty if there are several."""
    arms = item.get("anyOf", [item]) if isinstance(item, Mapping) else []
    branches = [arm for arm in arms if not (isinstance(arm, Mapping) and arm.get("type") == "null")]
    branch = branches[0] if len(branches) == 1 and isinstance(branches[0], Mapping) else {}
    found = defs.get(str(branch.get("$ref", "")).rpartition("/")[2], branch)
    return found if isinstance(found, Mapping) else {}


def _field_type(branch: Mapping[str, Any]) -> tuple[str | None, list[Any]]:
    """Revox's type for a property's schema, None if it has none, and the options of an enum."""
    options = branch.get("enum") or ([branch["const"]] if "const" in branch else [])
    kind = branch.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
        options = [option for option in options if option is not None]
    if options:
        return ("enum" if all(isinstance(o, str) for o in options) else None), list(options)
    if kind == "string":
        return {"date": "date", "date-time": "datetime"}.get(branch.get("format", ""), "string"), []
    return {"integer": "number", "number": "number", "boolean": "boolean"}.get(str(kind)), []
