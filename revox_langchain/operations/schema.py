"""What a model is told about arguments, and how arguments that it writes in another way are read.

Vendors take less than JSON schema: OpenAI's strict mode requires every property and closes every object, Google's
converter turns free objects into text, and Ollama's client drops unions, null among them. So a free map is declared as
JSON text from the start, and what is optional can be left out by a value of its type, `""` or `[]`: an optional
number is text, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue, model_validator
from pydantic.fields import FieldInfo

from revox_langchain.answers import JsonObject

HIDDEN: dict[str, JsonValue] = {"hidden": True}
"""`json_schema_extra` of a field that programs may give and models are not told about."""

FOR_CODE: dict[str, JsonValue] = {"for_code": True}
"""`json_schema_extra` of a field that the application decides: a model gives it only where code says so."""

_NULL = {"type": "null"}
_LIMITS = ("minLength", "maxLength", "minItems", "minimum", "exclusiveMinimum")
_DROPPED = frozenset({"title", "additionalProperties", "format", "examples", "default", "for_code", *_LIMITS})
_KINDS: dict[str, type] = {"object": dict, "array": list}
_NUMBERS: tuple[type, ...] = (int, float)
_AS_TEXT = {"object": "JSON object", "array": "JSON list"}


def lean(schema: JsonObject, withheld: Set[str] = frozenset(), demanded: Set[str] = frozenset()) -> JsonObject:
    """Say arguments in few characters, and in no more words of JSON schema than every vendor takes.

    Every character is read by a model on every turn. References are resolved, fields that are withheld or marked
    `HIDDEN` are dropped, and so is whatever validation tells anyway.

    Args:
        schema: JSON schema of an object.
        withheld: Fields to drop.
        demanded: Fields that are required besides those that the schema requires.
    """
    defs = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    needed = {*(schema.get("required") or []), *demanded} - withheld
    required = [name for name in schema.get("properties", {}) if name in needed]
    kept = {
        key: value
        for key, value in schema.items()
        if key not in (*_DROPPED, "$defs", "definitions", "$schema", "required")
    }
    properties = {
        name: _property(field, defs, optional=name not in required)
        for name, field in schema.get("properties", {}).items()
        if not (field.get("hidden") or name in withheld)
    }
    return {**kept, "type": "object", "properties": properties, **({"required": required} if required else {})}


class Written(BaseModel):
    """Base of what a model writes inside an argument: read as leniently as the arguments themselves."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: object) -> object:
        return decoded(cls, left_out_blanks(cls, given)) if isinstance(given, Mapping) else given


