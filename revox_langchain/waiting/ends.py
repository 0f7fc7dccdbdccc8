"""The ends of orders that this process has just read, so that whoever goes on with one need not read it again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from revox_langchain.answers import JsonObject
from revox_langchain.results.call import ENDED
from revox_langchain.results.order import status_of

FRESH_S = 10.0
"""What is extracted from a conversation may come a little after its end: an older answer is read again."""
_MOST = 200
_MOST_ROWS = 8
_TRIES = 3


class Ends:
    """Ended orders, for a few seconds, and only what this process has read itself.

    Whether a search shows whole orders is not published. So its rows count only after one of them was the same as the
    order read by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: OrderedDict[str, tuple[float, JsonObject]] = OrderedDict()
        self._rows: OrderedDict[str, JsonObject] = OrderedDict()
        self._whole: bool | None = None
        self._tries = 0

    def keep(self, call_id: str, order: JsonObject, now_s: float) -> None:
        """Keep an order that was read by itself, if it has ended."""
        if status_of(order) not in ENDED:
            return
        self.compare(call_id, order)
        with self._lock:
            self._put(call_id, order, now_s)

    def keep_row(self, call_id: str, row: JsonObject, now_s: float) -> None:
        """Keep an ended order as a search shows it, if searches show whole orders."""
        with self._lock:
            if self._whole:
                self._put(call_id, row, now_s)
            elif self._whole is None:
                self._rows[call_id] = row
                while len(self._rows) > _MOST_ROWS:
                    self._rows.popitem(last=False)

    def compare(self, call_id: str, order: JsonObject) -> None:
        """Learn from an order that was read by itself whether searches show whole orders."""
        with self._lock:
            row = self._rows.pop(call_id, None)
            if row is None or self._whole is not None:
                return
            self._tries += 1
            # Something may have changed between the two answers, so one that differs proves nothing.
            if row == order:
                self._whole = True
            elif self._tries >= _TRIES:
                self._whole = False
            if self._whole is not None:
                self._rows.clear()

    def known(self, call_id: str, now_s: float) -> JsonObject | None:
        """An ended order, if it was read just now."""
        with self._lock:
            read_s, order = self._orders.get(call_id, (float("-inf"), None))
        return order if abs(now_s - read_s) <= FRESH_S else None

    def take(self, call_id: str, now_s: float) -> JsonObject | None:
        """An ended order, if it was read just now; it is not kept any longer."""
        order = self.known(call_id, now_s)
        with self._lock:
            self._orders.pop(call_id, None)
        return order

    def _put(self, call_id: str, order: JsonObject, now_s: float) -> None:
        self._orders[call_id] = (now_s, order)
        self._orders.move_to_end(call_id)
        while len(self._orders) > _MOST:
            self._orders.popitem(last=False)
