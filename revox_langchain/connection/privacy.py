"""What must not leave the connection: secrets in answers, numbers in logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
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
    if isinstance(value, Mapping):
        return {_without(name, secret): _without(item, secret) for name, item in value.items()}
    if isinstance(value, list):
        return [_without(item, secret) for item in value]
    return value


class _MaskNumbers(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _PHONE.sub(lambda m: mask_phone(m.group()), record.getMessage()), ()
        return True


_MASK = _MaskNumbers()


def mask_the_sdk_log() -> None:
    """Mask phone numbers in what the SDK logs."""
    # At DEBUG the SDK logs whole request bodies, phone numbers included.
    logging.getLogger("revox._base_client").addFilter(_MASK)
