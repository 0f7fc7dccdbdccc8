"""From an HTTP request to the handler of its operation, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import httpx
from pydantic import ValidationError

from revox_langchain.operations.operation import Operation, invalid
from revox_langchain.sandbox.api import account, assistants, calls, campaigns
from revox_langchain.sandbox.api.handlers import HANDLERS, Answer, Rejected
from revox_langchain.sandbox.world.world import World

RESOURCES = (account, assistants, calls, campaigns)
"""The modules whose functions are the handlers; importing them fills `HANDLERS`."""

_PATH_FIELD = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    Attributes:
        operation: What it asks for.
        path: Values of the fields in its path.
    """

    operation: type[Operation]
    path: Mapping[str, str]


class Router:
    """Finds the operation of a request, by verb and path."""

    def __init__(self) -> None:
        # A path without fields first: "/call/phone-history" would also match "/call/{call_id}".
        operations = sorted(HANDLERS, key=lambda operation: (operation.spec.path or "").count("{"))
        self._patterns = [(operation, re.compile(_pattern(operation))) for operation in operations]

    def route(self, request: httpx.Request) -> Route | None:
        """The operation a request asks for; None if there is no such operation."""
        # The raw path, since an id may hold an encoded slash.
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        for operation, pattern in self._patterns:
            if operation.spec.verb == request.method and (match := pattern.fullmatch(path)):
                return Route(operation, {name: unquote(value) for name, value in match.groupdict().items()})
        return None


def handle(world: World, route: Route, request: httpx.Request) -> Answer:
    """Answer a request.

    Raises:
        Rejected: Revox would refuse it.
    """
    return HANDLERS[route.operation](world, _parsed(world, route, request))


def _parsed(world: World, route: Route, request: httpx.Request) -> Operation:
    status = world.switches.invalid_status
    content = request.read()
    try:
        body = json.loads(content) if content else {}
    except ValueError as error:
        raise Rejected(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Rejected(status, "The body is not an object.")
    try:
        return route.operation(**route.operation.unwire(route.path, dict(request.url.params), body))
    except ValidationError as error:
        raise Rejected(status, invalid(error, "body").message) from error


def _pattern(operation: type[Operation]) -> str:
    return "(?:/api)?" + _PATH_FIELD.sub(r"(?P<\1>[^/]+)", operation.spec.path or "")
