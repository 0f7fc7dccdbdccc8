"""What a set of tools is made from, whoever serves it."""

from __future__ import annotations

from typing import Protocol

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.decided import Decided
from revox_langchain.dialing.guard import Guard
from revox_langchain.operations.operation import Request, Risk


class Offer(Protocol):
    """What is offered, to whom and within which limits; a `RevoxToolkit` is one."""

    @property
    def connection(self) -> Connection:
        """The account to use."""

    @property
    def scope(self) -> str:
        """Whose budget counts for calls outside of LangGraph threads."""

    @property
    def highest_risk(self) -> Risk:
        """The riskiest kind of request on offer."""

    @property
    def decided(self) -> Decided:
        """What code decided of the assistants that requests make."""

    def requests(self) -> list[type[Request]]:
        """The operations and procedures on offer."""

    def guard(self) -> Guard:
        """The policy and budget they share."""

    def instructions(self) -> str:
        """The order of steps and the rules of safety, for a model."""
