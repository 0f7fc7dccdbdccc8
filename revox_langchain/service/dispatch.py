"""What is handed over to whoever runs threads: a small protocol, so that any queue fits."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from revox_langchain.answers import JsonObject


class Work(NamedTuple):
    """One thing to do for a thread; every field is plain JSON. Doing it twice, or late, does no harm.

    Attributes:
        thread_id: The thread.
        call_id: Resume it because this call has ended; None runs it from its start or its last checkpoint.
        timeout: Whether the call goes on, and the wait is over all the same.
        attempt: How often it was tried before.
        answer: What a person has answered, by the id of the question's interrupt.
    """

    thread_id: str
    call_id: str | None = None
    timeout: bool = False
    attempt: int = 0
    answer: JsonObject | None = None


class Dispatcher(Protocol):
    """Hands work to a queue, whose workers give it to `Runner.run`.

    Work that is lost is found again by `Threads.sweep`, so a queue without timers may forget what is for later.
    """

    async def send(self, work: Work, after_s: float = 0.0) -> None:
        """Have it run once, by any worker; in so many seconds, if given.

        A `work.timeout` for later ends a wait. A dispatcher may watch the call until then, and have it run earlier,
        with `timeout=False`, when the call has ended.
        """


__all__ = ["Dispatcher", "Work"]
