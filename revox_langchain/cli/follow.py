"""Drive a call from the command line: show it while it happens, and lose nothing on Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.approval import ask_approval
from revox_langchain.cli.exits import Exit, exit_of_call, interrupted
from revox_langchain.cli.live import LiveCall
from revox_langchain.cli.pages import show_page_of
from revox_langchain.cli.result import output_of, show_result
from revox_langchain.cli.screen import Screen, hint
from revox_langchain.cli.thread import run_to_its_end
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import Refused, RevoxToolError
from revox_langchain.flow import arun
from revox_langchain.operations.calls import CancelCall, GetCall
from revox_langchain.waiting.policy import WaitPolicy
from revox_langchain.waiting.watch import Seen, watch

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph


class CallRun:
    """One run of the call graph, shown as it goes on.

    Args:
        connection: The account, or a sandbox's.
        screen: Where to show it.
        policy: What may be dialed.
        wait: How patiently to wait.
        inline: Send the assistant inside the call.
        sandbox: Whether the call ends with this process.
        approve: Ask the person at the terminal before the dial.
        page: Open the call's page at the end.
    """

    def __init__(
        self,
        connection: Connection,
        screen: Screen,
        policy: DialPolicy,
        wait: WaitPolicy,
        *,
        inline: bool = False,
        sandbox: bool = False,
        approve: bool = False,
        page: bool = False,
    ) -> None:
        self._connection = connection
        self._screen = screen
        self._policy = policy
        self._wait = wait
        self._inline = inline
        self._sandbox = sandbox
        self._approve = approve
        self._page = page

    def follow(self, request: JsonObject) -> Exit:
        """Place the call and follow it to its end.

        Args:
            request: The graph's input.
        """
        doing = "looking for an earlier call of this intent" if request.get("intent") else "choosing a voice"
        # The question names the voice; said before it, the same line would stand there twice.
        live = LiveCall(
            self._screen,
            self._connection,
            first_words=doing,
            tell_voice=not self._approve,
            looks_s=self._policy.settle_s if request.get("intent") else 0.0,
            for_window=not request.get("scheduled_at"),
        )
        return _shown(
            lambda: self._output(request, live),
            live,
            self._connection,
            self._screen,
            sandbox=self._sandbox,
            page=self._page,
        )

    def _output(self, request: JsonObject, live: LiveCall) -> JsonObject:
        from revox_langchain.graph import CallOutput

        state = run_to_its_end(
            self._graph(), request, live, self._connection, lambda question: ask_approval(question, self._screen)
        )
        return {name: state.get(name) for name in CallOutput.model_fields}

    def _graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        from langgraph.checkpoint.memory import InMemorySaver

        from revox_langchain.graph import call_graph

        return call_graph(
            self._connection,
            # Only to hold the question: what survives this process is the mark in Revox.
            checkpointer=InMemorySaver() if self._approve else None,
            policy=self._policy,
            wait=self._wait,
            inline=self._inline,
            approve=self._approve,
            on_unknown="report",
        )


def follow_order(call_id: str, connection: Connection, screen: Screen, wait: WaitPolicy, *, page: bool = False) -> Exit:
    """Follow a call that exists until it has ended; `page` opens its page then."""
    live = LiveCall(screen, connection, first_words="reading the call")
    live.follow_existing(call_id)

    async def run() -> JsonObject:
        async with connection:
            # The wait rides out failures for days; whether the call can be read at all should be known at once.
            order = (await connection.asend(GetCall.parse({"call_id": call_id})))["call"]
            seen = await arun(watch(Seen(call_id=call_id), wait), connection, emit=live.see)
        return output_of(seen.answer or order, waited_s=seen.waited_s)

    def output() -> JsonObject:
        with live:
            return asyncio.run(run())

    return _shown(output, live, connection, screen, page=page)


def _shown(
    output_of_run: Callable[[], JsonObject],
    live: LiveCall,
    connection: Connection,
    screen: Screen,
    *,
    sandbox: bool = False,
    page: bool = False,
) -> Exit:
    """Show what a run puts out, or how it was interrupted."""
    try:
        output = output_of_run()
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(live, connection, screen, sandbox=sandbox)
    except Exception as error:
        if live.call_id is not None and live.intent_id is not None and not sandbox:
            hint(f"Call {live.call_id} was placed. Check on it with: revox-langchain watch {live.call_id}")
            if isinstance(error, RevoxToolError):
                error.details = {**error.details, "call_id": live.call_id, "intent_id": live.intent_id}
        raise
    show_result(output, screen, sandbox=sandbox)
    if page:
        show_page_of(output, connection)
    if output["status"] == "unknown":
        hint(f"Look for it with: revox-langchain recover {live.intent_id} {live.phone_number}")
    return exit_of_call(output)


def _interrupted(live: LiveCall, connection: Connection, screen: Screen, *, sandbox: bool) -> Exit:
    """After Ctrl-C: say where the call stands, and on a terminal offer to cancel it."""
    status, said, step = "still_running", f"The call {live.call_id} continues.", ""
    if sandbox:
        status, said = "cancelled", "Stopped; the sandbox's call ended with it."
    elif live.call_id is not None:
        step = f"Follow it with: revox-langchain watch {live.call_id}"
        if _wants_cancelled(live.call_id, screen):
            status, said, step = _cancelled(live.call_id, connection)
    elif live.dialing:
        status, said = "unknown", "Stopped while the call was being placed; the phone may ring."
        step = f"Look for it with: revox-langchain recover {live.intent_id} {live.phone_number}"
    else:
        status, said = "refused", "Stopped before dialing."
    hint(f"{said} {step}".strip())
    screen.answer(
        {
            "status": status,
            "call_id": live.call_id,
            "intent_id": live.intent_id,
            "sandbox": connection.sandbox,
            "error": interrupted(said, step),
        }
    )
    return Exit.INTERRUPTED


def _wants_cancelled(call_id: str, screen: Screen) -> bool:
    try:
        return screen.can_ask() and screen.ask(f"\nCancel call {call_id}?")
    except (KeyboardInterrupt, typer.Abort):
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
    return "cancelled", f"Call {call_id} is cancelled.", ""
