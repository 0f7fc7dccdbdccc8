"""How the SDK's clients are made: never retrying by themselves, and logging neither numbers nor what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import SecretStr

from revox_langchain.connection.privacy import mask_the_sdk_log

if TYPE_CHECKING:
    import ssl

    import httpx


class HttpOptions(TypedDict, total=False):
    """Arguments for the SDK's HTTP clients, sync and async alike."""

    transport: Any
    verify: ssl.SSLContext
    headers: Mapping[str, str]


class SdkOptions(TypedDict):
    """Arguments for `Revox` and `AsyncRevox` alike."""

    api_key: str
    base_url: str
    timeout: httpx.Timeout
    max_retries: int


def http_options(transport: object, context: ssl.SSLContext | None) -> HttpOptions:
    """What an HTTP client is made with.

    Args:
        transport: Instead of the network.
        context: For https; None where there is none.
    """
    from revox_langchain.connection.limits import ACCEPTED

    if transport is not None:
        return {"transport": transport, "headers": ACCEPTED}
    return {"headers": ACCEPTED} if context is None else {"headers": ACCEPTED, "verify": context}


def sdk_options(key: SecretStr, base_url: str, timeout_s: float) -> SdkOptions:
    """What a client of the SDK is made with.

    Args:
        key: The API key.
        base_url: Where requests go.
        timeout_s: Seconds to wait for a connection's next byte.
    """
    import httpx

    mask_the_sdk_log()
    return {
        "api_key": key.get_secret_value(),
        "base_url": base_url,
        "timeout": httpx.Timeout(timeout_s, connect=5.0),
        # The SDK retries a POST whose answer got lost and sends no idempotency key: one lost answer would ring
        # a phone three times. Reads are retried by the connection, in `send`.
        "max_retries": 0,
    }
