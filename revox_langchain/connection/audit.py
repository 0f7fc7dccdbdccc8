"""The audit: a line before and a line after whatever changes something at Revox, and no act without the first."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import logging
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from revox_langchain.answers import JsonObject, digest
from revox_langchain.connection.privacy import without_numbers
from revox_langchain.errors import InvalidInput, Refused, RevoxToolError, outcome_of
from revox_langchain.forks import renew_in_children
from revox_langchain.operations.operation import Risk
from revox_langchain.phone import mask_phone
from revox_langchain.results.order import MARK, id_of, object_of, part_of

logger = logging.getLogger("revox_langchain")
T = TypeVar("T")

SCHEMA_VERSION = 1
_OWN_METADATA = MARK.removesuffix("intent")
_IDS = ("call_id", "campaign_id", "assistant_id", "voice_id", "phone_number_id")


class Audit:
    """Where the lines of an audit go, for `Connection(audit=…)`, which takes a path or a function as well.

    A file is appended to, a line at a time, is readable by its owner alone, and is on disk before anything is dialed.
    Threads, event loops and processes may share it.

    Args:
        to: A file, or a function that takes each line as a dict and returns when it is kept; in async code it runs in
            a thread of its own. Whatever it raises means that the line was not kept.
        show_numbers: Write phone numbers in full; by default their middle is hidden.

    Raises:
        InvalidInput: The function is async.
    """

    def __init__(
        self, to: Callable[[JsonObject], object] | str | os.PathLike[str], *, show_numbers: bool = False
    ) -> None:
        if inspect.iscoroutinefunction(to) or inspect.iscoroutinefunction(getattr(to, "__call__", None)):  # noqa: B004
            raise InvalidInput("The audit is an async function.", next_step="Give a plain one; it runs in a thread.")
        self._to = to if callable(to) else Path(to)
        self.show_numbers = show_numbers
        self._torn = False
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Take a lock of its own. Done in every forked child."""
        self._lock = threading.Lock()

    def write(self, line: JsonObject, *, durable: bool = False) -> None:
        """Keep a line.

        Args:
            line: What to keep.
            durable: Return when it is on disk.

        Raises:
            Exception: Whatever the function raises, or `OSError` for a file.
        """
        with self._lock:
            if callable(self._to):
                self._to(line)
            else:
                self._append(self._to, json.dumps(line, ensure_ascii=False), durable)

    def _append(self, path: Path, text: str, durable: bool) -> None:
        # What a full disk cut off must not take the next line with it.
        line = ("\n" if self._torn else "").encode() + f"{text}\n".encode("utf-8", "backslashreplace")
        # Opened each time: the file may have been rotated, and a forked child shares no position.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = os.open(path, flags, 0o600)
        try:
            # In one piece, so that lines of several processes do not mix.
            written = os.write(file, line)
            self._torn = 0 < written < len(line) or (self._torn and written == 0)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes were written")
            if durable and stat.S_ISREG(os.fstat(file).st_mode):
                os.fsync(file)
        finally:
            os.close(file)


@dataclass(frozen=True, slots=True)
class Act:
    """One request that changes something, in the two lines of an audit.

    Attributes:
        audit: Keeps them.
        name: The operation.
        durable: Whether the first line must be on disk before anything is sent.
        now_s: Tells the time.
        facts: What both lines say.
    """

    audit: Audit
    name: str
    durable: bool
    now_s: Callable[[], float]
    facts: JsonObject = field(default_factory=dict)

    def begin(self) -> None:
        """Write the first line.

        Raises:
            Refused: It was not kept, so nothing may be sent.
        """
        try:
            self.audit.write(self._line("before"), durable=self.durable)
        except Exception as error:
            # The words of a function of the application's may hold anything; those of the system name what to fix.
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise Refused(
                f"{self.name} was not sent: the audit cannot be written ({why}).",
                code="audit_unwritable",
                next_step="Tell the user that the audit has to be made writable first; then send the same again.",
            ) from error

    def end(self, answer: object = None, error: BaseException | None = None) -> None:
        """Write the second line. It never raises: what was done is done, and its answer must not be lost."""
        try:
            self.audit.write(self._line("after", **_outcome(answer, error)))
        except Exception as unwritten:
            logger.error("The audit does not say how %s ended (%s).", self.name, type(unwritten).__name__)

    def _line(self, phase: str, **more: object) -> JsonObject:
        at = datetime.fromtimestamp(self.now_s(), UTC).isoformat(timespec="milliseconds")
        return {"schema": SCHEMA_VERSION, "at": at, "phase": phase, **self.facts, **more}


