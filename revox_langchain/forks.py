"""What must not be shared with a forked child is made anew in it: sockets, locks, and who is doing what."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something that holds what a child process must not share with its parent."""

    def renew(self) -> None:
        """Start over in a forked child. No other thread runs yet."""


_HOLDERS: WeakSet[Renewable] = WeakSet()


def renew_in_children(holder: Renewable) -> None:
    """Have `holder` renewed in every child that this process forks, for as long as it lives."""
    _HOLDERS.add(holder)


def in_children(action: Callable[[], None]) -> None:
    """Run `action` in every child that this process forks from now on."""
    # Windows has no fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=action)


def _renew_all() -> None:
    for holder in list(_HOLDERS):
        holder.renew()


in_children(_renew_all)
