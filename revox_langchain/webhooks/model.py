"""A LangGraph agent or a chat model as the one that talks: the route behind `llm_model={"type": "custom", …}`.

Whatever goes wrong while someone listens becomes a sentence, and the turn ends as any other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable
from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.errors import InvalidInput
from revox_langchain.webhooks.chat import ToolCall, Turn, Unreadable, Written, read_turn
from revox_langchain.webhooks.goodbye import end_of_call
from revox_langchain.webhooks.routes import Asked, WebhookRoute, answered, token_for
from revox_langchain.webhooks.speaking import Goodbye, Spoken, is_graph, spoken_by

if TYPE_CHECKING:
    from starlette.responses import Response

logger = logging.getLogger("revox_langchain")

_ROUTE = "model"
_BASE_PATH = "/model/v1"
_MAX_BODY_BYTES = 1024 * 1024
_LONGEST_S = 120.0
_GIVES_WAY_S = 2.0

Heard = str | ToolCall | None
"""A piece of what is said, a tool that is to be used, or the end."""


class TalkingModel:
    """What talks on a call, in place of a model of Revox's.

    A graph gets the talk so far as `messages`, each turn, and under `configurable` the `call_id`, where one comes
    along, and `revox_tools`, the tools that Revox offers. If it has a checkpointer, each call has a thread of its own:
    what its tools answered and the rest of its state stay there, while what was said is what Revox heard. A turn that
    is asked for again, or anew because the callee went on, ends the one before.

    Args:
        model: A compiled graph with `messages` in its state, a chat model, or a chain that takes messages.
        sorry: What is said where it fails, falls silent or has nothing to say, in the language of the call.
        silence_s: How long it may think before it, and between two pieces; then `sorry` is said.
        speaks: The graph's nodes that the callee hears; left out, all but `tools`.
        end_call_tool: The tool with which Revox hangs up when `hang_up` is used; left out, the one whose name says so.

    Raises:
        InvalidInput: It is nothing that talks, or OpenAI's types are not installed.
    """

    def __init__(
        self,
        model: Runnable[Any, Any],
        *,
        sorry: str = "Sorry, something went wrong on my side. Could you say that again?",
        silence_s: float = 8.0,
        speaks: Collection[str] | None = None,
        end_call_tool: str | None = None,
    ) -> None:
        _check(model)
        if silence_s <= 0:
            raise InvalidInput("The model's silence_s is not above zero.", next_step="Give seconds, such as 8.")
        if not sorry.strip():
            raise InvalidInput("The model's sorry is empty.", next_step="Give a sentence to say, or leave it out.")
        self._model = model
        self._sorry = sorry
        self._silence_s = silence_s
        self._speaks = speaks
        self._end_call_tool = end_call_tool
        self._talking: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def of(cls, given: TalkingModel | Runnable[Any, Any]) -> TalkingModel:
        """One as it is, anything else that talks with what is usual."""
        return given if isinstance(given, TalkingModel) else cls(given)

    def route(self, secret: SecretStr) -> WebhookRoute:
        """The way in for a custom model."""
        return WebhookRoute(
            name=_ROUTE,
            path=f"{_BASE_PATH}/chat/completions",
            token=token_for(_ROUTE, secret),
            handler=self.answer,
            max_body_bytes=_MAX_BODY_BYTES,
            timeout_s=_LONGEST_S,
        )

    def given_to_assistants(self, public_url: str, secret: SecretStr, name: str) -> JsonObject:
        """The `llm_model` of an assistant that talks through this route; its key is the route's token."""
        key = token_for(_ROUTE, secret).get_secret_value()
        return {"type": "custom", "api_url": f"{public_url}{_BASE_PATH}", "api_key": key, "model_name": name}

    async def answer(self, asked: Asked) -> Response:
        """Answer a turn; streamed, once there is something to hear."""
        began_s = time.perf_counter()
        try:
            turn = read_turn(asked.body, asked.headers)
        except Unreadable as error:
            return answered(400, error={"message": str(error), "type": "invalid_request_error"})
        pieces: asyncio.Queue[Heard] = asyncio.Queue()
        task = await self._start(turn, pieces)
        try:
            first = await pieces.get()
            first_ms = round((time.perf_counter() - began_s) * 1000, 1)
            asked.noted.update(call=turn.call_id, first_token_ms=first_ms)
            stream = _heard(first, pieces, task)
            return _streamed(stream, turn) if turn.streams else await _collected(stream, turn)
        except BaseException:
            task.cancel()
            raise

    async def _start(self, turn: Turn, pieces: asyncio.Queue[Heard]) -> asyncio.Task[None]:
        before = self._talking.get(turn.call_id) if turn.call_id else None
        if before is not None and before.cancel():
            # Two runs on one thread would write over each other.
            await asyncio.wait([before], timeout=_GIVES_WAY_S)
        # A task of its own: its pieces are read in another one, and what runs in a graph must not be torn apart.
        task = asyncio.create_task(self._talk(turn, pieces))
        if turn.call_id:
            call_id, self._talking[turn.call_id] = turn.call_id, task
            task.add_done_callback(lambda done: self._over(call_id, done))
        return task

    def _over(self, call_id: str, task: asyncio.Task[None]) -> None:
        if self._talking.get(call_id) is task:
            del self._talking[call_id]

    async def _talk(self, turn: Turn, pieces: asyncio.Queue[Heard]) -> None:
        """Put what is to be heard into a queue, and None at its end, whatever happens."""
        said, used = "", False
        try:
            async with aclosing(self._spoken(turn)) as spoken:
                async for piece in spoken:
                    heard = self._last(turn, said, piece) if isinstance(piece, Goodbye) else [piece]
                    for each in heard:
                        said, used = (said + each, used) if isinstance(each, str) else (said, True)
                        pieces.put_nowait(each)
                    if isinstance(piece, Goodbye):
                        break
            if not said.strip() and not used:
                logger.warning("The model had nothing to say on its turn: it says sorry.")
                pieces.put_nowait(self._sorry)
        except TimeoutError:
            logger.warning("The model was silent for %g s: it says sorry.", self._silence_s)
            pieces.put_nowait(_next_to(said, self._sorry))
        except Exception:
            logger.exception("The model failed on its turn: it says sorry.")
            pieces.put_nowait(_next_to(said, self._sorry))
        finally:
            pieces.put_nowait(None)

    def _last(self, turn: Turn, said: str, goodbye: Goodbye) -> list[str | ToolCall]:
        """The end of the call: last words, unless they have just been said, and the tool that hangs up."""
        words = "" if said.strip().endswith(goodbye.words.strip()) else _next_to(said, goodbye.words)
        call = end_of_call(turn, goodbye.words, self._end_call_tool)
        return [*([words] if words else []), *([call] if call else [])]

    async def _spoken(self, turn: Turn) -> AsyncGenerator[Spoken]:
        """What the model says, as long as it does not fall silent."""
        pieces = spoken_by(self._model, turn, speaks=self._speaks)
        async with aclosing(pieces):
            while True:
                async with asyncio.timeout(self._silence_s):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece


