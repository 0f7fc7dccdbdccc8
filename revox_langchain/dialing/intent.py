"""How a call request is recognised: its intent, the mark it leaves, and the order that carries the mark."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from revox_langchain.answers import JsonObject, canonical, digest
from revox_langchain.dialing.decided import CALL_VARIABLE, NOTHING, Decided
from revox_langchain.dialing.policy import Within
from revox_langchain.errors import InvalidInput
from revox_langchain.errors import outcome_of as outcome_of
from revox_langchain.operations.calls import MakeCall
from revox_langchain.results.order import MARK as MARK
from revox_langchain.results.order import sandbox_of

CONTENT = "revox_langchain_content"
"""The key in the metadata of a named intent's order that holds a digest of what was asked for."""

RESERVED = (MARK, CONTENT)
"""The keys in an order's metadata that are this package's own."""

# Every intent id ever written depends on this and on the JSON below: a change would dial calls a second time.
_NAMESPACE = uuid.UUID("6f1d2c80-5d0b-5b0e-9a53-7d1f0c5e2a41")


@dataclass(frozen=True, slots=True)
class Intent:
    """What identifies one call request.

    Attributes:
        intent_id: UUID that marks the order.
        durable: False for a random id, which no later run can derive again.
        also: Further ids that an order of this call request may carry: those that release 0.1 derived.
        content: Digest of what is asked for, if the id does not say it: a name decides, whatever the content.
        named: Whether code named it.
    """

    intent_id: str
    durable: bool
    also: tuple[str, ...] = field(default=(), compare=False)
    content: str | None = field(default=None, compare=False)
    named: bool = field(default=False, compare=False)

    @property
    def marks(self) -> frozenset[str]:
        """All ids by which an order of this intent is recognised."""
        return frozenset((self.intent_id, *self.also))

    @property
    def metadata(self) -> dict[str, str]:
        """What an order of this intent carries."""
        return {MARK: self.intent_id, **({} if self.content is None else {CONTENT: self.content})}

    def conflicts(self, metadata: Mapping[str, object]) -> list[str]:
        """What of the content differs from that of an order with this intent's mark, by name."""
        theirs = metadata.get(CONTENT)
        if self.content is None or theirs is None or theirs == self.content:
            return []
        parts, others = _parts(self.content), _parts(str(theirs))
        return [name for name in _PARTS if parts.get(name) != others.get(name)] or ["content"]


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place.

    Attributes:
        request: What to send, without the mark; its number is E.164.
        intent: Which call request it is for.
        scope: Thread, run or toolkit whose budget it counts against.
        within: Which of them.
        approved: Digest of the configuration that a person approved, if one did.
        began_s: When the run that asks for it began, in seconds since the epoch; None is now.
        decided: What code decided of the assistant. The request is what policies check and whoever asked wrote, so it
            is no part of that; an assistant of the account has its own.
        names_call: Whether the assistant's tools name the call, also if it is one of the account.
    """

    request: MakeCall
    intent: Intent
    scope: str = "process"
    within: Within = "process"
    approved: str | None = None
    began_s: float | None = None
    decided: Decided = NOTHING
    names_call: bool = False

    @property
    def sent(self) -> MakeCall:
        """The request as it goes to Revox, the secrets in it."""
        update: JsonObject = {}
        if self.request.assistant_id is None and self.decided != NOTHING:
            update["settings"] = self.decided.into(self.request.settings, names_call=self.names_call)
        if self.names_call:
            update["prompt_variables"] = {**(self.request.prompt_variables or {}), CALL_VARIABLE: self.intent.intent_id}
        return self.request.model_copy(update=update) if update else self.request


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that exists.

    Attributes:
        call: The order as Revox returned it.
        intent_id: The mark it carries.
        adopted: Whether it already existed.
        cancelled: Ids of further orders under the same mark, which were cancelled.
        notes: What else there is to say.
        placed_at: When it was placed, if it is an old one: it had ended before this run began.
        warning: What to say of an old one before anything else.
    """

    call: JsonObject
    intent_id: str
    adopted: bool
    cancelled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    placed_at: str | None = None
    warning: str | None = None

    @property
    def call_id(self) -> str:
        """Id of the order."""
        return str(self.call["id"])

    def as_dict(self) -> JsonObject:
        """The order in Revox's wrapper, with how it was placed beside it."""
        old = {} if self.warning is None else {"warning": self.warning, "placed_at": self.placed_at}
        return {
            **old,
            "call": self.call,
            "intent_id": self.intent_id,
            "adopted": self.adopted,
            "cancelled_duplicates": list(self.cancelled),
            "notes": list(self.notes),
            **sandbox_of(self.call),
        }


def make_intent(
    *,
    phone_number: str,
    prompt: str | None = None,
    assistant_id: str | None = None,
    prompt_variables: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
    scope: str | None = None,
    intent: str | None = None,
) -> Intent:
    """Derive the id of an intent: the same call request gives the same id, in every process and on every machine.

    Texts are the same whatever their Unicode form, line ends, and blanks at the end of a line or around the text.

    Args:
        phone_number: E.164.
        prompt: What the assistant must do, or
        assistant_id: who does it.
        prompt_variables: Values for the prompt; none and empty are the same.
        scheduled_at: When, with an offset; compared in UTC.
        scope: The LangGraph thread.
        intent: A name for the call request within its thread, as a model writes it; a new name is a new request.

    Returns:
        The intent; with neither scope nor name it is random, and `durable` says so.
    """
    if scope is None and intent is None:
        return Intent(str(uuid.uuid4()), durable=False)
    # Language, voice and first sentence stay out: a run that resolves them differently must find the same order.
    raw: JsonObject = {
        "assistant_id": assistant_id,
        "intent": intent,
        "phone_number": phone_number,
        "prompt": prompt,
        "prompt_variables": dict(prompt_variables or {}),
        "scheduled_at": scheduled_at.astimezone(UTC).isoformat() if scheduled_at else None,
        "scope": scope,
    }
    intent_id, as_written = _uuid_of(_normalized(raw)), _uuid_of(raw)
    # Release 0.1 took texts as they were written.
    return Intent(intent_id, durable=True, also=() if as_written == intent_id else (as_written,))


