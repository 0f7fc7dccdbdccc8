"""What a run's messages say: which numbers somebody gave, and which tool calls have failed.

The user's, the developer's and other tools' words count, and so do arguments that a person approved or that something
else than the model put in place. The model's words, our tools' results, and what was said on a call do not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from langchain_core.runnables import RunnableConfig

from revox_langchain.actions.requests import numbers_in
from revox_langchain.answers import JsonObject
from revox_langchain.dialing.given import Given
from revox_langchain.operations.render.text import FENCE

_SPEAKERS = ("human", "user", "system", "developer")
_USERS = ("human", "user")
_MOST_SHOWN = 10_000
_REASON = " with reason: "
_TYPED_RESULT = "Returning structured response:"


def given_in(
    runtime: object, arguments: JsonObject, config: RunnableConfig, ours: Callable[[object], bool]
) -> Given | None:
    """Collect the texts that may give a number to a tool call.

    Args:
        runtime: What LangGraph's `ToolNode` injects; anything else has no messages.
        arguments: What is executed.
        config: The run's.
        ours: Whether a tool is one of ours.

    Returns:
        The texts; None where no messages are visible.
    """
    messages = _messages_of(getattr(runtime, "state", None))
    if messages is None:
        return None
    call_id = getattr(runtime, "tool_call_id", None)
    names = {tool.name for tool in getattr(runtime, "tools", ()) if ours(tool)}
    return Given((*_said(messages, names), *_decided(messages, call_id, arguments, config)))


def failed_before(runtime: object, name: str, arguments: JsonObject) -> int:
    """Count the calls of a tool with the same arguments that have failed since the user last said something.

    Args:
        runtime: What LangGraph's `ToolNode` injects.
        name: The tool.
        arguments: What is executed.
    """
    asked: dict[str | None, tuple[str, JsonObject]] = {}
    failed = 0
    for message in _messages_of(getattr(runtime, "state", None)) or ():
        if isinstance(message, AIMessage):
            asked |= {call["id"]: (call["name"], call["args"]) for call in message.tool_calls}
        elif isinstance(message, ToolMessage):
            failed += message.status == "error" and asked.get(message.tool_call_id) == (name, arguments)
        elif message.type in _USERS or getattr(message, "role", None) in _USERS:
            failed = 0
    return failed


def answered(state: object, call_id: str | None) -> bool:
    """Whether a tool call has a result already, as a limit gives it to a call that it keeps from running."""
    return any(isinstance(m, ToolMessage) and m.tool_call_id == call_id for m in _messages_of(state) or ())


def thread_of(config: RunnableConfig | None) -> str | None:
    """The LangGraph thread a tool runs in, if there is one."""
    thread = ((config or {}).get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)


def note_shown(request: Any) -> None:
    """Remember that a person is asked about a tool call: it is executed only if the person says yes.

    Args:
        request: As `HumanInTheLoopMiddleware` gives it to `when=`.
    """
    call = request.tool_call
    key = _key(call.get("id"), getattr(request.runtime, "config", None))
    _SHOWN[key] = frozenset(numbers_in(call.get("args") or {}))
    _SHOWN.move_to_end(key)
    while len(_SHOWN) > _MOST_SHOWN:
        _SHOWN.popitem(last=False)


_SHOWN: OrderedDict[tuple[str | None, str | None], frozenset[str]] = OrderedDict()


def _key(call_id: str | None, config: RunnableConfig | None) -> tuple[str | None, str | None]:
    return thread_of(config), call_id


def _messages_of(state: object) -> list[BaseMessage] | None:
    held = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", state)
    if not isinstance(held, Sequence) or isinstance(held, (str, bytes)) or not held:
        return None
    try:
        return convert_to_messages(held)
    except (ValueError, TypeError, NotImplementedError):
        return None


def _said(messages: Iterable[BaseMessage], ours: set[str]) -> Iterator[str]:
    callers: dict[str | None, str] = {}
    for message in messages:
        if isinstance(message, AIMessage):
            callers |= {call["id"]: call["name"] for call in message.tool_calls}
        elif isinstance(message, ToolMessage):
            yield from _told(message, message.name or callers.get(message.tool_call_id), ours)
        elif message.type in _SPEAKERS or getattr(message, "role", None) in _SPEAKERS:
            yield unfenced(str(message.text))


def _told(message: ToolMessage, name: str | None, ours: set[str]) -> Iterator[str]:
    text = str(message.text)
    if message.additional_kwargs.get("lc_source") == "hitl_interrupt_decision":
        # A person's own words in place of a result: why a call was rejected, or an answer.
        _, rejected, reason = text.partition(_REASON)
        if rejected or message.status != "error":
            yield unfenced(reason if rejected else text)
    elif message.status == "error" or text.startswith(_TYPED_RESULT):
        # An agent's typed result stands among the results of tools, and is the model's own words.
        return
    elif name and name not in ours and "revox_" not in name:
        yield unfenced(text)


def unfenced(text: str) -> str:
    """A text without what stands behind our fence, which somebody on a call may have said."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        before, opens, _ = line.partition(FENCE)
        if inside and not opens and line.lstrip().startswith("|"):
            continue
        inside = bool(opens)
        kept.append(before)
    return "\n".join(kept)


def _decided(
    messages: Sequence[BaseMessage], call_id: str | None, arguments: JsonObject, config: RunnableConfig
) -> Iterator[str]:
    """The numbers of a tool call that are not the model's: approved by a person, or put in place of its own."""
    executed = set(numbers_in(arguments))
    yield from executed & _SHOWN.get(_key(call_id, config), frozenset())
    made = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls if call["id"] == call_id]
    if made:
        # The newest: a model may use an id again.
        yield from executed - set(numbers_in(made[-1]["args"]))
