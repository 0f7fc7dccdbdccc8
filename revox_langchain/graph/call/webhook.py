"""Where Revox posts that a graph's calls have ended, and which tools it uses during them. Code decides both.

They hold secrets: they stay in the settings of the graph and go into what is sent to Revox, never into state, questions
or names, which hold them as `without_secrets` shows them. A post is only a reason to look, so a call that none comes
for is noticed by looking.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from langchain_core.tools import BaseTool
from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.address import check_url
from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.decided import Decided
from revox_langchain.errors import InvalidInput, RevoxToolError
from revox_langchain.flow import Flow, Pause
from revox_langchain.operations.assistants import UpdateAssistant
from revox_langchain.operations.fields import REDACTED
from revox_langchain.operations.secrets import redacted_url, same_as_shown
from revox_langchain.results.order import objects_of
from revox_langchain.webhooks.call_tools import CallTools, decided_tools

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


def decided_by_code(
    connection: Connection,
    webhook_url: WebhookAddress | None,
    call_tools: CallTools | Sequence[BaseTool] | None,
    public_url: str | None,
) -> Decided:
    """Check what code decides of the assistants of a graph.

    Raises:
        InvalidInput: An address or a tool cannot be used, or one of tools and their address is missing.
    """
    decided = decided_tools(connection, call_tools, public_url)
    return replace(decided, webhook_url=webhook_address(webhook_url))


def does_not_have(assistant: JsonObject, decided: Decided) -> list[str]:
    """Warnings if a stored assistant, which is its owner's and not changed, posts elsewhere or lacks tools.

    That it has another token cannot be seen, since Revox's answers come without it.
    """
    warnings, name = [], f"Assistant {assistant.get('id')}"
    url = decided.webhook_url
    if url is not None and not same_as_shown(url.get_secret_value(), assistant.get("webhook_url")):
        where = redacted_url(url.get_secret_value())
        warnings.append(f"{name} does not post to {where}; the end of its calls is noticed by looking.")
    has = {tool.get("name"): tool.get("url") for tool in objects_of(assistant.get("custom_tools"))}
    tools = [] if decided.custom_tools is None else decided.custom_tools.get_secret_value()
    lacks = [str(tool["name"]) for tool in tools if not same_as_shown(tool["url"], has.get(tool["name"]))]
    if lacks:
        warnings.append(f"{name} does not have these call tools, or has them elsewhere: {', '.join(lacks)}.")
    return warnings


def keep_secrets(assistant_id: str, decided: Decided, *, existed: bool) -> Flow[list[str]]:
    """Have a kept assistant of ours use today's tokens, if it was not made with them; says what went wrong.

    Revox's answers never show the tokens, so that an assistant made for earlier ones looks the same.
    """
    fields = decided.fields(names_call=True)
    if decided.shown() == fields:
        return []
    tick = yield Pause(0)
    key = (tick.account, assistant_id)
    known = tick.account is not None and _LATELY.has(key, decided, tick.now_s)
    if not known:
        # Noted before it is sent: of many runs at once one is enough.
        _LATELY.note(key, decided, tick.now_s)
    if known or not existed:
        return []
    try:
        yield UpdateAssistant(assistant_id=assistant_id, settings=fields)
    except RevoxToolError as error:
        _LATELY.drop(key)
        return [
            f"Assistant {assistant_id} may post with an earlier token, since it could not be changed ({error.code}); "
            "the end of its calls is noticed by looking"
            + (", and its call tools may be refused." if decided.custom_tools else ".")
        ]
    return []


class _Lately:
    """Which secrets each assistant was given by this process, and when; the oldest are forgotten."""

    def __init__(self) -> None:
        self._given: OrderedDict[Hashable, tuple[Decided, float]] = OrderedDict()

    def has(self, key: Hashable, decided: Decided, now_s: float) -> bool:
        """Whether it was these, and not long ago: another process may have given others since."""
        held, at_s = self._given.get(key, (None, float("-inf")))
        return held == decided and now_s - at_s < _BELIEVED_S

    def note(self, key: Hashable, decided: Decided, now_s: float) -> None:
        """Note that an assistant is given secrets."""
        self.drop(key)
        self._given[key] = (decided, now_s)
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
