"""What must not leave the connection: secrets in answers, numbers in logs."""

from __future__ import annotations

import logging
import re
from typing import Any

from revox_langchain.answers import JsonObject
from revox_langchain.operations.fields import REDACTED
from revox_langchain.phone import mask_phone

_PHONE = re.compile(r"\+\d{6,15}")
_SECRET_HEADER = re.compile(r"auth|token|secret|api[-_]?key|cookie", re.IGNORECASE)


def without_secrets(answer: JsonObject) -> JsonObject:
    """Redact the secrets that Revox echoes: a custom model's key, and header values of custom tools."""
    return {name: _redacted(item, name) for name, item in answer.items()}


def _redacted(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        if key == "llm_model" and value.get("api_key"):
            value = {**value, "api_key": REDACTED}
        if key == "headers" and _SECRET_HEADER.search(str(value.get("key", ""))):
            value = {**value, "value": REDACTED}
        return {name: _redacted(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, key) for item in value]
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