def acting(act: Act | None, send: Callable[[], T]) -> T:
    """Send, with a line before and one after; without an act there are none.

    Raises:
        Refused: The first line was not kept; nothing was sent.
    """
    if act is None:
        return send()
    act.begin()
    try:
        answer = send()
    except BaseException as error:
        act.end(error=error)
        raise
    act.end(answer)
    return answer


async def aacting(act: Act | None, send: Callable[[], Awaitable[T]]) -> T:
    """The same without blocking the event loop: the lines are written in a thread."""
    if act is None:
        return await send()
    await asyncio.to_thread(act.begin)
    try:
        answer = await send()
    except BaseException as error:
        # Not awaited: whoever was cancelled may not wait any more. The loop's executor finishes it.
        asyncio.get_running_loop().run_in_executor(None, act.end, None, error)
        raise
    await asyncio.shield(asyncio.to_thread(act.end, answer))
    return answer


def act_of(
    name: str,
    risk: Risk,
    given: Mapping[str, object],
    audit: Audit,
    *,
    key: str,
    base_url: str,
    sandbox: bool,
    now_s: Callable[[], float],
) -> Act:
    """A request as an act: who asks whom for what, without the arguments themselves.

    Args:
        name: The operation, or the tool of an MCP server.
        risk: What happens in the world.
        given: The arguments, as JSON.
        audit: Keeps the lines.
        key: The API key, which is written as a short hash.
        base_url: Where it goes.
        sandbox: Whether a sandbox answers, as far as is known.
        now_s: Tells the time.
    """
    metadata = object_of(given.get("metadata"))
    number = given.get("phone_number")
    facts: JsonObject = {
        "act_id": uuid4().hex,
        "operation": name,
        "risk": risk.name.lower(),
        "key_id": key_id(key),
        "process": f"{socket.gethostname()}:{os.getpid()}",
        "base_url": base_url,
        "sandbox": sandbox,
        **({"intent_id": metadata[MARK]} if MARK in metadata else {}),
        **({"phone_number": number if audit.show_numbers else mask_phone(number)} if isinstance(number, str) else {}),
        "arguments_hash": hash_of(given),
        # A model may have put a number where an id belongs.
        **{each: without_numbers(str(given[each])) for each in _IDS if given.get(each)},
    }
    return Act(audit, name, risk is Risk.DIAL, now_s, facts)


def key_id(key: str) -> str:
    """A name for an API key from which no one gets the key."""
    return f"key_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def hash_of(arguments: Mapping[str, object]) -> str:
    """The hash of arguments, by which someone who has them can tell that these were meant.

    Args:
        arguments: As JSON. The marks that placing adds to the metadata do not count.
    """
    metadata = {
        name: value
        for name, value in part_of(arguments, "metadata").items()
        if not (isinstance(name, str) and name.startswith(_OWN_METADATA))
    }
    rest = {name: value for name, value in arguments.items() if name != "metadata" and value is not None}
    return f"sha256:{digest({**rest, **({'metadata': metadata} if metadata else {})})}"


def _outcome(answer: object, error: BaseException | None) -> JsonObject:
    if isinstance(error, RevoxToolError):
        status = {} if error.http_status is None else {"http_status": error.http_status}
        return {"outcome": outcome_of(error), "code": error.code, **status}
    if error is not None:
        # Stopped while it waited for the answer, or a bug: either way it may have been acted upon.
        return {"outcome": "unknown", "code": type(error).__name__}
    found: dict[str, Any] = {"outcome": "done"}
    if isinstance(answer, Mapping):
        for name in ("call", "campaign", "assistant", "voice"):
            if made := id_of(part_of(answer, name)):
                found[f"{name}_id"] = made
        with suppress(KeyError, TypeError):
            found["status"] = str(part_of(answer, "call")["status"])
    return found