def named_intent(
    name: str,
    *,
    phone_number: str,
    prompt: str | None = None,
    assistant_id: str | None = None,
    prompt_variables: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
    scope: str | None = None,
) -> Intent:
    """Derive the id of an intent that code has named: name and number decide, in whatever thread or process.

    Args:
        name: The name; a new one is a new call request.
        phone_number: E.164.
        prompt: What the assistant must do, or
        assistant_id: who does it. With the rest of the content it goes into a digest that travels with the order, so
            that the same name with other content is noticed.
        prompt_variables: Values for the prompt; none and empty are the same.
        scheduled_at: When, with an offset; compared in UTC.
        scope: The LangGraph thread, in which release 0.1 may have placed it.
    """
    intent_id = _uuid_of({"name": _normalized(name), "phone_number": phone_number})
    before = make_intent(
        phone_number=phone_number,
        prompt=prompt,
        assistant_id=assistant_id,
        prompt_variables=prompt_variables,
        scheduled_at=scheduled_at,
        scope=scope,
        intent=name,
    )
    content = _content(prompt, assistant_id, prompt_variables, scheduled_at)
    return Intent(intent_id, durable=True, also=(before.intent_id, *before.also), content=content, named=True)


def repeat_intent(
    repeat_of: str,
    *,
    phone_number: str,
    prompt: str | None = None,
    assistant_id: str | None = None,
    prompt_variables: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
) -> Intent:
    """Derive the id of an intent to call once more after a call that has ended: its id and the number decide.

    So one call is repeated once, whoever asks and in whatever words; a further repeat names the newest call.

    Args:
        repeat_of: Id of the ended call, which `place` takes as checked.
        phone_number: E.164.
        prompt: What the assistant must do, or
        assistant_id: who does it. As for `named_intent`, other content is noticed.
        prompt_variables: Values for the prompt.
        scheduled_at: When, with an offset.
    """
    intent_id = _uuid_of({"repeat_of": repeat_of, "phone_number": phone_number})
    content = _content(prompt, assistant_id, prompt_variables, scheduled_at)
    return Intent(intent_id, durable=True, content=content)


class Content(TypedDict):
    """What a call request asks for, as far as it decides whether two are one."""

    phone_number: str
    prompt: str | None
    assistant_id: str | None
    prompt_variables: Mapping[str, str] | None
    scheduled_at: datetime | None


def intent_for(
    name: str | None, repeat_of: str | None, scope: str | None, *, by_model: bool, **content: Unpack[Content]
) -> Intent:
    """Derive the intent of a call request, whoever writes it.

    Args:
        name: The `intent` it gives.
        repeat_of: Id of the ended call to make again.
        scope: The LangGraph thread.
        by_model: Whether a model wrote it: what it calls "reminder" is no other thread's reminder.
        content: What is asked for.
    """
    if repeat_of is not None:
        return repeat_intent(repeat_of, **content)
    if name is None or by_model:
        return make_intent(**content, scope=scope, intent=name)
    return named_intent(name, **content, scope=scope)


def refuse_reserved(metadata: Mapping[str, str] | None) -> None:
    """Refuse metadata of a caller's that uses one of this package's own keys.

    Raises:
        InvalidInput: Naming the key.
    """
    for key in RESERVED:
        if key in (metadata or {}):
            raise InvalidInput(
                f"metadata: the key {key!r} is reserved.",
                next_step="Give the label in metadata another name, or leave it out.",
            )


_PARTS = ("prompt", "assistant_id", "prompt_variables", "scheduled_at")
"""What the content of a call request consists of, each with a digest of its own, so that a conflict can be named."""


def _content(
    prompt: str | None,
    assistant_id: str | None,
    prompt_variables: Mapping[str, str] | None,
    scheduled_at: datetime | None,
) -> str:
    values: dict[str, object] = {
        "prompt": prompt,
        "assistant_id": assistant_id,
        "prompt_variables": dict(prompt_variables or {}) or None,
        "scheduled_at": scheduled_at.astimezone(UTC).isoformat() if scheduled_at else None,
    }
    return " ".join(f"{part}={_digest_of(values[part])}" for part in _PARTS)


def _parts(content: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in content.split())}


def _digest_of(value: object) -> str:
    return "-" if value is None else digest(_normalized(value))[:16]


def _uuid_of(content: object) -> str:
    return str(uuid.uuid5(_NAMESPACE, canonical(content)))


def _normalized(value: object) -> object:
    """The same JSON with its texts in one form; two texts that look the same become equal."""
    if isinstance(value, Mapping):
        # Names that would become equal stay as they are, or the last of them would win.
        names = {key: _normalized(key) for key in value}
        alike = len(set(names.values())) < len(names)
        return {key if alike else names[key]: _normalized(each) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    lines = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()
