"""Where Revox reaches us from outside: what it sends there is secret, so that it must not travel in the open."""

from __future__ import annotations

from urllib.parse import urlsplit

from revox_langchain.connection.address import check_url
from revox_langchain.dialing.hosts import is_public_host
from revox_langchain.errors import InvalidInput

_EXAMPLE = "https://example.com/revox, under which Revox reaches Webhooks"


def checked_public_url(url: str | None) -> str:
    """Check the address of our app, and take the slash off its end.

    Raises:
        InvalidInput: It is missing, not one of a server, or http on a host of the internet.
    """
    if not url:
        raise InvalidInput("There is no public_url.", next_step=f"Give public_url, such as {_EXAMPLE}.")
    check_url(url, "public_url", _EXAMPLE)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or "{{" in url or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise InvalidInput("The public_url is not valid.", next_step=f"Give one such as {_EXAMPLE}.")
    if parts.query or parts.fragment:
        raise InvalidInput("The public_url has a query or a fragment.", next_step=f"Give one such as {_EXAMPLE}.")
    if parts.scheme == "http" and is_public_host(host):
        raise InvalidInput(
            f"The public_url is http, and {host} lies in the internet: tokens and words would travel in the open.",
            next_step="Give its https address.",
        )
    return url.rstrip("/")
