"""What a service and a worker have in common: threads, and a runner for them, once it is open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from revox_langchain.connection.connection import Connection
from revox_langchain.errors import RevoxToolError
from revox_langchain.results.call import CallResult
from revox_langchain.service.runner import Runner
from revox_langchain.service.threads import Threads


class Engine(ABC):
    """Keeps threads somewhere. Open it with `async with`, then use `threads`.

    Attributes:
        connection: The account.
        threads: Starts, lists, answers and cancels.
        runner: Brings threads on.
    """

    threads: Threads
    runner: Runner

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(self, *_: object) -> None: ...

    async def heard(self, result: CallResult) -> None:
        """Have the threads resumed that wait for a call which has ended; the callback of `Webhooks`."""
        await self.threads.heard(result)

    @abstractmethod
    def explained(self, error: Exception) -> RevoxToolError | None:
        """What to say of an error of the database; None if it is not one."""


__all__ = ["Engine"]
