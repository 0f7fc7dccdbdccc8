"""What a model reads about phone numbers and the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from revox_langchain.answers import JsonObject
from revox_langchain.operations.render.text import (
    counted,
    fenced,
    one_line,
    table,
    word,
)

if TYPE_CHECKING:
    from revox_langchain.operations.operation import Request


def phone_numbers(answer: JsonObject, request: Request | None = None) -> str:
    """Own numbers as a table."""
    rows = [(n["id"], n["phone_number"], n["type"], n.get("label") or "-") for n in answer["phone_numbers"]]
    head = counted(len(rows), "phone number") + " of yours."
    return table(head, ("phone_number_id", "number", "type", "label"), rows, "there is no paging")


def phone_number(answer: JsonObject, request: Request | None = None) -> str:
    """One own number."""
    n = answer["phone_number"]
    inbound = (n.get("inbound_assistant") or {}).get("id") or "no assistant"
    return "\n".join(
        [
            f"Number {word(n['phone_number'])} ({word(n['id'])}) is answered by {word(inbound)}.",
            *fenced([f"label: {one_line(n.get('label'), 80)}"]),
        ]
    )


def auth_status(answer: JsonObject, request: Request | None = None) -> str:
    """Whether the key works."""
    return "The API key is valid." if answer.get("authenticated") else "The API key is not valid. Set REVOX_API_KEY."


def user(answer: JsonObject, request: Request | None = None) -> str:
    """Who the key belongs to."""
    u = answer["user"]
    return "\n".join(
        [
            f"User {word(u['id'])} of organisation {word(u['organization_id'])}, "
            f"country {word(u.get('organization_country') or 'unset')}.",
            *fenced([f"e-mail: {one_line(u.get('email'), 100)}"]),
        ]
    )
