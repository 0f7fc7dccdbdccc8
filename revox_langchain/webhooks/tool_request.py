"""What Revox sends when an assistant uses a tool, read in each of the ways it may come.

Revox documents that `{{variables}}` of the body are filled in, and not how: whether a value is escaped, a number stays
in its quotes, or an argument that was left out stays as it is written, and whether the call is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError

from revox_langchain.answers import JsonObject, safe_json
from revox_langchain.dialing.decided import CALL_HEADER
from revox_langchain.webhooks.call_ended import is_id
from revox_langchain.webhooks.line_tool import LineTool
from revox_langchain.webhooks.routes import Asked

_WRAPPERS = ("arguments", "args", "parameters", "params", "input", "tool_arguments", "data")
_IDS = ("call_order_id", "call_id", "callOrderId", "callId")
_ID_HEADERS = (CALL_HEADER.lower(), "x-call-order-id", "x-call-id", "x-revox-call-order-id", "x-revox-call-id")
_BOOLEAN = TypeAdapter(bool)


def read_request(asked: Asked, tool: LineTool) -> tuple[JsonObject, str | None]:
    """Read the arguments a tool is given, without those that were left out, and which call it is, if that is said.

    Raises:
        ValueError: The body is not one.
    """
    names = [field["name"] for field in tool.fields]
    body = _body(asked, names)
    inner = _unwrapped(body, names)
    given: JsonObject = {}
    for field in tool.fields:
        value = inner.get(field["name"])
        if not _left_out(value):
            given[field["name"]] = _typed(value, field["type"])
    return given, _call_of(asked, body, names)


def _body(asked: Asked, names: list[str]) -> Mapping[str, object]:
    if not asked.body.strip():
        return dict(asked.query)
    text = asked.body.decode()
    try:
        body = safe_json(json.loads(text))
    except (ValueError, RecursionError):
        if "x-www-form-urlencoded" in asked.headers.get("content-type", ""):
            return dict(parse_qsl(text))
        found = _unescaped(text, names)
        if found is None:
            raise ValueError("the body is not JSON") from None
        return found
    if not isinstance(body, dict):
        raise ValueError("the body is not an object")
    return body


def _unescaped(text: str, names: list[str]) -> JsonObject | None:
    """Take apart our own template into which values were put as they were said, quotation marks and all."""
    found, at = dict[str, object](), text.find("{")
    marks = [f'"{name}": ' for name in names]
    starts = []
    for mark in marks:
        at = text.find(mark, at)
        if at < 0:
            return None
        starts.append(at)
        at += len(mark)
    ends = [*starts[1:], text.rfind("}")]
    for name, mark, start, end in zip(names, marks, starts, ends, strict=True):
        value = text[start + len(mark) : end].strip().removesuffix(",").strip()
        found[name] = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return found or None


def _unwrapped(body: Mapping[str, object], names: list[str]) -> Mapping[str, object]:
    if any(name in body for name in names):
        return body
    for wrapper in _WRAPPERS:
        inner = body.get(wrapper)
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                continue
        if isinstance(inner, Mapping):
            return inner
    return body


def _left_out(value: object) -> bool:
    """Whether it is nothing, or a placeholder that was not filled in."""
    if isinstance(value, str):
        text = value.strip()
        return not text or (text.startswith("{{") and text.endswith("}}"))
    return value is None


def _typed(value: object, kind: str) -> object:
    """A value in the JSON type of its field; what does not fit stays as it is, for the schema to refuse."""
    if kind in ("string", "enum", "date", "datetime"):
        return value if isinstance(value, (str, list, dict)) else json.dumps(value)
    if kind == "boolean":
        try:
            return _BOOLEAN.validate_python(value.strip() if isinstance(value, str) else value)
        except ValidationError:
            return value
    return _number(value)


def _number(value: object) -> object:
    try:
        number = float(value) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        return value
    if number is None:
        return value
    return int(number) if number.is_integer() else number


def _call_of(asked: Asked, body: Mapping[str, object], names: list[str]) -> str | None:
    return next((value for value in _ids(asked, body, names) if isinstance(value, str) and is_id(value)), None)


def _ids(asked: Asked, body: Mapping[str, object], names: list[str]) -> Iterator[object]:
    headers = dict(asked.headers)
    yield from (headers.get(name) for name in _ID_HEADERS)
    for source in (body, asked.query):
        # An argument of this name is the tool's own.
        yield from (source.get(name) for name in _IDS if name not in names)
    call = body.get("call")
    if "call" not in names:
        yield call.get("id") if isinstance(call, Mapping) else call
