"""The official SDK's methods, found by the route they send to."""

from __future__ import annotations

import inspect
import re
import typing
from functools import cache
from typing import Any

import revox
from pydantic import TypeAdapter
from revox._resource import SyncAPIResource

from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.api.handlers import HANDLERS

_SENDS = re.compile(r'self\._(get|post|patch|delete)\(\s*(?:path_template\()?"([^"]+)"')
_FIELD = re.compile(r"{\w+}")


@cache
def _methods() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    with revox.Revox(api_key="k") as client:
        for name in dir(type(client)):
            resource = None if name.startswith(("_", "with_")) else getattr(client, name)
            if not isinstance(resource, SyncAPIResource):
                continue
            for method, function in inspect.getmembers(type(resource), inspect.isfunction):
                sends = _SENDS.search(inspect.getsource(function))
                if sends and not method.startswith("_"):
                    found[sends[1].upper(), _FIELD.sub("{}", sends[2])] = f"{name}.{method}"
    return found


def method_of(operation: type[Operation]) -> str | None:
    """The SDK's method for this operation, such as `call.retrieve`; None if the SDK has none."""
    return _methods().get((operation.spec.verb or "", _FIELD.sub("{}", operation.spec.path or "")))


def answer_type_of(operation: type[Operation]) -> TypeAdapter[Any] | Any:
    """The type of the answer: the SDK's own, or the one that the sandbox's handler declares."""
    method = method_of(operation)
    if method is None:
        return HANDLERS[operation].answer
    resource, _, name = method.partition(".")
    with revox.Revox(api_key="k") as client:
        return typing.get_type_hints(getattr(type(getattr(client, resource)), name))["return"]