def left_out_blanks(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what says "left out" where a field need not be given: empty text, an empty list of texts.

    Args:
        model: Whose fields are given.
        given: Arguments by name.
    """
    return {
        name: value
        for name, value in given.items()
        if not (name in model.model_fields and _says_nothing(model.model_fields[name], value))
    }


def decoded(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Read JSON text where only a map or a list fits, as models write one that is declared as text.

    Args:
        model: Whose fields are given.
        given: Arguments by name.
    """
    fields = model.model_fields
    return {
        name: _read_as(fields[name].annotation, value) if name in fields else value for name, value in given.items()
    }


def decoded_by(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Read arguments as a JSON schema has them: JSON text where it has an object or a list, less what says "left out".

    Args:
        schema: JSON schema of an object, as it was before `lean`.
        given: Arguments by name.
    """
    properties, required = schema.get("properties", {}), schema.get("required") or []
    read = {}
    for name, value in given.items():
        field = properties.get(name, {})
        if value is None or (value == "" and name not in required):
            continue
        kinds = {branch.get("type") for branch in (field, *field.get("anyOf", []))} - {"null", None}
        containers = tuple(_KINDS[kind] for kind in kinds if kind in _KINDS) if kinds <= _KINDS.keys() else ()
        read[name] = _of_kind(
            value, _NUMBERS if kinds & {"integer", "number"} and "string" not in kinds else containers
        )
    return read


def _property(field: JsonObject, defs: JsonObject, *, optional: bool, within: tuple[str, ...] = ()) -> JsonObject:
    field, within = _resolved(field, defs, within)
    branches = field.get("anyOf") or field.get("oneOf") or []
    rest = [branch for branch in branches if branch != _NULL]
    if len(rest) == 1:
        inner, within = _resolved(rest[0], defs, within)
        outer = {key: value for key, value in field.items() if key not in ("anyOf", "oneOf")}
        field = {**inner, **outer}
    nullable = len(rest) < len(branches)
    default = field.get("default")
    said = {key: value for key, value in field.items() if key not in _DROPPED}
    if default not in (None, [], {}, ""):
        said["description"] = _sentences(said.get("description"), f"Default: {_written(default)}.")
    kind = said.get("type")
    if len(rest) > 1:
        said.pop("oneOf", None)
        said["anyOf"] = [_property(branch, defs, optional=False, within=within) for branch in rest]
    elif kind == "array":
        said = _list(said, defs, within)
    elif kind == "object":
        said = _map(said, defs, within)
    if not (optional and nullable):
        return said
    if "enum" in said and kind == "string":
        # A choice that is required has no value for none of them.
        choices = f"One of {', '.join(map(str, said.pop('enum')))}."
        return {**said, "description": _sentences(said.get("description"), choices)}
    if kind in ("integer", "number"):
        return {"type": "string", "description": _sentences(said.get("description"), "A number.")}
    return said


def _list(field: JsonObject, defs: JsonObject, within: tuple[str, ...]) -> JsonObject:
    items = field.get("items")
    if not isinstance(items, dict) or not items:
        return _as_text(field, "array")
    said = _property(items, defs, optional=False, within=within)
    # A list of free maps is text as a whole.
    return _as_text(field, "array") if said == _as_text({}, "object") else {**field, "items": said}


def _map(field: JsonObject, defs: JsonObject, within: tuple[str, ...]) -> JsonObject:
    properties = field.get("properties")
    if not properties:
        return _as_text(field, "object")
    required = field.get("required") or []
    said = {
        name: _property(each, defs, optional=name not in required, within=within) for name, each in properties.items()
    }
    return {**field, "properties": said}


def _as_text(field: JsonObject, kind: str) -> JsonObject:
    first, words = _AS_TEXT[kind], field.get("description")
    return {"type": "string", "description": f"{first}: {words}" if words else f"{first}."}


def _resolved(field: JsonObject, defs: JsonObject, within: tuple[str, ...]) -> tuple[JsonObject, tuple[str, ...]]:
    """A schema with its reference resolved; one that holds itself becomes a free map."""
    reference = field.get("$ref")
    if reference is None:
        return field, within
    name = str(reference).rpartition("/")[2]
    found = {"type": "object"} if name in within else defs.get(name, {})
    return {**found, **{key: value for key, value in field.items() if key != "$ref"}}, (*within, name)


def _sentences(first: object, second: str) -> str:
    return f"{first} {second}" if isinstance(first, str) and first else second


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _says_nothing(field: FieldInfo, value: object) -> bool:
    if field.is_required():
        return False
    # An empty list of texts names none; of maps it may be what is meant.
    return value == "" or (value == [] and _names_texts(field.annotation))


def _names_texts(annotation: object) -> bool:
    return any(get_origin(leaf) is list and _containers(get_args(leaf)[0]) == () for leaf in _leaves(annotation))


def _read_as(annotation: object, value: Any) -> Any:
    value = _of_kind(value, _containers(annotation))
    lists = [leaf for leaf in _leaves(annotation) if get_origin(leaf) is list]
    if isinstance(value, list) and lists:
        return [_of_kind(item, _containers(get_args(lists[0])[0])) for item in value]
    return value


def _containers(annotation: object) -> tuple[type, ...]:
    """The containers that fit an annotation; none if text fits as well."""
    kinds = {dict if _is_model(leaf) else get_origin(leaf) or leaf for leaf in _leaves(annotation)} - {type(None)}
    return tuple(kind for kind in (dict, list) if kind in kinds) if kinds <= {dict, list} else ()


def _leaves(annotation: object) -> Iterator[object]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _leaves(each)
    else:
        yield annotation


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _of_kind(value: Any, kinds: tuple[type, ...]) -> Any:
    if not kinds or not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, kinds) else value


__all__ = ["FOR_CODE", "HIDDEN", "Written", "decoded", "decoded_by", "lean", "left_out_blanks"]
