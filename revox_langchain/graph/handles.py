"""Graphs that hold a connection: copies share it, and pickling is refused in a sentence."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from typing import Any, NoReturn, Self, SupportsIndex

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel

from revox_langchain.errors import InvalidInput, near


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
    """A compiled graph that holds a connection, and refuses input that it would not look at."""

    def stream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Iterator[Any]:
        """Stream as LangGraph does; `invoke` comes through here as well."""
        self._check_names(input, config)
        return super().stream(input, config, **options)

    def astream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> AsyncIterator[Any]:
        """Stream as LangGraph does; `ainvoke` comes through here as well."""
        self._check_names(input, config)
        return super().astream(input, config, **options)

    def _check_names(self, given: object, config: RunnableConfig | None) -> None:
        """Refuse names that are no input: LangGraph drops them, and a slip of the pen would change what is done.

        Inside another graph nothing is refused: as a node of it this one is given the whole state of the other.

        Raises:
            InvalidInput: It has such a name.
        """
        schema = self.builder.input_schema
        inside = (ensure_config(config).get("configurable") or {}).get("checkpoint_ns")
        if inside or not isinstance(given, dict) or not issubclass(schema, BaseModel):
            return
        if unknown := sorted(str(name) for name in given if name not in schema.model_fields):
            raise InvalidInput(
                f"Unknown input {', '.join(map(repr, unknown))}{near(unknown[0], schema.model_fields)}",
                next_step=f"Known: {', '.join(schema.model_fields)}.",
            )


class GraphHandle(_Handle, StateGraph[Any, Any, Any, Any]):
    """A graph that holds a connection, whatever it is compiled with."""

    def compile(self, *args: Any, **options: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Compile as `StateGraph` does."""
        compiled = super().compile(*args, **options)
        # LangGraph names its class in the code of `compile`, so what it has made is moved over.
        made = object.__new__(CompiledHandle)
        made.__dict__.update(compiled.__dict__)
        return made
