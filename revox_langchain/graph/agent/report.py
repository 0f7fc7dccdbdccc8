"""What an agent's turn ends with: a word for what has happened, and a sentence for the user."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

Happened = Literal["talked", "asks", "called", "not_reached", "not_called", "unknown"]


class CallReport(TypedDict):
    """Ends your turn: what you tell the user, and what has happened. Use it also to ask the user something."""

    # A dict, because it is kept in checkpoints, which take our own classes only for now.
    message: Annotated[str, Field(description="What you tell or ask the user, in the user's language.")]
    happened: Annotated[
        Happened,
        Field(
            description="talked: no call was asked for. asks: you need something from the user. called: someone was "
            "reached. not_reached: it rang, and no one was. not_called: it was refused, rejected or failed. unknown: "
            "it is not known whether it was placed, or how it ended."
        ),
    ]
    call_ids: Annotated[list[str], Field(description="Ids of the calls that this is about, as the tools gave them.")]
