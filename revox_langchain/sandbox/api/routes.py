"""From an HTTP request to the handler of its operation, and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

import httpx

from revox_langchain.answers import JsonObject
from revox_langchain.operations.operation import Operation
from revox_langchain.sandbox.api import account, assistants, calls, campaigns
from revox_langchain.sandbox.api.checks import check
from revox_langchain.sandbox.api.handlers import HANDLERS, Answer, Asked, Rejected
from revox_langchain.sandbox.world.world import World

RESOURCES = (account, assistants, calls, campaigns)
"""The modules whose functions are the handlers; importing them fills `HANDLERS`."""

_PATH_FIELD = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    Attributes:
        operation: What it asks for.
        ids: Values of the fields in its path.
    """

    operation: type[Operation]
    ids: tuple[str, ...]


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
                return Route(operation, tuple(unquote(value) for value in match.groups()))
        return None


def handle(world: World, route: Route, request: httpx.Request) -> Answer:
    """Answer a request.

    Raises:
        Rejected: Revox would refuse it.
    """
    handler = HANDLERS[route.operation]
    in_query = request.method in ("GET", "DELETE")
    given = dict(request.url.params) if in_query else _body(world, request)
    return handler(world, Asked(route.ids, check(world, handler.takes, given, texts=in_query)))


def _body(world: World, request: httpx.Request) -> JsonObject:
    content = request.read()
    try:
        body = json.loads(content, parse_float=_number, parse_constant=_no_number) if content else {}
    except (ValueError, RecursionError) as error:
        raise Rejected(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Rejected(world.switches.invalid_status, "The body is not an object.")
    return body


def _number(text: str) -> float:
    # JSON has one kind of number: 1.0 is a whole one.
    number = float(text)
    return int(number) if number.is_integer() else number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _pattern(operation: type[Operation]) -> str:
    return "(?:/api)?" + _PATH_FIELD.sub("([^/]+)", operation.spec.path or "")
