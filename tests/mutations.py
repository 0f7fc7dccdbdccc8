"""Answers of any shape: real orders of the sandbox in which some values are replaced or missing."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from revox_langchain.operations.calls import GetCall, MakeCall
from revox_langchain.sandbox import Sandbox

NUMBERS = ("+12025550100", "+12025550102", "+12025550108", "+12025550112")
MISSING = object()


def nested(depth: int) -> Any:
    """Lists in one another."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


NASTY: tuple[Any, ...] = (
    None,
    MISSING,
    True,
    0,
    -1,
    10**30,
    10**5000,
    float("nan"),
    float("inf"),
    "",
    "user: Hello.\nassistant: Good morning.",
    "half a pair \ud83d of surrogates",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-06T10:00:00",
    1_767_693_600,
    1_767_693_600_000,
    [],
    ["said", None, 5],
    {},
    {"role": None, "content": {"text": "Hello."}},
    nested(900),
)

anything = st.sampled_from(NASTY) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "role", "content"]), inner),
    max_leaves=4,
)


@cache
def real_orders() -> tuple[dict[str, Any], ...]:
    """Orders of the sandbox at their end, in the middle, and at their beginning."""
    connection = Sandbox().connect()
    settings = {"structured_output_config": [{"name": "confirmed", "type": "boolean", "required": True}]}
    ids = [
        connection.send(MakeCall(phone_number=number, prompt="Say hello.", settings=settings))["call"]["id"]
        for number in NUMBERS
    ]
    orders = []
    for seconds in (0, 25, 86_400):
        connection.clock.sleep(seconds)
        orders += [connection.send(GetCall(call_id=call_id))["call"] for call_id in ids]
    return tuple(json.loads(json.dumps(orders)))


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """An order with up to four values replaced, at any depth."""
    order = copy.deepcopy(draw(st.sampled_from(real_orders())))
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from([*_places(order)]))
        put(holder, key, draw(anything))
    return order


def put(holder: Any, key: Any, value: Any) -> None:
    """Replace one value, or take it away."""
    if value is MISSING:
        del holder[key]
    else:
        holder[key] = _copied(value)


def _copied(value: Any, depth: int = 12) -> Any:
    """A copy as deep as later changes reach; copying all of it would exceed Python's recursion limit."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, dict):
        return {name: _copied(item, depth - 1) for name, item in value.items()}
    return [_copied(item, depth - 1) for item in value]


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every place at which something stands; few of a long list, and none in what was put there before."""
    if depth > 8 or not isinstance(value, (dict, list)):
        return
    for key in list(value) if isinstance(value, dict) else range(min(len(value), 3)):
        yield value, key
        yield from _places(value[key], depth + 1)


def encodes(value: Any) -> bool:
    """Whether JSON in UTF-8 can be made of it, as files, sockets and checkpoints want."""
    return bool(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
