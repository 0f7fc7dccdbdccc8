"""Structured output read back into a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal

from revox_langchain.results.facts import CallFacts
from revox_langchain.results.order import object_of
from revox_langchain.results.schema import ModelT, read_output


@dataclass(frozen=True, slots=True)
class Structured(Generic[ModelT]):
    """Structured output read back into a pydantic model.

    Attributes:
        state: `ready`: `value` holds it. `absent`: Revox gave none. `invalid`: it does not fit, see `errors`.
            `contradicts_disposition`: values were extracted although no one was reached.
    """

    state: Literal["ready", "absent", "invalid", "contradicts_disposition"]
    value: ModelT | None = None
    errors: tuple[str, ...] = ()


def structured(result: CallFacts | Mapping[str, object], model: type[ModelT]) -> Structured[ModelT]:
    """Read structured output as `model`.

    Args:
        result: A `CallResult`, or what the call graph, its tool or `--json` gave.
        model: What was asked for.
    """
    output: object
    disposition: object
    if isinstance(result, CallFacts):
        output, disposition = result.structured_output, result.disposition
    else:
        output, disposition = result.get("structured_output"), result.get("disposition")
    output = object_of(output)
    if not output:
        return Structured("absent")
    value, errors = read_output(output, model)
    if value is None:
        return Structured("invalid", errors=errors)
    if disposition not in ("answered", "unknown", None):
        return Structured("contradicts_disposition", value)
    return Structured("ready", value)
