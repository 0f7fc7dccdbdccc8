"""What can be told of a request before anything is sent: what would be refused anyway, and which voice would speak."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar

from revox_langchain.actions.contacts import check_numbers, refuse_past_launch
from revox_langchain.actions.requests import read
from revox_langchain.actions.voices import with_voice
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.configuration import merged
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.voices import Speech
from revox_langchain.errors import InvalidInput, RevoxToolError
from revox_langchain.flow import Channel, Clock, Flow, run
from revox_langchain.operations.assistants import CreateAssistant, UpdateAssistant
from revox_langchain.operations.calls import MakeCall
from revox_langchain.operations.campaigns import CreateCampaign, LaunchCampaign
from revox_langchain.operations.operation import Operation, Request
from revox_langchain.phone import parse_phone
from revox_langchain.speech.language import language_name

T = TypeVar("T")
_LATER_S = 600.0
"""The hour at which a request is refused must be refused for this much longer, or a tool that runs a moment after the
look might dial what no one was asked about."""


class _WouldAsk(Exception):
    """Revox would have to be asked to go on. No flow expects it, so that none takes it for an answer."""


class _Standing:
    """A clock that stands still."""

    slice_s = None

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """The moment it stands at."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Return at once."""

    async def asleep(self, seconds: float) -> None:
        """Return at once."""


class _Offline:
    """A channel that sends nothing.

    Args:
        now_s: What its clock says.
        memory: A channel whose remembered answers it may use.
    """

    account: Hashable = None
    sandbox = False

    def __init__(self, now_s: float, memory: Channel | None = None) -> None:
        self.clock: Clock = _Standing(now_s)
        self._memory = memory

    def send(self, operation: Operation) -> Any:
        """Stop here."""
        raise _WouldAsk

    async def asend(self, operation: Operation) -> Any:
        """Stop here."""
        raise _WouldAsk

    def recalled(self, operation: Operation, max_age_s: float) -> Any:
        """What is remembered, however old, if that may be used: a question is better served by it than by nothing."""
        return self._memory.recalled(operation, float("inf")) if self._memory is not None else None

    def remember(self, operation: Operation, answer: Any) -> None:
        """Keep nothing."""


def refused_anyway(
    request_type: type[Request], arguments: Mapping[str, object], guard: Guard, now_s: float
) -> RevoxToolError | None:
    """Say why a request would be refused whatever Revox answers; sends nothing.

    Args:
        request_type: What is asked for.
        arguments: As a model wrote them.
        guard: What may be dialed.
        now_s: The moment, in seconds since the epoch.

    Returns:
        The refusal, or None: it may be allowed, and what needs Revox's answers is checked when it is done.
    """
    later = _refusal(request_type, arguments, guard, now_s + _LATER_S)
    return _refusal(request_type, arguments, guard, now_s) if later is not None else None


def voice_foreseen(
    request_type: type[MakeCall], arguments: Mapping[str, object], connection: Channel, guard: Guard
) -> str:
    """Say which voice a call with these arguments gets if none is given, as far as that is known without asking."""
    channel = _Offline(connection.clock.now_s(), connection)
    try:
        request = run(read(request_type, arguments, guard.policy), channel)
    except (_WouldAsk, RevoxToolError):
        return ""
    if request.prompt is None or request.voice_id is not None:
        return ""
    try:
        chosen = run(with_voice(request, guard.policy), channel)
        return chosen[1][0] if chosen[1] else ""
    except RevoxToolError:
        return ""
    except _WouldAsk:
        try:
            language = Speech(request.prompt, request.first_sentence, request.language, request.phone_number).resolved()
        except InvalidInput:
            return ""
        return f"Language {language_name(language.tag)}: a voice that speaks it is chosen before the call is placed."


def _refusal(
    request_type: type[Request], arguments: Mapping[str, object], guard: Guard, now_s: float
) -> RevoxToolError | None:
    channel = _Offline(now_s)
    try:
        request = run(read(request_type, arguments, guard.policy), channel)
    except RevoxToolError as error:
        return error
    except _WouldAsk:
        return None
    for check in _checks(request, guard):
        # Each by itself: where one would have to ask, the next may still know.
        try:
            run(check(), channel)
        except RevoxToolError as error:
            return error
        except _WouldAsk:
            continue
    return None


def _checks(request: Request, guard: Guard) -> Iterator[Callable[[], Flow[Any]]]:
    match request:
        case MakeCall():
            yield lambda: _check_call(request, guard)
            if request.prompt is not None:
                yield lambda: with_voice(request, guard.policy)
        case CreateAssistant() | UpdateAssistant():
            body = request.wire().body or {}
            yield lambda: guard.check_configuration(_without_caller_id(body), written=body)
            if isinstance(request, CreateAssistant):
                yield lambda: with_voice(request, guard.policy)
        case CreateCampaign():
            yield lambda: check_numbers([contact.to_phone_number for contact in request.contacts], guard)
        case LaunchCampaign():
            yield lambda: refuse_past_launch(request)


def _check_call(request: MakeCall, guard: Guard) -> Flow[None]:
    guard.check_number(request.phone_number)
    if request.assistant_id is not None:
        # Its words, and the variables they want, are Revox's to tell.
        guard = Guard(guard.policy.model_copy(update={"prompt_problems": "off"}), guard.budget)
    body = request.wire().body or {}
    configuration = merged(body.get("assistant") or {}, body)
    yield from guard.check_order(request, parse_phone(request.phone_number), _without_caller_id(configuration))


def _without_caller_id(configuration: Mapping[str, object]) -> JsonObject:
    """Whose the caller id is has to be asked, which would hide what comes after."""
    return {name: value for name, value in configuration.items() if name != "from_phone_number"}
