"""Who calls: the look-up at `precall_lookup_url` before an inbound call is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.world.assistants import declared_variables
from revox_langchain.sandbox.world.outside import Question, Reply
from revox_langchain.sandbox.world.records import Order
from revox_langchain.sandbox.world.world import World

_PLACEHOLDER = "{{phone}}"


def look_up(world: World, order: Order, then: Callable[[JsonObject | None], None]) -> None:
    """Look up who calls.

    Args:
        world: The world.
        order: The inbound order.
        then: Called with the values of the prompt's variables; with None if the call cannot be answered.
    """
    switches, url = world.switches, order.assistant["precall_lookup_url"]

    def known(variables: JsonObject | None) -> None:
        given = variables or {}
        complete = declared_variables(order.assistant) <= given.keys()
        if url:
            usable = complete if variables is not None else switches.lookup_failed == "answered"
        else:
            usable = complete or switches.missing_variable == "spoken"
        then(given if usable else None)

    if not url:
        known(None)
        return
    question = Question(
        "GET", url.replace(_PLACEHOLDER, quote(order.person, safe="")), timeout_s=switches.lookup_timeout_s
    )
    world.ask("lookup", order.call["id"], question, lambda reply: known(_variables(reply)))


def _variables(reply: Reply) -> JsonObject | None:
    """What the answer says of the caller; None if it is not of the documented form."""
    if not reply.ok:
        return None
    try:
        said = json.loads(reply.body)
    except ValueError:
        return None
    variables = said.get("prompt_variables") if isinstance(said, dict) else None
    fits = isinstance(variables, dict) and all(isinstance(value, str) for value in variables.values())
    return variables if fits else None
