"""Where a request may send what is said on a call: hosts of webhooks, look-ups, tools, custom models and e-mails.

Whoever gets these requests learns the whole conversation, so a request may name only hosts that the policy allows.
What an owner stored is the owner's, and what code gives to a graph is the developer's: neither is checked here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.errors import InvalidInput, Refused

_VARIABLE = re.compile(r"\{\{[^{}]{0,100}\}\}")
_URLS = ("webhook_url", "precall_lookup_url", "logo_url")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)


def check_hosts(policy: DialPolicy, written: Mapping[str, object]) -> None:
    """Check the hosts that a request writes into an assistant.

    Args:
        policy: Names the allowed hosts.
        written: Assistant fields as the request writes them, by Revox's names.

    Raises:
        InvalidInput: With code `invalid_url`: not an http(s) URL or an e-mail address, or a host that only means
            something inside a network.
        Refused: With code `host_not_allowed`.
    """
    for field, host in _hosts(written):
        if not _allowed(host, policy.allowed_hosts):
            raise Refused(
                f"{field} would send what is said on calls to {host}, which is not an allowed host.",
                code="host_not_allowed",
                next_step=f"Leave {field} out, or tell the user that DialPolicy.allowed_hosts must allow it.",
            )


def is_public_host(host: str) -> bool:
    """Whether a name or address means the same everywhere, and not only inside a network."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        # Numbers in other bases (0x7f000001, 2130706433) resolve to addresses, too.
        return (
            bool(_HOST.fullmatch(host.rstrip(".")))
            and not host.rstrip(".").lower().endswith((".local", ".internal", ".localhost", ".lan", ".home.arpa"))
            and not host.rstrip(".").rpartition(".")[2].isdecimal()
        )


def _hosts(written: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for field in _URLS:
        if written.get(field):
            yield field, _host_of(field, written[field])
    model = written.get("llm_model")
    if isinstance(model, Mapping) and model.get("api_url"):
        yield "llm_model.api_url", _host_of("llm_model.api_url", model["api_url"])
    tools = written.get("custom_tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else []):
        if isinstance(tool, Mapping):
            yield f"custom_tools.{number}.url", _host_of(f"custom_tools.{number}.url", tool.get("url"))
    addresses = written.get("email_notification_address")
    if addresses:
        for address in str(addresses).split(","):
            yield "email_notification_address", _mail_host(address.strip())


def _host_of(field: str, url: object) -> str:
    # A variable may stand in the path; in the host it could name any.
    text = _VARIABLE.sub("x", url) if isinstance(url, str) else ""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise _invalid(field, "it is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _invalid(field, "it is not a URL that begins with https:// and names a host")
    if isinstance(url, str) and "{{" in url.split("://", 1)[-1].split("/", 1)[0]:
        raise _invalid(field, "a variable stands in its host")
    if not is_public_host(host):
        raise _invalid(field, f"{host} can only be reached inside a network")
    return host.lower().rstrip(".")


def _mail_host(address: str) -> str:
    name, at, host = address.rpartition("@")
    if not (name and at and _HOST.fullmatch(host)):
        raise _invalid("email_notification_address", "it is not an e-mail address")
    return host.lower()


def _allowed(host: str, patterns: tuple[str, ...]) -> bool:
    return any(
        host.endswith(pattern[1:].lower()) if pattern.startswith("*.") else host == pattern.lower()
        for pattern in patterns
    )


def _invalid(field: str, why: str) -> InvalidInput:
    return InvalidInput(f"{field}: {why}.", code="invalid_url", next_step=f"Leave {field} out, or correct it.")
