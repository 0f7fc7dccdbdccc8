"""How to do a request, by its type: the files beside this one register what needs more than being sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from revox_langchain.dialing.decided import NOTHING, Decided
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import Within
from revox_langchain.flow import Flow
from revox_langchain.operations.operation import Operation


@dataclass(frozen=True, slots=True)
class Context:
    """On whose behalf a request is done, and within which limits.

    Attributes:
        guard: What may be dialed.
        scope: The LangGraph thread, if there is one: part of a call's intent.
        toolkit: Whose budget counts where there is no thread.
        by_model: Whether a model wrote the request, so that the name of an intent counts within its thread only.
        repeated: Whether the request may have been sent before, by a run that was cut off.
        decided: What code decided of the assistants that requests make.
    """

    guard: Guard
    scope: str | None = None
    toolkit: str = "process"
    by_model: bool = False
    repeated: bool = False
    decided: Decided = NOTHING

    @property
    def budget_scope(self) -> str:
        """Whose budget counts."""
        return self.scope or self.toolkit

    @property
    def within(self) -> Within:
        """What kind of scope that is."""
        if self.scope:
            return "thread"
        return "process" if self.toolkit == "process" else "toolkit"


@singledispatch
def flow_of(request: object, context: Context) -> Flow[Any]:
    """Return the flow that does `request`; register a handler to give a type of request its own.

    Raises:
        TypeError: Nothing is registered for this type.
    """
    raise TypeError(f"{type(request).__name__} is not a request that can be done")


@flow_of.register
def send(request: Operation, context: Context) -> Flow[Any]:
    """Send an operation as it is."""
    return (yield request)
