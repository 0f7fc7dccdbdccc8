"""What must not leave the connection: secrets in answers, numbers in logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from operator import is_not
from typing import TypeVar

from pydantic import SecretStr

from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.secrets import without_secrets
from revox_langchain.phone import mask_phone

T = TypeVar("T")

_PHONE = re.compile(r"\+\d{6,15}")
_SHORTEST_KEY = 8


def cleaned(value: T, key: SecretStr) -> T:
    """Redact the secrets that a server echoes in its answer, the API key among them, wherever it stands."""
    return without_key(without_secrets(value), key)


def without_key(value: T, key: SecretStr) -> T:
    """Redact the API key in every text of a value, names of fields included."""
    secret = key.get_secret_value()
    # A short word of a key, as a sandbox may have, would eat the words of a sentence.
    if len(secret) < _SHORTEST_KEY:
        return value
    shown: T = _without(value, secret)  # type: ignore[assignment]
    return shown


def _without(value: object, secret: str) -> object:
    if isinstance(value, str):
        return value.replace(secret, REDACTED)
    # Most of an answer is plain; asking each piece whether it is a `Mapping` took most of the time.
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, (dict, Mapping)):
        if any(secret in name for name in value if isinstance(name, str)):
            return {_without(name, secret): _without(item, secret) for name, item in value.items()}
        changed = {}
        for name, item in value.items():
            if item is not None and (type(item) is not str or secret in item):
                shown = _without(item, secret)
                if shown is not item:
                    changed[name] = shown
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [_without(item, secret) for item in value]
        return items if any(map(is_not, items, value)) else value
    return value


def without_sent(text: str, sent: object) -> str:
    """Redact in a text the secrets of a request, which a server may repeat where it says what is wrong with them."""
    for secret, shown in _secrets(sent, without_secrets(sent)):
        text = text.replace(secret, shown)
    return text


def _secrets(sent: object, shown: object) -> Iterator[tuple[str, str]]:
    """Each text of a request that is shown in another way, and how."""
    if isinstance(sent, Mapping) and isinstance(shown, Mapping):
        for name, value in sent.items():
            yield from _secrets(value, shown[name])
    elif isinstance(sent, list) and isinstance(shown, list):
        for value, other in zip(sent, shown, strict=True):
            yield from _secrets(value, other)
    elif isinstance(sent, str) and isinstance(shown, str) and sent != shown and len(sent) >= _SHORTEST_KEY:
        yield sent, shown


def without_numbers(text: str) -> str:
    """Mask the phone numbers in a text, as logs show them."""
    return _PHONE.sub(lambda match: mask_phone(match.group()), text)


class _MaskNumbers(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        args: object = without_secrets(record.args)
        if isinstance(args, Mapping) and isinstance(args.get("json_data"), Mapping):
            args = {**args, "json_data": sorted(map(str, args["json_data"]))}
        record.msg, record.args = without_numbers(str(record.msg) % args if args else str(record.msg)), ()
        return True


class _CutBodies(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        head, colon, _ = said.partition(": ")
        whole = not colon or (record.levelno > logging.DEBUG and head not in _BODIES)
        record.msg, record.args = without_numbers(said if whole else f"{head}: {REDACTED}"), ()
        return True


_MASK = _MaskNumbers()
_CUT = _CutBodies()
_BODIES = ("Raw result",)
_MCP_LOGS = (
    "mcp.client.session",
    "mcp.client.streamable_http",
    "mcp.server.lowlevel.server",
    "mcp.server.streamable_http",
    "mcp.shared.session",
    "sse_starlette.sse",
)


def mask_the_sdk_log() -> None:
    """Mask phone numbers and secrets in what the SDK logs, and name the fields it sends without their values."""
    # At DEBUG the SDK logs whole request bodies: prompts, contacts, webhook tokens.
    logging.getLogger("revox._base_client").addFilter(_MASK)


def mask_the_mcp_log() -> None:
    """Keep messages out of what the MCP SDK logs: at DEBUG it logs every one, transcripts included."""
    for name in _MCP_LOGS:
        logging.getLogger(name).addFilter(_CUT)
