"""Which tools a person approves before they run, and what the person reads: for `HumanInTheLoopMiddleware`."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from revox_langchain.actions.foreseen import refused_anyway, voice_foreseen
from revox_langchain.actions.offer import Offer
from revox_langchain.answers import JsonObject, digest
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.operation import Request, Risk
from revox_langchain.operations.render.calls import SANDBOX
from revox_langchain.tools.ahead import VoicesAhead
from revox_langchain.tools.conversation import answered, note_shown, thread_of

if TYPE_CHECKING:
    from langchain.agents.middleware.types import ToolCallRequest
    from langchain_core.messages import ToolCall

_MOST_KEPT = 10_000


def approvals_of(offer: Offer, from_risk: Risk) -> JsonObject:
    """Make the map for `interrupt_on`.

    Args:
        offer: What tools there are.
        from_risk: Ask from this risk upward.
    """
    asked_about = [request for request in offer.requests() if request.spec.risk >= from_risk]
    ahead = VoicesAhead(offer.connection)
    if any(issubclass(request, MakeCall) for request in asked_about):
        ahead.look()
    return {
        request.spec.name: {
            "allowed_decisions": ["approve", "edit", "reject"],
            "description": _description(request, offer, ahead),
            "when": _When(request, offer).asks,
        }
        for request in asked_about
    }


def _description(request: type[Request], offer: Offer, ahead: VoicesAhead) -> str | Callable[..., str]:
    if issubclass(request, MakeCall):
        return partial(_describe_call, request, offer, ahead)
    return _described(request, offer)


class _When:
    """Asks about everything but what is refused whatever the person says; that the tool refuses itself.

    The middleware looks again when the run is resumed, and what is not to be asked about then runs without the
    person's answer being read. So what was asked about once stays so.
    """

    def __init__(self, request: type[Request], offer: Offer) -> None:
        self._request = request
        self._offer = offer
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def asks(self, call: ToolCallRequest) -> bool:
        """Say whether a person is asked about a tool call. Sends nothing."""
        asked = self._asks(call)
        if asked:
            # It is executed only if the person says yes, and then its number is the person's.
            note_shown(call)
        return asked

    def _asks(self, call: ToolCallRequest) -> bool:
        arguments = call.tool_call["args"]
        if answered(call.state, call.tool_call["id"]):
            return False
        key = digest([thread_of(call.runtime.config), call.tool_call["id"], arguments])
        with self._lock:
            if key in self._asked:
                return True
        now_s = self._offer.connection.clock.now_s()
        if refused_anyway(self._request, arguments, self._offer.guard(), now_s) is not None:
            return False
        with self._lock:
            self._asked[key] = None
            while len(self._asked) > _MOST_KEPT:
                self._asked.popitem(last=False)
        return True


def _describe_call(
    request: type[MakeCall],
    offer: Offer,
    ahead: VoicesAhead,
    tool_call: ToolCall,
    state: object,
    runtime: object,
) -> str:
    """Describe a call, with the voice it gets where it names none."""
    ahead.look()
    voice = voice_foreseen(request, tool_call["args"], offer.connection, offer.guard())
    return f"{_described(request, offer)} {voice}".strip()


def _described(request: type[Request], offer: Offer) -> str:
    said = f"{request.spec.title} Risk: {request.spec.risk.name.lower()}."
    return f"{said} {SANDBOX}" if offer.connection.sandbox else said
