"""Which intents this process has sent whose orders the search has not shown since."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from revox_langchain.forks import renew_in_children

_MOST_NUMBERS = 10_000


class SentIntents:
    """Intents between their `POST /call` and the search that shows their order; the oldest numbers are forgotten.

    Known to the process, not to a guard: a program may build its tools anew for every request. A child process keeps
    what its parent had sent before the fork.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[tuple[Hashable, str], dict[str, float]] = OrderedDict()
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Take a new lock. Done in every forked child."""
        self._lock = threading.Lock()

    def add(self, account: Hashable, phone_number: str, intent_id: str, now_s: float) -> None:
        """Note an intent just before it is sent; without an account there is nothing to tell worlds apart by."""
        if account is None:
            return
        with self._lock:
            self._sent.setdefault((account, phone_number), {})[intent_id] = now_s
            self._sent.move_to_end((account, phone_number))
            while len(self._sent) > _MOST_NUMBERS:
                self._sent.popitem(last=False)

    def drop(self, account: Hashable, phone_number: str, intent_id: str) -> None:
        """Forget an intent: its order was seen, or it is certain that there is none."""
        with self._lock:
            there = self._sent.get((account, phone_number), {})
            there.pop(intent_id, None)
            if not there:
                self._sent.pop((account, phone_number), None)

    def to(self, account: Hashable, phone_number: str, now_s: float) -> dict[str, float]:
        """The intents sent to a number, each with the moment."""
        with self._lock:
            there = self._sent.get((account, phone_number), {})
            # A clock that stands before the moment of sending belongs to a sandbox that has started over.
            return {intent_id: sent_s for intent_id, sent_s in there.items() if sent_s <= now_s}


SENT = SentIntents()
"""The one of this process."""
