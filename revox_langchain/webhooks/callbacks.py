"""Functions that users give us to be called back: sync ones must not hold up everything else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def called(callback: Callable[[T], Awaitable[None] | None], value: T) -> None:
    """Call a user's function, in a thread if it is sync, and wait until it is through."""
    if inspect.iscoroutinefunction(callback):
        await callback(value)
        return
    answer = await asyncio.to_thread(callback, value)
    if inspect.isawaitable(answer):
        await answer
