"""Where Revox posts that a graph's calls have ended. Code decides it, and the address holds a secret.

It stays in the settings of the graph and goes into what is sent to Revox, never into state, questions or names: those
hold the address as `redacted_url` shows it. A post is only a reason to look, so a call that none comes for is noticed
by looking.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from urllib.parse import urlsplit

from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.address import check_url
from revox_langchain.errors import InvalidInput, RevoxToolError
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.assistants import UpdateAssistant
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.secrets import redacted_url, same_as_shown

WebhookAddress = str | SecretStr
"""As code gives it."""

_EXAMPLE = "https://example.com/revox/call-ended/<token>, as Webhooks.url() makes it"
_BELIEVED_S = 3600.0
_MOST_KEPT = 10_000


def webhook_address(given: WebhookAddress | None) -> SecretStr | None:
    """Check an address and keep it as a secret.

    Raises:
        InvalidInput: It is not the http(s) address of a server, without user, password, blanks and variables.
    """
    if given is None:
        return None
    url = given.get_secret_value() if isinstance(given, SecretStr) else given
    check_url(url, "webhook_url", _EXAMPLE)
    if any(sign.isspace() or not sign.isprintable() for sign in url) or "{{" in url or not _names_a_host(url):
        raise InvalidInput(f"The webhook_url {redacted_url(url)!r} is not valid.", next_step=f"Give {_EXAMPLE}.")
    if REDACTED in url:
        raise InvalidInput(
            f"The webhook_url {redacted_url(url)!r} is one as it is shown, without its secret.",
            next_step=f"Give the whole address: {_EXAMPLE}.",
        )
    return SecretStr(url)


def shown_webhook(url: SecretStr | None) -> JsonObject:
    """The field of an assistant's configuration as people and hashes may have it; empty without an address."""
    return {} if url is None else {"webhook_url": redacted_url(url.get_secret_value())}


def does_not_post(assistant: JsonObject, url: SecretStr | None) -> list[str]:
    """A warning if a stored assistant, which is its owner's and not changed, posts nowhere or elsewhere.

    That it posts there with another token cannot be seen, since Revox's answers come without it.
    """
    if url is None or same_as_shown(url.get_secret_value(), assistant.get("webhook_url")):
        return []
    where = shown_webhook(url)["webhook_url"]
    return [f"Assistant {assistant.get('id')} does not post to {where}; the end of its calls is noticed by looking."]


def keep_posting(assistant_id: str, url: SecretStr | None, *, existed: bool) -> Flow[list[str]]:
    """Have a kept assistant of ours post with today's token, if it was not made with it; says what went wrong.

    Revox's answers never show the token, so that an assistant made for an earlier one looks the same.
    """
    if url is None or redacted_url(url.get_secret_value()) == url.get_secret_value():
        return []
    tick = yield Pause(0)
    key = (tick.account, assistant_id)
    known = tick.account is not None and _LATELY.has(key, url, tick.now_s)
    if not known:
        # Noted before it is sent: of many runs at once one is enough.
        _LATELY.note(key, url, tick.now_s)
    if known or not existed:
        return []
    try:
        yield UpdateAssistant(assistant_id=assistant_id, webhook_url=url.get_secret_value())
    except RevoxToolError as error:
        _LATELY.drop(key)
        return [
            f"Assistant {assistant_id} may post with an earlier token, since it could not be changed ({error.code}); "
            "the end of its calls is noticed by looking."
        ]
    return []


class _Lately:
    """Which address each assistant was given by this process, and when; the oldest are forgotten."""

    def __init__(self) -> None:
        self._given: OrderedDict[Hashable, tuple[SecretStr, float]] = OrderedDict()

    def has(self, key: Hashable, url: SecretStr, now_s: float) -> bool:
        """Whether it was this address, and not long ago: another process may have given another one since."""
        held, at_s = self._given.get(key, (None, float("-inf")))
        return held == url and now_s - at_s < _BELIEVED_S

    def note(self, key: Hashable, url: SecretStr, now_s: float) -> None:
        """Note that an assistant is given an address."""
        self.drop(key)
        self._given[key] = (url, now_s)
        while len(self._given) > _MOST_KEPT:
            self._given.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Forget an assistant."""
        self._given.pop(key, None)


_LATELY = _Lately()
"""Of the process, not of a graph: a program may build the graph anew for every request."""


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
