"""Secrets that Revox stores and echoes, and how they are shown: the same secret always becomes the same stand-in.

Two configurations can therefore be compared as they are shown, although the one came from Revox and the other from the
program that knows its secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import is_not
from typing import TypeVar

from revox_langchain.answers import JsonObject
from revox_langchain.operations.fields import REDACTED

T = TypeVar("T")

TOKEN_FOLLOWS = "call-ended"
"""The path segment of our own webhooks after which their token stands, whatever it looks like."""

_URL_FIELDS = frozenset({"webhook_url", "precall_lookup_url", "api_url"})
_READ_FIELDS = _URL_FIELDS | {"url", "api_key", "body_template"}
"""The fields whose text `_shown_text` looks at; outside of pairs every other text is shown as it is."""
_SINGLE = frozenset({str, int, float, bool, type(None)})
_PAIRS = frozenset({"headers", "query_params"})
_HARMLESS_HEADER = re.compile(r"accept(-.*)?|cache-control|content-(type|length|language)|user-agent", re.IGNORECASE)
_SECRET_NAME = re.compile(r"auth|token|secret|passw|api[-_]?key|credential|signature", re.IGNORECASE)
_VARIABLE = re.compile(r"\{\{[^{}]*\}\}")
# The parts of a URL as in appendix B of RFC 3986: it matches every text, where `urlsplit` raises for some.
_URL = re.compile(r"([^:/?#]+:)?(//[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_BODY_VALUE = re.compile(r'("([^"\\]{1,100})"\s{0,20}:\s{0,20}")((?:[^"\\]|\\.)*)"')
_WORD = r"(?:v?\d{1,4}|[a-z]{1,14}|[A-Z]{1,14}|[A-Z]?[a-z]{2,14}(?:[A-Z][a-z]{2,14}){1,4}|[A-Z][a-z]{1,14})"
_WORDS = re.compile(rf"{_WORD}(?:[-_.]{_WORD})*")
_SHORTEST_TOKEN = 12


def without_secrets(value: T) -> T:
    """Redact the secrets in what Revox answered, or in what is compared with it.

    These are a custom model's key, tokens in the URLs that Revox calls, and what custom tools send along: headers,
    query parameters, and the values in a body whose names say that they are secret. What holds none is not copied.
    """
    shown: T = _shown(value, "", "")  # type: ignore[assignment]
    return shown


def redacted_url(url: str) -> str:
    """Redact what may be a token in a URL: user and password, query values, and path segments that look random.

    What is left says where the URL leads: `https://example.com/hooks/[redacted]?token=[redacted]`.
    """
    parts = _URL.fullmatch(url)
    assert parts is not None
    scheme, authority, path, query, fragment = (part or "" for part in parts.groups())
    user, at, host = authority.rpartition("@")
    if user:
        authority = f"//{REDACTED}{at}{host}"
    before, own, token = path.partition(f"/{TOKEN_FOLLOWS}/")
    path = "/".join(REDACTED if _looks_random(segment) else segment for segment in before.split("/"))
    path += own + (REDACTED if token and not _is_variable(token) else token)
    if query:
        query = "?" + "&".join(_shown_parameter(parameter) for parameter in query[1:].split("&"))
    if len(fragment) > 1:
        fragment = f"#{REDACTED}"
    return f"{scheme}{authority}{path}{query}{fragment}"


def same_as_shown(sent: object, held: object) -> bool:
    """Whether two values are the same once their secrets are redacted; a redacted secret cannot be told apart.

    Args:
        sent: A value that may hold secrets.
        held: The value as Revox's answer shows it.
    """
    if held == REDACTED:
        return True
    if isinstance(held, str) and isinstance(sent, str) and REDACTED in held:
        return held in (sent, redacted_url(sent), _shown_body(sent))
    return bool(sent == held)


def _shown(value: object, key: str, within: str) -> object:
    """Show a value that stands under `key`, in something that stands under `within`."""
    # Most of an answer are texts and plain dicts; asking each whether it is a `Mapping` took most of the time.
    if isinstance(value, str):
        return _shown_text(value, key, within) if value else value
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, (dict, Mapping)):
        if key in _PAIRS and isinstance(value.get("value"), str):
            return _shown_pair(value, key)
        plain = key not in _PAIRS
        changed = {}
        for name, item in value.items():
            if not plain or type(item) not in _SINGLE or name in _READ_FIELDS:
                shown = _shown(item, name, key)
                if shown is not item:
                    changed[name] = shown
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [_shown(item, key, within) for item in value]
        return items if any(map(is_not, items, value)) else value
    return value


def _shown_text(value: str, key: str, within: str) -> str:
    if key in _URL_FIELDS or (key, within) == ("url", "custom_tools"):
        return redacted_url(value)
    if (key, within) == ("api_key", "llm_model"):
        return REDACTED
    if (key, within) == ("body_template", "custom_tools"):
        return _shown_body(value)
    if within in _PAIRS and not _is_harmless(key, value, within):
        return REDACTED
    return value


def _shown_pair(pair: Mapping[str, object], kind: str) -> JsonObject:
    harmless = _is_harmless(str(pair.get("key", "")), str(pair["value"]), kind)
    return {**pair, "value": pair["value"] if harmless else REDACTED}


def _is_harmless(name: str, value: str, kind: str) -> bool:
    # Which header carries a secret cannot be told from its name, so only those are shown that never do.
    return _is_variable(value) or (kind == "headers" and _HARMLESS_HEADER.fullmatch(name) is not None)


def _shown_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals or _looks_random(name):
        return REDACTED if name and not _is_variable(name) else parameter
    return f"{name}={value if not value or _is_variable(value) else REDACTED}"


def _shown_body(template: str) -> str:
    def shown(match: re.Match[str]) -> str:
        start, name, value = match.groups()
        secret = value and _SECRET_NAME.search(name) and not _is_variable(value)
        return f'{start}{REDACTED if secret else value}"'

    return _BODY_VALUE.sub(shown, template)


def _is_variable(value: str) -> bool:
    return _VARIABLE.fullmatch(value) is not None


def _looks_random(segment: str) -> bool:
    plain = _VARIABLE.sub("", segment)
    return len(plain) >= _SHORTEST_TOKEN and _WORDS.fullmatch(plain) is None
