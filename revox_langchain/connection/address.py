"""Which addresses of a server may be used."""

from __future__ import annotations

import re

from revox_langchain.errors import InvalidInput
from revox_langchain.operations.secrets import redacted_url


def check_url(url: str, what: str, example: str) -> None:
    """Refuse what is not the http(s) address of a server, or would show a password wherever the address is shown.

    Raises:
        InvalidInput: Naming `what`, and giving an `example`.
    """
    if not re.match(r"https?://[^/\s]+", url):
        raise InvalidInput(f"The {what} {redacted_url(url)!r} is not valid.", next_step=f"Give one such as {example}.")
    if "@" in re.split(r"[/?#\\]", url, maxsplit=3)[2]:
        raise InvalidInput(
            f"The {what} {redacted_url(url)!r} holds a user name or password.",
            next_step="Leave it out; the API key is all that is needed.",
        )
