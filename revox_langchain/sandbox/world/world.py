"""The state of the sandbox: everything that exists in it, on one timeline."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import TYPE_CHECKING, Any

from revox_langchain.answers import JsonObject
from revox_langchain.sandbox.faults import Fault
from revox_langchain.sandbox.world.outside import Outside, Question, Reply
from revox_langchain.sandbox.world.phone import Phone
from revox_langchain.sandbox.world.records import Campaign, Lane, Live, Order
from revox_langchain.sandbox.world.switches import Switches
from revox_langchain.sandbox.world.timeline import Timeline

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable

_NAMESPACE = uuid.UUID("5d1b9c0e-52f2-4a3f-9f26-0d5f1f5c7a01")


class World(Timeline):
    """State and time of one sandbox; every access goes through `lock`.

    Args:
        lock: Makes it thread-safe; a lock of its own if left out.
        speed: World seconds per real second; None stands still until it is advanced.
        switches: Assumptions about Revox; may be replaced at any time.
        seed: Determines every id and every small random pause.

    Attributes:
        orders: Call orders by id, as the API shows them, oldest first.
        book: The same orders by id, with what the API does not show.
        assistants: Stored assistants by id.
        campaigns: Campaigns by id.
        voices: The voice catalogue by id.
        phone_numbers: The organization's own numbers by id.
        do_not_contact: Numbers marked do-not-contact in the phone history.
        waiting: Orders that dial as soon as their limits allow it, per lane and by id.
        live: Orders with an attempt under way.
        phone: The phone of the person at the sandbox's page.
        outbox: Webhook posts, in the order they were sent.
        outside: The servers that the world may ask.
        asked: What was asked of them: `{kind, call_id, method, url, at_s}` and `answered` or `error`, in order.
        tool_fault: Called before each request to a custom tool; returns what goes wrong with it, if anything.
        callee: The model that plays callees where a custom model talks; None plays them as scripted.
        webhook_fault: Called before each webhook post; returns what goes wrong with it, if anything.
    """

    def __init__(
        self,
        lock: threading.RLock | None = None,
        *,
        speed: float | None = None,
        switches: Switches | None = None,
        seed: int | str = 0,
    ) -> None:
        super().__init__(lock, speed=speed)
        self.switches = switches or Switches()
        self.seed = seed
        self.orders: dict[str, JsonObject] = {}
        self.book: dict[str, Order] = {}
        self.assistants: dict[str, JsonObject] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.voices: dict[str, JsonObject] = {}
        self.phone_numbers: dict[str, JsonObject] = {}
        self.do_not_contact: set[str] = set()
        self.outbox: list[JsonObject] = []
        self.waiting: dict[Lane, dict[str, Order]] = {}
        self.live = Live()
        self.phone = Phone(self)
        self.outside = Outside()
        self.asked: list[JsonObject] = []
        self.callee: Runnable[Any, BaseMessage] | None = None
        self.tool_fault: Callable[[], Fault | None] = lambda: None
        self.webhook_fault: Callable[[], Fault | None] = lambda: None
        self._named: dict[str, int] = {}
        self._by_number: dict[str, dict[str, Order]] = {}

    def keep(self, order: Order) -> None:
        """Store a new order."""
        call = order.call
        self.reaches_out |= order.reaches_out
        self.orders[call["id"]], self.book[call["id"]] = call, order
        self._by_number.setdefault(call["to_phone_number"], {})[call["id"]] = order

    def forget(self, order: Order) -> None:
        """Delete an order for good."""
        call = order.call
        del self.orders[call["id"]], self.book[call["id"]], self._by_number[call["to_phone_number"]][call["id"]]

    def orders_to(self, number: str) -> list[Order]:
        """The orders to a number, oldest first."""
        return list(self._by_number.get(number, {}).values())

    def ask(self, kind: str, call_id: str, question: Question, then: Callable[[Reply], None]) -> None:
        """Ask a server outside, within an event, and hand its reply to `then`.

        Without a speed the world stands still until it is there. Otherwise time goes on, and `then` is called later.
        """
        noted: JsonObject = {"kind": kind, "call_id": call_id, "method": question.method, "url": question.url}
        self.asked.append({**noted, "at_s": self.moment_s})
        noted = self.asked[-1]

        def hear(reply: Reply) -> None:
            noted.update({"error": reply.error} if reply.error else {"answered": reply.status})
            then(reply)

        self.wait_outside(self.outside.ask(question), hear)

    def wait_outside(self, future: Future[Reply], then: Callable[[Reply], None]) -> None:
        """Hand a reply to `then` once it is there, see `ask`."""
        if self.speed is None:
            self.stand_still(future)
            then(future.result())
        else:
            future.add_done_callback(lambda done: self._hear_later(then, done.result()))

    def _hear_later(self, hear: Callable[[Reply], None], reply: Reply) -> None:
        # In another thread, since this one is where everything outside is asked and the lock may be taken for long.
        def act() -> None:
            with self.lock:
                self.catch_up()
                hear(reply)

        threading.Thread(target=act, daemon=True).start()

    def new_id(self, kind: str) -> str:
        """A new id; equal seeds give equal ids in equal order."""
        self._named[kind] = self._named.get(kind, 0) + 1
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/{kind}/{self._named[kind]}"))

    def chance(self, *about: object) -> Random:
        """Random numbers that are the same each time for the same subject."""
        return Random(f"{self.seed}/{about}")

    @property
    def organization_id(self) -> str:
        """Id of the only organization."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/organization"))