async def _heard(
    first: Heard, pieces: asyncio.Queue[Heard], task: asyncio.Task[None]
) -> AsyncGenerator[str | ToolCall]:
    """The pieces in their order; whoever stops listening stops the model."""
    try:
        piece = first
        while piece is not None:
            yield piece
            piece = await pieces.get()
    finally:
        task.cancel()


def _streamed(stream: AsyncGenerator[str | ToolCall], turn: Turn) -> Response:
    from starlette.responses import StreamingResponse

    async def events() -> AsyncIterator[bytes]:
        written, calls = Written(turn.name), list[ToolCall]()
        async with aclosing(stream):
            async for piece in stream:
                if isinstance(piece, str):
                    yield written.text(piece)
                else:
                    calls.append(piece)
        for event in written.end(calls, counted=_UNCOUNTED if turn.counts else None):
            yield event

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


async def _collected(stream: AsyncIterator[str | ToolCall], turn: Turn) -> Response:
    from starlette.responses import Response as Plain

    pieces = [piece async for piece in stream]
    words = "".join(piece for piece in pieces if isinstance(piece, str))
    calls = [piece for piece in pieces if isinstance(piece, ToolCall)]
    whole = Written(turn.name).whole(words, calls, _UNCOUNTED)
    return Plain(whole.model_dump_json(exclude_unset=True), media_type="application/json")


_UNCOUNTED = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""Revox pays for none of the tokens; who does counts them in the model's own usage."""


def _next_to(said: str, words: str) -> str:
    """Words after others: a sentence that broke off is closed, so that a voice does not run them together."""
    if not said or said[-1].isspace():
        return words
    return f" {words}" if said[-1] in ".!?…。！？" else f". {words}"


def _check(model: object) -> None:
    if not isinstance(model, Runnable):
        compiled = ".compile() it first." if hasattr(model, "compile") else "Give a graph or a chat model."
        raise InvalidInput(f"A {type(model).__name__} does not talk on a call.", next_step=compiled)
    if is_graph(model) and "messages" not in getattr(model, "channels", {}):
        raise InvalidInput(
            "The graph that is to talk has no messages in its state.", next_step="Build it on MessagesState."
        )
    if is_graph(model) and _only_blocks(getattr(model, "checkpointer", None)):
        raise InvalidInput(
            "The checkpointer of the graph that is to talk has no async methods.",
            next_step="Compile it with an async one, such as AsyncSqliteSaver, or without any.",
        )
    try:
        # Here rather than on the first turn, which would wait for it.
        import_module("openai.types.chat")
    except ImportError:
        raise InvalidInput(
            "A model on the line needs OpenAI's types.", next_step="pip install 'revox-langchain[line]'."
        ) from None


def _only_blocks(saver: object) -> bool:
    """Whether a checkpointer's async methods are those that only say that there are none."""
    code = getattr(getattr(type(saver), "aget_tuple", None), "__code__", None)
    return code is not None and "NotImplementedError" in code.co_names
