"""Write it down before the dial, and learn from what is written whether an earlier execution may have dialed.

`arm` writes a token in a superstep of its own. `place_call` dials at once only if this very process wrote that token
and has not used it, and the checkpoint that holds it is on disk; else the search has to tell.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.runtime import get_runtime

from revox_langchain.dialing.placing import Earlier
from revox_langchain.dialing.sent import SENT
from revox_langchain.errors import InvalidInput, PlacementUnknown, RevoxToolError
from revox_langchain.forks import renew_in_children
from revox_langchain.graph.call.nodes import place_call
from revox_langchain.graph.call.settings import CompiledCallGraph, Settings
from revox_langchain.graph.call.state import CallState, current_for
from revox_langchain.graph.steps import Node, Outcome, Steps, Update

_LOOKS_FOR_CHECKPOINT = 9


class FreshTokens:
    """Tokens that were written by this process and not used yet. The oldest are forgotten.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Hold no token. Done in every forked child: what its parent wrote is for its parent to use."""
        self._tokens: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, token: str) -> None:
        """Keep a token."""
        with self._lock:
            self._tokens[token] = None
            while len(self._tokens) > self._most:
                self._tokens.popitem(last=False)

    def take(self, token: str) -> bool:
        """Say whether a token is fresh, and use it up."""
        with self._lock:
            return self._tokens.pop(token, token) is None


_FRESH = FreshTokens()
"""Of the process, not of a graph: a program may build the graph anew for every request."""


def arm(state: CallState) -> Update:
    """Write down that a dial follows, in a superstep of its own."""
    state = current_for("arm", state)
    mark = state["intent_mark"]
    assert mark is not None
    token = str(uuid.uuid4())
    _FRESH.add(token)
    rearmed = state.get("armed") in (mark["intent_id"], *mark.get("also", ()))
    return {"token": token, "armed": mark["intent_id"], "rearmed": rearmed}


def place_node(steps: Steps, settings: Settings, saved: Callable[[], CompiledCallGraph]) -> Node[CallState]:
    """The dial: it first learns whether this is a first execution.

    Args:
        steps: What runs the dial.
        settings: How the graph runs.
        saved: Gives a compiled copy of the graph to read checkpoints with. A function, because LangGraph would take a
            graph that a node's code mentions for a subgraph and draw it inside the node.
    """

    def call(state: CallState, config: RunnableConfig) -> Outcome:
        looks = _Looks(state, config)
        with looks.token_kept(steps.channel.account):
            while looks.go_on:
                try:
                    looks.see(saved().get_state(looks.where).values)
                except (ValueError, KeyError):
                    looks.has_saver = False
                time.sleep(looks.pause_s)
            _check_parking(settings, looks.has_saver)
            flow = place_call(looks.state, settings, earlier=looks.earlier, can_ask=looks.has_saver)
            return steps.run(flow, state)

    async def acall(state: CallState, config: RunnableConfig) -> Outcome:
        looks = _Looks(state, config)
        with looks.token_kept(steps.channel.account):
            while looks.go_on:
                try:
                    looks.see((await saved().aget_state(looks.where)).values)
                except (ValueError, KeyError):
                    looks.has_saver = False
                await asyncio.sleep(looks.pause_s)
            _check_parking(settings, looks.has_saver)
            flow = place_call(looks.state, settings, earlier=looks.earlier, can_ask=looks.has_saver)
            return await steps.arun(flow, state)

    return Node("place_call", call, acall)


def _check_parking(settings: Settings, has_saver: bool) -> None:
    """Refuse to dial for a run that nobody could go on with."""
    if settings.wait_mode == "park" and not has_saver:
        raise InvalidInput(
            "wait_mode='park' needs a checkpointer, or nobody can go on with this run. No call was placed.",
            next_step="Give call_graph(checkpointer=…) one, or to the graph around it, or take wait_mode='poll'.",
        )


class _Looks:
    """Whether the checkpoint written by `arm` is on disk: only then a crash from here on will be noticed.

    Durability is the caller's choice and not told to a node; a saver may also be slow (measured: one look under
    `sync`, two under `async`, never under `exit`).
    """

    def __init__(self, state: CallState, config: RunnableConfig) -> None:
        self.state = current_for("place_call", state)
        self.token = str(state.get("token"))
        self.has_saver = True
        self._fresh = _FRESH.take(self.token)
        self._on_disk = False
        self._looks = 0
        namespace = str(config["configurable"].get("checkpoint_ns") or "")
        # A node sees its own task as the last part of the namespace; the graph's checkpoint is one level up.
        outer = namespace.rpartition("|")[0]
        info = get_runtime().execution_info
        checkpoint_id = info.checkpoint_id if info is not None else None
        self.where = cast(
            "RunnableConfig",
            {"configurable": {**config["configurable"], "checkpoint_ns": outer, "checkpoint_id": checkpoint_id}},
        )

    @contextmanager
    def token_kept(self, account: Hashable) -> Iterator[None]:
        """Leave the next execution as good as this one, whatever cuts it off before the order is sent."""
        try:
            yield
        except BaseException as error:
            # Without an account only the error tells; one that is not Revox's may come at any moment.
            if account is None:
                sent = isinstance(error, PlacementUnknown) or not isinstance(error, RevoxToolError)
            else:
                sent = self._was_sent(account)
            if self._fresh and not sent:
                _FRESH.add(self.token)
            raise

    def _was_sent(self, account: Hashable) -> bool:
        mark = self.state.get("intent_mark")
        number = self.state["asked"]["phone_number"]
        return mark is None or mark["intent_id"] in SENT.to(account, number, math.inf)

    @property
    def go_on(self) -> bool:
        """Whether to look (again)."""
        return not self._on_disk and self.has_saver and self._looks < _LOOKS_FOR_CHECKPOINT

    @property
    def pause_s(self) -> float:
        """Seconds on the wall before the next look: the saver writes in real time, whatever clock Revox keeps."""
        return 0.001 * 2**self._looks if self.go_on else 0.0

    def see(self, values: Mapping[str, object]) -> None:
        """Take note of the checkpoint's values."""
        self._looks += 1
        self._on_disk = bool(values) and values.get("token") == self.token

    @property
    def earlier(self) -> Earlier:
        """What to believe of earlier dials."""
        if self.state.get("mode") == "look":
            return Earlier.POSSIBLE
        mark = self.state.get("intent_mark")
        durable = mark is not None and mark["durable"]
        if not durable or (self._fresh and self._on_disk and not self.state.get("rearmed")):
            return Earlier.NONE
        # Not armed by this execution: an earlier one may have dialed. Armed by it, but for an intent that this thread
        # had armed before, or not written down: only the search can tell.
        return Earlier.DECIDED if self._fresh else Earlier.POSSIBLE
