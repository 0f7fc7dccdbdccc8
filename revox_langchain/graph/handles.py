"""Graphs that hold a connection: copies share it, and pickling is refused in a sentence."""

from __future__ import annotations

import copy
from typing import Any, NoReturn, Self, SupportsIndex

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph


class _Handle:
    """Refuses pickling, which copying would otherwise go through as well."""

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        # New collections, so that a copy can be extended; LangGraph compares some of what they hold by identity.
        made = memo[id(self)] = object.__new__(type(self))
        made.__dict__.update({name: copy.copy(value) for name, value in self.__dict__.items()})
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            "A call graph holds a connection with an API key, so it is not pickled. Make one in each process."
        )


class CompiledHandle(_Handle, CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph that holds a connection."""


class GraphHandle(_Handle, StateGraph[Any, Any, Any, Any]):
    """A graph that holds a connection, whatever it is compiled with."""

    def compile(self, *args: Any, **options: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Compile as `StateGraph` does."""
        compiled = super().compile(*args, **options)
        # LangGraph names its class in the code of `compile`, so what it has made is moved over.
        made = object.__new__(CompiledHandle)
        made.__dict__.update(compiled.__dict__)
        return made
