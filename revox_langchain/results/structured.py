"""Structured output read back into a pydantic model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal

from revox_langchain.results.call import CallResult
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


def structured(result: CallResult, model: type[ModelT]) -> Structured[ModelT]:
    """Read the structured output of `result` as `model`."""
    if not result.structured_output:
        return Structured("absent")
    value, errors = read_output(result.structured_output, model)
    if value is None:
        return Structured("invalid", errors=errors)
    if result.disposition not in ("answered", "unknown"):
        return Structured("contradicts_disposition", value)
    return Structured("ready", value)
