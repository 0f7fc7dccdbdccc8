"""The ends of orders that this process has just read, so that whoever goes on with one need not read it again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from revox_langchain.answers import JsonObject
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import status_of

FRESH_S = 10.0
"""What is extracted from a conversation may come a little after its end: an older answer is read again."""
_MOST = 100
_TRIES = 3


class _Read(NamedTuple):
    at_s: float
    order: JsonObject
    by_search: bool


class Ends:
    """Ended orders, for a few seconds, and only what this process has read itself.

    Whether a search shows whole orders is not published. So its rows count only after one of them was the same as the
    order read by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: OrderedDict[str, _Read] = OrderedDict()
        self._whole: bool | None = None
        self._tries = 0

    def keep(self, call_id: str, order: JsonObject, now_s: float) -> None:
        """Keep an order that was read by itself, if it has ended."""
        if status_of(order) in ENDED:
            self.compare(call_id, order)
            self._put(call_id, _Read(now_s, order, False))

    def keep_row(self, call_id: str, row: JsonObject, now_s: float) -> None:
        """Keep an ended order as a search shows it."""
        if self._whole is not False:
            self._put(call_id, _Read(now_s, row, True))

    def compare(self, call_id: str, order: JsonObject) -> None:
        """Learn from an order that was read by itself whether searches show whole orders."""
        with self._lock:
            read = self._read.get(call_id)
            if read is None or not read.by_search or self._whole is not None:
                return
            self._tries += 1
            # Something may have changed between the two answers, so one that differs proves nothing.
            if read.order == order:
                self._whole = True
            elif self._tries >= _TRIES:
                self._whole = False

    def known(self, call_id: str, now_s: float) -> JsonObject | None:
        """An ended order, if it was read just now."""
        with self._lock:
            read = self._read.get(call_id)
        if read is None or abs(now_s - read.at_s) > FRESH_S or (read.by_search and not self._whole):
            return None
        return read.order

    def take(self, call_id: str, now_s: float) -> JsonObject | None:
        """An ended order, if it was read just now; it is not kept any longer."""
        order = self.known(call_id, now_s)
        if order is not None:
            with self._lock:
                self._read.pop(call_id, None)
        return order

    def _put(self, call_id: str, read: _Read) -> None:
        with self._lock:
            self._read[call_id] = read
            self._read.move_to_end(call_id)
            while len(self._read) > _MOST:
                self._read.popitem(last=False)
