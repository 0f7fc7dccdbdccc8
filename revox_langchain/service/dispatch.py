"""What is handed over to whoever runs threads: a small protocol, so that any queue fits."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from revox_langchain.answers import JsonObject
from revox_langchain.service.registry import Row, State


class Work(NamedTuple):
    """One thing to do for a thread; every field is plain JSON. Doing it twice, or late, does no harm.

    Attributes:
        thread_id: The thread.
        call_id: Resume it because this call has ended; None runs it from its start or its last checkpoint.
        timeout: Whether the call goes on, and the wait is over all the same.
        attempt: How often it was tried before.
    """

    thread_id: str
    call_id: str | None = None
    timeout: bool = False
    attempt: int = 0


class Dispatcher(Protocol):
    """Hands work to a queue, whose workers give it to `Threads.run`. Work that is lost is found again by a sweep."""

    async def send(self, work: Work, after_s: float = 0.0) -> None:
        """Have it run once, by any worker; in so many seconds, if given."""


class ThreadIndex(Protocol):
    """Which threads there are: what `Registry` keeps in SQLite, and `PostgresRegistry` in PostgreSQL."""

    def add(self, thread_id: str, request: JsonObject, now_s: float) -> Row:
        """Note a thread before anything of it runs; one that is known already is returned as it stands."""

    def put(
        self,
        thread_id: str,
        state: State,
        now_s: float,
        *,
        call_id: str | None = None,
        deadline_s: float | None = None,
        question: JsonObject | None = None,
        result: JsonObject | None = None,
    ) -> None:
        """Note where a thread stands."""

    def row(self, thread_id: str) -> Row | None:
        """One thread."""

    def waiting_for(self, call_id: str) -> list[Row]:
        """The threads that wait for an order."""

    def unfinished(self) -> list[Row]:
        """Every thread that has not come to an end, oldest first."""

    def rows(self, state: str | None = None, *, limit: int = 100, before_s: float | None = None) -> list[Row]:
        """Threads, newest first."""

    def counts(self) -> dict[str, int]:
        """How many threads stand in which state."""

    def ended_before(self, moment_s: float) -> list[str]:
        """Threads that came to an end before a moment."""

    def forget(self, thread_id: str) -> None:
        """Erase what is known of a thread."""
