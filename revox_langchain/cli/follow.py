"""Drive a call from the command line: show it while it happens, and lose nothing when somebody presses Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from revox_langchain.cli.exits import Exit, exit_of_call, interrupted
from revox_langchain.cli.live import LiveCall, voice_words
from revox_langchain.cli.result import output_of, show_result
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.guard import Guard
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused, RevoxToolError
from revox_langchain.flow import arun, run
from revox_langchain.operations.calls import CancelCall, GetCall
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Watch, watch

_RECURSION_LIMIT = 1_000_000
"""A step of the graph per slice of waiting: a week of it must not end with an error."""


def run_call(
    given: dict[str, Any],
    connection: Connection,
    screen: Screen,
    *,
    policy: DialPolicy,
    wait: WaitPolicy,
    inline: bool = False,
    sandbox: bool = False,
) -> Exit:
    """Run the call graph and show it.

    Args:
        given: The graph's input.
        connection: The account, or a sandbox's.
        screen: Where to show it.
        policy: What may be dialed.
        wait: How patiently to wait.
        inline: Send the assistant inside the call.
        sandbox: Whether the call ends with this process.
    """
    first_words = "looking for an earlier call of this intent" if given.get("intent") else "choosing a voice"
    live = LiveCall(screen, connection.clock.now_s, first_words=first_words)

    async def follow() -> dict[str, Any]:
        from revox_langchain.graph import CallOutput, call_graph

        # No checkpointer: this process has nothing to come back to; the mark in Revox is what survives it.
        graph = call_graph(connection, policy=policy, wait=wait, inline=inline, on_unknown="report")
        state: dict[str, Any] = {}
        config: Any = {"recursion_limit": _RECURSION_LIMIT}
        async with connection:
            stream: Any = graph.astream(given, config, stream_mode=["custom", "values"])
            async for mode, payload in stream:
                if mode == "custom":
                    live.see(payload)
                else:
                    state = payload
        return {name: state.get(name) for name in CallOutput.model_fields}

    return _shown(follow, live, connection, screen, sandbox=sandbox)


def run_watch(call_id: str, connection: Connection, screen: Screen, *, wait: WaitPolicy) -> Exit:
    """Follow a call that exists until it has ended."""
    live = LiveCall(screen, connection.clock.now_s, first_words="reading the call")

    async def follow() -> dict[str, Any]:
        async with connection:
            # A wait outlasts failures for days; whether the call can be read at all is to be known at once.
            order = (await connection.asend(GetCall.parse({"call_id": call_id})))["call"]
            seen = await arun(watch(Watch(call_id=call_id), wait), connection, emit=live.see)
            order = seen.answer or order
        return output_of(order, waited_s=seen.waited_s)

    live.call_id = call_id
    return _shown(follow, live, connection, screen)


def confirm_dial(given: Mapping[str, Any], connection: Connection, policy: DialPolicy, screen: Screen) -> bool:
    """Show what is about to be dialed, as the graph itself works it out, and ask for a yes.

    Raises:
        RevoxToolError: The input cannot be dialed, or Revox cannot be asked.
    """
    from revox_langchain.graph import CallInput
    from revox_langchain.graph.call.assistant import choose
    from revox_langchain.graph.call.nodes import prepare
    from revox_langchain.graph.call.questions import question
    from revox_langchain.graph.call.settings import Settings

    settings = Settings(guard=Guard(policy))
    state: Any = run(prepare(CallInput.parse(given), settings, None), connection)
    if not state.get("error"):
        state |= run(choose(state, settings), connection)
    if state.get("error"):
        # The graph will say the same, as its result.
        return True
    wish, spoken = state["asked"], state.get("spoken") or {}
    worst = question(state)["arguments"]
    says = wish.get("prompt") or f"assistant {wish.get('assistant_id')}"
    facts = [
        ("Number", f"{wish['phone_number']} ({wish.get('region') or 'no known country'})"),
        ("Voice", voice_words(state.get("voice"), spoken.get("language"))),
        ("First", wish.get("first_sentence")),
        ("Prompt", _short(str(says))),
        ("When", wish.get("scheduled_at") or "now, or when its calling window opens"),
        ("Worst", f"{worst['max_attempts']} attempts, {worst['max_minutes']:g} minutes of talk"),
    ]
    hint("This rings a real phone and costs money.")
    for name, words in facts:
        if words:
            hint(words, name=name)
    for warning in state.get("warnings") or []:
        hint(warning, name="Warning")
    return screen.ask("Call now?")


def _shown(
    follow: Callable[[], Awaitable[dict[str, Any]]],
    live: LiveCall,
    connection: Connection,
    screen: Screen,
    *,
    sandbox: bool = False,
) -> Exit:
    """Run `follow` under the live view, and show its output or how it broke off."""

    async def shown() -> dict[str, Any]:
        with live:
            return await follow()

    try:
        # Async, because a Ctrl-C then ends a pause at once; a sync graph would finish its slice of waiting first.
        output = asyncio.run(shown())
    except KeyboardInterrupt:
        return _broken_off(live, connection, screen, sandbox=sandbox)
    except Exception as error:
        if live.call_id is not None and live.intent_id is not None and not sandbox:
            hint(f"Call {live.call_id} was placed. Look with: revox-langchain watch {live.call_id}")
            if isinstance(error, RevoxToolError):
                error.details = {**error.details, "call_id": live.call_id, "intent_id": live.intent_id}
        raise
    show_result(output, screen, sandbox=sandbox)
    if output["status"] == "unknown":
        hint(f"Look with: revox-langchain recover {live.intent_id} {live.phone_number}")
    return exit_of_call(output)


def _broken_off(live: LiveCall, connection: Connection, screen: Screen, *, sandbox: bool) -> Exit:
    """After Ctrl-C: say where the call stands, and on a terminal offer to cancel it."""
    status, said, step = "still_running", f"The call {live.call_id} goes on.", ""
    if sandbox:
        status, said = "cancelled", "Stopped; the sandbox's call ended with it."
    elif live.call_id is not None:
        step = f"Follow it with: revox-langchain watch {live.call_id}"
        if _wants_cancelled(live.call_id, screen):
            status, said, step = _cancelled(live.call_id, connection)
    elif live.dialing:
        status, said = "unknown", "Stopped while the call was being placed; it may ring."
        step = f"Look with: revox-langchain recover {live.intent_id} {live.phone_number}"
    else:
        status, said = "refused", "Stopped before anything was dialed."
    hint(f"{said} {step}".strip())
    screen.answer(
        {"status": status, "call_id": live.call_id, "intent_id": live.intent_id, "error": interrupted(said, step)}
    )
    return Exit.INTERRUPTED


def _wants_cancelled(call_id: str, screen: Screen) -> bool:
    try:
        return screen.can_ask() and screen.ask(f"\nCancel call {call_id}?")
    except KeyboardInterrupt:
        return False


def _cancelled(call_id: str, connection: Connection) -> tuple[str, str, str]:
    try:
        done = connection.send(CancelCall(call_id=call_id))
        if not done.get("success", True):
            raise Refused("Revox did not cancel it.")
    except RevoxToolError as error:
        return (
            "still_running",
            f"The call could not be cancelled: {error.message}",
            f"Try: revox-langchain watch {call_id}",
        )
    return "cancelled", f"The call {call_id} is cancelled.", ""


def _short(text: str, longest: int = 160) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
